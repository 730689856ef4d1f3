"""SIP messages: `sipmessage` reads the syntax, here the bytes are framed and the order of headers is kept."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sipmessage import URI, Address, CSeq, Headers, Message, Request, Response, Via

from .errors import ProtocolViolation, UsageError

MANDATORY = ("Via", "From", "To", "Call-ID", "CSeq")  # RFC 3261 8.1.1 and 8.2.6.2; Max-Forwards is not echoed
METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REFER", "NOTIFY", "INFO", "UPDATE", "MESSAGE")
ALLOW = ", ".join(METHODS)
REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    405: "Method Not Allowed",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
}
_SPACE_BEFORE_COLON = re.compile(r"\A([^\s:]+)[ \t]+:")
_BARE_ADDRESS = re.compile(r"(?i)\A(v(?:ia)?:.*;\s*received\s*=\s*)([0-9a-f.]*:[0-9a-f:.]*)")
_FOLD = re.compile(rb"\r\n[ \t]+")
_TAG = re.compile(r";\s*tag\s*=\s*([^\s;,>]+)", re.IGNORECASE)


class OrderedHeaders(Headers):
    """Headers in the order of the wire, duplicates where they were: `sipmessage` alone would group them by name."""

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.items: list[tuple[str, str]] = list(items)

    def add(self, key: str, value: str) -> None:
        self.items.append((key, value))

    def get(self, key: str, default: str | None = None) -> str | None:
        values = self.getlist(key)
        return values[0] if values else default

    def getlist(self, key: str) -> list[str]:
        name = key.lower()
        return [value for each, value in self.items if each.lower() == name]

    def keys(self) -> list[str]:
        return [name for name, _ in self.items]

    def remove(self, key: str) -> None:
        self.items = [item for item in self.items if item[0].lower() != key.lower()]

    def set(self, key: str, value: str) -> None:
        self.setlist(key, [value])

    def setlist(self, key: str, values: list[str]) -> None:
        names = [name.lower() for name in self.keys()]
        at = names.index(key.lower()) if key.lower() in names else len(names)
        self.remove(key)
        self.items[at:at] = [(key, value) for value in values]

    def __getitem__(self, key: str) -> str:
        values = self.getlist(key)
        if not values:
            raise KeyError(key)
        return values[0]

    def __str__(self) -> str:
        return "".join(f"{name}: {value}\r\n" for name, value in self.items) + "\r\n"


@dataclass(frozen=True)
class GivenUri(URI):
    """A request-URI that is sent exactly as it was given, even where `sipmessage` would refuse or re-escape it."""

    text: str = ""

    def __str__(self) -> str:
        return self.text


def parse(data: bytes) -> Request | Response:
    """One whole message. Raises `ProtocolViolation` when it or a header that every message has can't be read."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        raise ProtocolViolation(f"a SIP message without an empty line after its headers: {data[:80]!r}")
    # RFC 3261 7.3.1: a line that starts with white space continues the one before; a space before the colon is legal.
    lines = _FOLD.sub(b" ", head).split(b"\r\n")
    try:
        text = [_SPACE_BEFORE_COLON.sub(r"\1:", line.decode()) for line in lines]
        # RFC 5118 4.5: an IPv6 address in `received` has no brackets by the grammar, and `sipmessage` wants them.
        text = [_BARE_ADDRESS.sub(r"\1[\2]", line) for line in text]
        message = Message.parse("\r\n".join(text).encode() + b"\r\n\r\n" + body)
        message.headers = OrderedHeaders(
            (name, value.strip()) for name, _, value in (line.partition(":") for line in _long_names(text[1:]))
        )
        _check(message)
    except (ValueError, KeyError) as error:
        raise ProtocolViolation(f"unreadable SIP message ({error}): {lines[0][:120]!r}") from error
    declared = message.content_length
    if declared is not None:
        if declared > len(body):
            raise ProtocolViolation(f"Content-Length is {declared}, but the body has {len(body)} bytes: {lines[0]!r}")
        message.body = body[:declared]
    return message


def new_request(
    method: str,
    uri: str,
    headers: Iterable[tuple[str, str]],
    *,
    body: bytes = b"",
    replace: Mapping[str, str | None] | None = None,
) -> Request:
    """A request whose headers are sent in the order given; `replace` overrides single ones, None leaves one out.

    Nothing is checked: a phone that is there to try a server must be able to send nonsense.
    """
    request = Request(method, GivenUri(scheme="sip", host="", text=uri), body)
    ordered = OrderedHeaders(headers)
    ordered.add("Content-Length", str(len(body)))
    for name, value in (replace or {}).items():
        if value is None:
            ordered.remove(name)
        else:
            ordered.set(name, value)
    request.headers = ordered
    return request


def response_to(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Response:
    """RFC 3261 8.2.6: Via, From, To, Call-ID and CSeq as they came; `to_tag` is added where To has none."""
    response = Response(status, reason or REASONS.get(status, "Response"), body)
    ordered = OrderedHeaders(("Via", value) for value in request.headers.getlist("Via"))
    ordered.items += [("Record-Route", value) for value in request.headers.getlist("Record-Route")]
    ordered.add("From", request.headers["From"])
    to = request.headers["To"]
    ordered.add("To", f"{to};tag={to_tag}" if to_tag and tag_of(to) is None and status > 100 else to)
    ordered.add("Call-ID", request.headers["Call-ID"])
    ordered.add("CSeq", request.headers["CSeq"])
    ordered.items += headers
    ordered.add("Content-Length", str(len(body)))
    response.headers = ordered
    return response


def ack_of_failure(invite: Request, response: Response) -> Request:
    """RFC 3261 17.1.1.3: the INVITE's URI, topmost Via, From, Call-ID and Route; the response's To."""
    headers = [("Via", invite.headers["Via"]), ("Max-Forwards", "70")]
    headers += [("Route", value) for value in invite.headers.getlist("Route")]
    headers += [("From", invite.headers["From"]), ("To", response.headers["To"])]
    headers += [("Call-ID", invite.headers["Call-ID"]), ("CSeq", f"{invite.cseq.sequence} ACK")]
    return new_request("ACK", str(invite.uri), headers)


def cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE (RFC 3261 9.1), whatever has become of it."""
    copied = ("Via", "Max-Forwards", "Route", "From", "To", "Call-ID")
    headers = [(name, value) for name in copied for value in invite.headers.getlist(name)]
    headers.append(("CSeq", f"{invite.cseq.sequence} CANCEL"))
    return new_request("CANCEL", str(invite.uri), headers)


def copy_of(request: Request, *, replace: Mapping[str, str | None]) -> Request:
    """The same request but for some headers; None leaves one out."""
    copy = Request(request.method, request.uri, request.body)
    names = dict.fromkeys(request.headers.keys())
    headers = OrderedHeaders((name, value) for name in names for value in request.headers.getlist(name))
    for name, value in replace.items():
        if value is None:
            headers.remove(name)
        else:
            headers.set(name, value)
    copy.headers = headers
    return copy


def summary(message: Request | Response) -> str:
    """`INVITE sip:…` or `180 Ringing`: the first line without the version, as ladders and logs show it."""
    if isinstance(message, Request):
        return f"{message.method} {message.uri}"
    return f"{message.code} {message.phrase}"


def tag_of(address: str) -> str | None:
    """The tag of a From or To value, byte for byte, since a dialog compares it so."""
    found = _TAG.search(address[address.rfind(">") + 1 :])
    return found.group(1) if found else None


def uri_of(address: str) -> str:
    """The URI of a Contact, Refer-To or Route value as it was written, without its angle brackets."""
    start = address.find("<")
    if start >= 0:
        return address[start + 1 : address.find(">", start)]
    return address.split(";", 1)[0].strip()


def host_and_port(uri: str) -> tuple[str, int | None, str | None]:
    """Host, port and transport parameter of a `sip:` or `sips:` URI. Raises `UsageError` on anything else."""
    found = re.match(
        r"(?i)sips?:(?:[^@]*@)?(?P<host>\[[0-9a-f:.]+\]|[^:;?\s\[\]]+)(?::(?P<port>\d+))?(?P<rest>[;?].*)?\Z", uri
    )
    if found is None:
        raise UsageError(f"{uri!r} is not a SIP URI; write sip:user@host:port;transport=tls")
    transport = re.search(r"(?i);transport=([a-z]+)", found["rest"] or "")
    default = "tls" if uri[:5].lower() == "sips:" else None
    return (
        found["host"].strip("[]"),
        int(found["port"]) if found["port"] else None,
        transport.group(1).lower() if transport else default,
    )


def split_list(values: Iterable[str]) -> list[str]:
    """The members of a list-valued header (Route, Record-Route, Contact), commas inside quotes or brackets kept."""
    members: list[str] = []
    for value in values:
        members += [
            part.strip() for part in re.findall(r'(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,"<])+', value) if part.strip()
        ]
    return members


def branch_of(message: Message) -> str:
    """The branch of the topmost Via, empty where it has none."""
    return message.via[0].parameters.get("branch") or ""


def _long_names(lines: list[str]) -> list[str]:
    from sipmessage.message import COMPACT_FORMS

    named = []
    for line in lines:
        name, _, value = line.partition(":")
        named.append(f"{COMPACT_FORMS.get(name.lower(), name)}:{value}")
    return named


def _check(message: Request | Response) -> None:
    for name in MANDATORY:
        if message.headers.get(name) is None:
            raise ValueError(f"no {name} header")
    if not message.via:
        raise ValueError("an empty Via header")
    # Read once, so that nothing behind this edge meets a ValueError.
    _ = (message.cseq, message.from_address, message.to_address, message.content_length)


__all__ = [
    "ALLOW",
    "METHODS",
    "REASONS",
    "URI",
    "Address",
    "CSeq",
    "GivenUri",
    "Message",
    "OrderedHeaders",
    "Request",
    "Response",
    "Via",
    "ack_of_failure",
    "branch_of",
    "cancel_of",
    "copy_of",
    "host_and_port",
    "new_request",
    "parse",
    "response_to",
    "split_list",
    "summary",
    "tag_of",
    "uri_of",
]


def named_address(text: str, host: str) -> str:
    """`+1425…` becomes `<sip:+1425…@host>`; a URI gets its brackets; an address stays as it is."""
    if "<" in text:
        return text
    if re.match(r"(?i)(sips?|tel):", text):
        return f"<{text}>"
    return f"<sip:{text}@{host}>"


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
