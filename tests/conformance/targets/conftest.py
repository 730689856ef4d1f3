"""Servers that are no good, and relays that make a good one look far away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from ringback.conformance.tolerance import Tolerances

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
StartServer = Callable[[Handler], Awaitable[int]]
StartRelay = Callable[..., Awaitable[int]]


@pytest.fixture
def hasty() -> Tolerances:
    """What is here is on this machine and answers at once, or never."""
    return Tolerances(
        answer=0.4,
        webhook=0.4,
        event=0.4,
        speech=0.5,
        silence=0.05,
        connection=0.4,
        repeat=0.05,
        retry=0.4,
        bye=0.2,
        farewell=0.4,
        check=5.0,
    )


@pytest.fixture
async def start_server() -> AsyncIterator[StartServer]:
    """`await start_server(handler)` is the port on which every connection is given to the handler."""
    servers: list[asyncio.Server] = []
    tasks: set[asyncio.Task[None]] = set()

    async def start(handler: Handler) -> int:
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async def serve() -> None:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    await handler(reader, writer)
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

            task = asyncio.ensure_future(serve())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    yield start
    for server in servers:
        server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for server in servers:
        await server.wait_closed()


@pytest.fixture
def start_relay(start_server: StartServer) -> StartRelay:
    """`await start_relay(port, delay=0.02)` is a port that leads there, each byte later by so many seconds."""

    async def start(port: int, *, delay: float) -> int:
        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_copy(reader, far_writer, delay))
                    group.create_task(_copy(far_reader, writer, delay))
            finally:
                far_writer.close()
                with contextlib.suppress(ConnectionError):
                    await far_writer.wait_closed()

        return await start_server(relay)

    return start


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            await asyncio.sleep(delay)
            writer.write(data)
            await writer.drain()
    writer.close()
