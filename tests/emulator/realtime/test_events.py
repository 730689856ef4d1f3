from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.realtime.effects import HostRecord, SendEvent, SessionExpired
from ringback.emulator.realtime.events import Outbox, delta_event, pieces

Take = Callable[[], list[dict[str, Any]]]


@given(st.text())
def test_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert all(0 < len(piece) <= 13 for piece in pieces(text))


def test_text_is_cut_into_about_a_word_each() -> None:
    assert pieces("Hello there!") == ["Hello", " there", "!"]
    assert pieces("") == []


@pytest.mark.broken_frames("only their first keys matter")
def test_channels_receive_type_and_id_first(out: Outbox, events_of: Take) -> None:
    out.send("session.updated", session={})
    (event,) = events_of()
    assert list(event) == ["type", "event_id", "session"]
    assert event["event_id"].startswith("event_")
    assert len(event["event_id"]) == len("event_") + 21


@pytest.mark.broken_frames("only their padding matters")
@pytest.mark.parametrize(("delta", "padding"), [("Hello", 11), ("!", 15), ("x" * 16, 0), ("x" * 17, 15)])
def test_delta_is_padded_to_a_multiple_of_16(out: Outbox, events_of: Take, delta: str, padding: int) -> None:
    out.send_delta(delta_event("response.output_text.delta", content_index=0), delta)
    (event,) = events_of()
    assert list(event) == ["type", "event_id", "content_index", "delta", "obfuscation"]
    assert len(event["obfuscation"]) == padding


def test_media_event_has_an_id_of_16_hexadecimal_digits(out: Outbox, events_of: Take) -> None:
    out.send_media("output_audio_buffer.started", "resp_1")
    (event,) = events_of()
    assert list(event) == ["type", "event_id", "response_id"]
    assert len(event["event_id"].removeprefix("event_")) == 16


def test_dtmf_event_has_no_id(out: Outbox, events_of: Take) -> None:
    out.send_without_id("input_audio_buffer.dtmf_event_received", event="9", received_at=5)
    assert events_of() == [{"type": "input_audio_buffer.dtmf_event_received", "event": "9", "received_at": 5}]


def test_error_goes_to_its_channel_and_echoes_the_clients_event_id(out: Outbox) -> None:
    out.send_error("a", InvalidRequest("no", code="invalid_value", param="type"), client_event_id="mine")
    effect = out.take()
    assert isinstance(effect, SendEvent)
    assert effect.channel_id == "a"
    assert effect.event["error"] == {
        "type": "invalid_request_error",
        "code": "invalid_value",
        "message": "no",
        "param": "type",
        "event_id": "mine",
    }


def test_error_may_have_another_type(out: Outbox) -> None:
    out.send_error(None, InvalidRequest("no"), type="server_error")
    effect = out.take()
    assert isinstance(effect, SendEvent)
    assert effect.event["error"]["type"] == "server_error"


def test_effects_come_out_in_order(out: Outbox) -> None:
    out.record("media.said", text="x")
    out.add(SessionExpired())
    assert out.take() == HostRecord(kind="media.said", data={"text": "x"})
    assert out.take() == SessionExpired()
    assert out.take() is None
