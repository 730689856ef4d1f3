"""The webhook endpoint API, as the official SDK sees it, and its errors as plain HTTP does."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest
from desk import StartEmulator, wait_for_entry
from openai import AsyncOpenAI
from ringback.conformance.client import WebhookReceiver
from ringback.conformance.client.webhook_receiver import Answer
from ringback.emulator.server import Emulator
from ringback.emulator.webhooks.envelope import EVENT_TYPES

CALL = "realtime.call.incoming"
NOWHERE = "http://127.0.0.1:1/"
"""Nobody listens there."""


@pytest.fixture
async def emulator(start_emulator: StartEmulator) -> Emulator:
    return await start_emulator()


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=emulator.ready.base_url, api_key=emulator.ready.api_key) as client:
        yield client


@pytest.fixture
async def http(emulator: Emulator) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {emulator.ready.api_key}"}
    async with aiohttp.ClientSession(base_url=f"{emulator.ready.base_url}/", headers=headers) as session:
        yield session


async def error_of(response: aiohttp.ClientResponse, status: int) -> dict[str, Any]:
    """The error envelope: all four fields, always [DOC]."""
    assert response.status == status
    body = await response.json()
    assert body["error"].keys() == {"message", "type", "param", "code"}
    error: dict[str, Any] = body["error"]
    return error


async def test_application_makes_reads_changes_and_deletes_an_endpoint(client: AsyncOpenAI) -> None:
    made = await client.webhooks.create(name="calls", url="https://example.com/a", event_types=[CALL])
    assert made.object == "webhook_endpoint"
    assert made.signing_secret.startswith("whsec_")
    assert made.updated_at == made.created_at
    read = await client.webhooks.retrieve(made.id)
    assert (read.name, read.url, read.event_types) == ("calls", "https://example.com/a", [CALL])
    assert read.signing_secret_hint == made.signing_secret_hint
    assert "signing_secret" not in read.model_dump()
    changed = await client.webhooks.update(made.id, url="https://example.com/b", event_types=[CALL, "batch.failed"])
    assert (changed.name, changed.url, changed.event_types) == (
        "calls",
        "https://example.com/b",
        [CALL, "batch.failed"],
    )
    assert "signing_secret" not in changed.model_dump()
    deleted = await client.webhooks.delete(made.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (made.id, "webhook_endpoint.deleted", True)
    with pytest.raises(openai.NotFoundError) as gone:
        await client.webhooks.retrieve(made.id)
    assert gone.value.body == {
        "message": f"No webhook endpoint found with id '{made.id}'.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


async def test_sdk_pages_through_the_list_newest_first(client: AsyncOpenAI) -> None:
    made = [
        (await client.webhooks.create(name=f"{number}", url="https://example.com/", event_types=[CALL])).id
        for number in range(23)
    ]
    page = await client.webhooks.list()
    assert [endpoint.id for endpoint in page.data] == made[:2:-1]
    assert page.has_more is True
    assert [endpoint.id async for endpoint in client.webhooks.list(limit=7)] == made[::-1]
    assert [endpoint.id async for endpoint in client.webhooks.list(after=made[2])] == [made[1], made[0]]


async def test_endpoint_of_the_command_line_is_listed_and_signs_with_the_projects_secret(
    start_emulator: StartEmulator, receiver: WebhookReceiver
) -> None:
    emulator = await start_emulator(webhook_urls=(receiver.url,))
    receiver.secrets = [emulator.ready.webhook_secret]
    async with AsyncOpenAI(base_url=emulator.ready.base_url, api_key=emulator.ready.api_key) as client:
        (endpoint,) = (await client.webhooks.list()).data
        assert endpoint.url == receiver.url
        await client.webhooks.test(endpoint.id, event_type=CALL)
        assert (await receiver.wait_for()).problem is None


async def test_application_sees_the_event_types_of_the_sdk(client: AsyncOpenAI) -> None:
    types = await client.webhooks.event_types.list()
    assert (types.object, tuple(types.data)) == ("list", EVENT_TYPES)


@pytest.mark.parametrize("keep", [True, False])
async def test_rotated_secret_signs_with_or_without_the_old_one(
    client: AsyncOpenAI, receiver: WebhookReceiver, keep: bool
) -> None:
    made = await client.webhooks.create(name="calls", url=receiver.url, event_types=[CALL])
    rotated = await client.webhooks.rotate_secret(made.id, keep_old_secret_active_for_24_hours=keep)
    assert rotated.signing_secret != made.signing_secret
    await client.webhooks.test(made.id, event_type=CALL)
    delivery = receiver.deliveries[-1]
    client.webhooks.verify_signature(delivery.body, dict(delivery.headers), secret=rotated.signing_secret)
    if keep:
        client.webhooks.verify_signature(delivery.body, dict(delivery.headers), secret=made.signing_secret)
    else:
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.verify_signature(delivery.body, dict(delivery.headers), secret=made.signing_secret)


async def test_secret_is_rotated_by_a_request_without_a_body(client: AsyncOpenAI, http: aiohttp.ClientSession) -> None:
    made = await client.webhooks.create(name="calls", url="https://example.com/", event_types=[CALL])
    async with http.post(f"webhook_endpoints/{made.id}/rotate_secret") as response:
        assert response.status == 200
        assert (await response.json())["signing_secret"] != made.signing_secret


@pytest.mark.parametrize("status", [200, 404, 302])
async def test_test_delivers_one_sample_of_a_call_that_does_not_exist(
    emulator: Emulator, client: AsyncOpenAI, receiver: WebhookReceiver, status: int
) -> None:
    made = await client.webhooks.create(name="calls", url=receiver.url, event_types=["batch.failed"])
    receiver.script(Answer(status=status, headers=[("Location", "https://example.com/")]))
    result = await client.webhooks.test(made.id, event_type=CALL)
    assert result.model_dump() == {
        "object": "webhook_endpoint.test",
        "event_type": CALL,
        "status_code": status,
        "success": True,
        "webhook_endpoint_id": made.id,
    }
    (delivery,) = receiver.deliveries
    event = client.webhooks.unwrap(delivery.body, dict(delivery.headers), secret=made.signing_secret)
    assert event.type == CALL
    with pytest.raises(openai.NotFoundError) as gone:
        await client.realtime.calls.accept(event.data.call_id, type="realtime")
    assert gone.value.code == "call_id_not_found"
    (made_attempt,) = emulator.journal.entries(kind="webhook")
    assert made_attempt.kind == "webhook.attempt"
    assert made_attempt.data["status"] == status


async def test_test_of_an_endpoint_that_does_not_answer_fails_without_a_retry_of_the_sdk(
    emulator: Emulator, client: AsyncOpenAI
) -> None:
    made = await client.webhooks.create(name="calls", url=NOWHERE, event_types=[CALL])
    with pytest.raises(openai.InternalServerError, match="gave no answer") as raised:
        await client.webhooks.test(made.id, event_type=CALL)
    assert raised.value.status_code == 502
    assert len(list(emulator.journal.entries(kind="webhook.attempt"))) == 1


async def test_deleted_endpoint_leaves_nothing_to_deliver(
    start_emulator: StartEmulator, receiver: WebhookReceiver
) -> None:
    emulator = await start_emulator(webhook_first_retry=3600.0)
    async with AsyncOpenAI(base_url=emulator.ready.base_url, api_key=emulator.ready.api_key) as client:
        made = await client.webhooks.create(name="calls", url=NOWHERE, event_types=[CALL])
        event = {"object": "event", "id": "evt_1", "type": CALL, "created_at": 1, "data": {}}
        emulator._webhooks.post(event, project=emulator.project)
        await wait_for_entry(emulator, "webhook.attempt")
        assert emulator._webhooks.pending == 1
        await client.webhooks.delete(made.id)
        assert (await wait_for_entry(emulator, "webhook.abandoned")).data["reason"] == "its endpoint was deleted"
        assert emulator._webhooks.pending == 0


async def test_sync_client_manages_endpoints_too(emulator: Emulator) -> None:
    def manage() -> None:
        with openai.OpenAI(base_url=emulator.ready.base_url, api_key=emulator.ready.api_key) as client:
            made = client.webhooks.create(name="calls", url="https://example.com/", event_types=[CALL])
            assert client.webhooks.update(made.id, name="renamed").name == "renamed"
            assert client.webhooks.rotate_secret(made.id).signing_secret != made.signing_secret
            assert [endpoint.id for endpoint in client.webhooks.list()] == [made.id]
            assert client.webhooks.delete(made.id).deleted

    await asyncio.to_thread(manage)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "webhook_endpoints/we_none"),
        ("POST", "webhook_endpoints/we_none"),
        ("DELETE", "webhook_endpoints/we_none"),
        ("POST", "webhook_endpoints/we_none/rotate_secret"),
        ("POST", "webhook_endpoints/we_none/test"),
    ],
)
async def test_unknown_endpoint_is_404(http: aiohttp.ClientSession, method: str, path: str) -> None:
    async with http.request(method, path, json={}) as response:
        error = await error_of(response, 404)
    assert error["message"] == "No webhook endpoint found with id 'we_none'."


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        ("webhook_endpoints", b"{}", "name", "missing_required_parameter"),
        ("webhook_endpoints", b'{"name": 1, "url": "https://a.example/", "event_types": []}', "name", "invalid_type"),
        (
            "webhook_endpoints",
            b'{"name": "a", "url": "http://a.example/", "event_types": ["batch.failed"]}',
            "url",
            "invalid_value",
        ),
        (
            "webhook_endpoints",
            b'{"name": "a", "url": "https://a.example/", "event_types": ["live.call.incoming"]}',
            "event_types[0]",
            "invalid_value",
        ),
        ("webhook_endpoints", b"[]", None, "invalid_type"),
        ("webhook_endpoints", b"", None, None),
        ("webhook_endpoints", b"{", None, None),
        ("webhook_endpoints", b"[" * 100_000, None, None),
        ("webhook_endpoints", b"\xff\xfe\xfd", None, None),
    ],
)
async def test_body_that_is_wrong_is_400_and_names_the_field(
    http: aiohttp.ClientSession, path: str, body: bytes, param: str | None, code: str | None
) -> None:
    async with http.post(path, data=body, headers={"Content-Type": "application/json"}) as response:
        error = await error_of(response, 400)
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)


@pytest.mark.parametrize(("query", "param"), [("limit=0", "limit"), ("limit=x", "limit"), ("after=we_none", "after")])
async def test_list_refuses_what_it_cannot_page_by(http: aiohttp.ClientSession, query: str, param: str) -> None:
    async with http.get(f"webhook_endpoints?{query}") as response:
        error = await error_of(response, 400)
    assert (error["param"], error["code"]) == (param, "invalid_value")


async def test_endpoints_need_a_key(emulator: Emulator) -> None:
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(f"{emulator.ready.base_url}/webhook_endpoints") as response,
    ):
        await error_of(response, 401)


async def test_verb_that_an_endpoint_has_not_is_405(http: aiohttp.ClientSession) -> None:
    async with http.put("webhook_endpoints/we_none", json={}) as response:
        await error_of(response, 405)
