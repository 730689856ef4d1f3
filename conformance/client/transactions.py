"""SIP transactions of the reference client (RFC 3261 17, with RFC 6026's Accepted state). No clock, no sockets.

Feed messages with `receive`, send with `send_request` and `send_response`; then take `next_event()` until it is None
and `data_to_send()`, and call `handle_timer` at `next_deadline()`.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

from .messages import Request, Response, ack_of_failure, branch_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """RFC 3261 17.1.1.1: the round trip, the longest retransmission interval, the life of a message in the network."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0


class Kind(Enum):
    INVITE_CLIENT = auto()
    CLIENT = auto()
    INVITE_SERVER = auto()
    SERVER = auto()


class State(Enum):
    TRYING = auto()  # called "calling" for an INVITE client
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Input(Enum):
    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    REQUEST = auto()
    ACK = auto()
    RETRANSMIT = auto()
    EXPIRE = auto()
    LINGERED = auto()


Table = dict[tuple[State, Input], State]

# Responses are what a client receives and what a server sends. A pair without a row is absorbed.
TABLES: dict[Kind, Table] = {
    Kind.INVITE_CLIENT: {
        (State.TRYING, Input.RETRANSMIT): State.TRYING,  # 17.1.1.2 timer A
        (State.TRYING, Input.EXPIRE): State.TERMINATED,  # 17.1.1.2 timer B
        (State.TRYING, Input.PROVISIONAL): State.PROCEEDING,
        (State.TRYING, Input.SUCCESS): State.ACCEPTED,  # RFC 6026 7.2
        (State.TRYING, Input.FAILURE): State.COMPLETED,
        (State.PROCEEDING, Input.PROVISIONAL): State.PROCEEDING,
        (State.PROCEEDING, Input.SUCCESS): State.ACCEPTED,
        (State.PROCEEDING, Input.FAILURE): State.COMPLETED,
        (State.ACCEPTED, Input.SUCCESS): State.ACCEPTED,  # each one goes up, to be acknowledged again
        (State.ACCEPTED, Input.LINGERED): State.TERMINATED,  # timer M
        (State.COMPLETED, Input.FAILURE): State.COMPLETED,  # acknowledged again
        (State.COMPLETED, Input.LINGERED): State.TERMINATED,  # timer D
    },
    Kind.CLIENT: {
        (State.TRYING, Input.RETRANSMIT): State.TRYING,  # 17.1.2.2 timer E
        (State.TRYING, Input.EXPIRE): State.TERMINATED,  # timer F
        (State.TRYING, Input.PROVISIONAL): State.PROCEEDING,
        (State.TRYING, Input.SUCCESS): State.COMPLETED,
        (State.TRYING, Input.FAILURE): State.COMPLETED,
        (State.PROCEEDING, Input.RETRANSMIT): State.PROCEEDING,
        (State.PROCEEDING, Input.EXPIRE): State.TERMINATED,
        (State.PROCEEDING, Input.PROVISIONAL): State.PROCEEDING,
        (State.PROCEEDING, Input.SUCCESS): State.COMPLETED,
        (State.PROCEEDING, Input.FAILURE): State.COMPLETED,
        (State.COMPLETED, Input.LINGERED): State.TERMINATED,  # timer K
    },
    Kind.INVITE_SERVER: {
        (State.PROCEEDING, Input.REQUEST): State.PROCEEDING,  # 17.2.1: the last provisional again
        (State.PROCEEDING, Input.PROVISIONAL): State.PROCEEDING,
        (State.PROCEEDING, Input.SUCCESS): State.ACCEPTED,  # RFC 6026 7.1
        (State.PROCEEDING, Input.FAILURE): State.COMPLETED,
        (State.ACCEPTED, Input.SUCCESS): State.ACCEPTED,  # the user of the layer retransmits 2xx
        (State.ACCEPTED, Input.LINGERED): State.TERMINATED,  # timer L
        (State.COMPLETED, Input.REQUEST): State.COMPLETED,
        (State.COMPLETED, Input.RETRANSMIT): State.COMPLETED,  # timer G
        (State.COMPLETED, Input.EXPIRE): State.TERMINATED,  # timer H
        (State.COMPLETED, Input.ACK): State.CONFIRMED,
        (State.CONFIRMED, Input.LINGERED): State.TERMINATED,  # timer I
    },
    Kind.SERVER: {
        (State.TRYING, Input.PROVISIONAL): State.PROCEEDING,  # 17.2.2
        (State.TRYING, Input.SUCCESS): State.COMPLETED,
        (State.TRYING, Input.FAILURE): State.COMPLETED,
        (State.PROCEEDING, Input.REQUEST): State.PROCEEDING,
        (State.PROCEEDING, Input.PROVISIONAL): State.PROCEEDING,
        (State.PROCEEDING, Input.SUCCESS): State.COMPLETED,
        (State.PROCEEDING, Input.FAILURE): State.COMPLETED,
        (State.COMPLETED, Input.REQUEST): State.COMPLETED,  # the final response again
        (State.COMPLETED, Input.LINGERED): State.TERMINATED,  # timer J
    },
}
FIRST_STATE = {
    Kind.INVITE_CLIENT: State.TRYING,
    Kind.CLIENT: State.TRYING,
    Kind.INVITE_SERVER: State.PROCEEDING,
    Kind.SERVER: State.TRYING,
}

Key = tuple[str, ...]


@dataclass(slots=True, kw_only=True, eq=False)
class Transaction:
    """One request and its responses. `link` is the caller's name of the connection; its type is the caller's affair."""

    kind: Kind
    key: Key
    request: Request
    link: int
    is_reliable: bool
    state: State
    acknowledges: bool = True
    response: Response | None = None
    interval: float = 0.0
    deadlines: dict[Input, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseReceived:
    """A response, never a duplicate but for 2xx to INVITE, each of which wants its ACK."""

    transaction: Transaction
    response: Response


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayResponse:
    """A response to no request of ours."""

    response: Response


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReceived:
    """A new request; answer with `send_response(transaction, …)`."""

    transaction: Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AckReceived:
    """An ACK of a 2xx, which is a transaction of its own (RFC 3261 13.3.1.4)."""

    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFailed:
    """No final response came in time, or the link was lost; for a server INVITE: no ACK came."""

    transaction: Transaction
    reason: str


Event = ResponseReceived | StrayResponse | RequestReceived | AckReceived | TransactionFailed


class TransactionLayer:
    """All transactions of one phone."""

    def __init__(self, timers: Timers | None = None) -> None:
        self._timers = timers or Timers()
        self._live: dict[Key, Transaction] = {}
        self._events: deque[Event] = deque()
        self._out: list[tuple[int, bytes]] = []

    # -- input

    def receive(self, message: Request | Response, link: int, now: float, *, is_reliable: bool) -> None:
        """One parsed message that came over `link`."""
        if isinstance(message, Response):
            self._receive_response(message, now)
        else:
            self._receive_request(message, link, now, is_reliable=is_reliable)

    def link_lost(self, link: int, reason: str) -> None:
        """Fail the client transactions of a link, and forget the others."""
        for transaction in [each for each in self._live.values() if each.link == link]:
            waiting = transaction.state in (State.TRYING, State.PROCEEDING)
            if waiting and transaction.kind in (Kind.INVITE_CLIENT, Kind.CLIENT):
                self._events.append(TransactionFailed(transaction=transaction, reason=reason))
            transaction.state = State.TERMINATED
            del self._live[transaction.key]

    # -- output

    def send_request(
        self, request: Request, link: int, now: float, *, is_reliable: bool, acknowledges: bool = True
    ) -> Transaction:
        """Send a request as a new transaction. ACKs for 2xx go by `send_ack`; those for failures by themselves, unless
        it `acknowledges` nothing."""
        kind = Kind.INVITE_CLIENT if request.method == "INVITE" else Kind.CLIENT
        key: Key = ("client", branch_of(request), request.method)
        transaction = self._open(kind, key, request, link, is_reliable=is_reliable)
        transaction.acknowledges = acknowledges
        transaction.deadlines[Input.EXPIRE] = now + 64 * self._timers.t1
        if not is_reliable:
            self._arm_retransmission(transaction, self._timers.t1, now)
        self._out.append((link, bytes(request)))
        return transaction

    def send_ack(self, ack: Request, link: int) -> None:
        """The ACK of a 2xx: no transaction, sent once for each 2xx that arrives."""
        self._out.append((link, bytes(ack)))

    def send_response(self, transaction: Transaction, response: Response, now: float) -> None:
        """Answer a request. After the final response (2xx of INVITE apart) nothing more is sent."""
        step = _kind_of_response(response)
        if (transaction.state, step) not in TABLES[transaction.kind]:
            return
        transaction.response = response
        self._step(transaction, step, now)
        self._out.append((transaction.link, bytes(response)))

    def next_event(self) -> Event | None:
        return self._events.popleft() if self._events else None

    def data_to_send(self) -> list[tuple[int, bytes]]:
        out, self._out = self._out, []
        return out

    # -- time

    def next_deadline(self) -> float | None:
        return min((when for each in self._live.values() for when in each.deadlines.values()), default=None)

    def handle_timer(self, now: float) -> None:
        """Do what is due. Call `next_event` and `data_to_send` after it."""
        for transaction in list(self._live.values()):
            due = sorted((when, step.value, step) for step, when in transaction.deadlines.items() if when <= now)
            for _, _, step in due:
                if transaction.state is not State.TERMINATED and step in transaction.deadlines:
                    self._fire(transaction, step, now)

    # -- queries

    @property
    def live(self) -> int:
        """How many transactions are not over: for leak checks."""
        return len(self._live)

    # -- private

    def _open(self, kind: Kind, key: Key, request: Request, link: int, *, is_reliable: bool) -> Transaction:
        transaction = Transaction(
            kind=kind, key=key, request=request, link=link, is_reliable=is_reliable, state=FIRST_STATE[kind]
        )
        self._live[key] = transaction
        return transaction

    def _receive_response(self, response: Response, now: float) -> None:
        # 17.1.3: the branch of the topmost Via and the method of CSeq.
        transaction = self._live.get(("client", branch_of(response), response.cseq.method))
        if transaction is None:
            self._events.append(StrayResponse(response=response))
            return
        step = _kind_of_response(response)
        if (transaction.state, step) not in TABLES[transaction.kind]:
            return
        is_repeated_failure = transaction.state is State.COMPLETED
        self._step(transaction, step, now)
        transaction.response = response
        if transaction.kind is Kind.INVITE_CLIENT and step is Input.FAILURE and transaction.acknowledges:
            self._out.append((transaction.link, bytes(ack_of_failure(transaction.request, response))))
        if not is_repeated_failure:
            self._events.append(ResponseReceived(transaction=transaction, response=response))

    def _receive_request(self, request: Request, link: int, now: float, *, is_reliable: bool) -> None:
        via = request.via[0]
        sent_by = f"{via.host}:{via.port or ''}"
        method = "INVITE" if request.method == "ACK" else request.method
        # Some clients use one branch for everything they send, so Call-ID and CSeq belong to the key.
        key: Key = ("server", branch_of(request), sent_by, method, request.call_id, str(request.cseq.sequence))
        transaction = self._live.get(key)
        if request.method == "ACK":
            # A 2xx is acknowledged end to end, whatever branch the ACK has.
            if transaction is None or transaction.state is State.ACCEPTED:
                self._events.append(AckReceived(request=request))
            elif (transaction.state, Input.ACK) in TABLES[transaction.kind]:
                self._step(transaction, Input.ACK, now)
        elif transaction is None:
            kind = Kind.INVITE_SERVER if request.method == "INVITE" else Kind.SERVER
            opened = self._open(kind, key, request, link, is_reliable=is_reliable)
            self._events.append(RequestReceived(transaction=opened))
        elif (transaction.state, Input.REQUEST) in TABLES[transaction.kind] and transaction.response is not None:
            self._out.append((link, bytes(transaction.response)))

    def _fire(self, transaction: Transaction, step: Input, now: float) -> None:
        del transaction.deadlines[step]
        if (transaction.state, step) not in TABLES[transaction.kind]:
            return
        if step is Input.RETRANSMIT:
            sent = transaction.response if transaction.kind is Kind.INVITE_SERVER else transaction.request
            self._out.append((transaction.link, bytes(sent if sent is not None else transaction.request)))
            is_doubling_without_limit = transaction.kind is Kind.INVITE_CLIENT  # 17.1.1.2: timer A has no T2
            doubled = 2 * transaction.interval
            waiting = transaction.kind is Kind.CLIENT and transaction.state is State.PROCEEDING
            limit = doubled if is_doubling_without_limit else self._timers.t2
            self._arm_retransmission(transaction, self._timers.t2 if waiting else min(doubled, limit), now)
        elif step is Input.EXPIRE:
            what = "no ACK" if transaction.kind is Kind.INVITE_SERVER else "no final response"
            reason = f"{what} to {transaction.request.method} within {64 * self._timers.t1:g} s"
            self._events.append(TransactionFailed(transaction=transaction, reason=reason))
        self._step(transaction, step, now)

    def _arm_retransmission(self, transaction: Transaction, interval: float, now: float) -> None:
        transaction.interval = interval
        transaction.deadlines[Input.RETRANSMIT] = now + interval

    def _step(self, transaction: Transaction, step: Input, now: float) -> None:
        before = transaction.state
        transaction.state = TABLES[transaction.kind][before, step]
        if transaction.state is before:
            return
        if transaction.state is State.PROCEEDING and transaction.kind is Kind.CLIENT:
            return  # 17.1.2.2: timers E and F go on
        transaction.deadlines.clear()
        if transaction.state is State.TERMINATED:
            self._live.pop(transaction.key, None)
        elif transaction.state in (State.ACCEPTED, State.COMPLETED, State.CONFIRMED):
            self._enter_last_state(transaction, now)

    def _enter_last_state(self, transaction: Transaction, now: float) -> None:
        timers, kind, state = self._timers, transaction.kind, transaction.state
        if kind is Kind.INVITE_SERVER and state is State.COMPLETED:
            transaction.deadlines[Input.EXPIRE] = now + 64 * timers.t1  # timer H
            if not transaction.is_reliable:
                self._arm_retransmission(transaction, timers.t1, now)
            return
        if state is State.ACCEPTED:
            lingering = 64 * timers.t1  # timers L and M
        elif transaction.is_reliable:
            lingering = 0.0  # timers D, I, J, K: a stream repeats nothing
        elif kind is Kind.INVITE_CLIENT:
            lingering = max(32.0, 64 * timers.t1)  # timer D
        else:
            lingering = 64 * timers.t1 if kind is Kind.SERVER else timers.t4
        transaction.deadlines[Input.LINGERED] = now + lingering


def _kind_of_response(response: Response) -> Input:
    if response.code < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if response.code < 300 else Input.FAILURE
