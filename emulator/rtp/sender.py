"""Our side of the RTP: frames of 20 ms in, packets out."""

import numpy as np

from ..audio.g711 import Codec
from ..audio.samples import FRAME_SAMPLES, SILENCE, Samples
from ..ids import Ids
from .packet import HEADER, VERSION_2

_MARKER = 0x80


class RtpSender:
    """One synchronisation source. `frame` once in 20 ms, whether or not there is something to say.

    The peer always gets packets, silence if need be: NAT bindings and callers' media timers live on them. The timestamp
    counts on while nothing is sent (hold), the sequence number does not.
    """

    def __init__(self, *, codec: Codec, payload_type: int, ptime_ms: int, ids: Ids) -> None:
        self.ssrc = ids.number(32)
        self.timestamp = ids.number(32)
        """The timestamp of the next frame."""
        self.packets = 0
        self.octets = 0
        self._sequence = ids.number(16)
        self._talking = False
        self._marker = True
        self.change(codec=codec, payload_type=payload_type, ptime_ms=ptime_ms)

    def change(self, *, codec: Codec, payload_type: int, ptime_ms: int) -> None:
        """A new offer/answer: the next packet is of this format; source, sequence and clock go on."""
        self._codec = codec
        self._payload_type = payload_type
        self._packet_samples = ptime_ms * 8  # … which are as many bytes of G.711 and G.722
        self.frame_ticks = FRAME_SAMPLES * codec.clock_factor
        """How far the RTP clock goes in 20 ms."""
        self._is_cut = codec.clock_factor == 1
        self._silence = None if codec.has_memory else codec.encode(SILENCE)
        self._pending = b""
        self._unsaid: Samples = SILENCE[:0]
        """Of a codec whose packets can't be cut: the sound for the next one."""

    def frame(self, samples: Samples | None) -> list[bytes]:
        """The packets of this tick: of `samples` (20 ms), or of silence for None. The marker opens a talkspurt."""
        if samples is None:
            self._talking = False
        elif not self._talking:
            self._talking = self._marker = True
        if samples is None and self._silence is not None:
            payload = self._silence
        else:
            payload = self._codec.encode(SILENCE if samples is None else samples) if self._is_cut else b""
        if not self._is_cut:
            packets = self._gathered(SILENCE if samples is None else samples)
        elif not self._pending and len(payload) == self._packet_samples:
            packets = [self._audio(self.timestamp, payload)]
        else:
            packets = self._cut(payload)
        self.timestamp = (self.timestamp + self.frame_ticks) & 0xFFFFFFFF
        return packets

    def skip(self, ticks: int = 1) -> None:
        """Ticks in which nothing may be sent."""
        self._advance(ticks)
        self._talking, self._marker = False, True

    def _advance(self, ticks: int = 1) -> None:
        self._pending, self._unsaid = b"", SILENCE[:0]
        self.timestamp = (self.timestamp + ticks * self.frame_ticks) & 0xFFFFFFFF

    def _cut(self, payload: bytes) -> list[bytes]:
        """Packets of another length than 20 ms: what is over waits for the next tick."""
        timestamp = self.timestamp - len(self._pending)
        pending = self._pending + payload
        packets: list[bytes] = []
        offset = 0
        while len(pending) - offset >= self._packet_samples:
            packets.append(self._audio(timestamp + offset, pending[offset : offset + self._packet_samples]))
            offset += self._packet_samples
        self._pending = pending[offset:]
        return packets

    def _gathered(self, samples: Samples) -> list[bytes]:
        """Packets of Opus, which holds more or less than 20 ms only as a whole."""
        factor = self._codec.clock_factor
        timestamp = self.timestamp - len(self._unsaid) * factor
        sound = np.concatenate((self._unsaid, samples))
        packets: list[bytes] = []
        offset = 0
        while len(sound) - offset >= self._packet_samples:
            piece = sound[offset : offset + self._packet_samples]
            packets.append(self._audio(timestamp + offset * factor, self._codec.encode(piece)))
            offset += self._packet_samples
        self._unsaid = sound[offset:]
        return packets

    def _audio(self, timestamp: int, payload: bytes) -> bytes:
        marker, self._marker = self._marker, False
        return self._packet(self._payload_type, timestamp & 0xFFFFFFFF, payload, marker)

    def _packet(self, payload_type: int, timestamp: int, payload: bytes, marker: bool) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        second = payload_type | _MARKER if marker else payload_type
        return HEADER.pack(VERSION_2, second, self._sequence, timestamp, self.ssrc) + payload
