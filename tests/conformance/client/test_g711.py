"""G.711 as PyAV knows it."""

import numpy as np
import pytest
from ringback.conformance.client.g711 import Law, decode, encode


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_codec_gives_every_byte_back(name: Law) -> None:
    every_byte = bytes(range(256))
    again = encode(name, decode(name, every_byte))
    # µ-law has two zeroes, 0x7f and 0xff, and one of them is the encoder's.
    assert [byte for byte in range(256) if again[byte] != byte] in ([], [0x7F])


@pytest.mark.parametrize(("name", "silence"), [("PCMU", 0xFF), ("PCMA", 0xD5)])
def test_silence_is_the_byte_of_the_standard(name: Law, silence: int) -> None:
    assert encode(name, np.zeros(3, dtype=np.int16)) == bytes([silence] * 3)


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_codec_errs_by_a_few_percent_at_most(name: Law) -> None:
    samples = np.arange(-32000, 32000, 7, dtype=np.int16)
    error = np.abs(decode(name, encode(name, samples)).astype(int) - samples)
    assert np.all(error <= np.maximum(16, np.abs(samples.astype(int)) * 0.05))
