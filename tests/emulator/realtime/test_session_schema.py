from typing import Any

import pytest
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.realtime.session_schema import SESSION

MCP = {
    "type": "mcp",
    "server_label": "docs",
    "server_url": "https://example.com/mcp",
    "server_description": "docs",
    "authorization": "x",
    "headers": {"x": "y"},
    "allowed_tools": {"read_only": True, "tool_names": ["a"]},
    "allowed_callers": ["direct"],
    "require_approval": {"always": {"tool_names": ["a"]}, "never": {"read_only": True}},
    "defer_loading": False,
    "tunnel_id": "t",
}

LABEL = {"type": "mcp", "server_label": "docs"}

EVERYTHING: dict[str, Any] = {
    "type": "realtime",
    "model": "gpt-realtime-2",
    "output_modalities": ["text"],
    "instructions": "Be brief.",
    "tools": [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}, MCP],
    "tool_choice": {"type": "function", "name": "f"},
    "max_output_tokens": 100,
    "tracing": {"workflow_name": "w", "group_id": "g", "metadata": {"a": 1}},
    "truncation": {"type": "retention_ratio", "retention_ratio": 0.8, "token_limits": {"post_instructions": 5000}},
    "prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": "Paris"}},
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {
                "model": "whisper-1",
                "language": "en",
                "prompt": "names",
                "delay": "low",
                "keywords": ["a"],
                "languages": ["en"],
            },
            "noise_reduction": {"type": "near_field", "strength": 0.5},
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.7,
                "prefix_padding_ms": 100,
                "silence_duration_ms": 400,
                "idle_timeout_ms": 5000,
                "create_response": False,
                "interrupt_response": False,
            },
        },
        "output": {"format": {"type": "audio/pcmu"}, "voice": {"id": "voice_1"}, "speed": 1.5},
    },
    "include": ["item.input_audio_transcription.logprobs"],
    "reasoning": {"effort": "low"},
    "parallel_tool_calls": True,
}


@pytest.mark.parametrize(
    "body",
    [
        EVERYTHING,
        {"type": "realtime"},
        {"type": "realtime", "prompt": None, "tracing": None, "include": None},
        {"type": "realtime", "tracing": "auto", "truncation": "disabled", "tool_choice": "none"},
        {"type": "realtime", "max_output_tokens": "inf", "tools": [{"name": "without_a_type"}]},
        {"type": "realtime", "tool_choice": {"type": "mcp", "server_label": "docs", "name": None}},
        {"type": "realtime", "audio": {"input": {"turn_detection": None, "transcription": None}}},
        {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}}},
        {"type": "realtime", "tools": [{**MCP, "allowed_tools": ["a"], "require_approval": "never"}]},
        {"type": "realtime", "tools": [{"type": "mcp", "server_label": "a"}, {"type": "mcp", "server_label": "b"}]},
        {"type": "realtime", "tools": [{**LABEL, "connector_id": "connector_gmail", "authorization": "x"}]},
        {"type": "realtime", "tools": [{**LABEL, "server_url": "u", "headers": {"Authorization": "x"}}]},
        {"type": "transcription", "audio": {"input": {"transcription": {"model": "whisper-1"}}}},
    ],
)
def test_schema_accepts_every_field_of_the_sdk(body: dict[str, Any]) -> None:
    SESSION.check(body, "session")


@pytest.mark.parametrize(
    ("patch", "code", "param"),
    [
        ({"modalities": ["text"]}, "unknown_parameter", "session.modalities"),
        ({"voice": "alloy"}, "unknown_parameter", "session.voice"),
        ({"output_modalities": ["text", "audio"]}, "invalid_value", "session.output_modalities"),
        ({"output_modalities": ["video"]}, "invalid_value", "session.output_modalities[0]"),
        ({"max_output_tokens": 4097}, "invalid_value", "session.max_output_tokens"),
        ({"max_output_tokens": "many"}, "invalid_value", "session.max_output_tokens"),
        ({"max_output_tokens": True}, "invalid_type", "session.max_output_tokens"),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
        ({"tools": [{"name": "f", "strict": True}]}, "unknown_parameter", "session.tools[0].strict"),
        ({"tools": [LABEL, {"name": "f"}, LABEL]}, "invalid_value", "session.tools[2].server_label"),
        (
            {"tools": [{**LABEL, "server_url": "u", "connector_id": "connector_gmail"}]},
            "invalid_value",
            "session.tools[0]",
        ),
        ({"tools": [{**LABEL, "connector_id": "connector_x"}]}, "invalid_value", "session.tools[0].connector_id"),
        (
            {"tools": [{**LABEL, "authorization": "x", "headers": {"authorization": "y"}}]},
            "invalid_value",
            "session.tools[0].headers",
        ),
        (
            {"tools": [{**LABEL, "connector_id": "connector_gmail", "headers": {"Authorization": "y"}}]},
            "invalid_value",
            "session.tools[0].headers",
        ),
        ({"audio": {"output": {"speed": 2}}}, "invalid_value", "session.audio.output.speed"),
        ({"audio": {"output": {"voice": {}}}}, "missing_required_parameter", "session.audio.output.voice.id"),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 8000}}}},
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}}},
            "unknown_parameter",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 1500}}}},
            "invalid_value",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
    ],
)
def test_schema_names_the_field_that_is_wrong(patch: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        SESSION.check({"type": "realtime", **patch}, "session")
    assert (caught.value.code, caught.value.param) == (code, param)
