from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import Samples
from ringback.emulator.errors import UsageError
from ringback.emulator.model.problems import ScenarioError
from ringback.emulator.model.scenario import Action, Called, CalledMcp, Spoken
from ringback.emulator.model.schema import read_scenario
from ringback.emulator.sessions.model import (
    Disconnect,
    End,
    Fail,
    HangUp,
    McpError,
    Silence,
    Stop,
    Trouble,
)

SOUND = np.zeros(80, dtype=np.int16)
TOO_LONG = End(status="incomplete", reason="max_output_tokens")


def read_audio(name: str) -> Samples:
    if name != "there.wav":
        raise UsageError(f"{name} is not there")
    return SOUND


def actions(**turn: Any) -> tuple[Action, ...]:
    scenario = read_scenario({"scenario": {"name": "x"}, "turn": [turn]}, read_audio=read_audio, close_code=4001)
    return scenario.steps[0].actions


def problem(**turn: Any) -> str:
    with pytest.raises(ScenarioError) as raised:
        actions(**turn)
    (found,) = raised.value.problems
    return found.message


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ({"say": "one"}, [Spoken(text="one")]),
        ({"say": ["one", {"text": "two"}]}, [Spoken(text="one"), Spoken(text="two")]),
        (
            {"say": {"text": "one", "after_ms": 300, "pace_ms": 50}},
            [Spoken(text="one", delay=0.3, pace=0.05)],
        ),
        ({"say": {"text": "one", "overlaps": True}}, [Spoken(text="one", overlaps=True)]),
        ({"say": {"text": "one", "stop_after": 2}}, [Spoken(text="one", stop=Stop(characters=2)), TOO_LONG]),
        (
            {"say": {"text": "one", "stop_after_ms": 20, "then": "content_filter"}},
            [Spoken(text="one", stop=Stop(ms=20)), End(status="incomplete", reason="content_filter")],
        ),
        (
            {"say": {"text": "one", "stop_after": 0, "then": "turn_detected"}},
            [Spoken(text="one", stop=Stop(characters=0)), End(status="cancelled", reason="turn_detected")],
        ),
        ({"say": {"text": "one", "stop_after": 2, "then": "go on"}}, [Spoken(text="one", stop=Stop(characters=2))]),
        ({"call": "f"}, [Called(name="f", arguments={})]),
        ({"call": {"name": "f", "arguments": "{"}}, [Called(name="f", arguments="{")]),
        (
            {"call": [{"name": "f", "after_ms": 5, "pace_ms": 5}, "g"]},
            [Called(name="f", arguments={}, delay=0.005, pace=0.005), Called(name="g", arguments={})],
        ),
        (
            {"say": "one", "call": {"name": "f", "arguments": {"a": [1, "{heard}"]}}},
            [Spoken(text="one"), Called(name="f", arguments={"a": [1, "{heard}"]})],
        ),
        ({"call_mcp": {"server": "s", "name": "f"}}, [CalledMcp(server="s", name="f", arguments={})]),
        (
            {
                "call_mcp": {
                    "server": "s",
                    "name": "f",
                    "arguments": {"a": 1},
                    "output": "{}",
                    "takes_ms": 10,
                    "after_ms": 20,
                    "pace_ms": 30,
                }
            },
            [CalledMcp(server="s", name="f", arguments={"a": 1}, output="{}", takes=0.01, delay=0.02, pace=0.03)],
        ),
        (
            {"call_mcp": {"server": "s", "name": "f", "error": "no"}},
            [CalledMcp(server="s", name="f", arguments={}, error=McpError(type="tool_execution_error", message="no"))],
        ),
        (
            {"call_mcp": {"server": "s", "name": "f", "error": {"type": "http_error", "message": "no", "code": 500}}},
            [CalledMcp(server="s", name="f", arguments={}, error=McpError(type="http_error", message="no", code=500))],
        ),
        ({"silent": True}, []),
        ({"silent": True, "wait_ms": 10}, [Silence(delay=0.01)]),
        ({"fail": "Out of order"}, [Fail(message="Out of order")]),
        (
            {"fail": {"message": "m", "type": "t", "code": "c", "after_ms": 1}},
            [Fail(message="m", type="t", code="c", delay=0.001)],
        ),
        ({"fail": {}}, [Fail(message="The server had an error while processing your request.")]),
        ({"incomplete": "content_filter"}, [End(status="incomplete", reason="content_filter")]),
        ({"cancelled": "client_cancelled"}, [End(status="cancelled", reason="client_cancelled")]),
        (
            {"error": {"message": "m", "param": "p"}, "say": "one"},
            [Trouble(message="m", param="p"), Spoken(text="one")],
        ),
        ({"disconnect": True}, [Disconnect(code=4001)]),
        ({"disconnect": 1000}, [Disconnect(code=1000)]),
        ({"disconnect": {}}, [Disconnect(code=4001)]),
        (
            {"disconnect": {"code": 3000, "reason": "r", "after_ms": 10}},
            [Disconnect(code=3000, reason="r", delay=0.01)],
        ),
        ({"hang_up": True}, [HangUp(reason="the scenario hangs up")]),
        ({"hang_up": {"reason": "r", "after_ms": 10}}, [HangUp(reason="r", delay=0.01)]),
        (
            {"do": [{"call": "f"}, {"wait_ms": 100}, {"say": "one"}, {"fail": "x"}]},
            [Called(name="f", arguments={}), Silence(delay=0.1), Spoken(text="one"), Fail(message="x")],
        ),
    ],
)
def test_turn_does_what_it_says(turn: dict[str, Any], expected: list[Action]) -> None:
    assert actions(**turn) == tuple(expected)


@pytest.mark.parametrize("audio", ["there.wav", SOUND])
def test_turn_plays_sound(audio: Any) -> None:
    (spoken,) = actions(say={"audio": audio, "transcript": "one"})
    assert isinstance(spoken, Spoken)
    assert spoken.samples is SOUND
    assert spoken.text == "one"


@pytest.mark.parametrize(
    ("turn", "message"),
    [
        ({}, "turn[1]: the turn does nothing: give it one of wait_ms, error, say, call"),
        ({"say": 1}, "turn[1].say: a table is needed, not 1"),
        ({"say": {}}, "turn[1].say: a message has either text or audio"),
        ({"say": {"text": "a", "audio": "there.wav"}}, "turn[1].say: a message has either text or audio"),
        ({"say": {"text": "a", "transcript": "b"}}, "turn[1].say.transcript: a text is its own transcript"),
        ({"say": {"text": 1}}, "turn[1].say.text: a text is needed"),
        ({"say": {"audio": "gone.wav"}}, "turn[1].say.audio: gone.wav is not there"),
        ({"say": {"audio": 1}}, "turn[1].say.audio: a text is needed"),
        ({"say": {"audio": SOUND.astype(np.float32)}}, "turn[1].say.audio: sound is one row of 16-bit samples"),
        ({"say": {"text": "a", "then": "go on"}}, "turn[1].say.then: this says how a message that stops ends"),
        ({"say": {"text": "a", "stop_after": 1, "then": "x"}}, "turn[1].say.then: one of max_output_tokens"),
        ({"say": {"text": "a", "stop_after": 1, "stop_after_ms": 1}}, "turn[1].say.stop_after_ms: stop_after is there"),
        ({"say": {"text": "a", "stop_after": -1}}, "turn[1].say.stop_after: a whole number"),
        ({"say": {"text": "a", "stop_after_ms": -1}}, "turn[1].say.stop_after_ms: a whole number"),
        ({"say": {"text": "a", "after_ms": "b"}}, "turn[1].say.after_ms: a number from 0"),
        ({"say": ["a", "{herd}"]}, "turn[1].say[2]: nothing fills {herd} in; did you mean {heard}? There are dtmf"),
        ({"say": "{zzz}"}, "turn[1].say: nothing fills {zzz} in; There are dtmf"),
        ({"call": {"arguments": {}}}, "turn[1].call: a call needs the name of a function"),
        ({"call": ""}, "turn[1].call: a text is needed"),
        ({"call": {"name": "f", "arguments": 1}}, "turn[1].call.arguments: arguments are a table, or a text"),
        ({"call": {"name": "f", "arguments": {"a": "{zzz}"}}}, "turn[1].call.arguments: nothing fills {zzz} in"),
        ({"call_mcp": {"server": "s"}}, "turn[1].call_mcp: a call of an MCP server’s tool needs its name"),
        ({"call_mcp": 1}, "turn[1].call_mcp: a table is needed"),
        ({"call_mcp": {"server": "s", "name": "f", "output": "", "error": "e"}}, "turn[1].call_mcp.error: output is"),
        ({"call_mcp": {"server": "s", "name": "f", "error": {"type": "x"}}}, "turn[1].call_mcp.error.type: one of"),
        ({"call_mcp": {"server": "s", "name": "f", "error": {"code": 1}}}, "turn[1].call_mcp.error.code: a tool_"),
        ({"silent": False}, "turn[1].silent: silent = true says"),
        ({"silent": 1}, "turn[1].silent: true or false"),
        ({"silent": True, "say": "x"}, "turn[1].silent: silent says that nothing happens; there is say too"),
        ({"fail": {"message": 1}}, "turn[1].fail.message: a text is needed"),
        ({"incomplete": "x"}, "turn[1].incomplete: one of max_output_tokens, content_filter is needed"),
        ({"cancelled": True}, "turn[1].cancelled: one of turn_detected, client_cancelled is needed"),
        ({"disconnect": 7}, "turn[1].disconnect: a whole number from 1000 to 4999 is needed, not 7"),
        ({"disconnect": False}, "turn[1].disconnect: a table is needed"),
        ({"hang_up": False}, "turn[1].hang_up: a table is needed"),
        ({"do": []}, "turn[1].do: an array of things to do is needed"),
        ({"do": [{"say": "x"}], "say": "x"}, "turn[1].say: this turn has do: put it there"),
        ({"do": ["x"]}, "turn[1].do[1]: a table is needed"),
        ({"do": [{}]}, "turn[1].do[1]: one of wait_ms, error"),
        ({"do": [{"fail": "x"}, {"say": "x"}]}, "turn[1].do[2]: fail ends the response: nothing can follow"),
    ],
)
def test_turn_that_is_wrong_is_refused(turn: dict[str, Any], message: str) -> None:
    assert problem(**turn).startswith(message)


def test_scenario_without_a_file_names_no_sound() -> None:
    with pytest.raises(ScenarioError, match="can't name others"):
        read_scenario({"scenario": {"name": "x"}, "turn": [{"say": {"audio": "there.wav"}}]})


def test_group_of_a_regular_expression_is_a_placeholder() -> None:
    (spoken,) = actions(when={"heard": "/in (?P<place>.*)/"}, say="{place}")
    assert spoken == Spoken(text="{place}")
