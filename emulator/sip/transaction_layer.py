"""All live transactions of an endpoint, found by their keys, kept up by one timer queue (RFC 3261 §17)."""

from .acceptance import Acceptance
from .arrival import Arrival
from .client_transaction import ClientTransaction, InviteClientTransaction
from .events import Address, Flow
from .message import Request, Response
from .reliable_provisional import ReliableProvisional
from .server_transaction import InviteServerTransaction, ServerTransaction
from .session_timer import SessionTimer
from .timers import TimerQueue, Timers
from .transaction import ClientKey, ServerKey
from .wire import Stream, Wire

AnyServerTransaction = ServerTransaction | InviteServerTransaction
AnyClientTransaction = ClientTransaction | InviteClientTransaction
Owned = Acceptance | ReliableProvisional | SessionTimer | Stream
"""What waits in the queue of the layer and belongs to its user."""


class TransactionLayer:
    """Between wire and TU. `limit` bounds the server transactions: a flood is answered without state above it."""

    def __init__(self, *, wire: Wire, timers: Timers, limit: int) -> None:
        self.queue: TimerQueue[AnyServerTransaction | AnyClientTransaction | Owned] = TimerQueue()
        self._wire = wire
        self._timers = timers
        self._limit = limit
        self._servers: dict[ServerKey, AnyServerTransaction] = {}
        self._merged: dict[ServerKey, AnyServerTransaction] = {}
        self._clients: dict[ClientKey, AnyClientTransaction] = {}

    # Server side

    def find(self, arrival: Arrival) -> AnyServerTransaction | None:
        """The transaction of a request that came again."""
        return self._servers.get(arrival.key)

    def find_invite(self, arrival: Arrival) -> InviteServerTransaction | None:
        """The transaction of the INVITE that an ACK or CANCEL is about."""
        transaction = self._servers.get(arrival.invite_key)
        return transaction if isinstance(transaction, InviteServerTransaction) else None

    def is_merged(self, arrival: Arrival) -> bool:
        """Whether another transaction has the same request, which came by two ways (RFC 3261 8.2.2.2)."""
        return arrival.merge_key is not None and arrival.merge_key in self._merged

    def open(self, arrival: Arrival, *, waits: bool = False) -> ServerTransaction:
        """For every method but INVITE. It is over when it was answered and every copy had time to arrive.

        `waits`: the answer may take a while, in which the connection may be lost.
        """
        transaction = ServerTransaction(arrival, timers=self._timers)
        self._keep(transaction)
        if waits:
            self._wait(transaction)
        return transaction

    def open_invite(self, arrival: Arrival) -> InviteServerTransaction:
        transaction = InviteServerTransaction(arrival, timers=self._timers)
        self._keep(transaction)
        self._wait(transaction)
        return transaction

    def repeat(self, transaction: AnyServerTransaction) -> None:
        """The request of `transaction` came again."""
        data = transaction.receive_request()
        if data is not None:
            self._wire.repeat(transaction.flow, transaction.destination, data)

    def receive_ack(self, transaction: InviteServerTransaction, now: float) -> bool:
        """True when the ACK is for a 2xx and so for the TU."""
        is_for_user = transaction.receive_ack(now)
        self._settle(transaction)
        return is_for_user

    def respond(self, transaction: AnyServerTransaction, response: Response, now: float) -> bytes:
        """Send `response` by its transaction. Raises `WrongState` after a final one."""
        data = response.to_bytes()
        if transaction.send_response(response.status, data, now) is not None:
            self._wire.send(transaction.flow, transaction.destination, response, data)
        self._settle(transaction)
        return data

    @property
    def is_full(self) -> bool:
        return len(self._servers) >= self._limit

    # Client side

    def start_client(
        self, key: ClientKey, request: Request, flow: Flow, destination: Address | None, now: float
    ) -> AnyClientTransaction:
        """Send `request`. The flow must be open."""
        data = request.to_bytes()
        transaction: AnyClientTransaction
        if request.method == "INVITE":
            transaction = InviteClientTransaction(
                request, flow=flow, destination=destination, timers=self._timers, now=now, key=key
            )
        else:
            transaction = ClientTransaction(
                data, flow=flow, destination=destination, timers=self._timers, now=now, key=key
            )
        self._clients[key] = transaction
        stream = self._wire.stream(flow)
        if stream is not None:
            stream.clients.add(transaction)
        self._wire.send(flow, destination, request, data)
        self.queue.arm(transaction)
        return transaction

    def receive_response(self, response: Response, now: float) -> tuple[AnyClientTransaction | None, bool]:
        """The transaction that `response` belongs to, None if there is none, and whether it is news (17.1.3)."""
        transaction = self._clients.get((response.via.branch or "", response.cseq.method))
        if transaction is None:
            return None, False
        if isinstance(transaction, InviteClientTransaction):
            is_news = transaction.is_open
            ack = transaction.receive_response(response, now)
            if ack is not None:
                self._wire.repeat(transaction.flow, transaction.destination, ack)
        else:
            is_news = transaction.receive_response(response.status, now)
        self._settle(transaction)
        return transaction, is_news

    def acknowledge(self, transaction: InviteClientTransaction, ack: Request) -> None:
        """Send the ACK to a 2xx, now and with each copy of that."""
        data = transaction.acknowledge(ack)
        self._wire.send(transaction.flow, transaction.destination, ack, data)

    # Time, and the end of connections

    def handle_timer(self, now: float) -> AnyClientTransaction | Owned | None:
        """Let everything that is due happen, up to the next thing that the TU has to know of; None at the end."""
        while (timed := self.queue.pop_due(now)) is not None:
            if isinstance(timed, Owned):
                return timed
            data = timed.handle_timer(now)
            if data is not None:
                self._wire.repeat(timed.flow, timed.destination, data)
            self._settle(timed)
            if isinstance(timed, AnyClientTransaction) and timed.failure is not None:
                return timed
        return None

    def lose_stream(self, stream: Stream) -> list[AnyClientTransaction]:
        """The connection is closed. Returns the requests of ours that failed by that."""
        for waiting in tuple(stream.waiting):
            waiting.lose_transport()
            self._settle(waiting)
        clients = tuple(stream.clients)
        for client in clients:
            client.lose_transport()
            self._settle(client)
        return [client for client in clients if client.failure is not None]

    # Queries

    @property
    def server_count(self) -> int:
        return len(self._servers)

    @property
    def client_count(self) -> int:
        return len(self._clients)

    # Private

    def _keep(self, transaction: AnyServerTransaction) -> None:
        self._servers[transaction.key] = transaction
        if transaction.merge_key is not None:
            self._merged.setdefault(transaction.merge_key, transaction)

    def _wait(self, transaction: AnyServerTransaction) -> None:
        stream = self._wire.stream(transaction.flow)
        if stream is not None:
            stream.waiting.add(transaction)

    def _settle(self, transaction: AnyServerTransaction | AnyClientTransaction) -> None:
        """Arm it, or forget it if it is over."""
        if not transaction.is_terminated:
            self.queue.arm(transaction)
            return
        stream = self._wire.stream(transaction.flow)
        if isinstance(transaction, AnyClientTransaction):
            del self._clients[transaction.key]
            if stream is not None:
                stream.clients.discard(transaction)
            return
        del self._servers[transaction.key]
        merge_key = transaction.merge_key
        if merge_key is not None and self._merged.get(merge_key) is transaction:
            del self._merged[merge_key]
        if stream is not None:
            stream.waiting.discard(transaction)
