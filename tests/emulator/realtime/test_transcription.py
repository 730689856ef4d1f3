from collections.abc import Callable
from typing import Any

import pytest
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.realtime.transcription import Slow, TranscriptionFailure

Make = Callable[..., Any]

PREFIX = "conversation.item.input_audio_transcription"


def config(model: str | None = "whisper-1", **more: Any) -> dict[str, Any]:
    transcription = {} if model is None else {"model": model}
    return {"audio": {"input": {"transcription": transcription, "turn_detection": None}}, **more}


def committed(b: Any, loud: Samples, frames: int = 50) -> list[dict[str, Any]]:
    """The events about what was said, without their type's prefix, ids and padding."""
    b.hear(loud, frames)
    b.send("input_audio_buffer.commit")
    told = [event for event in b.events() if event["type"].startswith(PREFIX)]
    assert {event.pop("item_id") for event in told} <= {b.session.conversation.last.id}
    assert {event.pop("content_index") for event in told} <= {0}
    for event in told:
        event.pop("event_id")
        event.pop("obfuscation", None)
        event["type"] = event["type"].removeprefix(PREFIX + ".")
    return told


def test_caller_is_transcribed_piece_by_piece(bench: Make, loud: Samples) -> None:
    b = bench("Hello you", config=config())
    assert committed(b, loud) == [
        {"type": "delta", "delta": "Hello"},
        {"type": "delta", "delta": " you"},
        {"type": "completed", "transcript": "Hello you", "usage": {"type": "duration", "seconds": 1}},
    ]
    assert b.session.conversation.last.shown["content"][0]["transcript"] == "Hello you"


def test_caller_whom_nobody_understood_has_an_empty_transcript(bench: Make, loud: Samples) -> None:
    assert committed(bench(config=config(None)), loud, 51) == [
        {"type": "completed", "transcript": "", "usage": {"type": "duration", "seconds": 2}}
    ]


def test_transcript_has_logprobs_where_they_are_included(bench: Make, loud: Samples) -> None:
    b = bench("né", config=config(include=["item.input_audio_transcription.logprobs"]))
    logprobs = [{"token": "né", "logprob": -0.01, "bytes": [110, 195, 169]}]
    first, last = committed(b, loud)
    assert first["logprobs"] == last["logprobs"] == logprobs


def test_transcript_of_a_diarizing_model_has_a_segment(bench: Make, loud: Samples) -> None:
    b = bench("Hello", config=config("gpt-4o-transcribe-diarize"))
    told = committed(b, loud)
    assert [event["type"] for event in told] == ["delta", "segment", "completed"]
    segment_id = told[1].pop("id")
    assert segment_id.startswith("seg_")
    assert told[1] == {"type": "segment", "text": "Hello", "speaker": "A", "start": 0.0, "end": 1.0}
    assert told[2]["usage"]["type"] == "tokens"


def test_transcript_of_silence_has_no_segment(bench: Make, loud: Samples) -> None:
    b = bench(config=config("gpt-4o-transcribe-diarize"))
    assert [event["type"] for event in committed(b, loud)] == ["completed"]


def test_transcript_of_gpt_transcribe_tells_languages(bench: Make, loud: Samples) -> None:
    (told,) = committed(bench(config=config("gpt-transcribe")), loud)
    assert told["languages"] == []


def test_transcription_fails_as_told(bench: Make, loud: Samples) -> None:
    asked = []

    def refuse(heard: str, session: Any) -> TranscriptionFailure:
        asked.append((heard, session.transcription["model"]))
        return TranscriptionFailure(message="403 Forbidden", code="forbidden")

    b = bench("Hello", config=config(), transcribe=refuse)
    error = {"type": "server_error", "code": "forbidden", "message": "403 Forbidden", "param": None}
    assert committed(b, loud) == [{"type": "failed", "error": error}]
    assert asked == [("Hello", "whisper-1")]
    assert b.session.conversation.last.shown["content"][0]["transcript"] is None


def test_transcription_may_err(bench: Make, loud: Samples) -> None:
    b = bench("Hello", config=config(), transcribe=lambda heard, session: heard.replace("e", "a"))
    assert committed(b, loud)[-1]["transcript"] == "Hallo"
    assert b.session.conversation.last.spoken == "Hello"


def late(b: Any, loud: Samples, now: float) -> list[str]:
    """The kinds of transcription events by then."""
    b.session.pass_time(now)
    return [event["type"].rpartition(".")[2] for event in b.events() if event["type"].startswith(PREFIX)]


def test_transcription_comes_later_and_piece_by_piece(bench: Make, loud: Samples) -> None:
    b = bench("Hello my dear", config=config(), transcribe=lambda heard, _: Slow(told=heard, delay=0.5, pace=0.1))
    assert committed(b, loud) == []
    assert b.session.next_deadline() is None
    assert late(b, loud, 10.0) == []
    assert b.session.next_deadline() == 10.5
    b.begin()
    assert late(b, loud, 10.4) == []
    assert late(b, loud, 10.5) == ["delta"]
    assert b.session.next_deadline() == 10.6
    assert late(b, loud, 10.65) == ["delta"]
    assert b.session.conversation.last.shown["content"][0]["transcript"] is None
    assert late(b, loud, 20.0) == ["delta", "completed"]
    assert b.session.next_deadline() is None
    assert b.session.conversation.last.shown["content"][0]["transcript"] == "Hello my dear"


def test_session_wants_to_be_called_for_whatever_comes_first(bench: Make, loud: Samples, quiet: Samples) -> None:
    idle = {
        "audio": {"input": {"transcription": {}, "turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}
    }
    b = bench("Hello", config=idle, transcribe=lambda heard, _: Slow(told=heard, delay=9.0))
    b.hear(loud, 10)
    b.hear(quiet, 10)
    begun = b.session.next_begun()
    assert late(b, loud, 10.0) == []
    assert b.session.next_deadline() == 19.0
    b.session.finish(begun.response, "completed")
    assert late(b, loud, 10.0) == []
    assert b.session.next_deadline() == 15.0


def test_transcription_fails_later(bench: Make, loud: Samples) -> None:
    b = bench(config=config(), transcribe=lambda *_: Slow(told=TranscriptionFailure(message="No."), delay=1.0))
    assert committed(b, loud) == []
    assert late(b, loud, 10.0) == []
    assert late(b, loud, 11.0) == ["failed"]


def test_nothing_is_transcribed_of_an_item_that_was_deleted(bench: Make, loud: Samples) -> None:
    b = bench("Hello", config=config(), transcribe=lambda heard, _: Slow(told=heard, delay=1.0))
    assert committed(b, loud) == []
    b.send("conversation.item.delete", item_id=b.session.conversation.last.id)
    assert late(b, loud, 10.0) == late(b, loud, 20.0) == []


def test_nothing_is_transcribed_without_the_setting(bench: Make, loud: Samples) -> None:
    b = bench("Hello", config={"audio": {"input": {"turn_detection": None}}})
    assert committed(b, loud) == []


@pytest.mark.parametrize("options", [{}, {"conversation": "none"}])
def test_transcription_session_creates_no_response(bench: Make, options: dict[str, Any]) -> None:
    b = bench(config={"type": "transcription"})
    error = b.refusal("response.create", response=options)
    assert (error.message, error.code) == ("A transcription session creates no responses.", None)


def test_transcription_session_transcribes_turns(bench: Make, loud: Samples, quiet: Samples) -> None:
    transcription = {"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
    b = bench("Hello", config={"type": "transcription", **transcription})
    b.hear(loud, 25)
    b.hear(quiet, 10)
    assert b.types() == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        f"{PREFIX}.delta",
        f"{PREFIX}.completed",
    ]
    assert len(b.session.conversation.last.audio) == 35 * FRAME_SAMPLES
