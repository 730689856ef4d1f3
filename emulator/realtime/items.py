"""Conversation items as clients give them: their schemas, and the form in which the service shows them."""

from typing import Any

from .validation import Flag, Free, ListOf, Nullable, OneOf, Record, Schema, Tagged, Text, Whole

_COMMON: dict[str, Schema] = {
    "type": Text(),
    "id": Text(),
    "object": OneOf(("realtime.item",)),
    "status": OneOf(("completed", "incomplete", "in_progress")),
}

_CONTENT_OF: dict[str, Schema] = {
    "system": Tagged({"input_text": Record({"type": Text(), "text": Text()}, ("text",))}),
    "user": Tagged(
        {
            "input_text": Record({"type": Text(), "text": Text()}, ("text",)),
            "input_audio": Record({"type": Text(), "audio": Text(), "transcript": Nullable(Text())}),
            "input_image": Record(
                {"type": Text(), "image_url": Text(), "detail": OneOf(("auto", "low", "high"))}, ("image_url",)
            ),
        }
    ),
    "assistant": Tagged(
        {
            "output_text": Record({"type": Text(), "text": Text()}, ("text",)),
            "output_audio": Record({"type": Text(), "audio": Text(), "transcript": Nullable(Text())}),
        }
    ),
}


class _Message:
    """A message: its `role` says what its content may be."""

    def __init__(self) -> None:
        self._roles = Tagged(
            {
                role: Record({**_COMMON, "role": Text(), "content": ListOf(content)}, ("content",))
                for role, content in _CONTENT_OF.items()
            },
            tag="role",
        )

    def check_fields(self, value: dict[str, Any], path: str) -> None:
        self._roles.check(value, path)


_CALL_FIELDS: dict[str, Schema] = {"name": Text(), "arguments": Text()}

_LISTED_TOOL = Record(
    {"name": Text(), "description": Nullable(Text()), "input_schema": Free(), "annotations": Free()},
    ("input_schema", "name"),
)

_CODED_ERROR = Record({"type": Text(), "code": Whole(), "message": Text()}, ("code", "message"))

_MCP_ERROR = Tagged(
    {
        "protocol_error": _CODED_ERROR,
        "http_error": _CODED_ERROR,
        "tool_execution_error": Record({"type": Text(), "message": Text()}, ("message",)),
    }
)

ITEM = Tagged(
    {
        "message": _Message(),
        "function_call": Record({**_COMMON, **_CALL_FIELDS, "call_id": Text()}, ("name", "arguments")),
        "function_call_output": Record({**_COMMON, "call_id": Text(), "output": Text()}, ("call_id", "output")),
        "mcp_approval_response": Record(
            {**_COMMON, "approval_request_id": Text(), "approve": Flag(), "reason": Nullable(Text())},
            ("approval_request_id", "approve"),
        ),
        "mcp_approval_request": Record(
            {**_COMMON, **_CALL_FIELDS, "server_label": Text()}, ("arguments", "name", "server_label")
        ),
        "mcp_list_tools": Record(
            {**_COMMON, "server_label": Text(), "tools": ListOf(_LISTED_TOOL)}, ("server_label", "tools")
        ),
        "mcp_call": Record(
            {
                **_COMMON,
                **_CALL_FIELDS,
                "server_label": Text(),
                "approval_request_id": Nullable(Text()),
                "output": Nullable(Text()),
                "error": Nullable(_MCP_ERROR),
            },
            ("arguments", "name", "server_label"),
        ),
    }
)
"""Any item of `conversation.item.create`."""

REFERENCE = Record({"type": Text(), "id": Text()}, ("id",))

ITEM_OR_REFERENCE = Tagged({**ITEM.records, "item_reference": REFERENCE})
"""What `response.create` takes as `input`."""


def shown_item(given: dict[str, Any], item_id: str) -> dict[str, Any]:
    """A validated item as events carry it: keys in the service's order, sound left out, status completed [OBS].

    A `function_call_output` has no status [OBS], nor have the items of MCP.
    """
    kind = given["type"]
    if kind == "message":
        content = [_shown_part(part) for part in given["content"]]
        return {"id": item_id, "type": kind, "status": "completed", "role": given["role"], "content": content}
    if kind == "function_call":
        return {
            "id": item_id,
            "type": kind,
            "status": "completed",
            "name": given["name"],
            "call_id": given["call_id"],
            "arguments": given["arguments"],
        }
    rest = {key: value for key, value in given.items() if key not in _COMMON}
    return {"id": item_id, "type": kind, **rest}


def _shown_part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] in ("input_audio", "output_audio"):
        return {"type": part["type"], "transcript": part.get("transcript")}
    return part
