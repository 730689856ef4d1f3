import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.errors import EmulatorBug
from ringback.emulator.realtime.conversation import Conversation, Item
from ringback.emulator.realtime.events import Outbox
from ringback.emulator.realtime.response import Response, ResponseOptions
from ringback.emulator.realtime.session_config import PCM, PCMU, SessionConfig

Take = Callable[[], list[dict[str, Any]]]
Make = Callable[..., Response]


@pytest.fixture
def conversation() -> Conversation:
    return Conversation("conv_1")


@pytest.fixture
def respond(out: Outbox, conversation: Conversation) -> Make:
    def make(**given: Any) -> Response:
        options = ResponseOptions.of(SessionConfig(), given)
        return Response("resp_1", options, conversation=conversation, out=out)

    return make


def user(item_id: str) -> Item:
    return Item({"id": item_id, "type": "message", "role": "user", "content": []})


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def test_response_in_text_sends_its_events_in_the_recorded_order(respond: Make, events_of: Take) -> None:
    response = respond(output_modalities=["text"])
    response.create()
    response.open_message(expected=1)
    response.add_text("Hi")
    response.close_item()
    response.finish("completed")
    events = events_of()
    assert types(events) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert events[1]["item"]["content"] == []
    assert events[3]["part"] == {"type": "text", "text": ""}
    assert events[6]["part"] == {"type": "text", "text": "Hi"}
    assert events[8]["item"]["content"] == [{"type": "output_text", "text": "Hi"}]
    assert events[9]["response"]["output"] == [events[8]["item"]]
    assert events[0]["response"]["output"] == []


def test_response_in_sound_sends_its_transcript(respond: Make, events_of: Take) -> None:
    response = respond()
    response.open_message(expected=1)
    response.add_text("Hi")
    response.add_audio(np.zeros(8000, dtype=np.int16), spoken="Hi")
    response.close_item()
    events = events_of()
    assert types(events)[3:] == [
        "response.output_audio_transcript.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
    ]
    assert events[6]["part"] == {"type": "audio", "transcript": "Hi"}
    assert events[7]["item"]["content"] == [{"type": "output_audio", "transcript": "Hi"}]
    assert response.usage()["output_token_details"] == {"text_tokens": 1, "audio_tokens": 20}


def test_response_calls_a_function(respond: Make, events_of: Take) -> None:
    response = respond()
    response.open_call("get_weather")
    response.add_text("{}")
    response.close_item()
    events = events_of()
    assert types(events) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
    ]
    item = events[5]["item"]
    assert list(item) == ["id", "type", "status", "name", "call_id", "arguments"]
    assert (item["name"], item["arguments"], item["status"]) == ("get_weather", "{}", "completed")
    assert events[2]["call_id"] == events[3]["call_id"] == item["call_id"]


def test_done_of_an_item_forgets_a_predecessor_that_is_the_first(
    respond: Make, conversation: Conversation, events_of: Take
) -> None:
    conversation.append(user("first"))
    response = respond()
    for _ in range(2):
        response.open_message(expected=0)
        response.close_item()
    events = events_of()

    def predecessors(event_type: str) -> list[str | None]:
        return [event["previous_item_id"] for event in events if event["type"] == event_type]

    first_made = response.output[0]["id"]
    assert predecessors("conversation.item.added") == ["first", first_made]
    assert predecessors("conversation.item.done") == [None, first_made]


def test_response_outside_the_conversation_leaves_it_alone(
    respond: Make, conversation: Conversation, events_of: Take
) -> None:
    response = respond(conversation="none", metadata={"topic": "x"})
    response.create()
    response.open_message(expected=0)
    response.close_item()
    response.finish("completed")
    events = events_of()
    assert not [event for event in events if event["type"].startswith("conversation.")]
    assert len(conversation) == 0
    assert events[-1]["response"]["conversation_id"] is None
    assert events[-1]["response"]["metadata"] == {"topic": "x"}


def test_cancelled_response_closes_what_is_open(respond: Make, events_of: Take) -> None:
    response = respond()
    response.open_message(expected=2)
    response.add_text("Hel")
    response.cancel("turn_detected")
    done = events_of()[-1]["response"]
    assert done["status"] == "cancelled"
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert done["output"][0]["status"] == "incomplete"
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "Hel"}]
    assert not response.is_active


def test_cancelled_response_may_have_said_nothing(respond: Make) -> None:
    response = respond()
    response.cancel("client_cancelled")
    assert response.output == []


def test_sound_is_made_as_its_text_is(respond: Make) -> None:
    response = respond()
    assert response.made_samples == 0
    response.open_message(expected=4)
    assert response.made_samples == 0
    response.add_text("a")
    response.add_audio(np.zeros(400, dtype=np.int16), spoken="abcd")
    assert response.made_samples == 100
    assert response.open_item is not None


def test_call_made_by_options_of_its_own(respond: Make) -> None:
    options = ResponseOptions.of(SessionConfig(), {"audio": {"output": {"format": PCMU, "voice": "cedar"}}})
    assert (options.audio_format, options.voice, options.instructions) == (PCMU, "cedar", None)
    assert ResponseOptions.of(SessionConfig(), {}).audio_format == PCM
    assert ResponseOptions.of(SessionConfig(), {}, call_format=PCMU).audio_format == PCMU


def test_usage_counts_the_conversation_and_the_instructions(respond: Make, conversation: Conversation) -> None:
    content = [{"type": "input_text", "text": "x" * 40}]
    conversation.append(Item({"id": "a", "type": "message", "role": "user", "content": content}))
    usage = respond(instructions="abcd").usage()
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (11, 0, 11)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda response: response.add_audio(np.zeros(1, dtype=np.int16), spoken=None),
        lambda response: response.close_item(),
        lambda response: (response.open_call("a"), response.close_item(item=user("x"))),
        lambda response: (response.open_call("a"), response.finish("completed")),
        lambda response: (response.finish("completed"), response.finish("completed")),
    ],
)
def test_driver_that_misuses_a_response_is_a_bug(respond: Make, misuse: Callable[[Response], None]) -> None:
    with pytest.raises(EmulatorBug):
        misuse(respond())


SECOND = np.full(8000, 1000, dtype=np.int16)


def sound_of(events: list[dict[str, Any]]) -> list[int]:
    """Bytes in each delta of sound."""
    deltas = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    return [len(base64.b64decode(delta)) for delta in deltas]


def test_response_sends_as_much_sound_as_it_has_text(respond: Make, events_of: Take) -> None:
    response = respond(audio={"output": {"format": PCMU}})
    response.open_message(expected=3)
    assert not response.send_audio(8000)
    response.add_text("a")
    response.add_audio(SECOND, spoken="abc")
    assert not response.send_audio(8000)
    assert sound_of(events_of()) == [1600]
    assert response.sent_samples == 1600
    response.add_text("b")
    response.add_text("c")
    assert response.send_audio(3200)
    assert sound_of(events_of()) == [1600, 1600]
    assert not response.send_audio(8000)
    events = events_of()
    assert sound_of(events) == [1600, 1600]
    assert list(events[-1]) == [
        "type", "event_id", "response_id", "item_id", "output_index", "content_index", "delta",
    ]  # fmt: skip
    response.close_item()
    response.open_message(expected=0)
    assert response.sent_samples == 0


def test_sound_without_text_is_there_at_once(respond: Make, events_of: Take) -> None:
    response = respond()
    response.open_message(expected=0)
    response.add_audio(SECOND[:1700], spoken=None)
    assert response.made_samples == 1700
    assert not response.send_audio(8000)
    assert sound_of(events_of()) == [9600, 600]


def test_response_adds_a_call_before_its_message_is_done(respond: Make, events_of: Take) -> None:
    response = respond(output_modalities=["text"])
    message = response.open_message(expected=1)
    response.add_text("Wait")
    call = response.open_call("f")
    response.close_item(item=message)
    response.add_text("{}")
    response.close_item()
    response.finish("completed")
    events = events_of()
    assert types(events)[3:9] == [
        "response.output_text.delta",
        "response.output_item.added",
        "conversation.item.added",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
    ]
    indexes = [(event["item"]["id"], event["output_index"]) for event in events if "output_item" in event["type"]]
    assert indexes == [(message.id, 0), (call.id, 1), (message.id, 0), (call.id, 1)]
    assert [item["id"] for item in events[-1]["response"]["output"]] == [message.id, call.id]


def test_response_lists_its_output_by_index_whatever_is_done_first(respond: Make, events_of: Take) -> None:
    response = respond(output_modalities=["text"])
    message = response.open_message(expected=1)
    call = response.open_call("f")
    response.close_item()
    assert response.output == [call.shown]
    response.cancel("client_cancelled")
    assert [item["status"] for item in response.output] == ["incomplete", "completed"]
    assert response.output[0]["id"] == message.id
    events_of()
