"""`audio.g722`: through the wideband codec and back."""

import numpy as np
import pytest
from ringback.emulator.audio.codecs import make_codec
from ringback.emulator.audio.g711 import CODECS
from ringback.emulator.audio.samples import Samples
from ringback.emulator.audio.voice import TonecodeEar, TonecodeVoice


def through(sound: Samples) -> Samples:
    codec = make_codec("G722")
    frames = [codec.decode(codec.encode(sound[start : start + 160])) for start in range(0, len(sound) - 159, 160)]
    return np.concatenate(frames)


@pytest.mark.parametrize("frequency", [300, 1000, 3000])
def test_tone_keeps_its_level_and_its_pitch(frequency: int) -> None:
    tone = (8000 * np.sin(2 * np.pi * frequency * np.arange(8000) / 8000)).astype(np.int16)
    heard = through(tone)[1600:]
    spectrum = np.abs(np.fft.rfft(heard))
    assert int(spectrum.argmax()) == round(frequency * len(heard) / 8000)
    assert 0.85 < np.sqrt(np.mean(heard.astype(float) ** 2)) / (8000 / np.sqrt(2)) < 1.1


def test_speech_is_understood() -> None:
    ear = TonecodeEar()
    heard = ear.feed(through(np.concatenate((TonecodeVoice().speak("wide band"), np.zeros(1600, dtype=np.int16)))))
    assert [each.text for each in (*heard, *ear.flush())] == ["wide band"]


@pytest.mark.parametrize("count", [1, 80, 240, 480])
def test_packet_of_any_length_keeps_it(count: int) -> None:
    assert len(make_codec("G722").decode(bytes(count))) == count


def test_codecs_have_what_they_remember_for_themselves() -> None:
    assert make_codec("G722").encode is not make_codec("G722").encode
    assert make_codec("PCMU") is CODECS["PCMU"]
    assert [make_codec(name).has_memory for name in ("PCMU", "G722", "opus")] == [False, True, True]
