"""What is played where sound is missing: the last 20 ms again, fading to silence in 60, with no click at either end."""

import numpy as np
import numpy.typing as npt

from ..audio.samples import FRAME_SAMPLES, SILENCE, Samples

FADE_SAMPLES = 3 * FRAME_SAMPLES
_SEAM = 24
"""Samples over which a step is smoothed: 3 ms."""
_FADE_RAMP = np.linspace(1.0, 0.0, FADE_SAMPLES, endpoint=False, dtype=np.float32)
_SEAM_RAMP = np.linspace(1.0, 0.0, _SEAM, endpoint=False, dtype=np.float32)


class Concealment:
    """Everything that is played passes through here, in order: `follow` what was received, `make` what is missing.

    Received sound leaves as it came, except for the first 3 ms after a seam.
    """

    def __init__(self) -> None:
        self._history = SILENCE  # the last 20 ms that were received
        self._tail = SILENCE  # the last piece that was played
        self._made: int | None = None  # samples made since the last received one
        self._seam = False

    @property
    def audible(self) -> bool:
        """Whether what `make` gives next is more than silence."""
        return self._made is None or self._made < FADE_SAMPLES

    def cut(self) -> None:
        """What follows does not join what was played."""
        self._seam = True

    def follow(self, samples: Samples) -> Samples:
        """Play received samples: a frame, or a part of one."""
        if self._seam or self._made is not None:
            samples = self._smoothed(samples.astype(np.float32))
            self._seam, self._made = False, None
        if len(samples) == FRAME_SAMPLES:
            self._history = samples
        else:
            self._history = np.concatenate((self._history, samples))[-FRAME_SAMPLES:]
        self._tail = samples
        return samples

    def make(self, count: int) -> Samples:
        """Play `count` samples of which nothing is known, as received ones may follow or have come before."""
        made = self._made or 0
        pieces: list[Samples] = []
        while count:
            phase = made % FRAME_SAMPLES
            length = min(count, FRAME_SAMPLES - phase)
            if made >= FADE_SAMPLES:
                piece: Samples = np.zeros(length, dtype=np.int16)
            else:
                faded = self._history[phase : phase + length] * _FADE_RAMP[made : made + length]
                # The repeat begins at a level at which the sound did not end.
                piece = self._smoothed(faded) if phase == 0 else faded.astype(np.int16)
            made += length
            count -= length
            self._tail = piece
            pieces.append(piece)
        self._made = made
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _smoothed(self, samples: npt.NDArray[np.float32]) -> Samples:
        """Begin at the level of the last sample played, and be back at one's own after 3 ms."""
        length = min(_SEAM, len(samples))
        samples[:length] += (float(self._tail[-1]) - samples[0]) * _SEAM_RAMP[:length]
        return samples.clip(-32768, 32767).astype(np.int16)
