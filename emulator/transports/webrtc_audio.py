"""The sound of a WebRTC call: RTP between a peer and its session, on the one 20 ms tick, while somebody speaks.

Nothing is sent while the session has nothing to say, but for a short tail of silence behind it, so that a peer's jitter
buffer gives out the last word. No tick runs once both sides are silent.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..faults.plan import FaultPlan, Faults
from ..rtp.stream import RtpStream
from ..sdp.webrtc_offer import AgreedCodec, WebRtcOffer
from .hosting import RunningHost
from .rtp_net import FRAME_SECONDS, Ticker
from .webrtc import Peer

QUIET_AFTER = 1.0
"""How long no packet must have come for the peer to be silent. Opus sends one in 400 ms when it has nothing to say."""
_NOWHERE = ("127.0.0.1", 9)
"""RTP has an address, a peer connection finds its own way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRtcAudio:
    """What was agreed on, as an RTP stream asks for it."""

    codec: str
    payload_type: int
    sends: bool
    receives: bool
    dtmf_payload_type: int | None = None
    own_payload_types: None = None
    ptime_ms: int = 20
    remote_address: str = _NOWHERE[0]
    remote_port: int = _NOWHERE[1]
    rtcp_port: int = _NOWHERE[1]


def audio_of(offer: WebRtcOffer, agreed: AgreedCodec) -> WebRtcAudio:
    """The parameters of one of the codecs that were agreed on; what we send is of the first."""
    return WebRtcAudio(
        codec=agreed.codec,
        payload_type=agreed.payload_type,
        sends=offer.direction in ("sendrecv", "sendonly"),
        receives=offer.direction in ("sendrecv", "recvonly"),
    )


class WebRtcSound:
    """Feed it every packet of the peer; it wakes when one comes, or when the session has something to say."""

    def __init__(
        self,
        *,
        stream: RtpStream,
        offer: WebRtcOffer,
        host: RunningHost,
        ticker: Ticker,
        now: Callable[[], float],
        tail: float,
        on_bug: Callable[[Exception], None],
        faults: Faults,
    ) -> None:
        self._stream = stream
        self._formats = {agreed.payload_type: audio_of(offer, agreed) for agreed in offer.codecs}
        self._heard_type = offer.codecs[0].payload_type
        self._peer: Peer | None = None
        self._host = host
        self._ticker = ticker
        self._now = now
        self._tail = tail
        self._on_bug = on_bug
        self._faults = faults
        self._call_id = host.call_id or ""
        self._is_open = False
        self._is_ticking = False
        self._slept_at = now()
        self._heard_until = 0.0
        self._sends_until = 0.0

    # Input

    def start(self, peer: Peer) -> None:
        """The peer is connected."""
        self._is_open, self._peer = True, peer
        self._host.on_speaking = self._wake
        if self._host.host.speaking:
            self._wake()

    def close(self) -> dict[str, object]:
        """Stop, say goodbye, and return the stream's statistics."""
        if self._is_open:
            self._is_open = False
            self._host.on_speaking = None
            self._ticker.remove(self)
            self._stream.close(self._now())
            self._send()
        return {key: value for key, value in self._stream.statistics().items() if key != "remote"}

    def receive_rtp(self, data: bytes) -> None:
        """One packet, decrypted."""
        if not self._is_open:
            return
        now = self._now()
        try:
            plan = self._plan
            for packet in (data,) if plan is None else plan.rtp_in(data, self._call_id):
                self._follow_format(packet)
                self._stream.receive_datagram(packet, _NOWHERE, now)
        except Exception as error:  # noqa: BLE001 — one call's bug must not end its neighbours
            self._on_bug(error)
            return
        self._heard_until = now + QUIET_AFTER
        self._wake()

    def receive_rtcp(self, data: bytes) -> None:
        """One datagram of reports, decrypted."""
        if self._is_open:
            self._stream.receive_rtcp(data, _NOWHERE, self._now())

    # Queries

    @property
    def ssrc(self) -> int:
        return self._stream.ssrc

    @property
    def codec(self) -> str:
        """Of what we send."""
        return next(iter(self._formats.values())).codec

    # Private

    def _follow_format(self, packet: bytes) -> None:
        """The peer may send any of the agreed formats, and change when it likes (RFC 3264 5.1)."""
        payload_type = packet[1] & 0x7F if len(packet) > 1 else self._heard_type
        if payload_type != self._heard_type and payload_type in self._formats:
            self._heard_type = payload_type
            self._stream.hear(self._formats[payload_type])

    def _wake(self) -> None:
        if self._is_ticking or not self._is_open:
            return
        self._is_ticking = True
        self._stream.rest(int((self._now() - self._slept_at) / FRAME_SECONDS))
        self._ticker.add(self, self._tick)

    def _tick(self, now: float) -> None:
        try:
            self._exchange(now)
        except Exception as error:  # noqa: BLE001 — one call's bug must not end its neighbours
            self._on_bug(error)

    def _exchange(self, now: float) -> None:
        session = self._host.host
        play = session.read_audio(now)
        if play is not None:
            self._sends_until = now + self._tail
        tick = self._stream.tick(play, now) if now < self._sends_until else self._stream.listen(now)
        if tick.heard is not None:
            session.receive_audio(tick.heard, now)
        self._send()
        self._host.pump()
        if not (now < self._sends_until or now < self._heard_until or session.speaking or session.hears_speech):
            self._ticker.remove(self)
            self._is_ticking = False
            self._slept_at = self._now()

    def _send(self) -> None:
        assert self._peer is not None
        plan, call_id = self._plan, self._call_id
        for data, _ in self._stream.data_to_send():
            for packet in (data,) if plan is None else plan.rtp_out(data, call_id):
                self._peer.send_rtp(packet)
        for data, _ in self._stream.rtcp_to_send(self._now()):
            for packet in (data,) if plan is None else plan.rtcp_out(data, call_id):
                self._peer.send_rtcp(packet)

    @property
    def _plan(self) -> FaultPlan | None:
        return self._faults.of(self._host.project_id) if self._faults else None

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other
