"""Opus (RFC 6716) by libopus, for peers whose clock is 48 kHz: frames of 8 kHz in, packets out, and back.

An encoder and a decoder remember what came before, so each stream has its own: `codecs.make_codec`.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from .samples import SAMPLE_RATE, Samples

CLOCK_RATE = 48_000  # RFC 7587 4.1: whatever the sound's own rate is
FACTOR = CLOCK_RATE // SAMPLE_RATE
BIT_RATE = 32_000
COMPLEXITY = 5
"""Half of libopus' effort: twice as fast, and speech at 8 kHz sounds the same."""
_TAPS = 96
_CUTOFF = 3_700
"""Hertz: what lies above 4 kHz would be heard below it."""


def _low_pass() -> np.ndarray[Any, np.dtype[np.float32]]:
    steps = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * _CUTOFF / CLOCK_RATE * steps) * np.kaiser(_TAPS, 7.0)
    scaled: np.ndarray[Any, np.dtype[np.float32]] = (taps / taps.sum()).astype(np.float32)
    return scaled


_FILTER = _low_pass()


class OpusEncoder:
    """One stream to a peer, in packets of 10, 20, 40 or 60 ms (RFC 6716 2.1.4)."""

    def __init__(self, packet_ms: int = 20) -> None:
        from av import CodecContext

        codec: Any = CodecContext.create("libopus", "w")
        codec.sample_rate = SAMPLE_RATE  # libopus takes 8 kHz as it is, and RTP still counts 48 000 a second
        codec.layout = "mono"
        codec.format = "s16"
        codec.bit_rate = BIT_RATE
        codec.time_base = Fraction(1, SAMPLE_RATE)
        codec.options = {"application": "voip", "frame_duration": str(packet_ms), "compression_level": str(COMPLEXITY)}
        self._codec = codec

    def encode(self, samples: Samples) -> bytes:
        """The packet of so many milliseconds as it was made for."""
        from av import AudioFrame

        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        (packet,) = self._codec.encode(frame)
        return bytes(packet)


class OpusDecoder:
    """One stream from a peer."""

    def __init__(self) -> None:
        from av import CodecContext

        codec: Any = CodecContext.create("libopus", "r")
        codec.sample_rate = CLOCK_RATE
        codec.layout = "mono"
        codec.format = "s16"
        self._codec = codec
        self._before = np.zeros(_TAPS - 1, dtype=np.float32)

    def decode(self, payload: bytes) -> Samples:
        """The sound of one packet, of whatever length it is. What is no Opus is silence of no length."""
        from av import Packet
        from av.error import FFmpegError

        try:
            frames = self._codec.decode(Packet(payload))
        except FFmpegError:
            return np.zeros(0, dtype=np.int16)
        pieces = [self._to_8_khz(frame.to_ndarray().reshape(-1)) for frame in frames]
        return np.concatenate(pieces) if len(pieces) != 1 else pieces[0]

    def _to_8_khz(self, samples: Samples) -> Samples:
        # Not soxr: that holds back 60 ms, and gives as many samples as it likes; here each packet keeps its length.
        stream = np.concatenate((self._before, samples.astype(np.float32)))
        self._before = stream[-(_TAPS - 1) :]
        windows = np.lib.stride_tricks.sliding_window_view(stream, _TAPS)[::FACTOR]
        sound: Samples = np.rint(windows @ _FILTER).clip(-32768, 32767).astype(np.int16)
        return sound
