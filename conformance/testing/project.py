"""One test's project: its application, its callers, its journal. Everything here runs on the loop of the emulator."""

import asyncio
import contextlib
import os
import random
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..targets.embedded import EmbeddedProject, Fault, Post
from .applications import Application, application_of, url_of
from .caller import Caller, Talker
from .errors import ExpectationFailed, WrongUse
from .journal import Journal
from .process import START, Program
from .virtual_loop import VirtualLoop

if TYPE_CHECKING:
    from ..client.phone import Phone
    from .browser import Browser

Transport = Literal["tls", "tcp", "udp"]
Via = Literal["sip", "memory"]
HERE = Path(__file__).parent
TEARDOWN = 5.0
"""Seconds that the calls of a test may take to end behind it."""


class ProjectOfTest:
    """Made by `EmulatorThread.open_project`. `leaks`, `end_programs` and `close` end it, in this order."""

    def __init__(self, project: EmbeddedProject, *, rng: random.Random | None, patience: float = 1.0) -> None:
        self.project = project
        self.journal = Journal(project, patience)
        self._rng = rng
        self._applications: list[Application] = []
        self._at_work: set[asyncio.Future[None]] = set()
        self._phones: dict[Transport, Phone] = {}
        self._lines: list[Phone] = []
        self._callers: list[Talker] = []
        self._open = contextlib.AsyncExitStack()
        self._environment: dict[str, str] | None = None
        self.programs: list[Program] = []

    # Input

    async def webhook(self, application: Any, path: str) -> None:
        """Tell that URL or application object of incoming calls."""
        if isinstance(application, str):
            self.project.add_webhook(application)
            return
        called = application_of(application, path)
        self._applications.append(called)
        number = len(self._applications)
        # Virtual time would be over before an application that waits for a socket.
        limit = None if isinstance(asyncio.get_running_loop(), VirtualLoop) else self.journal.patient(START)
        try:
            async with asyncio.timeout(limit):
                await called.open()
        except TimeoutError:
            raise WrongUse(f"the application does not start: its lifespan has said nothing for {limit:g} s") from None
        self.project.add_webhook(f"{url_of(path)}?application={number}", self._answering(called.post))

    async def browse(self, session: Mapping[str, Any] | None, secret: str | None, through: str | None) -> "Browser":
        """Call from a browser."""
        from .browser import SESSION, browse

        if session is None and secret is None:
            session = SESSION
        known = self.project
        page = await browse(known.base_url, self.journal, key=secret or known.api_key, session=session, through=through)
        self._callers.append(page)
        return page

    async def put_faults(self, faults: Sequence[Fault]) -> None:
        """From now on these go wrong, and no others."""
        self.project.put_faults(faults)

    async def environment(self) -> dict[str, str]:
        """What a process needs to meet this project where it meant api.openai.com."""
        if self._environment is None:
            self._environment = await self._open.enter_async_context(self.project.redirected(dict(os.environ)))
        return self._environment

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        cwd: str | Path | None,
    ) -> Program:
        """Run a program. It is ended by `close`."""
        program = Program(command, environment=environment, cwd=cwd, patient=self.journal.patient)
        self.programs.append(program)
        return program

    def end_programs(self) -> None:
        """Before `close`; not on the loop, for that must go on serving them."""
        for program in self.programs:
            program.stop()

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

    async def leaks(self) -> list[str]:
        """What the test has left open, in words."""
        return [*await self._left_open(), *self._left_unread()]

    async def close(self) -> None:
        """Hang up what is still up, and forget everything."""
        await self.hang_up()
        self.project.close()

    async def hang_up(self) -> None:
        """Hang up what is still up. Nobody may call after it."""
        for caller in self._callers:
            if not caller.is_over and not isinstance(caller, Caller):
                await caller.hang_up()
        for phone in (*self._phones.values(), *self._lines):
            await phone.close()
        if self._at_work:  # else it would find the environment of the next test, or none
            await asyncio.wait(self._at_work, timeout=self.journal.patient(TEARDOWN))
        for application in self._applications:
            await application.close()
        await self._open.aclose()

    # Private

    def _answering(self, post: Post) -> Post:
        """As a server has it: whatever an application raises is answered 500, and told of."""

        async def answered(headers: Mapping[str, str], body: bytes) -> int:
            done = asyncio.get_running_loop().create_future()
            self._at_work.add(done)
            try:
                return await post(headers, body)
            except Exception as error:  # noqa: BLE001 — an application is no part of us: nothing it raises is ours
                self.journal.raised.append("".join(traceback.format_exception(_theirs(error))))
                return 500
            finally:
                self._at_work.discard(done)
                done.set_result(None)

        return answered

    async def _left_open(self) -> list[str]:
        """What should have been over when the test was. Whatever only needs a moment gets it."""
        left = [f"call {call_id} was not ended: hang up, or expect `call.ended()`" for call_id in self._open_calls()]
        if left or not self._unfinished():
            return left
        within = self.journal.patient(TEARDOWN)
        try:
            await self.journal.until(lambda: not self._unfinished(), within, "the end of everything")
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


def _theirs(error: Exception) -> Exception:
    """Its traceback begins where the application does."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None and HERE in Path(step.tb_frame.f_code.co_filename).parents:
        step = step.tb_next
    return error.with_traceback(step)
