"""Dialogs (RFC 3261 §12) that an INVITE from a peer made: who is meant, by which way, and how far the call is."""

from collections.abc import Iterable
from enum import Enum
from typing import Final

from ..errors import SipError
from .acceptance import Acceptance
from .arrival import Arrival
from .events import DialogId, InviteId, RequestId
from .headers import Headers, NameAddress
from .message import Request, Response
from .offer_exchange import ExchangeInput, OfferExchange
from .reliable_provisional import ReliableProvisional
from .session_timer import SessionTimer
from .transaction import MAGIC_COOKIE, refuse
from .uri import Uri


class DialogState(Enum):
    EARLY = "Early"
    ACCEPTED = "Accepted"
    LEAVING = "Leaving"
    CONFIRMED = "Confirmed"
    ENDING = "Ending"
    TERMINATED = "Terminated"


class DialogInput(Enum):
    SUCCESS_SENT = "2xx sent"
    FAILURE_SENT = "300-699 sent"
    ACK = "ACK"
    ACK_TIMEOUT = "no ACK in 64*T1"
    BYE_WANTED = "hang up"
    BYE = "BYE"
    BYE_COMPLETED = "our BYE has its answer"
    BYE_LOST = "connection lost under our BYE"
    FLOW_LOST = "connection lost"


_S = DialogState
_I = DialogInput

DIALOG: Final[dict[tuple[DialogState, DialogInput], DialogState]] = {
    (_S.EARLY, _I.SUCCESS_SENT): _S.ACCEPTED,  # RFC 3261 12.1.1
    (_S.EARLY, _I.FAILURE_SENT): _S.TERMINATED,  # RFC 3261 12.3
    (_S.EARLY, _I.ACK): _S.EARLY,  # RFC 3261 17.2.1: nothing to acknowledge yet, dropped
    (_S.EARLY, _I.BYE): _S.TERMINATED,  # RFC 3261 15.1.2: the INVITE gets 487
    (_S.EARLY, _I.FLOW_LOST): _S.TERMINATED,  # ours: the INVITE can't be answered any more
    (_S.ACCEPTED, _I.ACK): _S.CONFIRMED,  # RFC 3261 13.3.1.4
    (_S.ACCEPTED, _I.ACK_TIMEOUT): _S.CONFIRMED,  # RFC 3261 13.3.1.4: confirmed, but to be ended
    (_S.ACCEPTED, _I.BYE_WANTED): _S.LEAVING,  # RFC 3261 15: no BYE before the ACK or 64*T1
    (_S.ACCEPTED, _I.BYE): _S.TERMINATED,  # RFC 3261 15.1.2
    (_S.LEAVING, _I.ACK): _S.ENDING,  # RFC 3261 15: now the BYE may go
    (_S.LEAVING, _I.ACK_TIMEOUT): _S.ENDING,  # RFC 3261 15: now the BYE may go
    (_S.LEAVING, _I.BYE): _S.TERMINATED,  # RFC 3261 15.1.2: the peer was faster
    (_S.CONFIRMED, _I.ACK): _S.CONFIRMED,  # RFC 3261 13.3.1.4: repeated, or of a re-INVITE
    (_S.CONFIRMED, _I.ACK_TIMEOUT): _S.CONFIRMED,  # RFC 3261 14.2: of a re-INVITE; to be ended
    (_S.CONFIRMED, _I.BYE_WANTED): _S.ENDING,  # RFC 3261 15.1.1
    (_S.CONFIRMED, _I.BYE): _S.TERMINATED,  # RFC 3261 15.1.2
    (_S.ENDING, _I.ACK): _S.ENDING,  # RFC 3261 13.3.1.4: repeated
    (_S.ENDING, _I.ACK_TIMEOUT): _S.ENDING,  # RFC 3261 14.2: of a re-INVITE, when all is over anyway
    (_S.ENDING, _I.BYE): _S.ENDING,  # RFC 3261 15.1.2: both hung up; ours still waits for its answer
    (_S.ENDING, _I.BYE_LOST): _S.CONFIRMED,  # RFC 3263 4.3: once more, by another connection
    (_S.ENDING, _I.BYE_COMPLETED): _S.TERMINATED,  # RFC 3261 15.1.1: whatever the answer was
}


class Dialog:
    """One dialog in which we are the UAS of the INVITE.

    `sequence` orders what the peer asks; `undecided` and `updating` are its INVITE and its UPDATE that wait for our
    final response; `exchange` says who owes an answer to an offer; `acceptances` are our 2xx without ACK by CSeq;
    `peer_updates`: as far as is known the peer takes UPDATE (RFC 3311). `provisional` is our 1xx without PRACK;
    `transfers` are the REFERs whose NOTIFYs may still come, by CSeq. `has_lost_bye`: the next one is the last.
    """

    __slots__ = (
        "_first_route",
        "_local_sequence",
        "_state",
        "acceptances",
        "bye",
        "call_id",
        "destination",
        "exchange",
        "flow",
        "has_lost_bye",
        "id",
        "local",
        "peer_updates",
        "provisional",
        "remote",
        "remote_tag",
        "remote_target",
        "route_set",
        "sequence",
        "session_timer",
        "transfers",
        "undecided",
        "updating",
    )

    def __init__(self, id: DialogId, arrival: Arrival) -> None:
        """Raises `SipError` (400) when the INVITE lacks what a dialog needs."""
        request = arrival.request
        target = read_target(request) or _older_target(request)
        self.id = id
        self.flow = arrival.flow
        self.destination = arrival.destination
        self.call_id = request.call_id
        self.remote_tag = arrival.from_tag
        self.remote_target = target
        # RFC 3261 12.1.1: the Record-Route list, "in order and preserving all URI parameters"
        self.route_set = request.headers.get_list("Record-Route")
        self._first_route = NameAddress.parse(self.route_set[0]).uri if self.route_set else None
        self.remote = request.headers.get("From") or ""
        self.local = f"{request.headers.get('To')};tag={id}"
        self.sequence = request.cseq.number
        allowed = [method.upper() for method in request.headers.get_list("Allow")]
        self.peer_updates = not allowed or "UPDATE" in allowed
        self.undecided: InviteId | None = None
        self.updating: InviteId | None = None
        self.exchange = OfferExchange()
        self.session_timer: SessionTimer | None = None
        self.provisional: ReliableProvisional | None = None
        self.acceptances: dict[int, Acceptance] = {}
        self.transfers: dict[int, RequestId] = {}
        self.bye: RequestId | None = None
        self.has_lost_bye = False
        self._local_sequence = 0
        self._state = DialogState.EARLY

    # Input

    def step(self, given: DialogInput) -> DialogState:
        """Take note of what happened. Raises `WrongState` where the table has no row; nothing has changed then."""
        self._step(given)
        return self._state

    def take_sequence(self, number: int) -> bool:
        """The CSeq number of a request inside the dialog: False if it is lower than the last (RFC 3261 12.2.2)."""
        if number < self.sequence:
            return False
        self.sequence = number
        return True

    def acknowledge(self, number: int, *, has_answer: bool) -> InviteId:
        """The ACK to our 2xx of this CSeq came. Whoever sends it has seen every earlier one too."""
        invite = self.acceptances[number].invite
        for cseq in [each for each in self.acceptances if each <= number]:
            acceptance = self.acceptances.pop(cseq)
            acceptance.stop()
            if acceptance.has_offer:
                is_answered = has_answer and cseq == number
                self.exchange.step(ExchangeInput.ANSWER_RECEIVED if is_answered else ExchangeInput.ABANDONED)
        return invite

    # Output

    def build_request(self, method: str, *, via: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> Request:
        """The next request of ours (RFC 3261 12.2.1.1), with `headers` after those that every request has."""
        self._local_sequence += 1
        return self._build(method, self._local_sequence, via, headers, body)

    def build_ack(self, sequence: int, *, via: str) -> Request:
        """To the 2xx of an INVITE of ours (RFC 3261 13.2.2.4)."""
        return self._build("ACK", sequence, via, (), b"")

    # Queries

    @property
    def state(self) -> DialogState:
        return self._state

    @property
    def next_hop(self) -> str:
        """The URI whose host a new connection would go to: the first route, else the remote target."""
        return self.remote_target if self._first_route is None else str(self._first_route)

    def is_of(self, arrival: Arrival) -> bool:
        """RFC 3261 12.2.2: Call-ID and both tags. Ours has been compared already: it is the id."""
        return arrival.from_tag == self.remote_tag and arrival.request.call_id == self.call_id

    # Private

    def _build(self, method: str, sequence: int, via: str, headers: Iterable[tuple[str, str]], body: bytes) -> Request:
        target, routes = self._routing()
        items = [("Via", via), ("Max-Forwards", "70")]
        items.extend(("Route", route) for route in routes)
        items.append(("From", self.local))
        items.append(("To", self.remote))
        items.append(("Call-ID", self.call_id))
        items.append(("CSeq", f"{sequence} {method}"))
        items.extend(headers)
        items.append(("Content-Length", str(len(body))))
        return Request(method=method, uri=target, headers=Headers(items), body=body)

    def _routing(self) -> tuple[str, list[str]]:
        """Request-URI and Route headers (RFC 3261 12.2.1.1)."""
        first = self._first_route
        if first is None:
            return self.remote_target, []
        if first.has_parameter("lr"):
            return self.remote_target, self.route_set
        # A strict router of RFC 2543: it is the Request-URI itself, and the target goes to the end of the list.
        return str(first), [*self.route_set[1:], f"<{self.remote_target}>"]

    def _step(self, given: DialogInput) -> None:
        state = DIALOG.get((self._state, given))
        if state is None:
            raise refuse(f"dialog {self.id}", self._state, given)
        self._state = state


def read_target(request: Request | Response) -> str | None:
    """The URI of the Contact header, as it is written; None without one. Raises `SipError` (400)."""
    contact = request.contact
    if contact is None:
        return None
    Uri.parse(contact.uri_text)
    return contact.uri_text


def _older_target(request: Request) -> str:
    """Where an INVITE without Contact is from. RFC 4475 3.4.1: one of RFC 2543 should be accepted; its From says it."""
    if (request.via.branch or "").startswith(MAGIC_COOKIE):
        raise SipError("INVITE without Contact")  # RFC 3261 12.1.1: the remote target comes from it
    return str(request.from_.uri)
