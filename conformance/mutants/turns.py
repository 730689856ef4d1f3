"""Turns whose places are told wrongly, that never end, and buffers that keep what they should not."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .conversations import RETRIEVED, without_sound
from .told import Event, at, heard, put, read, told

DETECTION = ("session", "audio", "input", "turn_detection")
CLEAR = "input_audio_buffer.clear"
COMMIT = "input_audio_buffer.commit"
COMMITTED = "input_audio_buffer.committed"
NOTHING_NEW = '{"type": "session.update", "session": {"type": "realtime"}}'


def _later(name: str, by_ms: int) -> Any:
    return lambda event: {**event, name: event[name] + by_ms}


def _never_ends(number: int, eagerness: str) -> Any:
    return mutant(
        f"endless-turn-of-{eagerness}-eagerness",
        f"WS-TURN-{number:02d}",
        f"With eagerness {eagerness} a turn never ends.",
        **heard(
            "session.update",
            lambda event: put(event, None, *DETECTION),
            where=lambda event: at(event, *DETECTION, "eagerness") == eagerness,
        ),
    )


def _clears_nothing() -> Mapping[str, Any]:
    """A clear is confirmed and not done: an update of nothing stands in for it."""
    waiting = 0

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        nonlocal waiting
        if read(data).get("type") != CLEAR:
            return [data]
        waiting += 1
        return [NOTHING_NEW]

    def tell(event: Event) -> Sequence[Event]:
        nonlocal waiting
        if not waiting or event.get("type") != "session.updated":
            return [event]
        waiting -= 1
        return [{"type": "input_audio_buffer.cleared", "event_id": event["event_id"]}]

    return {"client_event": hear, "event": tell}


def _confirms_appends(data: str | bytes) -> Sequence[str | bytes]:
    return [data, NOTHING_NEW] if read(data).get("type") == "input_audio_buffer.append" else [data]


def _commits_once() -> Mapping[str, Any]:
    has_committed = False

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        nonlocal has_committed
        if read(data).get("type") != COMMIT:
            return [data]
        was, has_committed = has_committed, True
        return [] if was else [data]

    return {"client_event": hear}


def _loses_what_was_committed() -> Mapping[str, Any]:
    committed: set[str] = set()

    def tell(event: Event) -> Sequence[Event]:
        if event.get("type") == COMMITTED:
            committed.add(event["item_id"])
        is_lost = event.get("type") == RETRIEVED and at(event, "item", "id") in committed
        return [without_sound(event) if is_lost else event]

    return {"event": tell}


MUTANTS = [
    mutant(
        "padding-untold",
        "WS-TURN-01",
        "The start of a turn is told 600 ms late.",
        **told("input_audio_buffer.speech_started", _later("audio_start_ms", 600)),
    ),
    mutant(
        "silence-behind-words-untold",
        "WS-TURN-02",
        "The end of a turn is told 800 ms early.",
        **told("input_audio_buffer.speech_stopped", _later("audio_end_ms", -800)),
    ),
    _never_ends(3, "low"),
    _never_ends(4, "medium"),
    _never_ends(5, "high"),
    mutant(
        "clear-without-effect",
        "WS-TURN-06",
        "A clear of the input is confirmed, and clears nothing.",
        remembering("", _clears_nothing),
    ),
    mutant(
        "second-commit-ignored",
        "WS-TURN-07",
        "A session hears only its first commit.",
        remembering("", _commits_once),
    ),
    mutant(
        "committed-sound-lost",
        "WS-TURN-08",
        "What was committed is retrieved without its sound.",
        remembering("", _loses_what_was_committed),
    ),
    mutant(
        "committed-behind-nothing",
        "WS-TURN-09",
        "What was committed is told to be the first item.",
        **told(COMMITTED, lambda event: {**event, "previous_item_id": None}),
    ),
    mutant("append-answered", "WS-TURN-10", "An append is answered.", client_event=_confirms_appends),
]
