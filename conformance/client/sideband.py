"""A WebSocket of the Realtime API by `websockets`: the sideband of a call, or a session of its own."""

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from .errors import ConnectionFailed, HandshakeRefused, ProtocolViolation, UsageError
from .events import EventStream, ReceivedEvent
from .tls import tls_context
from .watch import EVENT

__all__ = ["ReceivedEvent", "Sideband"]

HANDSHAKE = 10.0  # the far end looks up a call and answers; a second is slow
CLOSING = 2.0  # a peer that does not answer our close frame is left behind
LARGEST_EVENT = 1 << 24  # the service allows 15 MiB for an append [DOC]


class Sideband(EventStream):
    """A connection, from its handshake to its close. Made by `Sideband.open`; use it as `async with`.

    `events` has everything that came, in order; `frames` the raw text (or bytes) of the same.
    """

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__()
        self._connection = connection
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def open(
        cls,
        base_url: str,
        *,
        call_id: str | None = None,
        model: str | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        subprotocols: tuple[str, ...] = (),
        query: Mapping[str, str] | None = None,
        ca_file: str | None = None,
        timeout: float = HANDSHAKE,
    ) -> "Sideband":
        """Connect to `{base_url}/realtime`; `base_url` is that of REST and ends in `/v1`.

        Raises `HandshakeRefused` for an answer other than 101, `ConnectionFailed` for none.
        """
        parameters = {"call_id": call_id, "model": model, **(query or {})}
        given = {name: value for name, value in parameters.items() if value is not None}
        if not base_url.startswith("http"):
            raise UsageError(f"{base_url!r} is not a base URL; write http://127.0.0.1:8080/v1")
        url = "ws" + base_url.removeprefix("http").rstrip("/") + "/realtime" + (f"?{urlencode(given)}" if given else "")
        sent = dict(headers or {})
        if api_key is not None:
            sent.setdefault("Authorization", f"Bearer {api_key}")
        try:
            async with asyncio.timeout(timeout):
                connection = await connect(
                    url,
                    additional_headers=sent,
                    subprotocols=list(subprotocols) or None,  # type: ignore[arg-type]
                    ssl=tls_context(ca_file) if url.startswith("wss:") else None,
                    max_size=LARGEST_EVENT,
                    open_timeout=None,
                    close_timeout=CLOSING,
                )
        except TimeoutError:
            raise ConnectionFailed(f"no WebSocket handshake with {url} within {timeout:g} s") from None
        except InvalidStatus as error:
            answer = error.response
            raise HandshakeRefused(
                answer.status_code, tuple(answer.headers.raw_items()), bytes(answer.body or b"")
            ) from None
        except (InvalidHandshake, WebSocketException) as error:
            raise ProtocolViolation(f"the WebSocket handshake with {url} failed: {error}") from error
        except OSError as error:
            raise ConnectionFailed(f"no WebSocket connection to {url}: {error}") from error
        return cls(connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close, and wait until the reader has ended."""
        await self._connection.close(code, reason)
        await self._reader

    # -- output

    async def send(self, event: Mapping[str, Any] | str | bytes) -> None:
        """A client event; text and bytes go as they are. Raises `ConnectionFailed` when the connection is closed."""
        try:
            await self._connection.send(json.dumps(event) if isinstance(event, Mapping) else event)
        except ConnectionClosed as error:
            raise ConnectionFailed(f"the WebSocket is closed: {error}") from None

    # -- input

    async def closed(self, timeout: float = EVENT) -> int:
        """The close code of the far end; 1006 when it dropped the connection without a close frame."""
        await self._watch.until(
            lambda: not self.is_open, timeout=timeout, what="close of the WebSocket", instead=self._describe
        )
        return self.close_code or 1006

    # -- queries

    @property
    def close_code(self) -> int | None:
        """None while it is open."""
        return None if self.is_open else self._connection.close_code

    @property
    def close_reason(self) -> str | None:
        return None if self.is_open else self._connection.close_reason

    @property
    def response_headers(self) -> tuple[tuple[str, str], ...]:
        """The headers of the 101."""
        response = self._connection.response
        return () if response is None else tuple(response.headers.raw_items())

    @property
    def subprotocol(self) -> str | None:
        return self._connection.subprotocol

    # -- private

    async def _read(self) -> None:
        try:
            async for frame in self._connection:
                self.take(frame)
        except ConnectionClosed:
            pass  # the code is asked of the connection, however it closed
        finally:
            self.end()
