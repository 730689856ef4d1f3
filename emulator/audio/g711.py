"""G.711, both laws, by tables that are computed from the recommendation's formula.

A byte is one sample at 8 kHz. Samples are 16 bit, the codes' 14 (µ) or 13 (A) bits left-aligned in them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .samples import Samples

_ULAW_BIAS = 132  # G.711 table 2: the 33 of the 14-bit formula, left-aligned
_ULAW_CLIP = 32767 - _ULAW_BIAS


def _ulaw_codes(samples: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    biased = np.minimum(np.abs(samples), _ULAW_CLIP) + _ULAW_BIAS
    segment = np.floor(np.log2(biased)).astype(np.int64) - 7  # the bias makes 2**7 the least magnitude
    mantissa = (biased >> (segment + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0x00)
    codes: npt.NDArray[np.uint8] = (~(sign | (segment << 4) | mantissa) & 0xFF).astype(np.uint8)
    return codes


def _ulaw_samples(codes: npt.NDArray[np.int64]) -> Samples:
    inverted = ~codes & 0xFF
    magnitude = ((((inverted & 0x0F) << 3) + _ULAW_BIAS) << ((inverted >> 4) & 0x07)) - _ULAW_BIAS
    return np.where(inverted & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_codes(samples: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    # G.711 table 1 has no zero: the first negative step is -1..-16 here, hence the one's complement.
    magnitude = np.where(samples < 0, ~samples, samples)
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 7, 0)
    mantissa = (magnitude >> np.maximum(segment + 3, 4)) & 0x0F
    sign = np.where(samples < 0, 0x00, 0x80)
    codes: npt.NDArray[np.uint8] = ((sign | (segment << 4) | mantissa) ^ 0x55).astype(
        np.uint8
    )  # G.711: even bits inverted
    return codes


def _alaw_samples(codes: npt.NDArray[np.int64]) -> Samples:
    plain = codes ^ 0x55
    segment = (plain >> 4) & 0x07
    middle = ((plain & 0x0F) << 4) + 8
    magnitude = np.where(segment == 0, middle, (middle + 0x100) << np.maximum(segment - 1, 0))
    return np.where(plain & 0x80, magnitude, -magnitude).astype(np.int16)


_EVERY_CODE = np.arange(256)
_EVERY_SAMPLE = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int64)  # indexed by the bits of a sample

_ULAW_DECODE = _ulaw_samples(_EVERY_CODE)
_ALAW_DECODE = _alaw_samples(_EVERY_CODE)
_ULAW_ENCODE = _ulaw_codes(_EVERY_SAMPLE)
_ALAW_ENCODE = _alaw_codes(_EVERY_SAMPLE)


def ulaw_encode(samples: Samples) -> bytes:
    """A byte for each sample. Magnitudes above 32635 clip."""
    return _ULAW_ENCODE.take(samples.view(np.uint16)).tobytes()


def ulaw_decode(data: bytes) -> Samples:
    """A new, writable array with a sample for each byte."""
    return _ULAW_DECODE.take(np.frombuffer(data, dtype=np.uint8))


def alaw_encode(samples: Samples) -> bytes:
    """A byte for each sample."""
    return _ALAW_ENCODE.take(samples.view(np.uint16)).tobytes()


def alaw_decode(data: bytes) -> Samples:
    """A new, writable array with a sample for each byte. Silence is ±8: the A-law has no zero."""
    return _ALAW_DECODE.take(np.frombuffer(data, dtype=np.uint8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """A codec by the name that SDP gives it; those of G.711 have 8000 bytes a second.

    `clock_factor`: how far the RTP clock of the codec goes with each sample of ours. `has_memory`: what it says depends
    on what it said before, silence too.
    """

    name: str
    encode: Callable[[Samples], bytes]
    decode: Callable[[bytes], Samples]
    clock_factor: int = 1
    has_memory: bool = False


CODECS: dict[str, Codec] = {
    "PCMU": Codec(name="PCMU", encode=ulaw_encode, decode=ulaw_decode),
    "PCMA": Codec(name="PCMA", encode=alaw_encode, decode=alaw_decode),
}
