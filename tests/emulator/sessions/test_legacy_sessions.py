import random
from typing import Any

import pytest
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.ids import Ids
from ringback.emulator.realtime.session_config import PCMA, PCMU, SERVER_VAD
from ringback.emulator.sessions.client_secrets import ClientSecret, ClientSecrets
from ringback.emulator.sessions.legacy_sessions import (
    LegacyRequest,
    legacy_session_body,
    legacy_transcription_body,
    parse_legacy_session,
    parse_legacy_transcription,
)


def made(request: LegacyRequest) -> ClientSecret:
    secrets = ClientSecrets(Ids(random.Random(1)))
    return secrets.create(request.secret, project_id="proj_1", safety_identifier=None, now=1000.0)


def test_session_in_the_words_of_the_beta_becomes_one_of_today() -> None:
    request = parse_legacy_session(
        {
            "model": "gpt-4o-realtime-preview",
            "modalities": ["text"],
            "instructions": "Be brief.",
            "voice": "verse",
            "speed": 1.5,
            "input_audio_format": "g711_ulaw",
            "output_audio_format": "g711_alaw",
            "input_audio_transcription": {"model": "whisper-1"},
            "input_audio_noise_reduction": {"type": "near_field"},
            "turn_detection": None,
            "max_response_output_tokens": 100,
            "temperature": 0.7,
            "client_secret": {"expires_after": {"anchor": "created_at", "seconds": 30}},
        }
    )
    config = request.secret.config
    assert request.secret.seconds == 30
    assert (config.model, config.output_modalities, config.max_output_tokens) == (
        "gpt-4o-realtime-preview",
        ["text"],
        100,
    )
    assert (config.input_format, config.output_format, config.turn_detection) == (PCMU, PCMA, None)
    secret = made(request)
    body = legacy_session_body(request, secret)
    assert body["client_secret"] == {"value": secret.value, "expires_at": 1030}
    assert body["object"] == "realtime.session"
    assert {
        key: body[key] for key in ("modalities", "voice", "speed", "temperature", "max_response_output_tokens")
    } == {
        "modalities": ["text"],
        "voice": "verse",
        "speed": 1.5,
        "temperature": 0.7,
        "max_response_output_tokens": 100,
    }
    assert (body["input_audio_format"], body["output_audio_format"]) == ("g711_ulaw", "g711_alaw")


@pytest.mark.parametrize(
    ("given", "modalities"), [({}, ["audio", "text"]), ({"modalities": ["text", "audio"]}, ["text", "audio"])]
)
def test_session_of_both_modalities_speaks(given: dict[str, Any], modalities: list[str]) -> None:
    request = parse_legacy_session(given)
    assert request.secret.seconds == 60
    assert request.secret.config.output_modalities == ["audio"]
    body = legacy_session_body(request, made(request))
    assert body["modalities"] == modalities
    assert body["input_audio_format"] == body["output_audio_format"] == "pcm16"


@pytest.mark.parametrize(
    ("given", "seconds", "include"),
    [
        ({}, 60, None),
        (
            {"include": ["item.input_audio_transcription.logprobs"], "client_secret": {"expires_at": {"seconds": 90}}},
            90,
            ["item.input_audio_transcription.logprobs"],
        ),
    ],
)
def test_transcription_session_is_made(given: dict[str, Any], seconds: int, include: list[str] | None) -> None:
    request = parse_legacy_transcription(given)
    assert (request.secret.seconds, request.secret.config.type) == (seconds, "transcription")
    secret = made(request)
    body = legacy_transcription_body(request, secret)
    assert body["object"] == "realtime.transcription_session"
    assert body["include"] == include
    assert body["turn_detection"] == SERVER_VAD
    assert body["client_secret"] == {"value": secret.value, "expires_at": 1000 + seconds}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (None, "body"),
        ({"type": "realtime"}, "type"),
        ({"modalities": ["video"]}, "modalities[0]"),
        ({"input_audio_format": "pcm"}, "input_audio_format"),
        ({"client_secret": {"expires_after": {"seconds": 1}}}, "client_secret.expires_after.seconds"),
    ],
)
def test_wrong_request_is_refused(body: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_legacy_session(body)
    assert refused.value.param == param
