"""What the fixture `aringback` is: the same names as `ringback` has, as coroutines of the test's own loop."""

import asyncio
import functools
import inspect
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from ..targets.embedded import Fault
from .browser import Browser
from .caller import Caller
from .clock import seconds_of
from .emulator_thread import EmulatorThread
from .journal import Journal
from .loop_thread import LoopThread
from .process import START, Program
from .project import ProjectOfTest, Transport, Via
from .synchronous import Facts, needs_manual

T = TypeVar("T")


class Elsewhere:
    """An object of the emulator's loop, as the test's loop sees it: its coroutines run over there."""

    def __init__(self, thread: LoopThread, target: object) -> None:
        self._thread = thread
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not inspect.iscoroutinefunction(value):
            return value

        @functools.wraps(value)
        async def over_there(*args: Any, **options: Any) -> Any:
            return await self._thread.wait(value(*args, **options))

        return over_there


def elsewhere(thread: LoopThread, target: T) -> T:
    """`target` with its coroutines run on the loop of `thread`; to everybody else, it is what it was."""
    return cast(T, Elsewhere(thread, target))


class Clock:
    """The clock of `@pytest.mark.ringback(clock="manual")`: it stands still unless the test waits for something."""

    def __init__(self, emulator: EmulatorThread) -> None:
        self._emulator = emulator

    async def advance(self, duration: float | str) -> None:
        """Let time pass: seconds, or words such as `"61 min"`. Whatever is due on the way happens at its time."""
        await needs_manual(self._emulator, "advance").wait(self._emulator.advance(seconds_of(duration)))

    async def run_until_idle(self) -> None:
        """Return when nobody has anything to do at this moment. Time does not move."""
        await needs_manual(self._emulator, "run_until_idle").wait(self._emulator.run_until_idle())

    async def now(self) -> float:
        """Unix time by the emulator's clock."""
        return await self._emulator.thread.wait(self._emulator.now())


class AsyncRingback(Facts):
    """One test's project in a running emulator; see `Ringback`."""

    def __init__(self, emulator: EmulatorThread, project: ProjectOfTest, faults: Iterable[Fault] = ()) -> None:
        super().__init__(emulator, project, faults)
        self.journal: Journal = elsewhere(emulator.thread, project.journal)
        self.clock = Clock(emulator)

    async def webhook(self, application: Any, *, path: str = "/") -> None:
        """Who is told of calls: a URL, or an ASGI, WSGI or aiohttp application object that is called in this process,
        by `POST path`."""
        await self._thread.wait(self._project.webhook(application, path))

    async def start(
        self,
        *command: str | Path,
        ready: str | re.Pattern[str] | None = None,
        within: float = START,
        cwd: str | Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Program:
        """Run an application as a process; see `Ringback.start`."""
        redirected = await self._thread.wait(self._project.environment())
        program = self._project.start([os.fspath(word) for word in command], {**redirected, **(environment or {})}, cwd)
        if ready is not None:
            await asyncio.to_thread(program.prints, ready, within)
        return program

    async def dial(
        self,
        *,
        from_: str = "+14255550100",
        to: str | None = None,
        headers: Mapping[str, str] | None = None,
        transport: Transport = "tls",
        via: Via = "sip",
    ) -> Caller:
        """Call the application, over SIP and RTP or from hand to hand. Returns at once; the call then rings."""
        caller = await self._thread.wait(self._project.dial(from_, to, headers or {}, transport, via))
        return elsewhere(self._thread, caller)

    async def browse(
        self, *, session: Mapping[str, Any] | None = None, secret: str | None = None, through: str | None = None
    ) -> Browser:
        """Call from a browser; see `Ringback.browse`."""
        self._may_browse()
        page = await self._thread.wait(self._project.browse(session, secret, through))
        return elsewhere(self._thread, page)
