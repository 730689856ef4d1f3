"""What a `SipEndpoint` takes and tells: flows, transmissions, ids and events. Plain values, no behaviour."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, NewType

from .message import Request, Response

Message = Request | Response

DialogId = NewType("DialogId", str)
"""Our tag of the dialog, unique by itself. It exists from the INVITE on, before any response carried it."""

InviteId = NewType("InviteId", int)
"""An INVITE, re-INVITE or UPDATE that waits for its final response."""

RequestId = NewType("RequestId", int)
"""A request of ours inside a dialog. Each ends in exactly one `RequestCompleted`."""

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One TCP or TLS connection, or for UDP one pair of listener and remote address. `id` is unique among streams."""

    id: int
    transport: Literal["udp", "tcp", "tls"]
    local: Address
    remote: Address
    in_memory: bool = False
    """A caller in this process: sound goes from hand to hand, too."""

    @property
    def is_reliable(self) -> bool:
        return self.transport != "udp"


class Transmission(NamedTuple):
    """Bytes to write to `flow`. Named tuples here are made for every message, in a third of a dataclass's time.

    `destination` is set for UDP only, where RFC 3261 18.2.2 wants another port than the datagram came from (the
    sent-by port, when the client asked for no `rport`). `close_after`: close the connection once they are written.
    """

    flow: Flow
    data: bytes
    destination: Address | None = None
    close_after: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteReceived:
    """A call wants in. 100 Trying was sent; `respond` decides it."""

    invite: InviteId
    dialog: DialogId
    flow: Flow
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteCancelled:
    """CANCEL came before the decision: it has its 200 and the INVITE its 487. `respond` is no longer possible."""

    invite: InviteId
    dialog: DialogId


@dataclass(frozen=True, slots=True, kw_only=True)
class PrackTimeout:
    """No PRACK to our reliable 1xx within 64·T1: the INVITE got 504 (RFC 3262 3), and its dialog is gone."""

    invite: InviteId
    dialog: DialogId


@dataclass(frozen=True, slots=True, kw_only=True)
class AckReceived:
    """The ACK to our 2xx, once for each INVITE; `body` is an answer if the 2xx carried the offer."""

    dialog: DialogId
    invite: InviteId
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AckTimeout:
    """No ACK to our 2xx within 64·T1. RFC 3261 13.3.1.4: the dialog lives, the caller of this engine sends a BYE."""

    dialog: DialogId


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshDue:
    """It is time to refresh the session (RFC 4028 10), and that can't be done here alone: call `refresh`.

    `needs_offer`: the peer takes no UPDATE, so it is a re-INVITE with our description. Otherwise the connection is
    closed: `move_dialog` first.
    """

    dialog: DialogId
    needs_offer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshAnswered:
    """The peer took our re-INVITE; `body` is its answer. ACK was sent."""

    dialog: DialogId
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimedOut:
    """Nobody refreshed the session in time (RFC 4028 10): the dialog lives, the caller of this engine sends a BYE."""

    dialog: DialogId


@dataclass(frozen=True, slots=True, kw_only=True)
class ByeReceived:
    """The peer hung up. 200 was sent (and 487 to an undecided INVITE); the dialog is gone."""

    dialog: DialogId
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class ByeLost:
    """The connection closed before our BYE was answered, or before it could leave. Once in a dialog: `move_dialog` if
    there is another way, then `send_bye` again, which ends the dialog in any case."""

    dialog: DialogId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinviteReceived:
    """An INVITE inside a dialog. 100 Trying was sent; `respond` answers it with the new SDP."""

    invite: InviteId
    dialog: DialogId
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateReceived:
    """An UPDATE with an offer (RFC 3311). `respond` answers it, at once: nobody rings for it.

    One without an offer has had its 200 and is not told.
    """

    invite: InviteId
    dialog: DialogId
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCompleted:
    """The fate of a request of ours. Without a response, `status` is 408 (time-out) or 503 (no connection)."""

    dialog: DialogId
    request_id: RequestId
    method: str
    status: int
    response: Response | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyReceived:
    """What became of our REFER, as far as the peer tells. 200 was sent.

    `status` is that of the sipfrag's status line, None without one. `is_terminated`: no further NOTIFY will come.
    """

    dialog: DialogId
    request: Request
    request_id: RequestId
    status: int | None
    fragment: str
    is_terminated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoReceived:
    """INFO inside a dialog; 200 was sent. `digit` is the key that it names, None for an empty one."""

    dialog: DialogId
    request: Request
    digit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFailed:
    """A connection closed that something hung on.

    `dialogs` live on: the next request from the peer, or `move_dialog`, gives them another flow. `invites` were
    undecided; nobody can be answered, they and their dialogs are gone.
    """

    flow: Flow
    dialogs: tuple[DialogId, ...]
    invites: tuple[InviteId, ...]


class MessageReceived(NamedTuple):
    """For the journal: a readable message came in, retransmissions included. `data` is it in bytes."""

    flow: Flow
    message: Message
    data: bytes


class MessageSent(NamedTuple):
    """For the journal: a message is in `data_to_send()`, as `data`."""

    flow: Flow
    message: Message
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDropped:
    """For the journal: bytes that are no message (`data`), or a message that nothing here waits for (`message`)."""

    flow: Flow
    reason: str
    data: bytes = b""
    message: Message | None = None


SipEvent = (
    InviteReceived
    | InviteCancelled
    | PrackTimeout
    | AckReceived
    | AckTimeout
    | RefreshDue
    | RefreshAnswered
    | SessionTimedOut
    | ByeReceived
    | ByeLost
    | ReinviteReceived
    | UpdateReceived
    | RequestCompleted
    | NotifyReceived
    | InfoReceived
    | FlowFailed
    | MessageReceived
    | MessageSent
    | MessageDropped
)
