"""An asyncio loop on which time stands still until somebody waits, and then jumps to what is due.

Sockets are real, and loopback hands over at once: what this process sends itself has arrived when the sender's call
returns. So the loop asks the sockets first, and moves its time only when nobody has anything to do. Work in threads
(a name looked up, a synchronous application) takes real time, and time stands still for it.
"""

import asyncio
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

__all__ = ["VirtualLoop"]

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is in virtual seconds since the loop was made. It moves while `movers` is above 0, and nothing holds it.

    `is_held` says that something is under way whose end no timer knows: a request to an application, say. Then time
    passes as it really does: to each timer in full, and with `counts_waits` also by what was waited for the sockets,
    without which somebody who sends all the time would keep timers from coming.
    """

    def __init__(self, is_held: Callable[[], bool] = lambda: False, *, counts_waits: bool = False) -> None:
        self.movers = 0
        self.is_held = is_held
        self.counts_waits = counts_waits
        self._time = 0.0
        self._in_threads = 0
        self._idlers: list[asyncio.Future[None]] = []
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._time

    def jump(self, seconds: float) -> None:
        """Let virtual time pass; for the selector."""
        self._time += seconds

    async def idle(self) -> None:
        """Return when nobody has anything to do at this moment, and nothing holds the loop."""
        future: asyncio.Future[None] = self.create_future()
        self._idlers.append(future)
        await future

    def wake_idlers(self) -> bool:
        """For the selector: whether somebody waited for this moment."""
        woken, self._idlers = self._idlers, []
        for future in woken:
            if not future.done():
                future.set_result(None)
        return bool(woken)

    @property
    def may_jump(self) -> bool:
        return self.movers > 0 and not self._in_threads and not self.is_held()

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Arguments]], T], *args: *Arguments
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._in_threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: "asyncio.Future[Any]") -> None:
        self._in_threads -= 1


class _JumpingSelector(selectors.DefaultSelector):
    """Polls; when nothing is ready and the loop would wait for a timer, moves the loop's time there instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready or timeout == 0:
            return ready
        if not self._loop.movers:
            found: list[tuple[selectors.SelectorKey, int]] = super().select(None)
            return found  # time stands still until another thread asks for something
        if self._loop.may_jump and self._loop.wake_idlers():
            return []
        if timeout is not None and self._loop.may_jump:
            self._loop.jump(timeout)
            return []
        began = time.monotonic()
        ready = super().select(timeout)
        if not ready and timeout is not None:
            self._loop.jump(timeout)
        elif self._loop.counts_waits:
            self._loop.jump(time.monotonic() - began)
        return ready
