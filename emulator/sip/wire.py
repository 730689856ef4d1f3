"""The lower edge of the endpoint: streams, what is to be sent, what is to be told."""

from collections import deque

from ..errors import UsageError
from .client_transaction import ClientTransaction, InviteClientTransaction
from .events import Address, DialogId, Flow, Message, MessageSent, SipEvent, Transmission
from .parser import DEFAULT_FIELDS, StreamParser, parse_datagram
from .server_transaction import InviteServerTransaction, ServerTransaction


class Stream:
    """One open connection, and all that would suffer from its end. `deadline`: when the message that has begun to come
    must be complete."""

    __slots__ = ("armed_for", "clients", "deadline", "dialogs", "flow", "parser", "waiting")

    def __init__(self, flow: Flow, parser: StreamParser) -> None:
        self.flow = flow
        self.parser = parser
        self.deadline: float | None = None
        self.armed_for: float | None = None
        # INVITEs, and UPDATEs with an offer: every other request has its answer at once, which ends it on a stream.
        self.waiting: set[InviteServerTransaction | ServerTransaction] = set()
        self.clients: set[ClientTransaction | InviteClientTransaction] = set()
        self.dialogs: set[DialogId] = set()

    def next_deadline(self) -> float | None:
        return self.deadline


class Wire:
    """Queues of transmissions and events, and the open streams. UDP flows are always open and leave no trace here."""

    def __init__(self, *, message_limit: int, field_limit: int = DEFAULT_FIELDS) -> None:
        self._message_limit = message_limit
        self._field_limit = field_limit
        self._streams: dict[int, Stream] = {}
        self._transmissions: list[Transmission] = []
        self._events: deque[SipEvent] = deque()

    # Streams

    def open(self, flow: Flow) -> None:
        if flow.is_reliable:
            if flow.id in self._streams:
                raise UsageError(f"flow {flow.id} is open already")
            self._streams[flow.id] = Stream(flow, StreamParser(limit=self._message_limit, fields=self._field_limit))

    def close(self, flow: Flow) -> Stream | None:
        """Forget a stream; None if it was not open."""
        stream = self._streams.pop(flow.id, None) if flow.is_reliable else None
        if stream is not None:
            stream.deadline = None
        return stream

    def stream(self, flow: Flow) -> Stream | None:
        """None for UDP and for what is closed."""
        return self._streams.get(flow.id) if flow.is_reliable else None

    def is_open(self, flow: Flow) -> bool:
        return not flow.is_reliable or flow.id in self._streams

    # Output

    def send(self, flow: Flow, destination: Address | None, message: Message, data: bytes) -> None:
        """Queue `data`, which is `message` in bytes; nothing happens when the flow is closed."""
        if self.is_open(flow):
            self._transmissions.append(Transmission(flow=flow, data=data, destination=destination))
            self._events.append(MessageSent(flow=flow, message=message, data=data))

    def repeat(self, flow: Flow, destination: Address | None, data: bytes) -> None:
        """Queue bytes that were sent before."""
        if self.is_open(flow):
            self.send(flow, destination, parse_datagram(data, limit=len(data)), data)

    def write(self, flow: Flow, data: bytes, *, close_after: bool = False) -> None:
        """Queue bytes that are no message: the answer to a keep-alive."""
        self._transmissions.append(Transmission(flow=flow, data=data, close_after=close_after))

    def finish(self, flow: Flow) -> None:
        """Have the connection closed once all that is queued for it was written."""
        self.write(flow, b"", close_after=True)

    def tell(self, event: SipEvent) -> None:
        self._events.append(event)

    def next_event(self) -> SipEvent | None:
        return self._events.popleft() if self._events else None

    def data_to_send(self) -> list[Transmission]:
        transmissions = self._transmissions
        if transmissions:
            self._transmissions = []
        return transmissions

    @property
    def stream_count(self) -> int:
        return len(self._streams)
