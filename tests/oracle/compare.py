"""Two sequences of server events: the same order of types and the same shape of each, or what differs, with a reason.

Left aside is what the service itself does now this way, now that: how a text is cut into deltas, how the deltas of
sound and of its transcript mix, and when the transcription of the caller comes.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]

TRANSCRIPTION = "conversation.item.input_audio_transcription."
NAMES = ("type", "object", "status", "role", "voice", "model", "name", "tool_choice", "truncation", "eagerness")
"""Keys whose texts are compared, not only their kind."""
POSITIONS = ("audio_start_ms", "audio_end_ms")
POSITION_MS = 100
"""As near as a turn must be to the recorded one."""
_ID = re.compile(r"(event|item|resp|conv|call|sess)_[0-9A-Za-z]+\Z")


@dataclass(frozen=True)
class Known:
    """A difference that is meant. Each must be met in some recording, or it is out of date."""

    name: str
    reason: str
    holds: Callable[["Difference"], bool]


@dataclass(frozen=True)
class Difference:
    """`kind` is `order`, or the type of the event whose shape differs. `recorded` and `ours` are what is there."""

    kind: str
    recorded: str
    ours: str

    @property
    def known(self) -> Known | None:
        return next((known for known in KNOWN if known.holds(self)), None)

    def __str__(self) -> str:
        reason = "" if self.known is None else f"  [{self.known.name}: {self.known.reason}]"
        return f"{self.kind}: recorded {self.recorded}, ours {self.ours}{reason}"


KNOWN = (
    Known(
        "rate limits",
        "the service sends them a moment after most responses, and not in these recordings; the emulator after each",
        lambda found: found.kind == "order" and (found.recorded, found.ours) == ("nothing", "rate_limits.updated"),
    ),
    Known(
        "Azure's content",
        "Azure repeats a part under a second key, OpenAI does not",
        lambda found: found.kind.startswith("response.content_part.") and found.recorded.startswith(".content "),
    ),
)


def differences(recorded: Iterable[Event], ours: Iterable[Event]) -> list[Difference]:
    """All that differs, in the order of the recording."""
    theirs, mine = list(recorded), list(ours)
    found = _compared(_ordered(theirs), _ordered(mine))
    found += _compared(_transcription(theirs), _transcription(mine))
    return found


def _compared(recorded: list[Event], ours: list[Event]) -> list[Difference]:
    found: list[Difference] = []
    for other, mine in _aligned(recorded, ours):
        if other is None or mine is None:
            found.append(Difference("order", _name(other), _name(mine)))
            continue
        found += [
            Difference(str(other["type"]), f"{path} {theirs}", f"{path} {our}")
            for path, theirs, our in _shapes(other, mine, "")
        ]
    return found


def _aligned(recorded: list[Event], ours: list[Event]) -> Iterator[tuple[Event | None, Event | None]]:
    """Pairs of the same type; where the types part, what is soon met again is what only the other side has."""
    left, right = list(recorded), list(ours)
    while left or right:
        if left and right and left[0]["type"] == right[0]["type"]:
            yield left.pop(0), right.pop(0)
        elif right and (not left or _soon(left[0], right)):
            yield None, right.pop(0)
        else:
            yield left.pop(0), None


def _soon(event: Event, others: list[Event]) -> bool:
    return any(other["type"] == event["type"] for other in others[:3])


def _ordered(events: list[Event]) -> list[Event]:
    """Events whose order counts. Of deltas in a row one of each kind is kept, the first kind first."""
    kept: list[Event] = []
    run: set[str] = set()
    for event in events:
        kind = event["type"]
        if kind.startswith(TRANSCRIPTION):
            continue
        if not kind.endswith(".delta"):
            run.clear()
        elif kind in run:
            continue
        else:
            run.add(kind)
        kept.append(event)
    return kept


def _transcription(events: list[Event]) -> list[Event]:
    """One delta of each item's transcription, and its end."""
    found: dict[tuple[str, str], Event] = {}
    for event in events:
        if event["type"].startswith(TRANSCRIPTION):
            found.setdefault((event["item_id"], event["type"]), event)
    return list(found.values())


def _shapes(recorded: Any, ours: Any, path: str) -> Iterator[tuple[str, str, str]]:
    match recorded, ours:
        case dict(), dict():
            for key in recorded.keys() | ours.keys():
                if key not in ours or key not in recorded:
                    yield f"{path}.{key}", _presence(key in recorded), _presence(key in ours)
                else:
                    yield from _shapes(recorded[key], ours[key], f"{path}.{key}")
            common = [key for key in recorded if key in ours]
            if common != [key for key in ours if key in recorded]:
                yield f"{path} keys", str(common), str(list(ours))
        case list(), list():
            if len(recorded) != len(ours):
                yield path, f"{len(recorded)} elements", f"{len(ours)} elements"
            for index, (other, mine) in enumerate(zip(recorded, ours, strict=False)):
                yield from _shapes(other, mine, f"{path}[{index}]")
        case int(), int() if path.rpartition(".")[2] in POSITIONS:
            if abs(recorded - ours) > POSITION_MS:
                yield path, str(recorded), str(ours)
        case _:
            other, mine = _kind(recorded, path), _kind(ours, path)
            if other != mine:
                yield path, other, mine


def _kind(value: Any, path: str) -> str:
    if isinstance(value, str):
        if (found := _ID.match(value)) is not None:
            return f"{found[1]}_<{len(value) - len(found[1]) - 1}>"
        return repr(value) if path.rpartition(".")[2] in NAMES else "text"
    return type(value).__name__


def _presence(is_there: bool) -> str:
    return "present" if is_there else "absent"


def _name(event: Event | None) -> str:
    return "nothing" if event is None else str(event["type"])
