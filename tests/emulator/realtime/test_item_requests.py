from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.realtime.session_config import PCMU

Make = Callable[..., Any]
Encoded = Callable[[Samples], str]

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


def test_client_creates_items_in_any_order(bench: Make) -> None:
    b = bench()
    for item_id, previous in (("b", None), ("c", ""), ("a", "root"), ("bb", "b")):
        b.send("conversation.item.create", item={**USER, "id": item_id}, previous_item_id=previous)
    events = b.events()
    assert [event["type"] for event in events[:2]] == ["conversation.item.added", "conversation.item.done"]
    assert [event["previous_item_id"] for event in events[::2]] == [None, "b", None, "b"]
    assert [item.id for item in b.session.conversation.backwards()] == ["c", "bb", "b", "a"]


def test_client_creates_an_item_after_one_that_is_not_there(bench: Make) -> None:
    error = bench().refusal("conversation.item.create", item=USER, previous_item_id="x")
    assert error.code == "item_create_invalid_previous_item_id"


def test_client_creates_an_item_twice(bench: Make) -> None:
    b = bench()
    b.send("conversation.item.create", item={**USER, "id": "a"})
    assert b.refusal("conversation.item.create", item={**USER, "id": "a"}).param == "item.id"
    assert len(b.session.conversation) == 1


def test_client_creates_a_function_call(bench: Make) -> None:
    b = bench()
    b.send("conversation.item.create", item={"type": "function_call", "name": "f", "arguments": "{}"})
    assert b.events()[0]["item"]["call_id"].startswith("call_")


def test_client_creates_an_item_with_sound(bench: Make, encoded: Encoded, loud: Samples) -> None:
    b = bench("hello")
    part = {"type": "input_audio", "audio": encoded(np.tile(loud, 10))}
    b.send("conversation.item.create", item={"type": "message", "role": "user", "content": [part]})
    item = b.session.conversation.last
    assert (item.spoken, item.shown["content"]) == ("hello", [{"type": "input_audio", "transcript": None}])
    assert len(item.audio) == 10 * FRAME_SAMPLES


def test_response_takes_the_models_sound(bench: Make) -> None:
    b = bench(call_format=PCMU)
    part = {"type": "output_audio", "audio": "/////w==", "transcript": "hello"}
    b.send("response.create", response={"input": [{"type": "message", "role": "assistant", "content": [part]}]})
    (item,) = b.session.next_begun().input
    assert (item.spoken, len(item.audio)) == ("hello", 4)


def test_client_can_not_create_an_item_with_the_models_sound(bench: Make) -> None:
    b = bench()
    content = [{"type": "output_text", "text": "hello"}, {"type": "output_audio", "transcript": "hello"}]
    error = b.refusal("conversation.item.create", item={"type": "message", "role": "assistant", "content": content})
    assert (error.code, error.param) == ("missing_required_parameter", "item.content[1].text")
    assert b.session.conversation.last is None


def test_client_creates_an_item_with_sound_that_is_not_base64(bench: Make) -> None:
    part = {"type": "input_audio", "audio": "!"}
    error = bench().refusal("conversation.item.create", item={"type": "message", "role": "user", "content": [part]})
    assert error.param == "item.content[0].audio"


def test_client_retrieves_an_item_for_itself(bench: Make) -> None:
    b = bench()
    b.send("conversation.item.create", item={**USER, "id": "a"})
    b.events()
    b.send("conversation.item.retrieve", item_id="a")
    (effect,) = b.effects()
    assert effect.channel_id == "channel"
    assert effect.event["item"]["id"] == "a"


def test_client_deletes_an_item(bench: Make) -> None:
    b = bench()
    b.send("conversation.item.create", item={**USER, "id": "a"})
    b.events()
    b.send("conversation.item.delete", item_id="a")
    (event,) = b.events()
    assert (event["type"], event["item_id"]) == ("conversation.item.deleted", "a")
    assert len(b.session.conversation) == 0


@pytest.mark.parametrize(("verb", "doing"), [("delete", "deleting"), ("retrieve", "retrieving")])
def test_client_names_an_item_that_is_not_there(bench: Make, verb: str, doing: str) -> None:
    error = bench().refusal(f"conversation.item.{verb}", item_id="yo")
    assert error.code == f"item_{verb}_invalid_item_id"
    assert error.message == f"Error {doing} item: the item with id 'yo' does not exist."


def test_client_truncates_what_is_played(bench: Make) -> None:
    b = bench()
    item_id = b.spoken("hello world")
    b.play(2)
    b.events()
    b.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=100)
    (event,) = b.events()
    assert list(event) == ["type", "event_id", "item_id", "content_index", "audio_end_ms"]
    b.play(3)
    assert b.session.output.read() is None
    assert list(b.session.conversation.get(item_id).texts()) == ["hello"]


def test_client_truncates_an_item_that_is_made(bench: Make) -> None:
    b = bench()
    response = b.begin()
    item_id = b.say(response, "hello")
    b.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=20)
    response.close_item()
    assert b.session.conversation.get(item_id).audio_ms == 20


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"item_id": "x"}, "item_truncate_invalid_item_id", "Item with item_id not found: x"),
        ({"item_id": "a"}, None, "Only model output audio messages can be truncated"),
        ({"content_index": 1}, None, "Only model output audio messages can be truncated"),
        ({"audio_end_ms": 101}, "invalid_value", "Audio content of 100ms is already shorter than 101ms"),
    ],
)
def test_client_truncates_what_can_not_be(bench: Make, fields: Any, code: str | None, message: str) -> None:
    b = bench()
    b.send("conversation.item.create", item={**USER, "id": "a"})
    fields = {"item_id": b.spoken("hello"), "content_index": 0, "audio_end_ms": 0, **fields}
    error = b.refusal("conversation.item.truncate", **fields)
    assert (error.code, error.message) == (code, message)


def test_client_refers_to_an_item_that_is_not_there(bench: Make) -> None:
    error = bench().refusal("response.create", response={"input": [{"type": "item_reference", "id": "x"}]})
    assert error.param == "response.input[0].id"


def test_sound_that_is_no_speech_loses_its_transcript_when_cut(bench: Make, loud: Samples) -> None:
    b = bench()
    item_id = b.spoken("jingle", spoken=None)
    b.play(3)
    b.hear(loud, 5)
    assert b.session.conversation.get(item_id).shown["content"] == [{"type": "output_audio", "transcript": ""}]


def test_transcript_of_less_than_was_heard_stays(bench: Make, loud: Samples) -> None:
    b = bench()
    response = b.begin()
    item = response.open_message(expected=5)
    response.add_text("he")
    b.session.play(response, item, np.zeros(5 * FRAME_SAMPLES, dtype=np.int16), "hello")
    b.play(4)
    b.hear(loud, 5)
    assert item.shown["content"] == [{"type": "output_audio", "transcript": "he"}]


def test_caller_interrupts_sound_of_a_deleted_item(bench: Make, loud: Samples) -> None:
    b = bench()
    item_id = b.spoken("hello")
    b.send("conversation.item.delete", item_id=item_id)
    b.events()
    b.hear(loud, 5)
    assert b.types() == ["input_audio_buffer.speech_started", "output_audio_buffer.cleared"]


def test_client_creates_an_item_with_several_sounds(bench: Make) -> None:
    b = bench(call_format=PCMU)
    content = [{"type": "input_audio", "audio": "/////w==", "transcript": word} for word in ("hello", "there")]
    b.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    item = b.session.conversation.last
    assert (item.spoken, len(item.audio)) == ("hello there", 8)


def test_client_can_not_truncate_a_message_of_text(bench: Make) -> None:
    b = bench()
    content = [{"type": "output_text", "text": "x"}]
    b.send("conversation.item.create", item={"type": "message", "role": "assistant", "id": "a", "content": content})
    error = b.refusal("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=0)
    assert error.message == "Only model output audio messages can be truncated"


def test_response_takes_items_and_references(bench: Make) -> None:
    b = bench()
    b.send("conversation.item.create", item={**USER, "id": "a"})
    given = [{"type": "item_reference", "id": "a"}, USER, {**USER, "id": "z"}]
    b.send("response.create", response={"input": given})
    begun = b.session.next_begun()
    assert [item.id for item in begun.input][::2] == ["a", "z"]
    assert len(b.session.conversation) == 1
