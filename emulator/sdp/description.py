"""Session descriptions (RFC 8866), read as leniently as telephones write them.

Unknown lines, a missing `o=`, `s=` or `t=`, bare LF and blank lines are accepted: a call can do without what they say.
What media needs (`m=`, `c=`) is either understood or refused with the line that is wrong. As in `sip`, the values are
named tuples: several are made for every call.
"""

from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple, TypeAlias

from ..errors import SdpError

Attributes: TypeAlias = tuple[tuple[str, str | None], ...]
"""`a=name:value` lines in order; a property attribute (`a=sendonly`) has None for its value."""

read_address = lru_cache(maxsize=256)(ip_address)
"""Raises `ValueError` for a host name. Calls from one trunk have the same few addresses."""


class Connection(NamedTuple):
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


class MediaDescription(NamedTuple):
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


class SessionDescription(NamedTuple):
    """What an offer or answer says. `origin` is the raw value of `o=`, "" when it is missing."""

    origin: str
    name: str
    connection: Connection | None
    attributes: Attributes
    media: tuple[MediaDescription, ...]


def parse(text: bytes | str) -> SessionDescription:
    """Read a description. Raises `SdpError` 400 with the line that can't be read; next is `offer_answer.negotiate`."""
    session = section = _Section()
    sections: list[tuple[str, _Section]] = []
    for line in _lines(text):
        letter, value = line[0], line[2:].strip()
        if line[1:2] != "=" or letter == "=":
            raise SdpError(f"SDP line {line[:80]!r} is not of the form x=value")
        if letter == "a":
            name, colon, rest = value.partition(":")
            section.attributes.append((name.strip().lower(), rest.strip() if colon else None))
        elif letter == "m":
            section = _Section()
            sections.append((value, section))
        elif letter not in section.values:
            section.values[letter] = value
    connection = _connection(session)
    return SessionDescription(
        origin=session.values.get("o", ""),
        name=session.values.get("s", ""),
        connection=connection,
        attributes=tuple(session.attributes),
        media=tuple([_media(value, section, connection) for value, section in sections]),
    )


class _Section:
    """The lines of a media section, or those before the first: attributes in order, and of each other letter the first
    value."""

    __slots__ = ("attributes", "values")

    def __init__(self) -> None:
        self.attributes: list[tuple[str, str | None]] = []
        self.values: dict[str, str] = {}


def _lines(text: bytes | str) -> list[str]:
    """All that are not blank. A subject in Latin-1 is no reason to refuse a call: it is never acted upon."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = [line for each in text.split("\n") if (line := each.strip())]
    if not lines:
        raise SdpError("the session description is empty")
    letter, equals, value = lines[0].partition("=")
    if equals and len(letter) == 1 and (letter, value.strip()) != ("v", "0"):
        raise SdpError(f"SDP begins with {lines[0][:80]!r} instead of 'v=0'")
    return lines


def _media(value: str, section: _Section, session: Connection | None) -> MediaDescription:
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
        connection=_connection(section) or session,
        attributes=tuple(section.attributes),
    )


def _connection(section: _Section) -> Connection | None:
    value = section.values.get("c")
    if value is None:
        return None
    parts = value.split()
    if len(parts) != 3 or parts[0].upper() != "IN" or parts[1].upper() not in ("IP4", "IP6"):
        raise SdpError(f"SDP line 'c={value[:80]}' is not 'c=IN IP4|IP6 <address>'")
    return Connection(address_type=parts[1].upper(), address=parts[2].partition("/")[0])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10
