"""`/_ringback/` as programs in any language use it: projects, calls, expectations."""

import asyncio
import io
import wave
from typing import Any

import pytest
from control_client import Application, Client
from openapi_spec_validator import OpenAPIV31SpecValidator
from ringback.emulator.server import Emulator

TARGET = "tel:+14155550123"
SAY = "say exactly 'hello page'"


async def place(client: Client, application: Application, **options: Any) -> str:
    call = await client.done("POST", "calls", project=application.project["id"], **options)
    assert (call["state"], call["is_over"], call["project"]) == ("calling", False, application.project["id"])
    return f"calls/{call['number']}"


@pytest.mark.parametrize("via", ["sip", "memory"])
async def test_caller_talks_with_the_application_and_hangs_up(
    client: Client, application: Application, via: str
) -> None:
    call = await place(client, application, via=via, headers={"X-Account": "42"})
    met = await client.done("POST", f"{call}/expect", answered=True)
    assert met["call"]["call_id"] == application.calls[0]
    assert met["call"]["state"] in ("answered", "connected")
    await client.done("POST", f"{call}/say", text="good morning")
    echo = await client.done("POST", f"{call}/expect", hears={"pattern": "morn"})
    assert echo["found"] == "good morning"
    await client.done("POST", f"{call}/press", digits="1#")
    entry = await client.done(
        "POST", f"projects/{application.project['id']}/expect", kind="media.dtmf", data={"digit": "#"}
    )
    assert entry["found"]["call_id"] == application.calls[0]
    after = await client.done("POST", f"{call}/hang_up")
    assert (after["is_over"], after["heard"][0]) == (True, "good morning")
    assert (await client.done("POST", f"{call}/expect", ended="caller"))["found"] == "caller"
    await client.done("POST", f"projects/{application.project['id']}/expect", no_errors=True)
    ladder = await client.done("GET", f"projects/{application.project['id']}/ladder")
    assert "INVITE" in ladder
    assert await client.done("DELETE", f"projects/{application.project['id']}") == {"left_open": []}
    assert (await client("GET", call))[0] == 404


async def test_caller_is_transferred(client: Client, application: Application) -> None:
    application.then = ("refer", {"target_uri": TARGET})
    call = await place(client, application, **{"from": "+14255550112"})
    await client.done("POST", f"{call}/expect", transferred_to=TARGET, within=5)
    assert (await client.done("POST", f"{call}/expect", ended=True))["call"]["is_over"] is True


async def test_caller_is_refused_with_the_status_that_was_chosen(client: Client, application: Application) -> None:
    application.verb = ("reject", {"status_code": 486})
    call = await place(client, application)
    assert (await client.done("POST", f"{call}/expect", rejected=486))["found"] == 486
    status, body = await client("POST", f"{call}/expect", rejected=603)
    assert status == 417
    assert "expected: the call to be rejected with 603" in body["error"]["message"]
    assert "instead:  it was answered 486 Busy Here" in body["error"]["message"]
    assert (await client("POST", f"{call}/say", text="hello"))[0] == 409


async def test_caller_puts_on_hold_plays_and_is_silent(client: Client, application: Application) -> None:
    call = await place(client, application)
    await client.done("POST", f"{call}/expect", answered=True)
    for step, body in (("hold", {}), ("resume", {}), ("silence", {"seconds": 0.05}), ("interrupt", {"text": "hey"})):
        await client.done("POST", f"{call}/{step}", **body)
    changed = [each["data"]["direction"] for each in (await client.done("GET", "journal?kind=media.changed"))["data"]]
    assert changed == ["recvonly", "sendrecv"]
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(1600))
    url = f"{client.url}/{call}/play"
    async with client.http.post(url, data=sound.getvalue(), headers={"Content-Type": "audio/wav"}) as response:
        assert response.status == 200
    async with client.http.post(url, data=b"no sound", headers={"Content-Type": "audio/wav"}) as response:
        assert (response.status, "WAV" in (await response.json())["error"]["message"]) == (400, True)
    await client.done("POST", f"{call}/hang_up")


async def test_caller_gives_up_while_it_rings(client: Client) -> None:
    project = await client.done("POST", "projects")
    numbers = [(await client.done("POST", "calls", project=project["id"]))["number"] for _ in range(2)]
    assert [call["number"] for call in (await client.done("GET", "calls"))["data"]] == numbers
    for number, (step, body) in zip(numbers, (("cancel", {}), ("ring_for", {"seconds": 0.1})), strict=True):
        assert (await client.done("POST", f"calls/{number}/{step}", **body))["is_over"] is True


async def test_page_talks_and_has_events(client: Client) -> None:
    session = {"type": "realtime", "model": "gpt-realtime", "instructions": "You sell shoes."}
    placed = await client.done("POST", "calls", via="webrtc", session=session)
    call = f"calls/{placed['number']}"
    await client.done("POST", f"{call}/expect", connected=True, within=30)
    created = await client.done("POST", f"{call}/expect", receives="session.created", within=30)
    assert created["found"]["session"]["instructions"] == "You sell shoes."
    assert created["call"]["call_id"].startswith("rtc_")
    await client.done("POST", f"{call}/send", event={"type": "response.create", "response": {"instructions": SAY}})
    assert (await client.done("POST", f"{call}/expect", hears=True, within=30))["found"] == "hello page"
    await client.done("POST", f"{call}/say", text="good morning")
    await client.done("POST", f"{call}/expect", hears="good morning", within=30)
    after = await client.done("POST", f"{call}/hang_up")
    assert after["is_over"] is True


@pytest.mark.parametrize(
    ("via", "step", "body", "message"),
    [
        ("webrtc", "press", {"digits": "1"}, "a page's: it has no keys"),
        ("webrtc", "expect", {"transferred_to": TARGET}, "a page's"),
        ("memory", "send", {"event": {"type": "response.create"}}, "a phone's: it has no events"),
        ("memory", "expect", {"connected": True}, "a phone's"),
    ],
)
async def test_user_is_told_what_a_page_or_a_phone_can_not_do(
    client: Client, via: str, step: str, body: dict[str, Any], message: str
) -> None:
    call = (await client.done("POST", "calls", via=via))["number"]
    if via == "webrtc":
        await client.done("POST", f"calls/{call}/expect", connected=True, within=30)
    status, answer = await client("POST", f"calls/{call}/{step}", **body)
    assert (status, message in answer["error"]["message"]) == (409, True)


async def test_user_is_told_why_a_page_s_offer_was_refused(client: Client) -> None:
    status, answer = await client("POST", "calls", via="webrtc", secret="ek_of_nobody")
    assert status == 417
    assert "it was refused: 401" in answer["error"]["message"]
    status, answer = await client("POST", "calls", via="webrtc", through="http://127.0.0.1:1/")
    assert status == 409
    assert "127.0.0.1:1" in answer["error"]["message"]


async def test_expectation_that_is_not_met_says_what_to_look_at(client: Client) -> None:
    project = await client.done("POST", "projects")
    call = (await client.done("POST", "calls", project=project["id"]))["number"]
    status, body = await client("POST", f"calls/{call}/expect", answered=True, within=0.1)
    assert (status, body["error"]["type"]) == (417, "expectation_failed")
    assert "PUT /_ringback/projects/{project}/webhooks" in body["error"]["message"]
    status, body = await client("POST", f"projects/{project['id']}/expect", no_errors=True)
    assert (status, "instead:  1" in body["error"]["message"]) == (417, True)
    status, body = await client("POST", f"projects/{project['id']}/expect", kind="call.ended", within=0.1)
    assert status == 417
    left = (await client.done("DELETE", f"projects/{project['id']}"))["left_open"]
    assert len(left) == 1
    assert "was not ended" in left[0]


async def test_project_is_made_looked_at_and_changed(client: Client, emulator: Emulator) -> None:
    made = await client.done(
        "POST",
        "projects",
        webhooks=["http://127.0.0.1:9/a"],
        auto_accept=True,
        scenario="greet",
        faults=["accept-answered-202"],
    )
    assert (made["webhooks"], made["auto_accept"], made["faults"]) == (
        ["http://127.0.0.1:9/a"],
        True,
        ["accept-answered-202"],
    )
    assert made["environment"]["OPENAI_API_KEY"] == made["api_key"] != emulator.ready.api_key
    mine = f"projects/{made['id']}"
    assert await client.done("GET", mine) == made
    assert (await client.done("GET", f"{mine}/scenario"))["name"] == "greet"
    changed = await client.done("PUT", f"{mine}/webhooks", urls=["http://127.0.0.1:9/b", "http://127.0.0.1:9/a"])
    assert changed["webhooks"] == ["http://127.0.0.1:9/a", "http://127.0.0.1:9/b"]
    assert (await client.done("PUT", f"{mine}/webhooks", urls=[]))["webhooks"] == []
    assert (await client.done("PUT", f"{mine}/faults", faults=[]))["faults"] == []
    ids = [each["id"] for each in (await client.done("GET", "projects"))["data"]]
    assert ids == [emulator.project.id, made["id"]]
    assert (await client("DELETE", f"projects/{emulator.project.id}"))[0] == 409
    await client.done("DELETE", mine)
    assert (await client("GET", mine))[0] == 404


async def test_fault_strikes_by_its_name(client: Client, application: Application) -> None:
    names = [each["name"] for each in (await client.done("GET", "faults"))["data"]]
    assert len(names) == len(set(names))
    await client.done("PUT", f"projects/{application.project['id']}/faults", faults=["accept-without-ringing"])
    call = await place(client, application)
    await client.done("POST", f"{call}/expect", answered=True)
    await client.done("POST", f"projects/{application.project['id']}/expect", kind="fault.struck")
    await client.done("POST", f"{call}/hang_up")


async def test_waiting_request_is_answered_when_the_emulator_stops(
    client: Client, application: Application, emulator: Emulator
) -> None:
    call = await place(client, application)
    await client.done("POST", f"{call}/expect", answered=True)
    waiting = asyncio.create_task(client("POST", f"{call}/expect", ended=True, within=60))
    pressing = await client.done("POST", f"{call}/press", digits="1")
    assert pressing["is_over"] is False
    await emulator.stop()
    status, answer = await waiting
    assert (status, answer["found"]) == (200, "caller")
    assert list(emulator.journal.entries(kind="emulator.bug")) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "calls", {"form": "+1"}, 400, "'form' was unexpected"),
        ("POST", "calls", {"project": "proj_none"}, 404, "GET /_ringback/projects"),
        ("POST", "calls", {"via": "pigeon"}, 400, "via: 'pigeon' is not one of"),
        ("POST", "calls/99/hang_up", {}, 404, "GET /_ringback/calls"),
        ("POST", "calls/first/hang_up", {}, 404, "calls have numbers"),
        ("POST", "calls/1/expect", {}, 400, "Expect one thing: answered, rejected"),
        ("POST", "calls/1/expect", {"answered": True, "ended": True}, 400, "Expect one thing"),
        ("POST", "calls/1/expect", {"hears": {"pattern": "("}}, 400, "hears"),
        ("POST", "calls/1/expect", {"rejected": 200}, 400, "rejected"),
        ("POST", "calls/1/expect", {"answered": True, "within": -1}, 400, "within"),
        ("POST", "calls/1/press", {"digits": "x"}, 400, "digits"),
        ("POST", "calls/1/say", {}, 400, "'text' is a required property"),
        ("POST", "projects", {"faults": ["none"]}, 400, "GET /_ringback/faults"),
        ("POST", "projects", {"webhooks": ["ftp://x/"]}, 400, "webhook URL"),
        ("POST", "projects", {"scenario": "/etc/passwd"}, 400, "there is no scenario"),
        ("PUT", "projects/proj_ringback/webhooks", {"urls": ["ftp://x/"]}, 400, "webhook URL"),
        ("PUT", "projects/proj_none/faults", {"faults": []}, 404, "GET /_ringback/projects"),
        ("POST", "projects/proj_ringback/expect", {}, 400, "Expect one thing: kind or no_errors"),
        ("POST", "clock/advance", {"duration": "5 min"}, 409, "--clock manual"),
        ("POST", "clock/run_until_idle", {}, 409, "--clock manual"),
        ("POST", "clock/advance", {"duration": "5 weeks"}, 400, "give seconds, or a number and one of"),
    ],
)
async def test_control_says_what_is_wrong_with_a_request(
    client: Client, method: str, path: str, body: dict[str, Any], status: int, says: str
) -> None:
    call = await client.done("POST", "calls")
    assert call["number"] == 1
    answered, answer = await client(method, path, **body)
    assert answered == status, answer
    assert says in answer["error"]["message"]


async def test_body_that_is_no_json_is_refused(client: Client) -> None:
    async with client.http.post(f"{client.url}/calls", data=b"{") as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "invalid_json")


async def test_document_is_valid_and_has_every_route_of_control(client: Client, emulator: Emulator) -> None:
    document = await client.done("GET", "openapi.json")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    named = {(method, path) for path, methods in document["paths"].items() for method in methods}
    served = {
        (route.method.lower(), route.resource.canonical)
        for route in emulator._runner.app.router.routes()
        if route.resource is not None and not route.resource.canonical.startswith("/v1")
    }
    assert named == {(method, path) for method, path in served if method != "head"}
    assert ("post", "/_ringback/calls/{call}/say") in named
