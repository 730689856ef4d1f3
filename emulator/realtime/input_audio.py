"""The input audio buffer: what the caller said since the last commit, cut into turns, and what was understood of it."""

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..audio.samples import FRAME_SAMPLES, SAMPLE_RATE, Samples
from ..audio.vad import LEAST_SPEECH_MS, VoiceActivity, VoiceEvent
from ..audio.voice import Ear, Heard
from .events import Outbox

BUFFER_SECONDS = 600
"""What the buffer holds at the most; beyond it the oldest sound is forgotten [CHOICE]."""

BUFFER_SAMPLES = BUFFER_SECONDS * SAMPLE_RATE

LEAST_COMMIT_MS = 100
"""Less than that can't be committed [OBS]."""

NOTHING: Samples = np.zeros(0, dtype=np.int16)

FIRST_SILENCE_MS = 200
"""The shortest silence that `semantic_vad` takes for one: that of `server_vad`, and no ear takes longer to understand
what came before it [CHOICE]."""

_LONGEST_SILENCE_OF_EAGERNESS = {"low": 8000, "medium": 4000, "auto": 4000, "high": 2000}  # DOC
_USUAL_SILENCE_OF_EAGERNESS = {"low": 1000, "medium": 500, "auto": 500, "high": 300}
"""Where nobody can tell what the words mean [CHOICE]."""

Completes: TypeAlias = Callable[[str], bool | None]
"""Whether words are all that the caller wants to say; None where nobody can tell."""


class Utterance(NamedTuple):
    """What one commit takes out of the buffer. `text` is empty where nobody could tell what was said."""

    samples: Samples
    text: str


class InputAudio:
    """Feed every frame of one caller. Reports turns while turn detection is on; in any case the ear listens whenever
    somebody speaks, and only then: silence costs next to nothing."""

    def __init__(
        self,
        turn_detection: dict[str, Any] | None,
        *,
        ear: Ear,
        out: Outbox,
        completes: Completes = lambda heard: None,
    ) -> None:
        self._ear = ear
        self._completes = completes
        self._out = out
        self._frames: deque[Samples] = deque()
        self._length = 0
        self._texts: list[str] = []
        self._pending = NOTHING
        self._detects_turns = False
        self._prefix = 0
        self._kept_from: int | None = None
        self._activity = VoiceActivity()
        self.configure(turn_detection)

    # Input

    def configure(self, turn_detection: dict[str, Any] | None) -> None:
        """Go on with other settings. A turn that was reported goes on; speech that was not begins a turn now."""
        settings = _vad_settings(turn_detection)
        goes_on = self._activity.speaking and (self._detects_turns or turn_detection is None)
        self._detects_turns = turn_detection is not None
        # The frames that prove a start precede it, and so does its padding.
        prefix = (settings["prefix_padding_ms"] + LEAST_SPEECH_MS + 20) * SAMPLE_RATE // 1000
        self._prefix = min(prefix, BUFFER_SAMPLES)
        patience = _patience(turn_detection, self._is_complete)
        self._activity = VoiceActivity(start_ms=self._activity.position_ms, patience=patience, **settings)
        self._activity.speaking = goes_on

    def feed(self, frame: Samples) -> VoiceEvent | None:
        """One frame of 20 ms at 8 kHz. Returns the start or the end of a turn; after an end, `take` what was said."""
        self._frames.append(frame)
        self._length += len(frame)
        event = self._activity.feed(frame)
        if event is not None and event.kind == "started":
            self._begin_speech(event)
        elif self._activity.speaking:
            self._listen(frame)
        elif event is not None:
            self._listen(frame)
            self._understand(self._ear.flush())
        idle = self._detects_turns and not self._activity.speaking and event is None
        self._drop_to(self._kept() if idle else BUFFER_SAMPLES)
        return event if self._detects_turns else None

    def frames_of(self, samples: Samples) -> list[Samples]:
        """Cut a stream of any chunks into frames; what is left over waits for the next call."""
        joined = np.concatenate((self._pending, samples)) if len(self._pending) else samples
        whole = len(joined) - len(joined) % FRAME_SAMPLES
        self._pending = joined[whole:]
        return [joined[start : start + FRAME_SAMPLES] for start in range(0, whole, FRAME_SAMPLES)]

    def take(self, *, with_rest: bool = False) -> Utterance:
        """Commit: empty the buffer and return what was in it, and what is less than a frame only `with_rest`."""
        self._understand(self._ear.flush())
        rest = self._pending if with_rest else NOTHING
        utterance = Utterance(np.concatenate((*self._frames, rest)), " ".join(self._texts))
        if with_rest:
            self._pending = NOTHING
        self._forget()
        return utterance

    def keep(self) -> None:
        """Forget no silence from here on, until something is committed or somebody speaks."""
        self._kept_from = self.position_ms

    def clear(self) -> None:
        """Forget what is in the buffer; a turn that runs is over."""
        self._ear.flush()
        self._pending = NOTHING
        self._forget()

    # Queries

    @property
    def buffered_ms(self) -> float:
        return (self._length + len(self._pending)) * 1000 / SAMPLE_RATE

    @property
    def is_speaking(self) -> bool:
        """Whether the caller is in the middle of saying something."""
        return self._activity.speaking

    @property
    def position_ms(self) -> int:
        """How much was heard since the session began."""
        return self._activity.position_ms

    @property
    def kept_from_ms(self) -> int:
        """Where `keep` was called; where the input is now, if it was not."""
        return self.position_ms if self._kept_from is None else self._kept_from

    # Private

    def _is_complete(self) -> bool | None:
        return self._completes(" ".join(self._texts))

    def _kept(self) -> int:
        return min(max(self._prefix, (self.position_ms - self.kept_from_ms) * SAMPLE_RATE // 1000), BUFFER_SAMPLES)

    def _forget(self) -> None:
        self._kept_from = None
        self._activity.reset()
        self._frames.clear()
        self._length = 0
        self._texts.clear()

    def _begin_speech(self, event: VoiceEvent) -> None:
        length = (self._activity.position_ms - event.at_ms) * SAMPLE_RATE // 1000
        if self._detects_turns:
            self._kept_from = None
            self._drop_to(length)
            self._texts.clear()
        self._listen(self._latest(length))

    def _listen(self, samples: Samples) -> None:
        self._understand(self._ear.feed(samples))

    def _understand(self, heard: list[Heard]) -> None:
        for piece in heard:
            self._texts.append(piece.text)
            self._out.record("media.heard", text=piece.text, complete=piece.complete)

    def _drop_to(self, keep: int) -> None:
        while self._frames and self._length - len(self._frames[0]) >= keep:
            self._length -= len(self._frames.popleft())

    def _latest(self, count: int) -> Samples:
        frames: list[Samples] = []
        for frame in reversed(self._frames):
            if count <= 0:
                break
            frames.append(frame)
            count -= len(frame)
        return np.concatenate(frames[::-1])


def _vad_settings(turn_detection: dict[str, Any] | None) -> dict[str, Any]:
    if turn_detection is None:
        return {"threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
    if turn_detection["type"] == "semantic_vad":
        return {"threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": FIRST_SILENCE_MS}
    return {
        "threshold": turn_detection["threshold"],
        "prefix_padding_ms": turn_detection["prefix_padding_ms"],
        "silence_duration_ms": turn_detection["silence_duration_ms"],
    }


def _patience(
    turn_detection: dict[str, Any] | None, is_complete: Callable[[], bool | None]
) -> Callable[[], int] | None:
    """How long a silence of `semantic_vad` has to be: less after words that are complete [DOC]."""
    if turn_detection is None or turn_detection["type"] != "semantic_vad":
        return None
    eagerness = turn_detection["eagerness"]
    lengths = {
        True: FIRST_SILENCE_MS,
        False: _LONGEST_SILENCE_OF_EAGERNESS[eagerness],
        None: _USUAL_SILENCE_OF_EAGERNESS[eagerness],
    }
    return lambda: lengths[is_complete()]
