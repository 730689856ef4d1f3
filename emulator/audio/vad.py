"""Voice activity by energy, with the meaning of the Realtime API's `server_vad`.

The service's detector gives a probability of speech, and `threshold` is compared with it; ours has only loudness. The
threshold 0…1 stands for a level of -55…-35 dBFS RMS, so the default 0.5 is -45 dBFS [CHOICE]: at any threshold quiet
line noise (-60 dBFS) is silence, and a voice as low as -34 dBFS is speech. A constant offset of the line is not heard.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .samples import SAMPLE_RATE, Samples

LEAST_SPEECH_MS = 40
"""Shorter sound is a click: it neither starts a turn nor interrupts a silence."""
_FULL_SCALE = 32768.0
_QUIETEST_DBFS = -55.0
_RANGE_DB = 20.0


@dataclass(frozen=True, slots=True)
class VoiceEvent:
    """`at_ms` is the event's `audio_start_ms` or `audio_end_ms`: milliseconds since the input audio began [DOC].

    The start includes the prefix padding, as far as there is sound before it that belongs to no earlier turn; the end
    includes the silence that proved it.
    """

    kind: Literal["started", "stopped"]
    at_ms: int


class VoiceActivity:
    """Feed every frame of one input, in order; the cost of a frame is constant.

    `start_ms` continues the positions of a detector that was replaced because its settings changed. With `patience`, a
    silence of `silence_duration_ms` is not the end yet: how many milliseconds of it are is asked then, once in each.
    """

    def __init__(
        self,
        *,
        threshold: float = 0.5,
        prefix_padding_ms: int = 300,
        silence_duration_ms: int = 200,
        start_ms: int = 0,
        patience: Callable[[], int] | None = None,
    ) -> None:
        level_dbfs = _QUIETEST_DBFS + _RANGE_DB * threshold
        self._least_power = (_FULL_SCALE * 10 ** (level_dbfs / 20)) ** 2
        self._prefix = _samples(prefix_padding_ms)
        self._silence = _samples(silence_duration_ms)
        self._patience = patience
        self._needed: int | None = None
        """Samples of silence that end the turn; None where that was not asked in this silence."""
        self._least_speech = _samples(LEAST_SPEECH_MS)
        self._position = _samples(start_ms)
        self._turn_end = self._position  # before it, everything belongs to earlier turns
        self._loud_since: int | None = None
        self._quiet_since = self._position
        self.speaking = False

    def feed(self, frame: Samples) -> VoiceEvent | None:
        """One frame at 8 kHz, usually of 20 ms: the least that is told apart."""
        if not len(frame):
            return None
        begin = self._position
        self._position += len(frame)
        if not self._is_loud(frame):
            self._loud_since = None
            return self._heard_silence()
        if self._loud_since is None:
            self._loud_since = begin
        if self._position - self._loud_since < self._least_speech:
            return None
        self._quiet_since = self._position
        self._needed = None
        return None if self.speaking else self._start(self._loud_since)

    def reset(self) -> None:
        """The buffer was cleared or committed by hand: a turn that runs is forgotten, positions go on."""
        self.speaking = False
        self._loud_since = None
        self._quiet_since = self._turn_end = self._position

    @property
    def position_ms(self) -> int:
        """How much was fed."""
        return _milliseconds(self._position)

    def _start(self, loud_since: int) -> VoiceEvent:
        self.speaking = True
        return VoiceEvent("started", _milliseconds(max(loud_since - self._prefix, self._turn_end)))

    def _heard_silence(self) -> VoiceEvent | None:
        quiet = self._position - self._quiet_since
        if not self.speaking or quiet < self._silence:
            return None
        if self._needed is None:
            self._needed = 0 if self._patience is None else _samples(self._patience())
        if quiet < self._needed:
            return None
        self.speaking = False
        self._turn_end = self._position
        return VoiceEvent("stopped", _milliseconds(self._position))

    def _is_loud(self, frame: Samples) -> bool:
        wave = frame.astype(np.float32)
        mean = float(wave.sum()) / len(wave)
        return float(wave.dot(wave)) / len(wave) - mean * mean >= self._least_power


def _samples(milliseconds: int) -> int:
    return milliseconds * SAMPLE_RATE // 1000


def _milliseconds(samples: int) -> int:
    return samples * 1000 // SAMPLE_RATE
