import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.realtime.session_config import PCMU, parse_session_config

Make = Callable[..., Any]
Encoded = Callable[[Samples], str]

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
TRANSCRIBED = {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}
MANUAL = {"audio": {"input": {"turn_detection": None}}}


def detection(**settings: bool) -> dict[str, Any]:
    return {"audio": {"input": {"turn_detection": {"type": "server_vad", **settings}}}}


# Turns


def test_caller_who_speaks_makes_the_recorded_events(bench: Make, loud: Samples, quiet: Samples) -> None:
    b = bench("hello there", config=TRANSCRIBED)
    b.hear(loud, 20)
    b.hear(quiet, 10)
    events = b.events()
    assert [event["type"] for event in events] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert len({event["item_id"] for event in events if "item_id" in event} | {events[3]["item"]["id"]}) == 1
    assert events[3]["item"]["content"] == [{"type": "input_audio", "transcript": None}]
    assert events[8]["transcript"] == "hello there"
    assert events[8]["usage"] == {"type": "duration", "seconds": 1}
    begun = b.session.next_begun()
    assert (begun.cause, begun.input) == ("speech", None)
    assert b.session.next_begun() is None


def test_transcript_is_kept_with_the_item(bench: Make, loud: Samples, quiet: Samples) -> None:
    b = bench("hello", config=TRANSCRIBED)
    b.hear(loud, 20)
    b.hear(quiet, 10)
    item_id = b.session.conversation.last.id
    b.events()
    b.send("conversation.item.retrieve", item_id=item_id)
    assert b.events()[0]["item"]["content"][0]["transcript"] == "hello"


def test_transcription_by_other_models_is_counted_in_tokens(bench: Make, loud: Samples, quiet: Samples) -> None:
    b = bench("hello", config={"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}})
    b.hear(loud, 40)
    b.hear(quiet, 10)
    assert b.events()[-1]["usage"] == {
        "type": "tokens",
        "total_tokens": 11,
        "input_tokens": 10,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 10},
        "output_tokens": 1,
    }


def test_caller_is_not_transcribed_unless_asked_for(bench: Make, loud: Samples, quiet: Samples) -> None:
    b = bench("hello")
    b.hear(loud, 20)
    b.hear(quiet, 10)
    assert b.types()[-1] == "response.created"
    assert b.session.conversation.last.spoken == "hello"


def test_caller_is_not_answered_without_create_response(bench: Make, loud: Samples, quiet: Samples) -> None:
    b = bench(config=detection(create_response=False))
    b.hear(loud, 20)
    b.hear(quiet, 10)
    assert b.types()[-1] == "conversation.item.done"


def test_caller_is_not_answered_in_a_transcription_session(bench: Make, loud: Samples, quiet: Samples) -> None:
    config = parse_session_config({"type": "transcription"}, types=("transcription",))
    b = bench()
    b.session.config = config
    b.hear(loud, 20)
    b.hear(quiet, 10)
    assert b.types()[-1] == "conversation.item.done"


def test_caller_without_turn_detection_makes_no_events(bench: Make, loud: Samples, quiet: Samples) -> None:
    b = bench(config=MANUAL)
    b.hear(loud, 20)
    b.hear(quiet, 20)
    assert b.types() == []


def test_caller_presses_a_key(bench: Make) -> None:
    b = bench()
    b.session.press("9", 1763605109.7)
    assert b.events() == [{"type": "input_audio_buffer.dtmf_event_received", "event": "9", "received_at": 1763605109}]


# Interruption


def test_caller_interrupts_a_response_that_is_made(bench: Make, loud: Samples) -> None:
    b = bench()
    response = b.begin()
    item_id = b.say(response, "hello world")
    b.play(5)
    b.events()
    b.hear(loud, 5)
    events = b.events()
    assert [event["type"] for event in events] == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
    ]
    done = events[6]["response"]
    assert (done["status"], done["status_details"]) == ("cancelled", {"type": "cancelled", "reason": "turn_detected"})
    assert done["output"][0]["status"] == "incomplete"
    assert events[7]["response_id"] == response.id
    assert (events[8]["item_id"], events[8]["content_index"], events[8]["audio_end_ms"]) == (item_id, 0, 100)
    item = b.session.conversation.get(item_id)
    assert item.shown["content"] == [{"type": "output_audio", "transcript": "hello"}]
    assert item.shown["status"] == "incomplete"
    assert list(item.texts()) == ["hello"]
    assert b.session.output.read() is None


def test_caller_interrupts_what_is_still_played(bench: Make, loud: Samples) -> None:
    b = bench()
    item_id = b.spoken("hello world")
    b.play(5)
    b.events()
    b.hear(loud, 5)
    assert b.types() == [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
    ]
    assert b.session.conversation.get(item_id).shown["status"] == "incomplete"


def test_caller_interrupts_nothing_without_interrupt_response(bench: Make, loud: Samples, quiet: Samples) -> None:
    b = bench(config=detection(interrupt_response=False))
    response = b.begin()
    b.say(response, "hello")
    b.events()
    b.hear(loud, 20)
    b.hear(quiet, 10)
    events = b.events()
    assert [event["type"] for event in events][-2:] == ["conversation.item.done", "error"]
    assert events[-1]["error"]["code"] == "conversation_already_has_active_response"
    assert response.is_active


# Client events: the session


def test_client_updates_the_session(bench: Make) -> None:
    b = bench()
    b.send("session.update", session={"type": "realtime", "instructions": "Be nice."})
    (event,) = b.events()
    assert event["type"] == "session.updated"
    assert event["session"]["instructions"] == "Be nice."
    assert (event["session"]["id"], event["session"]["expires_at"]) == ("sess_1", 3600)


def test_format_that_the_call_negotiated_wins(bench: Make) -> None:
    b = bench(call_format=PCMU)
    b.send("session.update", session={"type": "realtime", "audio": {"output": {"format": {"type": "audio/pcm"}}}})
    audio = b.events()[0]["session"]["audio"]
    assert audio["input"]["format"] == audio["output"]["format"] == PCMU
    b.begin(audio={"output": {"format": {"type": "audio/pcma"}}})
    assert b.events()[0]["response"]["audio"]["output"]["format"] == PCMU


def test_client_turns_turn_detection_off_and_on(bench: Make, loud: Samples) -> None:
    b = bench()
    b.send("session.update", session={"type": "realtime", **MANUAL})
    b.hear(loud, 5)
    assert b.types() == ["session.updated"]
    b.send("session.update", session={"type": "realtime", **detection()})
    b.hear(loud, 5)
    assert b.types() == ["session.updated", "input_audio_buffer.speech_started"]


@pytest.mark.parametrize(("ours", "theirs"), [("realtime", "transcription"), ("transcription", "realtime")])
def test_client_can_not_change_the_type_of_a_session(bench: Make, ours: str, theirs: str) -> None:
    b = bench()
    b.session.config = parse_session_config({"type": ours}, types=(ours,))
    error = b.refusal("session.update", session={"type": theirs})
    assert error.message == f"Passing a {theirs} session update event to a {ours} session is not allowed."


def test_client_changes_the_voice_only_before_it_was_heard(bench: Make) -> None:
    b = bench()
    update = {"type": "realtime", "instructions": "B", "audio": {"output": {"voice": "cedar"}}}
    b.send("session.update", session=update)
    b.spoken("hello")
    b.send("session.update", session=update)
    update["audio"] = {"output": {"voice": "marin"}}
    error = b.refusal("session.update", session={**update, "instructions": "C"})
    assert error.code == "cannot_update_voice"
    assert b.session.config.instructions == "B"


# Client events: the input buffer


def test_client_appends_sound_and_commits_it(bench: Make, encoded: Encoded, quiet: Samples) -> None:
    b = bench(config=MANUAL)
    b.send("input_audio_buffer.append", audio=encoded(np.tile(quiet, 10)))
    b.send("input_audio_buffer.append", audio=encoded(np.tile(quiet, 10)))
    b.send("input_audio_buffer.commit")
    assert b.types() == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert len(b.session.conversation.last.audio) == 20 * FRAME_SAMPLES


def test_client_appends_in_the_format_that_the_session_has_now(bench: Make) -> None:
    b = bench(config=MANUAL)
    b.send("input_audio_buffer.append", audio="AAAA")
    b.send("session.update", session={"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    b.send("input_audio_buffer.append", audio=base64.b64encode(b"\xff" * 1000).decode())
    assert b.session.input.buffered_ms == 125


def test_client_commits_too_little(bench: Make) -> None:
    error = bench().refusal("input_audio_buffer.commit")
    assert error.code == "input_audio_buffer_commit_empty"
    assert error.message == (
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has "
        "0.00ms of audio."
    )


def test_client_clears_the_buffer(bench: Make, loud: Samples, quiet: Samples) -> None:
    b = bench()
    b.hear(loud, 10)
    b.send("input_audio_buffer.clear")
    b.hear(quiet, 20)
    assert b.types() == ["input_audio_buffer.speech_started", "input_audio_buffer.cleared"]


def test_client_commits_a_turn_that_runs_under_its_announced_id(bench: Make, loud: Samples) -> None:
    b = bench()
    b.hear(loud, 10)
    b.send("input_audio_buffer.commit")
    started, committed, *_ = b.events()
    assert started["item_id"] == committed["item_id"]


# Client events: the output buffer


def test_client_clears_the_output(bench: Make) -> None:
    b = bench()
    b.spoken("hello world")
    b.play(5)
    b.events()
    b.send("output_audio_buffer.clear")
    events = b.events()
    assert [event["type"] for event in events] == ["output_audio_buffer.cleared", "conversation.item.truncated"]
    assert events[1]["audio_end_ms"] == 100


# Client events: responses


def test_client_creates_one_response_at_a_time(bench: Make) -> None:
    b = bench()
    response = b.begin()
    error = b.refusal("response.create")
    assert error.code == "conversation_already_has_active_response"
    assert error.message == (
        f"Conversation already has an active response in progress: {response.id}. Wait until the response is finished "
        "before creating a new one."
    )


def test_client_creates_responses_beside_the_conversation(bench: Make) -> None:
    b = bench()
    b.begin()
    b.send("conversation.item.create", item={**USER, "id": "a"})
    b.send(
        "response.create",
        response={"conversation": "none", "input": [{"type": "item_reference", "id": "a"}, USER, {**USER, "id": "z"}]},
    )
    begun = b.session.next_begun()
    assert [item.id for item in begun.input][::2] == ["a", "z"]
    b.session.finish(begun.response, "completed")
    b.events()
    assert len(b.session.conversation) == 1


def test_client_cancels_a_response(bench: Make) -> None:
    b = bench()
    response = b.begin()
    item = response.open_message(expected=4)
    response.add_text("a")
    b.session.play(response, item, np.zeros(8 * FRAME_SAMPLES, dtype=np.int16), "abcd")
    b.send("response.cancel")
    done = b.events()[-1]["response"]
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    b.play(2)
    assert b.session.output.read() is None
    assert b.types() == ["output_audio_buffer.stopped"]


def test_client_cancels_a_response_that_said_nothing_yet(bench: Make) -> None:
    b = bench()
    b.begin()
    b.send("response.cancel")
    assert b.types()[-1] == "response.done"
    b.begin()


def test_client_cancels_a_function_call(bench: Make) -> None:
    b = bench()
    b.begin().open_call("f")
    b.send("response.cancel")
    assert b.events()[-1]["response"]["output"][0]["status"] == "incomplete"


def test_client_cancels_a_response_by_its_id(bench: Make) -> None:
    b = bench()
    first, second = b.begin(), b.begin(conversation="none")
    b.send("response.cancel", response_id=second.id)
    assert (first.is_active, second.is_active) == (True, False)
    b.send("response.cancel", response_id=first.id)
    assert not first.is_active


@pytest.mark.parametrize("fields", [{}, {"response_id": "resp_x"}])
def test_client_cancels_nothing(bench: Make, fields: Any) -> None:
    error = bench().refusal("response.cancel", **fields)
    assert (error.code, error.message) == (
        "response_cancel_not_active",
        "Cancellation failed: no active response found",
    )


def test_session_reports_its_rate_limits_after_a_response(bench: Make) -> None:
    b = bench(sends_rate_limits=True)
    b.send("conversation.item.create", item={**USER, "content": [{"type": "input_text", "text": "x" * 4 * 639}]})
    b.session.finish(b.begin(), "completed")
    assert b.events()[-1]["rate_limits"] == [
        {"name": "tokens", "limit": 15000000, "remaining": 14999361, "reset_seconds": 0.002}
    ]


def test_session_without_an_output_buffer_plays_nothing(bench: Make) -> None:
    b = bench(has_output_buffer=False)
    b.spoken("hello")
    assert not b.session.output.is_playing


def test_client_retrieves_and_deletes_items(bench: Make) -> None:
    b = bench()
    b.send("conversation.item.create", item={**USER, "id": "a"})
    b.events()
    b.send("conversation.item.retrieve", item_id="a")
    b.send("conversation.item.delete", item_id="a")
    assert b.types() == ["conversation.item.retrieved", "conversation.item.deleted"]
    assert b.refusal("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=0).param == "item_id"


def test_client_without_an_output_buffer_gets_the_sound_as_events(bench: Make) -> None:
    b = bench(has_output_buffer=False)
    response = b.begin()
    b.say(response, "abcde" * 10)
    assert b.session.send_sound(response, 1600)
    assert not b.session.send_sound(response, 8000)
    response.close_item()
    b.session.finish(response, "completed")
    assert b.types().count("response.output_audio.delta") == 5
    assert b.session.output.read() is None


@pytest.mark.parametrize("is_heard", [False, True])
def test_cancelled_item_keeps_the_sound_that_was_sent(bench: Make, loud: Samples, is_heard: bool) -> None:
    b = bench(has_output_buffer=False)
    response = b.begin()
    item_id = b.say(response, "abcde" * 10)
    b.session.send_sound(response, 1600)
    if is_heard:
        b.hear(loud, 3)
    else:
        b.send("response.cancel")
    assert b.session.conversation.get(item_id).audio_ms == 200
    assert "output_audio_buffer.cleared" not in b.types()
    error = b.refusal("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=201)
    assert error.message == "Audio content of 200ms is already shorter than 201ms"
    b.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=100)
    assert b.types() == ["conversation.item.truncated"]


def test_model_begins_a_response_that_nobody_asked_for(bench: Make) -> None:
    b = bench(config={"output_modalities": ["text"]})
    b.session.begin_unasked()
    begun = b.session.next_begun()
    assert (begun.cause, begun.input, begun.response.options.output_modalities) == ("model", None, ["text"])
    assert b.session.active is begun.response
