"""Session descriptions (RFC 8866), read as leniently as telephones write them.

Unknown lines, a missing `o=`, `s=` or `t=`, bare LF and blank lines are accepted: a call can do without what they say.
What media needs (`m=`, `c=`) is either understood or refused with the line that is wrong.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import TypeAlias

from ..errors import SdpError

Attributes: TypeAlias = tuple[tuple[str, str | None], ...]
"""`a=name:value` lines in order; a property attribute (`a=sendonly`) has None for its value."""

read_address = lru_cache(maxsize=256)(ip_address)
"""Raises `ValueError` for a host name. Calls from one trunk have the same few addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A `c=` line, without the TTL and count of multicast. `address` may be a host name."""

    address_type: str
    address: str

    @property
    def is_null(self) -> bool:
        """RFC 2543's hold: nothing may be sent to 0.0.0.0 (RFC 3264 8.4) or to `::`."""
        try:
            return read_address(self.address).is_unspecified
        except ValueError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaDescription:
    """One `m=` section. `connection` is its own `c=`, else the session's, else None."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    connection: Connection | None
    attributes: Attributes

    def attribute(self, name: str) -> str | None:
        """The first value of `a=name:value`; None when there is none or it has no value."""
        return next((value for key, value in self.attributes if key == name and value is not None), None)

    def attributes_named(self, name: str) -> list[str]:
        """Every value of `a=name:value`, in order."""
        return [value for key, value in self.attributes if key == name and value is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDescription:
    """What an offer or answer says. `origin` is the raw value of `o=`, "" when it is missing."""

    origin: str
    name: str
    connection: Connection | None
    attributes: Attributes
    media: tuple[MediaDescription, ...]


def parse(text: bytes | str) -> SessionDescription:
    """Read a description. Raises `SdpError` 400 with the line that can't be read; next is `offer_answer.negotiate`."""
    session: dict[str, str] = {}
    session_lines: list[tuple[str, str]] = []
    sections: list[tuple[str, list[tuple[str, str]]]] = []
    for kind, value in _lines(text):
        if kind == "m":
            sections.append((value, []))
        elif sections:
            sections[-1][1].append((kind, value))
        else:
            session.setdefault(kind, value)
            session_lines.append((kind, value))
    connection = _connection(session_lines)
    return SessionDescription(
        origin=session.get("o", ""),
        name=session.get("s", ""),
        connection=connection,
        attributes=_attributes(session_lines),
        media=tuple(_media(value, lines, connection) for value, lines in sections),
    )


def _lines(text: bytes | str) -> list[tuple[str, str]]:
    """`(letter, value)` of every line. A subject in Latin-1 is no reason to refuse a call: it is never acted upon."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    pairs: list[tuple[str, str]] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line.strip():
            continue
        letter, equals, value = line.strip().partition("=")
        if not equals or len(letter) != 1:
            raise SdpError(f"SDP line {line[:80]!r} is not of the form x=value")
        pairs.append((letter, value.strip()))
    if not pairs:
        raise SdpError("the session description is empty")
    if pairs[0] != ("v", "0"):
        raise SdpError(f"SDP begins with {'='.join(pairs[0])[:80]!r} instead of 'v=0'")
    return pairs


def _media(value: str, lines: list[tuple[str, str]], session: Connection | None) -> MediaDescription:
    parts = value.split()
    if len(parts) < 4:
        raise SdpError(f"SDP line 'm={value[:80]}' lacks a port, protocol or format")
    port_text = parts[1].partition("/")[0]  # RFC 8866 5.14: <port>/<number of ports>
    if not _is_number(port_text) or int(port_text) > 65535:
        raise SdpError(f"SDP line 'm={value[:80]}' has the port {parts[1][:20]!r}")
    return MediaDescription(
        kind=parts[0].lower(),
        port=int(port_text),
        protocol=parts[2].upper(),
        formats=tuple(parts[3:]),
        connection=_connection(lines) or session,
        attributes=_attributes(lines),
    )


def _connection(lines: list[tuple[str, str]]) -> Connection | None:
    value = next((value for kind, value in lines if kind == "c"), None)
    if value is None:
        return None
    parts = value.split()
    if len(parts) != 3 or parts[0].upper() != "IN" or parts[1].upper() not in ("IP4", "IP6"):
        raise SdpError(f"SDP line 'c={value[:80]}' is not 'c=IN IP4|IP6 <address>'")
    return Connection(address_type=parts[1].upper(), address=parts[2].partition("/")[0])


def _attributes(lines: list[tuple[str, str]]) -> Attributes:
    attributes: list[tuple[str, str | None]] = []
    for kind, text in lines:
        if kind == "a":
            name, colon, value = text.partition(":")
            attributes.append((name.strip().lower(), value.strip() if colon else None))
    return tuple(attributes)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10
