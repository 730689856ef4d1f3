"""An emulator and WebRTC callers of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from desk import StartEmulator
from ringback.conformance.client import RestClient, Sideband
from ringback.conformance.client.webrtc import WebRtcCall
from ringback.emulator.server import Emulator

SESSION: dict[str, Any] = {"type": "realtime", "model": "gpt-realtime"}

Connect = Callable[..., Awaitable[WebRtcCall]]


@pytest.fixture
async def emulator(start_emulator: StartEmulator, request: pytest.FixtureRequest) -> Emulator:
    """With the settings of `@pytest.mark.parametrize("emulator", [{…}], indirect=True)`, if there are any."""
    return await start_emulator(**getattr(request, "param", {}))


@pytest.fixture
async def rest(emulator: Emulator) -> AsyncIterator[RestClient]:
    async with RestClient(emulator.ready.base_url, emulator.ready.api_key) as rest:
        yield rest


@pytest.fixture
async def connect(rest: RestClient) -> AsyncIterator[Connect]:
    """`await connect(session, codecs=("PCMU",))` is a connected call; it is hung up at the end."""
    calls: list[WebRtcCall] = []

    async def connect(session: dict[str, Any] | None = None, **options: Any) -> WebRtcCall:
        call = WebRtcCall(address="127.0.0.1", **options)
        calls.append(call)
        await call.connect(await rest.create_call(await call.offer(), session=SESSION if session is None else session))
        return call

    yield connect
    for call in calls:
        await call.hang_up()


@pytest.fixture
async def attach(emulator: Emulator) -> AsyncIterator[Callable[[str], Awaitable[Sideband]]]:
    """`await attach(call.id)` is a sideband, closed at the end."""
    ready = emulator.ready
    opened: list[Sideband] = []

    async def attach(call_id: str) -> Sideband:
        sideband = await Sideband.open(ready.base_url, call_id=call_id, api_key=ready.api_key)
        opened.append(sideband)
        return sideband

    yield attach
    for sideband in opened:
        await sideband.close()
