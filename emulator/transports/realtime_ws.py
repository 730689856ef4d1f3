"""`GET /v1/realtime`: with `call_id` a sideband, attached to the session of a running call, without it a session."""

from aiohttp import web

from ..calls.verbs import ATTACH
from ..errors import ApiError, CallNotFound
from .direct_ws import serve_direct
from .hosting import RunningHost
from .services import SERVICES, Caller, caller_of, safety_identifier_of
from .upgrade import new_socket, serve, upgraded


def add_routes(app: web.Application) -> None:
    """The WebSocket endpoint."""
    app.router.add_get("/v1/realtime", _realtime)


async def _realtime(request: web.Request) -> web.StreamResponse:
    if "call_id" not in request.query:
        return await serve_direct(request)
    host, caller = _host_of(request)
    socket = new_socket(request)
    channel = await upgraded(request, socket, "sideband")
    if isinstance(channel, web.StreamResponse):
        return channel
    await serve(host, channel, socket, safety_identifier=safety_identifier_of(request, caller))
    return socket


def _host_of(request: web.Request) -> tuple[RunningHost, Caller]:
    """The session that the request may attach to, and who asks.

    Raises the error of the handshake, which is plain HTTP [OBS].
    """
    services = request.app[SERVICES]
    call_id = request.query["call_id"]
    try:
        caller = caller_of(request)
        performer = services.performer
        call = performer.control.calls.of_project(call_id, caller.project.id)
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
    return host, caller
