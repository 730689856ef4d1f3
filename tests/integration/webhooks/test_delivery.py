"""Webhooks over real sockets: what arrives, what counts as a failure, and when the next attempt comes.

Time is a manual clock that starts at the real one, for the SDK compares timestamps with the real one.
"""

import asyncio

import openai
import pytest
from aiohttp import web
from integration.webhooks.posting import PATIENCE, SECRET, Post, Receiver, StartPost
from ringback.emulator.webhooks.delivery import MOST_IN_FLIGHT
from ringback.emulator.webhooks.envelope import INCOMING_CALL
from ringback.emulator.webhooks.requests import EndpointChange, NewEndpoint

SDK = openai.OpenAI(api_key="sk-none", webhook_secret=SECRET)


async def test_application_unwraps_a_delivery_with_the_sdk_and_refuses_a_tampered_one(
    post: Post, receiver: Receiver
) -> None:
    post.subscribe(receiver.url("hook?a=b"))
    assert post.send("rtc_7") == 1
    delivery = await receiver.next()
    event = SDK.webhooks.unwrap(delivery.body, delivery.headers)
    assert event.type == INCOMING_CALL
    assert event.data.call_id == "rtc_7"
    assert [header.name for header in event.data.sip_headers] == ["Via", "Via"]
    assert delivery.path == "/hook"
    for changed in (delivery.body.replace(b"rtc_7", b"rtc_8"), delivery.body + b"\n"):
        with pytest.raises(openai.InvalidWebhookSignatureError):
            SDK.webhooks.unwrap(changed, delivery.headers)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        SDK.webhooks.unwrap(delivery.body, {**delivery.headers, "webhook-id": "wh_other"})
    made = await post.entry("webhook.attempt")
    assert (made.project_id, made.call_id, made.data["status"]) == ("proj_1", "rtc_7", 200)
    assert (await post.entry("webhook.delivered")).data["webhook_id"] == delivery.headers["webhook-id"]
    assert post.sender.pending == 0


async def test_delivery_has_the_documented_headers_and_no_others(post: Post, receiver: Receiver) -> None:
    post.subscribe(receiver.url())
    post.send()
    delivery = await receiver.next()
    assert {name.decode().lower() for name, _ in delivery.raw_headers} == {
        "host",
        "user-agent",
        "content-type",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "content-length",
    }
    assert delivery.headers["User-Agent"] == "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"
    assert delivery.headers["Content-Type"] == "application/json"


async def test_every_subscribed_endpoint_gets_the_event_and_only_those(post: Post, receiver: Receiver) -> None:
    post.subscribe(receiver.url("first"))
    post.subscribe(receiver.url("second"))
    post.project.endpoints.create(
        NewEndpoint(name="other", url=receiver.url("other"), event_types=("batch.failed",)), now=post.clock.now()
    )
    assert post.send() == 2
    deliveries = [await receiver.next(), await receiver.next()]
    assert {delivery.path for delivery in deliveries} == {"/first", "/second"}
    assert len({delivery.headers["webhook-id"] for delivery in deliveries}) == 1


async def test_event_without_a_subscriber_goes_nowhere(post: Post) -> None:
    assert post.send() == 0
    assert post.sender.pending == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_a_failure_and_not_followed(post: Post, receiver: Receiver, status: int) -> None:
    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": receiver.url("elsewhere")})

    receiver.answers = [redirect]
    post.subscribe(receiver.url("hook"))
    post.send()
    await receiver.next()
    assert (await post.entry("webhook.attempt")).data["status"] == status
    post.clock.advance(1)
    await receiver.next()
    await post.entry("webhook.attempt")
    await post.entry("webhook.delivered")
    assert [delivery.path for delivery in receiver.deliveries] == ["/hook", "/hook"]


async def test_attempts_come_after_1_2_and_4_seconds_with_one_id_and_their_own_timestamps(
    post: Post, receiver: Receiver
) -> None:
    receiver.answers = [500, 404, 503]
    post.subscribe(receiver.url())
    post.send()
    start = post.clock.now()
    offset = 0.0
    for pause in (1, 2, 4):
        delivery = await receiver.next()
        SDK.webhooks.unwrap(delivery.body, delivery.headers)
        await post.entry("webhook.attempt")
        assert int(delivery.headers["webhook-timestamp"]) == int(start + offset)
        post.clock.advance(pause - 0.001)
        assert post.clock.next_at == pytest.approx(start + offset + pause)
        post.clock.advance(0.002)
        offset = post.clock.now() - start
    await receiver.next()
    assert (await post.entry("webhook.attempt")).data["attempt"] == 4
    assert (await post.entry("webhook.delivered")).data["attempt"] == 4
    assert len({delivery.headers["webhook-id"] for delivery in receiver.deliveries}) == 1
    assert len({delivery.body for delivery in receiver.deliveries}) == 1


async def test_event_is_abandoned_when_its_time_is_over(start_post: StartPost, receiver: Receiver) -> None:
    post = await start_post(webhook_give_up=2.0)
    receiver.answers = [500, 500]
    post.subscribe(receiver.url())
    post.send()
    await post.entry("webhook.attempt")
    post.clock.advance(1)
    await post.entry("webhook.attempt")
    abandoned = await post.entry("webhook.abandoned")
    assert abandoned.data["attempts"] == 2
    assert post.sender.pending == 0


async def test_attempt_without_an_answer_times_out_after_10_seconds(post: Post, receiver: Receiver) -> None:
    never = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    receiver.answers = [hang]
    post.subscribe(receiver.url())
    post.send()
    await receiver.next()
    post.clock.advance(9.9)
    await asyncio.sleep(0)
    assert post.sender.pending == 1
    post.clock.advance(0.2)
    made = await post.entry("webhook.attempt")
    assert made.data["error"] == "no answer within 10 s"
    post.clock.advance(1)
    await receiver.next()
    await post.entry("webhook.attempt")
    await post.entry("webhook.delivered")


async def test_rotated_secret_and_the_old_one_both_verify_for_24_hours(post: Post, receiver: Receiver) -> None:
    endpoint = post.subscribe(receiver.url())
    rotated = post.project.endpoints.rotate_secret(endpoint.id, keep_old=True, now=post.clock.now())
    post.send()
    delivery = await receiver.next()
    assert len(delivery.headers["webhook-signature"].split()) == 2
    for secret in (SECRET, rotated.secret.text):
        SDK.webhooks.unwrap(delivery.body, delivery.headers, secret=secret)
    post.clock.advance(24 * 3600)
    post.send()
    delivery = await receiver.next()
    assert len(delivery.headers["webhook-signature"].split()) == 1


async def test_endpoint_that_was_down_gets_the_event_when_it_is_up(post: Post, receiver: Receiver) -> None:
    post.subscribe(receiver.url())
    await receiver.stop()
    post.send()
    assert "Cannot connect" in (await post.entry("webhook.attempt")).data["error"]
    await receiver.start()
    post.clock.advance(1)
    await receiver.next()
    await post.entry("webhook.attempt")
    await post.entry("webhook.delivered")


async def test_endpoint_that_moved_gets_the_next_attempt(post: Post, receiver: Receiver) -> None:
    receiver.answers = [500]
    endpoint = post.subscribe(receiver.url("old"))
    post.send()
    await post.entry("webhook.attempt")
    post.project.endpoints.update(endpoint.id, EndpointChange(url=receiver.url("new")), now=post.clock.now())
    post.clock.advance(1)
    await post.entry("webhook.attempt")
    await post.entry("webhook.delivered")
    assert [delivery.path for delivery in receiver.deliveries] == ["/old", "/new"]


async def test_connection_that_is_cut_is_a_failure(post: Post, receiver: Receiver) -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    receiver.answers = [cut]
    post.subscribe(receiver.url())
    post.send()
    assert (await post.entry("webhook.attempt")).data["error"]
    post.clock.advance(1)
    await post.entry("webhook.attempt")
    await post.entry("webhook.delivered")


async def test_server_that_speaks_no_http_is_a_failure(post: Post) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        post.subscribe(f"http://127.0.0.1:{port}/")
        post.send()
        assert (await post.entry("webhook.attempt")).data["error"]


@pytest.mark.parametrize("is_endless", [True, False], ids=["endless", "stalled"])
async def test_body_of_an_answer_delays_nothing_and_is_not_read_to_its_end(
    post: Post, receiver: Receiver, is_endless: bool
) -> None:
    cut = asyncio.Event()

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            await response.write(b"x")
            while is_endless:
                await response.write(b"x" * 65536)
            await asyncio.Event().wait()
        finally:
            cut.set()
        return response

    receiver.answers = [drip]
    post.subscribe(receiver.url())
    post.send()
    await post.entry("webhook.attempt")
    await post.entry("webhook.delivered")
    if is_endless:
        await asyncio.wait_for(cut.wait(), PATIENCE)
    else:
        assert not cut.is_set()
        post.clock.advance(1)
        async with asyncio.timeout(PATIENCE):
            while len(post.sender._supervisor):  # noqa: ASYNC110 — nobody outside can see it
                await asyncio.sleep(0)


async def test_connection_is_used_again_after_an_answer_with_a_body(post: Post, receiver: Receiver) -> None:
    peers = []

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        return web.Response(text="thanks")

    receiver.answers = [answer, answer]
    post.subscribe(receiver.url())
    for _ in range(2):
        post.send()
        await post.entry("webhook.attempt")
        await post.entry("webhook.delivered")
        while len(post.sender._supervisor):  # noqa: ASYNC110 — until the body is read
            await asyncio.sleep(0)
    assert len(set(peers)) == 1


async def test_burst_is_delivered_with_a_bounded_number_of_connections(post: Post, receiver: Receiver) -> None:
    gate = asyncio.Event()
    count = MOST_IN_FLIGHT + 50

    async def wait(_: web.Request) -> web.Response:
        await gate.wait()
        return web.Response()

    receiver.answers = [wait] * count
    post.subscribe(receiver.url())
    for number in range(count):
        post.send(f"rtc_{number}")
    for _ in range(MOST_IN_FLIGHT):
        await receiver.next()
    assert len(receiver.deliveries) == MOST_IN_FLIGHT
    assert post.sender.pending == len(post.sender.describe()) == count
    gate.set()
    for _ in range(50):
        await receiver.next()
    for _ in range(count):
        await asyncio.wait_for(post._entries.get(), PATIENCE)


async def test_proxy_of_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch, start_post: StartPost, receiver: Receiver
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    post = await start_post()
    post.subscribe(receiver.url())
    post.send()
    await receiver.next()


async def test_cookies_of_an_endpoint_are_not_sent_back(post: Post, receiver: Receiver) -> None:
    async def set_cookie(_: web.Request) -> web.Response:
        return web.Response(headers={"Set-Cookie": "session=1"})

    receiver.answers = [set_cookie]
    post.subscribe(receiver.url())
    for _ in range(2):
        post.send()
        delivery = await receiver.next()
        await post.entry("webhook.attempt")
        await post.entry("webhook.delivered")
    assert "Cookie" not in delivery.headers
