"""The official `openai` package makes WebRTC calls and hangs them up."""

import asyncio
from typing import Any

import pytest
from openai import AsyncOpenAI, AuthenticationError, BadRequestError, OpenAI
from ringback.conformance.client.webrtc import WebRtcCall
from ringback.emulator.server import Emulator
from webrtc_sample import OFFER

SESSION: Any = {"type": "realtime", "model": "gpt-realtime", "instructions": "say exactly 'Hello from the SDK.'"}


async def take(call: WebRtcCall, sdp: str) -> None:
    """Connect by the text of an answer alone."""
    call._setting = asyncio.ensure_future(call._set_answer(sdp))
    await call.connected()


@pytest.mark.parametrize("session", [None, SESSION])
async def test_async_client_makes_a_call(emulator: Emulator, session: Any) -> None:
    ready = emulator.ready
    async with (
        AsyncOpenAI(base_url=ready.base_url, api_key=ready.api_key) as client,
        WebRtcCall(address="127.0.0.1") as call,
    ):
        offer = await call.offer()
        made = await client.realtime.calls.create(sdp=offer, **({} if session is None else {"session": session}))
        assert made.response.status_code == 201
        call_id = made.response.headers["location"].rpartition("/")[2]
        await take(call, made.text)
        async with client.realtime.connect(call_id=call_id) as sideband:
            await sideband.response.create(response={"instructions": "say exactly 'Hello from the SDK.'"})
            async for event in sideband:
                if event.type == "output_audio_buffer.stopped":
                    break
        assert await call.wait_for_heard() == "Hello from the SDK."
        await client.realtime.calls.hangup(call_id)
        assert await call.ended() == "callee"


async def test_sync_client_makes_a_call(emulator: Emulator) -> None:
    ready = emulator.ready
    client = OpenAI(base_url=ready.base_url, api_key=ready.api_key)
    async with WebRtcCall(address="127.0.0.1") as call:
        offer = await call.offer()
        made = await asyncio.to_thread(client.realtime.calls.create, sdp=offer, session=SESSION)
        await take(call, made.text)
        call_id = made.response.headers["location"].rpartition("/")[2]
        await asyncio.to_thread(client.realtime.calls.hangup, call_id)
        assert await call.ended() == "callee"
    client.close()


async def test_client_raises_what_the_emulator_refuses(emulator: Emulator) -> None:
    ready = emulator.ready
    async with AsyncOpenAI(base_url=ready.base_url, api_key=ready.api_key) as client:
        with pytest.raises(BadRequestError) as wrong:
            await client.realtime.calls.create(sdp="not an SDP")
        assert wrong.value.code == "invalid_offer"
    async with AsyncOpenAI(base_url=ready.base_url, api_key="ek_gone") as client:
        with pytest.raises(AuthenticationError):
            await client.realtime.calls.create(sdp=OFFER)
