"""Client secrets: made over REST, by the official client too, and used for sessions and sidebands."""

import asyncio
from typing import Any

import pytest
from desk import Desk, StartEmulator, wait_for_entry
from openai import AsyncOpenAI, AuthenticationError, BadRequestError, OpenAI
from ringback.conformance.client import RestClient, Sideband
from ringback.conformance.client.errors import HandshakeRefused
from ringback.emulator.clock import ManualClock
from ringback.emulator.config import Settings
from ringback.emulator.server import Emulator

PATH = "/realtime/client_secrets"
BRIEF = {"type": "realtime", "model": "gpt-realtime-mini", "instructions": "Be brief."}


async def secret_of(rest: RestClient, path: str = PATH, **body: Any) -> dict[str, Any]:
    answer = await rest.request("POST", path, json_body=body)
    assert answer.status == 200, answer.body
    made: dict[str, Any] = answer.json()
    return made


async def test_secret_is_made_with_the_recorded_headers(emulator: Emulator, rest: RestClient) -> None:
    answer = await rest.request(
        "POST", PATH, json_body={"session": BRIEF}, headers={"OpenAI-Safety-Identifier": "user-1"}
    )
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    assert answer.header("openai-version") == "2020-10-01"
    assert (answer.header("openai-processing-ms") or "").isdecimal()
    made = await wait_for_entry(emulator, "client_secret.created")
    assert made.project_id == emulator.ready.project_id
    assert made.data["safety_identifier"] == "user-1"
    secret = answer.json()["value"]
    assert all(secret not in str(entry.as_dict()) for entry in emulator.journal.entries())


async def test_secret_without_a_body_is_for_any_session(rest: RestClient) -> None:
    answer = await rest.request("POST", PATH)
    assert answer.status == 200
    assert answer.json()["session"]["model"] == "gpt-realtime"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"expires_after": {"anchor": "created_at", "seconds": 9}}', "expires_after.seconds"),
        (b'{"session": {}}', "session.type"),
        (b"[]", "body"),
        (b"{", None),
    ],
)
async def test_wrong_request_gets_400(rest: RestClient, body: bytes, param: str | None) -> None:
    answer = await rest.request("POST", PATH, body=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.error["param"]) == (400, param)


async def test_secret_opens_sessions_as_it_was_bound_and_the_connection_overrides(
    emulator: Emulator, rest: RestClient
) -> None:
    made = await rest.request(
        "POST", PATH, json_body={"session": BRIEF}, headers={"OpenAI-Safety-Identifier": "user-1"}
    )
    key = made.json()["value"]
    base_url = emulator.ready.base_url
    ids = {made.json()["session"]["id"]}
    for model in (None, "gpt-realtime-2"):
        async with await Sideband.open(base_url, model=model, api_key=key) as session:
            created = (await session.wait_for("session.created"))["session"]
        assert (created["model"], created["instructions"]) == (model or "gpt-realtime-mini", "Be brief.")
        ids.add(created["id"])
    assert len(ids) == 3
    attached = [entry.data for entry in emulator.journal.entries(kind="channel.attached")]
    assert [(data["safety_identifier"], data["key"]) for data in attached] == [("user-1", "client_secret")] * 2
    requests = [entry.data for entry in emulator.journal.entries(kind="rest.request")]
    assert [data["safety_identifier"] for data in requests] == ["user-1"] * 3


async def test_safety_identifier_of_a_request_wins_over_that_of_its_secret(
    emulator: Emulator, rest: RestClient
) -> None:
    made = await rest.request("POST", PATH, headers={"OpenAI-Safety-Identifier": "user-1"})
    given = {"api_key": made.json()["value"], "headers": {"OpenAI-Safety-Identifier": "user-2"}}
    async with await Sideband.open(emulator.ready.base_url, **given) as session:
        await session.wait_for("session.created")
    await rest.request("POST", "/v1/realtime/calls/rtc_none/hangup")
    requests = [entry.data["safety_identifier"] for entry in emulator.journal.entries(kind="rest.request")]
    assert requests == ["user-1", "user-2", None]


async def test_browser_opens_a_session_with_a_secret(emulator: Emulator, rest: RestClient) -> None:
    key = (await secret_of(rest))["value"]
    protocols = ("realtime", f"openai-insecure-api-key.{key}")
    async with await Sideband.open(emulator.ready.base_url, model="gpt-realtime", subprotocols=protocols) as session:
        await session.wait_for("session.created")


async def test_secret_of_an_unsupported_model_is_made_and_opens_nothing(emulator: Emulator, rest: RestClient) -> None:
    key = (await secret_of(rest, session={"type": "realtime", "model": "gpt-live-1"}))["value"]
    async with await Sideband.open(emulator.ready.base_url, api_key=key) as session:
        assert await session.closed() == 4000
        assert session.close_reason == "invalid_request_error.invalid_model"


async def test_secret_expires_and_its_session_outlives_it() -> None:
    clock = ManualClock()
    ports = {"http_port": 0, "https_port": 0, "sip_tls_port": 0, "sip_tcp_port": 0, "sip_udp_port": 0}
    async with Emulator(Settings(**ports), clock=clock) as emulator:
        ready = emulator.ready
        async with RestClient(ready.base_url, ready.api_key) as rest:
            expires = {"anchor": "created_at", "seconds": 10}
            key = (await secret_of(rest, expires_after=expires))["value"]
            async with await Sideband.open(ready.base_url, model="gpt-realtime", api_key=key) as session:
                clock.advance_to(clock.now() + 11)
                async with await Sideband.open(ready.base_url, model="gpt-realtime", api_key=key) as late:
                    assert await late.closed() == 3000
                    assert late.events[0]["error"]["code"] == "invalid_api_key"
                await session.send({"type": "response.create", "response": {"instructions": "say exactly 'Hi'"}})
                await session.wait_for("response.created")


async def test_secret_attaches_to_calls_of_its_project_only(desk: Desk, rest: RestClient) -> None:
    emulator = desk.emulator
    key = (await secret_of(rest))["value"]
    call, call_id = await desk.connect()
    async with await Sideband.open(emulator.ready.base_url, call_id=call_id, api_key=key) as sideband:
        await sideband.send({"type": "session.update", "session": {"type": "realtime"}})
        await sideband.wait_for("session.updated")
    other = emulator.add_project()
    async with RestClient(emulator.ready.base_url, next(iter(other.api_keys))) as stranger:
        foreign = (await secret_of(stranger))["value"]
    with pytest.raises(HandshakeRefused) as refused:
        await Sideband.open(emulator.ready.base_url, call_id=call_id, api_key=foreign)
    assert refused.value.status == 404
    emulator.remove_project(other)
    with pytest.raises(HandshakeRefused) as refused:
        await Sideband.open(emulator.ready.base_url, call_id=call_id, api_key=foreign)
    assert refused.value.status == 401
    async with RestClient(emulator.ready.base_url, key) as browser:
        assert (await browser.hangup(call_id)).status == 401
    assert (await rest.hangup(call_id)).status == 200
    await call.ended()


@pytest.mark.parametrize("any_key", [False, True])
@pytest.mark.parametrize("path", [PATH, "/realtime/calls/rtc_1/hangup", "/webhook_endpoints"])
async def test_secret_is_refused_where_an_api_key_is_needed(
    start_emulator: StartEmulator, any_key: bool, path: str
) -> None:
    ready = (await start_emulator(any_key=any_key)).ready
    async with RestClient(ready.base_url, ready.api_key) as rest:
        key = (await secret_of(rest))["value"]
    async with RestClient(ready.base_url, key) as browser:
        answer = await browser.request("POST", path, json_body={})
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/realtime/sessions", "realtime.session"),
        ("/realtime/transcription_sessions", "realtime.transcription_session"),
    ],
)
async def test_secret_of_the_beta_opens_a_session_of_today(
    emulator: Emulator, rest: RestClient, path: str, kind: str
) -> None:
    made = await secret_of(rest, path, input_audio_format="g711_ulaw")
    assert made["object"] == kind
    key = made["client_secret"]["value"]
    async with await Sideband.open(emulator.ready.base_url, model="gpt-realtime", api_key=key) as session:
        created = (await session.wait_for("session.created"))["session"]
    assert created["object"] == kind
    assert created["audio"]["input"]["format"] == {"type": "audio/pcmu"}


async def test_secret_of_a_translation_opens_no_session(emulator: Emulator, rest: RestClient) -> None:
    made = await secret_of(rest, "/realtime/translations/client_secrets", session={"model": "gpt-realtime-translate"})
    assert made["session"]["type"] == "translation"
    async with await Sideband.open(emulator.ready.base_url, api_key=made["value"]) as session:
        assert await session.closed() == 3000


# The official client


async def test_async_sdk_makes_and_uses_a_secret(emulator: Emulator) -> None:
    ready = emulator.ready
    async with AsyncOpenAI(base_url=ready.base_url, api_key=ready.api_key) as client:
        made = await client.realtime.client_secrets.create(
            expires_after={"anchor": "created_at", "seconds": 60},
            session={"type": "realtime", "model": "gpt-realtime", "instructions": "Be brief."},
        )
        assert made.session.type == "realtime"
        assert made.session.instructions == "Be brief."
        with pytest.raises(BadRequestError) as refused:
            await client.realtime.client_secrets.create(expires_after={"anchor": "created_at", "seconds": 7201})
        assert refused.value.param == "expires_after.seconds"
    async with AsyncOpenAI(base_url=ready.base_url, api_key=made.value) as browser:
        async with browser.realtime.connect(model="gpt-realtime") as connection:
            event = await connection.recv()
            assert event.type == "session.created"
        with pytest.raises(AuthenticationError):
            await browser.realtime.client_secrets.create()


async def test_sync_sdk_makes_a_secret(emulator: Emulator) -> None:
    ready = emulator.ready
    with OpenAI(base_url=ready.base_url, api_key=ready.api_key) as client:
        made = await asyncio.to_thread(client.realtime.client_secrets.create, session={"type": "transcription"})
    assert made.value.startswith("ek_")
    assert made.session.type == "transcription"
