import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.realtime import client_events as client
from ringback.emulator.realtime.client_events import InvalidEvent, parse_client_event

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


def parse(event: Any, *, has_output_buffer: bool = True) -> client.ClientEvent:
    data = event if isinstance(event, str | bytes) else json.dumps(event)
    return parse_client_event(data, has_output_buffer=has_output_buffer).event


def refusal(event: Any, *, has_output_buffer: bool = True) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        parse(event, has_output_buffer=has_output_buffer)
    return caught.value


@pytest.mark.parametrize(
    ("event", "parsed"),
    [
        (
            {"type": "session.update", "session": {"type": "realtime"}, "event_id": "e"},
            client.SessionUpdate(event_id="e", patch=client.SessionPatch({"type": "realtime"})),
        ),
        ({"type": "input_audio_buffer.append", "audio": "AAEC"}, client.AppendAudio(event_id=None, audio=b"\0\1\2")),
        (
            {"type": "input_audio_buffer.append", "audio": "AAEC", "event_id": "e"},
            client.AppendAudio(event_id="e", audio=b"\0\1\2"),
        ),
        (
            {"type": "input_audio_buffer.append", "audio": "", "event_id": None},
            client.AppendAudio(event_id=None, audio=b""),
        ),
        ({"type": "input_audio_buffer.commit"}, client.CommitAudio(event_id=None)),
        ({"type": "input_audio_buffer.clear"}, client.ClearAudio(event_id=None)),
        ({"type": "output_audio_buffer.clear"}, client.ClearOutput(event_id=None)),
        (
            {"type": "conversation.item.create", "item": USER, "previous_item_id": "root"},
            client.CreateItem(event_id=None, item=USER, previous_item_id="root"),
        ),
        ({"type": "conversation.item.retrieve", "item_id": "i"}, client.RetrieveItem(event_id=None, item_id="i")),
        (
            {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 5},
            client.TruncateItem(event_id=None, item_id="i", content_index=0, audio_end_ms=5),
        ),
        ({"type": "conversation.item.delete", "item_id": "i"}, client.DeleteItem(event_id=None, item_id="i")),
        ({"type": "response.create"}, client.CreateResponse(event_id=None)),
        ({"type": "response.create", "response": None}, client.CreateResponse(event_id=None)),
        (
            {"type": "response.create", "response": {"instructions": "x", "conversation": "none", "input": [USER]}},
            client.CreateResponse(
                event_id=None, options={"instructions": "x", "conversation": "none", "input": [USER]}
            ),
        ),
        ({"type": "response.cancel", "response_id": "r"}, client.CancelResponse(event_id=None, response_id="r")),
    ],
)
def test_client_sends_every_event(event: Any, parsed: client.ClientEvent) -> None:
    assert parse(event) == parsed


@pytest.mark.parametrize(
    ("event", "code", "param", "message"),
    [
        (b'{"type":"response.create"}', "invalid_event", None, "Expected a text message, but got a binary one."),
        ("{", "invalid_json", None, "Failed to parse the message as a JSON value."),
        ('{"type": NaN}', "invalid_json", None, "Failed to parse the message as a JSON value."),
        ("[" * 100_000, "invalid_json", None, "Failed to parse the message as a JSON value."),
        ("9" * 5000, "invalid_json", None, "Failed to parse the message as a JSON value."),
        ("[]", "invalid_event", None, "The event must be a JSON object."),
        ("{}", "invalid_event", None, "The 'type' field is missing."),
        (
            '{"type": 1}',
            "invalid_type",
            "type",
            "Invalid type for 'type': expected a string, but got an integer instead.",
        ),
        ('{"type": "\\ud800"}', "invalid_json", None, "A string holds half of a surrogate pair."),
        ('{"type": "response.create", "x": 1e999}', "invalid_json", None, "A number is too large for JSON."),
        ({"type": "session.update"}, "missing_required_parameter", "session", None),
        ({"type": "session.update", "session": {}}, "missing_required_parameter", "session.type", None),
        ({"type": "session.update", "session": []}, "invalid_type", "session", None),
        ({"type": "response.create", "x": 1}, "unknown_parameter", "x", None),
        ({"type": "response.create", "event_id": 5}, "invalid_type", "event_id", None),
        ({"type": "response.create", "response": {"voice": "alloy"}}, "unknown_parameter", "response.voice", None),
        ({"type": "response.create", "response": {"input": [{}]}}, "missing_required_parameter", None, None),
        ({"type": "conversation.item.truncate", "item_id": "i"}, "missing_required_parameter", "content_index", None),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio", None),
        ({"type": "input_audio_buffer.append", "audio": 5}, "invalid_type", "audio", None),
        ({"type": "input_audio_buffer.append", "audio": "AAAA", "x": 1}, "unknown_parameter", "x", None),
        ({"type": "input_audio_buffer.append", "audio": "not base64!"}, "invalid_value", "audio", None),
        ({"type": "input_audio_buffer.append", "audio": "é"}, "invalid_value", "audio", None),
    ],
)
def test_client_is_told_what_is_wrong(event: Any, code: str, param: str | None, message: str | None) -> None:
    error = refusal(event)
    assert error.code == code
    if param is not None:
        assert error.param == param
    if message is not None:
        assert error.message == message


def test_client_is_told_the_supported_events_in_the_services_words() -> None:
    error = refusal({"type": "nope", "event_id": "mine"})
    assert error.message.startswith("Invalid value: 'nope'. Supported values are: 'session.update', 'session.close', ")
    assert error.message.endswith("'response.create', and 'response.cancel'.")
    assert (error.code, error.param, error.event_id) == ("invalid_value", "type", "mine")


def test_client_of_a_direct_websocket_has_no_output_buffer_to_clear() -> None:
    error = refusal({"type": "output_audio_buffer.clear"}, has_output_buffer=False)
    assert error.message.startswith("Invalid value: 'output_audio_buffer.clear'.")


def test_client_may_append_15_mib_and_no_more() -> None:
    sound = bytes(client.APPEND_LIMIT)
    event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(sound).decode()}
    assert parse(event) == client.AppendAudio(event_id=None, audio=sound)
    event["audio"] = base64.b64encode(sound + b"abc").decode()
    assert refusal(event).param == "audio"


@pytest.mark.parametrize(
    ("event", "journalled"),
    [
        ("[]", None),
        ('{"type": "nope"}', {"type": "nope"}),
        ('{"type": "\\ud800"}', {"type": None}),
        ('{"type": "\\ud800", "event_id": "\\ud800"}', {"type": None}),
        ('{"type": 5}', {"type": None}),
    ],
)
def test_refused_event_leaves_something_for_the_journal(event: str, journalled: Any) -> None:
    error = refusal(event)
    assert error.event == journalled
    assert error.event_id is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["type", "item", "session"]), inner),
    max_leaves=10,
)


@given(
    st.one_of(
        st.binary(),
        st.text(),
        JSON.map(json.dumps),
        st.fixed_dictionaries(
            {"type": st.sampled_from([*client.SUPPORTED, "output_audio_buffer.clear"])},
            optional=dict.fromkeys(("event_id", "audio", "session", "item", "item_id", "response"), JSON),
        ).map(json.dumps),
    )
)
def test_client_can_send_anything_and_gets_an_event_or_an_error(data: str | bytes) -> None:
    try:
        parse_client_event(data, has_output_buffer=True)
    except InvalidEvent as error:
        json.dumps(error.error()).encode()
        json.dumps([error.event_id, error.event], ensure_ascii=False).encode()
