"""The voice for people: real speech by eSpeak NG."""

import ctypes.util
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from ringback.emulator.audio import espeak
from ringback.emulator.audio.espeak import EspeakVoice
from ringback.emulator.audio.samples import SAMPLE_RATE
from ringback.emulator.audio.voice import TonecodeEar, Voice
from ringback.emulator.errors import UsageError

TEXT = "Thank you for calling, how can I help you?"


@pytest.fixture
def forgotten() -> Iterator[None]:
    """The library is looked for anew, and what was found is forgotten again."""
    found = espeak._library()
    espeak._library.cache_clear()
    espeak._speech.cache_clear()
    yield
    espeak._library.cache_clear()
    espeak._speech.cache_clear()
    assert found  # the process keeps its library open


def test_voice_speaks_for_as_long_as_the_sentence_takes_a_person() -> None:
    voice: Voice = EspeakVoice("en-us")
    sound = voice.speak(TEXT)
    assert sound.dtype == np.int16
    assert 1.5 < len(sound) / SAMPLE_RATE < 4
    assert np.abs(sound).max() > 3000
    assert TonecodeEar().feed(sound) == []  # speech, not tones
    assert len(voice.speak("")) < SAMPLE_RATE / 20


def test_voice_speaks_the_language_that_it_is_told() -> None:
    english, german = EspeakVoice("en-us").speak("Guten Morgen"), EspeakVoice("de").speak("Guten Morgen")
    assert len(english) != len(german)


def test_voice_knows_which_words_were_heard_when_it_was_interrupted() -> None:
    voice = EspeakVoice("en-us")
    heard = [voice.heard_prefix(TEXT, played) for played in range(0, len(voice.speak(TEXT)) + 400, 400)]
    assert heard[0] == ""
    assert heard[-1] == TEXT
    assert "Thank you for" in heard
    assert heard == sorted(heard, key=len)
    assert all(TEXT.startswith(each) for each in heard)


def test_voice_is_refused_when_the_language_is_unknown() -> None:
    with pytest.raises(UsageError, match="no voice 'xx-nowhere': `espeak-ng --voices` lists them"):
        EspeakVoice("xx-nowhere")


@pytest.mark.usefixtures("forgotten")
def test_voice_says_what_to_install_when_there_is_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'ringback\[voice\]'"):
        EspeakVoice("en-us")


@pytest.mark.usefixtures("forgotten")
def test_voice_takes_the_system_s_library_and_says_so_when_its_data_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def espeak_Initialize(self, *arguments: object) -> int:  # noqa: N802 - the library's name
            assert arguments[2] is None  # it finds its data itself
            return -1

    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: f"lib{name}.so.1")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Broken() if name == "libespeak-ng.so.1" else None)
    with pytest.raises(UsageError, match="its data is missing"):
        EspeakVoice("en-us")
