"""Transcripts that are wrong, and transcription sessions that do more than they should."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .told import Event, at, cut, put, read, told

TOLD = "conversation.item.input_audio_transcription"


def _in_transcription_sessions(change: Callable[[Event], Sequence[Event]]) -> Callable[[], Mapping[str, Any]]:
    """Transcripts of sessions that are only for them become what `change` makes of them."""

    def make() -> Mapping[str, Any]:
        is_transcribing = False

        def hear(data: str | bytes) -> Sequence[str | bytes]:
            nonlocal is_transcribing
            is_transcribing = is_transcribing or at(read(data), "session", "type") == "transcription"
            return [data]

        def tell(event: Event) -> Sequence[Event]:
            return change(event) if is_transcribing and event.get("type") == f"{TOLD}.completed" else [event]

        return {"client_event": hear, "event": tell}

    return make


def _answered(event: Event) -> Sequence[Event]:
    response = {"object": "realtime.response", "id": "resp_unasked", "status": "in_progress", "output": []}
    return [event, {"type": "response.created", "event_id": "event_unasked", "response": response}]


def _misheard(event: Event) -> Sequence[Event]:
    return [{**event, "transcript": "something else"}]


def _asks_for_no_logprobs(data: str | bytes) -> Sequence[str | bytes]:
    event = read(data)
    return [json.dumps(cut(event, "session", "include"))] if at(event, "session", "include") else [data]


MUTANTS = [
    mutant(
        "transcription-of-other-words",
        "TRANSCRIPT-SESSION-04",
        "A transcription session writes what was not said.",
        remembering("", _in_transcription_sessions(_misheard)),
    ),
    mutant(
        "transcript-answered",
        "TRANSCRIPT-SESSION-05",
        "A transcription session answers.",
        remembering("", _in_transcription_sessions(_answered)),
    ),
    mutant(
        "delta-of-a-transcript-changed",
        "TRANSCRIPT-EVENT-01",
        "The deltas of a transcript are not its text.",
        **told(f"{TOLD}.delta", lambda event: {**event, "delta": "x"}),
    ),
    mutant(
        "transcript-of-another-item",
        "TRANSCRIPT-EVENT-02",
        "A transcript names another item than its deltas.",
        **told(f"{TOLD}.completed", lambda event: {**event, "item_id": "item_other"}),
    ),
    mutant(
        "transcript-usage-wrong",
        "TRANSCRIPT-EVENT-03",
        "The tokens of a transcript do not add up.",
        **told(
            f"{TOLD}.completed",
            lambda event: put(event, -1, "usage", "total_tokens"),
            where=lambda event: at(event, "usage", "type") == "tokens",
        ),
    ),
    mutant(
        "logprobs-not-included",
        "TRANSCRIPT-EVENT-04",
        "Log probabilities are left out although they are included.",
        client_event=_asks_for_no_logprobs,
    ),
]
