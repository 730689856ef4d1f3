"""`audio.vad`: turns by energy, with the positions of `server_vad`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.audio.samples import SILENCE, Samples
from ringback.emulator.audio.vad import VoiceActivity, VoiceEvent

RANDOM = np.random.default_rng(7)


def noise(dbfs: float, count: int = 160) -> Samples:
    return np.clip(RANDOM.standard_normal(count) * 32768 * 10 ** (dbfs / 20), -32768, 32767).astype(np.int16)


def tone(dbfs: float, offset: int = 0) -> Samples:
    """20 ms of 600 Hz at a level in RMS, as the text-carrying tones have it: constant."""
    wave = np.sin(2 * np.pi * 600 * np.arange(160) / 8000) * 2**0.5 * 32768 * 10 ** (dbfs / 20)
    return (wave + offset).astype(np.int16)


LOUD = tone(-13.5)


def events(detector: VoiceActivity, pattern: str) -> list[VoiceEvent]:
    """Feed a frame for each character: `#` is loud, `.` is silence."""
    seen = [detector.feed(LOUD if character == "#" else SILENCE) for character in pattern]
    return [event for event in seen if event is not None]


def test_detector_reports_a_turn_with_padding_and_silence() -> None:
    detector = VoiceActivity(prefix_padding_ms=300, silence_duration_ms=200)
    assert events(detector, "." * 50 + "#" * 25 + "." * 20) == [
        VoiceEvent("started", 1000 - 300),
        VoiceEvent("stopped", 1500 + 200),
    ]
    assert detector.position_ms == 1900
    assert not detector.speaking


def test_detector_tells_a_start_after_40_ms() -> None:
    detector = VoiceActivity()
    assert detector.feed(LOUD) is None
    assert not detector.speaking
    assert detector.feed(LOUD) == VoiceEvent("started", 0)
    assert detector.speaking


def test_detector_pads_no_further_than_the_beginning() -> None:
    assert events(VoiceActivity(prefix_padding_ms=300), ".....##") == [VoiceEvent("started", 0)]


def test_detector_pads_no_further_than_the_turn_before() -> None:
    detector = VoiceActivity(prefix_padding_ms=300, silence_duration_ms=200)
    turns = events(detector, "." * 50 + "#" * 5 + "." * 10 + "...." + "#" * 5)
    assert turns == [VoiceEvent("started", 700), VoiceEvent("stopped", 1300), VoiceEvent("started", 1300)]


@pytest.mark.parametrize("pattern", ["#", ".#.#.#.#.", "#.#.", "." * 30 + "#" + "." * 30])
def test_detector_takes_a_click_for_no_turn(pattern: str) -> None:
    assert events(VoiceActivity(), pattern) == []


def test_detector_lets_no_click_prolong_a_turn() -> None:
    detector = VoiceActivity(prefix_padding_ms=0, silence_duration_ms=200)
    assert events(detector, "##" + "....#....." + "...") == [VoiceEvent("started", 0), VoiceEvent("stopped", 240)]


def test_detector_bridges_a_pause_that_is_shorter_than_the_silence() -> None:
    detector = VoiceActivity(prefix_padding_ms=0, silence_duration_ms=200)
    assert events(detector, "##" + "........." + "##" + "." * 10) == [
        VoiceEvent("started", 0),
        VoiceEvent("stopped", 460),
    ]


def test_detector_never_stops_while_somebody_speaks() -> None:
    # The silence is over in the very frame in which speech begins again.
    detector = VoiceActivity(prefix_padding_ms=0, silence_duration_ms=200)
    assert events(detector, "##" + "........." + "####") == [VoiceEvent("started", 0)]


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("level", [-13.5, -33.5])
def test_detector_hears_the_text_tones_at_any_threshold(threshold: float, level: float) -> None:
    detector = VoiceActivity(threshold=threshold)
    assert [detector.feed(tone(level)) for _ in range(2)][-1] == VoiceEvent("started", 0)


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_detector_hears_neither_silence_nor_line_noise(threshold: float) -> None:
    detector = VoiceActivity(threshold=threshold)
    assert [detector.feed(frame) for _ in range(200) for frame in (SILENCE, noise(-60))] == [None] * 400


@pytest.mark.parametrize(("threshold", "level"), [(0.0, -55), (0.5, -45), (1.0, -35)])
def test_threshold_stands_for_a_level(threshold: float, level: float) -> None:
    def hears(dbfs: float) -> bool:
        return bool(events_of(VoiceActivity(threshold=threshold), dbfs))

    def events_of(detector: VoiceActivity, dbfs: float) -> list[VoiceEvent]:
        return [event for event in (detector.feed(tone(dbfs)) for _ in range(3)) if event]

    assert hears(level + 1)
    assert not hears(level - 1)


def test_detector_ignores_a_constant_offset() -> None:
    detector = VoiceActivity()
    assert [detector.feed(SILENCE + np.int16(1638)) for _ in range(10)] == [None] * 10
    assert [detector.feed(tone(-33.5, offset=1638)) for _ in range(2)][-1] is not None


def test_detector_ignores_empty_frames() -> None:
    detector = VoiceActivity()
    assert detector.feed(SILENCE[:0]) is None
    assert detector.position_ms == 0


def test_detector_forgets_a_turn_when_reset() -> None:
    detector = VoiceActivity(prefix_padding_ms=300)
    events(detector, "." * 10 + "####")
    detector.reset()
    assert not detector.speaking
    assert events(detector, "." * 20) == []
    detector.reset()
    assert events(detector, "...##") == [VoiceEvent("started", 680)]


def test_detector_continues_the_positions_of_the_one_it_replaces() -> None:
    detector = VoiceActivity(prefix_padding_ms=100, start_ms=5000)
    assert events(detector, "." * 10 + "##") == [VoiceEvent("started", 5100)]
    assert detector.position_ms == 5240


@given(st.lists(st.booleans(), max_size=120), st.sampled_from([0, 100, 300]), st.sampled_from([20, 200, 500]))
def test_turns_alternate_and_never_overlap(loud: list[bool], prefix: int, silence: int) -> None:
    detector = VoiceActivity(prefix_padding_ms=prefix, silence_duration_ms=silence)
    turns = events(detector, "".join("#" if frame else "." for frame in loud))
    assert [event.kind for event in turns] == (["started", "stopped"] * len(turns))[: len(turns)]
    positions = [event.at_ms for event in turns]
    assert positions == sorted(positions)
    assert all(0 <= position <= detector.position_ms for position in positions)


def test_detector_asks_once_in_each_silence_how_long_it_has_to_be() -> None:
    lengths = [400, 400, 100]
    detector = VoiceActivity(silence_duration_ms=200, patience=lambda: lengths.pop(0))
    assert events(detector, "#" * 5 + "." * 19 + "#" * 5 + "." * 5 + "#" * 5) == [VoiceEvent("started", 0)]
    assert len(lengths) == 2
    assert events(detector, "." * 20) == [VoiceEvent("stopped", 39 * 20 + 400)]
    assert events(detector, "#" * 5 + "." * 9) == [VoiceEvent("started", 39 * 20 + 400)]
    assert [event.kind for event in events(detector, ".")] == ["stopped"]
