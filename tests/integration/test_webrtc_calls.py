"""WebRTC calls by aiortc: sound both ways, events on the data channel, every way in which they end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from desk import StartEmulator, wait_for_entry
from ringback.conformance.client import RestClient
from ringback.conformance.client.webrtc import WebRtcCall
from ringback.emulator.server import Emulator

SESSION: dict[str, Any] = {"type": "realtime", "model": "gpt-realtime"}
TRANSCRIBED = SESSION | {"audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}}


@pytest.fixture
async def emulator(start_emulator: StartEmulator) -> Emulator:
    return await start_emulator()


@pytest.fixture
async def rest(emulator: Emulator) -> AsyncIterator[RestClient]:
    async with RestClient(emulator.ready.base_url, emulator.ready.api_key) as rest:
        yield rest


@pytest.fixture
async def connect(rest: RestClient) -> AsyncIterator[Callable[..., Awaitable[WebRtcCall]]]:
    """`await connect(session, codecs=("PCMU",))` is a connected call; it is hung up at the end."""
    calls: list[WebRtcCall] = []

    async def connect(session: dict[str, Any] | None = None, **options: Any) -> WebRtcCall:
        call = WebRtcCall(address="127.0.0.1", **options)
        calls.append(call)
        await call.connect(await rest.create_call(await call.offer(), session=session or SESSION))
        return call

    yield connect
    for call in calls:
        await call.hang_up()


@pytest.mark.parametrize("codec", ["opus", "PCMU", "PCMA"])
async def test_caller_is_understood_and_hears_the_model(
    connect: Callable[..., Awaitable[WebRtcCall]], emulator: Emulator, codec: str
) -> None:
    call = await connect(TRANSCRIBED, codecs=(codec,))
    created = await call.events.wait_for("session.created")
    assert created["session"]["id"] == call.id.replace("rtc_", "sess_")
    await call.say("where is my order 4711?")
    heard = await call.events.wait_for("conversation.item.input_audio_transcription.completed")
    assert heard["transcript"] == "where is my order 4711?"
    done = await call.events.wait_for("response.done")
    said = done["response"]["output"][0]["content"][0]["transcript"]
    await call.events.wait_for("output_audio_buffer.stopped")
    assert await call.wait_for_heard() == said
    opened = await wait_for_entry(emulator, "media.opened")
    assert opened.data["codec"] == codec
    assert "response.output_audio.delta" not in call.events.types
