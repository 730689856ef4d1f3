"""What a WebSocket's channel writes, and when: many events at once, in batches, nothing behind a close frame."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from ringback.emulator.transports.channels import BATCH, WebSocketChannel, encode
from websockets.frames import Frame
from websockets.protocol import Protocol, Side, State

LIMIT = 16 * BATCH
Start = Callable[[], "asyncio.Task[None]"]

pytestmark = pytest.mark.broken_frames("only their length matters")


def event_of(length: int) -> dict[str, Any]:
    """One whose JSON has so many bytes."""
    empty = {"type": "example", "text": ""}
    return {**empty, "text": "x" * (length - len(encode(empty)))}


class Connection:
    """A transport, the writer that watches it, and the socket that owns it. `is_read` is whether the client reads."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.closed = False
        self.is_cut = False
        self.is_read = asyncio.Event()
        self.is_read.set()
        self.has_written = asyncio.Event()
        self.has_closed = asyncio.Event()

    def write(self, data: bytes) -> None:
        self.pieces.append(data)
        self.has_written.set()

    def is_closing(self) -> bool:
        return self.is_cut

    def abort(self) -> None:
        self.is_cut = True
        self.is_read.set()

    async def drain(self) -> None:
        await self.is_read.wait()
        if self.is_cut:
            raise ConnectionResetError

    async def close(self, *, code: int, message: bytes) -> None:
        self.has_closed.set()

    def texts(self, piece: bytes) -> list[Any]:
        """The events in it, as a client reads them that knows nothing of who wrote them."""
        client = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
        client.receive_data(piece)
        return [json.loads(frame.data) for frame in client.events_received() if isinstance(frame, Frame)]


@pytest.fixture
async def connection() -> Connection:
    return Connection()


@pytest.fixture
async def channel(connection: Connection) -> WebSocketChannel:
    request = cast(web.Request, SimpleNamespace(transport=connection, writer=connection))
    return WebSocketChannel("direct-1", cast(web.WebSocketResponse, connection), request, buffer_limit=LIMIT)


@pytest.fixture
async def start(channel: WebSocketChannel) -> AsyncIterator[Start]:
    """`start()`: the channel writes from now on."""
    tasks: list[asyncio.Task[None]] = []

    def started() -> "asyncio.Task[None]":
        tasks.append(asyncio.create_task(channel.write_all()))
        return tasks[-1]

    yield started
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_channel_writes_what_waits_in_one_piece(
    channel: WebSocketChannel, connection: Connection, start: Start
) -> None:
    sent = [event_of(length) for length in (100, 125, 126, 300)]
    for event in sent:
        channel.send(encode(event))
    start()
    await connection.has_written.wait()
    assert [connection.texts(piece) for piece in connection.pieces] == [sent]


@pytest.mark.parametrize("length", [125, 126, 65_535, 65_536])
async def test_channel_frames_an_event_by_its_length(
    channel: WebSocketChannel, connection: Connection, start: Start, length: int
) -> None:
    channel.send(encode(event_of(length)))
    start()
    await connection.has_written.wait()
    assert connection.texts(connection.pieces[0]) == [event_of(length)]


async def test_channel_writes_no_more_than_a_batch_to_a_client_that_does_not_read(
    channel: WebSocketChannel, connection: Connection, start: Start
) -> None:
    connection.is_read.clear()
    sent = [{**event_of(1000), "number": number} for number in range(200)]
    for event in sent:
        channel.send(encode(event))
    start()
    await connection.has_written.wait()
    assert len(connection.pieces) == 1
    assert BATCH <= len(connection.pieces[0]) < 1.1 * BATCH
    channel.close(1000)
    connection.is_read.set()
    await connection.has_closed.wait()
    assert [event for piece in connection.pieces for event in connection.texts(piece)] == sent


async def test_channel_cuts_a_client_for_whom_too_much_waits(
    channel: WebSocketChannel, connection: Connection, start: Start
) -> None:
    connection.is_read.clear()
    writing = start()
    for _ in range(2 * LIMIT // 1000):
        channel.send(encode(event_of(1000)))
    assert connection.is_cut
    await writing
    assert connection.pieces == []


async def test_channel_writes_nothing_behind_a_close_frame(
    channel: WebSocketChannel, connection: Connection, start: Start
) -> None:
    connection.closed = True
    channel.send(encode(event_of(100)))
    await start()
    assert connection.pieces == []


async def test_channel_ends_when_its_connection_is_lost_while_it_waits(
    channel: WebSocketChannel, connection: Connection, start: Start
) -> None:
    connection.is_read.clear()
    for _ in range(200):
        channel.send(encode(event_of(1000)))
    writing = start()
    await connection.has_written.wait()
    connection.abort()
    await writing
    assert len(connection.pieces) == 1
