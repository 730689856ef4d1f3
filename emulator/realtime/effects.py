"""What a session wants done, in order; `sessions.host` hands it out, a transport does it, a test just reads it."""

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias


class SendEvent(NamedTuple):
    """A server event for one channel, or for every attached one where `channel_id` is None. Never change `event`.

    A tuple, since there are thousands a second, and a frozen dataclass takes three times as long to make.
    """

    channel_id: str | None
    event: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseChannel:
    """Close one channel after what was sent to it."""

    channel_id: str
    code: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseChannels:
    """Close every channel after what was sent to it. The session lives on."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUpCall:
    """The model's end hangs up: its call, if it has one, must end, and with it the session."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRecord:
    """An entry for the journal; `kind` is one of its kinds."""

    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionExpired:
    """The session reached its limit: its call, if it has one, must end."""


HostEffect: TypeAlias = SendEvent | CloseChannel | CloseChannels | HangUpCall | HostRecord | SessionExpired
