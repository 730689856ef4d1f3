from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.g711 import CODECS
from ringback.emulator.audio.samples import Samples
from ringback.emulator.realtime.audio_formats import AudioDecoder, decode_whole, encode_whole, sample_bytes
from ringback.emulator.realtime.session_config import PCM, PCMA, PCMU


@pytest.mark.parametrize(("audio_format", "codec"), [(PCMU, "PCMU"), (PCMA, "PCMA")])
def test_g711_is_decoded(audio_format: dict[str, Any], codec: str) -> None:
    data = bytes(range(256))
    assert (decode_whole(data, audio_format) == CODECS[codec].decode(data)).all()


def tone(rate: int) -> Samples:
    time = np.arange(rate) / rate
    return (8000 * np.sin(2 * np.pi * 400 * time)).astype(np.int16)


def test_pcm_of_24_khz_becomes_8_khz() -> None:
    heard = decode_whole(tone(24000).astype("<i2").tobytes(), PCM)
    assert abs(len(heard) - 8000) <= 2
    middle = slice(1000, 7000)
    assert np.abs(heard[middle].astype(int) - tone(8000)[middle].astype(int)).max() < 400


def test_chunks_may_be_cut_within_a_sample() -> None:
    data = tone(24000).astype("<i2").tobytes()
    decoder = AudioDecoder(PCM)
    parts = [decoder.decode(data[start : start + 999]) for start in range(0, len(data), 999)]
    assert (np.concatenate((*parts, decoder.flush())) == decode_whole(data, PCM)).all()


@pytest.mark.parametrize(("audio_format", "size"), [(PCM, 6), (PCMU, 1), (PCMA, 1)])
def test_sound_is_encoded_and_comes_back(audio_format: dict[str, Any], size: int) -> None:
    assert sample_bytes(audio_format) == size
    data = encode_whole(tone(8000), audio_format)
    assert len(data) == 8000 * size
    heard = decode_whole(data, audio_format)
    middle = slice(1000, 7000)
    assert np.abs(heard[middle].astype(int) - tone(8000)[middle].astype(int)).max() < 400
