"""The sockets of the `openai` package for Node.js, in programs that were written for api.openai.com."""

from pathlib import Path

import pytest
from interop.conftest import StartNode
from ringback.conformance.client import Phone
from ringback.emulator.realtime.audio_formats import decode_whole
from ringback.emulator.realtime.session_config import PCM
from ringback.emulator.server import Emulator
from ringback.fixtures import tonecode


@pytest.mark.parametrize("kind", ["ws", "browser"])
async def test_socket_writes_and_hears(start_node: StartNode, tmp_path: Path, kind: str) -> None:
    async with start_node("--experimental-websocket", "openai_socket.mjs", kind) as command:
        assert await command.status() == 0
    assert command.lines == ["model: gpt-realtime", "response: completed"]
    sound = decode_whole((tmp_path / "answer.pcm").read_bytes(), PCM)
    assert [heard.text for heard in tonecode.decode(sound)] == ["Is anybody there?"]


@pytest.mark.parametrize("kind", ["ws", "browser"])
async def test_socket_opens_by_a_client_secret(start_node: StartNode, tmp_path: Path, kind: str) -> None:
    async with start_node("--experimental-websocket", "openai_socket.mjs", kind, "secret") as command:
        assert await command.status() == 0
    assert command.lines == ["secret: ek_…", "model: gpt-realtime", "response: completed"]
    sound = decode_whole((tmp_path / "answer.pcm").read_bytes(), PCM)
    assert [heard.text for heard in tonecode.decode(sound)] == ["Is anybody there?"]


@pytest.mark.parametrize("kind", ["ws", "browser"])
async def test_socket_is_led_by_settings_alone(
    emulator: Emulator, start_node: StartNode, tmp_path: Path, kind: str
) -> None:
    ready = emulator.ready
    settings = {
        "OPENAI_BASE_URL": ready.https_base_url,
        "OPENAI_API_KEY": ready.api_key,
        "NODE_EXTRA_CA_CERTS": ready.ca_file,
    }
    async with start_node("--experimental-websocket", "openai_socket.mjs", kind, settings=settings) as command:
        assert await command.status() == 0
    assert command.lines == ["model: gpt-realtime", "response: completed"]


async def test_socket_is_the_sideband_of_a_call(emulator: Emulator, start_node: StartNode) -> None:
    async with start_node("openai_call.mjs") as command, Phone(ca_file=emulator.ready.ca_file) as phone:
        await command.line(lambda line: line == "waiting for a call")
        call = await phone.dial(emulator.ready.sip["tls"])
        await call.answered()
        assert await call.ended() == "callee"
        assert await command.status() == 0
    assert call.heard == ["Welcome and goodbye."]
    assert command.lines == ["waiting for a call"]
