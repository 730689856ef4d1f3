"""`POST /v1/realtime/sessions` and `/v1/realtime/transcription_sessions`: secrets in the shapes of the beta [SDK].

Only the request and its answer have the old names; a session that is opened with such a secret is one of today.
"""

from dataclasses import dataclass
from typing import Any

from ..realtime.session_config import PCM, PCMA, PCMU, parse_session_config
from ..realtime.session_schema import (
    INCLUDE,
    MAX_OUTPUT_TOKENS,
    NOISE_REDUCTION,
    PROMPT,
    TOOL,
    TOOL_CHOICE,
    TRACING,
    TRANSCRIPTION,
    TRUNCATION,
    TURN_DETECTION,
    VOICE,
)
from ..realtime.validation import ListOf, OneOf, Real, Record, Schema, Text, check_encodable, invalid_type
from .client_secrets import EXPIRES_AFTER, ClientSecret, SecretRequest, seconds_of

LEGACY_SECONDS = 60
"""How long a secret lives where the request does not say [OBS by hearsay, FACTS 3]."""

DEFAULT_TEMPERATURE = 0.8  # DOC

_FORMATS = {"pcm16": PCM, "g711_ulaw": PCMU, "g711_alaw": PCMA}
_NAMES = {audio_format["type"]: name for name, audio_format in _FORMATS.items()}
_INPUT = {
    "input_audio_format": "format",
    "input_audio_noise_reduction": "noise_reduction",
    "input_audio_transcription": "transcription",
    "turn_detection": "turn_detection",
}
_OUTPUT = {"output_audio_format": "format", "voice": "voice", "speed": "speed"}
_SAME = ("model", "instructions", "tools", "tool_choice", "tracing", "truncation", "prompt", "include")

_INPUT_FIELDS: dict[str, Schema] = {
    "input_audio_format": OneOf(tuple(_FORMATS)),
    "input_audio_noise_reduction": NOISE_REDUCTION,
    "input_audio_transcription": TRANSCRIPTION,
    "turn_detection": TURN_DETECTION,
    "modalities": ListOf(OneOf(("text", "audio"))),
    "include": INCLUDE,
}
_SESSION = Record(
    {
        **_INPUT_FIELDS,
        "client_secret": Record({"expires_after": EXPIRES_AFTER}),
        "output_audio_format": OneOf(tuple(_FORMATS)),
        "voice": VOICE,
        "speed": Real(0.25, 1.5),
        "model": Text(),
        "instructions": Text(),
        "tools": ListOf(TOOL),
        "tool_choice": TOOL_CHOICE,
        "tracing": TRACING,
        "truncation": TRUNCATION,
        "prompt": PROMPT,
        "max_response_output_tokens": MAX_OUTPUT_TOKENS,
        "temperature": Real(0.6, 1.2),
    }
)
_TRANSCRIPTION_SESSION = Record({**_INPUT_FIELDS, "client_secret": Record({"expires_at": EXPIRES_AFTER})})


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyRequest:
    """`secret` is what to make; `modalities` and `temperature` are only shown again."""

    secret: SecretRequest
    modalities: list[str]
    temperature: float = DEFAULT_TEMPERATURE


def parse_legacy_session(body: object) -> LegacyRequest:
    """The body of `POST /v1/realtime/sessions`. Raises `InvalidRequest`."""
    given = _checked(body, _SESSION)
    modalities = given.get("modalities", ["audio", "text"])
    patch: dict[str, Any] = {"type": "realtime", **{name: given[name] for name in _SAME if name in given}}
    if "modalities" in given:
        patch["output_modalities"] = ["audio"] if "audio" in modalities else ["text"]
    if "max_response_output_tokens" in given:
        patch["max_output_tokens"] = given["max_response_output_tokens"]
    patch["audio"] = {"input": _audio(given, _INPUT), "output": _audio(given, _OUTPUT)}
    secret = SecretRequest(
        seconds=seconds_of(given.get("client_secret", {}), default=LEGACY_SECONDS), config=parse_session_config(patch)
    )
    return LegacyRequest(
        secret=secret, modalities=modalities, temperature=given.get("temperature", DEFAULT_TEMPERATURE)
    )


def parse_legacy_transcription(body: object) -> LegacyRequest:
    """The body of `POST /v1/realtime/transcription_sessions`. Raises `InvalidRequest`."""
    given = _checked(body, _TRANSCRIPTION_SESSION)
    patch: dict[str, Any] = {"type": "transcription", "audio": {"input": _audio(given, _INPUT)}}
    if "include" in given:
        patch["include"] = given["include"]
    asked = {"expires_after": given.get("client_secret", {}).get("expires_at", {})}  # the beta's name for it [SDK]
    config = parse_session_config(patch, types=("transcription",))
    secret = SecretRequest(seconds=seconds_of(asked, default=LEGACY_SECONDS), config=config)
    return LegacyRequest(secret=secret, modalities=given.get("modalities", ["audio", "text"]))


def legacy_session_body(request: LegacyRequest, secret: ClientSecret) -> dict[str, Any]:
    """The answer: the session in the beta's words, with its secret."""
    config = secret.config
    return {
        "id": secret.session_id,
        "object": "realtime.session",
        "expires_at": 0,
        **_shown_input(request, secret),
        "model": config.model,
        "instructions": config.instructions,
        "voice": config.voice,
        "output_audio_format": _NAMES[config.output_format["type"]],
        "speed": config.speed,
        "tools": config.tools,
        "tool_choice": config.tool_choice,
        "tracing": config.tracing,
        "truncation": config.truncation,
        "prompt": config.prompt,
        "temperature": request.temperature,
        "max_response_output_tokens": config.max_output_tokens,
        "client_secret": _shown_secret(secret),
    }


def legacy_transcription_body(request: LegacyRequest, secret: ClientSecret) -> dict[str, Any]:
    """The answer for a transcription session."""
    return {
        "id": secret.session_id,
        "object": "realtime.transcription_session",
        "expires_at": 0,
        **_shown_input(request, secret),
        "include": secret.config.include,
        "client_secret": _shown_secret(secret),
    }


def _checked(body: object, schema: Record) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise invalid_type("body", "an object", body)
    check_encodable(body)
    schema.check_fields(body, "")
    return body


def _audio(given: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {new: _FORMATS[given[old]] if new == "format" else given[old] for old, new in names.items() if old in given}


def _shown_input(request: LegacyRequest, secret: ClientSecret) -> dict[str, Any]:
    config = secret.config
    return {
        "modalities": request.modalities,
        "input_audio_format": _NAMES[config.input_format["type"]],
        "input_audio_noise_reduction": config.noise_reduction,
        "input_audio_transcription": config.transcription,
        "turn_detection": config.turn_detection,
    }


def _shown_secret(secret: ClientSecret) -> dict[str, Any]:
    return {"value": secret.value, "expires_at": int(secret.expires_at)}
