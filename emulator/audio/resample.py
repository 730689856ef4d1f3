"""Sample rate conversion of a running stream: 8 kHz inside, 24 or 48 kHz at the edges."""

import numpy as np
import soxr

from .samples import Samples


class Resampler:
    """One direction of one stream. It keeps the filter's state from call to call, so chunks join without a seam.

    The filter looks about 60 ms ahead and works in blocks: a call may give nothing or several frames' worth, and
    `flush` gives the rest.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        # Not int16: soxr dithers that, so silence would be noise and no two runs alike.
        self._stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")

    def process(self, samples: Samples) -> Samples:
        """Feed a chunk of any length at `from_rate`; returns what is ready at `to_rate`."""
        return self._chunk(samples, last=False)

    def flush(self) -> Samples:
        """The end of the stream: returns what the filter still holds. The next `process` begins a new stream."""
        rest = self._chunk(np.zeros(0, dtype=np.int16), last=True)
        self._stream.clear()
        return rest

    def _chunk(self, samples: Samples, *, last: bool) -> Samples:
        # As a column: of a plain array it makes one anyhow, and takes longer.
        converted = self._stream.resample_chunk(samples.astype(np.float32)[:, np.newaxis], last)[:, 0]
        np.rint(converted, out=converted)
        np.minimum(converted, 32767, out=converted)  # twice as fast as `clip`, and there is one for each 20 ms
        np.maximum(converted, -32768, out=converted)
        rounded: Samples = converted.astype(np.int16)
        return rounded
