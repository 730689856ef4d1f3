"""One leg's media without a socket: RTP and RTCP both ways, on the emulator's 20 ms tick."""

from dataclasses import dataclass
from typing import Protocol

from ..audio.codecs import make_codec
from ..audio.samples import Samples
from ..errors import PeerError
from ..ids import Ids
from .latch import Address, Latch
from .packet import RtpPacket, classify
from .receiver import RtpReceiver
from .rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    compound,
    middle_32,
    ntp_time,
    parse_compound,
)
from .sender import RtpSender
from .srtp import MediaKeys, Replayed, Srtp

UNSPECIFIED = ("0.0.0.0", "::")
"""Where hold the old way sends to."""
REPORT_INTERVAL = 5.0  # RFC 3550 6.2: the least interval
_RTCP_PATIENCE = 3 * REPORT_INTERVAL


class AudioParameters(Protocol):
    """What was agreed on, as `sdp.offer_answer.NegotiatedAudio` says it. `sends` and `receives` are about us."""

    @property
    def codec(self) -> str: ...
    @property
    def payload_type(self) -> int: ...
    @property
    def dtmf_payload_type(self) -> int | None: ...
    @property
    def own_payload_types(self) -> tuple[int, int] | None: ...
    @property
    def ptime_ms(self) -> int: ...
    @property
    def remote_address(self) -> str: ...
    @property
    def remote_port(self) -> int: ...
    @property
    def rtcp_port(self) -> int: ...
    @property
    def sends(self) -> bool: ...
    @property
    def receives(self) -> bool: ...


STATISTICS = {
    "sent": "RTP packets sent",
    "sent_octets": "their payload in bytes",
    "received": "RTP packets of the peer",
    "lost": "packets that its sequence numbers say are missing (RFC 3550 A.3)",
    "duplicates": "packets that came twice",
    "reordered": "packets behind a later one",
    "late": "packets whose time to be heard was over",
    "concealed_frames": "times that missing sound was made up",
    "skipped_frames": "frames of 20 ms left out to shorten the delay",
    "timeline_resets": "jumps of the timestamps that were followed",
    "jitter": "of the arrivals, in seconds (RFC 3550 6.4.1)",
    "sources": "SSRCs that were followed, one behind the other",
    "dtmf_digits": "keys as telephone events (RFC 4733)",
    "stun": "datagrams of STUN, dropped",
    "malformed": "datagrams that are neither RTP nor RTCP, dropped",
    "foreign": "packets from another address while the peer speaks, dropped",
    "unknown_payload": "packets of a type that was not agreed on, dropped",
    "unwanted": "packets while the peer was not to send (hold), dropped",
    "reports": "RTCP reports of the peer",
    "unauthentic": "SRTP: datagrams without the right key, dropped",
    "replayed": "SRTP: datagrams that came twice, dropped",
    "peer_lost": "packets of ours that the peer reports as lost",
    "round_trip": "seconds, by RTCP; null until it is known",
    "remote": "where the sound goes to",
}
"""What `RtpStream.statistics` tells of a call; the two of SRTP only where that was spoken."""


@dataclass(slots=True)
class Tick:
    """What 20 ms brought. `heard` is None as long as nothing ever came; afterwards there is always a frame."""

    heard: Samples | None
    digits: list[str]


class RtpStream:
    """The media of one leg.

    Give every datagram of the RTP port to `receive_datagram` and of the RTCP port to `receive_rtcp`, call `tick` each
    20 ms, and after it send what `data_to_send` and `rtcp_to_send` return. Nothing that a peer sends raises: what is of
    no use is counted. With `keys` all of it is SRTP and SRTCP, and without it plain; both may change in a call.
    """

    # Construction

    def __init__(
        self,
        audio: AudioParameters,
        *,
        ids: Ids,
        now: float,
        jitter_target_ms: int = 40,
        keys: MediaKeys | None = None,
    ) -> None:
        self._ids = ids
        self._srtp = None if keys is None else Srtp(keys)
        self._audio = audio
        self._sender = RtpSender(
            codec=make_codec(audio.codec, audio.ptime_ms),
            payload_type=audio.payload_type,
            ptime_ms=audio.ptime_ms,
            ids=ids,
        )
        self._receiver = RtpReceiver(
            codec=make_codec(audio.codec),
            payload_type=audio.payload_type,
            dtmf_payload_type=audio.dtmf_payload_type,
            own_payload_types=audio.own_payload_types,
            jitter_target_ms=jitter_target_ms,
        )
        self._connect()
        self._cname = ids.token(16)
        self._outgoing: list[tuple[bytes, Address]] = []
        self._goodbye: list[tuple[bytes, Address]] = []
        self._closed = False
        self._sent_at_report = 0
        self._report_at = now + self._interval() / 2  # RFC 3550 6.2: the first one after half the interval
        self._counts = {"stun": 0, "malformed": 0, "foreign": 0, "unknown_payload": 0, "unwanted": 0, "reports": 0}
        self._unauthentic = self._replayed = 0
        self._heard_at = now
        self._round_trip: float | None = None
        self._peer_lost = 0

    def renegotiate(self, audio: AudioParameters, now: float, keys: MediaKeys | None = None) -> None:
        """A re-INVITE was answered: the next tick follows it. A new remote address is used at once and latched anew."""
        before, self._audio = self._audio, audio
        self._heard_at = now
        if keys is None or self._srtp is None:
            self._srtp = None if keys is None else Srtp(keys)
        else:
            self._srtp.change(keys)
        self._sender.change(
            codec=make_codec(audio.codec, audio.ptime_ms), payload_type=audio.payload_type, ptime_ms=audio.ptime_ms
        )
        self.hear(audio)
        if (before.remote_address, before.remote_port) != (audio.remote_address, audio.remote_port):
            self._connect()

    def hear(self, audio: AudioParameters) -> None:
        """The peer sends another of the formats that were agreed on; what it hears stays as it is."""
        self._receiver.change(
            codec=make_codec(audio.codec),
            payload_type=audio.payload_type,
            dtmf_payload_type=audio.dtmf_payload_type,
            own_payload_types=audio.own_payload_types,
        )

    # Input

    def receive_datagram(self, data: bytes, source: Address, now: float) -> None:
        """One datagram of the RTP port. RTCP on it (RFC 5761) is taken too, STUN and garbage are not."""
        kind = classify(data)
        if self._srtp is not None and kind == "rtp":
            try:
                plain = self._srtp.unprotect(data)
            except Replayed:
                self._replayed += 1
                return
            if plain is None:
                self._unauthentic += 1
                return
            data = plain
        if kind == "rtcp":
            self._receive_reports(data, now)
        elif kind != "rtp":
            self._counts["stun" if kind == "stun" else "malformed"] += 1
        else:
            try:
                packet = RtpPacket.parse(data)
            except PeerError:
                self._counts["malformed"] += 1
                return
            self._receive_packet(packet, source, now)

    def receive_rtcp(self, data: bytes, source: Address, now: float) -> None:
        """One datagram of the RTCP port. Our reports go to where the peer's come from."""
        if self._receive_reports(data, now):
            self._rtcp_latch.accepts(source, now)

    def tick(self, play: Samples | None, now: float) -> Tick:
        """Play 20 ms to the peer (None: silence), and take what came from it. Each digit is in one tick only."""
        if self._audio.sends and not self._closed:
            target = self._latch.target
            packets = self._sender.frame(play)
            if self._srtp is not None:
                packets = [self._srtp.protect(data) for data in packets]
            for data in packets:
                self._outgoing.append((data, target))
        else:
            self._sender.skip()
        heard, digits = self._receiver.frame(now)
        return Tick(heard, digits)

    def listen(self, now: float) -> Tick:
        """A tick in which nothing is sent: take what came from the peer."""
        self._sender.skip()
        heard, digits = self._receiver.frame(now)
        return Tick(heard, digits)

    def rest(self, ticks: int) -> None:
        """So many ticks were left out, because nobody spoke: our clock goes on, the peer's sound begins anew."""
        self._sender.skip(ticks)
        self._receiver.restart()

    def close(self, now: float) -> None:
        """The call is over: `rtcp_to_send` gives a last report with BYE, and then nothing more is sent."""
        if not self._closed:
            self._closed = True
            self._goodbye = self._report(now, Goodbye(ssrcs=(self._sender.ssrc,)))

    # Output

    def data_to_send(self) -> list[tuple[bytes, Address]]:
        """The RTP packets since the last call, each with its destination."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def rtcp_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """A report about every 5 s, to be sent from the RTCP port. Ask after each tick."""
        if self._closed:
            goodbye, self._goodbye = self._goodbye, []
            return goodbye
        if now < self._report_at:
            return []
        self._report_at = now + self._interval()
        return self._report(now)

    # Queries

    @property
    def codec(self) -> str:
        """What is spoken."""
        return self._audio.codec

    @property
    def ssrc(self) -> int:
        """Of what we send."""
        return self._sender.ssrc

    def silence(self, now: float) -> float:
        """For how long no packet of the peer came, or since the last offer/answer; 0 while none is to come (hold)."""
        return now - self._heard_at if self._audio.receives else 0.0

    def statistics(self) -> dict[str, object]:
        """`STATISTICS` of the whole stream, over all sources."""
        host, port = self._latch.target
        return {
            "sent": self._sender.packets,
            "sent_octets": self._sender.octets,
            **self._receiver.statistics(),
            **self._counts,
            **({} if self._srtp is None else {"unauthentic": self._unauthentic, "replayed": self._replayed}),
            "peer_lost": self._peer_lost,
            "round_trip": self._round_trip,
            "remote": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        }

    # Private

    def _connect(self) -> None:
        audio = self._audio
        self._latch = Latch((audio.remote_address, audio.remote_port))
        self._rtcp_latch = Latch((audio.remote_address, audio.rtcp_port), patience=_RTCP_PATIENCE)

    def _receive_packet(self, packet: RtpPacket, source: Address, now: float) -> None:
        if not self._receiver.knows(packet):
            self._counts["unknown_payload"] += 1
        elif not self._latch.accepts(source, now):
            self._counts["foreign"] += 1
        elif not self._audio.receives:
            self._counts["unwanted"] += 1
        else:
            self._heard_at = now
            self._receiver.receive(packet, now)

    def _receive_reports(self, data: bytes, now: float) -> bool:
        if self._srtp is not None:
            plain = self._srtp.unprotect_rtcp(data)
            if plain is None:
                self._unauthentic += 1
                return False
            data = plain
        try:
            packets = parse_compound(data)
        except PeerError:
            self._counts["malformed"] += 1
            return False
        for packet in packets:
            if isinstance(packet, SenderReport | ReceiverReport):
                self._counts["reports"] += 1
                for block in packet.blocks:
                    if block.ssrc == self._sender.ssrc:
                        self._peer_lost = block.lost
                        self._measure_round_trip(block, now)
            if isinstance(packet, SenderReport):
                heard = self._receiver.source
                if heard is not None and heard.ssrc == packet.ssrc:
                    heard.sender_report_received(packet, now)
        return True

    def _measure_round_trip(self, block: ReportBlock, now: float) -> None:
        if block.last_sender_report:  # RFC 3550 6.4.1
            units = (middle_32(ntp_time(now)) - block.last_sender_report - block.delay_since) & 0xFFFFFFFF
            if units < 1 << 31:  # clocks that differ make it negative
                self._round_trip = round(units / 65536, 6)

    def _report(self, now: float, *more: RtcpPacket) -> list[tuple[bytes, Address]]:
        host, _ = self._rtcp_latch.target
        if host in UNSPECIFIED:
            return []
        sender = self._sender
        heard = self._receiver.source
        blocks = (heard.block(now),) if heard is not None else ()
        report: RtcpPacket = ReceiverReport(ssrc=sender.ssrc, blocks=blocks)
        if sender.packets > self._sent_at_report:  # RFC 3550 6.4: SR when something was sent since the last report
            self._sent_at_report = sender.packets
            report = SenderReport(
                ssrc=sender.ssrc,
                ntp=ntp_time(now),
                timestamp=(sender.timestamp - sender.frame_ticks) & 0xFFFFFFFF,
                packets=sender.packets,
                octets=sender.octets,
                blocks=blocks,
            )
        description = SourceDescription(ssrc=sender.ssrc, cname=self._cname)
        data = compound([report, description, *more])
        return [(data if self._srtp is None else self._srtp.protect_rtcp(data), self._rtcp_latch.target)]

    def _interval(self) -> float:
        # RFC 3550 6.3.1: between half and one and a half times the interval, so that reports never fall into step.
        return REPORT_INTERVAL * (0.5 + self._ids.number(16) / 65536)
