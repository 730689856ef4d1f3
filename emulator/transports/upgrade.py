"""What every WebSocket of `/v1/realtime` has in common: the upgrade, and reading until either side closes."""

import asyncio
import itertools
import logging

from aiohttp import WSMsgType, web

from ..errors import InvalidRequest
from .channels import ABNORMAL, NO_STATUS, WebSocketChannel
from .hosting import RunningHost
from .http_faults import refused_handshake
from .services import KEY_PROTOCOL, SERVICES

PING_INTERVAL = 20.3  # OBS: the service's
SELECTED_PROTOCOL = "realtime"

_channel_numbers = itertools.count(1)


def _hides_no_key(record: logging.LogRecord) -> bool:
    """aiohttp logs the subprotocols of a client when it knows none of them, and one of them is the client's key."""
    return KEY_PROTOCOL not in record.getMessage()


logging.getLogger("aiohttp.websocket").addFilter(_hides_no_key)


def new_socket(request: web.Request) -> web.WebSocketResponse:
    """The answer to a handshake, not sent yet. Raises `InvalidRequest` for what is no handshake."""
    settings = request.app[SERVICES].settings
    socket = web.WebSocketResponse(
        protocols=(SELECTED_PROTOCOL,), heartbeat=PING_INTERVAL, max_msg_size=settings.event_limit, compress=False
    )
    if not socket.can_prepare(request):
        raise InvalidRequest("This is a WebSocket endpoint: connect to it with wss:// or ws://")
    return socket


async def upgraded(
    request: web.Request, socket: web.WebSocketResponse, kind: str
) -> "WebSocketChannel | web.StreamResponse":
    """Switch protocols. Returns the channel, named after `kind`, or what a fault answers in its place."""
    refused = await refused_handshake(request)
    if refused is not None:
        return refused
    await socket.prepare(request)
    limit = request.app[SERVICES].settings.send_buffer_limit
    return WebSocketChannel(f"{kind}-{next(_channel_numbers)}", socket, request, buffer_limit=limit)


async def serve(host: RunningHost, channel: WebSocketChannel, socket: web.WebSocketResponse, **about: object) -> None:
    """Read until either side closes; the writer runs beside it and ends with it. `about` is for the journal."""
    writer = asyncio.create_task(channel.write_all(), name=f"writer of {channel.id}")
    host.attach(channel, transport="websocket", **about)
    try:
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                for _ in host.receiving(channel.id, message.data):
                    await asyncio.sleep(0)
        code = ABNORMAL if socket.close_code is None else socket.close_code or NO_STATUS
        host.detach(channel, code=code, by="us" if channel.closed_by_us else "client")
        if channel.closed_by_us:
            await writer  # the close frame may still wait behind events
    finally:
        host.detach(channel, code=ABNORMAL, by="client")
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
