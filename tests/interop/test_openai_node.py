"""The sockets of the `openai` package for Node.js, in programs that were written for api.openai.com."""

from pathlib import Path

import pytest
from interop.conftest import StartNode
from ringback.emulator.realtime.audio_formats import decode_whole
from ringback.emulator.realtime.session_config import PCM
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
