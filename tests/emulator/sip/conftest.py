"""A peer for the endpoint's tests: it writes bytes, reads bytes, and turns a clock by hand."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from ringback.emulator.ids import Ids
from ringback.emulator.sip.endpoint import SipEndpoint
from ringback.emulator.sip.events import (
    DialogId,
    Flow,
    InviteReceived,
    MessageReceived,
    MessageSent,
    SipEvent,
    Transmission,
)
from ringback.emulator.sip.message import Request, Response
from ringback.emulator.sip.parser import parse_datagram
from ringback.emulator.sip.timers import Timers

SDP = b"v=0\r\n"


class Peer:
    """One user agent and the endpoint it talks to, joined without a socket.

    `told` has every event but those for the journal, `sent` every message of the endpoint, oldest first; `take`
    empties the latter.
    """

    def __init__(self, transport: str = "udp", **options: Any) -> None:
        self.endpoint = SipEndpoint(
            ids=Ids(random.Random(7)),
            timers=Timers(),
            contact=lambda flow: f"sip:OAI@192.0.2.1:{flow.local[1]};transport={flow.transport}",
            **options,
        )
        self.now = 1000.0
        self.flow = self.open(transport)
        self.told: list[SipEvent] = []
        self.journal: list[SipEvent] = []
        self.transmissions: list[Transmission] = []
        self.sent: list[Request | Response] = []
        self.from_tag: str | None = "alice"
        self.to = "<sip:proj_1@192.0.2.1>"
        self.call_id = "call-1"
        self.cseq = 0
        self.branches = 0

    def open(self, transport: str, port: int = 5070, id: int = 1) -> Flow:
        flow = Flow(id=id, transport=transport, local=("192.0.2.1", 5060), remote=("198.51.100.9", port))  # type: ignore[arg-type]
        self.endpoint.flow_opened(flow, self.now)
        return flow

    def build(
        self,
        method: str,
        *headers: str,
        branch: str | None = None,
        cseq: int | None = None,
        to_tag: str | None = None,
        body: bytes = b"",
        uri: str = "sip:proj_1@192.0.2.1",
        contact: str | None = "<sip:alice@198.51.100.9:5070>",
        sent_by: str = "198.51.100.9:5070",
        via: str = "",
    ) -> bytes:
        """A request; its branch and CSeq are new ones unless given."""
        self.branches += 1
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        if branch is None:
            branch = f"z9hG4bK{self.branches}"
        from_tag = "" if self.from_tag is None else f";tag={self.from_tag}"
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.flow.transport.upper()} {sent_by}{branch and f';branch={branch}'}{via}",
            "Max-Forwards: 70",
            f"From: Alice <sip:alice@example.com>{from_tag}",
            f"To: {self.to}" + ("" if to_tag is None else f";tag={to_tag}"),
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            *([] if contact is None else [f"Contact: {contact}"]),
            *headers,
            *(["Content-Type: application/sdp"] if body and not any("ontent-Type" in each for each in headers) else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def send(self, data: bytes, *, flow: Flow | None = None) -> list[Request | Response]:
        """Hand bytes to the endpoint; returns what it sent upon them."""
        self.endpoint.receive_data(flow or self.flow, data, self.now)
        return self.take()

    def request(self, method: str, *headers: str, flow: Flow | None = None, **options: Any) -> Response:
        """Send a request and return the one response to it."""
        (response,) = self.send(self.build(method, *headers, **options), flow=flow)
        assert isinstance(response, Response)
        return response

    def answer(self, request: Request | Response, status: int, *headers: str) -> list[Request | Response]:
        """Answer a request of the endpoint."""
        lines = [f"SIP/2.0 {status} Whatever"]
        lines += [f"{name}: {request.headers.get(name)}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
        return self.send("\r\n".join([*lines, *headers, "Content-Length: 0"]).encode() + b"\r\n\r\n")

    def take(self) -> list[Request | Response]:
        """What the endpoint sent since the last time; events are sorted away."""
        while (event := self.endpoint.next_event()) is not None:
            is_journal = isinstance(event, MessageReceived | MessageSent)
            (self.journal if is_journal else self.told).append(event)
        self.transmissions = self.endpoint.data_to_send()
        messages = [parse_datagram(each.data) for each in self.transmissions if each.data.strip()]
        self.sent.extend(messages)
        return messages

    def wait(self, seconds: float) -> list[Request | Response]:
        """Let time pass, with each timer at its time; returns what was sent."""
        end = self.now + seconds
        messages = []
        while (deadline := self.endpoint.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.endpoint.handle_timer(self.now)
            messages.extend(self.take())
        self.now = end
        return messages

    def events(self, kind: type) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def last(self) -> Any:
        return self.told[-1]

    def invite(self, *headers: str, **options: Any) -> InviteReceived:
        """An INVITE that waits for its decision."""
        self.send(self.build("INVITE", *headers, **{"body": SDP, **options}))
        event = self.events(InviteReceived)[-1]
        assert isinstance(event, InviteReceived)
        return event

    def accepted(self, *headers: str, **options: Any) -> DialogId:
        """A call whose 2xx has no ACK yet."""
        event = self.invite(*headers, **options)
        self.endpoint.respond(event.invite, 200, body=SDP, content_type="application/sdp", now=self.now)
        self.take()
        return event.dialog

    def confirmed(self, *headers: str, **options: Any) -> DialogId:
        """A call in its dialog, with ACK."""
        dialog = self.accepted(*headers, **options)
        self.ack(dialog)
        return dialog

    def ack(self, dialog: DialogId, **options: Any) -> list[Request | Response]:
        return self.send(self.build("ACK", to_tag=dialog, **{"cseq": self.cseq, **options}))


@pytest.fixture
def peer() -> Peer:
    """A peer over UDP."""
    return Peer()


@pytest.fixture
def make_peer() -> Callable[..., Peer]:
    """`make_peer("tls", register_status=403)`: a peer over another transport, or of an endpoint with options."""
    return Peer
