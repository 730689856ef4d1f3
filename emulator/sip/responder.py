"""Responses as this endpoint writes them: its tag, the way back, and who it is."""

import contextlib
from collections.abc import Iterable

from ..errors import SipError
from ..ids import Ids
from .arrival import Arrival, response_destination, response_via
from .automatic import HeaderItems
from .events import Flow
from .message import Request, Response, response_to
from .transaction_layer import AnyServerTransaction, TransactionLayer
from .wire import Wire


class Responder:
    """`build` makes a response, `answer` sends one by a transaction of its own, `answer_statelessly` by none."""

    def __init__(self, *, wire: Wire, layer: TransactionLayer, ids: Ids, user_agent: str | None) -> None:
        self._wire = wire
        self._layer = layer
        self._ids = ids
        self._identity: HeaderItems = [] if user_agent is None else [("Server", user_agent)]

    def build(
        self,
        arrival: Arrival,
        status: int,
        *,
        to_tag: str | None,
        headers: Iterable[tuple[str, str]] = (),
        reason: str | None = None,
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Response:
        return response_to(
            arrival.request,
            status,
            reason,
            to_tag=to_tag,
            via=arrival.via,
            headers=[*headers, *self._identity],
            body=body,
            content_type=content_type,
        )

    def answer(
        self,
        arrival: Arrival,
        status: int,
        headers: Iterable[tuple[str, str]] = (),
        *,
        now: float,
        to_tag: str | None = None,
    ) -> None:
        """Open a transaction and end it with this response."""
        if arrival.to_tag is None and to_tag is None:
            to_tag = self._ids.uuid()  # RFC 3261 8.2.6.2: a response needs one, unless the request brought one
        transaction: AnyServerTransaction
        if arrival.request.method == "INVITE":
            transaction = self._layer.open_invite(arrival)
            transaction.to_tag = to_tag or ""
        else:
            transaction = self._layer.open(arrival)
        self._layer.respond(transaction, self.build(arrival, status, to_tag=to_tag, headers=headers), now)

    def answer_statelessly(self, flow: Flow, request: Request, status: int, headers: HeaderItems | None = None) -> None:
        """Answer what is malformed or too much, keeping nothing. An ACK is never answered (RFC 3261 17)."""
        if request.method == "ACK" or "Via" not in request.headers:
            return
        via = destination = None
        with contextlib.suppress(SipError):
            via = response_via(request.via, flow)
            destination = response_destination(request.via, flow)
        items = [*(headers or []), *self._identity]
        response = response_to(request, status, to_tag=self._ids.uuid(), via=via, headers=items)
        self._wire.send(flow, destination, response, response.to_bytes())

    def random_sequence(self) -> int:
        """RFC 3262 3: the first RSeq is chosen from 1 to 2**31 - 1."""
        return self._ids.number(30) + 1

    def random_retry(self) -> HeaderItems:
        """RFC 3261 14.2 and RFC 3311 5.2: a Retry-After "of between 0 and 10 seconds" chosen at random."""
        return [("Retry-After", str(self._ids.number(16) % 11))]
