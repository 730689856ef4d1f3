"""A scripted far end for the phone: it answers when the test says so."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
import trustme
from ringback.conformance.client import sdp
from ringback.conformance.client.dialog import Dialog
from ringback.conformance.client.errors import FarEndError
from ringback.conformance.client.media import MediaSession
from ringback.conformance.client.messages import Request, Response, parse, response_to
from ringback.conformance.client.sip_transport import Link, UdpEndpoint, accept_streams
from ringback.conformance.client.transactions import (
    AckReceived,
    RequestReceived,
    ResponseReceived,
    Transaction,
    TransactionLayer,
)
from ringback.conformance.client.watch import Watch

SOON = 20.0  # what is waited for comes within milliseconds, on a busy machine within seconds


class FarEnd:
    """A server that does with an INVITE what the test tells it; requests in a dialog are answered 200."""

    def __init__(self, transport: str, ca_file: str) -> None:
        self.transport = transport
        self.ca_file = ca_file
        self.layer = TransactionLayer()
        self.watch = Watch()
        self.requests: list[Request] = []
        self.acks: list[Request] = []
        self.responses: list[Response] = []
        self.invite: Transaction | None = None
        self.dialog: Dialog | None = None
        self.media: MediaSession | None = None
        self.links: dict[int, Link] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._servers: list[Any] = []

    async def open(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.media = await MediaSession.open(
            "127.0.0.1", port_range=None, rng=random.Random(7), changed=self.watch.changed
        )
        if self.transport == "udp":
            endpoint = UdpEndpoint(self)
            await endpoint.open("127.0.0.1")
            self._servers.append(endpoint)
            self.port = endpoint.port
        else:
            server = await accept_streams("127.0.0.1", 0, self, tls=self._tls())
            self._servers.append(server)
            self.port = server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        assert self.media is not None
        self.media.stop()
        for server in self._servers:
            server.close()
        for link in self.links.values():
            link.close()
            await link.wait_closed()

    def _tls(self) -> ssl.SSLContext | None:
        if self.transport != "tls":
            return None
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        return context

    @property
    def uri(self) -> str:
        return f"sip:proj_x@127.0.0.1:{self.port};transport={self.transport}"

    # -- what links say

    def message_arrived(self, link: Link, data: bytes) -> None:
        self.links[link.id] = link
        message = parse(data)
        self.layer.receive(message, link.id, self.loop.time(), is_reliable=link.is_reliable)
        self._pump()

    def link_failed(self, link: Link, error: FarEndError) -> None:
        self.links.pop(link.id, None)

    # -- what a test does

    async def received(self, method: str, count: int = 1) -> Request:
        def found() -> Request | None:
            hits = [each for each in [*self.requests, *self.acks] if each.method == method]
            return hits[count - 1] if len(hits) >= count else None

        return await self.watch.until(found, timeout=SOON, what=f"{method} number {count}")

    async def response(self, status: int) -> Response:
        def found() -> Response | None:
            return next((each for each in self.responses if each.code == status), None)

        return await self.watch.until(found, timeout=SOON, what=str(status))

    def respond(self, status: int, *, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> Response:
        """Respond to the INVITE."""
        assert self.invite is not None
        contact = ("Contact", f"<{self.uri}>")
        response = response_to(self.invite.request, status, to_tag="far-end", headers=[contact, *headers], body=body)
        self.layer.send_response(self.invite, response, self.loop.time())
        self._pump()
        return response

    def answer(self, body: bytes | None = None, *, has_dtmf: bool = True) -> Response:
        """Respond 200 with an SDP answer, and let the media flow."""
        assert self.media is not None
        assert self.invite is not None
        mine = sdp.build_offer(
            address="127.0.0.1", port=self.media.port, codecs=("PCMU",), has_dtmf=has_dtmf, session_id=1
        )
        response = self.respond(200, headers=[("Content-Type", "application/sdp")], body=mine if body is None else body)
        self.dialog = Dialog(self.invite.request, response, is_caller=False)
        if self.invite.request.body and body is None:
            self.media.start(sdp.read_answer(self.invite.request.body, ("PCMU",)))
        return response

    def send(self, method: str, *, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> None:
        """A request in the dialog."""
        assert self.dialog is not None
        assert self.invite is not None
        link = self.links[self.invite.link]
        via = f"SIP/2.0/{link.transport.upper()} 127.0.0.1:{self.port};branch=z9hG4bK{len(self.requests)}{method}"
        request = self.dialog.request(method, via=via, contact=f"<{self.uri}>", headers=headers, body=body)
        self.layer.send_request(request, link.id, self.loop.time(), is_reliable=link.is_reliable)
        self._pump()

    def write(self, data: bytes) -> None:
        """Bytes as they are, to whoever called."""
        assert self.invite is not None
        self.links[self.invite.link].send(data)

    def _pump(self) -> None:
        while (event := self.layer.next_event()) is not None:
            if isinstance(event, RequestReceived):
                self._request(event.transaction)
            elif isinstance(event, AckReceived):
                self.acks.append(event.request)
            elif isinstance(event, ResponseReceived):
                self.responses.append(event.response)
        for link, data in self.layer.data_to_send():
            if link in self.links:
                self.links[link].send(data)
        if self._timer is not None:
            self._timer.cancel()
        deadline = self.layer.next_deadline()
        if deadline is not None:
            self._timer = self.loop.call_at(deadline, self._due)
        self.watch.changed()

    def _due(self) -> None:
        self.layer.handle_timer(self.loop.time())
        self._pump()

    def _request(self, transaction: Transaction) -> None:
        request = transaction.request
        self.requests.append(request)
        if request.method == "INVITE" and self.dialog is None:
            self.invite = transaction
            return
        headers, body = [], b""
        if request.method == "INVITE":
            assert self.media is not None
            body = sdp.build_offer(address="127.0.0.1", port=self.media.port, codecs=("PCMU",), session_id=1)
            headers = [("Contact", f"<{self.uri}>"), ("Content-Type", "application/sdp")]
        response = response_to(request, 200, to_tag="far-end", headers=headers, body=body)
        self.layer.send_response(transaction, response, self.loop.time())
        if request.method == "CANCEL":
            assert self.invite is not None
            self.layer.send_response(self.invite, response_to(self.invite.request, 487, to_tag="far-end"), 0.0)
        if request.method == "BYE":
            assert self.media is not None
            self.media.stop()


@pytest.fixture
async def far_end(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FarEnd]:
    """A far end over UDP, or over the transport that the test is parametrized with (indirectly)."""
    far = FarEnd(getattr(request, "param", "udp"), f"{tmp_path}/ca.pem")
    await far.open()
    yield far
    await far.close()
