"""`rtp.concealment`: no click where sound is missing, and no touch where it is not."""

import numpy as np
from ringback.emulator.audio.samples import SILENCE, Samples
from ringback.emulator.rtp.concealment import FADE_SAMPLES, Concealment


def tone(frames: int, frequency: float = 330.0) -> Samples:
    return (10000 * np.sin(2 * np.pi * frequency * np.arange(160 * frames) / 8000)).astype(np.int16)


def frames(samples: Samples) -> list[Samples]:
    return [samples[start : start + 160] for start in range(0, len(samples), 160)]


def steepest(samples: Samples) -> int:
    return int(np.max(np.abs(np.diff(samples.astype(int)))))


def test_received_sound_leaves_as_it_came() -> None:
    concealment = Concealment()
    for frame in frames(tone(5)):
        assert concealment.follow(frame) is frame


def test_gap_is_filled_with_a_fading_repeat_and_then_silence() -> None:
    concealment = Concealment()
    (last,) = frames(tone(1))
    concealment.follow(last)
    assert concealment.audible
    made = [concealment.make(160) for _ in range(4)]
    levels = [float(np.abs(frame.astype(int)).mean()) for frame in (last, *made)]
    assert levels == sorted(levels, reverse=True)
    assert levels[1] > 0.7 * levels[0]
    assert not np.any(made[3])
    assert not concealment.audible


def test_gap_is_heard_without_a_click() -> None:
    concealment = Concealment()
    sound = tone(30)
    output = []
    for index, frame in enumerate(frames(sound)):
        missing = index in (5, 11, 12, 13, 14, 15, 20)
        output.append(concealment.make(160) if missing else concealment.follow(frame))
    # A jump of the whole amplitude spread over 24 samples adds no more than that share to the steepest slope.
    assert steepest(np.concatenate(output)) < steepest(sound) + 2 * 10000 / 24 + 50


def test_gap_may_begin_and_end_within_a_frame() -> None:
    concealment = Concealment()
    sound = tone(6)
    output = [concealment.follow(sound[:400]), concealment.make(40), concealment.make(90), concealment.make(100)]
    output.append(concealment.follow(sound[630:]))
    assert [len(piece) for piece in output] == [400, 40, 90, 100, 330]
    assert steepest(np.concatenate(output)) < steepest(sound) + 2 * 10000 / 24 + 50


def test_gap_repeats_the_last_20_ms_whatever_pieces_they_came_in() -> None:
    whole, pieces = Concealment(), Concealment()
    sound = tone(3)
    for frame in frames(sound):
        whole.follow(frame)
    for start in range(0, 480, 40):
        pieces.follow(sound[start : start + 40])
    assert np.array_equal(whole.make(160)[24:], pieces.make(160)[24:])


def test_repeat_is_the_same_in_one_piece_and_in_many() -> None:
    whole, pieces = Concealment(), Concealment()
    for concealment in (whole, pieces):
        concealment.follow(tone(1))
    expected = np.concatenate([whole.make(160) for _ in range(4)])
    made = np.concatenate([pieces.make(count) for count in (100, 100, 160, 160, 120)])
    assert np.array_equal(expected[24:160], made[24:160])
    assert len(made) == FADE_SAMPLES + 160
    assert not np.any(made[FADE_SAMPLES:])


def test_cut_is_smoothed_once() -> None:
    concealment = Concealment()
    concealment.follow(np.full(160, 9000, dtype=np.int16))
    concealment.cut()
    first = concealment.follow(np.full(160, -9000, dtype=np.int16))
    assert first[0] == 9000
    assert steepest(first) <= 18000 / 24 + 1
    assert bool(np.all(first[24:] == -9000))
    second = np.full(160, -9000, dtype=np.int16)
    assert concealment.follow(second) is second


def test_smoothing_never_overflows() -> None:
    concealment = Concealment()
    concealment.follow(np.full(160, 32767, dtype=np.int16))
    concealment.cut()
    extreme = SILENCE.copy()
    extreme[0] = -32768
    extreme[1:] = 32767
    assert int(concealment.follow(extreme)[1]) == 32767


def test_short_piece_is_smoothed_too() -> None:
    concealment = Concealment()
    concealment.follow(np.full(160, 5000, dtype=np.int16))
    concealment.cut()
    assert concealment.follow(np.zeros(10, dtype=np.int16))[0] == 5000
