"""One test's project: its application, its callers, its journal. Everything here runs on the loop of the emulator."""

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ..targets.embedded import EmbeddedProject
from .applications import Application, application_of, url_of
from .caller import Caller
from .errors import ExpectationFailed
from .journal import Journal

if TYPE_CHECKING:
    from ..client.phone import Phone

Transport = Literal["tls", "tcp", "udp"]
Via = Literal["sip", "memory"]
TEARDOWN = 5.0
"""Seconds that the calls of a test may take to end behind it."""


class ProjectOfTest:
    """Made by `EmulatorThread.open_project`. Give it to `close` at the end, which says what was left open."""

    def __init__(self, project: EmbeddedProject, *, rng: random.Random | None) -> None:
        self.project = project
        self.journal = Journal(project)
        self._rng = rng
        self._applications: list[Application] = []
        self._phones: dict[Transport, Phone] = {}
        self._lines: list[Phone] = []
        self._callers: list[Caller] = []

    # Input

    async def webhook(self, application: Any, path: str) -> None:
        """Tell that URL or application object of incoming calls."""
        if isinstance(application, str):
            self.project.add_webhook(application)
            return
        called = application_of(application, path)
        self._applications.append(called)
        number = len(self._applications)
        self.project.add_webhook(f"{url_of(path)}?application={number}", called.post)

    async def dial(
        self, from_: str, to: str | None, headers: Mapping[str, str], transport: Transport, via: Via
    ) -> Caller:
        """Send an INVITE."""
        if via == "memory":
            phone, uri = await self._line(), f"sip:{self.project.id}@127.0.0.1;transport=tls"
        else:
            phone, uri = await self._phone(transport), self.project.sip[transport]
        call = await phone.dial(uri, from_=from_, to=to, headers=tuple(headers.items()))
        caller = Caller(call, self.journal)
        self._callers.append(caller)
        return caller

    async def close(self) -> list[str]:
        """Hang up what is still up, and forget everything. What was open before that, in words."""
        left = [*await self._left_open(), *self._left_unread()]
        for phone in (*self._phones.values(), *self._lines):
            await phone.close()
        for application in self._applications:
            await application.close()
        self.journal.close()
        self.project.close()
        return left

    # Private

    async def _left_open(self) -> list[str]:
        """What should have been over when the test was. Whatever only needs a moment gets it."""
        left = [f"call {call_id} was not ended: hang up, or expect `call.ended()`" for call_id in self._open_calls()]
        if left or not self._unfinished():
            return left
        try:
            await self.journal.until(lambda: not self._unfinished(), TEARDOWN, "the end of everything")
        except ExpectationFailed:
            return self._unfinished()
        return []

    def _left_unread(self) -> list[str]:
        """What a strict scenario has noticed."""
        unmatched = [record.data["message"] for record in self.project.records("scenario.unmatched")]
        return unmatched + [f"the application never came to {step}" for step in self.project.unread_steps]

    def _unfinished(self) -> list[str]:
        left = [f"call {call_id} does not end" for call_id in self.project.open_calls]
        left += [f"a webhook was not delivered: {line}" for line in self.project.pending_webhooks]
        return left + [f"{name} is still attached" for name in self.project.open_channels]

    def _open_calls(self) -> list[str]:
        mine = {caller.id for caller in self._callers if not (caller.is_over or caller.is_ending)}
        return [call_id for call_id in self.project.open_calls if call_id in mine]

    async def _line(self) -> "Phone":
        from ..client.memory import MemoryPhone

        phone = await MemoryPhone(self.project.connect, rng=self._rng).__aenter__()
        self._lines.append(phone)
        return phone

    async def _phone(self, transport: Transport) -> "Phone":
        from ..client.phone import Phone

        phone = self._phones.get(transport)
        if phone is None:
            phone = Phone(transport=transport, ca_file=self.project.ca_file, rng=self._rng)
            self._phones[transport] = await phone.__aenter__()
        return phone
