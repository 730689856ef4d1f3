"""The REST API: `/v1/realtime/calls/{call_id}/accept|reject|refer|hangup`, its errors, its authentication."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from ..calls.inputs import Accept, Hangup, Input, InputKind, Refer, Reject, ReplyToken
from ..errors import (
    ApiError,
    InternalError,
    InvalidRequest,
    InvalidTarget,
    MethodNotAllowed,
    PayloadTooLarge,
    ResourceNotFound,
    Unauthorized,
    kind_of,
)
from ..realtime.session_config import parse_session_config
from ..sip.refer import refer_to
from .http_faults import struck
from .services import PROJECT, SERVICES, Caller, caller_of, project_of, safety_identifier_of

log = logging.getLogger("ringback.http")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
DEFAULT_REJECT_STATUS = 603  # DOC: Decline
JOURNAL_BODY_LIMIT = 10_000


def add_routes(app: web.Application) -> None:
    """The call verbs."""
    for verb in _VERBS:
        app.router.add_post(f"/v1/realtime/calls/{{call_id}}/{verb}", _call_verb)


# What every request passes


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong under `/v1` and `/_ringback` leaves in the service's envelope. The outermost of the
    middlewares."""
    try:
        return await handler(request)
    except ApiError as error:
        return error_response(error)
    except web.HTTPNotFound:
        if not request.path.startswith(("/v1", "/_ringback")):
            raise
        return error_response(ResourceNotFound(f"Invalid URL ({request.method} {request.path})"))
    except web.HTTPMethodNotAllowed as error:
        answer = error_response(
            MethodNotAllowed(f"Not allowed to {request.method} on {request.path}; allowed: {error.headers['Allow']}")
        )
        answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except (web.HTTPException, ConnectionError):
        raise
    except Exception as error:  # noqa: BLE001 — a bug is journalled, and answered like everything else
        services = request.app[SERVICES]
        services.journal.add_bug(error, now=services.clock.now(), call_id=request.match_info.get("call_id"))
        return error_response(InternalError(error))


@web.middleware
async def journal_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Record each `/v1` request and its answer."""
    if not request.path.startswith("/v1/"):
        return await handler(request)
    services = request.app[SERVICES]
    caller = _caller(request)
    call_id = request.match_info.get("call_id")
    seen = {"method": request.method, "path": request.path_qs}
    body, status, said = b"", 500, None
    try:
        try:
            body = await _read(request)
        finally:
            text = body[:JOURNAL_BODY_LIMIT].decode("utf-8", "replace")
            services.journal.add(
                "rest.request",
                now=services.clock.now(),
                project_id=None if caller is None else caller.project.id,
                call_id=call_id,
                **seen,
                safety_identifier=safety_identifier_of(request, caller),
                body=text,
            )
        response = await handler(request)
        status, said = response.status, _refusal(response)
        return response
    except ApiError as error:
        status, said = error.status, error.message
        raise
    except web.HTTPException as error:
        status, said = error.status, error.reason
        raise
    finally:
        services.journal.add(
            "rest.response",
            now=services.clock.now(),
            project_id=None if caller is None else caller.project.id,
            call_id=call_id,
            **seen,
            status=status,
            **({} if said is None else {"error": said}),
        )


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """REST under `/v1` needs a project's key; the WebSocket endpoint (`realtime_ws`) and the one for offers
    (`calls_api`) take client secrets too, and see to it themselves."""
    if request.path.startswith("/v1/") and request.path not in ("/v1/realtime", "/v1/realtime/calls"):
        request[PROJECT] = project_of(request)
    return await handler(request)


def _refusal(response: web.StreamResponse) -> str | None:
    """What an answer says that refuses the request in the service's envelope, and was not raised."""
    if response.status < 400 or not isinstance(response, web.Response) or response.content_type != "application/json":
        return None
    said: str = json.loads(response.text or "{}").get("error", {}).get("message")
    return said


def _caller(request: web.Request) -> Caller | None:
    """Whose request it is, as far as its key is known."""
    try:
        return caller_of(request)
    except Unauthorized:
        return None


async def _read(request: web.Request) -> bytes:
    """The whole body; handlers that read it again get the same. A length that is too large is refused unread."""
    limit = request.app[SERVICES].settings.http_body_limit
    try:
        if (request.content_length or 0) <= limit:
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        pass
    except web.RequestPayloadError as error:
        raise InvalidRequest(f"The body of the request can't be read: {error}") from error
    raise PayloadTooLarge(f"The request body is larger than {limit} bytes")


def error_response(error: ApiError) -> web.Response:
    """An error with its status, envelope and headers."""
    return web.json_response(error.body(), status=error.status, headers=error.headers)


# The verbs


async def _call_verb(request: web.Request) -> web.StreamResponse:
    """Look the call up, refuse what its state refuses, read the body, and answer when the call says so."""
    services = request.app[SERVICES]
    verb = request.path.rpartition("/")[2]
    call = services.performer.control.calls.of_project(request.match_info["call_id"], request[PROJECT].id)
    error = call.refusal(InputKind(verb))
    if error is not None:
        raise error
    make_input = _VERBS[verb](await request.read())
    reply = services.performer.request(call, make_input)
    try:
        error = await reply.outcome
        if error is not None:
            raise error
        response = web.Response(status=200)
        response.headers["Content-Length"] = "0"  # OBS: an empty body that says so, and no content type
        response = await struck(request, response)
        await response.prepare(request)
        await response.write_eof()
        return response
    finally:
        reply.written()


def _accept(body: bytes) -> Callable[[ReplyToken], Input]:
    config = parse_session_config(json_of(body))
    return lambda reply: Accept(config=config, reply=reply)


def _reject(body: bytes) -> Callable[[ReplyToken], Input]:
    status = DEFAULT_REJECT_STATUS
    if body.strip():
        fields = _object(body, ("status_code",))
        status = fields.get("status_code", DEFAULT_REJECT_STATUS)
        if not isinstance(status, int) or isinstance(status, bool):
            raise InvalidRequest(
                f"Invalid type for 'status_code': expected an integer, but got {kind_of(status)} instead.",
                param="status_code",
                code="invalid_type",
            )
        if not 300 <= status <= 699:  # the documented range of the Live API, for the same transceiver
            raise InvalidRequest(
                f"Invalid 'status_code': {status} is no final SIP refusal; give 300 to 699.",
                param="status_code",
                code="invalid_value",
            )
    return lambda reply: Reject(status=status, reply=reply)


def _refer(body: bytes) -> Callable[[ReplyToken], Input]:
    fields = _object(body, ("target_uri",))
    if "target_uri" not in fields:
        raise InvalidRequest(
            "Missing required parameter: 'target_uri'.", param="target_uri", code="missing_required_parameter"
        )
    target = fields["target_uri"]
    if not isinstance(target, str):
        raise InvalidRequest(
            f"Invalid type for 'target_uri': expected a string, but got {kind_of(target)} instead.",
            param="target_uri",
            code="invalid_type",
        )
    try:
        refer_to(target)
    except InvalidTarget as error:
        raise InvalidRequest(f"Invalid 'target_uri': {error}", param="target_uri", code="invalid_value") from error
    return lambda reply: Refer(target=target, reply=reply)


def _hangup(_: bytes) -> Callable[[ReplyToken], Input]:
    return lambda reply: Hangup(reply=reply)


_VERBS: dict[str, Callable[[bytes], Callable[[ReplyToken], Input]]] = {
    "accept": _accept,
    "reject": _reject,
    "refer": _refer,
    "hangup": _hangup,
}


def json_of(body: bytes) -> Any:
    """A request's body. Raises `InvalidRequest` where it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(
            "We could not parse the JSON body of your request: it must be a JSON object, sent with "
            f"`Content-Type: application/json` ({error})"
        ) from error


def _object(body: bytes, known: tuple[str, ...]) -> dict[str, Any]:
    fields = json_of(body)
    if not isinstance(fields, dict):
        raise InvalidRequest(f"The body must be a JSON object, but is {kind_of(fields)}.", code="invalid_type")
    for name in fields:
        if name not in known:
            raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    return fields
