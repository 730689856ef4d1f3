"""What else callers do: from a browser, all at once, with sound of their own, and while things go wrong on purpose."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from applications import Asgi
from openai import AsyncOpenAI, OpenAI
from ringback.conformance.testing import AsyncRingback, ExpectationFailed, Ringback, WrongUse

SPEECH = Path(__file__).parents[3] / "fixtures" / "audio"


def test_page_talks_to_the_model(ringback: Ringback) -> None:
    page = ringback.browse()
    page.connected(within=10)
    page.say("hello from a page")
    assert page.hears(within=10) == "hello from a page"
    page.send({"type": "response.create", "response": {"instructions": "say exactly 'goodbye'"}})
    assert page.hears(within=10) == "goodbye"
    assert page.receives("response.done")["response"]["status"] == "completed"
    [call] = ringback.journal.records("call.offered")
    assert call.call_id == page.id
    page.hang_up()
    assert page.ended() == "caller"


def test_page_calls_with_a_client_secret(ringback: Ringback) -> None:
    with OpenAI() as client:
        secret = client.realtime.client_secrets.create(session={"type": "realtime", "model": "gpt-realtime"})
    page = ringback.browse(secret=secret.value)
    page.connected(within=10)
    page.hang_up()


async def test_page_calls_through_its_application(aringback: AsyncRingback) -> None:
    async def exchange(request: web.Request) -> web.Response:
        async with AsyncOpenAI() as client:
            answer = await client.realtime.calls.create(
                sdp=await request.text(), session={"type": "realtime", "model": "gpt-realtime"}
            )
            return web.Response(text=answer.text, content_type="application/sdp")

    application = web.Application()
    application.router.add_post("/session", exchange)
    async with TestServer(application) as server:
        page = await aringback.browse(through=str(server.make_url("/session")))
        await page.connected(within=10)
        assert page.id is None
        await page.hang_up()


def test_page_that_is_refused_says_why(ringback: Ringback) -> None:
    with pytest.raises(ExpectationFailed, match="it was refused: 401"):
        ringback.browse(secret="ek_of_nobody")


@pytest.mark.ringback(clock="manual")
def test_page_needs_the_system_clock(ringback: Ringback) -> None:
    with pytest.raises(WrongUse, match="system clock"):
        ringback.browse()


async def test_page_of_a_coroutine_has_the_same_names(aringback: AsyncRingback) -> None:
    page = await aringback.browse()
    await page.connected(within=10)
    await page.hang_up()
    assert await page.ended() == "caller"


def test_callers_talk_at_once_and_hear_their_own_answers(ringback: Ringback) -> None:
    ringback.webhook(Asgi())
    calls = [ringback.dial(via="memory", from_=f"+1425555010{number}") for number in range(4)]
    for number, call in enumerate(calls):
        call.answered()
        call.say(f"caller {number}")
    assert [call.hears(within=10) for call in calls] == [f"caller {number}" for number in range(4)]
    for call in calls:
        call.hang_up()


@pytest.mark.ringback(clock="manual")
def test_caller_plays_a_recording_and_falls_silent(ringback: Ringback) -> None:
    ringback.webhook(Asgi())
    ringback.scenario.when(silence=3.0).say("are you still there?")
    call = ringback.dial()
    call.answered()
    call.play(next(SPEECH.glob("*.wav")))
    assert ringback.journal.events_received("input_audio_buffer.speech_started")
    call.silence(20)
    assert "are you still there?" in call.heard
    call.hold()
    call.resume()
    call.hang_up()


def test_faults_come_and_go_in_a_test(ringback: Ringback) -> None:
    async def transfer(client: AsyncOpenAI, call_id: str) -> None:
        await client.realtime.calls.accept(call_id, type="realtime", model="gpt-realtime")
        await client.realtime.calls.refer(call_id, target_uri="tel:+14155550123")

    ringback.webhook(Asgi(transfer))
    ringback.faults.add("refer-to-national-number")
    call = ringback.dial(via="memory")
    with pytest.raises(ExpectationFailed, match="it was transferred to tel:"):
        call.transferred_to("tel:+14155550123")
    call.ended()
    assert ringback.faults.struck == ["refer-to-national-number"]
    ringback.faults.clear()
    call = ringback.dial(via="memory")
    call.transferred_to("tel:+14155550123")
    call.ended()


def test_user_is_told_of_a_fault_that_there_is_not(ringback: Ringback) -> None:
    with pytest.raises(WrongUse, match="no-such-fault"):
        ringback.faults.add("no-such-fault")


@pytest.fixture(scope="session")
def session(ringback_session: Ringback) -> Ringback:
    """It has its application before the first of its tests, whichever that is."""
    ringback_session.webhook(Asgi())
    return ringback_session


@pytest.mark.xdist_group("one session")  # in two processes each test would have one of its own
@pytest.mark.parametrize("number", [1, 2])
def test_session_is_shared_by_its_tests(session: Ringback, number: int) -> None:
    call = session.dial(via="memory")
    call.answered()
    call.hang_up()
    call.ended()
    assert len(session.journal.records("webhook.delivered")) >= 1


async def test_session_of_coroutines_is_shared(aringback_session: AsyncRingback) -> None:
    await aringback_session.webhook(Asgi())
    call = await aringback_session.dial(via="memory")
    await call.answered()
    await call.hang_up()
