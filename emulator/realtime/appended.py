"""Sound that came as events, on its way into the input: decoded and heard a few seconds at a time.

One append may carry minutes of it (15 MiB), and who hears it all at once keeps everybody else waiting for seconds.
"""

from typing import Any

import numpy as np

from ..audio.samples import SAMPLE_RATE, Samples
from .audio_formats import AudioDecoder, sample_bytes

PIECE_SAMPLES = 4 * SAMPLE_RATE
"""What is read at once: some milliseconds' work to hear. An append of no more than that is heard at once [CHOICE]."""


class Appended:
    """`append`, then `read` until it is empty."""

    def __init__(self) -> None:
        self._decoder: AudioDecoder | None = None
        self._waiting = memoryview(b"")

    def append(self, data: bytes, audio_format: dict[str, Any]) -> None:
        """The next bytes of the stream. What came before must have been read."""
        if self._decoder is None or self._decoder.format != audio_format:
            self._decoder = AudioDecoder(audio_format)
        self._waiting = memoryview(data)

    def read(self) -> Samples:
        """The next piece; what the resampler still holds comes with a later one."""
        if self._decoder is None:
            return np.zeros(0, dtype=np.int16)
        size = PIECE_SAMPLES * sample_bytes(self._decoder.format)
        piece, self._waiting = self._waiting[:size], self._waiting[size:]
        return self._decoder.decode(bytes(piece))

    def flush(self) -> Samples:
        """The stream ends here: the rest of it."""
        return np.zeros(0, dtype=np.int16) if self._decoder is None else self._decoder.flush()

    @property
    def is_empty(self) -> bool:
        return not self._waiting
