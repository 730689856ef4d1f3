"""G.722 at 64 kbit/s by FFmpeg: wideband telephones, whose sound is 16 kHz, and 8 kHz inside the emulator.

RFC 3551 4.5.2: its RTP clock counts 8000 a second by mistake, so a byte is one tick, as with G.711. What is above
4 kHz is not heard here, and what is sent has nothing there.
"""

from fractions import Fraction
from typing import Any, Literal

import numpy as np

from .samples import SAMPLE_RATE, Samples

WIDE_RATE = 2 * SAMPLE_RATE
_TAPS = 64
_CUTOFF = 3_700
"""Hertz: what lies above 4 kHz would be heard below it."""


def _low_pass() -> np.ndarray[Any, np.dtype[np.float32]]:
    steps = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * _CUTOFF / WIDE_RATE * steps) * np.kaiser(_TAPS, 7.0)
    scaled: np.ndarray[Any, np.dtype[np.float32]] = (taps / taps.sum()).astype(np.float32)
    return scaled


_FILTER = _low_pass()
_PHASES = 2 * _FILTER.reshape(-1, 2)[::-1]
"""The filter for the new samples between two old ones; twice, because every other sample of its input is none."""


def _context(mode: Literal["r", "w"]) -> Any:
    from av import CodecContext

    codec: Any = CodecContext.create("g722", mode)
    codec.sample_rate = WIDE_RATE
    codec.layout = "mono"
    codec.format = "s16"
    return codec


class G722Encoder:
    """One stream to a peer."""

    def __init__(self) -> None:
        self._codec = _context("w")
        self._codec.time_base = Fraction(1, WIDE_RATE)
        self._before = np.zeros(_TAPS // 2 - 1, dtype=np.float32)

    def encode(self, samples: Samples) -> bytes:
        """A byte for each sample, of frames of 20 ms."""
        from av import AudioFrame

        stream = np.concatenate((self._before, samples.astype(np.float32)))
        self._before = stream[-(_TAPS // 2 - 1) :]
        windows = np.lib.stride_tricks.sliding_window_view(stream, _TAPS // 2)
        wide = np.rint(windows @ _PHASES).clip(-32768, 32767).astype(np.int16)
        frame = AudioFrame.from_ndarray(wide.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = WIDE_RATE
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


class G722Decoder:
    """One stream from a peer."""

    def __init__(self) -> None:
        self._codec = _context("r")
        self._before = np.zeros(_TAPS - 1, dtype=np.float32)

    def decode(self, payload: bytes) -> Samples:
        """A sample for each byte."""
        from av import Packet

        pieces = [frame.to_ndarray().reshape(-1).astype(np.float32) for frame in self._codec.decode(Packet(payload))]
        stream = np.concatenate((self._before, *pieces))
        self._before = stream[-(_TAPS - 1) :]
        windows = np.lib.stride_tricks.sliding_window_view(stream, _TAPS)[::2]
        sound: Samples = np.rint(windows @ _FILTER).clip(-32768, 32767).astype(np.int16)
        return sound
