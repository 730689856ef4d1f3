"""Sound as events carry it, in a session's format, against sound as the emulator has it: 8 kHz samples."""

from typing import Any

import numpy as np

from ..audio.g711 import CODECS
from ..audio.resample import Resampler
from ..audio.samples import SAMPLE_RATE, Samples

PCM_RATE = 24000
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
        """The end of the stream: the rest of it."""
        return np.zeros(0, dtype=np.int16) if self._codec is not None else self._resampler.flush()

    def _pcm(self, data: bytes) -> Samples:
        data = self._odd + data
        whole = len(data) & ~1
        self._odd = data[whole:]
        return np.frombuffer(data, dtype="<i2", count=whole // 2).astype(np.int16)


def decode_whole(data: bytes, audio_format: dict[str, Any]) -> Samples:
    """A complete piece of sound."""
    decoder = AudioDecoder(audio_format)
    return np.concatenate((decoder.decode(data), decoder.flush()))
