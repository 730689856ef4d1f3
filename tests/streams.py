"""Bare connections to an emulator, for tests that write the bytes themselves."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from ringback.emulator.server import Emulator

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def port_of(emulator: Emulator, transport: str) -> int:
    return int(emulator.ready.sip[transport].partition(";")[0].rpartition(":")[2])


@contextlib.asynccontextmanager
async def connect(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Stream]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname=None if tls is None else "localhost"
    )
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def connect_sip(emulator: Emulator, transport: str) -> AsyncIterator[Stream]:
    context = ssl.create_default_context(cafile=emulator.ready.ca_file) if transport == "tls" else None
    async with connect(port_of(emulator, transport), context) as stream:
        yield stream
