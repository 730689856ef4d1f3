"""One recorded HTTP exchange, judged: status, headers, and the shapes of both bodies."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_string
from typing import Any

from ringback.fixtures.validation import validator

from .event import Violation

STATUS = "TRACE-HTTP-STATUS"
HEADER = "TRACE-HTTP-HEADER"
REQUEST = "TRACE-HTTP-REQUEST"
RESPONSE = "TRACE-HTTP-RESPONSE"

_CALL = r"/realtime/calls/[^/]+/"
_ENDPOINT = r"/webhook_endpoints/[^/]+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request with its response, as recorded: header names in lower case, each with a list of values."""

    request: Mapping[str, Any]
    response: Mapping[str, Any]

    @property
    def status(self) -> int | None:
        status = self.response.get("status")
        code = status.get("code") if isinstance(status, Mapping) else status
        return code if isinstance(code, int) else None

    @property
    def path(self) -> str:
        """Behind `/v1`, so that a service may put its interface anywhere."""
        path = str(self.request.get("uri", "")).partition("?")[0]
        return path.partition("/v1")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verb:
    """What is known of an endpoint. A response of None is an empty body."""

    pattern: str
    method: str
    name: str
    request: str | None = None
    response: str | None = None
    status: int = 200  # DOC SPEC, but for the creation of a call


_VERBS = (
    _Verb(pattern="/realtime/calls", method="POST", name="calls.create", status=201),
    _Verb(pattern=_CALL + "accept", method="POST", name="calls.accept", request="calls.accept.request"),
    _Verb(pattern=_CALL + "reject", method="POST", name="calls.reject", request="calls.reject.request"),
    _Verb(pattern=_CALL + "refer", method="POST", name="calls.refer", request="calls.refer.request"),
    _Verb(pattern=_CALL + "hangup", method="POST", name="calls.hangup"),
    *(
        _Verb(
            pattern=pattern,
            method=method,
            name=name,
            request=f"{name}.request" if takes_body else None,
            response=f"{name}.response",
        )
        for pattern, method, name, takes_body in (
            ("/realtime/client_secrets", "POST", "client_secrets.create", True),
            ("/webhook_endpoints", "POST", "webhook_endpoints.create", True),
            ("/webhook_endpoints", "GET", "webhook_endpoints.list", False),
            ("/webhook_event_types", "GET", "webhook_event_types.list", False),
            (_ENDPOINT, "GET", "webhook_endpoints.retrieve", False),
            (_ENDPOINT, "POST", "webhook_endpoints.update", True),
            (_ENDPOINT, "DELETE", "webhook_endpoints.delete", False),
            (_ENDPOINT + "/rotate_secret", "POST", "webhook_endpoints.rotate_secret", True),
            (_ENDPOINT + "/test", "POST", "webhook_endpoints.test", True),
        )
    ),
)


def judge_exchange(exchange: Exchange) -> list[Violation]:
    """What is wrong with it; of an endpoint that is not ours, nothing."""
    method = exchange.request.get("method")
    verb = next((verb for verb in _VERBS if verb.method == method and re.fullmatch(verb.pattern, exchange.path)), None)
    if verb is None:
        return []
    return [Violation(rule=rule, message=f"{verb.name}: {message}") for rule, message in _problems(exchange, verb)]


def _problems(exchange: Exchange, verb: _Verb) -> Iterator[tuple[str, str]]:
    status, body = exchange.status, _body(exchange.response)
    if status is not None and status >= 400:
        # What was refused need not have been right.
        yield from _json_problems(exchange, body, "error")
        return
    if verb.name == "calls.create":
        yield from ((REQUEST, problem) for problem in _offer_problems(exchange.request))
    elif verb.request is not None:
        request = _body(exchange.request)
        found = validator("rest").problems_of(verb.request, {} if request in (None, "") else request)
        yield from ((REQUEST, problem) for problem in found)
    if status != verb.status:
        yield STATUS, f"the status is {status}, not {verb.status}"
    if verb.name == "calls.create":
        yield from _answer_problems(exchange, body)
    elif verb.response is not None:
        yield from _json_problems(exchange, body, verb.response)
    elif body not in (None, ""):
        yield RESPONSE, f"the body is not empty: {str(body)[:60]!r}"


def _json_problems(exchange: Exchange, body: Any, name: str) -> Iterator[tuple[str, str]]:
    content_type = _header(exchange.response, "content-type") or ""
    if content_type.partition(";")[0] != "application/json":
        yield HEADER, f"content-type is {content_type!r}, not application/json"
    yield from ((RESPONSE, problem) for problem in validator("rest").problems_of(name, body))


def _answer_problems(exchange: Exchange, body: Any) -> Iterator[tuple[str, str]]:
    location = _header(exchange.response, "location") or ""
    if re.search(r"/realtime/calls/rtc_[A-Za-z0-9_-]+$", location) is None:
        yield HEADER, f"location is {location!r}, which names no call"
    content_type = (_header(exchange.response, "content-type") or "").partition(";")[0]
    # DOC says application/sdp, the wire text/plain.
    if content_type not in ("application/sdp", "text/plain"):
        yield HEADER, f"content-type is {content_type!r}, neither application/sdp nor text/plain"
    if not (isinstance(body, str) and body.startswith("v=0")):
        yield RESPONSE, f"the body is no SDP: {str(body)[:60]!r}"


def _offer_problems(request: Mapping[str, Any]) -> Iterator[str]:
    """The body is SDP, or multipart with the parts `sdp` and perhaps `session`."""
    content_type, body = _header(request, "content-type") or "", _body(request)
    if not content_type.startswith("multipart/form-data"):
        if not str(body).startswith("v=0"):
            yield f"the body is no SDP: {str(body)[:60]!r}"
        return
    message = message_from_string(f"Content-Type: {content_type}\r\n\r\n{body}")
    parts = {
        str(part.get_param("name", header="content-disposition")): str(part.get_payload())
        for part in (message.walk() if message.is_multipart() else ())
        if not part.is_multipart()
    }
    if not parts.get("sdp", "").startswith("v=0"):
        yield "the part sdp is missing or no SDP"
    yield from (f"there is a part {name!r}" for name in parts.keys() - {"sdp", "session"})
    if "session" in parts:
        try:
            session = json.loads(parts["session"])
        except ValueError as error:
            yield f"the part session is not JSON: {error}"
        else:
            yield from validator("rest").problems_of("calls.create.session", session)


def _header(message: Mapping[str, Any], name: str) -> str | None:
    headers = message.get("headers")
    values = headers.get(name) if isinstance(headers, Mapping) else None
    if isinstance(values, list):
        return str(values[0]) if values else None
    return values if isinstance(values, str) else None


def _body(message: Mapping[str, Any]) -> Any:
    """JSON is recorded as `parsed_body`, other bodies as `body`, of a response in its `string`."""
    if "parsed_body" in message:
        return message["parsed_body"]
    body = message.get("body")
    return body.get("string") if isinstance(body, Mapping) else body
