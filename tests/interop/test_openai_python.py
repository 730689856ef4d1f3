"""The `openai` package for Python on its two WebSockets, in both its forms: with tools, and beside a phone call."""

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desk import Desk, StartEmulator
from interop.launch import FIND_ORDER, PROGRAMS, launched
from openai import AsyncOpenAI, OpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection, RealtimeConnection
from ringback.emulator.realtime.audio_formats import decode_whole, encode_whole
from ringback.emulator.realtime.session_config import PCM
from ringback.emulator.server import Emulator
from ringback.fixtures import tonecode
from websockets.exceptions import ConnectionClosedError

# The SDK's own affair.
pytestmark = pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning")

TOOL = {
    "type": "function",
    "name": "find_order",
    "parameters": {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]},
}
WITH_TOOL = {"type": "realtime", "output_modalities": ["text"], "tools": [TOOL]}
GREET = {"instructions": "Say exactly 'Welcome.'"}


def find_order(arguments: str) -> str:
    return f"order {json.loads(arguments)['number']} is on its way"


def output_of(call: Any) -> dict[str, str]:
    """What an application answers a function call with."""
    return {"type": "function_call_output", "call_id": call.call_id, "output": find_order(call.arguments)}


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def heard_in(events: list[Any]) -> list[str]:
    sound = b"".join(base64.b64decode(event.delta) for event in events if event.type == "response.output_audio.delta")
    return [heard.text for heard in tonecode.decode(decode_whole(sound, PCM))]


def speech(text: str) -> str:
    silence = np.zeros(4000, dtype=np.int16)
    return base64.b64encode(encode_whole(np.concatenate((silence, tonecode.encode(text), silence)), PCM)).decode()


def until(connection: RealtimeConnection, kind: str) -> list[Any]:
    events = []
    for event in connection:
        events.append(event)
        if event.type == kind:
            return events
    raise AssertionError(f"the connection ended after {[event.type for event in events]}")


async def until_async(connection: AsyncRealtimeConnection, kind: str) -> list[Any]:
    events = []
    async for event in connection:
        events.append(event)
        if event.type == kind:
            return events
    raise AssertionError(f"the connection ended after {[event.type for event in events]}")


@pytest.fixture
async def tool_user(start_emulator: StartEmulator) -> Emulator:
    return await start_emulator(scenario=str(FIND_ORDER))


# A session of its own


async def test_async_client_calls_a_tool(tool_user: Emulator) -> None:
    ready = tool_user.ready
    async with (
        AsyncOpenAI(base_url=ready.base_url, api_key=ready.api_key) as client,
        client.realtime.connect(model="gpt-realtime") as connection,
    ):
        await connection.session.update(session=WITH_TOOL)
        await connection.conversation.item.create(item=message("4711"))
        await connection.response.create()
        done = (await until_async(connection, "response.done"))[-1]
        [call] = done.response.output
        await connection.conversation.item.create(item=output_of(call))
        await connection.response.create()
        done = (await until_async(connection, "response.done"))[-1]
    assert done.response.output[0].content[0].text == "I see, order 4711 is on its way."


async def test_sync_client_calls_a_tool(tool_user: Emulator) -> None:
    ready = tool_user.ready

    def use() -> str:
        with (
            OpenAI(base_url=ready.base_url, api_key=ready.api_key) as client,
            client.realtime.connect(model="gpt-realtime") as connection,
        ):
            connection.session.update(session=WITH_TOOL)
            connection.conversation.item.create(item=message("4711"))
            connection.response.create()
            [call] = until(connection, "response.done")[-1].response.output
            connection.conversation.item.create(item=output_of(call))
            connection.response.create()
            return until(connection, "response.done")[-1].response.output[0].content[0].text

    assert await asyncio.to_thread(use) == "I see, order 4711 is on its way."


async def test_sync_client_speaks_and_hears_by_a_client_secret(emulator: Emulator) -> None:
    ready = emulator.ready

    def use() -> list[str]:
        with OpenAI(base_url=ready.base_url, api_key=ready.api_key) as server:
            made = server.realtime.client_secrets.create(session={"type": "realtime", "model": "gpt-realtime-mini"})
        assert made.value.startswith("ek_")
        with (
            OpenAI(base_url=ready.base_url, api_key=made.value) as client,
            client.realtime.connect(model="gpt-realtime-mini") as connection,
        ):
            connection.input_audio_buffer.append(audio=speech("Spoken"))
            return heard_in(until(connection, "response.done"))

    assert await asyncio.to_thread(use) == ["Spoken"]


# Beside a phone call


async def test_async_client_is_the_sideband_of_a_call(desk: Desk) -> None:
    ready = desk.emulator.ready
    call, call_id = await desk.connect()
    async with (
        AsyncOpenAI(base_url=ready.base_url, api_key=ready.api_key) as client,
        client.realtime.connect(call_id=call_id) as connection,
    ):
        await connection.response.create(response=GREET)
        await until_async(connection, "output_audio_buffer.stopped")
        await call.say("Goodbye")
        events = await until_async(connection, "output_audio_buffer.stopped")
        assert "response.output_audio.delta" not in {event.type for event in events}
        await call.hang_up()
        with pytest.raises(ConnectionClosedError):
            await until_async(connection, "never")
    assert call.heard == ["Welcome.", "Goodbye"]


async def test_sync_client_is_the_sideband_of_a_call(desk: Desk) -> None:
    ready = desk.emulator.ready
    call, call_id = await desk.connect()

    def use() -> None:
        with (
            OpenAI(base_url=ready.base_url, api_key=ready.api_key) as client,
            client.realtime.connect(call_id=call_id) as connection,
        ):
            connection.response.create(response=GREET)
            until(connection, "output_audio_buffer.stopped")
            client.realtime.calls.hangup(call_id)

    await asyncio.to_thread(use)
    assert await call.ended() == "callee"
    assert call.heard == ["Welcome."]


# Programs that say api.openai.com


@pytest.mark.parametrize("package", ["openai", "agents"])
async def test_program_is_redirected(emulator: Emulator, tmp_path: Path, package: str) -> None:
    async with launched(emulator, sys.executable, str(PROGRAMS / "direct.py"), package, folder=tmp_path) as command:
        assert await command.status() == 0
    assert command.lines == ["4711"]
