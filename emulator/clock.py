"""Clocks: the system's, and one that stands still until a test moves it."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import UsageError


class SystemClock:
    """Wall time when it was made, plus what a monotonic clock has counted since: a set-back of the system's time is
    never seen. Callbacks run on the asyncio loop that is running when they are asked for."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        return self._offset + time.monotonic()

    def call_at(self, when: float, callback: Callable[[], None], /) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, when - self.now()), callback)


class LoopClock:
    """The time of the asyncio loop that runs, where that is not the system's. Its 0 is `start`, Unix time."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._start = start

    def now(self) -> float:
        return self._start + asyncio.get_running_loop().time()

    def call_at(self, when: float, callback: Callable[[], None], /) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_at(when - self._start, callback)


@dataclass(order=True, slots=True)
class _Timer:
    when: float
    sequence: int
    callback: Callable[[], None] = field(compare=False)
    is_cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.is_cancelled = True


class ManualClock:
    """A clock for tests: it moves by `advance` and `advance_to` only, and those run the callbacks on their way."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self._timers: list[_Timer] = []
        self._sequence = itertools.count()

    def now(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], None], /) -> _Timer:
        timer = _Timer(when, next(self._sequence), callback)
        heapq.heappush(self._timers, timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.advance_to(self._now + seconds)

    def advance_to(self, when: float) -> None:
        """Go to `when`. Each callback on the way sees its own time; one that a callback asks for is run as well."""
        if when < self._now:
            raise UsageError(f"a clock never goes back: it is {self._now}, and {when} is earlier")
        while (next_at := self.next_at) is not None and next_at <= when:
            timer = heapq.heappop(self._timers)
            self._now = max(self._now, timer.when)
            timer.callback()
        self._now = when

    @property
    def next_at(self) -> float | None:
        """When the next callback is due; None when nobody waits."""
        while self._timers and self._timers[0].is_cancelled:
            heapq.heappop(self._timers)
        return self._timers[0].when if self._timers else None
