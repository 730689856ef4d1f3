from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.audio.vad import VoiceEvent
from ringback.emulator.audio.voice import Heard
from ringback.emulator.realtime import input_audio
from ringback.emulator.realtime.effects import HostRecord
from ringback.emulator.realtime.events import Outbox
from ringback.emulator.realtime.input_audio import FIRST_SILENCE_MS, InputAudio
from ringback.emulator.realtime.session_config import SEMANTIC_VAD, SERVER_VAD

MakeEar = Callable[..., Any]
Make = Callable[..., InputAudio]


@pytest.fixture
def listen(out: Outbox, make_ear: MakeEar) -> Make:
    def make(*words: str, detection: dict[str, Any] | None = SERVER_VAD) -> InputAudio:
        return InputAudio(detection, ear=make_ear(*words), out=out)

    return make


def feed(audio: InputAudio, frame: Samples, count: int) -> list[VoiceEvent]:
    return [event for event in (audio.feed(frame) for _ in range(count)) if event is not None]


def test_caller_makes_a_turn(listen: Make, out: Outbox, loud: Samples, quiet: Samples) -> None:
    audio = listen("hello")
    assert feed(audio, quiet, 50) == []
    assert not audio.is_speaking
    assert feed(audio, loud, 25) == [VoiceEvent("started", 700)]
    assert audio.is_speaking
    assert feed(audio, quiet, 10) == [VoiceEvent("stopped", 1700)]
    assert not audio.is_speaking
    turn = audio.take()
    assert turn.text == "hello"
    assert len(turn.samples) == (15 + 25 + 10) * FRAME_SAMPLES  # the padding, the words, the silence that ended them
    assert out.take() == HostRecord(kind="media.heard", data={"text": "hello", "complete": True})
    assert audio.buffered_ms == 0
    assert audio.position_ms == 1700


def test_ear_is_spared_silence(listen: Make, make_ear: MakeEar, out: Outbox, loud: Samples, quiet: Samples) -> None:
    ear = make_ear()
    audio = InputAudio(SERVER_VAD, ear=ear, out=out)
    feed(audio, quiet, 100)
    assert ear.fed == 0
    feed(audio, loud, 3)
    assert ear.fed == (15 + 3) * FRAME_SAMPLES


def test_ear_hears_each_frame_once_when_no_turns_are_detected(
    make_ear: MakeEar, out: Outbox, loud: Samples, quiet: Samples
) -> None:
    ear = make_ear("hello")
    audio = InputAudio(None, ear=ear, out=out)
    feed(audio, quiet, 5)
    feed(audio, loud, 10)
    assert ear.fed == 15 * FRAME_SAMPLES
    assert feed(audio, quiet, 10) == []
    assert audio.take().text == "hello"


def test_ear_gets_only_the_padding_of_a_long_silence(
    make_ear: MakeEar, out: Outbox, loud: Samples, quiet: Samples
) -> None:
    ear = make_ear()
    audio = InputAudio(None, ear=ear, out=out)
    feed(audio, quiet, 100)
    feed(audio, loud, 10)
    assert ear.fed == 25 * FRAME_SAMPLES


def test_buffer_without_turn_detection_keeps_all_until_its_limit(
    listen: Make, quiet: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_audio, "BUFFER_SAMPLES", 20 * FRAME_SAMPLES)
    audio = listen(detection=None)
    feed(audio, quiet, 15)
    assert audio.buffered_ms == 300
    feed(audio, quiet, 50)
    assert audio.buffered_ms == 400


def test_buffer_with_turn_detection_keeps_little_before_a_turn(listen: Make, quiet: Samples) -> None:
    audio = listen()
    feed(audio, quiet, 500)
    assert audio.buffered_ms <= 400


def test_padding_never_exceeds_the_buffer(listen: Make, quiet: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_audio, "BUFFER_SAMPLES", 20 * FRAME_SAMPLES)
    audio = listen(detection={**SERVER_VAD, "prefix_padding_ms": 10**30, "silence_duration_ms": 10**30})
    feed(audio, quiet, 50)
    assert audio.buffered_ms == 400


def test_clear_forgets_a_turn_that_runs(listen: Make, loud: Samples, quiet: Samples) -> None:
    audio = listen("forgotten", "hello")
    feed(audio, loud, 10)
    audio.clear()
    assert audio.buffered_ms == 0
    assert feed(audio, quiet, 20) == []
    assert [event.kind for event in feed(audio, loud, 10) + feed(audio, quiet, 10)] == ["started", "stopped"]
    assert audio.take().text == "hello"


def test_chunks_of_any_length_become_frames(listen: Make) -> None:
    audio = listen(detection=None)
    assert audio.frames_of(np.zeros(100, dtype=np.int16)) == []
    assert audio.buffered_ms == 12.5
    frames = audio.frames_of(np.zeros(400, dtype=np.int16))
    assert [len(frame) for frame in frames] == [FRAME_SAMPLES] * 3
    for frame in frames:
        audio.feed(frame)
    assert len(audio.take().samples) == 480
    assert len(audio.take(with_rest=True).samples) == 20
    assert len(audio.take(with_rest=True).samples) == 0


def test_turn_that_was_reported_goes_on_under_other_settings(listen: Make, loud: Samples, quiet: Samples) -> None:
    audio = listen()
    assert len(feed(audio, loud, 10)) == 1
    audio.configure({**SERVER_VAD, "silence_duration_ms": 400})
    assert feed(audio, loud, 10) == []
    assert feed(audio, quiet, 20) == [VoiceEvent("stopped", 800)]


def test_speech_that_was_not_reported_begins_a_turn_when_detection_is_turned_on(
    listen: Make, loud: Samples, quiet: Samples
) -> None:
    audio = listen(detection=None)
    assert feed(audio, loud, 10) == []
    audio.configure(SERVER_VAD)
    assert [event.kind for event in feed(audio, loud, 10)] == ["started"]
    audio.configure(None)
    assert feed(audio, quiet, 50) == []


@pytest.mark.parametrize(("eagerness", "frames"), [("low", 50), ("medium", 25), ("auto", 25), ("high", 15)])
def test_eagerness_is_a_length_of_silence_when_nobody_can_tell(
    listen: Make, loud: Samples, quiet: Samples, eagerness: str, frames: int
) -> None:
    audio = listen(detection={**SEMANTIC_VAD, "eagerness": eagerness})
    feed(audio, loud, 10)
    assert feed(audio, quiet, frames - 1) == []
    assert len(feed(audio, quiet, 1)) == 1


class QuickEar:
    """Understands one of `words` as soon as it has heard five frames of sound."""

    def __init__(self, *words: str) -> None:
        self.words = list(words)
        self.fed = 0

    def feed(self, samples: Samples) -> list[Heard]:
        self.fed += np.count_nonzero(samples)
        if not self.words or self.fed < 5 * FRAME_SAMPLES:
            return []
        self.fed = 0
        return [Heard(text=self.words.pop(0), complete=True, utterance=0, start=0, end=0)]

    def flush(self) -> list[Heard]:
        return []


@pytest.mark.parametrize(("eagerness", "longest"), [("low", 8000), ("medium", 4000), ("auto", 4000), ("high", 2000)])
def test_turn_ends_at_its_first_silence_when_the_words_are_complete(
    out: Outbox, loud: Samples, quiet: Samples, eagerness: str, longest: int
) -> None:
    audio = InputAudio(
        {**SEMANTIC_VAD, "eagerness": eagerness},
        ear=QuickEar("one", "two?", "three"),
        out=out,
        completes=lambda heard: heard.endswith("?"),
    )
    assert len(feed(audio, loud, 5)) == 1
    assert feed(audio, quiet, longest // 20 - 1) == []
    assert feed(audio, loud, 5) == feed(audio, quiet, 9) == []
    assert feed(audio, quiet, 1) == [VoiceEvent("stopped", 100 + longest - 20 + 100 + FIRST_SILENCE_MS)]
    assert audio.take().text == "one two?"
    assert len(feed(audio, loud, 5)) == 1
    assert feed(audio, quiet, longest // 20 - 1) == []
    assert len(feed(audio, quiet, 1)) == 1
