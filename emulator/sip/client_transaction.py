"""Client transactions: a request of ours goes out, is repeated over UDP, and has one end.

Engines like the server ones: what a method returns has to be sent at once. When `is_terminated` without a final
response, `failure` says which status stands for one.
"""

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
    InviteClientInput,
    InviteClientState,
    refuse,
)


class ClientTransaction:
    """Every method but INVITE and ACK (RFC 3261 17.1.2). The request was sent when this is made."""

    __slots__ = (
        "_end_at",
        "_end_input",
        "_interval",
        "_repeat_at",
        "_state",
        "_timers",
        "armed_for",
        "destination",
        "failure",
        "flow",
        "key",
        "request",
    )

    def __init__(
        self, *, key: ClientKey, request: bytes, flow: Flow, destination: Address | None, timers: Timers, now: float
    ) -> None:
        self.key = key
        self.request = request
        self.flow = flow
        self.destination = destination
        self.failure: int | None = None
        self.armed_for: float | None = None
        self._timers = timers
        self._state = ClientState.TRYING
        self._interval = timers.first(Timer.E, is_reliable=flow.is_reliable) or 0.0
        self._repeat_at = now + self._interval if self._interval else None
        self._end_input = ClientInput.TIMER_F
        self._end_at: float | None = now + timers.timeout

    def receive_response(self, status: int, now: float) -> bool:
        """True if the response is news: a provisional one, or the first final one."""
        is_news = self._state in (ClientState.TRYING, ClientState.PROCEEDING)
        if status < 200:
            self._step(ClientInput.PROVISIONAL)
            return is_news
        self._step(ClientInput.FINAL)
        if is_news:
            self._repeat_at = None
            delay = self._timers.first(Timer.K, is_reliable=self.flow.is_reliable)
            if delay:
                self._end_input = ClientInput.TIMER_K
                self._end_at = now + delay
            else:
                self._step(ClientInput.TIMER_K)
        return is_news

    def lose_transport(self) -> None:
        """The connection is closed: RFC 3261 8.1.3.1 has that told as 503."""
        if self._state is not ClientState.COMPLETED:
            self.failure = 503
        self._step(ClientInput.TRANSPORT_ERROR)

    def next_deadline(self) -> float | None:
        if self._repeat_at is not None and self._end_at is not None:
            return min(self._repeat_at, self._end_at)
        return self._end_at

    def handle_timer(self, now: float) -> bytes | None:
        """E, F or K, if due. Returns the request if it is time to send it again."""
        if self._end_at is not None and self._end_at <= now:
            if self._end_input is ClientInput.TIMER_F:
                self.failure = 408  # RFC 3261 8.1.3.1: a timeout is treated as one
            self._step(self._end_input)
        elif self._repeat_at is not None and self._repeat_at <= now:
            self._step(ClientInput.TIMER_E)
            # RFC 3261 17.1.2.2: doubles up to T2 while Trying, T2 throughout when Proceeding
            is_trying = self._state is ClientState.TRYING
            self._interval = self._timers.next(Timer.E, self._interval) if is_trying else self._timers.t2
            self._repeat_at = now + self._interval
            return self.request
        return None

    @property
    def state(self) -> ClientState:
        return self._state

    @property
    def is_terminated(self) -> bool:
        return self._state is ClientState.TERMINATED

    def _step(self, given: ClientInput) -> None:
        state = CLIENT.get((self._state, given))
        if state is None:
            raise refuse("client transaction", self._state, given)
        self._state = state
        if state is ClientState.TERMINATED:
            self._end_at = self._repeat_at = None


class InviteClientTransaction:
    """INVITE (RFC 3261 17.1.1, RFC 6026 7.2). It acknowledges 300 to 699 itself; the ACK to a 2xx is the TU's, which
    gives it to `acknowledge` so that it goes out again with each 2xx that comes again."""

    __slots__ = (
        "_ack",
        "_data",
        "_end_at",
        "_end_input",
        "_interval",
        "_repeat_at",
        "_state",
        "_timers",
        "armed_for",
        "destination",
        "failure",
        "flow",
        "key",
        "request",
    )

    def __init__(
        self, *, key: ClientKey, request: Request, flow: Flow, destination: Address | None, timers: Timers, now: float
    ) -> None:
        self.key = key
        self.request = request
        self.flow = flow
        self.destination = destination
        self.failure: int | None = None
        self.armed_for: float | None = None
        self._timers = timers
        self._state = InviteClientState.CALLING
        self._data = request.to_bytes()
        self._ack: bytes | None = None
        self._interval = timers.first(Timer.A, is_reliable=flow.is_reliable) or 0.0
        self._repeat_at = now + self._interval if self._interval else None
        self._end_input = InviteClientInput.TIMER_B
        self._end_at: float | None = now + timers.timeout

    def receive_response(self, response: Response, now: float) -> bytes | None:
        """Take a response; returns the ACK to send: for 300 to 699, and for a 2xx that comes again. It is news for the
        TU if `is_open` was true before."""
        was_open = self.is_open
        if response.status < 200:
            self._step(InviteClientInput.PROVISIONAL)
            if was_open:
                # RFC 3261 17.1.1.2: no timer A in Proceeding. No B either, since somebody may be ringing; but ours are
                # re-INVITEs, and a peer that never answers one must not be remembered for ever.
                self._repeat_at, self._end_at = None, now + self._timers.timeout
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

    def lose_transport(self) -> None:
        """The connection is closed: RFC 3261 8.1.3.1 has that told as 503."""
        if self.is_open:
            self.failure = 503
        self._step(InviteClientInput.TRANSPORT_ERROR)

    def next_deadline(self) -> float | None:
        if self._repeat_at is not None and self._end_at is not None:
            return min(self._repeat_at, self._end_at)
        return self._end_at

    def handle_timer(self, now: float) -> bytes | None:
        """A, B, D or M, if due. Returns the INVITE if it is time to send it again."""
        if self._end_at is not None and self._end_at <= now:
            if self._end_input is InviteClientInput.TIMER_B:
                self.failure = 408  # RFC 3261 8.1.3.1: a timeout is treated as one
            self._step(self._end_input)
        elif self._repeat_at is not None and self._repeat_at <= now:
            self._step(InviteClientInput.TIMER_A)
            self._interval = self._timers.next(Timer.A, self._interval)
            self._repeat_at = now + self._interval
            return self._data
        return None

    @property
    def state(self) -> InviteClientState:
        return self._state

    @property
    def is_open(self) -> bool:
        """No final response has come."""
        return self._state in (InviteClientState.CALLING, InviteClientState.PROCEEDING)

    @property
    def is_terminated(self) -> bool:
        return self._state is InviteClientState.TERMINATED

    def _end(self, timer: Timer, given: InviteClientInput, now: float) -> None:
        delay = self._timers.first(timer, is_reliable=self.flow.is_reliable)
        if delay:
            self._end_input = given
            self._end_at = now + delay
        else:
            self._step(given)

    def _step(self, given: InviteClientInput) -> None:
        state = INVITE_CLIENT.get((self._state, given))
        if state is None:
            raise refuse("INVITE client transaction", self._state, given)
        self._state = state
        if state is InviteClientState.TERMINATED:
            self._end_at = self._repeat_at = None


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
