"""Every example of docs/scenarios.md is a scenario, and the tables name every key that there is."""

import re
from pathlib import Path
from typing import Any

import pytest
from ringback.emulator.journal import KINDS
from ringback.emulator.model.actions import SHORT
from ringback.emulator.model.builder import ScenarioBuilder
from ringback.emulator.model.builtin import BuiltinModel
from ringback.emulator.model.casting import Casting
from ringback.emulator.model.scenario import Scenario
from ringback.emulator.model.schema import WHEN, parse_scenario
from ringback.emulator.scenario_files import load, shipped_names
from stage import Stage

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "scenarios.md").read_text(encoding="utf-8")
TOML = dict(re.findall(r"```toml (\S+)\n(.*?)```", PAGE, re.DOTALL))
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def stage(source: Any) -> Stage:
    casting = Casting(fallback=lambda project_id: BuiltinModel(), find=lambda name: load(name))
    casting.choose("p", source)
    return Stage(casting.model_for("p"))


def receptionist_of(source: Any) -> None:
    s = stage(source)
    s.play()
    s.ask()
    s.play()
    s.hear("I want to speak to a human")
    assert s.calls == [("transfer", '{"target": "tel:+14155550123"}')]
    s.press("0#")
    s.wait(1.0)
    assert s.said() == ["Thank you for calling, how can I help you?", "One moment."]


def test_receptionist_of_the_docs_plays() -> None:
    receptionist_of(parse_scenario(TOML["receptionist.toml"], file="receptionist.toml"))


def test_receptionist_of_the_docs_plays_in_python() -> None:
    names: dict[str, Any] = {}
    exec(PYTHON[0], names)
    assert isinstance(names["scenario"], ScenarioBuilder)
    receptionist_of(names["scenario"])


def test_message_of_the_docs_is_what_a_strict_scenario_says() -> None:
    s = stage(parse_scenario(TOML["receptionist.toml"], file="receptionist.toml"))
    s.ask()
    s.play()
    s.hear("I want a person")
    s.take()
    shown = re.sub(r"\n> ", " ", PAGE.partition("\n> ")[2].partition("\n\n")[0])
    assert s.last_response["status_details"]["error"]["message"] == f"ringback: {shown}"


def test_weather_of_the_docs_plays() -> None:
    s = stage(parse_scenario(TOML["weather.toml"], file="weather.toml"))
    for output, said in (("sunny", "The weather is sunny."), ("error 7", "I am afraid the weat")):
        s.hear("What is the weather in Oslo?")
        s.wait(2.0)
        assert s.calls[-1] == ("get_weather", '{"city": "Oslo"}')
        s.play()
        s.give(output)
        s.send("response.create")
        s.wait(2.0)
        assert s.said()[-1] == said
        s.play()
    s.wait(5.1)
    assert s.said()[-1] == "Are you still there?"
    s.wait(1.0)
    s.play()
    s.wait(8.1)
    s.take()
    assert len(s.other) == 1


def test_function_of_the_docs_plays(tmp_path: Path) -> None:
    file = tmp_path / "answers.py"
    file.write_text(PYTHON[1])
    s = stage(load(str(file)))
    s.hear("hello")
    s.play()
    s.hear("a human, please")
    assert s.said() == ["You said: hello", "One moment."]
    assert s.calls == [("transfer", '{"target": "tel:+14155550123"}')]


def test_every_example_is_run_above() -> None:
    assert set(TOML) == {"receptionist.toml", "weather.toml"}
    assert len(PYTHON) == 2


@pytest.mark.parametrize("key", [*WHEN, *SHORT])
def test_table_names_every_key(key: str) -> None:
    assert re.search(rf"^\| (`.*, )?`{key} =", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", shipped_names())
def test_page_names_every_shipped_scenario(name: str) -> None:
    shipped = next(line for line in PAGE.splitlines() if line.startswith("Shipped:"))
    assert f"`{name}`" in shipped
    assert isinstance(load(name), Scenario)


def test_page_names_the_entries_of_the_journal() -> None:
    for kind in KINDS:
        if kind.startswith("scenario."):
            assert f"`{kind}`" in PAGE
