"""What a session does that a WebRTC call has."""

from collections.abc import Callable
from typing import Any

from ringback.emulator.audio.samples import Samples
from ringback.emulator.audio.voice import TonecodeVoice
from ringback.emulator.errors import InvalidRequest

Make = Callable[..., Any]


def test_data_channel_is_greeted_and_a_sideband_of_the_same_session_is_not(desk: Make) -> None:
    d = desk(transport="webrtc")
    d.host.attach("data", d.at, greets=True)
    d.host.attach("sideband", d.at)
    (created,) = d.events()
    assert (created["type"], created["session"]["audio"]["output"]["format"]) == (
        "session.created",
        {"type": "audio/pcm", "rate": 24000},
    )


def test_message_that_was_not_read_is_answered_with_an_error(desk: Make) -> None:
    d = desk(transport="webrtc")
    d.host.refuse("data", InvalidRequest("too large"))
    (error,) = d.events()
    assert (error["type"], error["error"]["message"]) == ("error", "too large")


def test_host_knows_whether_the_caller_is_in_the_middle_of_something(desk: Make, silence: Samples) -> None:
    d = desk(transport="webrtc")
    assert not d.host.hears_speech
    d.hear(TonecodeVoice().speak("Good morning"))
    assert d.host.hears_speech
    d.hear(silence)
    assert not d.host.hears_speech
