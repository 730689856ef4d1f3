"""Audio buffers that are told wrongly, or do as they like."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ringback.emulator.calls.effects import OpenSession
from ringback.emulator.faults.effects import change
from ringback.emulator.realtime.session_config import SERVER_VAD

from . import mutant, remembering
from .told import Event, at, put, read, told, unheard

COMMIT = "input_audio_buffer.commit"


def _detects(effect: OpenSession) -> OpenSession:
    if effect.config.turn_detection is not None:
        return effect
    return replace(effect, config=replace(effect.config, turn_detection={**SERVER_VAD, "create_response": False}))


def _done_comes_late() -> Mapping[str, Any]:
    """`response.done` is held back until its sound has been played."""
    held: list[Event] = []

    def tell(event: Event) -> Sequence[Event]:
        if event.get("type") == "response.done" and at(event, "response", "output", 0, "content", 0, "transcript"):
            held.append(event)
            return []
        if event.get("type") == "output_audio_buffer.stopped" and held:
            return [event, held.pop()]
        return [event]

    return {"event": tell}


def _commits_silently() -> Mapping[str, Any]:
    """A client's commit is not told; one by turn detection is."""
    is_asked = False

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        nonlocal is_asked
        is_asked = is_asked or read(data).get("type") == COMMIT
        return [data]

    def tell(event: Event) -> Sequence[Event]:
        return [] if is_asked and event.get("type") == "input_audio_buffer.committed" else [event]

    return {"client_event": hear, "event": tell}


def _answers_a_commit(data: str | bytes) -> Sequence[str | bytes]:
    return [data, json.dumps({"type": "response.create"})] if read(data).get("type") == COMMIT else [data]


def _names_another(event: Event) -> Event:
    return {**event, "response_id": "resp_other"}


MUTANTS = [
    mutant(
        "start-of-another-response",
        "EVENT-PLAYBACK-01",
        "output_audio_buffer.started names another response.",
        also={"SPEECH-OUT-03"},
        **told("output_audio_buffer.started", _names_another),
    ),
    mutant(
        "end-of-another-response",
        "EVENT-PLAYBACK-02",
        "output_audio_buffer.stopped names another response.",
        also={"SPEECH-OUT-03"},
        **told("output_audio_buffer.stopped", _names_another),
    ),
    mutant(
        "done-comes-late",
        "EVENT-PLAYBACK-03",
        "response.done comes behind output_audio_buffer.stopped.",
        remembering("", _done_comes_late),
    ),
    mutant(
        "clear-ignored",
        "EVENT-PLAYBACK-04",
        "output_audio_buffer.clear is not heard.",
        also={"SPEECH-OUT-05"},
        **unheard("output_audio_buffer.clear"),
    ),
    mutant(
        "another-item-announced",
        "EVENT-TURN-01",
        "speech_started announces another item than is committed.",
        also={"SPEECH-IN-03"},
        **told("input_audio_buffer.speech_started", lambda event: {**event, "item_id": "item_other"}),
    ),
    mutant(
        "words-of-nobody",
        "EVENT-TURN-02",
        "The item of the caller's words is not the user's.",
        **told(
            "conversation.item.added",
            lambda event: put(event, "system", "item", "role"),
            where=lambda event: at(event, "item", "content", 0, "type") == "input_audio",
        ),
    ),
    mutant(
        "detection-against-orders",
        "EVENT-TURN-03",
        "Turns are detected where that was turned off.",
        change("", OpenSession, _detects),
    ),
    mutant(
        "commit-untold",
        "EVENT-TURN-04",
        "A client's commit is not answered.",
        remembering("", _commits_silently),
    ),
    mutant("commit-answered", "EVENT-TURN-05", "A commit creates a response.", client_event=_answers_a_commit),
    mutant(
        "input-clear-ignored",
        "EVENT-TURN-06",
        "input_audio_buffer.clear is not heard.",
        also={"EVENT-ERROR-07"},
        **unheard("input_audio_buffer.clear"),
    ),
]
