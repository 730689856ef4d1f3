"""The WebSocket client against a scripted server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from ringback.conformance.client import Sideband
from ringback.conformance.client.errors import (
    CallEnded,
    ConnectionFailed,
    HandshakeRefused,
    ProtocolViolation,
    UsageError,
    WaitTimeout,
)
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

Script = Callable[[ServerConnection], Awaitable[None]]


class Server:
    """Runs the test's script on each connection; 404 for call `gone`."""

    def __init__(self) -> None:
        self.script: Script = echo
        self.requests: list[Request] = []
        self.base_url = ""

    async def run(self, connection: ServerConnection) -> None:
        await self.script(connection)

    def process(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        if "gone" in request.path:
            response = connection.respond(404, json.dumps({"error": {"code": "call_id_not_found"}}))
            response.headers["X-Kind"] = "refusal"
            return response
        return None


async def echo(connection: ServerConnection) -> None:
    async for frame in connection:
        await connection.send(frame)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    async with serve(made.run, "127.0.0.1", 0, process_request=made.process) as running:
        made.base_url = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}/v1"
        yield made


async def test_client_connects_by_call_id_and_exchanges_events(server: Server) -> None:
    async with await Sideband.open(server.base_url, call_id="rtc_1", api_key="sk-1") as sideband:
        assert server.requests[0].path == "/v1/realtime?call_id=rtc_1"
        assert server.requests[0].headers["Authorization"] == "Bearer sk-1"
        await sideband.send({"type": "one", "n": 1})
        await sideband.send('{"type":"two"}')
        assert (await sideband.wait_for("two")).type == "two"
        assert (await sideband.wait_for("one"))["n"] == 1
        assert (await sideband.wait_for("one", where=lambda event: event.get("n") == 1)).get("m", 0) == 0
        assert sideband.types == ["one", "two"]
        assert (sideband.close_code, sideband.close_reason, sideband.subprotocol) == (None, None, None)
        assert sideband.response_headers
        with pytest.raises(WaitTimeout, match="no event three within 0 s; there was an open connection with one, two"):
            await sideband.wait_for("three", timeout=0.0)
        with pytest.raises(WaitTimeout):
            await sideband.wait_for("one", after=2, timeout=0.0)
    assert sideband.close_code == 1000
    with pytest.raises(ConnectionFailed, match="closed"):
        await sideband.send({"type": "late"})
    assert await sideband.closed() == 1000


async def test_refused_handshake_carries_status_and_body(server: Server) -> None:
    with pytest.raises(HandshakeRefused) as refused:
        await Sideband.open(server.base_url, call_id="gone")
    assert refused.value.status == 404
    assert json.loads(refused.value.body)["error"]["code"] == "call_id_not_found"
    assert ("X-Kind", "refusal") in refused.value.headers


async def test_wait_ends_when_the_far_end_closes(server: Server) -> None:
    async def close(connection: ServerConnection) -> None:
        await connection.send('{"type":"last"}')
        await connection.close(1001, "over")

    server.script = close
    async with await Sideband.open(server.base_url, model="m") as sideband:
        with pytest.raises(CallEnded, match="a close 1001 over with last"):
            await sideband.wait_for("never")
        assert await sideband.closed() == 1001
        assert sideband.closed_at is not None
        assert sideband.events[0].at <= sideband.closed_at


async def test_dropped_connection_is_1006(server: Server) -> None:
    async def drop(connection: ServerConnection) -> None:
        connection.transport.abort()

    server.script = drop
    async with await Sideband.open(server.base_url, call_id="rtc_1") as sideband:
        assert await sideband.closed() == 1006


@pytest.mark.parametrize("frame", [b'{"type":"x"}', "nonsense", "[]", '{"kind":"x"}'])
async def test_frame_that_is_no_event_is_a_violation(server: Server, frame: str | bytes) -> None:
    async def speak(connection: ServerConnection) -> None:
        await connection.send(frame)
        await connection.wait_closed()

    server.script = speak
    async with await Sideband.open(server.base_url, call_id="rtc_1") as sideband:
        with pytest.raises(ProtocolViolation, match="a frame that is no event"):
            await sideband.wait_for("x")
        assert sideband.frames == [frame]


async def test_connection_fails_with_a_reason() -> None:
    with pytest.raises(ConnectionFailed, match="no WebSocket connection"):
        await Sideband.open("http://127.0.0.1:1/v1", call_id="x")
    with pytest.raises(UsageError, match="not a base URL"):
        await Sideband.open("127.0.0.1", call_id="x")


async def test_server_that_speaks_no_http_is_a_violation() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello, this is not HTTP\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises((ProtocolViolation, ConnectionFailed)):
            await Sideband.open(f"http://127.0.0.1:{port}/v1", call_id="x")


async def test_server_that_says_nothing_is_a_failed_connection() -> None:
    done = asyncio.Event()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        done.set()

    async with await asyncio.start_server(silence, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectionFailed, match="no WebSocket handshake"):
            await Sideband.open(f"http://127.0.0.1:{port}/v1", call_id="x", timeout=0.05)
        await done.wait()
