"""Sound as payloads and back, for each codec that the phone speaks."""

import numpy as np
import pytest
from ringback.conformance.client.codecs import FORMATS, CodecName, decoder_of, encoder_of
from ringback.conformance.client.errors import ProtocolViolation
from ringback.fixtures import tonecode

FRAME = 160


@pytest.mark.parametrize("codec", list(FORMATS))
def test_codec_carries_what_is_said(codec: CodecName) -> None:
    encoder, decoder = encoder_of(codec), decoder_of(codec)
    samples = tonecode.encode("good day")
    samples = np.concatenate((samples, np.zeros(FRAME * 10 - len(samples) % FRAME, dtype=np.int16)))
    payloads = [payload for at in range(0, len(samples), FRAME) for payload in encoder.encode(samples[at : at + FRAME])]
    decoded = [decoder.decode(payload) for payload in payloads]
    assert {ticks for _, ticks in decoded} == {FORMATS[codec].clock_rate // 50}
    assert len(samples) // FRAME - len(payloads) <= 1
    hearings = tonecode.decode(np.concatenate([sound for sound, _ in decoded]))
    assert [heard.text for heard in hearings] == ["good day"]


def test_payload_that_is_no_opus_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation, match="no opus"):
        decoder_of("opus").decode(b"\xff" * 3)
