"""When a failed delivery is tried again. The service says 72 hours and "exponential backoff", no more [DOC GWH]."""

import math
from dataclasses import dataclass

from ..errors import UsageError

_MOST_DOUBLINGS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySchedule:
    """Pauses of `first`, 2·`first`, 4·`first` … seconds, `cap` at the most; no attempt later than `give_up` seconds
    after the event."""

    first: float
    cap: float
    give_up: float

    def __post_init__(self) -> None:
        if not (self.first > 0 and self.cap > 0 and self.give_up >= 0):
            raise UsageError(
                f"webhook retries after {self.first} s, {self.cap} s at the most, for {self.give_up} s: "
                "pauses must be positive, and the whole time must not be negative"
            )

    def delay_after(self, attempt: int, elapsed: float) -> float | None:
        """Seconds until the next attempt, after number `attempt` (from 1) has failed `elapsed` seconds after the event;
        None to give up."""
        delay = min(math.ldexp(self.first, min(attempt - 1, _MOST_DOUBLINGS)), self.cap)
        return delay if elapsed + delay <= self.give_up else None
