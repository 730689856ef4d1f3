"""Whose scenario plays in which session, and which one a marker names."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ringback.emulator.errors import UsageError
from ringback.emulator.model.builder import ScenarioBuilder
from ringback.emulator.model.builtin import GREETING, BuiltinModel
from ringback.emulator.model.casting import Casting, Part, marked, name_of
from ringback.emulator.model.scenario import Scenario
from ringback.emulator.model.schema import read_scenario
from ringback.emulator.realtime.session_config import SessionConfig
from ringback.emulator.sessions.model import Output, Say, Turn


def says(text: str, name: str = "x", **head: Any) -> Part:
    return read_scenario({"scenario": {"name": name, **head}, "turn": [{"say": text, "times": 2}]})


KNOWN: dict[str, Part] = {
    "one": says("one", "one", strict=True),
    "keys": read_scenario({"scenario": {"name": "keys"}, "turn": [{"when": {"dtmf": "1"}, "say": "sales"}]}),
    "function": lambda turn: "a function",
    "quiet": read_scenario({"scenario": {"name": "quiet"}, "turn": [{"when": {"silence": 1}, "say": "hello?"}]}),
}


def find(name: str) -> Part:
    if name not in KNOWN:
        raise UsageError(f"there is no {name}")
    return KNOWN[name]


@pytest.fixture
def casting() -> Casting:
    return Casting(fallback=lambda project_id: BuiltinModel(), find=find)


Play = Callable[..., Any]


def test_project_without_a_scenario_has_the_built_in_model(casting: Casting, stage: Play) -> None:
    s = stage(casting.model_for("p"))
    s.ask()
    assert s.said() == [GREETING]
    assert casting.chosen("p") is None
    assert casting.unread("p") == []


def test_scenario_of_a_project_plays_in_its_sessions_only(casting: Casting, stage: Play) -> None:
    casting.choose("p", says("hello"))
    mine, theirs = stage(casting.model_for("p")), stage(casting.model_for("q"))
    mine.ask()
    theirs.ask()
    assert (mine.said(), theirs.said()) == (["hello"], [GREETING])


def test_session_that_runs_keeps_its_scenario(casting: Casting, stage: Play) -> None:
    casting.choose("p", says("first"))
    before = stage(casting.model_for("p"))
    casting.choose("p", says("second"))
    after = stage(casting.model_for("p"))
    casting.forget("p")
    for s in (before, after):
        s.ask()
    assert (before.said(), after.said()) == (["first"], ["second"])
    assert casting.chosen("p") is None


@pytest.mark.parametrize(
    "response",
    [
        {"metadata": {"ringback:scenario": "one"}},
        {"instructions": "Be nice. ringback:scenario=one."},
    ],
)
def test_marker_of_a_response_names_who_answers_it(casting: Casting, stage: Play, response: dict[str, Any]) -> None:
    casting.choose("p", says("chosen"))
    s = stage(casting.model_for("p"))
    s.ask(**response)
    s.ask()
    s.ask(**response)
    assert s.said() == ["one", "chosen", "one"]
    assert s.steps() == [1, 1, 1]


def test_marker_of_a_session_names_who_answers_in_it(casting: Casting, stage: Play) -> None:
    s = stage(casting.model_for("p"), instructions="ringback:scenario=one")
    s.ask()
    s.send("session.update", session={"type": "realtime", "instructions": "ringback:scenario=keys"})
    s.play()
    s.press("1")
    assert s.said() == ["one", "sales"]


def test_marker_names_who_speaks_unasked(casting: Casting, stage: Play) -> None:
    casting.choose("p", KNOWN["keys"])
    s = stage(casting.model_for("p"), instructions="ringback:scenario=quiet")
    s.play()
    s.press("1")
    s.wait(1.1)
    assert s.said() == ["hello?"]


def test_marker_names_a_function_which_never_speaks_unasked(casting: Casting, stage: Play) -> None:
    model: Any = casting.model_for("p")
    s = stage(model, instructions="ringback:scenario=function")
    s.play()
    s.press("1")
    model.waited(9.0, s.host.session.config)
    assert s.said() == []
    s.ask()
    assert s.said() == ["a function"]


@pytest.mark.parametrize("part", [None, "keys"])
def test_marker_that_nobody_has_lets_the_response_fail(casting: Casting, stage: Play, part: str | None) -> None:
    if part is not None:
        casting.choose("p", KNOWN[part])
    s = stage(casting.model_for("p"), instructions="ringback:scenario=nobody")
    s.play()
    s.press("1")
    s.wait(1.0)
    response = s.ask()
    assert response["status_details"]["error"] == {
        "type": "server_error",
        "code": "scenario_unmatched",
        "message": "ringback: there is no nobody",
    }
    unmatched = [record.data for record in s.records if record.kind == "scenario.unmatched"]
    assert [(data["scenario"], data["message"]) for data in unmatched] == [("nobody", "there is no nobody")]
    assert s.said() == []


def test_scenario_that_is_still_being_written_plays_as_it_is_when_a_session_begins(
    casting: Casting, stage: Play
) -> None:
    builder = ScenarioBuilder("mine", strict=True)
    casting.choose("p", builder)
    builder.when(start=True).say("hello")
    s = stage(casting.model_for("p"))
    s.ask()
    builder.when(heard="x").say("y")
    assert s.said() == ["hello"]
    assert [str(step) for step in casting.unread("p")] == ["turn 2 (heard “x”)"]
    builder.turns[0]["say"] = "hi"
    del builder.turns[0]["do"]
    assert [step.number for step in casting.unread("p")] == [1, 2]


def test_function_answers_a_turn(casting: Casting, stage: Play) -> None:
    def answer(turn: Turn) -> Iterator[Output | str]:
        yield "one"
        yield Say(text=turn.cause)

    casting.choose("p", answer)
    s = stage(casting.model_for("p"))
    s.ask()
    s.play()
    s.press("1")
    assert s.said() == ["one", "client"]
    assert casting.unread("p") == []
    assert name_of(answer) == "answer"


@pytest.mark.parametrize(("given", "said"), [("one", ["one"]), (None, []), ([], [])])
def test_function_gives_a_text_or_nothing(casting: Casting, stage: Play, given: Any, said: list[str]) -> None:
    casting.choose("p", lambda turn: given)
    s = stage(casting.model_for("p"))
    s.ask()
    assert s.said() == said


def test_unread_are_the_steps_of_strict_scenarios(casting: Casting, stage: Play) -> None:
    casting.choose("p", says("chosen", "chosen", strict=True))
    assert [step.number for step in casting.unread("p")] == [1]
    s = stage(casting.model_for("p"))
    s.ask(metadata={"ringback:scenario": "one"})
    assert len(casting.unread("p")) == 2
    for response in ({}, {}, {"metadata": {"ringback:scenario": "one"}}):
        s.ask(**response)
    assert casting.unread("p") == []
    assert casting.unread("q") == []
    casting.choose("p", says("chosen", "chosen"))
    assert casting.unread("p") == []


def test_steps_are_counted(casting: Casting, stage: Play) -> None:
    part = says("hello")
    casting.choose("p", part)
    stage(casting.model_for("p")).ask()
    assert isinstance(part, Scenario)
    assert casting.used("p", part) == [1]
    assert name_of(part) == "x"


@pytest.mark.parametrize(
    ("model", "tools"),
    [
        (None, ["roll"]),
        (lambda turn: None, ["roll"]),
        (
            read_scenario({"scenario": {"name": "x"}, "mcp": [{"server": "games", "tools": ["other"]}]}),
            ["other"],
        ),
    ],
)
def test_servers_of_mcp_are_those_of_the_scenario_or_of_the_other_model(
    casting: Casting, model: Any, tools: list[str]
) -> None:
    if model is not None:
        casting.choose("p", model)
    listing: Any = casting.model_for("p")
    server = {"server_label": "games", "allowed_tools": ["roll"]}
    assert [tool["name"] for tool in listing.list_tools(server).tools] == tools


def test_servers_of_mcp_offer_nothing_where_no_model_knows_them() -> None:
    class Mute:
        def respond(self, turn: Turn) -> tuple[()]:
            return ()

    casting = Casting(fallback=lambda project_id: Mute(), find=find)
    listing: Any = casting.model_for("p")
    assert listing.list_tools({"server_label": "games"}).tools == ()


def test_words_are_transcribed_as_whoever_plays_says(casting: Casting) -> None:
    wrong = {"scenario": {"name": "x"}, "transcription": [{"text": "wrong"}]}
    casting.choose("p", read_scenario(wrong))
    model: Any = casting.model_for("p")
    assert model.transcribe("right", SessionConfig()).told == "wrong"
    for name in ("one", "function", "nobody"):
        assert model.transcribe("right", SessionConfig(instructions=f"ringback:scenario={name}")) == "right"


def test_turn_ends_as_whoever_plays_says(casting: Casting) -> None:
    casting.choose("p", read_scenario({"scenario": {"name": "x"}, "end_of_turn": [{"heard": "over"}]}))
    model: Any = casting.model_for("p")
    assert [model.ends_turn(heard, SessionConfig()) for heard in ("and", "Over.")] == [False, True]
    for name in ("one", "function", "nobody"):
        assert model.ends_turn("over", SessionConfig(instructions=f"ringback:scenario={name}")) is None


@pytest.mark.parametrize(
    ("instructions", "name"),
    [
        (None, None),
        ("", None),
        ("Be nice.", None),
        ("ringback:scenario=", None),
        ("a ringback:scenario=dtmf_menu b", "dtmf_menu"),
        ("(ringback:scenario=a.b-c.)", "a.b-c"),
    ],
)
def test_marker_is_found_in_instructions(instructions: str | None, name: str | None) -> None:
    assert marked(instructions) == name
