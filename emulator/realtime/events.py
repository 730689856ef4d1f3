"""Server events on their way out: a queue of effects that gives each event its id."""

import re
from collections import deque
from typing import Any

from ..errors import ApiError
from ..ids import Ids
from .effects import HostEffect, HostRecord, SendEvent

PADDED_TO = 16
"""OBS: a delta and its obfuscation together are this long, or a multiple."""

_PIECES = re.compile(r" ?\w{1,12}|\s{1,12}|[^\w\s]")


def pieces(text: str) -> list[str]:
    """Text cut into what one delta carries, about a word each; joined they are the text again."""
    return _PIECES.findall(text)


def error_event(
    event_id: str, error: ApiError, *, client_event_id: str | None = None, type: str | None = None
) -> dict[str, Any]:
    """An `error` event. `client_event_id` names the client event that caused it; `type` is another than the error's."""
    inner = {
        "type": type or error.type,
        "code": error.code,
        "message": error.message,
        "param": error.param,
        "event_id": client_event_id,
    }
    return {"type": "error", "event_id": event_id, "error": inner}


def delta_event(event_type: str, /, **fields: Any) -> dict[str, Any]:
    """What the deltas of one text have in common, for `Outbox.send_delta`. Most events of a session are deltas, and to
    copy one takes a third of the time that it takes to make one."""
    return {"type": event_type, "event_id": "", **fields, "delta": "", "obfuscation": ""}


class Outbox:
    """Effects in the order in which they must happen. Whoever made the session takes them one by one."""

    def __init__(self, ids: Ids, *, sends_legacy: bool = False) -> None:
        self.ids = ids
        self.sends_legacy = sends_legacy
        """Whether the beta's `conversation.created` and `conversation.item.created` are sent too."""
        self._effects: deque[HostEffect] = deque()

    # Input

    def send(self, event_type: str, /, **fields: Any) -> None:
        """A server event for every channel. Keys go out in the order given, after `type` and `event_id` [OBS]."""
        event = {"type": event_type, "event_id": self.ids.event(), **fields}
        self._effects.append(SendEvent(None, event))

    def send_to(self, channel_id: str | None, event_type: str, /, **fields: Any) -> None:
        """A server event for the channel that asked for it."""
        event = {"type": event_type, "event_id": self.ids.event(), **fields}
        self._effects.append(SendEvent(channel_id, event))

    def send_added(self, previous_item_id: str | None, item: dict[str, Any]) -> None:
        """An item joins the conversation."""
        self.send("conversation.item.added", previous_item_id=previous_item_id, item=item)
        if self.sends_legacy:
            self.send("conversation.item.created", previous_item_id=previous_item_id, item=item)

    def send_delta(self, like: dict[str, Any], delta: str) -> None:
        """A delta of text, padded so that its length tells little [OBS]. `like` is what `delta_event` made."""
        event_id, padding = self.ids.padded_event(-len(delta) % PADDED_TO)
        event = {**like, "event_id": event_id, "delta": delta, "obfuscation": padding}
        self._effects.append(SendEvent(None, event))

    def send_media(self, event_type: str, response_id: str) -> None:
        """An event of the media server, which has ids of its own [OBS]."""
        event = {"type": event_type, "event_id": self.ids.media_event(), "response_id": response_id}
        self._effects.append(SendEvent(None, event))

    def send_without_id(self, event_type: str, /, **fields: Any) -> None:
        """An event that has no `event_id` in its schema [DOC]."""
        self._effects.append(SendEvent(None, {"type": event_type, **fields}))

    def send_error(
        self, channel_id: str | None, error: ApiError, *, client_event_id: str | None = None, type: str | None = None
    ) -> None:
        """An in-band error; the session survives it. `type` is another than the error's own."""
        event = error_event(self.ids.event(), error, client_event_id=client_event_id, type=type)
        self._effects.append(SendEvent(channel_id, event))

    def record(self, kind: str, **data: Any) -> None:
        """An entry for the journal."""
        self._effects.append(HostRecord(kind=kind, data=data))

    def add(self, effect: HostEffect) -> None:
        self._effects.append(effect)

    # Output

    def take(self) -> HostEffect | None:
        """The next effect, or None when all are taken."""
        return self._effects.popleft() if self._effects else None
