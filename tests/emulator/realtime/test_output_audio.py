from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.realtime.events import Outbox
from ringback.emulator.realtime.output_audio import OutputAudio, Unheard

Take = Callable[[], list[dict[str, Any]]]


def sound(frames: float, value: int = 1) -> Samples:
    return np.full(int(frames * FRAME_SAMPLES), value, dtype=np.int16)


@pytest.fixture
def output(out: Outbox) -> OutputAudio:
    return OutputAudio(out)


@pytest.fixture
def told(events_of: Take) -> Callable[[], list[tuple[str, str]]]:
    def tell() -> list[tuple[str, str]]:
        return [(event["type"].removeprefix("output_audio_buffer."), event["response_id"]) for event in events_of()]

    return tell


Told = Callable[[], list[tuple[str, str]]]


def test_caller_hears_a_response_frame_by_frame(output: OutputAudio, told: Told) -> None:
    output.play("r", "i", sound(2.5))
    output.complete("r")
    assert told() == [("started", "r")]
    frames = [output.read() for _ in range(3)]
    assert [None if frame is None else len(frame) for frame in frames] == [FRAME_SAMPLES] * 3
    assert frames[2] is not None
    assert frames[2].sum() == FRAME_SAMPLES // 2
    assert told() == []
    assert output.is_playing
    assert output.read() is None
    assert told() == [("stopped", "r")]
    assert not output.is_playing


def test_output_does_not_stop_before_the_response_is_complete(output: OutputAudio, told: Told) -> None:
    output.play("r", "i", sound(1))
    output.read()
    assert output.read() is None
    output.play("r", "j", sound(1))
    assert output.read() is not None
    output.complete("r")
    assert output.read() is None
    assert told() == [("started", "r"), ("stopped", "r")]


def test_responses_play_one_after_the_other(output: OutputAudio, told: Told) -> None:
    output.play("r", "i", sound(1, 1))
    output.play("s", "j", sound(1, 2))
    output.complete("s")
    output.complete("r")
    output.complete("without sound")
    first, second = output.read(), output.read()
    assert first is not None
    assert second is not None
    assert (first[0], second[0]) == (1, 2)
    assert output.read() is None
    assert told() == [("started", "r"), ("stopped", "r"), ("started", "s"), ("stopped", "s")]


def test_clear_tells_what_the_caller_did_not_hear(output: OutputAudio, told: Told) -> None:
    output.play("r", "i", sound(1))
    output.play("r", "j", sound(2))
    output.play("s", "k", sound(1))
    for _ in range(2):
        output.read()
    assert output.clear() == [Unheard(item_id="j", played=FRAME_SAMPLES), Unheard(item_id="k", played=0)]
    assert told() == [("started", "r"), ("cleared", "r")]
    assert output.read() is None
    assert Unheard(item_id="j", played=FRAME_SAMPLES).played_ms == 20


def test_clear_of_an_empty_buffer_says_nothing(output: OutputAudio, told: Told) -> None:
    assert output.clear() == []
    assert told() == []


def test_item_that_was_heard_to_its_end_is_not_unheard(output: OutputAudio) -> None:
    output.play("r", "i", sound(1))
    output.read()
    assert output.clear() == []


def test_cut_ends_an_item_but_never_before_what_was_played(output: OutputAudio) -> None:
    output.play("r", "i", sound(5))
    output.play("r", "j", sound(1))
    for _ in range(2):
        output.read()
    output.cut("i", 3 * FRAME_SAMPLES)
    output.read()
    output.cut("i", 0)
    output.cut("j", 0)
    assert output.read() is None
