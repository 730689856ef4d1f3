"""The peer's side of the RTP: packets in, frames of 20 ms and digits out."""

from ..audio.g711 import Codec
from ..audio.samples import SAMPLE_RATE, SILENCE, Samples
from .dtmf import DtmfReceiver
from .jitter import JitterBuffer
from .packet import RtpPacket, timestamp_distance
from .rtcp import Arrival, Reception

COMFORT_NOISE = 13
"""RFC 3389 4: the noise of a sender that falls silent. It is heard as silence, whatever its level."""


class RtpReceiver:
    """Follows one synchronisation source at a time, through the jitter buffer, and hears digits of any.

    Another source takes over when two of its packets come in a row (RFC 3550 A.1 asks for that) and none of the present
    one's between them: a caller who was transferred is heard at once, a stray packet is not.
    """

    def __init__(
        self,
        *,
        codec: Codec,
        payload_type: int,
        dtmf_payload_type: int | None,
        own_payload_types: tuple[int, int] | None = None,
        jitter_target_ms: int = 40,
    ) -> None:
        self.source: Reception | None = None
        self._retired: list[Reception] = []
        self._newcomer: RtpPacket | None = None
        self._jitter = JitterBuffer(target_ms=jitter_target_ms)
        self._dtmf = DtmfReceiver()
        self._digits: list[str] = []
        self._digit_count = 0
        self._clock = 0
        self._codec = codec
        self._is_event: dict[int, bool] = {}
        self._parting: dict[int, Codec] = {}
        self.change(
            codec=codec,
            payload_type=payload_type,
            dtmf_payload_type=dtmf_payload_type,
            own_payload_types=own_payload_types,
        )

    def change(
        self,
        *,
        codec: Codec,
        payload_type: int,
        dtmf_payload_type: int | None,
        own_payload_types: tuple[int, int] | None = None,
    ) -> None:
        """A new offer/answer: packets are of this format from now on, but for those that are on their way (RFC 3264
        8.3.2): what was spoken before is heard until the first packet of this format comes. `own_payload_types`, for
        sound and for events, are those of our own offer, if it was ours: they count before the peer's."""
        types = {COMFORT_NOISE: False, payload_type: False}
        if dtmf_payload_type is not None:
            types[dtmf_payload_type] = True
        if own_payload_types is not None:
            types |= zip(own_payload_types, (False, True), strict=True)
        before = [number for number, is_event in self._is_event.items() if not is_event]
        self._parting = {number: self._parting.get(number, self._codec) for number in before if number not in types}
        self._is_event = types | dict.fromkeys(self._parting, False)
        self._codec = codec
        self._newcomer = None

    def knows(self, packet: RtpPacket) -> bool:
        """Whether its payload type was negotiated, or is comfort noise, which many send without asking."""
        return packet.payload_type in self._is_event

    def restart(self) -> None:
        """Nobody asked for frames for a while: the next packet begins a timeline of its own."""
        self._jitter.restart()

    def receive(self, packet: RtpPacket, now: float) -> None:
        """One packet of a payload type that `knows` says yes to."""
        if self.source is not None and packet.ssrc == self.source.ssrc:
            self._newcomer = None
            self._take(packet, self.source, now)
        elif self._is_event[packet.payload_type]:
            # Gateways that make the events themselves use a source of their own; it is never the one of the audio.
            self._digits += self._dtmf.feed(packet, now)
        elif self.source is None:
            self._take(packet, self._follow(packet.ssrc), now)
        else:
            first, self._newcomer = self._newcomer, packet
            if first is not None and (first.ssrc, first.sequence + 1 & 0xFFFF) == (packet.ssrc, packet.sequence):
                source = self._follow(packet.ssrc)
                self._take(first, source, now)
                self._take(packet, source, now)

    def frame(self, now: float) -> tuple[Samples | None, list[str]]:
        """What 20 ms brought: sound (None as long as nothing ever came) and the digits that ended."""
        digits = self._dtmf.expire(now)
        if self._digits:
            digits, self._digits = self._digits + digits, []
        self._digit_count += len(digits)
        return self._jitter.get(), digits

    def statistics(self) -> dict[str, object]:
        """Counts over all sources; `jitter` in seconds is the present one's."""
        sources = self._retired if self.source is None else [*self._retired, self.source]
        return {
            "received": sum(source.received for source in sources),
            "lost": sum(max(0, source.lost) for source in sources),
            "duplicates": sum(source.duplicates for source in sources),
            "reordered": sum(source.reordered for source in sources),
            "late": self._jitter.late,
            "concealed_frames": self._jitter.concealed,
            "skipped_frames": self._jitter.skipped,
            "timeline_resets": self._jitter.resets,
            "jitter": 0.0 if self.source is None else round(self.source.jitter_seconds, 6),
            "sources": len(sources),
            "dtmf_digits": self._digit_count,
        }

    def _follow(self, ssrc: int) -> Reception:
        if self.source is not None:
            self._retired.append(self.source)
            self._jitter.restart()
        self._newcomer = None
        self.source = Reception(ssrc, clock_rate=SAMPLE_RATE * self._codec.clock_factor)
        return self.source

    def _take(self, packet: RtpPacket, source: Reception, now: float) -> None:
        is_event = self._is_event[packet.payload_type]
        arrival = source.update(packet.sequence, None if is_event else packet.timestamp, now)
        if arrival is Arrival.DUPLICATE or arrival is Arrival.ASTRAY:
            return
        if arrival is Arrival.RESTART:
            self._jitter.restart()
        if is_event:
            self._digits += self._dtmf.feed(packet, now)
        elif packet.payload_type == COMFORT_NOISE:
            self._jitter.put(self._time_of(packet, self._codec), SILENCE, in_order=arrival is not Arrival.REORDERED)
        elif packet.payload:
            codec = self._codec_of(packet) if self._parting else self._codec
            sound = codec.decode(packet.payload)
            self._jitter.put(self._time_of(packet, codec), sound, in_order=arrival is not Arrival.REORDERED)

    def _codec_of(self, packet: RtpPacket) -> Codec:
        """After a new offer/answer: the first packet by it is the end of what was before."""
        before = self._parting.get(packet.payload_type)
        if before is not None:
            return before
        for number in self._parting:
            del self._is_event[number]
        self._parting.clear()
        return self._codec

    def _time_of(self, packet: RtpPacket, codec: Codec) -> int:
        """A packet's timestamp in samples of ours, which wraps where theirs does not."""
        factor = codec.clock_factor
        if factor == 1:
            return packet.timestamp
        self._clock += timestamp_distance(packet.timestamp, self._clock & 0xFFFFFFFF)
        return self._clock // factor & 0xFFFFFFFF
