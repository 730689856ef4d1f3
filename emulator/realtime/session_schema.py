"""What a session configuration may say, field by field: the tables behind `session_config`.

From the `openai` package's types (`types/realtime`) [SDK]; ranges from their descriptions [DOC].
"""

from typing import Any

from ..errors import InvalidRequest
from .validation import (
    Either,
    Flag,
    Free,
    ListOf,
    MapOf,
    Nullable,
    OneOf,
    Real,
    Record,
    Rule,
    Schema,
    Tagged,
    Text,
    Whole,
    invalid_value,
    shown,
)

SESSION_TYPES = ("realtime", "transcription")

FORMAT = Tagged(
    {
        "audio/pcm": Record({"type": Text(), "rate": Rule(Whole(), lambda value, path: _check_rate(value, path))}),
        "audio/pcmu": Record({"type": Text()}),
        "audio/pcma": Record({"type": Text()}),
    }
)

TURN_DETECTION = Nullable(
    Tagged(
        {
            "server_vad": Record(
                {
                    "type": Text(),
                    "threshold": Real(0.0, 1.0),
                    "prefix_padding_ms": Whole(0),
                    "silence_duration_ms": Whole(0),
                    "idle_timeout_ms": Nullable(Whole(5000, 30000)),
                    "create_response": Flag(),
                    "interrupt_response": Flag(),
                }
            ),
            "semantic_vad": Record(
                {
                    "type": Text(),
                    "eagerness": OneOf(("low", "medium", "high", "auto")),
                    "create_response": Flag(),
                    "interrupt_response": Flag(),
                }
            ),
        }
    )
)

TRANSCRIPTION = Nullable(
    Record(
        {
            "model": Text(),
            "language": Nullable(Text()),
            "prompt": Nullable(Text()),
            "delay": OneOf(("minimal", "low", "medium", "high", "xhigh")),
            "keywords": ListOf(Text()),
            "languages": ListOf(Text()),
        }
    )
)

NOISE_REDUCTION = Nullable(Record({"type": OneOf(("near_field", "far_field")), "strength": Real(0.0, 1.0)}))

AUDIO_INPUT = Record(
    {
        "format": FORMAT,
        "transcription": TRANSCRIPTION,
        "noise_reduction": NOISE_REDUCTION,
        "turn_detection": TURN_DETECTION,
    }
)

VOICE = Either({str: Text(), dict: Record({"id": Text()}, ("id",))}, "a string or an object")

AUDIO_OUTPUT = Record({"format": FORMAT, "voice": VOICE, "speed": Real(0.25, 1.5)})

CONNECTORS = (
    "connector_dropbox",
    "connector_gmail",
    "connector_googlecalendar",
    "connector_googledrive",
    "connector_microsoftteams",
    "connector_outlookcalendar",
    "connector_outlookemail",
    "connector_sharepoint",
)

_TOOL_FILTER = Record({"read_only": Flag(), "tool_names": ListOf(Text())})

TOOL = Tagged(
    {
        "function": Record({"type": Text(), "name": Text(), "description": Text(), "parameters": Free()}, ("name",)),
        "mcp": Record(
            {
                "type": Text(),
                "server_label": Text(),
                "allowed_callers": Nullable(ListOf(OneOf(("direct", "programmatic")))),
                "allowed_tools": Nullable(Either({list: ListOf(Text()), dict: _TOOL_FILTER}, "an array or an object")),
                "authorization": Text(),
                "connector_id": OneOf(CONNECTORS),
                "defer_loading": Flag(),
                "headers": Nullable(MapOf(Text())),
                "require_approval": Nullable(
                    Either(
                        {
                            str: OneOf(("always", "never")),
                            dict: Record({"always": _TOOL_FILTER, "never": _TOOL_FILTER}),
                        },
                        "a string or an object",
                    )
                ),
                "server_description": Text(),
                "server_url": Text(),
                "tunnel_id": Text(),
            },
            ("server_label",),
        ),
    },
    default="function",
)

TOOL_CHOICE = Either(
    {
        str: OneOf(("none", "auto", "required")),
        dict: Tagged(
            {
                "function": Record({"type": Text(), "name": Text()}, ("name",)),
                "mcp": Record({"type": Text(), "server_label": Text(), "name": Nullable(Text())}, ("server_label",)),
            }
        ),
    },
    "a string or an object",
)

MAX_OUTPUT_TOKENS = Either({int: Whole(1, 4096), str: OneOf(("inf",))}, "an integer or 'inf'")

PROMPT = Nullable(Record({"id": Text(), "version": Nullable(Text()), "variables": Nullable(MapOf(Free()))}, ("id",)))

REASONING = Record({"effort": OneOf(("minimal", "low", "medium", "high", "xhigh"))})

TRUNCATION = Either(
    {
        str: OneOf(("auto", "disabled")),
        dict: Record(
            {
                "type": OneOf(("retention_ratio",)),
                "retention_ratio": Real(0.0, 1.0),
                "token_limits": Record({"post_instructions": Whole(0)}),
            },
            ("type", "retention_ratio"),
        ),
    },
    "a string or an object",
)

TRACING = Nullable(
    Either(
        {
            str: OneOf(("auto",)),
            dict: Record({"workflow_name": Text(), "group_id": Text(), "metadata": Free()}),
        },
        "a string or an object",
    )
)

INCLUDE = Nullable(ListOf(OneOf(("item.input_audio_transcription.logprobs",))))


def _check_tools(value: Any, path: str) -> None:
    """What the guide says of the definitions of MCP servers [DOC]; codes and words are ours."""
    labels: set[str] = set()
    for index, tool in enumerate(value):
        if tool.get("type") != "mcp":
            continue
        label, place = tool["server_label"], f"{path}[{index}]"
        if label in labels:
            wrong, param = f"Duplicate MCP server_label '{shown(label)}'.", f"{place}.server_label"
        elif tool.get("server_url") and tool.get("connector_id"):
            wrong, param = f"Only one of '{place}.server_url' and '{place}.connector_id' may be given.", place
        elif any(name.lower() == "authorization" for name in tool.get("headers") or ()) and (
            tool.get("authorization") or tool.get("connector_id")
        ):
            wrong, param = f"'{place}.headers' may not have Authorization here.", f"{place}.headers"
        else:
            labels.add(label)
            continue
        raise InvalidRequest(wrong, code="invalid_value", param=param)


TOOLS: Schema = Rule(ListOf(TOOL), _check_tools)


def _check_rate(value: Any, path: str) -> None:
    if value != 24000:
        raise invalid_value(path, value, ("24000",))


def _check_modalities(value: Any, path: str) -> None:
    # DOC: it is not possible to request both at the same time.
    if value not in (["text"], ["audio"]):
        raise InvalidRequest(
            f"Invalid modalities: {shown(value)}. Supported combinations are: ['text'] and ['audio'].",
            code="invalid_value",
            param=path,
        )


MODALITIES: Schema = Rule(ListOf(OneOf(("text", "audio"))), _check_modalities)

REALTIME = Record(
    {
        "type": OneOf(SESSION_TYPES),
        "model": Text(),
        "output_modalities": MODALITIES,
        "instructions": Text(),
        "tools": TOOLS,
        "tool_choice": TOOL_CHOICE,
        "max_output_tokens": MAX_OUTPUT_TOKENS,
        "tracing": TRACING,
        "truncation": TRUNCATION,
        "prompt": PROMPT,
        "audio": Record({"input": AUDIO_INPUT, "output": AUDIO_OUTPUT}),
        "include": INCLUDE,
        "reasoning": REASONING,
        "parallel_tool_calls": Flag(),
    }
)

TRANSCRIPTION_SESSION = Record(
    {"type": OneOf(SESSION_TYPES), "audio": Record({"input": AUDIO_INPUT}), "include": INCLUDE}
)

SESSION = Tagged({"realtime": REALTIME, "transcription": TRANSCRIPTION_SESSION})
