import numpy as np
import pytest
from ringback.emulator.model.builder import ScenarioBuilder
from ringback.emulator.model.problems import ScenarioError
from ringback.emulator.model.scenario import Called, CalledMcp, Spoken
from ringback.emulator.sessions.model import Disconnect, End, Fail, HangUp, Silence, Trouble


def test_scenario_is_written_turn_by_turn() -> None:
    builder = ScenarioBuilder("x", strict=True, description="d", pace_ms=100)
    builder.mcp("games", tools=["roll"]).transcription("sheep", text="ship").end_of_turn("/[.?]$/")
    builder.when(start=True, name="hello").say("hello").wait(100).say("there", after_ms=200)
    builder.when(heard="/human/", times=2).call("transfer", target="tel:+1").call_with("f", "{", pace_ms=10)
    builder.when(dtmf="1", unasked=False, repeat=True).silent()
    builder.always().call_mcp("games", "roll", output="6")
    scenario = builder.build()
    assert (scenario.name, scenario.is_strict, scenario.description, scenario.pace) == ("x", True, "d", 0.1)
    assert list(scenario.servers) == ["games"]
    assert [hearing.told for hearing in scenario.hearings] == ["ship"]
    assert [pattern.source for pattern in scenario.ends] == ["/[.?]$/"]
    assert [str(step) for step in scenario.steps] == [
        "turn 1 “hello” (at the start)",
        "turn 2 (heard /human/)",
        "turn 3 (keys “1”)",
        "turn 4 (asked)",
    ]
    assert [step.times for step in scenario.steps] == [1, 2, None, 1]
    assert [step.actions for step in scenario.steps] == [
        (Spoken(text="hello"), Silence(delay=0.1), Spoken(text="there", delay=0.2)),
        (Called(name="transfer", arguments={"target": "tel:+1"}), Called(name="f", arguments="{", pace=0.01)),
        (),
        (CalledMcp(server="games", name="roll", arguments={}, output="6"),),
    ]


def test_turn_fails_in_every_way() -> None:
    builder = ScenarioBuilder()
    builder.always().error("m", code="c").fail("f", type="t")
    builder.always().incomplete()
    builder.always().cancelled()
    builder.always().disconnect().disconnect(4000, reason="r").hang_up()
    assert [step.actions for step in builder.build().steps] == [
        (Trouble(message="m", code="c"), Fail(message="f", type="t")),
        (End(status="incomplete", reason="max_output_tokens"),),
        (End(status="cancelled", reason="turn_detected"),),
        (Disconnect(code=1011), Disconnect(code=4000, reason="r"), HangUp(reason="the scenario hangs up")),
    ]


def test_turn_plays_sound() -> None:
    sound = np.zeros(80, dtype=np.int16)
    builder = ScenarioBuilder()
    builder.always().say(audio=sound, transcript="one")
    (spoken,) = builder.build().steps[0].actions
    assert isinstance(spoken, Spoken)
    assert spoken.samples is sound


def test_turn_that_is_wrong_is_refused_when_the_scenario_is_built() -> None:
    builder = ScenarioBuilder()
    builder.when(heerd="x").say("y")
    with pytest.raises(ScenarioError, match=r"turn\[1\].when.heerd: there is no such key; did you mean heard\?"):
        builder.build()
