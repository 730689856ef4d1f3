"""Sound as events carry it, in a session's format, against sound as the emulator has it: 8 kHz samples."""

from typing import Any

import numpy as np

from ..audio.g711 import CODECS
from ..audio.resample import Resampler
from ..audio.samples import SAMPLE_RATE, Samples

PCM_RATE = 24000
RESAMPLED = PCM_RATE // SAMPLE_RATE
_CODEC_OF = {"audio/pcmu": CODECS["PCMU"], "audio/pcma": CODECS["PCMA"]}


class AudioDecoder:
    """Decodes one running stream; chunks may be cut anywhere, even within a sample."""

    def __init__(self, audio_format: dict[str, Any]) -> None:
        self.format = audio_format
        self._codec = _CODEC_OF.get(audio_format["type"])
        self._resampler = Resampler(PCM_RATE, SAMPLE_RATE)
        self._odd = b""

    def decode(self, data: bytes) -> Samples:
        """The next bytes of the stream; what the resampler still holds comes with later ones."""
        if self._codec is not None:
            return self._codec.decode(data)
        return self._resampler.process(self._pcm(data))

    def flush(self) -> Samples:
        """The end of the stream: the rest of it, and half a sample is none. What comes next begins another."""
        self._odd = b""
        return np.zeros(0, dtype=np.int16) if self._codec is not None else self._resampler.flush()

    def _pcm(self, data: bytes) -> Samples:
        data = self._odd + data
        whole = len(data) & ~1
        self._odd = data[whole:]
        return np.frombuffer(data, dtype="<i2", count=whole // 2).astype(np.int16)


def sample_bytes(audio_format: dict[str, Any]) -> int:
    """How many bytes one 8 kHz sample takes in that format."""
    return 1 if audio_format["type"] in _CODEC_OF else 2 * RESAMPLED


def encode_whole(samples: Samples, audio_format: dict[str, Any]) -> bytes:
    """A complete piece of sound as events carry it, `sample_bytes` for each of its samples."""
    if (codec := _CODEC_OF.get(audio_format["type"])) is not None:
        return codec.encode(samples)
    resampler = Resampler(SAMPLE_RATE, PCM_RATE)
    converted = np.concatenate((resampler.process(samples), resampler.flush()))
    whole = np.zeros(len(samples) * RESAMPLED, dtype="<i2")
    length = min(len(whole), len(converted))  # the filter may give a sample more or less
    whole[:length] = converted[:length]
    return whole.tobytes()


def decode_whole(data: bytes, audio_format: dict[str, Any]) -> Samples:
    """A complete piece of sound."""
    decoder = AudioDecoder(audio_format)
    return np.concatenate((decoder.decode(data), decoder.flush()))
