"""What can happen to a call. Each class names its row in the table of `call.py` by `kind`."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, NewType, TypeAlias

from ..realtime.session_config import SessionConfig

ReplyToken = NewType("ReplyToken", int)
"""Names a waiting HTTP request; the performer knows whose."""


class InputKind(Enum):
    """The columns of the call's table."""

    ACCEPT = "accept"
    REJECT = "reject"
    REFER = "refer"
    HANGUP = "hangup"
    OFFERED = "offered"
    MEDIA_READY = "media ready"
    ANSWER_READY = "answer ready"
    PEER_CONNECTED = "peer connected"
    PEER_CLOSED = "peer closed"
    PEER_FAILED = "peer failed"
    MEDIA_FAILED = "media failed"
    MEDIA_SILENT = "media silent"
    SEND_FAILED = "send failed"
    CANCELLED = "cancelled"
    ACKED = "acked"
    ACK_TIMED_OUT = "no ACK"
    CALLER_BYE = "caller's BYE"
    REFER_FAILED = "refer failed"
    REFER_DONE = "refer done"
    REFER_BYE_OVERDUE = "BYE overdue"
    REFER_UNREPORTED = "no NOTIFY"
    DECISION_TIMED_OUT = "no decision"
    SESSION_EXPIRED = "session expired"
    REFRESH_MISSED = "no refresh"
    BYE_COMPLETED = "BYE completed"
    STOP = "stop"


VERBS = (InputKind.ACCEPT, InputKind.REJECT, InputKind.REFER, InputKind.HANGUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """`POST …/accept`, its body already validated. `reply` is None when the emulator accepts by itself."""

    kind: ClassVar = InputKind.ACCEPT
    config: SessionConfig
    reply: ReplyToken | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """`POST …/reject`."""

    kind: ClassVar = InputKind.REJECT
    status: int
    reply: ReplyToken | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refer:
    """`POST …/refer`, its target already validated."""

    kind: ClassVar = InputKind.REFER
    target: str
    reply: ReplyToken | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangup:
    """`POST …/hangup`."""

    kind: ClassVar = InputKind.HANGUP
    reply: ReplyToken | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """`POST /v1/realtime/calls`, its offer and session already validated: a WebRTC call decides itself."""

    kind: ClassVar = InputKind.OFFERED
    config: SessionConfig
    reply: ReplyToken | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaReady:
    """The port that `OpenMedia` asked for is bound."""

    kind: ClassVar = InputKind.MEDIA_READY
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReady:
    """The peer connection that `OpenMedia` asked for has its addresses: this is the answer to the offer."""

    kind: ClassVar = InputKind.ANSWER_READY
    sdp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerConnected:
    """ICE and DTLS are through: sound and events can flow."""

    kind: ClassVar = InputKind.PEER_CONNECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerClosed:
    """The peer closed its connection, as a browser does that hangs up."""

    kind: ClassVar = InputKind.PEER_CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFailed:
    """No connection came about in time, or the peer vanished; `reason` says which."""

    kind: ClassVar = InputKind.PEER_FAILED
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFailed:
    """No port could be bound; `reason` says why."""

    kind: ClassVar = InputKind.MEDIA_FAILED
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSilent:
    """The caller sent no RTP for as long as the setting allows."""

    kind: ClassVar = InputKind.MEDIA_SILENT


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFailed:
    """A SIP message could not be handed to its transport."""

    kind: ClassVar = InputKind.SEND_FAILED
    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """CANCEL came before a final response; 200 and 487 are already on their way (RFC 3261 9.2)."""

    kind: ClassVar = InputKind.CANCELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Acked:
    """The ACK to our 2xx."""

    kind: ClassVar = InputKind.ACKED


@dataclass(frozen=True, slots=True, kw_only=True)
class AckTimedOut:
    """64·T1 passed without an ACK (RFC 3261 13.3.1.4)."""

    kind: ClassVar = InputKind.ACK_TIMED_OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerBye:
    """The caller, or the carrier after a transfer, sent BYE; its 200 is on its way."""

    kind: ClassVar = InputKind.CALLER_BYE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferFailed:
    """The trunk refused the REFER, or a NOTIFY said that the target could not be reached; `status` is None where the
    reports ended without a word of it."""

    kind: ClassVar = InputKind.REFER_FAILED
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferDone:
    """A NOTIFY said that the target answered (RFC 3515 2.4.4); the carrier's BYE should follow."""

    kind: ClassVar = InputKind.REFER_DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferByeOverdue:
    """The carrier's BYE after a transfer did not come in time."""

    kind: ClassVar = InputKind.REFER_BYE_OVERDUE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferUnreported:
    """The trunk took a REFER and never said what became of it. `refer` is its number."""

    kind: ClassVar = InputKind.REFER_UNREPORTED
    refer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTimedOut:
    """Nobody accepted or rejected in time; `status` is the setting."""

    kind: ClassVar = InputKind.DECISION_TIMED_OUT
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionExpired:
    """The session reached its limit."""

    kind: ClassVar = InputKind.SESSION_EXPIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshMissed:
    """Nobody refreshed the SIP session in time (RFC 4028 10)."""

    kind: ClassVar = InputKind.REFRESH_MISSED


@dataclass(frozen=True, slots=True, kw_only=True)
class ByeCompleted:
    """Our BYE was answered, or will never be."""

    kind: ClassVar = InputKind.BYE_COMPLETED
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The emulator stops, or with `bug` what the call's own machinery raised; `reason` is journalled."""

    kind: ClassVar = InputKind.STOP
    reason: str
    bug: BaseException | None = None

    @property
    def status(self) -> int:
        """What a caller gets whose INVITE is undecided (RFC 3261 21.5.4 and 21.5.1)."""
        return 503 if self.bug is None else 500


Input: TypeAlias = (
    Accept
    | Reject
    | Refer
    | Hangup
    | Offered
    | MediaReady
    | AnswerReady
    | PeerConnected
    | PeerClosed
    | PeerFailed
    | MediaFailed
    | MediaSilent
    | SendFailed
    | Cancelled
    | Acked
    | AckTimedOut
    | CallerBye
    | ReferFailed
    | ReferDone
    | ReferByeOverdue
    | ReferUnreported
    | DecisionTimedOut
    | SessionExpired
    | RefreshMissed
    | ByeCompleted
    | Stop
)
