"""The deadlines of all engines, in one heap, on one clock. Nothing is scanned and nothing polls."""

import heapq
from collections.abc import Callable, Hashable
from typing import NamedTuple, Protocol

Handle = Callable[[float], None]
"""What an owner does when its deadline is there. It gets the clock's `now`."""

_STALE_ENTRIES = 64
"""So many dead entries are not worth tidying up."""


class Cancellable(Protocol):
    """A callback that waits for its time."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """`now()` is Unix time in seconds and never goes back; `call_at` runs a callback once at or after that time."""

    def now(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], None], /) -> Cancellable: ...


class _Entry(NamedTuple):
    """In the order of `when`; no two have one `sequence`, so that owners are never compared."""

    when: float
    sequence: int
    owner: Hashable


class Deadlines:
    """One deadline for each owner. Call `arm` again after an engine was fed; only the earliest has a timer.

    Owners whose time has come are called in the order of their deadlines. One that raises does not hold up the others:
    `on_bug` gets its error; without it, the error leaves through the clock's callback.
    """

    def __init__(self, clock: Clock, *, on_bug: Callable[[Exception], None] | None = None) -> None:
        self._clock = clock
        self._on_bug = on_bug
        self._heap: list[_Entry] = []
        self._armed: dict[Hashable, _Entry] = {}
        self._handles: dict[Hashable, Handle] = {}
        self._sequence = 0
        self._timer: Cancellable | None = None
        self._timer_at = 0.0
        self._is_running = False
        self._is_closed = False

    # Input

    def arm(self, owner: Hashable, deadline: float | None, handle: Handle) -> None:
        """Call `handle(now)` once when `deadline` is there. It replaces the owner's earlier one; None takes it back."""
        entry = self._armed.get(owner)
        if deadline is None or self._is_closed:
            if entry is not None:
                del self._armed[owner], self._handles[owner]
            return
        self._handles[owner] = handle
        if entry is not None and entry.when == deadline:
            return
        self._sequence += 1
        entry = self._armed[owner] = _Entry(deadline, self._sequence, owner)
        heapq.heappush(self._heap, entry)
        if len(self._heap) > 2 * len(self._armed) + _STALE_ENTRIES:
            self._heap = sorted(self._armed.values())
        self._set_timer()

    def close(self) -> None:
        """Forget every deadline. Whoever arms one from now on is not called."""
        self._is_closed = True
        self._armed.clear()
        self._handles.clear()
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Queries

    def __len__(self) -> int:
        """How many owners wait."""
        return len(self._armed)

    def __contains__(self, owner: Hashable) -> bool:
        return owner in self._armed

    # Private

    def _set_timer(self) -> None:
        if self._is_running:
            return  # `_run` does it at its end
        while self._heap and self._armed.get(self._heap[0].owner) is not self._heap[0]:
            heapq.heappop(self._heap)
        if not self._heap:
            return
        when = self._heap[0].when
        if self._timer is not None:
            if self._timer_at <= when:
                return  # it wakes too early once, and is set again then: cheaper than a new timer for every message
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._clock.call_at(when, self._run)

    def _run(self) -> None:
        self._timer = None
        self._is_running = True
        now = self._clock.now()
        # Only what is due at this moment: an engine that sets a deadline in the past must not starve the sockets.
        due: list[_Entry] = []
        while self._heap and self._heap[0].when <= now:
            due.append(heapq.heappop(self._heap))
        try:
            while due:
                entry = due.pop(0)
                if self._armed.get(entry.owner) is entry:
                    del self._armed[entry.owner]
                    self._call(self._handles.pop(entry.owner), now)
        finally:
            for entry in due:  # somebody raised: the rest is called at once, in the clock's next callback
                heapq.heappush(self._heap, entry)
            self._is_running = False
            self._set_timer()

    def _call(self, handle: Handle, now: float) -> None:
        try:
            handle(now)
        except Exception as error:
            if self._on_bug is None:
                raise
            self._on_bug(error)
