"""Client transactions: a request of ours goes out, is repeated over UDP, and has one end.

When one `is_terminated` without a final response, `failure` says which status stands for it.
"""

from typing import Any, ClassVar

from .events import Address, Flow
from .headers import Headers
from .message import Request, Response
from .timers import Timer, Timers
from .transaction import (
    CLIENT,
    INVITE_CLIENT,
    ClientInput,
    ClientKey,
    ClientState,
    InputT,
    InviteClientInput,
    InviteClientState,
    StateT,
    Transaction,
)


class _Client(Transaction[StateT, InputT]):
    """The request was sent when this is made. It is open until a final response comes, or `_timeout`."""

    __slots__ = ("failure", "key")
    _open: ClassVar[tuple[Any, ...]]
    _timeout: ClassVar[tuple[Timer, Any]]

    def __init__(
        self, message: bytes, *, key: ClientKey, flow: Flow, destination: Address | None, timers: Timers, now: float
    ) -> None:
        super().__init__(self._open[0], message, flow=flow, destination=destination, timers=timers)
        self.key = key
        self.failure: int | None = None
        self._repeat(now)
        self._end(*self._timeout, now)

    def lose_transport(self) -> None:
        """The connection is closed: RFC 3261 8.1.3.1 has that told as 503."""
        if self.is_open:
            self.failure = 503
        super().lose_transport()

    def handle_timer(self, now: float) -> bytes | None:
        was_open = self.is_open
        data = super().handle_timer(now)
        if was_open and self.is_terminated:
            self.failure = 408  # RFC 3261 8.1.3.1: a timeout is treated as one
        return data

    @property
    def is_open(self) -> bool:
        """No final response has come."""
        return self._state in self._open


class ClientTransaction(_Client[ClientState, ClientInput]):
    """Every method but INVITE and ACK (RFC 3261 17.1.2)."""

    __slots__ = ()
    _name = "client transaction"
    _table = CLIENT
    _terminated = ClientState.TERMINATED
    _transport_error = ClientInput.TRANSPORT_ERROR
    _repeats = (Timer.E, ClientInput.TIMER_E)
    _open = (ClientState.TRYING, ClientState.PROCEEDING)
    _timeout = (Timer.F, ClientInput.TIMER_F)

    def receive_response(self, status: int, now: float) -> bool:
        """True if the response is news: a provisional one, or the first final one."""
        is_news = self.is_open
        if status < 200:
            self._step(ClientInput.PROVISIONAL)
            return is_news
        self._step(ClientInput.FINAL)
        if is_news:
            self._repeat_at = None
            self._end(Timer.K, ClientInput.TIMER_K, now)
        return is_news

    def _next_interval(self) -> float:
        # RFC 3261 17.1.2.2: doubles up to T2 while Trying, T2 throughout when Proceeding
        return super()._next_interval() if self._state is ClientState.TRYING else self._timers.t2


class InviteClientTransaction(_Client[InviteClientState, InviteClientInput]):
    """INVITE (RFC 3261 17.1.1, RFC 6026 7.2). It acknowledges 300 to 699 itself; the ACK to a 2xx is the TU's, which
    gives it to `acknowledge` so that it goes out again with each 2xx that comes again."""

    __slots__ = ("_ack", "request")
    _name = "INVITE client transaction"
    _table = INVITE_CLIENT
    _terminated = InviteClientState.TERMINATED
    _transport_error = InviteClientInput.TRANSPORT_ERROR
    _repeats = (Timer.A, InviteClientInput.TIMER_A)
    _open = (InviteClientState.CALLING, InviteClientState.PROCEEDING)
    _timeout = (Timer.B, InviteClientInput.TIMER_B)

    def __init__(
        self, request: Request, *, key: ClientKey, flow: Flow, destination: Address | None, timers: Timers, now: float
    ) -> None:
        super().__init__(request.to_bytes(), key=key, flow=flow, destination=destination, timers=timers, now=now)
        self.request = request
        self._ack: bytes | None = None

    def receive_response(self, response: Response, now: float) -> bytes | None:
        """Take a response; returns the ACK to send: for 300 to 699, and for a 2xx that comes again. It is news for the
        TU if `is_open` was true before."""
        was_open = self.is_open
        if response.status < 200:
            self._step(InviteClientInput.PROVISIONAL)
            if was_open:
                # RFC 3261 17.1.1.2: no timer A in Proceeding. No B either, since somebody may be ringing; but ours are
                # re-INVITEs, and a peer that never answers one must not be remembered for ever.
                self._repeat_at = None
                self._end(*self._timeout, now)
            return None
        self._step(InviteClientInput.SUCCESS if response.status < 300 else InviteClientInput.FAILURE)
        if was_open:
            self._repeat_at = None
            if response.status < 300:
                self._end(Timer.M, InviteClientInput.TIMER_M, now)
            else:
                self._ack = acknowledge(self.request, response).to_bytes()
                self._end(Timer.D, InviteClientInput.TIMER_D, now)
        return self._ack

    def acknowledge(self, ack: Request) -> bytes:
        """The ACK of the TU to the 2xx, in bytes."""
        self._ack = ack.to_bytes()
        return self._ack


def acknowledge(request: Request, response: Response) -> Request:
    """The ACK to a response from 300 to 699 (RFC 3261 17.1.1.3): the INVITE's head with the response's To."""
    headers = request.headers
    items = [("Via", headers.get("Via") or ""), ("Max-Forwards", "70")]
    items.extend(("Route", route) for route in headers.get_all("Route"))
    items.append(("From", headers.get("From") or ""))
    items.append(("To", response.headers.get("To") or ""))
    items.append(("Call-ID", request.call_id))
    items.append(("CSeq", f"{request.cseq.number} ACK"))
    items.append(("Content-Length", "0"))
    return Request(method="ACK", uri=request.uri_text, headers=Headers(items), body=b"")
