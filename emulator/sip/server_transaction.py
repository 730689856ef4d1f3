"""Server transactions: a request came, and its response is repeated for as long as the request may be."""

from .arrival import Arrival
from .events import DialogId, InviteId
from .timers import Timer, Timers
from .transaction import (
    INVITE_SERVER,
    SERVER,
    InputT,
    InviteServerInput,
    InviteServerState,
    ServerInput,
    ServerState,
    StateT,
    Transaction,
)


class _Server(Transaction[StateT, InputT]):
    """Its message is the last response that was sent."""

    __slots__ = ("key", "merge_key")

    def __init__(self, state: StateT, arrival: Arrival, *, timers: Timers) -> None:
        super().__init__(state, None, flow=arrival.flow, destination=arrival.destination, timers=timers)
        self.key = arrival.key
        self.merge_key = arrival.merge_key


class ServerTransaction(_Server[ServerState, ServerInput]):
    """Every method but INVITE and ACK (RFC 3261 17.2.2)."""

    __slots__ = ()
    _name = "server transaction"
    _table = SERVER
    _terminated = ServerState.TERMINATED
    _transport_error = ServerInput.TRANSPORT_ERROR

    def __init__(self, arrival: Arrival, *, timers: Timers) -> None:
        super().__init__(ServerState.TRYING, arrival, timers=timers)

    def receive_request(self) -> bytes | None:
        """The request came again. Returns what to send for it, None before there is a response."""
        self._step(ServerInput.REQUEST)
        return self._message

    def send_response(self, status: int, data: bytes, now: float) -> bytes | None:
        """The TU answers. Returns what to send: `data`, or None when a final response went before it."""
        if status < 200:
            self._step(ServerInput.SEND_PROVISIONAL)
            self._message = data
            return data
        is_first = self._state is not ServerState.COMPLETED
        self._step(ServerInput.SEND_FINAL)
        if not is_first:
            return None
        self._message = data
        self._end(Timer.J, ServerInput.TIMER_J, now)
        return data


class InviteServerTransaction(_Server[InviteServerState, InviteServerInput]):
    """INVITE (RFC 3261 17.2.1, RFC 6026 7.1). `invite` and `dialog` are the UAS's: what the INVITE became."""

    __slots__ = ("dialog", "invite", "to_tag")
    _name = "INVITE server transaction"
    _table = INVITE_SERVER
    _terminated = InviteServerState.TERMINATED
    _transport_error = InviteServerInput.TRANSPORT_ERROR
    _repeats = (Timer.G, InviteServerInput.TIMER_G)

    def __init__(self, arrival: Arrival, *, timers: Timers) -> None:
        super().__init__(InviteServerState.PROCEEDING, arrival, timers=timers)
        self.invite = InviteId(0)
        self.dialog = DialogId("")
        self.to_tag = ""

    def receive_request(self) -> bytes | None:
        """The INVITE came again. Returns the response to repeat, None where it is only absorbed."""
        self._step(InviteServerInput.REQUEST)
        if self._state in (InviteServerState.PROCEEDING, InviteServerState.COMPLETED):
            return self._message
        return None

    def receive_ack(self, now: float) -> bool:
        """An ACK with this transaction's key came. True when it is for a 2xx, and so for the dialog."""
        was_completed = self._state is InviteServerState.COMPLETED
        self._step(InviteServerInput.ACK)
        if was_completed:
            self._repeat_at = None
            self._end(Timer.I, InviteServerInput.TIMER_I, now)
        return self._state is InviteServerState.ACCEPTED

    def send_response(self, status: int, data: bytes, now: float) -> bytes:
        """The TU answers; returns what to send. A 2xx is repeated by the TU, 300 to 699 by this transaction."""
        if status < 200:
            self._step(InviteServerInput.SEND_PROVISIONAL)
            self._message = data
        elif status < 300:
            self._step(InviteServerInput.SEND_SUCCESS)
            if self._end_at is None:
                self._end(Timer.L, InviteServerInput.TIMER_L, now)
            self._message = None  # RFC 6026 7.1: not repeated by the transaction
        else:
            self._step(InviteServerInput.SEND_FAILURE)
            self._message = data
            self._repeat(now)
            self._end(Timer.H, InviteServerInput.TIMER_H, now)
        return data
