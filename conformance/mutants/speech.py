"""Speech that is not heard, heard wrongly, or not told; interruptions that nobody minds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ringback.emulator.calls.effects import OpenSession
from ringback.emulator.faults.effects import change
from ringback.emulator.faults.plan import Fault

from . import mutant, remembering
from .items import remembers_what_was_said

Event = Mapping[str, Any]
SILENCE = b"\xff"  # of PCMU
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"


def _detects(**settings: bool) -> Fault:
    """The turn detection of each session that has one has other settings than the accept said."""

    def open_session(effect: OpenSession) -> OpenSession:
        detection = effect.config.turn_detection
        if not detection:
            return effect
        return replace(effect, config=replace(effect.config, turn_detection={**detection, **settings}))

    return change("", OpenSession, open_session)


def _tells(type: str, rewrite: Callable[[Event], Event]) -> dict[str, Any]:
    """Events of one type are what `rewrite` makes of them."""
    return {"event": lambda event: [rewrite(event) if event.get("type") == type else event]}


def _stops_at_once(event: Event) -> Sequence[Event]:
    if event.get("type") == "output_audio_buffer.started":
        return [event, {**event, "type": "output_audio_buffer.stopped", "event_id": f"{event['event_id']}_"}]
    return [] if event.get("type") == "output_audio_buffer.stopped" else [event]


def _blamed_on_the_client(event: Event) -> Event:
    response = event["response"]
    details = {"type": "cancelled", "reason": "client_cancelled"}
    return {**event, "response": {**response, "status": "cancelled", "status_details": details}}


MUTANTS = [
    mutant(
        "mute-model",
        "SPEECH-OUT-01",
        "The caller hears nothing but silence.",
        also={"SPEECH-OUT-02", "SPEECH-OUT-04", "SPEECH-OUT-05"},
        rtp_out=lambda packet: [packet[:12] + SILENCE * len(packet[12:])],
    ),
    mutant(
        "transcript-of-something-else",
        "SPEECH-OUT-02",
        "The transcript of a response is not what it says.",
        **_tells("response.output_audio_transcript.done", lambda event: {**event, "transcript": "something else"}),
    ),
    mutant(
        "sound-of-another-response",
        "SPEECH-OUT-03",
        "output_audio_buffer.stopped names another response.",
        **_tells("output_audio_buffer.stopped", lambda event: {**event, "response_id": "resp_other"}),
    ),
    mutant(
        "sound-stops-at-once",
        "SPEECH-OUT-04",
        "output_audio_buffer.stopped comes right behind output_audio_buffer.started.",
        also={"EVENT-PLAYBACK-03"},
        event=_stops_at_once,
    ),
    mutant(
        "clear-unheard",
        "SPEECH-OUT-05",
        "output_audio_buffer.clear is not heard.",
        client_event=lambda data: [] if "output_audio_buffer.clear" in str(data) else [data],
    ),
    mutant(
        "caller-misheard",
        "SPEECH-IN-01",
        "The transcript of the caller is something else.",
        **_tells(TRANSCRIBED, lambda event: {**event, "transcript": "something else"}),
    ),
    mutant(
        "start-without-time",
        "SPEECH-IN-02",
        "input_audio_buffer.speech_started has no audio_start_ms.",
        also={"SPEECH-IN-04"},
        **_tells(
            "input_audio_buffer.speech_started",
            lambda event: {name: field for name, field in event.items() if name != "audio_start_ms"},
        ),
    ),
    mutant(
        "end-of-another-item",
        "SPEECH-IN-03",
        "input_audio_buffer.speech_stopped names another item.",
        **_tells("input_audio_buffer.speech_stopped", lambda event: {**event, "item_id": "item_other"}),
    ),
    mutant(
        "end-in-microseconds",
        "SPEECH-IN-04",
        "audio_end_ms is in microseconds.",
        **_tells(
            "input_audio_buffer.speech_stopped",
            lambda event: {**event, "audio_end_ms": 1000 * event["audio_end_ms"]},
        ),
    ),
    mutant(
        "model-without-answer",
        "SPEECH-IN-05",
        "The model never answers.",
        _detects(create_response=False),
        also={"EVENT-TURN-01", "EVENT-TURN-02"},
    ),
    mutant("model-answers-always", "SPEECH-IN-06", "create_response is not heeded.", _detects(create_response=True)),
    mutant(
        "client-blamed",
        "SPEECH-IN-07",
        "Every response is told as cancelled by the client.",
        also={"WS-RESPONSE-01", "EVENT-RESPONSE-02", "EVENT-CANCEL-04", "EVENT-CANCEL-05"},
        **_tells("response.done", _blamed_on_the_client),
    ),
    mutant(
        "never-interrupted",
        "SPEECH-IN-08",
        "Nobody can interrupt the model.",
        _detects(interrupt_response=False),
        also={"SPEECH-IN-11"},
    ),
    mutant(
        "interruption-forgotten",
        "SPEECH-IN-11",
        "An item that was interrupted keeps its whole transcript.",
        remembering("", lambda: remembers_what_was_said(after="input_audio_buffer.speech_started")),
    ),
    mutant(
        "always-interrupted", "SPEECH-IN-09", "interrupt_response is not heeded.", _detects(interrupt_response=True)
    ),
]
