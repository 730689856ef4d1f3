"""Sound as payloads of RTP and back, 8 kHz on our side: G.711 by table, Opus and G.722 by aiortc's coders.

Those remember what came before, so each stream has its own. They are loaded when they are first used.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Protocol

import av
import numpy as np

from . import g711
from .errors import ProtocolViolation
from .g711 import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from aiortc.rtcrtpparameters import RTCRtpCodecParameters

CodecName = Literal["PCMU", "PCMA", "G722", "opus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a codec is written in SDP. `payload_type` is that of RFC 3551 6, or ours for what has none."""

    payload_type: int
    encoding: str
    clock_rate: int = 8000


FORMATS: dict[CodecName, Format] = {
    "PCMU": Format(payload_type=0, encoding="PCMU/8000"),
    "PCMA": Format(payload_type=8, encoding="PCMA/8000"),
    "G722": Format(payload_type=9, encoding="G722/8000"),  # RFC 3551 4.5.2: 16 kHz, and a clock of 8000 by mistake
    "opus": Format(payload_type=107, encoding="opus/48000/2", clock_rate=48000),  # RFC 7587 7
}


class Encoder(Protocol):
    def encode(self, samples: Samples) -> list[bytes]:
        """The payloads of 20 ms that are ready behind these 20 ms: one, but for the first frames of some codecs."""
        ...


class Decoder(Protocol):
    def decode(self, payload: bytes) -> tuple[Samples, int]:
        """The sound of a payload, and how long it is by the clock of RTP. Raises `ProtocolViolation`."""
        ...


def encoder_of(codec: CodecName) -> Encoder:
    """For one stream of ours."""
    return _G711(codec) if codec in ("PCMU", "PCMA") else _AiortcEncoder(codec)


def decoder_of(codec: CodecName) -> Decoder:
    """For one stream of theirs."""
    return _G711(codec) if codec in ("PCMU", "PCMA") else _AiortcDecoder(codec)


def frame_of(samples: Samples, timestamp: int) -> av.AudioFrame:
    """What PyAV calls so many samples; `timestamp` counts them."""
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    frame.pts = timestamp
    frame.time_base = Fraction(1, SAMPLE_RATE)
    return frame


class _G711:
    def __init__(self, codec: Literal["PCMU", "PCMA"]) -> None:
        self._codec = codec

    def encode(self, samples: Samples) -> list[bytes]:
        return [g711.encode(self._codec, samples)]

    def decode(self, payload: bytes) -> tuple[Samples, int]:
        return g711.decode(self._codec, payload), len(payload)


class _AiortcEncoder:
    def __init__(self, codec: CodecName) -> None:
        from aiortc.codecs import get_encoder

        self._encoder = get_encoder(_parameters(codec))
        self._timestamp = 0

    def encode(self, samples: Samples) -> list[bytes]:
        payloads, _ = self._encoder.encode(frame_of(samples, self._timestamp))
        self._timestamp += len(samples)
        return payloads


class _AiortcDecoder:
    def __init__(self, codec: CodecName) -> None:
        from aiortc.codecs import get_decoder

        self._codec = codec
        self._clock_rate = FORMATS[codec].clock_rate
        self._decoder = get_decoder(_parameters(codec))
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)

    def decode(self, payload: bytes) -> tuple[Samples, int]:
        from aiortc.jitterbuffer import JitterFrame

        try:
            frames = self._decoder.decode(JitterFrame(data=payload, timestamp=0))
        except av.FFmpegError as error:
            raise ProtocolViolation(f"{len(payload)} bytes that are no {self._codec}: {payload[:20].hex()}") from error
        pieces: list[Samples] = [np.zeros(0, dtype=np.int16)]
        ticks = 0
        for frame in frames:
            assert isinstance(frame, av.AudioFrame)
            ticks += frame.samples * self._clock_rate // frame.sample_rate
            frame.pts = None  # the resampler is to count samples, and not what was lost in between
            pieces += [each.to_ndarray().reshape(-1).astype(np.int16) for each in self._resampler.resample(frame)]
        return np.concatenate(pieces), ticks


def _parameters(codec: CodecName) -> "RTCRtpCodecParameters":
    from aiortc.rtcrtpparameters import RTCRtpCodecParameters

    return RTCRtpCodecParameters(mimeType=f"audio/{codec}", clockRate=FORMATS[codec].clock_rate)
