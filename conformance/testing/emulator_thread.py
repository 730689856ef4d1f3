"""One emulator in a thread of its own, shared by the tests of a process."""

import asyncio
import random
from collections.abc import Iterable
from typing import Any

from ..targets.embedded import EmbeddedEmulator, Fault
from .loop_thread import LoopThread
from .project import ProjectOfTest
from .virtual_loop import VirtualLoop

SEED = 20260101
"""Of every id under the manual clock: two runs are alike."""


class EmulatorThread:
    """`open_project` gives each test its own. With `virtual`, time moves only while a test waits."""

    def __init__(self, *, virtual: bool = False, **settings: Any) -> None:
        self.is_virtual = virtual
        self._projects = 0
        self._loop = VirtualLoop() if virtual else asyncio.new_event_loop()
        self.thread = LoopThread(self._loop)
        self.emulator = EmbeddedEmulator(virtual=virtual, seed=SEED if virtual else None, **settings)
        if isinstance(self._loop, VirtualLoop):
            self._loop.is_held = lambda: self.emulator.is_waiting
        try:
            self.thread.run(self.emulator.start())
        except BaseException:
            self.thread.close()
            raise

    def open_project(self, faults: Iterable[Fault] = (), patience: float = 1.0) -> ProjectOfTest:
        """A tenant with nothing of another test's in it. Virtual time needs no patience: it waits for the work."""
        return self.thread.run(self._open_project(faults, 1.0 if self.is_virtual else patience))

    async def now(self) -> float:
        """Unix time by the emulator's clock."""
        return self.emulator.now()

    async def advance(self, seconds: float) -> None:
        """Let so much time pass. Only on a virtual loop."""
        await asyncio.sleep(seconds)

    async def run_until_idle(self) -> None:
        """Return when nobody on the loop has anything to do at this moment, and no application a webhook in hand."""
        assert isinstance(self._loop, VirtualLoop)
        await self._loop.idle()

    def close(self) -> None:
        """End the emulator and its thread. Safe to call twice."""
        self.thread.run(self.emulator.stop())
        self.thread.close()

    async def _open_project(self, faults: Iterable[Fault], patience: float) -> ProjectOfTest:
        rng = random.Random(SEED + self._projects) if self.is_virtual else None
        self._projects += 1  # phones of two projects have ids of their own
        return ProjectOfTest(self.emulator.project(faults=faults), rng=rng, patience=patience)
