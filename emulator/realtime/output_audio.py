"""The output buffer of a call: what the model said, paced by whoever takes its frames."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from ..audio.samples import FRAME_SAMPLES, SAMPLE_RATE, Samples
from .events import Outbox


@dataclass(slots=True, eq=False)
class Clip:
    """The sound of one content part. `position` is how much of it was handed to the leg."""

    item_id: str
    samples: Samples
    position: int = 0


@dataclass(slots=True, eq=False)
class Stream:
    """The sound of one response: several clips, if it has several items."""

    response_id: str
    clips: deque[Clip] = field(default_factory=deque)
    is_started: bool = False
    is_complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """A content part of which the caller heard only the first `played` samples."""

    item_id: str
    played: int

    @property
    def played_ms(self) -> int:
        return self.played * 1000 // SAMPLE_RATE


class OutputAudio:
    """Responses play one after the other, in the order in which they began to speak.

    Sends `output_audio_buffer.started` when a response's sound begins to leave, `.stopped` when the last of it has left
    and the response is complete, `.cleared` when it was cut off.
    """

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self._streams: deque[Stream] = deque()

    # Input

    def play(self, response_id: str, item_id: str, samples: Samples) -> None:
        """Queue the sound of one content part. It must not be changed afterwards."""
        stream = self._stream_of(response_id)
        if stream is None:
            stream = Stream(response_id)
            self._streams.append(stream)
        stream.clips.append(Clip(item_id, samples))
        self._start_first()

    def complete(self, response_id: str) -> None:
        """The response is done: nothing more of it will be played."""
        if (stream := self._stream_of(response_id)) is not None:
            stream.is_complete = True

    def cut(self, item_id: str, samples: int) -> None:
        """Play no more of an item than its first `samples`."""
        for stream in self._streams:
            for clip in stream.clips:
                if clip.item_id == item_id:
                    clip.samples = clip.samples[: max(samples, clip.position)]

    def clear(self) -> list[Unheard]:
        """Drop all that was not played. Returns what the caller did not hear to its end."""
        unheard = [
            Unheard(item_id=clip.item_id, played=clip.position)
            for stream in self._streams
            for clip in stream.clips
            if clip.position < len(clip.samples)
        ]
        for stream in self._streams:
            if stream.is_started:
                self._out.send_media("output_audio_buffer.cleared", stream.response_id)
        self._streams.clear()
        return unheard

    # Output

    def read(self) -> Samples | None:
        """The next frame, or None when there is nothing to say now."""
        while self._streams:
            stream = self._streams[0]
            while stream.clips:
                clip = stream.clips[0]
                if clip.position < len(clip.samples):
                    return _frame(clip)
                stream.clips.popleft()
            if not stream.is_complete:
                return None  # the response goes on, its sound has not been made yet
            self._streams.popleft()
            self._out.send_media("output_audio_buffer.stopped", stream.response_id)
            self._start_first()
        return None

    # Queries

    @property
    def is_playing(self) -> bool:
        """Whether something waits to be played."""
        return bool(self._streams)

    # Private

    def _stream_of(self, response_id: str) -> Stream | None:
        return next((stream for stream in self._streams if stream.response_id == response_id), None)

    def _start_first(self) -> None:
        if self._streams and not self._streams[0].is_started:
            self._streams[0].is_started = True
            self._out.send_media("output_audio_buffer.started", self._streams[0].response_id)


def _frame(clip: Clip) -> Samples:
    frame = clip.samples[clip.position : clip.position + FRAME_SAMPLES]
    clip.position += len(frame)
    if len(frame) < FRAME_SAMPLES:
        frame = np.concatenate((frame, np.zeros(FRAME_SAMPLES - len(frame), dtype=np.int16)))
    return frame
