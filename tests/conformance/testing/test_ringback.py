"""The fixture `ringback`, used as its users do."""

import re
from typing import Any

import flask
import openai
import pytest
from aiohttp import web
from applications import SESSION, Asgi
from openai import AsyncOpenAI, OpenAI
from ringback.conformance.testing.errors import WrongUse
from ringback.conformance.testing.synchronous import Ringback


async def greet(client: AsyncOpenAI, call_id: str) -> None:
    await client.realtime.calls.accept(call_id, **SESSION)
    async with client.realtime.connect(call_id=call_id, model="gpt-realtime") as sideband:
        await sideband.response.create(response={"instructions": "say exactly 'good morning'"})
        async for event in sideband:
            if event.type == "response.done":
                return


async def hang_up_at_once(client: AsyncOpenAI, call_id: str) -> None:
    await client.realtime.calls.accept(call_id, **SESSION)
    await client.realtime.calls.hangup(call_id)


async def transfer(client: AsyncOpenAI, call_id: str) -> None:
    await client.realtime.calls.accept(call_id, **SESSION)
    await client.realtime.calls.refer(call_id, target_uri="tel:+14155550123")


def test_caller_hears_the_greeting_of_an_application_in_process(ringback: Ringback) -> None:
    application = Asgi(greet)
    ringback.webhook(application)
    call = ringback.dial(from_="+14255550112", headers={"X-Account": "42"})
    call.answered(within=5)
    assert call.hears(re.compile("morning")) == "good morning"
    call.say("hello")
    assert call.hears("hello") == "hello"
    call.hang_up()
    assert call.ended() == "caller"
    assert call.heard == ["good morning", "hello"]
    assert application.lifespan == ["lifespan.startup"]
    assert [each.data["status"] for each in ringback.journal.records("webhook.attempt")] == [200]
    assert len(ringback.journal.requests_to("/accept$", method="POST")) == 1
    ringback.journal.assert_no_errors()


def test_caller_is_told_no_with_the_status_that_the_application_chose(ringback: Ringback) -> None:
    ringback.webhook(Asgi(lambda client, call_id: client.realtime.calls.reject(call_id, status_code=486)))
    call = ringback.dial()
    assert call.rejected(486) == 486
    assert call.ended() == "application"


def test_caller_is_transferred(ringback: Ringback) -> None:
    ringback.webhook(Asgi(transfer))
    call = ringback.dial()
    call.transferred_to("tel:+14155550123")
    assert call.ended(by="caller") == "caller"


def test_caller_is_hung_up_on(ringback: Ringback) -> None:
    ringback.webhook(Asgi(hang_up_at_once))
    call = ringback.dial()
    call.answered()
    call.ended(by="application")


def test_caller_presses_keys_holds_and_resumes(ringback: Ringback) -> None:
    ringback.webhook(Asgi())
    call = ringback.dial(transport="udp")
    call.answered()
    call.press("4#")
    ringback.journal.wait_for("media.dtmf", digit="#")
    call.hold()
    call.resume()
    call.hang_up()
    assert [each.data["digit"] for each in ringback.journal.records("media.dtmf")] == ["4", "#"]


def test_caller_gives_up_ringing(ringback: Ringback) -> None:
    async def think(client: AsyncOpenAI, call_id: str) -> None:
        """It never decides."""

    ringback.webhook(Asgi(think))
    call = ringback.dial()
    ringback.journal.wait_for("webhook.delivered")
    call.ring_for(0.05)
    assert call.ended() == "caller"


def test_caller_reaches_a_wsgi_application(ringback: Ringback) -> None:
    application = flask.Flask(__name__)

    @application.post("/openai")
    def webhook() -> tuple[str, int]:
        with OpenAI() as client:
            event = client.webhooks.unwrap(flask.request.data, flask.request.headers)
            assert event.type == "realtime.call.incoming"
            client.realtime.calls.accept(event.data.call_id, **SESSION)
        return "", 200

    ringback.webhook(application, path="/openai")
    call = ringback.dial()
    call.answered()
    call.hang_up()


def test_caller_reaches_an_aiohttp_application(ringback: Ringback) -> None:
    async def webhook(request: web.Request) -> web.Response:
        async with AsyncOpenAI() as client:
            event = client.webhooks.unwrap(await request.read(), request.headers)
            assert event.type == "realtime.call.incoming"
            await client.realtime.calls.reject(event.data.call_id)
        return web.Response()

    application = web.Application()
    application.router.add_post("/", webhook)
    ringback.webhook(application)
    assert ringback.dial().rejected() == 603


def test_user_is_told_at_once_when_an_application_does_not_start(ringback: Ringback) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(WrongUse, match="the application does not start: no database"):
        ringback.webhook(application)


def test_test_has_the_environment_of_its_own_project(ringback: Ringback, monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAI() as client:
        assert str(client.base_url).rstrip("/") == ringback.base_url.rstrip("/")
        with pytest.raises(openai.NotFoundError):
            client.realtime.calls.hangup("rtc_nobody")
    [answer] = ringback.journal.records("rest.response")
    assert answer.data["status"] == 404
    assert answer.data["error"] == "No session found for the provided call_id"


@pytest.mark.parametrize("count", [1, 2])
def test_test_sees_nothing_of_another_one(ringback: Ringback, count: int) -> None:
    ringback.webhook(Asgi(hang_up_at_once))
    ringback.dial().ended(by="application")
    ringback.journal.wait_for("webhook.delivered")
    assert len(ringback.journal.records("webhook.delivered")) == 1


def test_many_callers_at_once_are_told_apart(ringback: Ringback) -> None:
    ringback.webhook(Asgi())
    calls = [ringback.dial(from_=f"+1425555010{number}") for number in range(5)]
    for call in calls:
        call.answered()
    assert len({call.id for call in calls}) == 5
    for call in calls:
        call.hang_up()


@pytest.mark.ringback(faults=["refer-to-national-number"])
def test_test_has_the_faults_that_it_names(ringback: Ringback) -> None:
    ringback.webhook(Asgi(transfer))
    call = ringback.dial()
    with pytest.raises(
        AssertionError, match=r"expected: a transfer to tel:\+14155550123[^$]*it was transferred to tel:14"
    ):
        call.transferred_to("tel:+14155550123")
    call.ended()


def test_user_is_told_what_a_webhook_may_be(ringback: Ringback) -> None:
    with pytest.raises(WrongUse, match="give a URL, or an ASGI, WSGI or aiohttp application"):
        ringback.webhook(42)


def test_user_is_told_which_tests_may_move_the_clock(ringback: Ringback) -> None:
    with pytest.raises(WrongUse, match="clock='manual'"):
        ringback.clock.advance("61 min")


@pytest.mark.ringback(clock="manual")
def test_clock_jumps_to_the_end_of_a_session(ringback: Ringback) -> None:
    ringback.webhook(Asgi(hang_up_at_once))
    before = ringback.clock.now()
    call = ringback.dial()
    call.ended(by="application")
    ringback.clock.advance("61 min")
    assert ringback.clock.now() - before >= 3660


@pytest.mark.ringback(clock="manual")
def test_clock_stands_still_between_two_steps_of_a_test(ringback: Ringback) -> None:
    before = ringback.clock.now()
    ringback.clock.run_until_idle()
    assert ringback.clock.now() == before


@pytest.mark.ringback(clock="manual")
def test_webhook_is_tried_for_three_days(ringback: Ringback) -> None:
    ringback.webhook(Asgi(hang_up_at_once, secret="whsec_" + 32 * "A"))
    ringback.dial().rejected(480, within=60)
    ringback.clock.advance("73 h")
    attempts = ringback.journal.records("webhook.attempt")
    assert len(attempts) > 70
    assert 71 * 3600 < attempts[-1].at - attempts[0].at <= 72 * 3600


async def test_coroutine_has_the_same_names(aringback: Any) -> None:
    await aringback.webhook(Asgi(greet))
    call = await aringback.dial()
    await call.answered()
    assert await call.hears() == "good morning"
    await call.hang_up()
    assert call.heard == ["good morning"]
    await aringback.journal.wait_for("call.ended")
