"""The official `openai` package, as its users use it, drives every verb of a call and the webhook endpoints."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from desk import SESSION, Desk, StartEmulator, wait_for_entry
from openai import AsyncOpenAI, InvalidWebhookSignatureError, NotFoundError, OpenAI
from ringback.conformance.client import Phone, WebhookReceiver


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[AsyncOpenAI]:
    ready = desk.emulator.ready
    async with AsyncOpenAI(
        base_url=ready.base_url, api_key=ready.api_key, webhook_secret=ready.webhook_secret
    ) as client:
        yield client


@pytest.fixture
def sync_client(desk: Desk) -> OpenAI:
    ready = desk.emulator.ready
    return OpenAI(base_url=ready.base_url, api_key=ready.api_key, webhook_secret=ready.webhook_secret)


async def test_async_client_rejects(desk: Desk, client: AsyncOpenAI) -> None:
    call, call_id = await desk.ring()
    await client.realtime.calls.reject(call_id)
    assert (await call.final_response()).status == 603
    call, call_id = await desk.ring()
    await client.realtime.calls.reject(call_id, status_code=486)
    assert (await call.final_response()).status == 486


async def test_async_client_accepts_and_hangs_up(desk: Desk, client: AsyncOpenAI) -> None:
    call, call_id = await desk.ring()
    await client.realtime.calls.accept(call_id, type="realtime", model="gpt-realtime")
    await call.answered()
    await client.realtime.calls.hangup(call_id)
    assert await call.ended() == "callee"


async def test_async_client_transfers(desk: Desk, client: AsyncOpenAI) -> None:
    call, call_id = await desk.ring()
    await client.realtime.calls.accept(call_id, type="realtime", instructions="Be brief.")
    await client.realtime.calls.refer(call_id, target_uri="tel:+14155550123")
    assert await call.wait_for_refer() == "tel:+14155550123"
    assert await call.ended() == "caller"


async def test_sync_client_drives_a_call(desk: Desk, sync_client: OpenAI) -> None:
    calls = sync_client.realtime.calls
    call, call_id = await desk.ring()
    await asyncio.to_thread(calls.reject, call_id)
    assert (await call.final_response()).status == 603
    call, call_id = await desk.ring()
    await asyncio.to_thread(calls.reject, call_id, status_code=486)
    assert (await call.final_response()).status == 486
    call, call_id = await desk.ring()
    await asyncio.to_thread(calls.accept, call_id, **SESSION)
    await call.answered()
    await asyncio.to_thread(calls.refer, call_id, target_uri="sip:agent@example.com")
    assert await call.wait_for_refer() == "sip:agent@example.com"
    await call.ended()
    call, call_id = await desk.ring()
    await asyncio.to_thread(calls.accept, call_id, **SESSION)
    await asyncio.to_thread(calls.hangup, call_id)
    assert await call.ended() == "callee"
    with pytest.raises(NotFoundError) as gone:
        await asyncio.to_thread(calls.hangup, call_id)
    assert gone.value.code == "call_id_not_found"
    sync_client.close()


async def test_client_unwraps_our_webhooks_and_refuses_tampered_ones(desk: Desk, sync_client: OpenAI) -> None:
    call, call_id = await desk.ring(headers=[("X-Account", "42"), ("X-Account", "43")])
    delivery = desk.receiver.deliveries[-1]
    event = sync_client.webhooks.unwrap(delivery.body, dict(delivery.headers))
    assert event.type == "realtime.call.incoming"
    assert event.data.call_id == call_id
    accounts = [header.value for header in event.data.sip_headers if header.name == "X-Account"]
    assert accounts == ["42", "43"]
    with pytest.raises(InvalidWebhookSignatureError):
        sync_client.webhooks.unwrap(delivery.body.replace(b"42", b"24"), dict(delivery.headers))
    await desk.rest.reject(call_id)
    await call.final_response()
    sync_client.close()


async def test_client_manages_webhook_endpoints(start_emulator: StartEmulator, receiver: WebhookReceiver) -> None:
    emulator = await start_emulator()
    ready = emulator.ready
    async with AsyncOpenAI(base_url=ready.base_url, api_key=ready.api_key) as client:
        made = await client.webhooks.create(name="mine", url=receiver.url, event_types=["realtime.call.incoming"])
        receiver.secrets = [made.signing_secret]
        listed = [endpoint.id async for endpoint in client.webhooks.list()]
        assert listed == [made.id]
        async with Phone(ca_file=ready.ca_file) as phone:
            call = await phone.dial(ready.sip["tls"])
            delivery = await receiver.wait_for()
            assert delivery.problem is None
            await call.cancel()
        await wait_for_entry(emulator, "webhook.delivered")
        assert (await client.webhooks.retrieve(made.id)).url == receiver.url
        rotated = await client.webhooks.rotate_secret(made.id, keep_old_secret_active_for_24_hours=True)
        assert rotated.signing_secret != made.signing_secret
        tested = await client.webhooks.test(made.id, event_type="realtime.call.incoming")
        assert tested.status_code == 200
        assert "realtime.call.incoming" in (await client.webhooks.event_types.list()).data
        await client.webhooks.delete(made.id)
