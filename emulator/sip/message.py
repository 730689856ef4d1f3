"""Requests and responses (RFC 3261 §7): the fields that the emulator acts on are read on first use, and kept."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from ..errors import SipError
from .headers import CSeq, Headers, NameAddress, Via, check_field, check_line, split_list
from .uri import Uri, excerpt

REASONS: Final = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    417: "Unknown Resource-Priority",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    424: "Bad Location Information",
    428: "Use Identity Header",
    429: "Provide Referrer Identity",
    430: "Flow Failed",
    433: "Anonymity Disallowed",
    436: "Bad Identity Info",
    437: "Unsupported Credential",
    438: "Invalid Identity Header",
    439: "First Hop Lacks Outbound Support",
    440: "Max-Breadth Exceeded",
    469: "Bad Info Package",
    470: "Consent Needed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    555: "Push Notification Service Not Supported",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}
"""IANA's registry of response codes."""

_LENGTH_DIGITS = 10
_HAS_LENGTH = "has length"
_COPIED = "copied"
_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT\Z")


class _Message:
    """What requests and responses have in common. Properties raise `SipError` (400) on malformed fields."""

    __slots__ = ("body", "headers")

    def __init__(self, headers: Headers | Iterable[tuple[str, str]], body: bytes) -> None:
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body

    @property
    def via(self) -> Via:
        """The topmost."""
        via: Via | None = self.headers.parsed.get("via")
        if via is None:
            values = self.headers.values("via")
            if not values:
                raise SipError("no Via")
            value = values[0]
            if "," in value:
                value = (split_list(value) or [""])[0]
            via = self.headers.parsed["via"] = Via.parse(value)
        return via

    @property
    def vias(self) -> tuple[Via, ...]:
        """From top to bottom."""
        return tuple(Via.parse(value) for value in self.headers.get_list("Via"))

    @property
    def from_(self) -> NameAddress:
        address: NameAddress | None = self.headers.parsed.get("from")
        if address is None:
            address = self.headers.parsed["from"] = NameAddress.parse(self._single("from", "From"))
        return address

    @property
    def to(self) -> NameAddress:
        address: NameAddress | None = self.headers.parsed.get("to")
        if address is None:
            address = self.headers.parsed["to"] = NameAddress.parse(self._single("to", "To"))
        return address

    @property
    def call_id(self) -> str:
        """The SIP Call-ID."""
        call_id: str | None = self.headers.parsed.get("call-id")
        if call_id is None:
            call_id = self.headers.parsed["call-id"] = self._single("call-id", "Call-ID")
        return call_id

    @property
    def call_id_text(self) -> str | None:
        """The SIP Call-ID as it came, None without one."""
        return self.headers.parsed.get("call-id") or self.headers.get("Call-ID")

    @property
    def cseq(self) -> CSeq:
        cseq: CSeq | None = self.headers.parsed.get("cseq")
        if cseq is None:
            cseq = self.headers.parsed["cseq"] = CSeq.parse(self._single("cseq", "CSeq"))
        return cseq

    @property
    def contacts(self) -> tuple[NameAddress, ...]:
        """Every contact; none for the `*` of a REGISTER."""
        contacts: tuple[NameAddress, ...] | None = self.headers.parsed.get("contact")
        if contacts is None:
            values = self.headers.values("contact")
            if not values:
                return ()
            if len(values) == 1 and "," not in values[0] and values[0] != "*":
                contacts = (NameAddress.parse(values[0]),)
            else:
                elements = self.headers.get_list("Contact")
                contacts = tuple([NameAddress.parse(element) for element in elements if element != "*"])
            self.headers.parsed["contact"] = contacts
        return contacts

    @property
    def contact(self) -> NameAddress | None:
        """The first contact, if there is one."""
        contacts = self.contacts
        return contacts[0] if contacts else None

    @property
    def routes(self) -> tuple[NameAddress, ...]:
        return self._addresses("Route")

    @property
    def record_routes(self) -> tuple[NameAddress, ...]:
        """From top to bottom."""
        return self._addresses("Record-Route")

    @property
    def require(self) -> tuple[str, ...]:
        """Option tags that the peer must understand."""
        return tuple(self.headers.get_list("Require"))

    @property
    def supported(self) -> tuple[str, ...]:
        return tuple(self.headers.get_list("Supported"))

    @property
    def max_forwards(self) -> int | None:
        """None where it is absent, as in RFC 2543."""
        values = self.headers.values("max-forwards")
        if not values:
            return None
        value = values[0] if len(values) == 1 else self._single("max-forwards", "Max-Forwards")
        if not _is_number(value) or len(value) > _LENGTH_DIGITS or int(value) > 255:
            raise SipError(f"Max-Forwards {excerpt(value)} is not a number from 0 to 255")  # RFC 3261 20.22
        return int(value)

    @property
    def content_length(self) -> int | None:
        """None if there is no such field. Raises `SipError`: 400 for no number or different ones, 513 for giants."""
        values = self.headers.values("content-length")
        if not values:
            return None
        value = values[0]
        if not _is_number(value):
            raise SipError(f"Content-Length {excerpt(value)} is not a number")
        if len(values) > 1 and any(other != value for other in values):
            raise SipError(f"Content-Length has {len(values)} values: {excerpt(', '.join(values))}")  # RFC 4475 3.3.9
        digits = value.lstrip("0")
        if len(digits) > _LENGTH_DIGITS:
            raise SipError(f"Content-Length of {len(digits)} digits", status=513)
        return int(digits or "0")

    def check(self) -> None:
        """Raise `SipError` (400) unless RFC 3261 8.1.1's fields are there, once, and readable."""
        _ = self.via, self.from_, self.to, self.call_id, self.cseq

    def _serialise(self, start_line: str) -> bytes:
        lines = [start_line]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if _HAS_LENGTH not in self.headers.parsed and not self.headers.values("content-length"):
            lines.append(f"Content-Length: {len(self.body)}")
        lines.append("\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body

    def _single(self, key: str, name: str) -> str:
        values = self.headers.values(key)
        if len(values) != 1:
            raise SipError(f"{len(values)} {name} headers" if values else f"no {name}")  # RFC 4475 3.3.8
        if not values[0]:
            raise SipError(f"{name} is empty")
        return values[0]

    def _addresses(self, name: str) -> tuple[NameAddress, ...]:
        return tuple(NameAddress.parse(value) for value in self.headers.get_list(name))


class Request(_Message):
    """A request. `uri_text` is the Request-URI as received; `uri` is read from it and may raise `SipError` (400)."""

    __slots__ = ("_uri", "method", "uri_text")

    def __init__(
        self,
        *,
        method: str,
        uri: Uri | str,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        super().__init__(headers, body)
        self.method = method
        self._uri: Uri | None = None
        if isinstance(uri, Uri):
            self._uri = uri
            uri = str(uri)
        check_line("the Request-URI", uri)
        self.uri_text = uri

    @property
    def uri(self) -> Uri:
        uri = self._uri
        if uri is None:
            uri = self._uri = Uri.parse(self.uri_text)
        return uri

    @property
    def summary(self) -> str:
        """`INVITE sip:proj_1@…`, for logs."""
        return f"{self.method} {self.uri_text}"

    def check(self) -> None:
        """Raise `SipError` (400) for what RFC 3261 8.2 and the torture tests of RFC 4475 call malformed."""
        if self.uri.headers is not None:
            raise SipError(f"Request-URI {excerpt(self.uri_text)} has headers")  # RFC 3261 19.1.1, RFC 4475 3.1.2.11
        super().check()
        if self.cseq.method != self.method:
            raise SipError(f"two methods: {excerpt(f'{self.method} with CSeq {self.cseq}')}")  # RFC 3261 8.1.1.5
        _ = self.max_forwards, self.contacts
        for date in self.headers.values("date"):
            if _DATE.match(date) is None:
                raise SipError(f"Date {excerpt(date)} is no time in GMT")  # RFC 3261 20.17, RFC 4475 3.1.2.12

    def to_bytes(self) -> bytes:
        """The message with its headers as they are; Content-Length is added if there is none."""
        return self._serialise(f"{self.method} {self.uri_text} SIP/2.0")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Request) and (self.method, self.uri_text, self.headers, self.body) == (
            other.method,
            other.uri_text,
            other.headers,
            other.body,
        )

    def __repr__(self) -> str:
        return f"<Request {self.summary}>"


class Response(_Message):
    """A response; `reason` may be empty, but is never None."""

    __slots__ = ("reason", "status")

    def __init__(
        self,
        *,
        status: int,
        reason: str | None = None,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        super().__init__(headers, body)
        self.status = status
        if reason is None:
            reason = REASONS.get(status, "")
        else:
            check_line("the reason", reason)
        self.reason = reason

    @property
    def summary(self) -> str:
        """`180 Ringing`, for logs."""
        return f"{self.status} {self.reason}"

    def to_bytes(self) -> bytes:
        """The message with its headers as they are; Content-Length is added if there is none."""
        return self._serialise(f"SIP/2.0 {self.status} {self.reason}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Response) and (self.status, self.reason, self.headers, self.body) == (
            other.status,
            other.reason,
            other.headers,
            other.body,
        )

    def __repr__(self) -> str:
        return f"<Response {self.summary}>"


def response_to(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None = None,
    via: Via | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    content_type: str | None = None,
) -> Response:
    """The response with what RFC 3261 8.2.6.2 wants copied, in the order of the service's own [OBS].

    Fields are copied as they came, readable or not: a malformed request is answered too. `to_tag` is added unless To
    has a tag. `via` takes the place of the topmost, with `received` and `rport` in it. `content_type` goes with a
    body; `headers` stand after Content-Length.
    """
    vias, others = _copied(request, to_tag, via)
    items = vias.copy()
    if request.method == "INVITE" and 100 < status < 300:
        # RFC 3261 12.1.1: all of them, in order
        items += [("Record-Route", value) for value in request.headers.values("record-route")]
    items += others
    if status == 100:
        items += [("Timestamp", value) for value in request.headers.values("timestamp")]  # RFC 3261 8.2.6.1
    items.append(("Content-Length", str(len(body))))
    for name, value in headers:
        check_field(name, value)  # what is copied was looked at when it came
        items.append((name, value))
    if content_type is not None:
        check_field("Content-Type", content_type)
        items.append(("Content-Type", content_type))
    response = Response(status=status, reason=reason, headers=Headers.of_parsed(items), body=body)
    response.headers.parsed[_HAS_LENGTH] = True
    response.headers.parsed["call-id"] = request.call_id_text
    return response


_Items = list[tuple[str, str]]
_REPEATED: Final = (("From", "from"), ("To", "to"), ("Call-ID", "call-id"), ("CSeq", "cseq"))
"""Names and keys, in the order in which the service writes them [OBS]."""


def _copied(request: Request, to_tag: str | None, via: Via | None) -> tuple[_Items, _Items]:
    """The Vias, and the other fields that every response repeats; most requests get several with the same ones."""
    kept = request.headers.parsed.get(_COPIED)
    if kept is not None and kept[0] == to_tag and kept[1] is via:
        return kept[2], kept[3]
    values = request.headers.values
    vias = [("Via", value) for value in _response_vias(request, via)]
    others = [(name, value) for name, key in _REPEATED for value in values(key)]
    if to_tag is not None:
        others = [(name, _tagged(request, value, to_tag) if name == "To" else value) for name, value in others]
    request.headers.parsed[_COPIED] = (to_tag, via, vias, others)
    return vias, others


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _response_vias(request: Request, via: Via | None) -> Sequence[str]:
    values = request.headers.values("via")
    if via is None or not values:
        return values
    others = split_list(values[0])[1:]
    return [", ".join([str(via), *others]), *values[1:]]


def _tagged(request: Request, value: str, tag: str) -> str:
    try:
        has_tag = request.to.has_parameter("tag")
    except SipError:
        return value  # there is no telling where a parameter would go
    return value if has_tag else f"{value};tag={tag}"
