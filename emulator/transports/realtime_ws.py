"""`GET /v1/realtime?call_id=`: a sideband, attached to the session of a running call."""

import asyncio
import itertools
import logging

from aiohttp import WSMsgType, web

from ..calls.verbs import ATTACH
from ..errors import ApiError, CallNotFound, InvalidRequest
from .channels import ABNORMAL, WebSocketChannel
from .hosting import RunningHost
from .http_faults import refused_handshake
from .services import SERVICES, key_of, project_of_key

log = logging.getLogger("ringback.ws")

PING_INTERVAL = 20.3  # OBS: the service's
SELECTED_PROTOCOL = "realtime"

_channel_numbers = itertools.count(1)


def add_routes(app: web.Application) -> None:
    """The WebSocket endpoint."""
    app.router.add_get("/v1/realtime", _realtime)


async def _realtime(request: web.Request) -> web.StreamResponse:
    host = _host_of(request)
    settings = request.app[SERVICES].settings
    socket = web.WebSocketResponse(
        protocols=(SELECTED_PROTOCOL,), heartbeat=PING_INTERVAL, max_msg_size=settings.event_limit, compress=False
    )
    if not socket.can_prepare(request):
        raise InvalidRequest("This is a WebSocket endpoint: connect to it with wss:// or ws://")
    refused = await refused_handshake(request)
    if refused is not None:
        return refused
    await socket.prepare(request)
    channel = WebSocketChannel(
        f"sideband-{next(_channel_numbers)}", socket, request, buffer_limit=settings.send_buffer_limit
    )
    await _serve(host, channel, socket)
    return socket


def _host_of(request: web.Request) -> RunningHost:
    """The session that the request may attach to. Raises the error of the handshake, which is plain HTTP [OBS]."""
    services = request.app[SERVICES]
    call_id = request.query.get("call_id")
    try:
        project = project_of_key(request, key_of(request))
        if call_id is None:
            raise InvalidRequest(
                "Give call_id=rtc_… of a call that was accepted: this endpoint attaches to calls", param="call_id"
            )
        performer = services.performer
        call = performer.control.calls.of_project(call_id, project.id)
        refusal = call.refusal(ATTACH)
        if refusal is not None:
            raise refusal
        host = performer.session_of(call)
        if host is None or not host.is_open:
            raise CallNotFound
    except ApiError as error:
        services.journal.add(
            "channel.refused", now=services.clock.now(), call_id=call_id, status=error.status, code=error.code
        )
        raise
    return host


async def _serve(host: RunningHost, channel: WebSocketChannel, socket: web.WebSocketResponse) -> None:
    """Read until either side closes; the writer runs beside it and ends with it."""
    writer = asyncio.create_task(channel.write_all(), name=f"writer of {channel.id}")
    host.attach(channel, transport="websocket")
    try:
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                host.receive(channel.id, message.data)
        code = socket.close_code
        host.detach(channel, code=ABNORMAL if code is None else code, by="us" if channel.closed_by_us else "client")
        if channel.closed_by_us:
            await writer  # the close frame may still wait behind events
    finally:
        host.detach(channel, code=ABNORMAL, by="client")
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
