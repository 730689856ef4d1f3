"""The voice and the ear that the emulator speaks and listens with."""

import numpy as np
from ringback.emulator.audio.voice import Ear, Heard, TonecodeEar, TonecodeVoice, Voice, WirecodeEar, WirecodeVoice


def test_ear_hears_what_the_voice_says_and_numbers_the_utterances() -> None:
    voice: Voice = TonecodeVoice()
    ear: Ear = TonecodeEar()
    pause = np.zeros(2400, np.int16)
    texts = [f"Sentence {number}." for number in range(9)]
    heard: list[Heard] = []
    for text in texts:
        heard += ear.feed(np.concatenate((voice.speak(text), pause)))
    assert [(item.text, item.complete) for item in heard] == [(text, True) for text in texts]
    assert [item.utterance for item in heard] == [0, 1, 2, 3, 4, 5, 6, 7, 0]


def test_ear_gives_the_beginning_when_the_stream_ends_within_a_text() -> None:
    voice, ear = TonecodeVoice(), TonecodeEar()
    text = "It is going to be cut off."
    played = 1760 + 2 * 2040 + 1000
    assert ear.feed(voice.speak(text)[:played]) == []
    (heard,) = ear.flush()
    assert not heard.complete
    assert heard.text == voice.heard_prefix(text, played) == text[:20]


def test_ear_hears_no_words_in_other_sound() -> None:
    ear = TonecodeEar()
    assert ear.feed(np.random.default_rng(1).normal(0, 3000, 16000).astype(np.int16)) == []
    assert ear.flush() == []


def test_ear_on_a_wire_hears_what_the_voice_on_it_says() -> None:
    voice: Voice = WirecodeVoice()
    ear: Ear = WirecodeEar()
    first, second = voice.speak("first"), voice.speak("second")
    assert [each.text for each in ear.feed(np.concatenate((first, second)))] == ["first", "second"]
    assert ear.flush() == []
    assert voice.heard_prefix("second", len(second)) == "second"
