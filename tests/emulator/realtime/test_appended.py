from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import SAMPLE_RATE, Samples
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.realtime.appended import PIECE_SAMPLES, Appended
from ringback.emulator.realtime.audio_formats import decode_whole
from ringback.emulator.realtime.session_config import PCM, PCMU

Make = Callable[..., Any]
Encoded = Callable[[Samples], str]


def test_nothing_is_read_before_something_came() -> None:
    appended = Appended()
    assert appended.is_empty
    assert len(appended.read()) == len(appended.flush()) == 0


def test_long_sound_is_read_in_pieces() -> None:
    appended = Appended()
    appended.append(b"\xff" * (2 * PIECE_SAMPLES + 1), PCMU)
    assert [len(appended.read()) for _ in range(2)] == [PIECE_SAMPLES, PIECE_SAMPLES]
    assert not appended.is_empty
    assert len(appended.read()) == 1
    assert appended.is_empty


def test_pieces_together_are_the_sound() -> None:
    sound = np.random.default_rng(1).integers(-9000, 9000, 9 * 3 * SAMPLE_RATE).astype("<i2").tobytes()
    appended = Appended()
    read = []
    for data in (sound[:1001], sound[1001:]):
        appended.append(data, PCM)
        while not appended.is_empty:
            read.append(appended.read())
    assert np.array_equal(np.concatenate((*read, appended.flush())), decode_whole(sound, PCM))


def test_stream_goes_on_in_another_format() -> None:
    appended = Appended()
    appended.append(b"\xff" * 80, PCMU)
    assert len(appended.read()) == 80
    appended.append(b"\0" * 480, PCM)
    assert len(appended.read()) < 80
    assert len(appended.flush()) > 0


def test_session_hears_a_long_append_step_by_step(bench: Make, encoded: Encoded) -> None:
    b = bench(config={"audio": {"input": {"turn_detection": None}}})
    silence = np.zeros(2 * PIECE_SAMPLES, dtype=np.int16)
    b.send("input_audio_buffer.append", audio=encoded(silence))
    assert b.session.is_behind
    first = b.session.input.buffered_ms
    b.session.go_on()
    assert not b.session.is_behind
    assert b.session.input.buffered_ms > first


def test_session_hears_all_before_it_handles_another_event(bench: Make, encoded: Encoded) -> None:
    b = bench(config={"audio": {"input": {"turn_detection": None}}})
    silence = np.zeros(3 * PIECE_SAMPLES, dtype=np.int16)
    b.send("input_audio_buffer.append", audio=encoded(silence))
    b.send("input_audio_buffer.commit")
    assert len(b.session.conversation.last.audio) == len(silence)


def test_sound_before_a_clear_is_not_in_the_next_commit(bench: Make, encoded: Encoded) -> None:
    b = bench(config={"audio": {"input": {"turn_detection": None}}})
    for silence in (800, 880):
        b.send("input_audio_buffer.append", audio=encoded(np.zeros(silence, dtype=np.int16)))
        b.send("input_audio_buffer.clear")
    b.send("input_audio_buffer.append", audio=encoded(np.zeros(792, dtype=np.int16)))
    with pytest.raises(InvalidRequest, match=r"only has 99\.00ms"):
        b.send("input_audio_buffer.commit")


def test_half_a_sample_does_not_outlive_its_stream() -> None:
    appended = Appended()
    appended.append(b"\x01", PCM)
    appended.read()
    appended.flush()
    appended.append(b"\0" * 4800, PCM)
    assert not np.concatenate((appended.read(), appended.flush())).any()
