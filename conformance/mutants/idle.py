"""Silence that nobody minds, or that is told wrongly."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .told import Event, told, untold

TRIGGERED = "input_audio_buffer.timeout_triggered"


def _falls_silent() -> Mapping[str, Any]:
    """No response is told behind the timeout."""
    is_over = False

    def tell(event: Event) -> Sequence[Event]:
        nonlocal is_over
        is_over = is_over or event.get("type") == TRIGGERED
        return [] if is_over and str(event.get("type")).startswith("response.") else [event]

    return {"event": tell}


def _takes_speech_for_silence() -> Mapping[str, Any]:
    """The end of a response is told as silence, too, while the client speaks."""
    speaks = False

    def tell(event: Event) -> Sequence[Event]:
        nonlocal speaks
        if str(event.get("type")).startswith("input_audio_buffer.speech_"):
            speaks = event["type"].endswith("started")
        if not (speaks and event.get("type") == "response.done"):
            return [event]
        place = {"item_id": "item_other", "audio_start_ms": 0, "audio_end_ms": 5000}
        return [event, {"type": TRIGGERED, "event_id": f"{event['event_id']}_", **place}]

    return {"event": tell}


MUTANTS = [
    mutant(
        "silence-untold",
        "EVENT-IDLE-01",
        "Nobody is told that the client has been silent for too long.",
        also={"EVENT-IDLE-02", "EVENT-IDLE-03"},
        **untold(TRIGGERED),
    ),
    mutant(
        "silence-of-another-item",
        "EVENT-IDLE-02",
        "The timeout names another item than is committed.",
        **told(TRIGGERED, lambda event: {**event, "item_id": "item_other"}),
    ),
    mutant(
        "silence-unanswered",
        "EVENT-IDLE-03",
        "Silence that timed out is not answered.",
        remembering("", _falls_silent),
    ),
    mutant(
        "speech-taken-for-silence",
        "EVENT-IDLE-04",
        "Who speaks is told to be silent.",
        remembering("", _takes_speech_for_silence),
    ),
]
