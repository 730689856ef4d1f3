"""`openai-agents` for Python as its users use it: a runner that owns its session, and one that joins a phone call."""

import asyncio
import logging
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession, RealtimeSessionEvent
from agents.realtime.openai_realtime import OpenAIRealtimeSIPModel
from desk import PATIENCE, StartEmulator, wait_for_entry
from interop.launch import FIND_ORDER, PROGRAMS, launched, order_by_phone
from ringback.conformance.client import Phone
from ringback.emulator.audio.samples import Samples
from ringback.emulator.model.builtin import GREETING
from ringback.emulator.realtime.audio_formats import decode_whole, encode_whole
from ringback.emulator.realtime.session_config import PCM
from ringback.emulator.server import Emulator
from ringback.fixtures import tonecode

SILENCE: Samples = np.zeros(8000, dtype=np.int16)
"""A second: the SDK asks for `semantic_vad`, which waits for half of one."""


@pytest.fixture
async def emulator(start_emulator: StartEmulator) -> Emulator:
    """One whose model asks the tool for whatever number it is told."""
    return await start_emulator(scenario=str(FIND_ORDER))


@pytest.fixture
def asked() -> list[str]:
    """What the tool was asked."""
    return []


@pytest.fixture
def runner(asked: list[str]) -> RealtimeRunner:
    """Of an agent with a tool."""

    @function_tool
    def find_order(number: str) -> str:
        """Where an order is."""
        asked.append(number)
        return f"order {number} is on its way"

    return RealtimeRunner(RealtimeAgent(name="Support", instructions="Be brief.", tools=[find_order]))


@pytest.fixture(autouse=True)
def nothing_to_warn_of(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The SDK logs what it does not understand, such as an event that fails its validation."""
    yield
    logged = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert logged == []


def config_for(emulator: Emulator, query: str = "model=gpt-realtime") -> Any:
    url = emulator.ready.base_url.replace("http", "ws", 1)
    return {"api_key": emulator.ready.api_key, "url": f"{url}/realtime?{query}"}


async def until(session: RealtimeSession, kind: str, count: int = 1) -> list[RealtimeSessionEvent]:
    """The session's events up to the `count`th of that kind."""
    events: list[RealtimeSessionEvent] = []
    async with asyncio.timeout(PATIENCE):
        async for event in session:
            events.append(event)
            assert event.type != "error", event
            count -= event.type == kind
            if count == 0:
                return events
    raise AssertionError(f"the session ended after {[event.type for event in events]}")


def heard_in(events: Iterable[RealtimeSessionEvent]) -> list[str]:
    """What the sound of these events says."""
    sound = b"".join(event.audio.data for event in events if event.type == "audio")
    return [heard.text for heard in tonecode.decode(decode_whole(sound, PCM))]


def speech(text: str) -> bytes:
    return encode_whole(np.concatenate((SILENCE, tonecode.encode(text), SILENCE)), PCM)


async def test_runner_calls_a_tool_when_user_writes(
    emulator: Emulator, runner: RealtimeRunner, asked: list[str]
) -> None:
    async with await runner.run(model_config=config_for(emulator)) as session:
        await session.send_message("4711")
        events = await until(session, "agent_end", 2)
    assert asked == ["4711"]
    [end] = [event for event in events if event.type == "tool_end"]
    assert (end.tool.name, end.arguments, end.output) == (
        "find_order",
        '{"number": "4711"}',
        "order 4711 is on its way",
    )
    assert heard_in(events) == ["I see, order 4711 is on its way."]
    history = [event.history for event in events if event.type == "history_updated"][-1]
    assert [item.type for item in history] == ["message", "function_call", "message"]
    assert history[-1].content[0].transcript == "I see, order 4711 is on its way."


async def test_runner_calls_a_tool_when_user_speaks(
    emulator: Emulator, runner: RealtimeRunner, asked: list[str]
) -> None:
    async with await runner.run(model_config=config_for(emulator)) as session:
        await session.send_audio(speech("4711"))
        events = await until(session, "agent_end", 2)
    assert asked == ["4711"]
    assert heard_in(events) == ["I see, order 4711 is on its way."]


async def test_runner_hands_over_to_another_agent(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(scenario=str(FIND_ORDER.with_name("hand_over.toml")))
    billing = RealtimeAgent(name="Billing", instructions="You know the bills.")
    runner = RealtimeRunner(RealtimeAgent(name="Front", handoffs=[billing]))
    async with await runner.run(model_config=config_for(emulator)) as session:
        await session.send_message("My bill is wrong.")
        events = await until(session, "agent_end", 2)
    assert [event.to_agent.name for event in events if event.type == "handoff"] == ["Billing"]
    assert events[-1].agent.name == "Billing"
    assert heard_in(events) == ["Billing speaks."]
    updates = [
        entry.data["event"]["session"]
        for entry in emulator.journal.entries(kind="event.client")
        if "session" in entry.data["event"]
    ]
    assert updates[-1]["instructions"] == "You know the bills."


async def test_runner_interrupts_when_user_speaks(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator()
    runner = RealtimeRunner(RealtimeAgent(name="Echo"))
    async with await runner.run(model_config=config_for(emulator)) as session:
        await session.send_message("word " * 2000)
        await until(session, "audio")
        await session.send_audio(speech("Stop!"))
        await until(session, "audio_interrupted")
        events = await until(session, "agent_end", 2)
    [done, _] = [
        event.data.data
        for event in events
        if event.type == "raw_model_event"
        and event.data.type == "raw_server_event"
        and event.data.data["type"] == "response.done"
    ]
    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}


async def test_runner_joins_a_phone_call_by_url(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(auto_accept=True)
    runner = RealtimeRunner(RealtimeAgent(name="Echo"), model=OpenAIRealtimeSIPModel())
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip["tls"])
        await call.answered()
        await call.wait_for_heard(GREETING)  # who accepts by itself greets, too
        call_id = (await wait_for_entry(emulator, "call.state")).call_id
        config = {**config_for(emulator, f"call_id={call_id}"), "call_id": call_id}
        async with await runner.run(model_config=config) as session:
            await session.send_message("Is anybody there?")
            await call.wait_for_heard("Is anybody there?")
        await call.hang_up()


async def test_runner_joins_a_phone_call(emulator: Emulator, tmp_path: Path) -> None:
    async with launched(emulator, sys.executable, str(PROGRAMS / "agents_sip.py"), folder=tmp_path) as command:
        await order_by_phone(emulator, command)
