import numpy as np
from ringback.emulator.audio.codecs import make_codec
from ringback.emulator.audio.opus import OpusDecoder, OpusEncoder
from ringback.emulator.audio.samples import Samples
from ringback.emulator.audio.voice import TonecodeEar, TonecodeVoice


def through(sound: Samples) -> Samples:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    frames = np.pad(sound, (0, -len(sound) % 160)).reshape(-1, 160)
    return np.concatenate([decoder.decode(encoder.encode(frame)) for frame in frames])


def test_speech_is_understood_behind_opus() -> None:
    sound = TonecodeVoice().speak("where is my order 4711?")
    heard = through(sound)
    assert len(heard) == len(sound) + -len(sound) % 160
    ear = TonecodeEar()
    assert [each.text for each in (*ear.feed(heard), *ear.flush())] == ["where is my order 4711?"]


def test_packet_of_any_length_gives_as_much_sound() -> None:
    assert len(OpusDecoder().decode(OpusEncoder().encode(np.zeros(160, dtype=np.int16)))) == 160
    assert len(OpusDecoder().decode(b"\x18\x00\x00")) == 480  # RFC 6716 3.1: SILK, narrowband, 60 ms


def test_packet_that_is_no_opus_gives_no_sound() -> None:
    assert len(OpusDecoder().decode(b"\xff" * 3)) == 0


def test_tone_above_what_eight_kilohertz_can_carry_is_not_heard() -> None:
    decoder = OpusDecoder()
    tone = (12000 * np.sin(2 * np.pi * 6000 / 48000 * np.arange(9600))).astype(np.int16)
    heard = np.concatenate([decoder._to_8_khz(tone[start : start + 960]) for start in range(0, 9600, 960)])
    assert np.abs(heard[160:]).max() < 200


def test_codec_of_a_stream_is_made_by_its_name() -> None:
    opus, again, pcmu = make_codec("opus"), make_codec("opus"), make_codec("PCMU")
    assert (opus.name, opus.clock_factor, pcmu.name, pcmu.clock_factor) == ("opus", 6, "PCMU", 1)
    assert opus.encode != again.encode
