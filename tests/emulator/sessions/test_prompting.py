"""A model that speaks unasked: when it is told what, and when it gets the word."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import FRAME_SAMPLES
from ringback.emulator.realtime.session_config import SessionConfig
from ringback.emulator.sessions.model import Output, Play, Say, Turn
from ringback.fixtures import tonecode

from .conftest import Desk

SOUND = np.zeros(8000, dtype=np.int16)


class Host:
    """Says one thing for each thing that happens to it; `patient` is how long it waits."""

    def __init__(self, *, patient: float | None = None, pace: float = 0.0) -> None:
        self.patient = patient
        self.pace = pace
        self.happened: list[str] = []
        self.causes: list[str] = []
        self.to_say: list[Output] = []
        self.answer: list[Output] = []

    def opened(self, config: SessionConfig) -> None:
        self.happened.append("opened")

    def pressed(self, digit: str, config: SessionConfig) -> None:
        self.happened.append(digit)
        self.to_say.append(Say(text=f"you pressed {digit}", pace=self.pace))

    def patience(self, config: SessionConfig) -> float | None:
        return self.patient

    def waited(self, seconds: float, config: SessionConfig) -> None:
        self.happened.append(f"{seconds:.2f} s")
        self.to_say.append(Say(text="hello?"))

    def wants_to_speak(self) -> bool:
        return bool(self.to_say)

    def respond(self, turn: Turn) -> Iterable[Output]:
        self.causes.append(turn.cause)
        return [self.to_say.pop(0)] if turn.cause == "model" else self.answer


def desk(host: Any, **arguments: Any) -> Desk:
    return Desk(host, **arguments)


def test_model_is_told_once_that_sound_flows() -> None:
    d = desk(host := Host())
    d.host.attach("a", d.at)
    assert host.happened == []
    d.play()
    d.play()
    assert host.happened == ["opened"]


def test_model_is_told_once_that_a_channel_is_attached_where_no_sound_flows() -> None:
    d = desk(host := Host(), transport="websocket")
    d.host.attach("a", d.at)
    d.host.attach("b", d.at)
    assert host.happened == ["opened"]
    assert d.types()[:2] == ["session.created", "session.created"]


def test_model_is_told_nothing_when_the_session_is_over() -> None:
    d = desk(host := Host(), transport="websocket")
    d.host.close(d.at)
    d.host.attach("a", d.at)
    d.host.receive_dtmf("1", d.at)
    d.host.handle_timer(d.at)
    assert host.happened == []


def test_model_speaks_unasked_when_a_key_is_pressed() -> None:
    d = desk(host := Host())
    d.play()
    assert not d.host.has_responded
    d.host.receive_dtmf("1", d.at)
    assert d.host.has_responded
    assert d.types()[:2] == ["input_audio_buffer.dtmf_event_received", "response.created"]
    assert host.causes == ["model"]


def test_model_waits_until_a_response_is_done_before_it_speaks_unasked() -> None:
    d = desk(host := Host(pace=1.0))
    host.answer = [Say(text="one two", pace=1.0)]
    d.play()
    d.send("response.create")
    d.host.receive_dtmf("1", d.at)
    assert d.types().count("response.created") == 1
    d.wait(0.5)
    assert d.types() == []
    d.wait(0.6)
    assert d.types().count("response.created") == 1
    assert host.causes == ["client", "model"]


def test_model_of_a_transcription_session_does_not_get_the_word() -> None:
    d = desk(host := Host(), config={"type": "transcription"})
    d.play()
    d.host.receive_dtmf("1", d.at)
    assert "response.created" not in d.types()
    assert host.wants_to_speak()


def test_model_speaks_when_it_has_been_quiet_for_long() -> None:
    d = desk(host := Host(patient=2.0))
    d.play()
    d.wait(1.9)
    assert host.happened == ["opened"]
    d.wait(0.2)
    assert host.happened == ["opened", "2.00 s"]
    d.wait(10.0)
    assert host.happened == ["opened", "2.00 s"]  # its own sound is not played yet
    d.play()
    d.wait(2.1)
    assert host.happened == ["opened", "2.00 s", "2.00 s"]


def test_quiet_ends_with_a_key_and_with_a_word() -> None:
    d = desk(host := Host(patient=2.0))
    d.play()
    d.wait(1.0)
    d.host.receive_dtmf("1", d.at)
    d.play()
    d.wait(1.5)
    assert host.happened == ["opened", "1"]
    d.hear(tonecode.encode("hello there"))
    d.wait(3.0)
    assert host.happened == ["opened", "1"]
    d.hear(np.zeros(50 * FRAME_SAMPLES, dtype=np.int16))
    d.wait(2.1)
    assert host.happened[2:] == ["2.00 s"]


def test_quiet_of_a_client_of_a_websocket_begins_when_it_has_played_all() -> None:
    d = desk(host := Host(patient=2.0), transport="websocket")
    host.answer = [Play(samples=SOUND)]
    d.host.attach("a", d.at)
    d.send("response.create")
    d.wait(2.5)
    assert host.happened == ["opened"]
    d.wait(0.6)
    assert host.happened == ["opened", "2.00 s"]


@pytest.mark.parametrize("conversation", ["auto", "none"])
def test_quiet_begins_at_once_when_a_response_was_cancelled(conversation: str) -> None:
    d = desk(host := Host(patient=2.0), transport="websocket")
    host.answer = [Say(text="one two three", pace=5.0)]
    d.host.attach("a", d.at)
    d.send("response.create", response={"conversation": conversation})
    d.wait(1.0)
    if conversation == "auto":
        d.send("response.cancel")
    d.wait(1.1)
    assert host.happened == (["opened"] if conversation == "auto" else ["opened", "2.00 s"])
    d.wait(1.0)
    assert host.happened[:2] == ["opened", "2.00 s"]


def test_model_may_change_its_mind_with_a_response_that_takes_no_time() -> None:
    d = desk(host := Host(patient=2.0))
    d.play()
    host.patient = 5.0
    d.send("response.create")
    d.wait(4.9)
    assert host.happened == ["opened"]
    d.wait(0.2)
    assert host.happened == ["opened", "5.00 s"]
