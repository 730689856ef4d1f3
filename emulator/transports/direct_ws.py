"""`GET /v1/realtime?model=…`: a WebSocket with a session of its own, which begins and ends with it.

Whoever gives no key at all gets HTTP 401; everything else that is wrong is said in-band: 101, one `error` event, a
close [OBS, FACTS 6.1].
"""

from aiohttp import web

from ..errors import ApiError
from ..realtime.events import error_event
from ..sessions.admission import BETA_HEADER, close_of, opening_config
from .channels import encode
from .http_faults import SWITCHING
from .services import SERVICES, Caller, caller_of, key_of, safety_identifier_of
from .upgrade import new_socket, serve, upgraded


async def serve_direct(request: web.Request) -> web.StreamResponse:
    """One connection, from its handshake to its close."""
    services = request.app[SERVICES]
    caller: Caller | None = None
    try:
        caller = caller_of(request)
        config = opening_config(
            model=request.query.get("model"),
            intent=request.query.get("intent"),
            beta=request.headers.get(BETA_HEADER),
            bound=None if caller.secret is None else caller.secret.config,
        )
    except ApiError as error:
        if not key_of(request):
            _record_refusal(request, error, project_id=None, status=error.status)
            raise
        return await _refuse(request, error, None if caller is None else caller.project.id)
    socket = new_socket(request)
    channel = await upgraded(request, socket, "direct")
    if isinstance(channel, web.StreamResponse):
        return channel
    host = services.hosts.open(caller.project.id, config)
    try:
        await serve(
            host,
            channel,
            socket,
            safety_identifier=safety_identifier_of(request, caller),
            key="api_key" if caller.secret is None else "client_secret",
        )
    finally:
        services.hosts.close(host)
    return socket


async def _refuse(request: web.Request, error: ApiError, project_id: str | None) -> web.StreamResponse:
    """Switch protocols, say what is wrong, close."""
    services = request.app[SERVICES]
    socket = new_socket(request)
    channel = await upgraded(request, socket, "refused")
    if isinstance(channel, web.StreamResponse):
        return channel
    _record_refusal(request, error, project_id=project_id, status=SWITCHING)
    event = error_event(services.ids.event(), error)
    plan = services.faults.of(project_id) if services.faults else None
    for sent in (event,) if plan is None else plan.event(event, None):
        await socket.send_str(encode(dict(sent)).decode())
    code, reason = close_of(error)
    await socket.close(code=code, message=reason.encode()[:123])
    return socket


def _record_refusal(request: web.Request, error: ApiError, *, project_id: str | None, status: int) -> None:
    services = request.app[SERVICES]
    services.journal.add(
        "channel.refused", now=services.clock.now(), project_id=project_id, status=status, code=error.code
    )
