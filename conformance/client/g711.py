"""G.711, with PyAV's codecs as the authority: its decoder and encoder are asked once for every value there is."""

from functools import cache
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

Law = Literal["PCMU", "PCMA"]
Samples = NDArray[np.int16]
SAMPLE_RATE = 8000
_FFMPEG_NAMES = {"PCMU": "pcm_mulaw", "PCMA": "pcm_alaw"}


def encode(name: Law, samples: Samples) -> bytes:
    """One byte a sample."""
    return bytes(_tables(name)[0][samples.astype(np.int32) + 32768])


def decode(name: Law, payload: bytes) -> Samples:
    """One sample a byte."""
    return _tables(name)[1][np.frombuffer(payload, dtype=np.uint8)]


@cache
def _tables(name: Law) -> tuple[NDArray[np.uint8], Samples]:
    every_sample = np.arange(-32768, 32768, dtype=np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(every_sample, format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    encoder = av.AudioCodecContext.create(_FFMPEG_NAMES[name], "w")
    decoder = av.AudioCodecContext.create(_FFMPEG_NAMES[name], "r")
    assert isinstance(encoder, av.AudioCodecContext)
    assert isinstance(decoder, av.AudioCodecContext)
    for context in (encoder, decoder):
        context.sample_rate = SAMPLE_RATE
        context.layout = "mono"
    encoder.format = "s16"
    encoded = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    frames = [*decoder.decode(av.Packet(bytes(range(256)))), *decoder.decode(None)]
    decoded = np.concatenate([each.to_ndarray().reshape(-1) for each in frames]).astype(np.int16)
    return np.frombuffer(encoded, dtype=np.uint8), decoded
