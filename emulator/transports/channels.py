"""Event channels on WebSockets: what a session sends is queued here, written in order, and bounded."""

import asyncio
import struct
from collections import deque
from functools import cache
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    import msgspec

NO_STATUS = 1005  # RFC 6455 7.1.5: the close frame named no code
ABNORMAL = 1006
"""Not a close code on the wire: the connection is cut without a close frame."""

BATCH = 64 * 1024
"""So many bytes are written at once; behind them the writer waits until the client has taken most of them."""

_TEXT = 0x81  # RFC 6455 5.2: FIN, opcode 1
_MIDDLE_HEADER = struct.Struct("!BBH")


class WebSocketChannel:
    """One sideband or direct WebSocket. `send` and `close` never block; `write_all` is its one writer.

    A client that does not read is cut once `buffer_limit` bytes wait for it.
    """

    def __init__(
        self, channel_id: str, socket: web.WebSocketResponse, request: web.Request, *, buffer_limit: int
    ) -> None:
        self.id = channel_id
        self._socket = socket
        self._request = request
        self._limit = buffer_limit
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._wake = asyncio.Event()
        self._closing: tuple[int, str] | None = None
        self.closed_by_us = False

    # Input

    def send(self, payload: bytes) -> None:
        """Queue one event, as `encode` makes it."""
        if self._closing is not None:
            return
        self._queue.append(payload)
        self._queued += len(payload)
        if self._queued > self._limit:
            self.close(ABNORMAL, f"{self._queued} bytes wait for a client that does not read")
        self._wake.set()

    def close(self, code: int, reason: str = "") -> None:
        """Close after what is queued; with `ABNORMAL` cut at once, and what is queued is lost."""
        if self._closing is not None:
            return
        self._closing = (code, reason)
        self.closed_by_us = True
        if code == ABNORMAL:
            self._queue.clear()
            self.abort()
        self._wake.set()

    def abort(self) -> None:
        """Cut the connection: the client sees it drop without a close frame."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    # Output

    async def write_all(self) -> None:
        """Write until the channel is closed by either side.

        What waits goes out in one piece: a system call for each event, as by `send_str`, costs more than all else that
        an event needs.
        """
        while True:
            while self._queue:
                transport = self._request.transport
                if transport is None or transport.is_closing() or self._socket.closed:
                    return  # the other side is gone, and its reader says so
                transport.write(self._batch())
                try:
                    await self._request.writer.drain()
                except ConnectionError:
                    return
            if self._closing is not None:
                code, reason = self._closing
                if code != ABNORMAL:
                    await self._socket.close(code=code, message=reason.encode()[:123])
                return
            self._wake.clear()
            await self._wake.wait()

    # Private

    def _batch(self) -> bytes:
        """The next frames."""
        frames: list[bytes] = []
        size = 0
        while self._queue and size < BATCH:
            payload = self._queue.popleft()
            frames += (_header(len(payload)), payload)
            size += len(payload)
        self._queued -= size
        return b"".join(frames)


def _header(length: int) -> bytes:
    """Of a WebSocket message in one frame, unmasked and uncompressed [RFC 6455 5.2]."""
    if length < 126:
        return struct.pack("!BB", _TEXT, length)
    if length < 1 << 16:
        return _MIDDLE_HEADER.pack(_TEXT, 126, length)
    return struct.pack("!BBQ", _TEXT, 127, length)


def encode(event: dict[str, Any]) -> bytes:
    """An event as the wire has it: JSON in UTF-8."""
    return _encoder().encode(event)


@cache
def _encoder() -> "msgspec.json.Encoder":
    """Six times as fast as the standard library's; its import is left for the first session."""
    import msgspec

    return msgspec.json.Encoder()
