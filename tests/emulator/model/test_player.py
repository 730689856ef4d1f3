"""Which step answers what, in a session."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.model.builtin import GREETING, BuiltinModel
from ringback.emulator.model.player import Player, Uses
from ringback.emulator.model.schema import read_scenario
from ringback.emulator.realtime.session_config import SessionConfig

Play = Callable[..., Any]

HELLO = {"when": {"start": True}, "say": "hello"}


@pytest.fixture
def play(stage: Callable[..., Any]) -> Play:
    """`play({turn}, {turn}, strict=True)`: a session that plays these turns."""

    def make(*turns: dict[str, Any], fallback: Any = None, **head: Any) -> Any:
        scenario = read_scenario({"scenario": {"name": "x", **head.pop("scenario", {})}, "turn": list(turns), **head})
        return stage(Player(scenario, fallback=fallback or BuiltinModel()))

    return make


def strict(*turns: dict[str, Any]) -> dict[str, Any]:
    return {"scenario": {"strict": True}}


# What is matched


def test_first_step_answers_the_first_response_only(play: Play) -> None:
    s = play(HELLO)
    s.ask()
    s.ask()
    assert s.said() == ["hello", GREETING]
    assert s.steps() == [1]


@pytest.mark.parametrize("by", ["hear", "write"])
def test_step_answers_what_was_heard(play: Play, by: str) -> None:
    s = play({"when": {"heard": "/human|agent/i"}, "say": "One moment: {heard}"})
    getattr(s, by)("An agent please")
    if by == "write":
        s.ask()
    assert s.said() == ["One moment: An agent please"]


def test_step_does_not_answer_what_was_answered_already(play: Play) -> None:
    s = play({"when": {"heard": "x"}, "say": "first"}, {"when": {"heard": "x"}, "say": "second"})
    s.write("x")
    s.ask()
    s.ask()
    assert s.said() == ["first", GREETING]


def test_step_answers_a_result_by_name_and_text(play: Play) -> None:
    s = play(
        {"when": {"start": True}, "call": {"name": "look_up", "arguments": {"who": "me"}}},
        {"when": {"result": "other"}, "say": "no"},
        {"when": {"result": {"name": "look_up", "text": "/name (?P<name>\\w+)/"}}, "say": "{name}: {result}"},
    )
    s.ask()
    assert s.calls == [("look_up", '{"who": "me"}')]
    s.give("their name Ada")
    s.ask()
    assert s.said() == ["Ada: their name Ada"]


def test_step_answers_one_of_several_results(play: Play) -> None:
    s = play({"call": ["f", "g"]}, {"when": {"result": "f"}, "say": "{result}"})
    s.ask()
    ids = [event["call_id"] for event in s.sent if event["type"] == "response.function_call_arguments.done"]
    for call_id, output in zip(ids, ("of f", "of g"), strict=True):
        s.send("conversation.item.create", item={"type": "function_call_output", "call_id": call_id, "output": output})
    s.ask()
    assert s.said() == ["of f"]


def test_step_answers_a_result_whose_call_is_not_there(play: Play) -> None:
    s = play({"when": {"result": {"text": "x"}}, "say": "yes"})
    output = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
    assert s.ask(input=[output], conversation="none")["status"] == "completed"
    assert s.said() == ["yes"]


@pytest.mark.parametrize(
    ("item", "answers"),
    [
        ({"role": "system"}, True),
        ({"type": "message", "text": "be kind"}, True),
        ({"role": "user"}, False),
        ({"type": "function_call_output"}, False),
        ({"text": "be rude"}, False),
    ],
)
def test_step_answers_an_item(play: Play, item: dict[str, Any], answers: bool) -> None:
    s = play({"when": {"item": item}, "say": "yes"})
    s.write("Be kind.", role="system")
    s.ask()
    assert s.said() == ["yes" if answers else GREETING]


def test_step_answers_a_response_by_its_number(play: Play) -> None:
    s = play({"when": {"turn": 2}, "say": "second {turn}"}, {"say": "any {turn}", "times": 2})
    for _ in range(3):
        s.ask()
    assert s.said() == ["any 1", "second 2", "any 3"]


def test_steps_answer_in_their_order_and_as_often_as_they_may(play: Play) -> None:
    s = play({"say": "one", "times": 2}, {"say": "two", "repeat": True}, {"say": "never"})
    for _ in range(5):
        s.ask()
    assert s.said() == ["one", "one", "two", "two", "two"]


# By itself


def test_step_for_keys_begins_by_itself(play: Play) -> None:
    s = play({"when": {"dtmf": "0#"}, "say": {"text": "One moment: {dtmf}", "after_ms": 300}})
    s.play()
    s.press("10")
    s.wait(1.0)
    assert s.said() == []
    s.press("#")
    s.wait(0.2)
    assert s.said() == []
    s.wait(0.2)
    assert s.said() == ["One moment: 10#"]
    s.press("0#")
    s.wait(1.0)
    assert len(s.said()) == 1


def test_keys_are_forgotten_once_a_step_answered(play: Play) -> None:
    s = play({"when": {"dtmf": "/(?P<pin>[0-9]{2})/"}, "say": "{pin}", "repeat": True})
    s.play()
    s.press("1234")
    assert s.said() == ["12", "34"]


def test_step_for_keys_waits_until_it_is_asked(play: Play) -> None:
    s = play({"when": {"dtmf": "1"}, "unasked": False, "say": "you pressed {dtmf}"})
    s.play()
    s.ask()
    s.press("1")
    assert s.said() == [GREETING]
    s.ask()
    s.ask()
    assert s.said() == [GREETING, "you pressed 1", GREETING]


def test_step_for_the_start_begins_by_itself(play: Play) -> None:
    s = play({"when": {"start": True}, "unasked": True, "say": "welcome"}, {"when": {"silence": 9}, "say": "x"})
    assert s.said() == []
    s.play()
    s.play()
    assert s.said() == ["welcome"]


def test_step_for_the_start_answers_who_asks_before_it_began(play: Play) -> None:
    s = play({"when": {"start": True}, "unasked": True, "say": "welcome"})
    s.ask()
    s.play()
    s.play()
    assert s.said() == ["welcome"]


def test_step_for_silence_begins_by_itself_again_and_again(play: Play) -> None:
    s = play(
        {"when": {"silence": 2.0}, "say": "Are you there?", "times": 2}, {"when": {"silence": 5.0}, "hang_up": True}
    )
    s.play()
    for _ in range(2):
        s.wait(2.1)
        s.play()
    s.wait(4.0)
    assert s.said() == ["Are you there?", "Are you there?"]
    assert s.other == []
    s.wait(1.1)
    s.take()
    assert len(s.other) == 1


def test_quiet_that_is_too_short_makes_nobody_speak() -> None:
    scenario = read_scenario({"scenario": {"name": "x"}, "turn": [{"when": {"silence": 2.0}, "say": "x"}]})
    player = Player(scenario, fallback=BuiltinModel())
    player.waited(1.9, SessionConfig())
    assert not player.wants_to_speak()


def test_step_that_begins_by_itself_waits_for_its_turn(play: Play) -> None:
    s = play({"when": {"dtmf": "1", "turn": 2}, "say": "second"}, {"say": "first"})
    s.play()
    s.press("1")
    s.ask()
    s.press("1")
    assert s.said() == ["first", "second"]


def test_nothing_makes_a_scenario_speak_that_only_answers(play: Play) -> None:
    s = play(HELLO)
    s.play()
    s.press("1")
    s.wait(100.0)
    assert s.said() == []


# What is said


def test_scenario_sets_the_pace(play: Play) -> None:
    s = play(
        {"say": "one two three"},
        {"say": {"text": "one two three", "pace_ms": 0}},
        scenario={"pace_ms": 500},
    )
    s.send("response.create")
    s.wait(0.9)
    s.take()
    assert s.sent[-1]["type"] != "rate_limits.updated"
    s.wait(0.2)
    assert [s.ask()["status"], s.said()] == ["completed", 2 * ["one two three"]]


def test_step_plays_ready_sound(play: Play) -> None:
    sound = np.arange(480, dtype=np.int16)
    s = play({"say": {"audio": sound, "transcript": "one"}})
    s.ask()
    assert (s.play() == sound).all()


def test_step_calls_with_a_text_that_is_no_json(play: Play) -> None:
    s = play({"when": {"heard": ""}, "call": {"name": "f", "arguments": '{"text": {heard}'}})
    s.write("hm")
    s.ask()
    assert s.calls == [("f", '{"text": hm')]


def test_step_fails_with_what_it_says(play: Play) -> None:
    s = play({"say": "Well", "fail": {"message": "Out of order", "code": "c"}})
    response = s.ask()
    assert response["status"] == "failed"
    assert response["status_details"]["error"] == {"type": "server_error", "code": "c", "message": "Out of order"}


def test_step_calls_the_tool_of_a_server_of_mcp(play: Play) -> None:
    s = play(
        {
            "when": {"heard": "dice"},
            "call_mcp": {"server": "games", "name": "roll", "arguments": {"what": "{heard}"}, "output": "6"},
        },
        {"when": {"result": "roll"}, "say": "It is {result}."},
        mcp=[{"server": "games", "tools": ["roll"]}],
    )
    s.send(
        "session.update",
        session={
            "type": "realtime",
            "tools": [
                {
                    "type": "mcp",
                    "server_label": "games",
                    "server_url": "https://mcp.example",
                    "require_approval": "never",
                }
            ],
        },
    )
    s.take()
    listed = next(event for event in s.sent if event["type"] == "conversation.item.done")
    assert [tool["name"] for tool in listed["item"]["tools"]] == ["roll"]
    s.write("dice")
    (item,) = s.ask()["output"]
    assert (item["type"], item["name"], item["arguments"], item["output"]) == (
        "mcp_call",
        "roll",
        '{"what": "dice"}',
        "6",
    )
    s.ask()
    assert s.said() == ["It is 6."]


def test_servers_that_a_scenario_does_not_know_offer_what_the_other_model_says(play: Play) -> None:
    class Mute:
        def respond(self, turn: Any) -> tuple[()]:
            return ()

    scenario = read_scenario({"scenario": {"name": "x"}})
    server = {"server_label": "games", "allowed_tools": ["roll"]}
    assert [tool["name"] for tool in Player(scenario, fallback=BuiltinModel()).list_tools(server).tools] == ["roll"]
    assert Player(scenario, fallback=Mute()).list_tools(server).tools == ()


TRANSCRIBED = {"type": "realtime", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}


def test_words_are_transcribed_wrongly_or_not_at_all(play: Play) -> None:
    s = play(
        {"when": {"heard": "ship"}, "say": "A ship?"},
        transcription=[{"heard": "/^sheep$/", "text": "ship"}, {"heard": "mumble", "fail": "No."}],
    )
    s.send("session.update", session=TRANSCRIBED)
    for text in ("sheep", "mumble", "clear"):
        s.hear(text)
        s.play()
    s.take()
    prefix = "conversation.item.input_audio_transcription"
    told = [event for event in s.sent if event["type"] in (f"{prefix}.completed", f"{prefix}.failed")]
    assert [event.get("transcript") for event in told] == ["ship", None, "clear"]
    assert told[1]["error"]["message"] == "No."
    assert s.said() == ["A ship?", "mumble", "clear"]


# Nothing matches


@pytest.mark.parametrize(
    ("turns", "said", "message"),
    [
        ([], None, "no step of the scenario x answers response 1, with nothing to answer: it has none"),
        ([{"when": {"dtmf": "1"}, "say": "x"}], None, "but it begins by itself, and answers nobody who asks"),
        (
            [{"when": {"heard": "banana"}, "say": "x"}, {"when": {"heard": "humans"}, "say": "x", "name": "h"}],
            "a human",
            "the nearest is turn 2 “h” (heard “humans”), turn[2], but “humans” is not in “a human”",
        ),
        ([{"when": {"heard": "x"}, "say": "x"}], None, "but the caller said nothing that is not answered"),
        ([{"when": {"turn": 7}, "say": "x"}], "a", "but it answers response 7, this is response 1"),
        ([{"when": {"dtmf": "1"}, "unasked": False, "say": "x"}], "a", "but no key was pressed, not “1”"),
        ([{"when": {"result": "f"}, "say": "x"}], "a", "but no function’s output came last"),
        (
            [{"when": {"item": {"type": "mcp_call"}}, "say": "x"}],
            "a",
            "but the last item’s type is message, not mcp_call",
        ),
        ([{"when": {"item": {"role": "system"}}, "say": "x"}], "a", "but the last item’s role is user, not system"),
        ([{"when": {"item": {"text": "b"}}, "say": "x"}], "a", "but “b” is not in “a”"),
        ([{"when": {"item": {}}, "say": "x"}], None, "but the conversation has no item"),
    ],
)
def test_strict_scenario_fails_and_names_the_nearest_step(
    play: Play, turns: list[dict[str, Any]], said: str | None, message: str
) -> None:
    s = play(*turns, scenario={"strict": True})
    if said is not None:
        s.write(said)
    response = s.ask()
    assert response["status"] == "failed"
    error = response["status_details"]["error"]
    assert error["code"] == "scenario_unmatched"
    assert message in error["message"]
    (record,) = [record for record in s.records if record.kind == "scenario.unmatched"]
    assert record.data["scenario"] == "x"
    assert f"ringback: {record.data['message']}" == error["message"]
    assert s.said() == []


def test_step_that_has_answered_already_is_the_nearest(play: Play) -> None:
    s = play({"say": "one"}, {"when": {"heard": "x"}, "say": "two"}, scenario={"strict": True})
    s.ask()
    message = s.ask()["status_details"]["error"]["message"]
    assert message.endswith("the nearest is turn 1 (asked), turn[1], but it has answered 1 of 1 times already")


def test_message_says_which_keys_and_which_response_there_were(play: Play) -> None:
    s = play({"when": {"dtmf": "1"}, "unasked": False, "say": "x"}, {"when": {"start": True}, "say": "y"}, **strict())
    s.play()
    s.press("23")
    s.ask()
    assert "the keys are 23, not “1”" in s.ask()["status_details"]["error"]["message"]


@pytest.mark.parametrize(
    ("result", "message"),
    [("g", "but the output is of f, not of g"), ({"text": "b"}, "but “b” is not in f’s “a”")],
)
def test_message_says_what_the_result_was(play: Play, result: Any, message: str) -> None:
    s = play({"call": "f"}, {"when": {"result": result}, "say": "x"}, **strict())
    s.ask()
    s.give("a")
    text = s.ask()["status_details"]["error"]["message"]
    assert message in text
    assert "answers response 2, to f’s “a”" in text


def test_message_says_that_it_is_not_the_first_response(play: Play) -> None:
    s = play(
        {"when": {"item": {"text": "zzz"}}, "say": "x"}, {"when": {"start": True, "heard": "a"}, "say": "y"}, **strict()
    )
    s.write("b")
    s.ask()
    s.write("a")
    assert "zzz" in s.ask()["status_details"]["error"]["message"]


def test_scenario_that_is_not_strict_leaves_the_rest_to_the_built_in_model(play: Play) -> None:
    s = play({"when": {"heard": "x"}, "say": "yes"})
    s.write("something else")
    s.ask()
    assert s.said() == ["something else"]


# What is left


def test_steps_are_unread_until_one_session_has_used_them_up(stage: Callable[..., Any]) -> None:
    turns = [HELLO, {"say": "x", "times": 2}, {"say": "y", "repeat": True}, {"when": {"dtmf": "1"}, "say": "z"}]
    scenario = read_scenario({"scenario": {"name": "x"}, "turn": turns})
    uses = Uses(scenario)
    for _ in range(2):
        s = stage(Player(scenario, fallback=BuiltinModel(), uses=uses))
        s.ask()
        s.ask()
    assert [step.number for step in uses.unread()] == [2, 4]
    s.ask()
    s.play()
    s.press("1")
    assert uses.unread() == []


def test_words_are_told_when_the_answer_is_told_already(play: Play) -> None:
    s = play({"when": {"heard": "ship"}, "say": "Aye."}, transcription=[{"heard": "ship", "after_ms": 300}])
    s.send("session.update", session=TRANSCRIBED)
    s.hear("ship")
    s.take()
    assert s.sent[-1]["type"] == "rate_limits.updated"
    s.wait(0.3)
    s.take()
    assert s.sent[-1]["transcript"] == "ship"


def test_turn_ends_where_the_scenario_says(play: Play) -> None:
    semantic = {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}}
    ends = [{"heard": "/\\?$/"}, {"heard": "that is all"}]
    s = play({"when": {"heard": ""}, "say": "{heard}", "repeat": True}, end_of_turn=ends)
    s.send("session.update", session={"type": "realtime", "audio": semantic})
    s.hear("I would like")
    assert s.said() == []
    s.hear("some tea?")
    assert s.said() == ["I would like some tea?"]
    s.hear("With milk. That is all.")
    assert s.said()[1:] == ["With milk. That is all."]
    turn = [each for each in s.sent if each["type"].startswith(("input_audio_buffer.", "response.created"))]
    assert [each["type"].rpartition(".")[2] for each in turn] == [
        *("speech_started", "speech_stopped", "committed", "created")
    ] * 2
    assert turn[1]["item_id"] == turn[2]["item_id"] == turn[0]["item_id"]
