"""`@openai/agents-realtime` for Node.js as its users use it: programs that were written for api.openai.com."""

from pathlib import Path

import numpy as np
import pytest
from desk import StartEmulator, wait_for_entry
from interop.conftest import StartNode
from interop.launch import FIND_ORDER, order_by_phone
from ringback.conformance.client import Phone
from ringback.emulator.realtime.audio_formats import decode_whole, encode_whole
from ringback.emulator.realtime.session_config import PCM
from ringback.emulator.server import Emulator
from ringback.fixtures import tonecode


@pytest.fixture
async def emulator(start_emulator: StartEmulator, request: pytest.FixtureRequest) -> Emulator:
    """One whose model asks the tool for whatever number it is told, or plays the scenario that the test names."""
    return await start_emulator(scenario=str(getattr(request, "param", FIND_ORDER)))


def url_of(emulator: Emulator) -> str:
    return emulator.ready.base_url.replace("http", "ws", 1) + "/realtime"


@pytest.mark.parametrize("by_url", [False, True])
async def test_session_calls_a_tool(emulator: Emulator, start_node: StartNode, tmp_path: Path, by_url: bool) -> None:
    arguments = [url_of(emulator) + "?model=gpt-realtime"] if by_url else []
    async with start_node("agents_websocket.mjs", *arguments) as command:
        assert await command.status() == 0
    assert command.lines == [
        "tool: find_order(4711)",
        "tool_end: order 4711 is on its way",
        "answer: I see, order 4711 is on its way.",
        "history: message,function_call,message",
    ]
    sound = decode_whole((tmp_path / "answer.pcm").read_bytes(), PCM)
    assert [heard.text for heard in tonecode.decode(sound)] == ["I see, order 4711 is on its way."]


@pytest.mark.parametrize("by_url", [False, True])
async def test_session_joins_a_phone_call(emulator: Emulator, start_node: StartNode, by_url: bool) -> None:
    ready = emulator.ready
    settings = {"OPENAI_BASE_URL": ready.base_url, "OPENAI_API_KEY": ready.api_key}
    start = (
        start_node("agents_sip.mjs", url_of(emulator), settings=settings) if by_url else start_node("agents_sip.mjs")
    )
    async with start as command:
        await order_by_phone(emulator, command)


async def test_session_approves_the_call_of_an_mcp_tool(start_node: StartNode) -> None:
    async with start_node("agents_mcp.mjs") as command:
        assert await command.status() == 0
    assert command.lines == [
        "tools: find_order",
        "approved: find_order",
        "called: find_order, completed",
        "answer: {}",
    ]


async def test_user_interrupts_the_agent(emulator: Emulator, start_node: StartNode, tmp_path: Path) -> None:
    silence = np.zeros(8000, dtype=np.int16)
    sound = np.concatenate((silence, tonecode.encode("Stop!"), silence))
    (tmp_path / "question.pcm").write_bytes(encode_whole(sound, PCM))
    async with start_node("agents_interrupted.mjs") as command:
        assert await command.status() == 0
    assert command.lines == ["interrupted", "answer: Stop!", "shortened: assistant, incomplete"]


async def test_caller_interrupts_the_agent(emulator: Emulator, start_node: StartNode) -> None:
    async with start_node("agents_sip.mjs") as command, Phone(ca_file=emulator.ready.ca_file) as phone:
        await command.line(lambda line: line == "waiting for a call")
        call = await phone.dial(emulator.ready.sip["tls"])
        await call.wait_for_heard("Welcome, which order?")
        await call.say("4711")
        await call.wait_for_sound()
        await call.say("4712")
        await call.wait_for_heard("I see, order 4712 is on its way.")
        await call.hang_up()
        assert await command.status() == 0
    assert [line for line in command.lines if line.startswith("tool:")] == [
        "tool: find_order(4711)",
        "tool: find_order(4712)",
    ]
    cleared = await wait_for_entry(
        emulator, "event.server", lambda entry: entry.data["event"]["type"] == "output_audio_buffer.cleared"
    )
    assert cleared.data["event"]["response_id"].startswith("resp_")
    assert not [line for line in command.lines if line.startswith(("error", "not understood"))]


async def test_worker_connects_by_a_fetch_that_upgrades(emulator: Emulator, start_node: StartNode) -> None:
    async with start_node("cloudflare.mjs", url_of(emulator) + "?model=gpt-realtime") as command:
        assert await command.status() == 0
    assert command.lines == [
        "tool: find_order(4711)",
        "tool_end: order 4711 is on its way",
        "answer: I see, order 4711 is on its way.",
    ]
    detached = await wait_for_entry(emulator, "channel.detached")
    assert (detached.data["by"], detached.data["code"]) == ("client", 1005)


@pytest.mark.parametrize("emulator", [FIND_ORDER.with_name("mcp.toml")], indirect=True)
async def test_session_calls_the_tools_that_a_scenario_gives_a_server(
    emulator: Emulator, start_node: StartNode
) -> None:
    async with start_node("agents_mcp_scenario.mjs") as command:
        assert await command.status() == 0
    assert command.lines == [
        "tools: search,fetch",
        "called: fetch gave a page",
        'approval: search({"text":"it"})',
        "called: search gave 42",
        "answer: It is 42.",
    ]
