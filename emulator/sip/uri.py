"""URIs: `sip:` and `sips:` (RFC 3261 19.1), `tel:` (RFC 3966), and whatever else may stand in their place."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from ..errors import SipError

Parameters = tuple[tuple[str, str | None], ...]
"""Names and values in order, as received; the value is None where there is no `=`."""

HOST: Final = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+"
"""A name, an IPv4 address or an IPv6 one in brackets.

RFC 5118 4.10 wants `[2001:db8:::192.0.2.1]` accepted, which RFC 3261's grammar yields, so addresses aren't judged.
Underscores are in no host name, but in those of container networks.
"""

# RFC 3261 25.1, with `#` in the user (dial codes are written so) and every visible character in parameters and headers.
_SIP = re.compile(
    r"([Ss][Ii][Pp][Ss]?):"
    r"(?:([A-Za-z0-9_.!~*'()&=+$,;?/%#-]+)(?::([A-Za-z0-9_.!~*'()&=+$,%-]*))?@)?"
    rf"({HOST})(?::([0-9]{{1,5}}))?"
    r"((?:;[!#-:=@-~]+)*)"
    r"(?:\?([!#-;=?-~]+))?\Z"
)
_TEL = re.compile(r"(\+?[0-9A-Fa-f*#().-]+)((?:;[!#-:=@-~]+)*)\Z")
_ANY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):([!#-;=?-~]+)\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uri:
    """A URI taken apart. `str()` gives it back as it was, but for the case of the scheme and zeros before the port.

    Only `sip` and `sips` have user, password, host, port and headers; nothing is unescaped in them. `tel` has its
    number in `opaque` beside its parameters, every other scheme all that follows the colon. An IPv6 host keeps its
    brackets.
    """

    scheme: str
    user: str | None = None
    password: str | None = None
    host: str = ""
    port: int | None = None
    parameters: Parameters = ()
    headers: str | None = None
    opaque: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Uri":
        """Raises `SipError` (400). Parameters may occur twice: baresip 1.0 writes `;transport=tls` so [OBS]."""
        # The Request-URIs and contacts of one trunk are few; giant ones are not kept.
        return _parse_often(text) if len(text) < 256 else _parse(text)

    def parameter(self, name: str) -> str | None:
        """The first value; None if the parameter is absent or has no value."""
        return find_parameter(self.parameters, name)

    def has_parameter(self, name: str) -> bool:
        return has_parameter(self.parameters, name)

    @property
    def decoded_user(self) -> str | None:
        """The user with its escapes resolved: `sip:%61lice@…` is alice (RFC 3261 19.1.4)."""
        return None if self.user is None else unquote(self.user, errors="replace")

    def __str__(self) -> str:
        parts = [self.scheme, ":"]
        if self.opaque is not None:
            parts.append(self.opaque)
        if self.user is not None:
            parts.append(self.user)
            if self.password is not None:
                parts += (":", self.password)
            parts.append("@")
        parts.append(self.host)
        if self.port is not None:
            parts.append(f":{self.port}")
        parts.append(join_parameters(self.parameters))
        if self.headers is not None:
            parts += ("?", self.headers)
        return "".join(parts)


def excerpt(text: str) -> str:
    """What a peer sent, for the message of an error: quoted, and no longer than a line."""
    return repr(text) if len(text) <= 100 else f"{text[:100]!r}…"


def find_parameter(parameters: Parameters, name: str) -> str | None:
    """The value of the first parameter of this name, in any case of letters."""
    for key, value in parameters:
        if key == name or key.lower() == name.lower():
            return value
    return None


def has_parameter(parameters: Parameters, name: str) -> bool:
    return name.lower() in [key.lower() for key, _ in parameters]


def join_parameters(parameters: Iterable[tuple[str, str | None]]) -> str:
    """Each with its semicolon before it."""
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in parameters])


def parse_port(digits: str) -> int:
    """Raises `SipError` (400) above 65535."""
    port = int(digits)
    if port > 65535:
        raise SipError(f"port {port} is above 65535")
    return port


def _parse(text: str) -> Uri:
    match = _SIP.match(text)
    if match is None:
        return _parse_other(text)
    scheme, user, password, host, port, parameters, headers = match.groups()
    if "%" in text:
        _check_escapes(text)
    return Uri(
        scheme=scheme.lower(),
        user=user,
        password=password,
        host=host,
        port=None if port is None else parse_port(port),
        parameters=_split_parameters(parameters, text) if parameters else (),
        headers=headers,
    )


_parse_often = lru_cache(maxsize=1024)(_parse)


def _parse_other(text: str) -> Uri:
    """Everything that is not sip: or sips:, and what is wrong with those that are."""
    match = _ANY.match(text)
    if match is None:
        raise SipError(f"{excerpt(text)} is not a URI")
    scheme, opaque = match.group(1).lower(), match.group(2)
    if scheme in ("sip", "sips"):
        raise SipError(f"{excerpt(text)} is not a {scheme} URI")
    if scheme != "tel":
        return Uri(scheme=scheme, opaque=opaque)
    number = _TEL.match(opaque)
    if number is None:
        raise SipError(f"{excerpt(text)} is not a tel URI")
    _check_escapes(text)
    return Uri(scheme=scheme, opaque=number.group(1), parameters=_split_parameters(number.group(2), text))


def _split_parameters(parameters: str, text: str) -> Parameters:
    """`parameters` is empty or begins with a semicolon, and none in it is empty: the pattern saw to it."""
    found: list[tuple[str, str | None]] = []
    for part in parameters.split(";")[1:]:
        name, equals, value = part.partition("=")
        if not name:
            raise SipError(f"{excerpt(text)} has a parameter without a name")
        found.append((name, value if equals else None))
    return tuple(found)


def _check_escapes(text: str) -> None:
    bad = _BAD_ESCAPE.search(text)
    if bad is not None:
        raise SipError(f"{excerpt(text)} has a bad escape at position {bad.start()}")
