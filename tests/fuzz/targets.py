"""What is fed with damage. Each target takes bytes, and an error gets out only if it is nobody's but ours."""

import contextlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from agreed import Audio
from ringback.emulator.errors import ApiError, FlowGone, PeerError, UsageError
from ringback.emulator.ids import Ids
from ringback.emulator.model.builtin import BuiltinModel
from ringback.emulator.realtime.session_config import parse_session_config
from ringback.emulator.rtp.rtcp import parse_compound
from ringback.emulator.rtp.stream import RtpStream
from ringback.emulator.sdp.description import parse
from ringback.emulator.sdp.local_description import LocalDescription
from ringback.emulator.sdp.offer_answer import negotiate
from ringback.emulator.sdp.webrtc_answer import HostCandidate, LocalTransport
from ringback.emulator.sdp.webrtc_answer import build_answer as build_webrtc_answer
from ringback.emulator.sdp.webrtc_offer import parse_offer
from ringback.emulator.sessions.client_secrets import parse_secret_request
from ringback.emulator.sessions.host import SessionHost
from ringback.emulator.sip.endpoint import SipEndpoint
from ringback.emulator.sip.events import ByeLost, Flow, InviteReceived, ReinviteReceived, UpdateReceived
from ringback.emulator.sip.parser import StreamParser
from ringback.emulator.sip.refer import refer_to
from ringback.emulator.sip.timers import Timers
from ringback.emulator.transports.http_api import json_of

from .mutation import Mutator

MESSAGE_LIMIT: Final = 16_384
PEER: Final = ("192.0.2.7", 40000)
LIFETIME: Final = 2000
"""Inputs after which a target begins anew: state is part of the test, and so is its end."""


class SipTarget:
    """An endpoint that answers each call at random, over UDP or over a connection cut anywhere."""

    def __init__(self, rng: random.Random, mutator: Mutator, transport: str) -> None:
        self._rng = rng
        self._mutator = mutator
        self._transport = transport
        self._count = 0
        self._begin()

    def _begin(self) -> None:
        self.now = 1000.0
        self.endpoint = SipEndpoint(
            ids=Ids(random.Random(self._rng.random())),
            timers=Timers(),
            contact=lambda flow: f"sip:OAI@192.0.2.1:{flow.local[1]}",
            message_limit=MESSAGE_LIMIT,
            transaction_limit=1000,
            dialog_limit=500,
            rings_reliably=self._rng.random() < 0.2,
        )

    def __call__(self, data: bytes) -> None:
        self._count += 1
        if self._count % LIFETIME == 0:
            self._end()
            self._begin()
        flow = Flow(
            id=self._count,
            transport="udp" if self._transport == "udp" else "tcp",
            local=("192.0.2.1", 5060),
            remote=("192.0.2.7", 5060),
        )
        if self._transport == "udp":
            self._feed(flow, data)
            return
        self.endpoint.flow_opened(flow, self.now)
        parser = StreamParser(limit=MESSAGE_LIMIT)
        for piece in self._mutator.pieces(data):
            self._feed(flow, piece)
            parser.feed(piece)
            read_all(parser)
            if parser.buffered > MESSAGE_LIMIT + len(piece):
                raise AssertionError(f"{parser.buffered} bytes wait, where {MESSAGE_LIMIT} is the most")
        if self._rng.random() < 0.7:
            self.endpoint.flow_closed(flow, self.now)

    def _feed(self, flow: Flow, data: bytes) -> None:
        self.endpoint.receive_data(flow, data, self.now)
        self._drain()
        self.now += self._rng.choice((0.0, 0.001, 0.3, 5.0))
        self.endpoint.handle_timer(self.now)
        self._drain()

    def _drain(self) -> None:
        while (event := self.endpoint.next_event()) is not None:
            if isinstance(event, InviteReceived | ReinviteReceived | UpdateReceived):
                status = self._rng.choice((0, 180, 200, 200, 404, 486))
                if status:
                    with contextlib.suppress(UsageError, PeerError):  # a CANCEL may have come with it
                        self.endpoint.respond(event.invite, status, now=self.now)
                if status == 200 and self._rng.random() < 0.5:
                    with contextlib.suppress(UsageError, PeerError):
                        self.endpoint.send_bye(event.dialog, self.now)
            elif isinstance(event, ByeLost):
                with contextlib.suppress(FlowGone):  # nobody opens another connection here
                    self.endpoint.send_bye(event.dialog, self.now)
        self.endpoint.data_to_send()

    def _end(self) -> None:
        """Time passes until nothing is awaited any more."""
        for _ in range(100_000):
            deadline = self.endpoint.next_deadline()
            if deadline is None:
                break
            self.now = max(self.now, deadline)
            self.endpoint.handle_timer(self.now)
            self._drain()
        left = self.endpoint.describe()
        if left["client_transactions"] or left["pending_requests"]:
            raise AssertionError(f"requests that never end: {left}")


def read_all(parser: StreamParser) -> None:
    while True:
        try:
            if parser.next_message() is None:
                return
        except PeerError:
            continue


def read_offer(data: bytes) -> None:
    description = LocalDescription(Ids(random.Random(1)))
    with contextlib.suppress(PeerError):
        offer = parse(data)
        negotiated = negotiate(offer)
        description.answer(offer, negotiated, address="192.0.2.1", port=4000)


def read_webrtc_offer(data: bytes) -> None:
    local = LocalTransport(
        ice_ufrag="abcd",
        ice_password="x" * 22,
        fingerprint="AB",
        candidates=(HostCandidate(foundation="1", priority=1, address="127.0.0.1", port=9),),
        ssrc=1,
        max_message_size=65536,
    )
    with contextlib.suppress(PeerError):
        build_webrtc_answer(parse_offer(data.decode("utf-8", "replace")), local, session_id=1, now=0.0)


class MediaTarget:
    """One leg's media, whose peer sends anything from anywhere."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._count = 0
        self._begin()

    def _begin(self) -> None:
        self.now = 1000.0
        codec, payload_type = self._rng.choice((("PCMU", 0), ("PCMA", 8), ("opus", 96)))
        self.audio = Audio(codec=codec, payload_type=payload_type)
        self.stream = RtpStream(self.audio, ids=Ids(random.Random(1)), now=self.now)

    def __call__(self, data: bytes) -> None:
        self._count += 1
        if self._count % LIFETIME == 0:
            self._begin()
        source = PEER if self._rng.random() < 0.9 else ("198.51.100.1", self._rng.randrange(1, 65536))
        data = data[:1500]
        if self._rng.random() < 0.2:
            self.stream.receive_rtcp(data, source, self.now)
        else:
            self.stream.receive_datagram(data, source, self.now)
        if self._rng.random() < 0.6:
            heard = self.stream.tick(None, self.now).heard
            if heard is not None and len(heard) != 160:
                raise AssertionError(f"a frame of {len(heard)} samples")
            self.stream.data_to_send()
            self.stream.rtcp_to_send(self.now)
            self.now += 0.02


def read_reports(data: bytes) -> None:
    with contextlib.suppress(PeerError):
        parse_compound(data)


class SessionTarget:
    """A session whose client sends anything."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._count = 0
        self._begin()

    def _begin(self) -> None:
        self.now = 1000.0
        self.host = SessionHost(
            session_id="sess_1",
            config=parse_session_config({"type": "realtime"}, types=("realtime", "transcription")),
            model=BuiltinModel(pace=0.0),
            ids=Ids(random.Random(1)),
            now=self.now,
            transport=self._rng.choice(("sip", "websocket")),
        )
        self.host.attach("a", self.now)

    def __call__(self, data: bytes) -> None:
        self._count += 1
        if self._count % 200 == 0:
            self._begin()
        text: str | bytes = data
        if self._rng.random() < 0.8:
            text = data.decode("utf-8", "replace")
        self.host.receive_text("a", text, self.now)
        for _ in range(20):
            while (effect := self.host.next_effect()) is not None:
                event = getattr(effect, "event", None)
                if event is not None:
                    json.dumps(event)
            deadline = self.host.next_deadline()
            if deadline is None:
                break
            self.now = max(self.now, min(deadline, self.now + 1.0))
            self.host.handle_timer(self.now)


def read_body(data: bytes) -> None:
    for read in (parse_session_config, parse_secret_request, _target):
        with contextlib.suppress(ApiError, UsageError):
            read(json_of(data))


def _target(body: Any) -> None:
    if isinstance(body, dict) and isinstance(body.get("target_uri"), str):
        refer_to(body["target_uri"])


@dataclass(frozen=True, slots=True)
class Target:
    """`feed` gets what `seeds` become; with `documents` those are JSON, and damaged as such half of the time."""

    name: str
    seeds: list[bytes]
    feed: Callable[[bytes], None]
    documents: tuple[Any, ...] = ()
