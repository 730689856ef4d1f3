"""Keys that are lost, doubled or told wrongly."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering

EVENT = "input_audio_buffer.dtmf_event_received"
Event = Mapping[str, Any]


def _is_key(event: Event, keys: str = "0123456789*#ABCD") -> bool:
    return event.get("type") == EVENT and event.get("event") in list(keys)


def _no_key_twice() -> Mapping[str, Any]:
    last = ""

    def tell(event: Event) -> Sequence[Event]:
        nonlocal last
        if not _is_key(event):
            return [event]
        is_repeated, last = event["event"] == last, event["event"]
        return [] if is_repeated else [event]

    return {"event": tell}


MUTANTS = [
    mutant(
        "seven-is-eight",
        "DTMF-EVENT-01",
        "The key 7 is told as 8.",
        also={"DTMF-EVENT-03"},
        event=lambda event: [{**event, "event": "8"} if _is_key(event, "7") else event],
    ),
    mutant(
        "keys-in-milliseconds",
        "DTMF-EVENT-02",
        "The time of a key is in milliseconds.",
        event=lambda event: [{**event, "received_at": 1000 * event["received_at"]} if _is_key(event) else event],
    ),
    mutant(
        "hash-unheard",
        "DTMF-EVENT-03",
        "The key # is not told.",
        event=lambda event: [] if _is_key(event, "#") else [event],
    ),
    mutant(
        "five-told-twice",
        "DTMF-EVENT-04",
        "The key 5 is told twice.",
        also={"DTMF-EVENT-03"},
        event=lambda event: [event, event] if _is_key(event, "5") else [event],
    ),
    mutant("no-key-twice", "DTMF-EVENT-05", "The same key again is not told.", remembering("", _no_key_twice)),
    mutant(
        "keys-only-as-101",
        "DTMF-EVENT-06",
        "Keys with another payload type than 101 are lost.",
        rtp_in=lambda packet: [] if packet[1] & 0x7F == 96 else [packet],
    ),
]
