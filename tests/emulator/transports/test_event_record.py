"""What the journal keeps of a server event, and how it looks to whoever reads it."""

import pytest
from ringback.emulator.realtime.items import shown_item
from ringback.emulator.transports.channels import encode
from ringback.emulator.transports.event_record import EventData, kept_payload

pytestmark = pytest.mark.broken_frames("only what the journal keeps of them matters")

DELTA = {"type": "response.output_text.delta", "delta": "Grüße"}


def test_event_is_read_from_what_left() -> None:
    data = EventData({"session_id": "sess_1"}, "direct-1", encode(DELTA))
    assert dict(data) == {"session_id": "sess_1", "channel": "direct-1", "event": DELTA}
    assert len(data) == 3
    assert data["event"] is data["event"]
    assert EventData({}, None, encode(DELTA)) == {"channel": None, "event": DELTA}
    with pytest.raises(KeyError):
        EventData({}, None, b"{}")["session_id"]


def test_event_without_sound_and_credentials_is_kept_as_it_left() -> None:
    payload = encode(DELTA)
    assert kept_payload(DELTA, payload) is payload


def kept(event: dict[str, object]) -> object:
    return EventData({}, None, kept_payload(event, encode(event)))["event"]


def test_sound_is_kept_as_its_length() -> None:
    delta = {"type": "response.output_audio.delta", "item_id": "item_1", "delta": "AAAA"}
    assert kept(delta) == {"type": "response.output_audio.delta", "item_id": "item_1", "delta_length": 4}
    text = {"type": "input_text", "text": "Hello"}
    sound = {"type": "input_audio", "audio": "AAAA", "transcript": None}
    message = shown_item({"type": "message", "role": "user", "content": []}, "item_1")
    retrieved = {"type": "conversation.item.retrieved", "item": {**message, "content": [text, sound]}}
    shortened = {"type": "input_audio", "transcript": None, "audio_length": 4}
    assert kept(retrieved) == {**retrieved, "item": {**message, "content": [text, shortened]}}
    call = {"type": "conversation.item.retrieved", "item": {"id": "item_2", "type": "function_call"}}
    assert kept(call) == call


@pytest.mark.parametrize("kind", ["session.created", "session.updated"])
def test_credentials_of_a_session_are_not_kept(kind: str) -> None:
    event = {"type": kind, "session": {"tools": [{"type": "mcp", "authorization": "secret"}]}}
    assert kept(event) == {"type": kind, "session": {"tools": [{"type": "mcp", "authorization": "…"}]}}
