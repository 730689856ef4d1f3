"""`audio.resample`: a stream in pieces is the stream as a whole, at another rate."""

import numpy as np
import pytest
from ringback.emulator.audio.resample import Resampler
from ringback.emulator.audio.samples import Samples


def tone(rate: int, seconds: float, frequency: float = 1000.0) -> Samples:
    time = np.arange(round(rate * seconds)) / rate
    return (8000 * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


def run(resampler: Resampler, samples: Samples, chunk: int) -> Samples:
    pieces = [resampler.process(samples[start : start + chunk]) for start in range(0, len(samples), chunk)]
    return np.concatenate([*pieces, resampler.flush()])


RATES = [(8000, 24000), (24000, 8000), (8000, 48000), (48000, 8000)]


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES)
def test_resampler_keeps_length_level_and_frequency(from_rate: int, to_rate: int) -> None:
    converted = run(Resampler(from_rate, to_rate), tone(from_rate, 1.0), from_rate // 50)
    expected = tone(to_rate, 1.0)
    assert converted.dtype == np.int16
    assert len(converted) == to_rate
    inner = slice(to_rate // 10, -to_rate // 10)
    assert int(np.max(np.abs(converted[inner].astype(int) - expected[inner].astype(int)))) < 80  # -40 dB


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES)
def test_resampler_makes_the_same_of_any_chunks(from_rate: int, to_rate: int) -> None:
    samples = tone(from_rate, 0.5)
    whole = run(Resampler(from_rate, to_rate), samples, len(samples))
    pieces = run(Resampler(from_rate, to_rate), samples, 37)
    assert int(np.max(np.abs(whole.astype(int) - pieces.astype(int)))) <= 1


def test_resampler_keeps_silence_silent() -> None:
    assert not np.any(run(Resampler(8000, 24000), np.zeros(1600, dtype=np.int16), 160))


def test_resampler_holds_back_no_more_than_its_filter_needs() -> None:
    resampler = Resampler(8000, 24000)
    given = sum(len(resampler.process(tone(8000, 0.02))) for _ in range(50))
    assert 24000 - given <= 24000 * 0.12


def test_resampler_begins_anew_after_a_flush() -> None:
    resampler = Resampler(8000, 24000)
    first = run(resampler, tone(8000, 0.2), 160)
    second = run(resampler, tone(8000, 0.2), 160)
    assert np.array_equal(first, second)


def test_resampler_flushes_nothing_when_nothing_was_fed() -> None:
    assert len(Resampler(8000, 24000).flush()) == 0
