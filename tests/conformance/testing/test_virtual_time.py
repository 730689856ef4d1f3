"""The manual clock: what takes hours takes milliseconds, and two runs are alike to the byte."""

import asyncio
import json
from dataclasses import asdict

import pytest
from applications import SESSION, Asgi
from openai import AsyncOpenAI
from ringback.conformance.client.memory import MemoryEar
from ringback.conformance.testing.emulator_thread import EmulatorThread
from ringback.conformance.testing.loop_thread import LoopThread
from ringback.conformance.testing.synchronous import Ringback
from ringback.conformance.testing.virtual_loop import VirtualLoop
from ringback.fixtures import wirecode


def long_call(ringback: Ringback) -> None:
    """An hour on the phone, and what an application does in it."""

    async def answer(client: AsyncOpenAI, call_id: str) -> None:
        client = client.with_options(api_key=ringback.api_key, base_url=ringback.base_url)
        await client.realtime.calls.accept(call_id, **SESSION)

    ringback.webhook(Asgi(answer, secret=ringback.webhook_secret))
    call = ringback.dial(via="memory")
    call.answered()
    for turn in range(10):
        call.say(f"this is turn {turn}")
        assert call.hears() == f"this is turn {turn}"
        ringback.clock.advance("5 min")
    call.press("1#")
    call.hang_up()
    call.ended(by="caller")


def journal_of(ringback: Ringback) -> str:
    return "\n".join(json.dumps(asdict(record)) for record in ringback.journal.records())


def test_ten_runs_of_an_hour_give_the_same_journal_to_the_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody")
    journals = set()
    for _ in range(10):
        emulator = EmulatorThread(virtual=True)
        try:
            ringback = Ringback(emulator, emulator.open_project())
            long_call(ringback)
            journals.add(journal_of(ringback))
        finally:
            emulator.close()
    (journal,) = journals
    assert journal.count('"media.heard"') == 10


@pytest.mark.ringback(clock="manual")
def test_session_ends_after_an_hour(ringback: Ringback) -> None:
    ringback.webhook(Asgi())
    call = ringback.dial(via="memory")
    call.answered()
    ringback.clock.advance("59 min")
    assert not ringback.journal.records("call.ended")
    ringback.clock.advance("2 min")
    assert call.ended() == "application"


def test_caller_in_memory_interrupts_and_is_heard(ringback: Ringback) -> None:
    ringback.webhook(Asgi())
    call = ringback.dial(via="memory")
    call.answered()
    call.say("say something long, so that it can be interrupted before it is said to its end")
    ringback.journal.wait_for("media.said")
    call.interrupt("stop")
    assert call.hears("stop") == "stop"
    call.hang_up()
    assert call.heard == ["stop"]
    assert ringback.journal.events_received("output_audio_buffer.cleared")


@pytest.mark.ringback(clock="manual")
def test_caller_who_thinks_in_the_middle_of_a_sentence_is_waited_for(ringback: Ringback) -> None:
    async def answer(client: AsyncOpenAI, call_id: str) -> None:
        detection = {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}
        await client.realtime.calls.accept(call_id, **SESSION, audio={"input": detection})

    ringback.scenario.end_of_turn("/[.?]$/")
    ringback.scenario.when(heard="", repeat=True).say("You said: {heard}")
    ringback.webhook(Asgi(answer))
    call = ringback.dial(via="memory")
    call.answered()
    call.say("I would like")
    ringback.clock.advance("1.5 s")
    call.say("some tea.")
    assert call.hears() == "You said: I would like some tea."
    call.say("And")
    ringback.clock.advance("2.5 s")
    assert call.hears() == "You said: And"
    call.hang_up()


def test_caller_in_memory_is_transferred(ringback: Ringback) -> None:
    async def transfer(client: AsyncOpenAI, call_id: str) -> None:
        await client.realtime.calls.accept(call_id, **SESSION)
        await client.realtime.calls.refer(call_id, target_uri="tel:+14155550123")

    ringback.webhook(Asgi(transfer))
    call = ringback.dial(via="memory", from_="+14255550112")
    call.transferred_to("tel:+14155550123")
    call.ended()


@pytest.mark.parametrize(("pause", "complete"), [(0.3, [True]), (0.8, [False])])
def test_ear_in_memory_takes_late_frames_for_late_and_a_long_pause_for_the_end(
    pause: float, complete: list[bool]
) -> None:
    async def hear() -> list[bool]:
        ear = MemoryEar(lambda: None)
        sound = wirecode.encode("a busy machine")
        half = wirecode.FRAME * (len(sound) // wirecode.FRAME // 2)
        ear.listen(sound[:half])
        await asyncio.sleep(pause)
        if complete == [True]:
            ear.listen(sound[half:])
        ear.stop()
        return [each.complete for each in ear.hearings]

    thread = LoopThread(VirtualLoop())
    try:
        assert thread.run(hear()) == complete
    finally:
        thread.close()
