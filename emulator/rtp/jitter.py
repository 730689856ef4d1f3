"""The jitter buffer: packets come when they like, frames of 20 ms leave once a tick.

It works on decoded samples and on timestamps, so packets of any length (10, 20, 30, 60 ms) are cut and joined alike.
Sequence numbers are the business of `rtcp.Reception`, which keeps duplicates away from here.

The first packet waits `target_ms`, and so do all that follow it. From then on:

- a hole with later sound behind it is a loss: it is concealed, and time goes on;
- an empty buffer stands still, because nobody knows yet whether the sender is silent, lost or late. What comes next
  decides: the time waited is credited, so silence and loss keep the sender's timing, and a stream that is really late
  waits anew;
- a buffer that stays fuller than it has to (the sender's clock is fast, a stall ended in a burst) skips 20 ms at once.
"""

from bisect import bisect_left

import numpy as np

from ..audio.samples import FRAME_SAMPLES, SAMPLE_RATE, Samples
from .concealment import Concealment
from .packet import timestamp_distance

_HORIZON = SAMPLE_RATE
"""A timestamp more than a second away from what is due begins a new timeline."""
_EXCESSES = ((50, FRAME_SAMPLES), (10, 5 * FRAME_SAMPLES))
"""For how many ticks how much more than the target must be stored before something is skipped: 20 ms more for a second,
or 100 ms more for a fifth of one. Just before a packet comes, a buffer that is in time holds the target at most."""


class JitterBuffer:
    """One source's audio: `put` when a packet comes, `get` once in 20 ms.

    `late` counts packets whose time was over, `concealed` frames of which something audible was made up, `skipped`
    frames that were left out to shorten the delay, `resets` timelines that began anew.
    """

    def __init__(self, *, target_ms: int = 40, limit_ms: int = 400) -> None:
        self.late = 0
        self.concealed = 0
        self.skipped = 0
        self.resets = 0
        self._target = target_ms * SAMPLE_RATE // 1000
        self._limit = max(limit_ms * SAMPLE_RATE // 1000, 2 * self._target)
        self._heard = False  # something was played: from then on there is always a frame
        self._concealment = Concealment()
        self._last_length = 0
        self._open = False  # a timeline exists
        self._position = 0  # the timestamp that is due next, without a wrap
        self._end = 0  # where the latest stored sound ends
        self._chunks: list[tuple[int, Samples]] = []  # by their start, all of them after the position
        self._played = False
        self._waited: int | None = 0  # how long playing has been put off; None while it goes on
        self._idle = 0  # how long the buffer has been empty
        self._ticks = 0
        self._least_depth = 0

    # Input

    def put(self, timestamp: int, samples: Samples, *, in_order: bool = True) -> None:
        """Store a packet's sound at its RTP timestamp. `in_order`: no higher sequence number came before."""
        if not self._open:
            self._begin(timestamp)
        start = self._position + timestamp_distance(timestamp, self._position & 0xFFFFFFFF)
        ahead = start - self._position
        over = ahead + len(samples) <= 0
        if (over and in_order) or abs(ahead - self._idle) > _HORIZON:
            self.resets += 1
            self._begin(timestamp)
            start = timestamp
        elif ahead < 0 and not self._played:
            self._position = start  # the first to come was not the first sent
        elif over:
            self.late += 1
            return
        elif self._idle:
            self._resume(max(ahead, 0))
        self._insert(start, samples)
        if self._depth > self._limit:
            self._skip(-(-(self._depth - self._target) // FRAME_SAMPLES))

    def restart(self) -> None:
        """The source counts anew, or is another one: what is stored is forgotten, the next packet begins a timeline."""
        self._open = False
        self._chunks.clear()

    # Output

    def get(self) -> Samples | None:
        """The next 20 ms. None until the first packet's sound begins; from then on always a frame."""
        if not self._open or not self._ready():
            return self._conceal(FRAME_SAMPLES) if self._heard else None
        self._heard = self._played = True
        if self._chunks and self._chunks[0][0] == self._position and len(self._chunks[0][1]) == FRAME_SAMPLES:
            frame = self._concealment.follow(self._chunks.pop(0)[1])
            self._position += FRAME_SAMPLES
        else:
            frame = self._assemble()
        self._watch_depth()
        return frame

    # Private

    @property
    def _depth(self) -> int:
        return self._end - self._position

    def _begin(self, timestamp: int) -> None:
        self._open = True
        self._chunks.clear()
        self._position = self._end = timestamp
        self._played = False
        self._waited = 0
        self._idle = 0
        self._reset_window()

    def _ready(self) -> bool:
        if self._waited is not None:
            if self._waited < self._target and self._depth < self._target + self._last_length:
                self._waited += FRAME_SAMPLES
                return False
            self._waited = None
        return True

    def _resume(self, ahead: int) -> None:
        """The first packet after an empty buffer, `ahead` of the position."""
        late = max(self._idle - ahead, 0)
        self._position += self._idle - late
        self._idle = 0
        if late:
            self._waited = 0

    def _insert(self, start: int, samples: Samples) -> None:
        self._last_length = len(samples)
        self._end = max(self._end, start + len(samples))
        if not self._chunks or start > self._chunks[-1][0]:
            self._chunks.append((start, samples))
            return
        index = bisect_left(self._chunks, start, key=lambda chunk: chunk[0])
        if self._chunks[index][0] != start:
            self._chunks.insert(index, (start, samples))

    def _assemble(self) -> Samples:
        """A frame of pieces: of longer or shorter packets, and of what conceals the holes between them."""
        pieces: list[Samples] = []
        missing = FRAME_SAMPLES
        while missing:
            if not self._chunks:
                self._idle += missing
                pieces.append(self._conceal(missing))
                break
            start, samples = self._chunks[0]
            hole = start - self._position
            if hole > 0:
                length = min(hole, missing)
                pieces.append(self._conceal(length))
            else:
                piece = samples[-hole : -hole + missing]
                length = len(piece)
                if length:
                    pieces.append(self._concealment.follow(piece))
                if self._position + length >= start + len(samples):
                    del self._chunks[0]
            self._position += length
            missing -= length
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _conceal(self, length: int) -> Samples:
        self.concealed += self._concealment.audible
        return self._concealment.make(length)

    def _watch_depth(self) -> None:
        self._least_depth = min(self._least_depth, self._depth)
        self._ticks += 1
        excess = self._least_depth - self._target
        if any(self._ticks >= ticks and excess >= samples for ticks, samples in _EXCESSES):
            self._skip(1)
        elif self._ticks >= _EXCESSES[0][0]:
            self._reset_window()

    def _skip(self, frames: int) -> None:
        self.skipped += frames
        self._position += frames * FRAME_SAMPLES
        while self._chunks and self._chunks[0][0] + len(self._chunks[0][1]) <= self._position:
            del self._chunks[0]
        if self._heard:
            self._concealment.cut()
        self._reset_window()

    def _reset_window(self) -> None:
        self._ticks = 0
        self._least_depth = self._limit
