"""Outputs that break off, end badly, or are no part of the response."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import Samples
from ringback.emulator.realtime.effects import CloseChannels, HangUpCall
from ringback.emulator.sessions.model import Disconnect, End, HangUp, Note, Play, Say, Stop, Trouble
from ringback.fixtures import tonecode

Make = Callable[..., Any]

SOUND = np.arange(800, dtype=np.int16)
CUT_SHORT = End(status="incomplete", reason="max_output_tokens")


def done(d: Any) -> dict[str, Any]:
    return next(event for event in d.events() if event["type"] == "response.done")["response"]


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        (Stop(characters=9), "one two t"),
        (Stop(characters=0), ""),
        (Stop(ms=0), ""),
    ],
)
def test_model_breaks_off_in_a_text(desk: Make, stop: Stop, said: str) -> None:
    d = desk([Say(text="one two three", stop=stop), CUT_SHORT, Say(text="x")])
    d.send("response.create")
    response = done(d)
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    (item,) = response["output"]
    assert item["status"] == "incomplete"
    assert item["content"] == [{"type": "output_audio", "transcript": said}]
    assert "".join(heard.text for heard in tonecode.decode(d.play())) == said


def test_model_breaks_off_where_a_listener_has_heard_so_much(desk: Make) -> None:
    text = "one two three four five six"
    whole = len(tonecode.encode(text)) // 8
    d = desk([Say(text=text, stop=Stop(ms=whole // 2)), CUT_SHORT])
    d.send("response.create")
    said = done(d)["output"][0]["content"][0]["transcript"]
    assert text.startswith(said)
    assert 5 < len(said) < 20


@pytest.mark.parametrize("stop", [Stop(characters=13), Stop(characters=99), Stop(ms=100_000)])
def test_model_says_all_that_is_shorter_than_its_stop(desk: Make, stop: Stop) -> None:
    d = desk([Say(text="one two three", stop=stop)])
    d.send("response.create")
    response = done(d)
    assert (response["status"], response["output"][0]["status"]) == ("completed", "completed")


@pytest.mark.parametrize(
    ("stop", "samples", "transcript"),
    [
        (Stop(ms=50), 400, "one t"),
        (Stop(characters=5), 400, "one t"),
        (Stop(ms=100), 800, "one two th"),
    ],
)
def test_model_breaks_off_in_ready_sound(desk: Make, stop: Stop, samples: int, transcript: str) -> None:
    d = desk([Play(samples=SOUND, transcript="one two th", stop=stop)])
    d.send("response.create")
    played = d.play()
    assert (played[:samples] == SOUND[:samples]).all()
    assert not played[samples:].any()
    assert done(d)["output"][0]["content"][0]["transcript"] == transcript


def test_model_breaks_off_in_sound_without_a_transcript(desk: Make, silence: Samples) -> None:
    d = desk([Play(samples=silence, stop=Stop(ms=20))])
    d.send("response.create")
    assert len(d.play()) == 160
    assert done(d)["output"][0]["status"] == "incomplete"


def test_model_is_cancelled(desk: Make) -> None:
    d = desk([Say(text="one"), End(status="cancelled", reason="turn_detected", delay=1.0)])
    d.send("response.create")
    d.wait(1.0)
    response = done(d)
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}


def test_model_makes_trouble_and_goes_on(desk: Make) -> None:
    d = desk([Trouble(message="Oh no", type="server_error", code="a", param="b"), Say(text="one")])
    d.send("response.create")
    events = d.events()
    assert events[1]["type"] == "error"
    assert events[1]["error"] == {
        "type": "server_error",
        "code": "a",
        "message": "Oh no",
        "param": "b",
        "event_id": None,
    }
    assert events[-2]["response"]["status"] == "completed"


def test_model_disconnects_hangs_up_and_takes_a_note(desk: Make) -> None:
    d = desk([Disconnect(code=1011, reason="x"), HangUp(reason="enough"), Note(kind="scenario.step", data={"step": 1})])
    d.send("response.create")
    effects = d.effects()
    assert CloseChannels(code=1011, reason="x") in effects
    assert HangUpCall(reason="enough") in effects
    assert d.records[-1].kind == "scenario.step"
    assert d.records[-1].data["step"] == 1
    assert d.records[-1].data["response_id"].startswith("resp_")
