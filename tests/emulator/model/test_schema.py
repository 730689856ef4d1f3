from typing import Any

import pytest
from ringback.emulator.model.problems import ScenarioError, shown
from ringback.emulator.model.scenario import Scenario
from ringback.emulator.model.schema import parse_scenario, read_scenario
from ringback.emulator.realtime.transcription import TranscriptionFailure
from ringback.emulator.sessions.model import McpListing

RECEPTIONIST = """
[scenario]
name = "receptionist"
description = "Answers the phone."
strict = true
pace_ms = 100

[[turn]]
name = "hello"
when = { start = true }
say  = "Thank you for calling, how can I help you?"

[[turn]]
when = { heard = "/human|agent/i" }
call = { name = "transfer", arguments = { target = "tel:+14155550123" } }
times = 2

[[turn]]
when = { dtmf = "0#" }
say  = { text = "One moment.", after_ms = 300 }
repeat = true
"""


def read(turn: dict[str, Any], **more: Any) -> Scenario:
    return read_scenario({"scenario": {"name": "x"}, "turn": [{"say": "x", **turn}], **more})


def problems(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as raised:
        parse_scenario(text, file="x.toml")
    return str(raised.value).splitlines()


def test_scenario_of_toml_is_read() -> None:
    scenario = parse_scenario(RECEPTIONIST, file="receptionist.toml")
    assert (scenario.name, scenario.is_strict, scenario.pace) == ("receptionist", True, 0.1)
    assert scenario.description == "Answers the phone."
    assert [step.number for step in scenario.steps] == [1, 2, 3]
    assert [step.name for step in scenario.steps] == ["hello", None, None]
    assert [step.where for step in scenario.steps] == [f"receptionist.toml:{line}" for line in (8, 13, 18)]
    assert [step.times for step in scenario.steps] == [1, 2, None]
    assert [step.is_unasked for step in scenario.steps] == [False, False, True]


def test_scenario_of_plain_data_is_read() -> None:
    scenario = read({"repeat": False})
    assert (scenario.name, scenario.is_strict, scenario.pace) == ("x", False, None)
    assert scenario.steps[0].where == "turn[1]"
    assert scenario.steps[0].times == 1


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ({}, "asked"),
        ({"start": True}, "at the start"),
        ({"heard": "human"}, "heard “human”"),
        ({"heard": "", "turn": 3}, "anything heard, response 3"),
        ({"dtmf": "/[0-9]{4}#/"}, "keys /[0-9]{4}#/"),
        ({"result": "transfer"}, "result of transfer"),
        ({"result": {"text": "/ok/"}}, "result with /ok/"),
        ({"result": {"name": "f", "text": "ok"}}, "result of f with “ok”"),
        ({"item": {}}, "item"),
        ({"item": {"type": "message", "role": "system", "text": "x"}}, "system message with “x”"),
        ({"silence": 2.5}, "2.5 s of quiet"),
        ({"start": True, "dtmf": "1"}, "at the start, keys “1”"),
    ],
)
def test_condition_is_read(when: dict[str, Any], text: str) -> None:
    assert str(read({"when": when}).steps[0].when) == text


@pytest.mark.parametrize(
    ("turn", "is_unasked"),
    [
        ({"when": {"start": True}}, False),
        ({"when": {"start": True}, "unasked": True}, True),
        ({"when": {"dtmf": "1"}}, True),
        ({"when": {"dtmf": "1"}, "unasked": False}, False),
        ({"when": {"silence": 1}}, True),
    ],
)
def test_turn_begins_by_itself_where_nobody_asks(turn: dict[str, Any], is_unasked: bool) -> None:
    assert read(turn).steps[0].is_unasked is is_unasked


def test_servers_of_mcp_are_read() -> None:
    tool = {"name": "b", "description": "d", "input_schema": {"type": "object"}, "annotations": {}}
    servers = [{"server": "one", "tools": ["a", tool], "after_ms": 500}, {"server": "two", "fails": True}]
    assert read({}, mcp=servers).servers == {
        "one": McpListing(tools=({"name": "a", "input_schema": {"type": "object"}}, tool), delay=0.5),
        "two": McpListing(fails=True),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[scenario\nname = 1", "x.toml:1: this is no TOML: Expected ']' at the end of a table declaration"),
        ("[scenario]\nname = '''", "x.toml:2: this is no TOML: Expected \"'''\""),
        ('turn = []\nscenario = "x"', "x.toml:2: scenario: a table is needed, not 'x'"),
        ("", 'x.toml:1: scenario: a name is needed: name = "…"'),
        ('[scenario]\nname = "a b"', "x.toml:2: scenario.name: letters, digits, . _ and - make a name, not 'a b'"),
        ("[scenario]\nname = 1", "x.toml:2: scenario.name: a text is needed, not 1"),
        (
            '[scenario]\nname = "x"\nstirct = true',
            "x.toml:3: scenario.stirct: there is no such key; did you mean strict? "
            "The keys here are name, description, strict, pace_ms",
        ),
        ('[scenario]\nname = "x"\nstrict = 1', "x.toml:3: scenario.strict: true or false is needed, not 1"),
        (
            '[scenario]\nname = "x"\npace_ms = -1',
            "x.toml:3: scenario.pace_ms: a number from 0 to 60000 is needed, not -1",
        ),
        ('turn = 1\n[scenario]\nname = "x"', "x.toml:1: turn: turns are an array of tables: [[turn]]"),
        ('mcp = 1\n[scenario]\nname = "x"', "x.toml:1: mcp: MCP servers are an array of tables: [[mcp]]"),
        (
            '[scenario]\nname = "x"\n[zzz]',
            "x.toml:3: zzz: there is no such key; The keys here are scenario, turn, transcription, end_of_turn, mcp",
        ),
    ],
)
def test_file_that_is_wrong_is_refused_with_the_line(text: str, problem: str) -> None:
    assert [line[: len(problem)] for line in problems(text)] == [problem]


@pytest.mark.parametrize(
    ("turn", "problem"),
    [
        ("when = 1", "turn[1].when: a table is needed, not 1"),
        ('when = { heerd = "x" }', "turn[1].when.heerd: there is no such key; did you mean heard?"),
        ('when = { heard = "x", dtmf = "1" }', "turn[1].when.dtmf: heard is there already: a turn answers one of"),
        ("when = { start = true, turn = 1 }", "turn[1].when.turn: start is there already"),
        ("when = { heard = 1 }", "turn[1].when.heard: a text is needed, not 1"),
        ('when = { heard = "/(/" }', 'turn[1].when.heard: "/(/" is no regular expression: missing )'),
        ('when = { dtmf = "x" }', "turn[1].when.dtmf: keys are 0 to 9, *, # and A to D"),
        ('when = { dtmf = "/(/" }', 'turn[1].when.dtmf: "/(/" is no regular expression'),
        ('when = { result = "" }', "turn[1].when.result: a text is needed, not ''"),
        ('when = { result = { nam = "" } }', "turn[1].when.result.nam: there is no such key; did you mean name?"),
        ('when = { item = { role = "caller" } }', "turn[1].when.item.role: one of user, assistant, system is needed"),
        ("when = { silence = 0 }", "turn[1].when.silence: a number from 0.02 to 3600 is needed, not 0"),
        ("when = { turn = true }", "turn[1].when.turn: a whole number from 1 to 1000000 is needed, not True"),
        ("times = 0", "turn[1].times: a whole number from 1"),
        ("times = 2\nrepeat = true", "turn[1].repeat: repeat means without end: leave out either it or times"),
        ("name = 1", "turn[1].name: a text is needed"),
        ("unasked = true", "turn[1].unasked: only what answers start, dtmf or silence can begin by itself"),
        ('unasked = "yes"', "turn[1].unasked: true or false is needed"),
        ("when = { silence = 1 }\nunasked = false", "turn[1].unasked: nobody asks in a silence"),
    ],
)
def test_turn_that_is_wrong_is_refused_with_the_line(turn: str, problem: str) -> None:
    (found,) = problems(f'[scenario]\nname = "x"\n\n[[turn]]\nsay = "x"\n{turn}')
    assert found.split(": ", 1)[1].startswith(problem)
    assert found.split(":")[1] == ("7" if "\n" in turn else "6")


def test_transcriptions_are_read() -> None:
    hearings = [
        {"heard": "/b/", "text": "c"},
        {"fail": "no"},
        {"heard": "x", "fail": {"message": "m", "type": "t", "code": "c"}},
        {"fail": {}},
        {"heard": "late", "after_ms": 500, "pace_ms": 20},
    ]
    assert [(hearing.heard.source, hearing.told) for hearing in read({}, transcription=hearings).hearings] == [
        ("/b/", "c"),
        ("", TranscriptionFailure(message="no")),
        ("x", TranscriptionFailure(message="m", type="t", code="c")),
        ("", TranscriptionFailure(message="The audio could not be transcribed.")),
        ("late", None),
    ]
    late = read({}, transcription=hearings).hearings[-1]
    assert (late.delay, late.pace) == (0.5, 0.02)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("transcription = 1", "transcription: transcriptions are an array of tables"),
        (
            '[[transcription]]\nheard = "x"',
            "transcription[1]: what was heard is told as another text, fails, or is late",
        ),
        ('[[transcription]]\nfail = "x"\ntext = "y"', "transcription[1].fail: text is there already"),
        ('[[transcription]]\nafter_ms = "x"', "transcription[1].after_ms: a number from 0 to 3.6e+06 is needed"),
        ("[[transcription]]\npace_ms = -1", "transcription[1].pace_ms: a number from 0 to 60000 is needed"),
        ('[[transcription]]\nheard = "/(/"\ntext = "y"', 'transcription[1].heard: "/(/" is no regular'),
        ("[[transcription]]\ntext = 1", "transcription[1].text: a text is needed"),
        ("[[transcription]]\nfail = 1", "transcription[1].fail: a table is needed"),
        ("[[transcription]]\nfail = { code = 1 }", "transcription[1].fail.code: a text is needed"),
    ],
)
def test_transcription_that_is_wrong_is_refused(given: str, problem: str) -> None:
    (found,) = problems(f'{given}\n[scenario]\nname = "x"')
    assert found.split(": ", 1)[1].startswith(problem)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("end_of_turn = 1", "1: end_of_turn: ends of turns are an array of tables: [[end_of_turn]]"),
        ("[[end_of_turn]]", "1: end_of_turn[1]: a turn ends by words: heard = …"),
        ("end_of_turn = [1]", "1: end_of_turn[1]: a table is needed, not 1"),
        (
            '[[end_of_turn]]\nherd = "x"\nheard = "x"',
            "2: end_of_turn[1].herd: there is no such key; did you mean heard",
        ),
        ('[[end_of_turn]]\nheard = "/x"', '2: end_of_turn[1].heard: "/x" begins as a regular expression'),
        ("[[end_of_turn]]\nheard = 1", "2: end_of_turn[1].heard: a text is needed, not 1"),
    ],
)
def test_end_of_turn_that_is_wrong_is_refused_with_the_line(given: str, problem: str) -> None:
    (found,) = problems(f'{given}\n[scenario]\nname = "x"')
    assert found.split(":", 1)[1].startswith(problem)


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        ("after_ms = 1", "mcp[1]: an MCP server needs its label: server = …"),
        ('server = "a"\ntools = 1', "mcp[1].tools: tools are an array"),
        ('server = "a"\ntools = [{ nam = "x" }]', "mcp[1].tools[1].nam: there is no such key; did you mean name?"),
        ('server = "a"\nfails = 1', "mcp[1].fails: true or false"),
        ('server = ""', "mcp[1].server: a text is needed"),
    ],
)
def test_server_that_is_wrong_is_refused(server: str, problem: str) -> None:
    first, *_ = problems(f'[scenario]\nname = "x"\n[[mcp]]\n{server}')
    assert first.split(": ", 1)[1].startswith(problem)


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_its_lines() -> None:
    found = problems('[[turn]]\nsay = 1\n[[turn]]\ntimes = "x"\n[scenario]\nname = ""')
    assert [problem.split(":")[1] for problem in found] == ["2", "3", "4", "6"]


def test_long_value_is_shortened_in_a_message() -> None:
    assert shown("x" * 100) == "'" + "x" * 56 + "…"
