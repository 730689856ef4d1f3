"""Server transactions: a request came, and its response is repeated for as long as the request may be.

They are engines without a queue of their own: what a method returns has to be sent at once, to `destination` on
`flow`. Feed one, then `TimerQueue.arm` it; forget it when `is_terminated`.
"""

from .arrival import Arrival
from .events import DialogId, InviteId
from .timers import Timer, Timers
from .transaction import (
    INVITE_SERVER,
    SERVER,
    InviteServerInput,
    InviteServerState,
    ServerInput,
    ServerState,
    refuse,
)


class ServerTransaction:
    """Every method but INVITE and ACK (RFC 3261 17.2.2)."""

    __slots__ = ("_end_at", "_response", "_state", "_timers", "armed_for", "destination", "flow", "key", "merge_key")

    def __init__(self, arrival: Arrival, *, timers: Timers) -> None:
        self.key = arrival.key
        self.merge_key = arrival.merge_key
        self.flow = arrival.flow
        self.destination = arrival.destination
        self.armed_for: float | None = None
        self._timers = timers
        self._state = ServerState.TRYING
        self._response: bytes | None = None
        self._end_at: float | None = None

    def receive_request(self) -> bytes | None:
        """The request came again. Returns what to send for it, None before there is a response."""
        self._step(ServerInput.REQUEST)
        return self._response

    def send_response(self, status: int, data: bytes, now: float) -> bytes | None:
        """The TU answers. Returns what to send: `data`, or None when a final response went before it."""
        if status < 200:
            self._step(ServerInput.SEND_PROVISIONAL)
            self._response = data
            return data
        is_first = self._state is not ServerState.COMPLETED
        self._step(ServerInput.SEND_FINAL)
        if not is_first:
            return None
        self._response = data
        delay = self._timers.first(Timer.J, is_reliable=self.flow.is_reliable)
        if delay:
            self._end_at = now + delay
        else:
            self._step(ServerInput.TIMER_J)
        return data

    def lose_transport(self) -> None:
        """The connection is closed: nothing that is sent can arrive."""
        self._step(ServerInput.TRANSPORT_ERROR)

    def next_deadline(self) -> float | None:
        return self._end_at

    def handle_timer(self, now: float) -> bytes | None:
        """Timer J, if it is due. Never has anything to send."""
        if self._end_at is not None and self._end_at <= now:
            self._step(ServerInput.TIMER_J)
        return None

    @property
    def state(self) -> ServerState:
        return self._state

    @property
    def is_terminated(self) -> bool:
        return self._state is ServerState.TERMINATED

    def _step(self, given: ServerInput) -> None:
        state = SERVER.get((self._state, given))
        if state is None:
            raise refuse("server transaction", self._state, given)
        self._state = state
        if state is ServerState.TERMINATED:
            self._end_at = None


class InviteServerTransaction:
    """INVITE (RFC 3261 17.2.1, RFC 6026 7.1). `invite` and `dialog` are the UAS's: what the INVITE became."""

    __slots__ = (
        "_end_at",
        "_end_timer",
        "_interval",
        "_repeat_at",
        "_response",
        "_state",
        "_timers",
        "armed_for",
        "destination",
        "dialog",
        "flow",
        "invite",
        "key",
        "merge_key",
        "to_tag",
    )

    def __init__(self, arrival: Arrival, *, timers: Timers) -> None:
        self.key = arrival.key
        self.merge_key = arrival.merge_key
        self.flow = arrival.flow
        self.destination = arrival.destination
        self.invite = InviteId(0)
        self.dialog = DialogId("")
        self.to_tag = ""
        self.armed_for: float | None = None
        self._timers = timers
        self._state = InviteServerState.PROCEEDING
        self._response: bytes | None = None
        self._interval = 0.0
        self._repeat_at: float | None = None
        self._end_timer = InviteServerInput.TIMER_L
        self._end_at: float | None = None

    def receive_request(self) -> bytes | None:
        """The INVITE came again. Returns the response to repeat, None where it is only absorbed."""
        self._step(InviteServerInput.REQUEST)
        if self._state in (InviteServerState.PROCEEDING, InviteServerState.COMPLETED):
            return self._response
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
            self._response = data
        elif status < 300:
            self._step(InviteServerInput.SEND_SUCCESS)
            if self._end_at is None:
                self._end(Timer.L, InviteServerInput.TIMER_L, now)
            self._response = None  # RFC 6026 7.1: not repeated by the transaction
        else:
            self._step(InviteServerInput.SEND_FAILURE)
            self._response = data
            interval = self._timers.first(Timer.G, is_reliable=self.flow.is_reliable)
            if interval is not None:
                self._interval = interval
                self._repeat_at = now + interval
            self._end(Timer.H, InviteServerInput.TIMER_H, now)
        return data

    def lose_transport(self) -> None:
        """The connection is closed: nothing that is sent can arrive."""
        self._step(InviteServerInput.TRANSPORT_ERROR)

    def next_deadline(self) -> float | None:
        if self._repeat_at is not None and self._end_at is not None:
            return min(self._repeat_at, self._end_at)
        return self._end_at

    def handle_timer(self, now: float) -> bytes | None:
        """G, H, I or L, if due. Returns the response to send again, if it is time for that."""
        if self._end_at is not None and self._end_at <= now:
            self._step(self._end_timer)
        elif self._repeat_at is not None and self._repeat_at <= now:
            self._step(InviteServerInput.TIMER_G)
            self._interval = self._timers.next(Timer.G, self._interval)
            self._repeat_at = now + self._interval
            return self._response
        return None

    @property
    def state(self) -> InviteServerState:
        return self._state

    @property
    def is_undecided(self) -> bool:
        """No final response was sent yet, so that a CANCEL still has an effect (RFC 3261 9.2)."""
        return self._state is InviteServerState.PROCEEDING

    @property
    def is_terminated(self) -> bool:
        return self._state is InviteServerState.TERMINATED

    def _end(self, timer: Timer, given: InviteServerInput, now: float) -> None:
        delay = self._timers.first(timer, is_reliable=self.flow.is_reliable)
        if delay:
            self._end_timer = given
            self._end_at = now + delay
        else:
            self._step(given)

    def _step(self, given: InviteServerInput) -> None:
        state = INVITE_SERVER.get((self._state, given))
        if state is None:
            raise refuse("INVITE server transaction", self._state, given)
        self._state = state
        if state is InviteServerState.TERMINATED:
            self._end_at = self._repeat_at = None
