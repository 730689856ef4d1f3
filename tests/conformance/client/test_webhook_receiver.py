"""The webhook receiver: verifies, records, answers as told."""

import asyncio
import base64
import hashlib
import hmac
import json
import time

import aiohttp
import pytest
from ringback.conformance.client import Answer, WebhookReceiver
from ringback.conformance.client.errors import UsageError, WaitTimeout
from ringback.conformance.client.webhook_receiver import problem_with

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()
EVENT = {"object": "event", "id": "evt_1", "type": "realtime.call.incoming", "data": {"call_id": "rtc_1"}}
BODY = json.dumps(EVENT).encode()


def signed(body: bytes = BODY, *, key: bytes = b"0123456789abcdef", at: float | None = None) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.new(key, b"wh_1." + timestamp.encode() + b"." + body, hashlib.sha256).digest()
    return {
        "webhook-id": "wh_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


async def post(url: str, body: bytes = BODY, headers: dict[str, str] | None = None) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=signed(body) if headers is None else headers) as response,
    ):
        await response.read()
        return response.status


async def test_receiver_verifies_and_keeps_a_delivery() -> None:
    async with WebhookReceiver([SECRET]) as receiver:
        waiting = asyncio.ensure_future(receiver.wait_for())
        assert await post(receiver.url) == 200
        delivery = await waiting
        assert delivery.verified
        assert (delivery.type, delivery.call_id, delivery.webhook_id) == (EVENT["type"], "rtc_1", "wh_1")
        assert (delivery.method, delivery.path, delivery.body) == ("POST", "/webhook", BODY)
        assert delivery.header("WEBHOOK-ID") == "wh_1"
        assert delivery.header("nothing") is None


async def test_receiver_answers_by_its_script() -> None:
    async with WebhookReceiver([SECRET], answer=Answer(status=204)) as receiver:
        receiver.script(Answer(status=500, headers=[("Retry-After", "1")], body=b"no"), Answer(delay=0.01))
        assert [await post(receiver.url) for _ in range(3)] == [500, 200, 204]
        assert (await receiver.wait_for(count=3)).answer.status == 204


async def test_receiver_hangs_when_told_and_lets_go_at_its_end() -> None:
    async with WebhookReceiver([SECRET]) as receiver:
        receiver.script(Answer(hangs=True))
        hanging = asyncio.ensure_future(post(receiver.url))
        await receiver.wait_for()
        assert not hanging.done()
    assert await hanging == 200


async def test_receiver_keeps_what_does_not_verify_or_is_no_event() -> None:
    async with WebhookReceiver() as receiver:
        await post(receiver.url, b"[1]")
        await post(receiver.url, b"not json", {})
        first, second = receiver.deliveries
        assert first.problem == "none of 1 v1 signatures is by one of 0 secrets"
        assert second.problem == "no webhook-id, webhook-timestamp, webhook-signature header"
        assert (first.type, first.event, dict(first.data)) == (None, None, {})
        with pytest.raises(WaitTimeout, match="there was 2 deliveries: None"):
            await receiver.wait_for(timeout=0.0)
        assert await receiver.wait_for(None, where=lambda each: not each.verified) is first


async def test_waiting_says_when_nothing_came() -> None:
    async with WebhookReceiver() as receiver:
        with pytest.raises(WaitTimeout, match=r"no webhook realtime.call.incoming number 1 .* no delivery at all"):
            await receiver.wait_for(timeout=0.0)


async def test_receiver_needs_an_address_of_its_own() -> None:
    with pytest.raises(UsageError, match="can't listen"):
        async with WebhookReceiver(host="192.0.2.1"):
            pass


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, None),
        ({"webhook-signature": "v1,AAAA " + signed(at=1000)["webhook-signature"]}, None),
        ({"webhook-signature": signed(at=1000)["webhook-signature"].removeprefix("v1,")}, "none of 0 v1 signatures"),
        ({"webhook-timestamp": "soon"}, "is not a number"),
        ({"webhook-timestamp": "699"}, "+301 s away"),
        ({"webhook-id": "wh_2"}, "none of 1 v1 signatures is by one of 1 secrets"),
    ],
)
def test_signature_verifies_or_says_why_not(change: dict[str, str], problem: str | None) -> None:
    found = problem_with(signed(at=1000) | change, BODY, [SECRET], 1000.0)
    assert (found is None) == (problem is None)
    assert problem is None or problem in str(found)


def test_secret_without_prefix_is_its_own_bytes_and_bad_base64_is_refused() -> None:
    headers = signed(at=1000, key=b"plain")
    assert problem_with(headers, BODY, ["other", "plain"], 1000.0) is None
    with pytest.raises(UsageError, match="not whsec_ and base64"):
        problem_with(headers, BODY, ["whsec_%"], 1000.0)
