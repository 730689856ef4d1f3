"""How long a caller who interrupts still hears the model: session and RTP together, by a clock that stands still."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from agreed import Audio
from ringback.emulator.audio.codecs import make_codec
from ringback.emulator.audio.voice import TonecodeVoice
from ringback.emulator.ids import Ids
from ringback.emulator.rtp.packet import RtpPacket
from ringback.emulator.rtp.stream import RtpStream
from ringback.emulator.sessions.model import Say

STARTED = "input_audio_buffer.speech_started"
LONG = "This is a sentence that takes some seconds, so that there is time to interrupt it."
TICK = 0.02


@pytest.mark.parametrize(
    ("codec", "ptime_ms"), [("PCMU", 10), ("PCMU", 20), ("PCMU", 30), ("PCMU", 60), ("PCMA", 20), ("G722", 20)]
)
def test_model_falls_silent_within_40_ms_of_the_caller_being_noticed(
    desk: Callable[..., Any], codec: str, ptime_ms: int
) -> None:
    d = desk([Say(text=LONG)], codec=codec)
    stream = RtpStream(Audio(codec=codec, ptime_ms=ptime_ms), ids=Ids(random.Random(1)), now=d.at)
    far = make_codec(codec)
    d.send("response.create")
    speech = TonecodeVoice().speak("I have something to say")
    noticed: float | None = None
    loud_at: list[float] = []
    for index in range(120):
        stream.tick(d.host.read_audio(d.at), d.at)
        for data, _ in stream.data_to_send():
            if int(np.abs(far.decode(RtpPacket.parse(data).payload)).max()) > 1000:
                loud_at.append(d.at)
        if index >= 50:  # the caller begins after a second of it
            d.hear(speech[160 * (index - 50) : 160 * (index - 49)])
        if noticed is None and STARTED in d.types():
            noticed = d.at
        d.wait(TICK)
    assert noticed is not None
    assert sum(at < noticed for at in loud_at) > 10  # the model was speaking until then
    assert max(loud_at) - noticed <= 0.040 + 1e-6
