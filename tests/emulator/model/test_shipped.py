"""Every scenario that comes along, played."""

from collections.abc import Callable
from typing import Any

import pytest
from ringback.emulator.model.builtin import BuiltinModel
from ringback.emulator.model.player import Player
from ringback.emulator.scenario_files import shipped, shipped_names

Play = Callable[[str], Any]


@pytest.fixture
def play(stage: Callable[..., Any]) -> Play:
    return lambda name: stage(Player(shipped(name), fallback=BuiltinModel()))


def test_each_is_played_below() -> None:
    assert {f"test_{name}" for name in shipped_names()} == {
        name.partition("_scenario_")[0] for name in globals() if "_scenario_" in name
    }


def test_greet_scenario_greets_and_then_repeats(play: Play) -> None:
    s = play("greet")
    s.ask()
    s.play()
    s.hear("Is anybody there?")
    assert s.said() == ["Hello, thank you for calling. How can I help you?", "Is anybody there?"]


def test_echo_scenario_repeats(play: Play) -> None:
    s = play("echo")
    for text in ("one", "two"):
        s.hear(text)
        s.play()
    assert s.said() == ["one", "two"]
    assert s.steps() == [1, 1]


def test_tool_call_scenario_calls_and_says_the_result(play: Play) -> None:
    s = play("tool_call")
    s.hear("What is the weather in Paris?")
    assert s.calls == [("get_weather", '{"location": "Paris"}')]
    s.give("sunny, 21 degrees")
    s.ask()
    assert s.said() == ["The weather is sunny, 21 degrees."]


def test_transfer_scenario_hands_over(play: Play) -> None:
    s = play("transfer")
    s.hear("I want a human")
    assert s.said() == ["One moment, I will connect you."]
    assert s.calls == [("transfer", '{"target": "tel:+14155550123"}')]
    s.give("done")
    assert s.ask()["output"] == []


def test_dtmf_menu_scenario_leads_through_its_menu(play: Play) -> None:
    s = play("dtmf_menu")
    for keys in ("", "1", "2", "9", "1", "0"):
        s.play()
        s.press(keys)
        s.wait(1.0)
    assert s.said() == [
        "Press 1 for sales, 2 for support, 0 for a human.",
        "This is sales.",
        "This is support.",
        "There is nothing behind 9. Press 1, 2 or 0.",
        "This is sales.",
        "One moment.",
    ]
    assert s.calls == [("transfer", '{"target": "tel:+14155550123"}')]


def test_barge_in_scenario_is_interrupted(play: Play) -> None:
    s = play("barge_in")
    s.send("response.create")
    s.wait(2.0)
    s.hear("stop it")
    s.take()
    first = next(event["response"] for event in s.sent if event["type"] == "response.done")
    assert (first["status"], first["status_details"]["reason"]) == ("cancelled", "turn_detected")
    assert s.said()[-1] == "You interrupted me to say: stop it"


def test_slow_scenario_takes_its_time(play: Play) -> None:
    s = play("slow")
    s.send("response.create")
    s.wait(1.9)
    assert s.said() == []
    s.wait(3.0)
    s.play()
    s.hear("hello")
    s.wait(1.9)
    assert s.said() == ["Please wait."]
    s.wait(2.0)
    assert s.said() == ["Please wait.", "You said: hello"]


def test_silent_scenario_says_nothing(play: Play) -> None:
    s = play("silent")
    s.hear("hello")
    response = s.ask()
    assert (response["status"], response["output"]) == ("completed", [])
    assert s.said() == []


def test_failing_scenario_fails_in_every_way(play: Play) -> None:
    s = play("failing")
    ends = [s.ask() for _ in range(5)]
    assert [(end["status"], (end["status_details"] or {}).get("reason")) for end in ends] == [
        ("failed", None),
        ("incomplete", "max_output_tokens"),
        ("incomplete", "content_filter"),
        ("cancelled", "turn_detected"),
        ("completed", None),
    ]
    assert [item["status"] for end in ends for item in end["output"]] == 3 * ["incomplete"] + ["completed"]
    (error,) = [event["error"] for event in s.sent if event["type"] == "error"]
    assert error["message"] == "Something is wrong, and the session goes on."
