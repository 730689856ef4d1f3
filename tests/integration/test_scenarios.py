"""Scenarios in whole calls and sessions: what a caller hears, what applications, the journal and `/_ringback/` see."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from desk import Desk, StartEmulator, wait_for_entry
from integration.command import run
from ringback.conformance.client import Phone, Sideband
from ringback.emulator.errors import UsageError
from ringback.emulator.model.builder import ScenarioBuilder
from ringback.emulator.server import Emulator

RECEPTIONIST = """
[scenario]
name = "receptionist"
strict = true
[[turn]]
when = { start = true }
say  = "Thank you for calling, how can I help you?"
[[turn]]
when = { heard = "/human|agent/i" }
call = { name = "transfer", arguments = { target = "tel:+14155550123" } }
[[turn]]
when = { dtmf = "0#" }
say  = { text = "One moment.", after_ms = 300 }
"""


def choose(emulator: Emulator, scenario: Any) -> None:
    emulator.scenarios.choose(emulator.project.id, scenario)


async def admin(
    emulator: Emulator, method: str, path: str, body: str | None = None, kind: str = "application/toml"
) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, f"{emulator.ready.admin_url}/{path}", data=body, headers={"Content-Type": kind} if body else None
        ) as answer,
    ):
        return answer.status, await answer.json() if answer.content_type == "application/json" else None


async def open_session(emulator: Emulator, **query: str) -> Sideband:
    ready = emulator.ready
    return await Sideband.open(ready.base_url, api_key=ready.api_key, model="gpt-realtime", **query)


async def ask(session: Sideband, **response: Any) -> dict[str, Any]:
    before = len(session.events)
    await session.send({"type": "response.create", "response": response})
    event = await session.wait_for("response.done", after=before)
    ended: dict[str, Any] = event["response"]
    return ended


# Calls


async def test_caller_is_served_by_a_scenario(desk: Desk) -> None:
    project = desk.emulator.project.id
    status, _ = await admin(desk.emulator, "PUT", f"projects/{project}/scenario", RECEPTIONIST)
    assert status == 200
    call, call_id = await desk.connect()
    async with await desk.attach(call_id) as sideband:
        await sideband.send({"type": "response.create"})
        await call.wait_for_heard("Thank you for calling, how can I help you?")
        await call.say("I want to talk to a human")
        done = await sideband.wait_for("response.function_call_arguments.done")
        assert (done["name"], json.loads(done["arguments"])) == ("transfer", {"target": "tel:+14155550123"})
        await call.press("0#")
        await call.wait_for_heard("One moment.")
    await call.hang_up()
    _, shown = await admin(desk.emulator, "GET", f"projects/{project}/scenario")
    assert [(step["number"], step["where"], step["used"]) for step in shown["steps"]] == [
        (1, "scenario.toml:5", 1),
        (2, "scenario.toml:8", 1),
        (3, "scenario.toml:11", 1),
    ]
    assert (shown["name"], shown["strict"], shown["unread"], shown["unmatched"]) == ("receptionist", True, [], [])
    steps = [entry.data["step"] for entry in desk.emulator.journal.entries(kind="scenario.step", call_id=call_id)]
    assert steps == [1, 2, 3]


async def test_caller_hears_a_menu_that_nobody_asked_for_and_chooses_by_keys(desk: Desk) -> None:
    choose(desk.emulator, "dtmf_menu")
    call, _ = await desk.connect()
    await call.wait_for_heard("Press 1 for sales, 2 for support, 0 for a human.")
    await call.press("2")
    await call.wait_for_heard("This is support.")
    await call.hang_up()


async def test_caller_is_asked_again_and_then_hung_up_on_when_it_is_silent(desk: Desk) -> None:
    builder = ScenarioBuilder("impatient", strict=True)
    builder.when(silence=0.3).say("Are you there?")
    builder.when(silence=0.5).hang_up(reason="nobody there")
    choose(desk.emulator, builder)
    call, call_id = await desk.connect()
    async with await desk.attach(call_id) as sideband:
        await call.wait_for_heard("Are you there?")
        assert await call.ended() == "callee"
        assert await sideband.closed() == 1000
    ended = await wait_for_entry(desk.emulator, "call.ended")
    assert (ended.data["by"], ended.data["reason"]) == ("emulator", "nobody there")
    assert desk.emulator.scenarios.unread(desk.emulator.project.id) == []


async def test_call_outlives_the_sidebands_that_a_scenario_closes(desk: Desk) -> None:
    builder = ScenarioBuilder("rude")
    builder.always().disconnect(4321, reason="enough").say("I am still here.")
    choose(desk.emulator, builder)
    call, call_id = await desk.connect()
    first, second = await desk.attach(call_id), await desk.attach(call_id)
    await first.send({"type": "response.create"})
    assert [await each.closed() for each in (first, second)] == [4321, 4321]
    assert first.close_reason == "enough"
    await call.wait_for_heard("I am still here.")
    await first.close()
    await second.close()
    await call.hang_up()


async def test_caller_of_auto_accept_is_greeted_once(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(auto_accept=True, scenario="dtmf_menu")
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip["tls"])
        await call.wait_for_heard("Press 1 for sales, 2 for support, 0 for a human.")
        await call.press("1")
        await call.wait_for_heard("This is sales.")
        await call.hang_up()
    said = [entry.data["text"] for entry in emulator.journal.entries(kind="media.said")]
    assert said == ["Press 1 for sales, 2 for support, 0 for a human.", "This is sales."]


# Sessions without a call


async def test_session_without_a_call_is_hung_up(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(scenario="greet")
    session = await open_session(emulator)
    assert (await ask(session))["output"][0]["content"][0]["transcript"].startswith("Hello, thank you for calling.")
    await session.close()
    choose(emulator, {"scenario": {"name": "x"}, "turn": [{"hang_up": True}]})
    session = await open_session(emulator)
    await session.send({"type": "response.create"})
    assert await session.closed() == 1000
    await session.close()


async def test_channels_are_closed_with_the_code_of_the_setting(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(disconnect_close=4444)
    choose(emulator, {"scenario": {"name": "x"}, "turn": [{"disconnect": True}]})
    session = await open_session(emulator)
    await session.send({"type": "response.create"})
    assert await session.closed() == 4444
    await session.close()


async def test_client_names_the_scenario_by_a_marker(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator()
    session = await open_session(emulator)
    silent = await ask(session, metadata={"ringback:scenario": "silent"})
    assert silent["output"] == []
    assert (await ask(session))["output"] != []
    await session.send(
        {"type": "session.update", "session": {"type": "realtime", "instructions": "ringback:scenario=silent"}}
    )
    await session.wait_for("session.updated")
    assert (await ask(session))["output"] == []
    await session.close()


async def test_strict_scenario_fails_the_response_and_the_leak_check(
    start_emulator: StartEmulator, expected_bugs: list[str]
) -> None:
    emulator = await start_emulator()
    choose(emulator, RECEPTIONIST_DATA)
    session = await open_session(emulator)
    await ask(session)
    response = await ask(session)
    await session.close()
    error = response["status_details"]["error"]
    assert (response["status"], error["code"]) == ("failed", "scenario_unmatched")
    (leak,) = emulator.leaks()
    assert error["message"] == f"ringback: {leak}"
    expected_bugs.append(leak)
    entry = await wait_for_entry(emulator, "scenario.unmatched")
    assert entry.data["message"] == leak
    assert [step.number for step in emulator.scenarios.unread(emulator.project.id)] == [2]


RECEPTIONIST_DATA = {
    "scenario": {"name": "receptionist", "strict": True},
    "turn": [{"when": {"start": True}, "say": "Hello."}, {"when": {"heard": "human"}, "say": "One moment."}],
}


# Projects


async def test_each_project_has_its_own_scenario(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator()
    said = []
    projects = [emulator.add_project(scenario=name) for name in ("greet", "silent")]
    for project in projects:
        ready = emulator.ready_for(project)
        async with await Sideband.open(ready.base_url, api_key=ready.api_key, model="gpt-realtime") as session:
            said.append(len((await ask(session))["output"]))
    assert said == [1, 0]
    emulator.remove_project(projects[0])
    assert emulator.scenarios.chosen(projects[0].id) is None
    assert emulator.scenarios.chosen(projects[1].id) is not None


async def test_emulator_does_not_start_with_a_scenario_that_is_not_there(start_emulator: StartEmulator) -> None:
    with pytest.raises(UsageError, match="'nope' is neither a file nor a scenario"):
        await start_emulator(scenario="nope")


# /_ringback/


async def test_scenario_is_chosen_by_name_shown_and_forgotten(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator()
    path = f"projects/{emulator.project.id}/scenario"
    nobody = {"name": None, "strict": False, "steps": [], "unread": [], "unmatched": []}
    assert await admin(emulator, "GET", path) == (200, nobody)
    status, shown = await admin(emulator, "PUT", path, '{"name": "greet"}', "application/json")
    assert (status, shown["name"], shown["steps"][0]["when"]) == (200, "greet", "at the start")
    assert (await admin(emulator, "DELETE", path))[0] == 204
    assert await admin(emulator, "GET", path) == (200, nobody)


async def test_scenario_that_is_put_can_be_named_by_markers(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator()
    data = {"scenario": {"name": "mine"}, "turn": [{"say": "mine"}]}
    assert await admin(emulator, "PUT", "scenarios/mine", json.dumps(data), "application/json") == (
        200,
        {"name": "mine"},
    )
    _, known = await admin(emulator, "GET", "scenarios")
    assert {"name": "mine"} in known["data"]
    assert {"name": "greet"} in known["data"]
    async with await open_session(emulator) as session:
        response = await ask(session, metadata={"ringback:scenario": "mine"})
    assert response["output"][0]["content"][0]["transcript"] == "mine"


async def test_function_that_was_chosen_is_shown_by_its_name(start_emulator: StartEmulator) -> None:
    def receptionist(turn: Any) -> str:
        return "Hello."

    emulator = await start_emulator()
    choose(emulator, receptionist)
    _, shown = await admin(emulator, "GET", f"projects/{emulator.project.id}/scenario")
    assert (shown["name"], shown["steps"]) == ("receptionist", [])


@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "status", "message"),
    [
        ("GET", "projects/proj_x/scenario", None, "", 404, "There is no project 'proj_x'"),
        (
            "PUT",
            "projects/{project}/scenario",
            "[scenario",
            "application/toml",
            400,
            "scenario.toml:1: this is no TOML",
        ),
        ("PUT", "projects/{project}/scenario", "{", "application/json", 400, "Expecting property name"),
        ("PUT", "projects/{project}/scenario", "[]", "application/json", 400, 'give {"name": …}'),
        (
            "PUT",
            "projects/{project}/scenario",
            '{"name": "/etc/x.py"}',
            "application/json",
            400,
            "there is no scenario",
        ),
        ("PUT", "scenarios/a", '[scenario]\nname = "b"', "application/toml", 400, "The scenario calls itself 'b'"),
    ],
)
async def test_scenario_that_can_not_be_chosen_is_refused(
    start_emulator: StartEmulator, method: str, path: str, body: str | None, kind: str, status: int, message: str
) -> None:
    emulator = await start_emulator()
    answered, error = await admin(emulator, method, path.format(project=emulator.project.id), body, kind)
    assert answered == status
    assert error["error"]["message"].startswith(message)


# The command


async def test_check_shows_the_turns_of_what_is_right(tmp_path: Path) -> None:
    (tmp_path / "receptionist.toml").write_text(RECEPTIONIST)
    (tmp_path / "mine.py").write_text("def scenario(turn):\n    return 'Hello.'\n")
    status, text = await run("scenario", "check", "receptionist.toml", "mine.py", "greet", folder=tmp_path)
    assert status == 0
    assert "receptionist.toml: receptionist, 3 turns, strict" in text
    assert "keys “0#”, by itself" in text
    assert "mine.py: a function that answers every turn" in text
    assert "greet: greet, 1 turn: Greets at the start" in text


async def test_check_names_file_and_line_of_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text(RECEPTIONIST.replace("heard", "heerd").replace("after_ms", "after"))
    status, text = await run("scenario", "check", "-q", "wrong.toml", "greet", folder=tmp_path)
    assert status == 1
    lines = text.splitlines()
    assert [line.split(": there")[0] for line in lines] == [
        "wrong.toml:9: turn[2].when.heerd",
        "wrong.toml:13: turn[3].say.after",
    ]


async def test_shipped_scenarios_are_listed_and_shown(tmp_path: Path) -> None:
    status, text = await run("scenario", "list", folder=tmp_path)
    assert (status, len(text.splitlines())) == (0, 9)
    assert "greet      Greets at the start" in text
    status, text = await run("scenario", "show", "greet", folder=tmp_path)
    assert status == 0
    assert 'name = "greet"' in text
    status, text = await run("scenario", "show", "nope", folder=tmp_path)
    assert status == 1
    assert "there is no scenario 'nope'" in text


async def test_user_is_told_why_serve_does_not_take_a_scenario(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text("[scenario]")
    status, text = await run("serve", "--scenario", "wrong.toml", folder=tmp_path)
    assert status == 1
    assert "wrong.toml:1: scenario: a name is needed" in text
