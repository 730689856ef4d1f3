"""Event channels on WebSockets: what a session sends is queued here, written in order, and bounded."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import web

NO_STATUS = 1005  # RFC 6455 7.1.5: the close frame named no code
ABNORMAL = 1006
"""Not a close code on the wire: the connection is cut without a close frame."""


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
        self._queue: deque[str] = deque()
        self._queued = 0
        self._wake = asyncio.Event()
        self._closing: tuple[int, str] | None = None
        self.closed_by_us = False

    # Input

    def send(self, event: dict[str, Any], text: str | None = None) -> None:
        """Queue one event. `text` is its JSON, where somebody has it already."""
        if self._closing is not None:
            return
        text = encode(event) if text is None else text
        self._queue.append(text)
        self._queued += len(text)
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
        """Write until the channel is closed by either side."""
        while True:
            while self._queue:
                text = self._queue.popleft()
                self._queued -= len(text)
                try:
                    await self._socket.send_str(text)
                except (ConnectionError, RuntimeError):  # the other side is gone, and its reader says so
                    return
            if self._closing is not None:
                code, reason = self._closing
                if code != ABNORMAL:
                    await self._socket.close(code=code, message=reason.encode()[:123])
                return
            self._wake.clear()
            await self._wake.wait()


def encode(event: dict[str, Any]) -> str:
    """An event as the wire has it."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


Receive = Callable[[str | bytes], None]
