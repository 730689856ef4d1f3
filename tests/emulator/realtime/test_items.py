from typing import Any

import pytest
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.realtime.items import ITEM, ITEM_OR_REFERENCE, shown_item

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (
            {**USER, "object": "realtime.item", "status": "in_progress"},
            {"id": "i", "type": "message", "status": "completed", "role": "user", "content": USER["content"]},
        ),
        (
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_audio", "audio": "AAAA"},
                    {"type": "input_image", "image_url": "data:x", "detail": "low"},
                ],
            },
            {
                "id": "i",
                "type": "message",
                "status": "completed",
                "role": "user",
                "content": [
                    {"type": "input_audio", "transcript": None},
                    {"type": "input_image", "image_url": "data:x", "detail": "low"},
                ],
            },
        ),
        (
            {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "Hi"}]},
            {
                "id": "i",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_audio", "transcript": "Hi"}],
            },
        ),
        (
            {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call_1"},
            {
                "id": "i",
                "type": "function_call",
                "status": "completed",
                "name": "f",
                "call_id": "call_1",
                "arguments": "{}",
            },
        ),
        (
            {"type": "function_call_output", "call_id": "call_1", "output": "12", "status": "completed"},
            {"id": "i", "type": "function_call_output", "call_id": "call_1", "output": "12"},
        ),
        (
            {"type": "mcp_approval_response", "approval_request_id": "r", "approve": True, "reason": None},
            {"id": "i", "type": "mcp_approval_response", "approval_request_id": "r", "approve": True, "reason": None},
        ),
    ],
)
def test_item_is_shown_as_the_service_shows_it(given: dict[str, Any], shown: dict[str, Any]) -> None:
    ITEM.check(given, "item")
    made = shown_item(given, "i")
    assert made == shown
    assert list(made) == list(shown)


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({}, "missing_required_parameter", "item.type"),
        ({"type": "song"}, "invalid_value", "item.type"),
        ({"type": "message"}, "missing_required_parameter", "item.role"),
        ({"type": "message", "role": "tool"}, "invalid_value", "item.role"),
        ({"type": "message", "role": "user"}, "missing_required_parameter", "item.content"),
        (
            {"type": "message", "role": "user", "content": [{"type": "output_text", "text": "x"}]},
            "invalid_value",
            "item.content[0].type",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_text"}]},
            "missing_required_parameter",
            "item.content[0].text",
        ),
        ({"type": "function_call_output", "call_id": "c"}, "missing_required_parameter", "item.output"),
        ({"type": "item_reference", "id": "x"}, "invalid_value", "item.type"),
    ],
)
def test_client_is_told_what_is_wrong_with_its_item(given: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ITEM.check(given, "item")
    assert (caught.value.code, caught.value.param) == (code, param)


def test_input_of_a_response_may_refer_to_an_item() -> None:
    ITEM_OR_REFERENCE.check({"type": "item_reference", "id": "x"}, "input[0]")
