"""What the bench does for checks of WebRTC calls, and how a target is found to have such calls."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from ringback.conformance.bench import Bench
from ringback.conformance.requirement import Catalogue
from ringback.conformance.runner import judge
from ringback.conformance.targets.emulator import EmulatorTarget
from ringback.conformance.targets.url import UrlTarget, Way
from ringback.conformance.verdict import Outcome, Verdict
from ringback.emulator.config import Settings
from ringback.emulator.server import Emulator

FREE_PORTS: dict[str, Any] = {"http_port": 0, "https_port": 0, "sip_tls_port": 0, "sip_tcp_port": 0, "sip_udp_port": 0}
Declare = Callable[..., None]
Judged = Callable[[Callable[[Bench], Awaitable[None]]], Awaitable[Verdict]]


@pytest.fixture
async def web() -> AsyncIterator[EmulatorTarget]:
    target = EmulatorTarget()
    async with target.open():
        yield target


@pytest.fixture
def judged(web: EmulatorTarget, declare: Declare, catalogue: Catalogue) -> Judged:
    async def run(check: Callable[[Bench], Awaitable[None]]) -> Verdict:
        declare("WEB-TEST-01", check, needs={"rest", "webrtc"})
        return await judge(web, catalogue["WEB-TEST-01"])

    return run


async def test_failed_check_shows_the_answer_and_the_events_of_its_call(judged: Judged) -> None:
    async def check(bench: Bench) -> None:
        call = await bench.place()
        await bench.event(call.events, "session.created")
        bench.fail("the impossible", "something else")

    verdict = await judged(check)
    assert verdict.outcome is Outcome.FAILED
    answer, event, *_ = verdict.frames
    assert "POST /realtime/calls: 201 v=0 | o=-" in answer
    assert 'channel < {"type": "session.created"' in event


async def test_call_that_a_check_never_connected_is_hung_up(judged: Judged, web: EmulatorTarget) -> None:
    async def check(bench: Bench) -> None:
        _, offer = await bench.offer()
        answer = await bench.post(offer, {"type": "realtime"})
        bench.expect(answer.status == 201, "201", answer.status)

    assert (await judged(check)).outcome is Outcome.PASSED
    assert web._emulator is not None
    (ended,) = [entry for entry in web._emulator.journal.entries(kind="call.state") if entry.data["to"] == "leaving"]
    assert ended.data["input"] == "hangup"


async def test_refused_offer_fails_the_check_with_its_answer(judged: Judged) -> None:
    async def check(bench: Bench) -> None:
        await bench.place(session={"type": "nonsense"})

    verdict = await judged(check)
    assert (verdict.outcome, verdict.expected) == (Outcome.FAILED, "201 to the offer")
    assert verdict.actual.startswith("got 400")


async def test_check_that_places_more_calls_than_it_declares_is_broken(judged: Judged) -> None:
    async def check(bench: Bench) -> None:
        await bench.place()
        await bench.place()

    verdict = await judged(check)
    assert verdict.outcome is Outcome.BROKEN
    assert "declares calls=1 and opens more" in verdict.actual


async def test_target_that_answers_an_offer_is_found_to_have_webrtc() -> None:
    async with Emulator(Settings(**FREE_PORTS)) as emulator:
        ready = emulator.ready
        target = UrlTarget(Way(base_url=ready.base_url, api_key=ready.api_key))
        async with target.open():
            assert "webrtc" in target.capabilities
        states = [entry.data["to"] for entry in emulator.journal.entries(kind="call.state")]
        assert states[:3] == ["preparing", "answered", "leaving"]
