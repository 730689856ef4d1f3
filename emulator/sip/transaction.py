"""The four transaction machines of RFC 3261 §17 with RFC 6026: their states, inputs and tables, and the keys.

The tables are the whole truth about states. What a transaction does on the way (send, repeat, tell) is in
`server_transaction` and `client_transaction`; what all four do alike is `Transaction`.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar, Final, Generic, TypeVar

from ..errors import WrongState
from .events import Address, Flow
from .message import Request
from .timers import Timer, Timers


class InviteServerState(Enum):
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    ACCEPTED = "Accepted"
    TERMINATED = "Terminated"


class InviteServerInput(Enum):
    REQUEST = "INVITE"
    ACK = "ACK"
    SEND_PROVISIONAL = "1xx from TU"
    SEND_SUCCESS = "2xx from TU"
    SEND_FAILURE = "300-699 from TU"
    TIMER_G = "Timer G"
    TIMER_H = "Timer H"
    TIMER_I = "Timer I"
    TIMER_L = "Timer L"
    TRANSPORT_ERROR = "Transport error"


_IS = InviteServerState
_II = InviteServerInput

# RFC 6026 7.1 lets a transport error leave Proceeding and Completed as they are. RFC 3261 17.2.4 ended them, and so do
# we: an endpoint that never opens a connection in order to answer has nothing left to do there.
INVITE_SERVER: Final[dict[tuple[InviteServerState, InviteServerInput], InviteServerState]] = {
    (_IS.PROCEEDING, _II.REQUEST): _IS.PROCEEDING,  # RFC 3261 17.2.1: the most recent provisional again
    (_IS.PROCEEDING, _II.ACK): _IS.PROCEEDING,  # RFC 3261 17.2.1: nothing to acknowledge yet, dropped
    (_IS.PROCEEDING, _II.SEND_PROVISIONAL): _IS.PROCEEDING,  # RFC 3261 17.2.1
    (_IS.PROCEEDING, _II.SEND_SUCCESS): _IS.ACCEPTED,  # RFC 6026 7.1
    (_IS.PROCEEDING, _II.SEND_FAILURE): _IS.COMPLETED,  # RFC 3261 17.2.1
    (_IS.PROCEEDING, _II.TRANSPORT_ERROR): _IS.TERMINATED,  # RFC 3261 17.2.4
    (_IS.COMPLETED, _II.REQUEST): _IS.COMPLETED,  # RFC 3261 17.2.1: the final response again
    (_IS.COMPLETED, _II.ACK): _IS.CONFIRMED,  # RFC 3261 17.2.1
    (_IS.COMPLETED, _II.TIMER_G): _IS.COMPLETED,  # RFC 3261 17.2.1: the final response again
    (_IS.COMPLETED, _II.TIMER_H): _IS.TERMINATED,  # RFC 3261 17.2.1: no ACK came
    (_IS.COMPLETED, _II.TRANSPORT_ERROR): _IS.TERMINATED,  # RFC 3261 17.2.4
    (_IS.CONFIRMED, _II.REQUEST): _IS.CONFIRMED,  # RFC 3261 17.2.1: absorbed
    (_IS.CONFIRMED, _II.ACK): _IS.CONFIRMED,  # RFC 3261 17.2.1: absorbed
    (_IS.CONFIRMED, _II.TIMER_I): _IS.TERMINATED,  # RFC 3261 17.2.1
    (_IS.CONFIRMED, _II.TRANSPORT_ERROR): _IS.TERMINATED,  # RFC 3261 17.2.4
    (_IS.ACCEPTED, _II.REQUEST): _IS.ACCEPTED,  # RFC 6026 7.1: absorbed, the TU repeats the 2xx
    (_IS.ACCEPTED, _II.ACK): _IS.ACCEPTED,  # RFC 6026 7.1: to the TU
    (_IS.ACCEPTED, _II.SEND_SUCCESS): _IS.ACCEPTED,  # RFC 6026 7.1: the TU repeats its 2xx
    (_IS.ACCEPTED, _II.TIMER_L): _IS.TERMINATED,  # RFC 6026 7.1
    (_IS.ACCEPTED, _II.TRANSPORT_ERROR): _IS.ACCEPTED,  # RFC 6026 7.1: the ACK may come over another connection
}


class ServerState(Enum):
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    TERMINATED = "Terminated"


class ServerInput(Enum):
    REQUEST = "Request"
    SEND_PROVISIONAL = "1xx from TU"
    SEND_FINAL = "200-699 from TU"
    TIMER_J = "Timer J"
    TRANSPORT_ERROR = "Transport error"


_SS = ServerState
_SI = ServerInput

SERVER: Final[dict[tuple[ServerState, ServerInput], ServerState]] = {
    (_SS.TRYING, _SI.REQUEST): _SS.TRYING,  # RFC 3261 17.2.2: discarded
    (_SS.TRYING, _SI.SEND_PROVISIONAL): _SS.PROCEEDING,  # RFC 3261 17.2.2
    (_SS.TRYING, _SI.SEND_FINAL): _SS.COMPLETED,  # RFC 3261 17.2.2
    (_SS.TRYING, _SI.TRANSPORT_ERROR): _SS.TERMINATED,  # RFC 3261 17.2.4
    (_SS.PROCEEDING, _SI.REQUEST): _SS.PROCEEDING,  # RFC 3261 17.2.2: the most recent provisional again
    (_SS.PROCEEDING, _SI.SEND_PROVISIONAL): _SS.PROCEEDING,  # RFC 3261 17.2.2
    (_SS.PROCEEDING, _SI.SEND_FINAL): _SS.COMPLETED,  # RFC 3261 17.2.2
    (_SS.PROCEEDING, _SI.TRANSPORT_ERROR): _SS.TERMINATED,  # RFC 3261 17.2.4
    (_SS.COMPLETED, _SI.REQUEST): _SS.COMPLETED,  # RFC 3261 17.2.2: the final response again
    (_SS.COMPLETED, _SI.SEND_FINAL): _SS.COMPLETED,  # RFC 3261 17.2.2: another final response is discarded
    (_SS.COMPLETED, _SI.TIMER_J): _SS.TERMINATED,  # RFC 3261 17.2.2
    (_SS.COMPLETED, _SI.TRANSPORT_ERROR): _SS.TERMINATED,  # RFC 3261 17.2.4
}


class InviteClientState(Enum):
    CALLING = "Calling"
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    ACCEPTED = "Accepted"
    TERMINATED = "Terminated"


class InviteClientInput(Enum):
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    TIMER_A = "Timer A"
    TIMER_B = "Timer B"
    TIMER_D = "Timer D"
    TIMER_M = "Timer M"
    TRANSPORT_ERROR = "Transport error"


_CS = InviteClientState
_CI = InviteClientInput

INVITE_CLIENT: Final[dict[tuple[InviteClientState, InviteClientInput], InviteClientState]] = {
    (_CS.CALLING, _CI.PROVISIONAL): _CS.PROCEEDING,  # RFC 3261 17.1.1.2
    (_CS.CALLING, _CI.SUCCESS): _CS.ACCEPTED,  # RFC 6026 7.2
    (_CS.CALLING, _CI.FAILURE): _CS.COMPLETED,  # RFC 3261 17.1.1.2: ACK
    (_CS.CALLING, _CI.TIMER_A): _CS.CALLING,  # RFC 3261 17.1.1.2: the INVITE again
    (_CS.CALLING, _CI.TIMER_B): _CS.TERMINATED,  # RFC 3261 17.1.1.2: told as 408
    (_CS.CALLING, _CI.TRANSPORT_ERROR): _CS.TERMINATED,  # RFC 3261 17.1.4: told as 503
    (_CS.PROCEEDING, _CI.PROVISIONAL): _CS.PROCEEDING,  # RFC 3261 17.1.1.2
    (_CS.PROCEEDING, _CI.SUCCESS): _CS.ACCEPTED,  # RFC 6026 7.2
    (_CS.PROCEEDING, _CI.FAILURE): _CS.COMPLETED,  # RFC 3261 17.1.1.2: ACK
    (_CS.PROCEEDING, _CI.TIMER_B): _CS.TERMINATED,  # ours: a re-INVITE rings nobody, who does not answer it is gone
    (_CS.PROCEEDING, _CI.TRANSPORT_ERROR): _CS.TERMINATED,  # RFC 3261 17.1.4: told as 503
    (_CS.COMPLETED, _CI.PROVISIONAL): _CS.COMPLETED,  # RFC 3261 17.1.1.2: a late one is dropped
    (_CS.COMPLETED, _CI.SUCCESS): _CS.COMPLETED,  # RFC 3261 17.1.1.2: contradicts the final response, dropped
    (_CS.COMPLETED, _CI.FAILURE): _CS.COMPLETED,  # RFC 3261 17.1.1.2: the ACK again
    (_CS.COMPLETED, _CI.TIMER_D): _CS.TERMINATED,  # RFC 3261 17.1.1.2
    (_CS.COMPLETED, _CI.TRANSPORT_ERROR): _CS.TERMINATED,  # RFC 3261 17.1.4
    (_CS.ACCEPTED, _CI.PROVISIONAL): _CS.ACCEPTED,  # RFC 6026 7.2: a late one is dropped
    (_CS.ACCEPTED, _CI.SUCCESS): _CS.ACCEPTED,  # RFC 6026 7.2: to the TU, which repeats its ACK
    (_CS.ACCEPTED, _CI.FAILURE): _CS.ACCEPTED,  # RFC 6026 7.2: contradicts the 2xx, dropped
    (_CS.ACCEPTED, _CI.TIMER_M): _CS.TERMINATED,  # RFC 6026 7.2
    (_CS.ACCEPTED, _CI.TRANSPORT_ERROR): _CS.ACCEPTED,  # RFC 6026 7.2: this transaction sends nothing any more
}


class ClientState(Enum):
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    TERMINATED = "Terminated"


class ClientInput(Enum):
    PROVISIONAL = "1xx"
    FINAL = "200-699"
    TIMER_E = "Timer E"
    TIMER_F = "Timer F"
    TIMER_K = "Timer K"
    TRANSPORT_ERROR = "Transport error"


_NS = ClientState
_NI = ClientInput

CLIENT: Final[dict[tuple[ClientState, ClientInput], ClientState]] = {
    (_NS.TRYING, _NI.PROVISIONAL): _NS.PROCEEDING,  # RFC 3261 17.1.2.2
    (_NS.TRYING, _NI.FINAL): _NS.COMPLETED,  # RFC 3261 17.1.2.2
    (_NS.TRYING, _NI.TIMER_E): _NS.TRYING,  # RFC 3261 17.1.2.2: the request again
    (_NS.TRYING, _NI.TIMER_F): _NS.TERMINATED,  # RFC 3261 17.1.2.2: told as 408
    (_NS.TRYING, _NI.TRANSPORT_ERROR): _NS.TERMINATED,  # RFC 3261 17.1.4: told as 503
    (_NS.PROCEEDING, _NI.PROVISIONAL): _NS.PROCEEDING,  # RFC 3261 17.1.2.2
    (_NS.PROCEEDING, _NI.FINAL): _NS.COMPLETED,  # RFC 3261 17.1.2.2
    (_NS.PROCEEDING, _NI.TIMER_E): _NS.PROCEEDING,  # RFC 3261 17.1.2.2: the request again, from now on every T2
    (_NS.PROCEEDING, _NI.TIMER_F): _NS.TERMINATED,  # RFC 3261 17.1.2.2: told as 408
    (_NS.PROCEEDING, _NI.TRANSPORT_ERROR): _NS.TERMINATED,  # RFC 3261 17.1.4: told as 503
    (_NS.COMPLETED, _NI.PROVISIONAL): _NS.COMPLETED,  # RFC 3261 17.1.2.2: absorbed
    (_NS.COMPLETED, _NI.FINAL): _NS.COMPLETED,  # RFC 3261 17.1.2.2: absorbed
    (_NS.COMPLETED, _NI.TIMER_K): _NS.TERMINATED,  # RFC 3261 17.1.2.2
    (_NS.COMPLETED, _NI.TRANSPORT_ERROR): _NS.TERMINATED,  # RFC 3261 17.1.4
}


MAGIC_COOKIE = "z9hG4bK"
"""RFC 3261 8.1.1.7: a branch that begins so is unique. One that does not comes from RFC 2543."""

ServerKey = tuple[str | int | None, ...]
ClientKey = tuple[str, str]


def server_key(request: Request, method: str) -> ServerKey:
    """What names the server transaction of `request` (RFC 3261 17.2.3).

    `method` is the request's own, or INVITE to find what an ACK or a CANCEL is about. The clause's branch, sent-by
    and method do not suffice: pyVoIP 1.6.8 uses one branch for INVITE, ACK and BYE and the same one in its next
    run, so Call-ID and CSeq number are part of the key.
    """
    via = request.via
    branch = via.branch
    # RFC 4475 3.2.1: the cookie alone is no branch
    if branch is not None and branch.startswith(MAGIC_COOKIE) and branch != MAGIC_COOKIE:
        return (branch, via.host, via.port, method, request.call_id, request.cseq.number)
    # RFC 3261 17.2.3, for RFC 2543: Request-URI, tags, Call-ID, CSeq and the whole top Via. The To tag is left out,
    # because the ACK has one that its INVITE had not.
    return (str(via), request.uri_text, request.from_.tag, method, request.call_id, request.cseq.number)


def refuse(machine: str, state: Enum, given: Enum) -> WrongState:
    """The typed refusal of a pair that no table has a row for."""
    return WrongState(f"{given.value} in state {state.value}: the {machine} has no such transition")


StateT = TypeVar("StateT", bound=Enum)
InputT = TypeVar("InputT", bound=Enum)


class Transaction(Generic[StateT, InputT]):
    """A state that only the table changes, a message that a timer repeats, and a timer that ends it.

    An engine without a queue of its own: what a method returns has to be sent at once, to `destination` on `flow`.
    Feed one, then `TimerQueue.arm` it; forget it when `is_terminated`.
    """

    __slots__ = (
        "_end_at",
        "_end_input",
        "_interval",
        "_message",
        "_repeat_at",
        "_state",
        "_timers",
        "armed_for",
        "destination",
        "flow",
    )
    _name: ClassVar[str]
    _table: ClassVar[Mapping[tuple[Any, Any], Any]]
    _terminated: ClassVar[Enum]
    _transport_error: ClassVar[Any]
    _repeats: ClassVar[tuple[Timer, Any]]
    """The timer that repeats the message, and its input."""
    _end_input: InputT

    def __init__(
        self, state: StateT, message: bytes | None, *, flow: Flow, destination: Address | None, timers: Timers
    ) -> None:
        self.flow = flow
        self.destination = destination
        self.armed_for: float | None = None
        self._timers = timers
        self._state = state
        self._message = message
        self._interval = 0.0
        self._repeat_at: float | None = None
        self._end_at: float | None = None

    def lose_transport(self) -> None:
        """The connection is closed: nothing that is sent can arrive."""
        self._step(self._transport_error)

    def next_deadline(self) -> float | None:
        if self._repeat_at is not None and self._end_at is not None:
            return min(self._repeat_at, self._end_at)
        return self._end_at

    def handle_timer(self, now: float) -> bytes | None:
        """Whichever timer is due. Returns the message if it is time to send it again."""
        if self._end_at is not None and self._end_at <= now:
            self._step(self._end_input)
        elif self._repeat_at is not None and self._repeat_at <= now:
            self._step(self._repeats[1])
            self._interval = self._next_interval()
            self._repeat_at = now + self._interval
            return self._message
        return None

    @property
    def state(self) -> StateT:
        return self._state

    @property
    def is_terminated(self) -> bool:
        return self._state is self._terminated

    def _repeat(self, now: float) -> None:
        """Send the message again from now on, where the transport is not reliable."""
        interval = self._timers.first(self._repeats[0], is_reliable=self.flow.is_reliable)
        if interval:
            self._interval = interval
            self._repeat_at = now + interval

    def _next_interval(self) -> float:
        return self._timers.next(self._repeats[0], self._interval)

    def _end(self, timer: Timer, given: InputT, now: float) -> None:
        """Let `timer` end the transaction, at once where it is 0."""
        delay = self._timers.first(timer, is_reliable=self.flow.is_reliable)
        if delay:
            self._end_input = given
            self._end_at = now + delay
        else:
            self._step(given)

    def _step(self, given: InputT) -> None:
        state = self._table.get((self._state, given))
        if state is None:
            raise refuse(self._name, self._state, given)
        self._state = state
        if state is self._terminated:
            self._end_at = self._repeat_at = None
