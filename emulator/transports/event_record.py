"""Server events as journal entries. Most are never read: what takes time is done when somebody looks."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..redaction import redacted_event


class EventData(Mapping[str, Any]):
    """The `data` of `event.server`: what names the session, `channel`, and `event`, which is read from its JSON on the
    first look. Until then its bytes are all that is kept."""

    __slots__ = ("_about", "_channel", "_event")

    def __init__(self, about: Mapping[str, Any], channel_id: str | None, payload: bytes) -> None:
        self._about = about
        self._channel = channel_id
        self._event: bytes | dict[str, Any] = payload

    def __getitem__(self, key: str) -> Any:
        match key:
            case "event":
                if isinstance(self._event, bytes):
                    self._event = json.loads(self._event)
                return self._event
            case "channel":
                return self._channel
        return self._about[key]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._about, "channel", "event"))

    def __len__(self) -> int:
        return len(self._about) + 2


def kept_payload(event: dict[str, Any], payload: bytes) -> bytes:
    """What the journal keeps of an event whose JSON is `payload`: of sound only its length, of credentials nothing."""
    shorten = _SHORTENED.get(event["type"])
    return payload if shorten is None else json.dumps(shorten(event)).encode()


def _without_delta(event: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in event.items() if key != "delta"}
    return {**kept, "delta_length": len(event["delta"])}


def _without_sound(event: dict[str, Any]) -> dict[str, Any]:
    item = event["item"]
    content = [
        {**{key: value for key, value in part.items() if key != "audio"}, "audio_length": len(part["audio"])}
        if "audio" in part
        else part
        for part in item.get("content", ())
    ]
    return {**event, "item": {**item, "content": content}} if content else event


_SHORTENED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "session.created": redacted_event,
    "session.updated": redacted_event,
    "conversation.item.retrieved": _without_sound,
    "response.output_audio.delta": _without_delta,
}
