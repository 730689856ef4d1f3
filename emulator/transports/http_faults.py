"""Faults of HTTP: every answer of the API passes here before it leaves."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from ..calls.project import Project
from ..errors import ApiError
from ..faults.plan import FaultPlan, HttpExchange
from ..ids import CallId
from .services import PROJECT, SERVICES, caller_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_STRUCK = web.RequestKey("struck", bool)
SWITCHING = 101


@web.middleware
async def strike_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost of the middlewares. What a handler has begun to write itself went through `struck` there."""
    response = await handler(request)
    if not isinstance(response, web.Response) or response.prepared or request.get(_STRUCK):
        return response
    return await struck(request, response)


async def struck(request: web.Request, response: web.Response) -> web.Response:
    """What leaves in place of an answer."""
    plan = _plan_of(request)
    if plan is None:
        return response
    body = response.body if isinstance(response.body, bytes) else b""
    before = await _exchange(request, response.status, tuple(response.headers.items()), body)
    after = plan.http(before, _call_id(request))
    return response if after == before else _response(after)


async def refused_handshake(request: web.Request) -> web.Response | None:
    """What a fault answers instead of 101 Switching Protocols; None where the handshake may go on."""
    plan = _plan_of(request)
    if plan is None:
        return None
    after = plan.http(await _exchange(request, SWITCHING, (), b""), _call_id(request))
    if after.status == SWITCHING:
        return None
    request[_STRUCK] = True
    return _response(after)


def _response(exchange: HttpExchange) -> web.Response:
    response = web.Response(status=exchange.status, body=exchange.body)
    response.headers.clear()
    for name, value in exchange.headers:
        response.headers.add(name, value)
    response.headers["Content-Length"] = str(len(exchange.body))
    return response


def _plan_of(request: web.Request) -> FaultPlan | None:
    services = request.app[SERVICES]
    if not services.faults.touches_http or not request.path.startswith("/v1"):
        return None
    plan = services.faults.of(_project_id(request))
    return plan if plan is not None and plan.touches_http else None


def _project_id(request: web.Request) -> str | None:
    """Whose request it is: by its key, or else by the call that it names."""
    project: Project | None = request.get(PROJECT)
    if project is not None:
        return project.id
    try:
        return caller_of(request).project.id
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
