"""RTP on aiortc's packets: what to send each 20 ms, and how what arrives becomes a stream. No sockets, no clock."""

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from aiortc.rtp import RtpPacket

from . import dtmf
from .codecs import FORMATS, CodecName, Decoder, decoder_of, encoder_of
from .errors import ProtocolViolation
from .g711 import SAMPLE_RATE, Samples

FRAME = 160  # samples in 20 ms
FRAME_SECONDS = 0.020
HIDDEN = 3  # frames that may come at once behind a pause: more than 40 ms is what jitter buffers hide
REORDER_DEPTH = 5  # packets that may overtake a late one before it counts as lost: 100 ms
LONGEST_GAP = 5  # seconds; a longer jump of the timestamps is a new stream, not a loss to fill with silence
SILENCE: Samples = np.zeros(FRAME, dtype=np.int16)


class Pacer:
    """When the nth frame is due: `start + n * 20 ms`, so no wake-up that comes late delays the frames behind it."""

    def __init__(self, start: float, *, most_at_once: int = 10) -> None:
        self._start = start
        self._sent = 0
        self._most_at_once = most_at_once
        self.slips = 0
        self.stalls = 0
        """How often a wake-up came so late that a listener hears it."""

    def due(self, now: float) -> int:
        """How many frames to send now. After a long stall the rest is given up, and `slips` counts it."""
        due = int((now - self._start) / FRAME_SECONDS + 1e-6) + 1 - self._sent
        self.stalls += due > HIDDEN
        if due > self._most_at_once:
            skipped = due - self._most_at_once
            self._start += skipped * FRAME_SECONDS
            self.slips += skipped
            due = self._most_at_once
        due = max(due, 0)
        self._sent += due
        return due

    def next_deadline(self) -> float:
        return self._start + self._sent * FRAME_SECONDS


@dataclass(slots=True, kw_only=True)
class _Sound:
    samples: Samples
    done: Callable[[], None]
    position: int = 0


@dataclass(slots=True, kw_only=True)
class _Digit:
    events: list[dtmf.TelephoneEvent]
    done: Callable[[], None]
    position: int = 0
    timestamp: int = 0


class RtpSender:
    """The caller's stream: sound and digits in the order they were given, silence in between.

    Call `next_packets()` once each 20 ms.
    """

    def __init__(
        self,
        *,
        codec: CodecName,
        payload_type: int,
        dtmf_payload_type: int | None,
        ssrc: int,
        sequence: int,
        timestamp: int,
    ) -> None:
        self._codec: CodecName = codec
        self._encoder = encoder_of(codec)
        self._payload_type = payload_type
        self.dtmf_payload_type = dtmf_payload_type
        self.ssrc = ssrc
        self._sequence = sequence
        self._timestamp = timestamp
        self._queue: deque[_Sound | _Digit] = deque()
        self._is_first = True
        self.packets_sent = 0

    def change(self, codec: CodecName, payload_type: int, dtmf_payload_type: int | None) -> None:
        """A new answer: what is queued goes on in its codec."""
        if codec != self._codec:
            self._encoder = encoder_of(codec)
            if FORMATS[codec].clock_rate != self._clock_rate:
                self.ssrc = (self.ssrc + 1) & 0xFFFFFFFF  # RFC 7160 4: another clock, another stream
        self._codec = codec
        self._payload_type = payload_type
        self.dtmf_payload_type = dtmf_payload_type

    def play(self, samples: Samples, done: Callable[[], None]) -> None:
        """Queue sound; `done` is called when its last frame has been handed out."""
        if len(samples):
            self._queue.append(_Sound(samples=samples, done=done))
        else:
            done()

    def press(self, digit: str, duration_ms: int, done: Callable[[], None]) -> None:
        """Queue a digit. `dtmf_payload_type` must not be None."""
        self._queue.append(_Digit(events=dtmf.events_of(digit, duration_ms, self._clock_rate), done=done))

    def clear(self) -> None:
        """Drop what has not been played; the waiting `done`s are called."""
        while self._queue:
            self._queue.popleft().done()

    def next_packets(self) -> list[bytes]:
        """The packets of this 20 ms: one, but for the repeated end of a digit, and the first frames of some codecs."""
        if self._queue and isinstance(self._queue[0], _Digit):
            return self._digit_packets(self._queue[0])
        packets = []
        for payload in self._encoder.encode(self._next_samples()):
            packets.append(self._packet(self._payload_type, payload, self._timestamp, marker=self._is_first))
            self._is_first = False
            self._pass_frame()
        return packets

    def _next_samples(self) -> Samples:
        parts: list[Samples] = []
        missing = FRAME
        while missing and self._queue:
            sound = self._queue[0]
            if isinstance(sound, _Digit):
                break
            part = sound.samples[sound.position : sound.position + missing]
            sound.position += len(part)
            missing -= len(part)
            parts.append(part)
            if sound.position >= len(sound.samples):
                self._queue.popleft().done()
        if missing:
            parts.append(SILENCE[:missing])
        return np.concatenate(parts)

    def _digit_packets(self, digit: _Digit) -> list[bytes]:
        assert self.dtmf_payload_type is not None
        if digit.position == 0:
            digit.timestamp = self._timestamp
        event = digit.events[digit.position]
        rest = digit.events[digit.position :] if event.is_end else [event]
        # RFC 4733 2.5.1.2: every packet of an event carries the timestamp of its start, the marker only the first.
        packets = [
            self._packet(
                self.dtmf_payload_type,
                each.to_bytes(),
                digit.timestamp,
                marker=digit.position == 0 and each is event and index == 0,
            )
            for index, each in enumerate(rest)
        ]
        digit.position += len(rest)
        self._pass_frame()
        if event.is_end:
            self._queue.popleft().done()
        return packets

    @property
    def _clock_rate(self) -> int:
        return FORMATS[self._codec].clock_rate

    def _pass_frame(self) -> None:
        self._timestamp = (self._timestamp + self._clock_rate // 50) & 0xFFFFFFFF

    def _packet(self, payload_type: int, payload: bytes, timestamp: int, *, marker: bool) -> bytes:
        packet = RtpPacket(
            payload_type=payload_type,
            marker=int(marker),
            sequence_number=self._sequence,
            timestamp=timestamp,
            ssrc=self.ssrc,
            payload=payload,
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.packets_sent += 1
        return packet.serialize()


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketSeen:
    """One received packet as the checks of RTP read it."""

    at: float
    sequence: int
    timestamp: int
    ssrc: int
    payload_type: int
    marker: bool
    size: int
    source: tuple[str, int]


@dataclass(slots=True, kw_only=True)
class ReceiverCounts:
    """What arrived that was not plain audio in order."""

    packets: int = 0
    garbage: int = 0
    lost: int = 0
    late: int = 0
    unknown_payload: int = 0
    ssrcs: list[int] = field(default_factory=list)


class RtpReceiver:
    """Puts packets in order and turns them into samples and digits; a lost packet becomes silence of its length."""

    def __init__(self, *, payload_types: dict[int, CodecName], dtmf_payload_types: frozenset[int]) -> None:
        self._payload_types = payload_types
        self._dtmf_payload_types = dtmf_payload_types
        self._decoders: dict[int, Decoder] = {}
        self._waiting: dict[int, RtpPacket] = {}
        self._next_sequence: int | None = None
        self._next_timestamp: int | None = None
        self._ssrc: int | None = None
        self._digits = dtmf.DigitReceiver()
        self.counts = ReceiverCounts()
        self.packets: list[PacketSeen] = []
        self.violations: list[str] = []

    def expect(self, payload_types: dict[int, CodecName], dtmf_payload_types: frozenset[int]) -> None:
        """A new answer: these may come too. What was agreed on before is still on its way (RFC 3264 8.3.2)."""
        self._payload_types = self._payload_types | payload_types
        self._dtmf_payload_types = self._dtmf_payload_types | dtmf_payload_types

    def feed(self, data: bytes, source: tuple[str, int], now: float) -> tuple[list[Samples], list[str]]:
        """One datagram; what became playable by it: samples and digits, in order."""
        try:
            if len(data) < 12 or data[0] >> 6 != 2 or 192 <= data[1] <= 223:  # RFC 5761 4: RTCP packet types
                raise ValueError("not RTP")
            packet = RtpPacket.parse(data)
        except (ValueError, struct.error, UnicodeDecodeError, IndexError):
            self.counts.garbage += 1
            return [], []
        self._note(packet, len(data), source, now)
        if packet.ssrc != self._ssrc:
            self._start_again(packet)
        assert self._next_sequence is not None
        ahead = (packet.sequence_number - self._next_sequence) & 0xFFFF
        if ahead >= 0x8000:
            self.counts.late += 1
            return [], []
        self._waiting[ahead + self._next_sequence & 0xFFFF] = packet
        return self._release(is_flush=False)

    def flush(self) -> tuple[list[Samples], list[str]]:
        """Release what waits for packets that will not come: when the stream pauses, and at its end."""
        return self._release(is_flush=True)

    @property
    def is_waiting(self) -> bool:
        return bool(self._waiting)

    def _note(self, packet: RtpPacket, size: int, source: tuple[str, int], now: float) -> None:
        self.counts.packets += 1
        self.packets.append(
            PacketSeen(
                at=now,
                sequence=packet.sequence_number,
                timestamp=packet.timestamp,
                ssrc=packet.ssrc,
                payload_type=packet.payload_type,
                marker=bool(packet.marker),
                size=size,
                source=source,
            )
        )

    def _start_again(self, packet: RtpPacket) -> None:
        self._ssrc = packet.ssrc
        self.counts.ssrcs.append(packet.ssrc)
        self._waiting.clear()
        self._decoders.clear()
        self._next_sequence = packet.sequence_number
        self._next_timestamp = None

    def _release(self, *, is_flush: bool) -> tuple[list[Samples], list[str]]:
        samples: list[Samples] = []
        digits: list[str] = []
        while self._waiting:
            assert self._next_sequence is not None
            packet = self._waiting.pop(self._next_sequence, None)
            if packet is None:
                if len(self._waiting) <= REORDER_DEPTH and not is_flush:
                    break
                first = min(self._waiting, key=lambda number: (number - (self._next_sequence or 0)) & 0xFFFF)
                self.counts.lost += (first - self._next_sequence) & 0xFFFF
                self._next_sequence = first
                continue
            self._next_sequence = (self._next_sequence + 1) & 0xFFFF
            self._decode(packet, samples, digits)
        return samples, digits

    def _decode(self, packet: RtpPacket, samples: list[Samples], digits: list[str]) -> None:
        if packet.payload_type in self._dtmf_payload_types:
            try:
                digit = self._digits.feed(packet.payload, packet.timestamp)
            except ProtocolViolation as error:
                self.violations.append(str(error))
                return
            if digit is not None:
                digits.append(digit)
            return
        codec = self._payload_types.get(packet.payload_type)
        if codec is None:
            self.counts.unknown_payload += 1
            return
        decoder = self._decoders.get(packet.payload_type)
        if decoder is None:
            decoder = self._decoders[packet.payload_type] = decoder_of(codec)
        try:
            sound, ticks = decoder.decode(packet.payload)
        except ProtocolViolation as error:
            self.violations.append(str(error))
            return
        clock_rate = FORMATS[codec].clock_rate
        if self._next_timestamp is not None:
            gap = (packet.timestamp - self._next_timestamp) & 0xFFFFFFFF
            if 0 < gap <= LONGEST_GAP * clock_rate:
                samples.append(np.zeros(gap * SAMPLE_RATE // clock_rate, dtype=np.int16))
        samples.append(sound)
        self._next_timestamp = (packet.timestamp + ticks) & 0xFFFFFFFF
