"""The ladder of a call as text: two parties, an arrow for each message, the time since the first."""

from collections.abc import Iterable, Sequence
from typing import Literal

from .records import SipRecord

Step = tuple[float, Literal["sent", "received"], str]
NARROWEST = 24


def ladder(steps: Iterable[Step], *, left: str = "caller", right: str = "server", width: int = 100) -> list[str]:
    """Lines without colour, none longer than `width`; `sent` goes to the right. Times are seconds of any clock.

    ::

              caller                     server
        0 ms  │──── INVITE sip:proj_1@… ──────▶│
        3 ms  │◀─── 100 Trying ────────────────│
    """
    ordered: Sequence[Step] = list(steps)
    if not ordered:
        return []
    times = [f"{1000 * (at - ordered[0][0]):.0f} ms" for at, _, _ in ordered]
    margin = max(len(each) for each in times) + 2
    longest = max(len(summary) for _, _, summary in ordered)
    inside = max(NARROWEST, min(longest + 12, width - margin - 4))
    lines = [" " * margin + left + right.rjust(inside + 2 - len(left))]
    for time, (_, direction, summary) in zip(times, ordered, strict=True):
        text = summary if len(summary) <= inside - 8 else summary[: inside - 9] + "…"
        if direction == "sent":
            arrow = f"──── {text} ".ljust(inside - 1, "─") + "▶"
        else:
            arrow = f"◀─── {text} ".ljust(inside, "─")
        lines.append(f"{time:>{margin - 2}}  │{arrow}│")
    return lines


def steps_of(records: Iterable[SipRecord]) -> list[Step]:
    """The steps of what a phone has recorded."""
    return [(record.at, record.direction, record.summary) for record in records]
