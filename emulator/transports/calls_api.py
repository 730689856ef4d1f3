"""`POST /v1/realtime/calls`: an SDP offer becomes a WebRTC call, and the answer to it is the body of the 201.

Browsers post here themselves, with a client secret, so the answers have CORS headers and there is a pre-flight.
"""

import json
from dataclasses import replace
from email.message import Message
from email.parser import BytesHeaderParser
from typing import NamedTuple

from aiohttp import web

from ..errors import ApiError, InvalidRequest, PayloadTooLarge, SdpError
from ..realtime.session_config import SessionConfig, parse_session_config, parse_session_patch
from ..sdp.webrtc_offer import WebRtcOffer, parse_offer
from .http_api import error_response
from .services import PROJECT, SERVICES, Caller, caller_of, safety_identifier_of

PATH = "/v1/realtime/calls"
SDP = "application/sdp"
PARTS = ("sdp", "session")
INVALID_OFFER = "invalid_offer"
"""What the Live API, which shares the transceiver, was seen to say [OBS]."""

_CORS = {"access-control-allow-origin": "*"}
# OBS: recorded, but for what would bind a browser to this host: alt-svc, strict-transport-security.
_CREATED = (
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "Location, X-Request-Id"),
    ("access-control-expose-headers", "CF-Ray"),
    ("timing-allow-origin", "*"),
)
_PREFLIGHT = {
    **_CORS,
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-max-age": "600",
}


class Posted(NamedTuple):
    """The body of a request. `session` is None where it has none."""

    sdp: str
    session: bytes | None


def add_routes(app: web.Application) -> None:
    app.router.add_post(PATH, _create)
    app.router.add_options(PATH, _preflight)


async def _preflight(request: web.Request) -> web.Response:
    """Whatever headers a page wants to send: SDKs add their own, and the key is what counts."""
    wanted = request.headers.get("Access-Control-Request-Headers", "authorization, content-type")
    return web.Response(status=204, headers={**_PREFLIGHT, "access-control-allow-headers": wanted})


async def _create(request: web.Request) -> web.Response:
    try:
        return await _created(request)
    except ApiError as error:
        answer = error_response(error)
        answer.headers.update(_CORS)  # else a page is only told that something went wrong
        return answer


async def _created(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    caller = caller_of(request)
    request[PROJECT] = caller.project
    posted = await _body(request)
    offer = _offer(request, posted.sdp)
    config = _config(posted, caller)
    call, reply = services.performer.offer(caller.project, offer, config)
    services.journal.add(
        "call.offered",
        now=services.clock.now(),
        project_id=caller.project.id,
        call_id=call.call_id,
        codecs=[agreed.codec for agreed in offer.codecs],
        has_events=offer.data is not None,
        key="api_key" if caller.secret is None else "client_secret",
        safety_identifier=safety_identifier_of(request, caller),
    )
    try:
        error = await reply.outcome
        if error is not None:
            raise error
        response = web.Response(status=201, body=reply.answer.encode())
        response.headers["Content-Type"] = services.settings.answer_content_type
        response.headers["Location"] = f"{PATH}/{call.call_id}"  # OBS: relative
        response.headers.extend(_CREATED)
        return response
    finally:
        reply.written()


# The body


async def _body(request: web.Request) -> Posted:
    """Raw SDP, or a form with `sdp` and `session`, whose parts may or may not say what they are [DOC]."""
    content_type = request.content_type
    if content_type == SDP:
        return Posted(_text(await request.read()), None)
    if content_type == "multipart/form-data":
        return _form(request.headers["Content-Type"], await request.read())
    raise InvalidRequest(
        f"Unsupported content type: {_named(request)}. Send the offer as '{SDP}', or a form "
        "('multipart/form-data') with the fields 'sdp' and 'session'."
    )


def _form(content_type: str, body: bytes) -> Posted:
    """The fields of a form (RFC 7578), to the last byte: a parser of lines would take the end off an SDP."""
    head = Message()
    head["Content-Type"] = content_type
    boundary = head.get_boundary()
    if not boundary:
        raise InvalidRequest("The form can't be read: its Content-Type names no boundary.")
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("utf-8", "replace"))
    if not parts or not parts[-1].startswith(b"--"):
        raise InvalidRequest(f"The form can't be read: it does not end with its boundary {boundary[:80]!r}.")
    fields: dict[str, bytes] = {}
    for part in parts[:-1]:
        headers, empty, value = part.partition(b"\r\n\r\n")
        name = BytesHeaderParser().parsebytes(headers.lstrip(b"\r\n")).get_param("name", header="Content-Disposition")
        if not empty or not isinstance(name, str):
            raise InvalidRequest("The form can't be read: a part has no name.")
        if name not in PARTS:
            raise InvalidRequest(f"Unknown parameter: '{name[:100]}'.", param=name[:100], code="unknown_parameter")
        fields[name] = value
    return Posted(_text(fields.get("sdp", b"")), fields.get("session"))


def _named(request: web.Request) -> str:
    return repr(request.headers["Content-Type"][:100]) if "Content-Type" in request.headers else "none"


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The SDP offer is not UTF-8: {error}", param="sdp", code=INVALID_OFFER) from error


def _offer(request: web.Request, sdp: str) -> WebRtcOffer:
    settings = request.app[SERVICES].settings
    if not sdp.strip():
        raise InvalidRequest("An SDP offer is required.", param="sdp", code="invalid_value")  # OBS, of the Live API
    if len(sdp) > settings.offer_limit:
        raise PayloadTooLarge(
            f"The SDP offer has {len(sdp)} characters; {settings.offer_limit} are possible.", param="sdp"
        )
    try:
        return parse_offer(sdp, needs_final_newline=settings.offer_needs_final_newline)
    except SdpError as error:
        raise InvalidRequest(f"Invalid SDP offer: {error}.", param="sdp", code=INVALID_OFFER) from error


def _config(posted: Posted, caller: Caller) -> SessionConfig:
    """The session of the request wins over what the client secret is bound to [DOC]."""
    bound = None if caller.secret is None else caller.secret.config
    if posted.session is None or not posted.session.strip():
        return SessionConfig() if bound is None else bound
    try:
        given = json.loads(posted.session)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"Invalid 'session': it must be a JSON object ({error}).", param="session") from error
    config = parse_session_config(given)
    if bound is None or bound.type != config.type:
        return config
    patch = parse_session_patch(given)
    return replace(bound, model=patch.get("model", bound.model)).updated(patch)
