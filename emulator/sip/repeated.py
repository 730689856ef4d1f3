"""A response that is sent again by the TU, not by a transaction, until its receiver confirms it."""

from .timers import Timers


class Repeated:
    """Feed and arm it like a transaction. The pause begins with T1 and doubles, up to `longest`.

    When `is_timed_out`, 64·T1 have passed without a confirmation.
    """

    __slots__ = ("_give_up_at", "_interval", "_longest", "_repeat_at", "armed_for", "data", "is_timed_out")

    def __init__(self, data: bytes, *, longest: float, timers: Timers, now: float) -> None:
        self.data = data
        self.armed_for: float | None = None
        self.is_timed_out = False
        self._longest = longest
        self._interval = timers.t1
        self._repeat_at: float | None = now + timers.t1
        self._give_up_at = now + timers.timeout

    def stop(self) -> None:
        """It was confirmed, or needs no confirmation any more."""
        self._repeat_at = None

    def next_deadline(self) -> float | None:
        return None if self._repeat_at is None else min(self._repeat_at, self._give_up_at)

    def handle_timer(self, now: float) -> bytes | None:
        """Returns the response if it is time to send it again; otherwise look at `is_timed_out`."""
        if self._repeat_at is None:
            return None
        if self._give_up_at <= now:
            self._repeat_at = None
            self.is_timed_out = True
            return None
        if self._repeat_at > now:
            return None
        self._interval = min(2 * self._interval, self._longest)
        self._repeat_at = now + self._interval
        return self.data
