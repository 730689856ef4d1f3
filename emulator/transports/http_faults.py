"""Faults of HTTP: every answer of the API passes here just before its headers leave."""

from aiohttp import web

from ..errors import ApiError
from ..faults.plan import FaultPlan, HttpExchange
from ..ids import CallId
from .services import PROJECT, SERVICES, key_of, project_of_key

_STRUCK = web.RequestKey("struck", bool)
SWITCHING = 101


def add_signal(app: web.Application) -> None:
    """Let faults have every answer under `/v1`."""
    app.on_response_prepare.append(_strike)


async def refused_handshake(request: web.Request) -> web.Response | None:
    """What a fault answers instead of 101 Switching Protocols; None where the handshake may go on."""
    plan = _plan_of(request)
    if plan is None:
        return None
    before = await _exchange(request, SWITCHING, (), b"")
    after = plan.http(before, _call_id(request))
    if after.status == SWITCHING:
        return None
    request[_STRUCK] = True
    return web.Response(status=after.status, headers=after.headers, body=after.body)


async def _strike(request: web.BaseRequest, response: web.StreamResponse) -> None:
    if not isinstance(request, web.Request) or not isinstance(response, web.Response) or request.get(_STRUCK):
        return
    plan = _plan_of(request)
    if plan is None:
        return
    body = response.body if isinstance(response.body, bytes) else b""
    before = await _exchange(request, response.status, tuple(response.headers.items()), body)
    after = plan.http(before, _call_id(request))
    if after == before:
        return
    response.set_status(after.status)
    response.headers.clear()
    for name, value in after.headers:
        if name.lower() != "content-length":
            response.headers.add(name, value)
    response.body = after.body
    response.headers["Content-Length"] = str(len(after.body))


def _plan_of(request: web.Request) -> FaultPlan | None:
    services = request.app[SERVICES]
    if not services.faults.touches_http or not request.path.startswith("/v1"):
        return None
    plan = services.faults.of(_project_id(request))
    return plan if plan is not None and plan.touches_http else None


def _project_id(request: web.Request) -> str | None:
    """Whose request it is: by its key, or else by the call that it names."""
    project = request.get(PROJECT)
    if project is not None:
        return project.id
    try:
        return project_of_key(request, key_of(request)).id
    except ApiError:
        call = request.app[SERVICES].performer.control.calls.get(CallId(_call_id(request) or ""))
        return None if call is None else call.project_id


def _call_id(request: web.Request) -> str | None:
    named = request.match_info.get("call_id") or request.query.get("call_id")
    return None if named is None else str(named)


async def _exchange(
    request: web.Request, status: int, headers: tuple[tuple[str, str], ...], body: bytes
) -> HttpExchange:
    try:
        sent = await request.read()
    except (web.HTTPException, web.RequestPayloadError):  # too large, or cut short: that is what is answered
        sent = b""
    return HttpExchange(
        method=request.method,
        path=request.path_qs,
        request_headers=tuple(request.headers.items()),
        request_body=sent,
        status=status,
        headers=headers,
        body=body,
    )
