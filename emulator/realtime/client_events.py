"""Client events: bytes of a channel in, one typed event out, or the service's error for what is wrong with them."""

import binascii
import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn, TypeAlias

import msgspec

from ..errors import InvalidRequest
from .items import ITEM, ITEM_OR_REFERENCE
from .session_config import SessionPatch, parse_session_patch
from .session_schema import FORMAT, MAX_OUTPUT_TOKENS, MODALITIES, PROMPT, REASONING, TOOL_CHOICE, TOOLS, VOICE
from .validation import (
    Flag,
    Free,
    ListOf,
    MapOf,
    Nullable,
    OneOf,
    Record,
    Rule,
    Schema,
    Text,
    Whole,
    check_encodable,
    invalid_type,
    invalid_value,
    shown,
)

APPEND_LIMIT = 15 * 1024 * 1024
"""Bytes of sound that one append may carry [DOC]."""

METADATA_PAIRS, METADATA_KEY, METADATA_VALUE = 16, 64, 512
"""How many pairs the metadata of a response may have, and how long their keys and values may be [DOC]."""

SUPPORTED = (
    "session.update",
    "session.close",
    "input_audio_buffer.append",
    "session.input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
    "conversation.item.create",
    "conversation.item.truncate",
    "conversation.item.delete",
    "conversation.item.retrieve",
    "response.create",
    "response.cancel",
)
"""What the service lists on a direct WebSocket [OBS]. Two of them belong to translation sessions, and none is
`output_audio_buffer.clear`, which only calls have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUpdate:
    event_id: str | None
    patch: SessionPatch


class AppendAudio(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="input_audio_buffer.append",
):
    """`audio` is in the session's input format.

    What JSON has to be for it is said by the type, since these come by the thousand: msgspec reads one ten times as
    fast as all that `_parse` looks at.
    """

    audio: bytes
    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitAudio:
    event_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearAudio:
    event_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearOutput:
    event_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateItem:
    """`previous_item_id` is None for the end of the conversation, `"root"` for its beginning."""

    event_id: str | None
    item: dict[str, Any]
    previous_item_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrieveItem:
    event_id: str | None
    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncateItem:
    event_id: str | None
    item_id: str
    content_index: int
    audio_end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteItem:
    event_id: str | None
    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateResponse:
    """`options` override the session's configuration for this response only; keys are those of the wire."""

    event_id: str | None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelResponse:
    event_id: str | None
    response_id: str | None


ClientEvent: TypeAlias = (
    SessionUpdate
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | ClearOutput
    | CreateItem
    | RetrieveItem
    | TruncateItem
    | DeleteItem
    | CreateResponse
    | CancelResponse
)


class InvalidEvent(InvalidRequest):
    """A client event that can't be acted upon. `event_id` is the client's own, as far as it could be read; `event` what
    could be parsed of it, for the journal."""

    def __init__(self, error: InvalidRequest, *, event_id: str | None, event: Any) -> None:
        super().__init__(error.message, param=error.param, code=error.code)
        self.event_id = event_id
        self.event = event


class Parsed(NamedTuple):
    """A client event, and the JSON object it was made of; that of an `AppendAudio` may be empty."""

    event: ClientEvent
    raw: dict[str, Any]


def parse_client_event(data: str | bytes, *, has_output_buffer: bool) -> Parsed:
    """One message of a channel. Raises `InvalidEvent` for everything that is not a supported event, whatever it is.

    `has_output_buffer` says whether the server paces the output, as it does in calls: only those have
    `output_audio_buffer.clear` [DOC].
    """
    if (append := _read_append(data)) is not None:
        return Parsed(append, {})
    raw: Any = None
    event_id: str | None = None
    try:
        raw = _decode(data)
        if isinstance(raw, dict) and isinstance(given := raw.get("event_id"), str):
            check_encodable(given)
            event_id = given
        return Parsed(_parse(raw, event_id, has_output_buffer), raw)
    except InvalidRequest as error:
        raise InvalidEvent(error, event_id=event_id, event=_journalled(raw)) from error


_APPENDS = msgspec.json.Decoder(AppendAudio)


def _read_append(data: str | bytes) -> AppendAudio | None:
    """An append with nothing wrong in it; None of everything else, which has to be looked at."""
    if isinstance(data, bytes):
        return None
    try:
        append = _APPENDS.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return append if len(append.audio) <= APPEND_LIMIT else None


def _decode(data: str | bytes) -> Any:
    if isinstance(data, bytes):
        # OBS for the code; the text is approximate.
        raise InvalidRequest("Expected a text message, but got a binary one.", code="invalid_event")
    try:
        return _DECODER.decode(data)
    except (ValueError, RecursionError) as error:
        # OBS for the code; the text is approximate.
        raise InvalidRequest("Failed to parse the message as a JSON value.", code="invalid_json") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _parse(raw: Any, event_id: str | None, has_output_buffer: bool) -> ClientEvent:
    if not isinstance(raw, dict):
        raise InvalidRequest("The event must be a JSON object.", code="invalid_event")
    if "type" not in raw:
        raise InvalidRequest("The 'type' field is missing.", code="invalid_event")  # DOC: example of the error event
    kind = raw["type"]
    check_encodable(raw)
    if not isinstance(kind, str):
        raise invalid_type("type", "a string", kind)
    schema = _SCHEMAS.get(kind)
    if schema is None or (kind == "output_audio_buffer.clear" and not has_output_buffer):
        raise invalid_value("type", kind, SUPPORTED)
    schema.check_fields(raw, "")
    return _build(kind, raw, event_id)


def _appended(text: str) -> bytes:
    if len(text) * 3 // 4 > APPEND_LIMIT + 2:
        raise InvalidRequest(
            f"Invalid 'audio': at most {APPEND_LIMIT} bytes of audio can be appended at once.",
            code="invalid_value",
            param="audio",
        )
    return decode_audio(text, "audio")


def decode_audio(text: str, path: str) -> bytes:
    """Sound as events carry it: base64."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:  # also what is not ASCII
        raise InvalidRequest(
            f"Invalid '{path}': expected base64-encoded audio.", code="invalid_value", param=path
        ) from error


def _build(kind: str, raw: dict[str, Any], event_id: str | None) -> ClientEvent:
    match kind:
        case "session.update":
            return SessionUpdate(event_id=event_id, patch=parse_session_patch(raw["session"]))
        case "input_audio_buffer.append":
            return AppendAudio(event_id=event_id, audio=_appended(raw["audio"]))
        case "input_audio_buffer.commit":
            return CommitAudio(event_id=event_id)
        case "input_audio_buffer.clear":
            return ClearAudio(event_id=event_id)
        case "output_audio_buffer.clear":
            return ClearOutput(event_id=event_id)
        case "conversation.item.create":
            return CreateItem(event_id=event_id, item=raw["item"], previous_item_id=raw.get("previous_item_id"))
        case "conversation.item.retrieve":
            return RetrieveItem(event_id=event_id, item_id=raw["item_id"])
        case "conversation.item.truncate":
            return TruncateItem(
                event_id=event_id,
                item_id=raw["item_id"],
                content_index=raw["content_index"],
                audio_end_ms=raw["audio_end_ms"],
            )
        case "conversation.item.delete":
            return DeleteItem(event_id=event_id, item_id=raw["item_id"])
        case "response.create":
            return CreateResponse(event_id=event_id, options=raw.get("response") or {})
        case "response.cancel":
            return CancelResponse(event_id=event_id, response_id=raw.get("response_id"))
    raise AssertionError(f"{kind} has a schema but no class")


def _journalled(raw: Any) -> Any:
    """What the journal keeps of a refused message: what can be written again, and not much of it."""
    if not isinstance(raw, dict):
        return None
    kind = raw.get("type")
    return {"type": kind if isinstance(kind, str) and kind.isascii() and len(kind) <= 100 else None}


def _event(**fields: Schema) -> dict[str, Schema]:
    return {"type": Text(), "event_id": Nullable(Text()), **fields}


def _check_metadata(value: Any, path: str) -> None:
    """The platform's limits of metadata [DOC]; the words are ours."""
    if len(value) > METADATA_PAIRS:
        wrong, where = f"at most {METADATA_PAIRS} pairs", path
    elif long := next((key for key in value if len(key) > METADATA_KEY), None):
        wrong, where = f"keys of at most {METADATA_KEY} characters", f"{path}.{shown(long)}"
    elif long := next((key for key in value if len(value[key]) > METADATA_VALUE), None):
        wrong, where = f"values of at most {METADATA_VALUE} characters", f"{path}.{long}"
    else:
        return
    raise InvalidRequest(f"Invalid '{where}': expected {wrong}.", code="invalid_value", param=where)


_RESPONSE = Record(
    {
        "instructions": Text(),
        "output_modalities": MODALITIES,
        "audio": Record({"output": Record({"format": FORMAT, "voice": VOICE})}),
        "conversation": OneOf(("auto", "none")),
        "input": ListOf(ITEM_OR_REFERENCE),
        "max_output_tokens": MAX_OUTPUT_TOKENS,
        "metadata": Nullable(Rule(MapOf(Text()), _check_metadata)),
        "tools": TOOLS,
        "tool_choice": TOOL_CHOICE,
        "parallel_tool_calls": Flag(),
        "prompt": PROMPT,
        "reasoning": REASONING,
    }
)

_SCHEMAS: dict[str, Record] = {
    "session.update": Record(_event(session=Free()), ("session",)),
    "input_audio_buffer.append": Record(_event(audio=Text()), ("audio",)),
    "input_audio_buffer.commit": Record(_event()),
    "input_audio_buffer.clear": Record(_event()),
    "output_audio_buffer.clear": Record(_event()),
    "conversation.item.create": Record(_event(item=ITEM, previous_item_id=Nullable(Text())), ("item",)),
    "conversation.item.retrieve": Record(_event(item_id=Text()), ("item_id",)),
    "conversation.item.truncate": Record(
        _event(item_id=Text(), content_index=Whole(0), audio_end_ms=Whole(0)),
        ("item_id", "content_index", "audio_end_ms"),
    ),
    "conversation.item.delete": Record(_event(item_id=Text()), ("item_id",)),
    "response.create": Record(_event(response=Nullable(_RESPONSE))),
    "response.cancel": Record(_event(response_id=Nullable(Text()))),
}
