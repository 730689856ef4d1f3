"""An emulator in this process for tests of an application: a project of its own for each test, and its journal."""

import contextlib
import tempfile
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from ringback.emulator.calls.project import Project
from ringback.emulator.clock import LoopClock, SystemClock
from ringback.emulator.config import Settings
from ringback.emulator.faults.plan import Fault
from ringback.emulator.journal import Entry, Journal
from ringback.emulator.model.builder import ScenarioBuilder
from ringback.emulator.server import Emulator
from ringback.emulator.timeline import ladder, steps
from ringback.emulator.transports.environment import Redirection, child_environment
from ringback.emulator.transports.redirect import Redirect, Upstream

from ..client.memory import Caller, Line
from .emulator import FREE_PORTS

__all__ = ["EmbeddedEmulator", "EmbeddedProject", "Fault", "Pictured", "Post", "Record", "ScenarioBuilder"]

Post = Callable[[Mapping[str, str], bytes], Awaitable[int]]
"""Delivers one webhook by a call: headers and body, and the status that comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One entry of the journal. `at` is Unix time by the emulator's clock; `docs/journal.md` lists the kinds."""

    sequence: int
    at: float
    kind: str
    call_id: str | None
    sip_call_id: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictured:
    """A record with its place in the picture of a call: an arrow between the emulator and a `side`, or with no `side` a
    note; without a `label` the picture leaves it out."""

    record: Record
    label: str | None = None
    side: Literal["caller", "application"] | None = None
    inward: bool = False


class EmbeddedEmulator:
    """One emulator on free ports of the loop that runs. With `virtual` its clock is the loop's."""

    def __init__(self, *, virtual: bool = False, seed: int | None = None, **settings: Any) -> None:
        clock = LoopClock() if virtual else SystemClock()
        self._emulator = Emulator(Settings(**(FREE_PORTS | {"seed": seed} | settings)), clock=clock)

    async def start(self) -> None:
        await self._emulator.start()

    async def stop(self) -> None:
        await self._emulator.stop()

    def now(self) -> float:
        return self._emulator.clock.now()

    def project(self, *, faults: Iterable[Fault] = ()) -> "EmbeddedProject":
        """A tenant of its own."""
        return EmbeddedProject(self._emulator, self._emulator.add_project(faults=faults))

    @property
    def is_waiting(self) -> bool:
        """Whether an application has a webhook or a request in hand, whose end no clock knows."""
        return self._emulator.requests_under_way > 0


class EmbeddedProject:
    """What a test's application needs to know, and what the test sees of it: what happened `since` that record of the
    journal, without it from now on."""

    def __init__(self, emulator: Emulator, project: Project, *, since: int | None = None) -> None:
        self._emulator = emulator
        self._project = project
        self._builder: ScenarioBuilder | None = None
        self._kept = _Kept(emulator.journal, project.id, emulator.journal.last_sequence if since is None else since)
        ready = emulator.ready_for(project)
        self.id = project.id
        self.api_key = ready.api_key
        self.webhook_secret = ready.webhook_secret
        self.base_url = ready.base_url
        self.sip = ready.sip
        self.ca_file = ready.ca_file

    # Input

    def add_webhook(self, url: str, post: Post | None = None) -> None:
        """Post `realtime.call.incoming` to that URL, or by a call of `post`. Raises `UsageError`."""
        self._emulator.add_webhook(self._project, url, post)

    def connect(self, caller: Caller) -> Line:
        """A line for a phone of this process."""
        return self._emulator.connect(caller)

    @property
    def scenario(self) -> ScenarioBuilder:
        """What plays in this project's sessions, to be written as the test goes. Not strict: what it does not answer,
        the built-in model does."""
        if self._builder is None:
            self._builder = ScenarioBuilder(self.id)
            self._emulator.scenarios.choose(self.id, self._builder)
        return self._builder

    def play(self, source: Any) -> None:
        """A scenario by its name or file, as data, or as an object. Raises `UsageError` for what is none."""
        self._emulator.scenarios.choose(self.id, source)

    def put_faults(self, faults: Iterable[Fault]) -> None:
        """From now on these go wrong, and no others."""
        self._emulator.faults.put(self.id, tuple(faults))

    @contextlib.asynccontextmanager
    async def redirected(self, environ: Mapping[str, str]) -> AsyncIterator[dict[str, str]]:
        """`environ` as a program needs it to meet this project where it meant api.openai.com; as `ringback exec`."""
        ready = self._emulator.ready_for(self._project)
        https = urlsplit(ready.https_base_url)
        assert https.hostname is not None
        assert https.port is not None
        redirect = Redirect(https=(https.hostname, https.port), upstream=Upstream.of(environ))
        with tempfile.TemporaryDirectory(prefix="ringback-") as folder:
            await redirect.start()
            try:
                redirection = Redirection(
                    base_url=ready.base_url,
                    api_key=ready.api_key,
                    webhook_secret=ready.webhook_secret,
                    ca_file=Path(ready.ca_file),
                    target=redirect.target,
                    proxy_port=redirect.proxy_port,
                )
                yield child_environment(environ, redirection, folder=Path(folder))
            finally:
                await redirect.stop()

    def close(self) -> None:
        """Forget the project. What of it is open goes on until it ends; what happened can still be read."""
        self._emulator.remove_project(self._project)
        self._kept.close()

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every new record of this project."""
        self._kept.listener = listener

    # Queries

    def records(self, kind: str | None = None, *, after: int = 0) -> list[Record]:
        """Those of the kind (`sip` has `sip.sent`) that are newer than the one with that `sequence`, oldest first."""
        return [_record(entry) for entry in self._kept.entries(after) if _is_of(kind, entry)]

    def ladder(self) -> list[str]:
        """The journal as a picture."""
        return ladder(self._kept.entries())

    def pictured(self) -> list[Pictured]:
        """Every record, and how the picture shows it."""
        return [_pictured(entry) for entry in self._kept.entries()]

    @property
    def waiting_steps(self) -> list[str]:
        """The steps of the scenario that is written as the test goes which nothing has called for yet."""
        if self._builder is None or not self._builder.turns:
            return []
        scenario = self._builder.build()
        used = self._emulator.scenarios.casting.used(self.id, scenario)
        return [str(step) for step in scenario.unread(used)]

    @property
    def open_calls(self) -> list[str]:
        """Ids of the calls that have not ended."""
        return self._emulator.open_calls(self._project)

    @property
    def open_channels(self) -> list[str]:
        """The sidebands and other event channels of this project that are attached, one word each."""
        attached = [record.data["channel"] for record in self.records("channel.attached")]
        gone = {record.data["channel"] for record in self.records("channel.detached")}
        return [channel for channel in attached if channel not in gone]

    @property
    def unread_steps(self) -> list[str]:
        """The turns of a strict scenario that were never played."""
        return [str(step) for step in self._emulator.scenarios.unread(self.id)]

    @property
    def pending_webhooks(self) -> list[str]:
        """Each delivery that is not over, in a line."""
        return self._emulator.pending_webhooks(self._project)


class _Kept:
    """One project's part of a journal since a record, in its order. Whoever waits for something asks at every new
    entry: those of all other tests are not read each time."""

    def __init__(self, journal: Journal, project_id: str, since: int) -> None:
        self._journal = journal
        self._project_id = project_id
        self._since = since
        self._entries: list[Entry] = []
        self._dialogs: set[str] = set()
        self.listener: Callable[[], None] = lambda: None
        for entry in journal.entries(after=since):
            self._look(entry)
        self.close = journal.subscribe(self._look)

    def entries(self, after: int = 0) -> list[Entry]:
        """Those that are newer than the one with that `sequence`."""
        return self._entries[self._place(after) :]

    def _look(self, entry: Entry) -> None:
        dialog = entry.sip_call_id
        if entry.project_id == self._project_id:
            if dialog is not None and entry.call_id is not None and dialog not in self._dialogs:
                self._dialogs.add(dialog)
                self._join(dialog, before=entry.sequence)
        elif dialog is None or dialog not in self._dialogs:
            return
        self._entries.append(entry)
        oldest = self._journal.last_sequence - len(self._journal)
        if self._entries[0].sequence <= oldest:  # what the journal has let go
            del self._entries[: self._place(oldest)]
            self._dialogs = {entry.sip_call_id for entry in self._entries if entry.sip_call_id is not None}
        self.listener()

    def _join(self, dialog: str, *, before: int) -> None:
        """The SIP messages with which it began came before anybody knew whose it is."""
        for entry in self._journal.entries(after=self._since):
            if entry.sequence >= before:
                return
            if entry.sip_call_id == dialog and entry.project_id != self._project_id:
                self._entries.insert(self._place(entry.sequence), entry)

    def _place(self, sequence: int) -> int:
        """How many are as old as that one, or older."""
        return bisect_right(self._entries, sequence, key=lambda entry: entry.sequence)


def _is_of(kind: str | None, entry: Entry) -> bool:
    return kind is None or entry.kind == kind or entry.kind.startswith(kind + ".")


def _pictured(entry: Entry) -> Pictured:
    record = _record(entry)
    step = next(steps([entry]), None)
    if step is None:
        return Pictured(record=record)
    return Pictured(record=record, label=step.label, side=step.side, inward=step.inward)


def _record(entry: Entry) -> Record:
    return Record(
        sequence=entry.sequence,
        at=entry.at,
        kind=entry.kind,
        call_id=entry.call_id,
        sip_call_id=entry.sip_call_id,
        data=dict(entry.data),
    )
