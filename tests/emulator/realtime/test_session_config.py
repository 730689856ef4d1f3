import json
from pathlib import Path
from typing import Any

import pytest
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.realtime.session_config import (
    PCM,
    PCMU,
    SERVER_VAD,
    SessionConfig,
    parse_session_config,
    parse_session_patch,
)


def patched(config: SessionConfig, **patch: Any) -> SessionConfig:
    return config.updated(parse_session_patch({"type": "realtime", **patch}))


def test_application_that_gives_only_a_type_gets_the_recorded_defaults(shared: Path) -> None:
    lines = (shared / "recordings" / "openai-websocket-text-in-audio-out.jsonl").read_text().splitlines()
    recorded = json.loads(lines[0])["data"]["session"]
    made = parse_session_config({"type": "realtime"}).as_dict(recorded["id"], recorded["expires_at"])
    assert json.dumps(made) == json.dumps(recorded)


def test_application_that_configures_a_secret_sees_the_recorded_object(shared: Path) -> None:
    exchange = json.loads((shared / "recordings" / "openai-http-create-client-secret.jsonl").read_text())
    asked = exchange["request"]["parsed_body"]["session"]
    recorded = exchange["response"]["parsed_body"]["session"]
    assert parse_session_config(asked).as_dict(recorded["id"], 0) == recorded


def test_tool_is_shown_with_its_keys_in_the_services_order(shared: Path) -> None:
    lines = (shared / "recordings" / "openai-websocket-tool-call.jsonl").read_text().splitlines()
    update, updated = (json.loads(line)["data"] for line in lines[1:3])
    config = parse_session_config(update["session"])
    recorded = updated["session"]
    assert json.dumps(config.as_dict(recorded["id"], recorded["expires_at"])) == json.dumps(recorded)


@pytest.mark.parametrize(
    ("body", "code", "param", "message"),
    [
        ({}, "missing_required_parameter", "session.type", "Missing required parameter: 'session.type'."),
        (
            {"type": "session"},
            "invalid_value",
            "session.type",
            "Invalid value: 'session'. Supported values are: 'realtime' and 'transcription'.",
        ),
        (
            {"type": "transcription"},
            "invalid_value",
            "session.type",
            "Invalid value: 'transcription'. Supported values are: 'realtime'.",
        ),
        (
            {"type": "realtime", "x": 1},
            "unknown_parameter",
            "session.x",
            "Unknown parameter: 'session.x'.",
        ),
        (None, "invalid_type", "session", "Invalid type for 'session': expected an object, but got null instead."),
    ],
)
def test_application_is_told_what_is_wrong(body: Any, code: str, param: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_session_config(body)
    assert (caught.value.code, caught.value.param, caught.value.message) == (code, param, message)


def test_application_is_refused_text_that_could_not_be_sent_back() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_session_config({"type": "realtime", "instructions": "\ud800"})
    assert caught.value.code == "invalid_json"


def test_application_gives_its_model() -> None:
    assert parse_session_config({"type": "realtime", "model": "gpt-realtime-2"}).model == "gpt-realtime-2"


def test_update_changes_only_what_it_names() -> None:
    config = parse_session_config({"type": "realtime", "instructions": "A", "audio": {"output": {"voice": "marin"}}})
    updated = patched(config, instructions="B", model="another", audio={"input": {"noise_reduction": None}})
    assert (updated.instructions, updated.voice, updated.model) == ("B", "marin", "gpt-realtime")


def test_update_turns_turn_detection_off_with_null() -> None:
    config = patched(SessionConfig(), audio={"input": {"turn_detection": None}})
    assert config.turn_detection is None
    assert patched(config, audio={"input": {"turn_detection": {"type": "server_vad"}}}).turn_detection == SERVER_VAD


def test_update_to_semantic_detection_has_its_own_defaults() -> None:
    config = patched(SessionConfig(), audio={"input": {"turn_detection": {"type": "semantic_vad"}}})
    assert config.turn_detection == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }


def test_update_turns_transcription_on_and_off() -> None:
    config = patched(SessionConfig(), audio={"input": {"transcription": {"model": "whisper-1"}}})
    assert config.transcription == {"model": "whisper-1", "language": None, "prompt": None}
    assert patched(config, audio={"input": {"transcription": None}}).transcription is None


def test_update_completes_the_rate_of_a_format() -> None:
    audio = {"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcm"}, "speed": 0.5}}
    config = patched(SessionConfig(), audio=audio)
    assert (config.input_format, config.output_format, config.speed) == (PCMU, PCM, 0.5)


def test_formats_of_a_call_win_both_ways() -> None:
    config = SessionConfig().with_formats(PCMU)
    assert config.input_format == config.output_format == PCMU


def test_fields_of_newer_models_are_shown_only_when_given() -> None:
    assert "reasoning" not in SessionConfig().as_dict("s", 0)
    config = patched(SessionConfig(), reasoning={"effort": "low"}, parallel_tool_calls=False)
    config = patched(config, parallel_tool_calls=True)
    assert config.extra == {"reasoning": {"effort": "low"}, "parallel_tool_calls": True}
    assert list(config.as_dict("s", 0))[-2:] == ["reasoning", "parallel_tool_calls"]


def test_transcription_session_is_shown_as_recorded() -> None:
    config = parse_session_config({"type": "transcription"}, types=("realtime", "transcription"))
    assert list(config.as_dict("sess_1", 5)) == ["type", "object", "id", "expires_at", "audio", "include"]
    assert config.as_dict("sess_1", 5)["object"] == "realtime.transcription_session"


@pytest.mark.parametrize(
    ("detection", "keys"),
    [
        ({"type": "server_vad"}, ["type", "threshold", "prefix_padding_ms", "silence_duration_ms"]),
        ({"type": "semantic_vad"}, ["type", "eagerness"]),
        (None, None),
    ],
)
def test_transcription_session_shows_no_answering(detection: dict[str, Any] | None, keys: list[str] | None) -> None:
    body = {"type": "transcription", "audio": {"input": {"turn_detection": detection}}}
    config = parse_session_config(body, types=("transcription",))
    shown = config.as_dict("sess_1", 0)["audio"]["input"]["turn_detection"]
    assert (shown if shown is None else list(shown)) == keys
