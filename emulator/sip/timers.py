"""The timers of RFC 3261 table 4 and RFC 6026, and the one queue that all deadlines of an endpoint wait in."""

import heapq
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar


class Timer(Enum):
    """Every timer by its letter; the value is what it is for."""

    A = "INVITE request retransmission, UDP"
    B = "INVITE transaction timeout"
    D = "wait for response retransmissions, INVITE client"
    E = "non-INVITE request retransmission, UDP"
    F = "non-INVITE transaction timeout"
    G = "INVITE response retransmission"
    H = "wait for ACK receipt"
    I = "wait for ACK retransmissions"  # noqa: E741 (the RFC's name)
    J = "wait for non-INVITE request retransmissions"
    K = "wait for non-INVITE response retransmissions"
    L = "wait for accepted INVITE request retransmissions"
    M = "wait for retransmission of 2xx to INVITE, or more of them from other branches"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """T1, T2 and T4 in seconds. Every other timer follows from them and from whether the transport is reliable.

    Timer C belongs to proxies; this is none.
    """

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0

    @property
    def timeout(self) -> float:
        """64·T1: timers B, F, H, L, M, and how long a 2xx is repeated (RFC 3261 13.3.1.4)."""
        return 64 * self.t1

    def first(self, timer: Timer, *, is_reliable: bool) -> float | None:
        """How long `timer` runs when it is first set; None when this transport does not have it.

        0 means that it fires at once: a reliable transport repeats nothing that would have to be absorbed.
        """
        match timer:
            case Timer.A | Timer.E | Timer.G:  # RFC 3261 17.1.1.2, 17.1.2.2, 17.2.1: not over reliable transports
                return None if is_reliable else self.t1
            case Timer.B | Timer.F | Timer.H | Timer.L | Timer.M:  # RFC 6026 7.1, 7.2: L and M on every transport
                return self.timeout
            case Timer.I | Timer.K:
                return 0.0 if is_reliable else self.t4
            case _:  # D and J. RFC 3261 17.1.1.2 wants D "at least 32 seconds", which is 64·T1 with T1's default.
                return 0.0 if is_reliable else self.timeout

    def next(self, timer: Timer, previous: float) -> float:
        """The pause after one of `previous` seconds: A doubles (17.1.1.2), E and G double up to T2."""
        return previous * 2 if timer is Timer.A else min(previous * 2, self.t2)


class Timed(Protocol):
    """Whatever waits in a `TimerQueue`. `armed_for` belongs to the queue."""

    armed_for: float | None

    def next_deadline(self) -> float | None: ...


TimedT = TypeVar("TimedT", bound=Timed)


class TimerQueue(Generic[TimedT]):
    """One heap for the deadlines of many engines: `arm` after each feeding of one, `pop_due` when time has passed.

    An engine whose deadline moved away is not searched for: its stale entry is dropped, or moved, when it surfaces.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, TimedT]] = []
        self._count = 0

    def arm(self, timed: TimedT) -> None:
        """Take note of the engine's deadline, which may have come, gone or moved since."""
        deadline = timed.next_deadline()
        if deadline is None:
            return
        armed = timed.armed_for
        if armed is None or deadline < armed:
            timed.armed_for = deadline
            self._count += 1
            heapq.heappush(self._heap, (deadline, self._count, timed))

    def next_deadline(self) -> float | None:
        """When `pop_due` has something to give next; None when nothing waits."""
        heap = self._heap
        while heap:
            when, _, timed = heap[0]
            if when == timed.armed_for:
                deadline = timed.next_deadline()
                if deadline == when:
                    return when
                timed.armed_for = None
                heapq.heappop(heap)
                self.arm(timed)
            else:
                heapq.heappop(heap)
        return None

    def pop_due(self, now: float) -> TimedT | None:
        """An engine whose deadline is not after `now`, or None. Let it handle its timer, then `arm` it again."""
        deadline = self.next_deadline()
        if deadline is None or deadline > now:
            return None
        timed = heapq.heappop(self._heap)[2]
        timed.armed_for = None
        return timed

    def __len__(self) -> int:
        return len(self._heap)
