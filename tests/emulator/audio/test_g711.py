"""`audio.g711`: the tables against the recommendation's own values and against another implementation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.g711 import CODECS, Codec, alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from ringback.emulator.audio.samples import Samples

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768, dtype=np.int32).astype(np.int16)


@pytest.mark.parametrize(
    ("code", "sample"),
    [  # G.711 table 2, output values y times 4: 14 bits in 16
        (0x80, 8031 * 4),
        (0x8F, 4191 * 4),
        (0x9F, 2079 * 4),
        (0xAF, 1023 * 4),
        (0xBF, 495 * 4),
        (0xCF, 231 * 4),
        (0xDF, 99 * 4),
        (0xEF, 33 * 4),
        (0xFE, 2 * 4),
        (0xFF, 0),
        (0x7F, 0),
        (0x00, -8031 * 4),
    ],
)
def test_ulaw_decodes_the_tables_values(code: int, sample: int) -> None:
    assert ulaw_decode(bytes([code]))[0] == sample


@pytest.mark.parametrize(
    ("code", "sample"),
    [  # G.711 table 1, output values times 8: 13 bits in 16; written with the even bits inverted
        (0xFF ^ 0x55, 4032 * 8),
        (0xF0 ^ 0x55, 2112 * 8),
        (0xE0 ^ 0x55, 1056 * 8),
        (0xD0 ^ 0x55, 528 * 8),
        (0xC0 ^ 0x55, 264 * 8),
        (0xB0 ^ 0x55, 132 * 8),
        (0xA0 ^ 0x55, 66 * 8),
        (0x80 ^ 0x55, 1 * 8),
        (0x00 ^ 0x55, -1 * 8),
        (0x7F ^ 0x55, -4032 * 8),
    ],
)
def test_alaw_decodes_the_tables_values(code: int, sample: int) -> None:
    assert alaw_decode(bytes([code]))[0] == sample


def test_ulaw_codes_survive_decoding_and_encoding_but_for_the_negative_zero() -> None:
    assert ulaw_encode(ulaw_decode(EVERY_CODE)) == EVERY_CODE.replace(b"\x7f", b"\xff")


def test_alaw_codes_survive_decoding_and_encoding() -> None:
    assert alaw_encode(alaw_decode(EVERY_CODE)) == EVERY_CODE


@pytest.mark.parametrize(
    ("encode", "value", "below", "above"),
    [  # G.711's decision values x_n, on which the segments change, left-aligned to 16 bits; codes 16 n and 16 n - 1
        *((ulaw_encode, value * 4, 0xFF - code + 1, 0xFF - code)
          for value, code in [(31, 16), (95, 32), (223, 48), (479, 64), (991, 80), (2015, 96), (4063, 112)]),
        *((alaw_encode, value * 8, (0x80 + code - 1) ^ 0x55, (0x80 + code) ^ 0x55)
          for value, code in [(64, 32), (128, 48), (256, 64), (512, 80), (1024, 96), (2048, 112)]),
    ],
)  # fmt: skip
def test_encoder_decides_at_the_tables_values(
    encode: Callable[[Samples], bytes], value: int, below: int, above: int
) -> None:
    assert list(encode(np.array([value - 1, value], dtype=np.int16))) == [below, above]


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_encoder_errs_by_half_a_step_at_most(codec: Codec) -> None:
    samples = EVERY_SAMPLE[np.abs(EVERY_SAMPLE.astype(np.int64)) <= 32635]  # the µ-law clips above
    decoded = codec.decode(codec.encode(samples)).astype(np.int64)
    levels = np.unique(decoded)
    steps = np.maximum(np.diff(levels, prepend=-33000), np.diff(levels, append=33000))
    error = np.abs(samples.astype(np.int64) - decoded)
    assert bool(np.all(error <= steps[np.searchsorted(levels, decoded)] / 2 + 1))


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_encoder_is_monotonic_and_symmetric(codec: Codec) -> None:
    decoded = codec.decode(codec.encode(EVERY_SAMPLE)).astype(np.int64)
    assert bool(np.all(np.diff(decoded) >= 0))
    assert set(np.unique(decoded)) == set(-np.unique(decoded))


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_codec_gives_a_byte_a_sample_and_a_writable_copy(codec: Codec) -> None:
    data = codec.encode(np.zeros(160, dtype=np.int16))
    assert len(data) == 160
    decoded = codec.decode(data)
    decoded[0] = 5
    assert codec.decode(data)[0] != 5


@pytest.fixture(params=[("PCMU", "pcm_mulaw"), ("PCMA", "pcm_alaw")], ids=["PCMU", "PCMA"])
def oracle(request: pytest.FixtureRequest) -> tuple[Codec, Any, Any]:
    """Our codec, and another one's encoder and decoder of the same law."""
    av = pytest.importorskip("av")
    name, other = request.param
    encoder = av.CodecContext.create(other, "w")
    encoder.sample_rate, encoder.layout, encoder.format = 8000, "mono", "s16"
    decoder = av.CodecContext.create(other, "r")
    decoder.sample_rate, decoder.layout = 8000, "mono"
    return CODECS[name], encoder, decoder


def test_decoder_agrees_with_another_implementation(oracle: tuple[Codec, Any, Any]) -> None:
    import av

    codec, _, decoder = oracle
    (frame,) = decoder.decode(av.Packet(EVERY_CODE))
    assert np.array_equal(codec.decode(EVERY_CODE), frame.to_ndarray().reshape(-1))


def test_encoder_agrees_with_another_implementation_to_a_level(oracle: tuple[Codec, Any, Any]) -> None:
    import av

    codec, encoder, _ = oracle
    frame = av.AudioFrame.from_ndarray(EVERY_SAMPLE.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = 8000
    theirs = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    levels = np.unique(codec.decode(EVERY_CODE))
    ours, other = (np.searchsorted(levels, codec.decode(data)) for data in (codec.encode(EVERY_SAMPLE), theirs))
    # It rounds to the nearest level of a 14-bit sample, where G.711's decision values are those of the test above.
    assert int(np.max(np.abs(ours - other))) <= 1
    assert float(np.mean(ours != other)) < 0.02
