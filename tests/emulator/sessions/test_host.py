import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import Samples
from ringback.emulator.audio.voice import TonecodeVoice
from ringback.emulator.realtime.session_config import SessionConfig
from ringback.emulator.realtime.transcription import Transcript, TranscriptionFailure
from ringback.emulator.sessions.host import CloseChannel, HostRecord, SendEvent, SessionExpired
from ringback.emulator.sessions.model import Output, Say, Turn

Make = Callable[..., Any]


def test_caller_and_model_hear_each_other(desk: Make, silence: Samples) -> None:
    d = desk([Say(text="Good morning to you")])
    d.hear(np.concatenate((silence, TonecodeVoice().speak("Good morning"), silence)))
    types = d.types()
    assert types[:2] == ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]
    assert types[-2:] == ["response.done", "rate_limits.updated"]
    assert [record.data for record in d.records if record.kind == "media.heard"] == [
        {"text": "Good morning", "complete": True}
    ]
    (turn,) = d.script.turns
    assert turn.cause == "speech"
    assert [list(item.texts()) for item in turn.latest_first()][-1] == ["Good morning"]
    assert d.host.speaking
    d.play()
    assert d.types() == ["output_audio_buffer.stopped"]
    assert not d.host.speaking


def test_caller_who_was_interrupted_twice_in_one_append_is_answered_once(desk: Make, silence: Samples) -> None:
    d = desk([Say(text="one")], codec="PCMA")
    turn = np.concatenate((TonecodeVoice().speak("x"), silence))
    from ringback.emulator.audio.g711 import CODECS

    sound = CODECS["PCMA"].encode(np.concatenate((turn, turn)))
    d.send("input_audio_buffer.append", audio=base64.b64encode(sound).decode())
    assert len(d.script.turns) == 1
    done = [event["response"]["status"] for event in d.events() if event["type"] == "response.done"]
    assert done == ["cancelled", "completed"]


def test_caller_presses_a_key(desk: Make) -> None:
    d = desk()
    d.host.receive_dtmf("#", 5.0)
    assert d.events() == [{"type": "input_audio_buffer.dtmf_event_received", "event": "#", "received_at": 5}]


@pytest.mark.parametrize(
    ("arguments", "types"),
    [
        ({"transport": "sip"}, []),
        ({"transport": "webrtc"}, []),
        ({"transport": "websocket"}, ["session.created"]),
        ({"transport": "sip", "sends_created": True}, ["session.created"]),
    ],
)
def test_channel_is_greeted_only_where_it_was_observed(desk: Make, arguments: Any, types: list[str]) -> None:
    d = desk(**arguments)
    d.host.attach("a", d.at)
    effects = d.effects()
    assert [effect.event["type"] for effect in effects] == types
    assert all(effect.channel_id == "a" for effect in effects)


@pytest.mark.parametrize(("codec", "expected"), [("PCMU", {"type": "audio/pcmu"}), ("PCMA", {"type": "audio/pcma"})])
def test_sideband_of_a_sip_call_sees_the_negotiated_codec(desk: Make, codec: str, expected: Any) -> None:
    d = desk(codec=codec)
    d.send("session.update", session={"type": "realtime"})
    assert d.events()[0]["session"]["audio"]["input"]["format"] == expected


@pytest.mark.parametrize("codec", ["opus", "G722"])
def test_sideband_of_a_wideband_sip_call_sees_the_format_of_the_configuration(desk: Make, codec: str) -> None:
    d = desk(codec=codec)
    d.send("session.update", session={"type": "realtime"})
    assert d.events()[0]["session"]["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
def test_other_transports_have_the_format_of_the_configuration(desk: Make, transport: str) -> None:
    d = desk(transport=transport)
    d.send("session.update", session={"type": "realtime"})
    assert d.events()[0]["session"]["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}


def test_client_that_sends_nonsense_gets_an_error_for_itself(desk: Make) -> None:
    d = desk()
    d.send("nope", channel="b", event_id="mine")
    (effect,) = d.effects()
    assert effect.channel_id == "b"
    assert list(effect.event) == ["type", "event_id", "error"]
    assert list(effect.event["error"]) == ["type", "code", "message", "param", "event_id"]
    assert effect.event["error"]["event_id"] == "mine"
    assert d.records[0].data["event"] == {"type": "nope"}
    assert d.records[0].data["error"].startswith("Invalid value: 'nope'.")


def test_client_that_asks_for_the_impossible_gets_an_error_for_itself(desk: Make) -> None:
    d = desk()
    d.send("response.cancel", channel="b", event_id="mine")
    (effect,) = d.effects()
    assert (effect.channel_id, effect.event["error"]["event_id"]) == ("b", "mine")
    assert d.records[0] == HostRecord(
        kind="event.client", data={"channel": "b", "event": {"type": "response.cancel", "event_id": "mine"}}
    )


def test_client_that_sends_bytes_gets_an_error(desk: Make) -> None:
    d = desk()
    d.host.receive_text("a", b"\xff", d.at)
    assert d.events()[0]["error"]["code"] == "invalid_event"


def test_journal_keeps_little_of_long_events(desk: Make) -> None:
    d = desk()
    d.send("input_audio_buffer.append", audio="AAAA")
    d.send("session.update", session={"type": "realtime", "instructions": "x" * 20_000})
    d.events()
    assert d.records[0].data["event"] == {"type": "input_audio_buffer.append", "audio_bytes": 3}
    assert d.records[1].data["event"]["type"] == "session.update"
    assert d.records[1].data["event"]["length"] > 20_000


def test_session_ends_at_its_limit(desk: Make) -> None:
    d = desk(session_limit=60.0)
    d.host.attach("a", d.at)
    d.host.attach("b", d.at)
    d.host.detach("a", d.at)
    d.host.detach("nobody", d.at)
    d.wait(59.0)
    assert d.effects() == []
    d.wait(1.0)
    error, close, expired = d.effects()
    assert isinstance(error, SendEvent)
    assert error.channel_id is None
    assert error.event["error"] == {
        "type": "invalid_request_error",
        "code": "session_expired",
        "message": "Your session hit the maximum duration of 60 minutes.",
        "param": None,
        "event_id": None,
    }
    assert close == CloseChannel(
        channel_id="b", code=1001, reason="Your session hit the maximum duration of 60 minutes."
    )
    assert expired == SessionExpired()
    assert d.host.next_deadline() is None
    d.host.handle_timer(d.at)
    assert d.effects() == []


def test_host_says_nothing_after_its_end(desk: Make, silence: Samples) -> None:
    d = desk([Say(text="one", delay=1.0)])
    d.send("response.create")
    d.events()
    d.host.close(d.at)
    assert d.host.next_deadline() is None
    d.wait(5.0)
    d.host.handle_timer(d.at)
    d.send("response.create")
    d.hear(silence)
    d.host.receive_dtmf("1", d.at)
    assert d.host.read_audio(d.at) is None
    assert d.effects() == []


def test_responses_beside_each_other_each_have_their_time(desk: Make) -> None:
    d = desk([Say(text="one", delay=2.0)], [Say(text="two", delay=1.0)], config={"output_modalities": ["text"]})
    d.send("response.create")
    d.send("response.create", response={"conversation": "none"})
    d.wait(3.0)
    texts = [event["text"] for event in d.events() if event["type"] == "response.output_text.done"]
    assert texts == ["two", "one"]


def test_caller_who_says_nothing_is_asked_again(desk: Make) -> None:
    detection = {"type": "server_vad", "idle_timeout_ms": 5000}
    d = desk([Say(text="x")], [Say(text="still there?")], config={"audio": {"input": {"turn_detection": detection}}})
    d.send("response.create")
    d.wait(60.0)  # nobody has played it yet
    d.play()
    assert d.host.next_deadline() == d.at + 5
    d.effects()
    d.wait(4.9)
    assert d.types() == []
    d.wait(0.2)
    types = d.types()
    assert types[0] == "input_audio_buffer.timeout_triggered"
    assert "response.done" in types
    assert [turn.cause for turn in d.script.turns] == ["client", "speech"]
    d.host.close(d.at)
    assert d.host.next_deadline() is None
    assert d.host.read_audio(d.at) is None


def test_listener_of_a_socket_is_asked_again_when_it_can_have_heard_all(desk: Make) -> None:
    detection = {"type": "server_vad", "idle_timeout_ms": 5000}
    config = {"audio": {"input": {"turn_detection": detection}}}
    d = desk([Say(text="hello")], config=config, transport="websocket")
    d.send("response.create")
    d.wait(0.0)
    played = TonecodeVoice().speak("hello")
    assert d.host.next_deadline() == pytest.approx(d.at + len(played) / 8000)
    d.effects()
    d.wait(len(played) / 8000 + 4.9)
    assert d.types() == []
    d.wait(0.2)
    assert d.types()[0] == "input_audio_buffer.timeout_triggered"


class Mishearing:
    """A model that says nothing, and has its way with transcripts."""

    def respond(self, turn: Turn) -> Iterable[Output]:
        return ()

    def transcribe(self, heard: str, config: SessionConfig) -> Transcript:
        return TranscriptionFailure(message=f"nobody can write {heard}")


def test_model_decides_how_the_caller_is_transcribed(desk: Make, silence: Samples) -> None:
    d = desk(model=Mishearing(), config={"audio": {"input": {"transcription": {"model": "whisper-1"}}}})
    d.hear(np.concatenate((silence, TonecodeVoice().speak("Hi"), silence)))
    failed = [event for event in d.events() if event["type"].endswith("transcription.failed")]
    assert [event["error"]["message"] for event in failed] == ["nobody can write Hi"]


def long_append(seconds: int) -> str:
    sound = base64.b64encode(b"\xff" * 8000 * seconds).decode()
    return json.dumps({"type": "input_audio_buffer.append", "audio": sound})


def test_host_hears_a_long_append_in_steps_if_it_may(desk: Make) -> None:
    d = desk()
    d.host.receive_text("a", long_append(9), d.at, in_steps=True)
    steps = 0
    while d.host.is_behind:
        d.host.go_on(d.at)
        steps += 1
    assert (steps, d.host.session.input.position_ms) == (2, 9000)


def test_host_hears_a_long_append_at_once_else(desk: Make) -> None:
    d = desk()
    d.host.receive_text("a", long_append(9), d.at)
    assert not d.host.is_behind
    assert d.host.session.input.position_ms == 9000


def test_host_hears_nothing_more_when_it_is_closed(desk: Make) -> None:
    d = desk()
    d.host.receive_text("a", long_append(9), d.at, in_steps=True)
    d.host.close(d.at)
    assert not d.host.is_behind
    d.host.go_on(d.at)
    assert d.host.session.input.position_ms == 4000
