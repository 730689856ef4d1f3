"""Header fields (RFC 3261 §7.3, §20): their list, and the values that the emulator acts on.

The values are named tuples, not dataclasses: several are made for every message, in a third of the time.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ..errors import SipError, UsageError
from .uri import HOST, Parameters, Uri, excerpt, find_parameter, has_parameter, join_parameters, parse_port

TOKEN: Final = r"[A-Za-z0-9!%'*+.^_`~-]+"
"""RFC 3261 25.1, and `^` of RFC 9110's token, which differs in nothing else that matters here."""

_COMPACT: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
"""IANA's compact forms."""

KEYS: Final[dict[str, str]] = {
    name: name.lower()
    for name in (
        "Accept", "Allow", "Call-ID", "Contact", "Content-Length", "Content-Type", "CSeq", "Event", "Expires", "From",
        "Max-Forwards", "Min-SE", "P-Asserted-Identity", "Record-Route", "Refer-To", "Require", "Route",
        "Session-Expires", "Subscription-State", "Supported", "To", "User-Agent", "Via",
    )
}  # fmt: skip
"""Names as they usually come, and what `key_of` makes of them: a look-up is the fastest check."""

_NAME = re.compile(TOKEN + r"\Z")
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
# What must be skipped when looking for commas. The last branch is what remains of a broken one.
_PIECE = re.compile(rf'[^,"<]++|{_QUOTED}|<[^>]*+>|(,)|(["<])', re.DOTALL)
_PARAMETER_VALUE = rf'{_QUOTED}|[^\x00-\x20\x7f;,"<>=?]++'
_PARAMETER = re.compile(rf"[ \t]*+;[ \t]*+({TOKEN})(?:[ \t]*+=[ \t]*+({_PARAMETER_VALUE}))?+[ \t]*+", re.DOTALL)
_PARAMETERS = rf"(?:[ \t]*+;[ \t]*+{TOKEN}(?:[ \t]*+=[ \t]*+(?:{_PARAMETER_VALUE}))?+)*+"
# RFC 3261 25.1: display-name is tokens or a quoted string. Raw UTF-8 is accepted in the former: it is not meant as
# anything else.
_DISPLAY = rf"{_QUOTED}[ \t]*+|(?:[A-Za-z0-9!%'*+.^_`~\x80-\U0010ffff-]++[ \t]*+)*+"
_NAME_ADDRESS = re.compile(rf"({_DISPLAY})<([A-Za-z][A-Za-z0-9+.-]*+:[!#-;=?-~]++)>({_PARAMETERS})\Z", re.DOTALL)
# RFC 3261 20: without brackets parameters are the header's, and the URI has neither comma nor question mark.
_ADDRESS = re.compile(rf"([A-Za-z][A-Za-z0-9+.-]*+:[!#-+\-.-:=@-~]++)({_PARAMETERS})\Z", re.DOTALL)
_TAG = re.compile(r';tag=([^\x00-\x20\x7f;,"<>=?]++)\Z')
_VIA = re.compile(
    rf"[Ss][Ii][Pp][ \t]*+/[ \t]*+2\.0[ \t]*+/[ \t]*+({TOKEN})[ \t]++({HOST})(?:[ \t]*+:[ \t]*+([0-9]{{1,5}}))?"
)
_CSEQ = re.compile(rf"([0-9]{{1,10}})[ \t]+({TOKEN})\Z")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Headers:
    """Header fields in order, duplicates kept. Names are compared without case, compact forms are their long ones.

    Names and values are as received, values unfolded and trimmed. `parsed` is for the message that owns the fields:
    what it has made of them, forgotten when one of them changes.
    """

    __slots__ = ("_index", "_items", "parsed")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        """Raises `UsageError` on what would break the message apart: a name that is no token, a line break."""
        self._items = list(items)
        for name, value in self._items:
            check_field(name, value)
        self._index: dict[str, list[str]] | None = None
        self.parsed: dict[str, Any] = {}

    @classmethod
    def of_parsed(cls, items: list[tuple[str, str]], index: dict[str, list[str]] | None = None) -> "Headers":
        """For the parser, which has looked at every name and value itself; `index` has the values by `key_of(name)`."""
        headers = cls.__new__(cls)
        headers._items = items
        headers._index = index
        headers.parsed = {}
        return headers

    # Changes

    def add(self, name: str, value: str) -> None:
        check_field(name, value)
        self._items.append((name, value))
        self._forget()

    def set(self, name: str, value: str) -> None:
        """Replace the first field of this name where it stands and drop the others; add it if there is none."""
        check_field(name, value)
        key = key_of(name)
        places = [place for place, (other, _) in enumerate(self._items) if key_of(other) == key]
        if not places:
            self.add(name, value)
            return
        self._items[places[0]] = (name, value)
        for place in reversed(places[1:]):
            del self._items[place]
        self._forget()

    def remove(self, name: str) -> None:
        """Every field of this name; nothing happens if there is none."""
        key = key_of(name)
        self._items = [item for item in self._items if key_of(item[0]) != key]
        self._forget()

    # Queries

    def get(self, name: str) -> str | None:
        """The first value."""
        values = self.values(KEYS.get(name) or key_of(name))
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """One value a field: those of lists are not split."""
        return list(self.values(key_of(name)))

    def get_list(self, name: str) -> list[str]:
        """The elements of a list, however many fields it is spread over. Raises `SipError` (400)."""
        values = self.values(KEYS.get(name) or key_of(name))
        return [element for value in values for element in split_list(value)] if values else []

    def values(self, key: str) -> Sequence[str]:
        """One value a field, by `key_of(name)`: the fast way in, for fields that every message is asked for."""
        index = self._index
        if index is None:
            index = self._index = {}
            for name, value in self._items:
                index.setdefault(KEYS.get(name) or key_of(name), []).append(value)
        return index.get(key, ())

    def copy(self) -> "Headers":
        return Headers.of_parsed(list(self._items))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.values(key_of(name)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._items == other._items

    def __repr__(self) -> str:
        return f"Headers({self._items!r})"

    # Private

    def _forget(self) -> None:
        self._index = None
        self.parsed.clear()


class NameAddress(NamedTuple):
    """A URI with a name and parameters: From, To, Contact, Route, Record-Route, Refer-To.

    The three parts are as received, `display_text` with its quotes, `parameter_text` with its semicolons; what they
    mean is read when it is asked for. `str()` gives them back, always with brackets.
    """

    display_text: str
    uri_text: str
    parameter_text: str

    @classmethod
    def parse(cls, text: str) -> "NameAddress":
        """Raises `SipError` (400) if this is no address. The URI in it is read by `uri` only."""
        # Every request of a dialog has the same two, and a trunk few contacts; giant ones are not kept.
        return _parse_address_often(text) if len(text) < 256 else _parse_address(text)

    @property
    def display(self) -> str | None:
        """The name without quotes and escapes; None without a name."""
        return unquote(self.display_text.rstrip(" \t")) if self.display_text else None

    @property
    def uri(self) -> Uri:
        """Raises `SipError` (400)."""
        return Uri.parse(self.uri_text)

    @property
    def parameters(self) -> Parameters:
        """Values that are quoted strings keep their quotes."""
        return parse_parameters(self.parameter_text)

    def parameter(self, name: str) -> str | None:
        """The first value; None if the parameter is absent or has no value."""
        return find_parameter(self.parameters, name)

    def has_parameter(self, name: str) -> bool:
        return has_parameter(self.parameters, name)

    @property
    def tag(self) -> str | None:
        if not self.parameter_text:
            return None
        match = _TAG.match(self.parameter_text)  # nearly always it is the only parameter
        return find_parameter(self.parameters, "tag") if match is None else match.group(1)

    def __str__(self) -> str:
        return f"{self.display_text}<{self.uri_text}>{self.parameter_text}"


class Via(NamedTuple):
    """One hop (RFC 3261 20.42). An IPv6 host keeps its brackets; `transport` is as received."""

    transport: str
    host: str
    port: int | None = None
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> "Via":
        """Raises `SipError` (400)."""
        match = _VIA.match(text)
        if match is None:
            raise SipError(f"{excerpt(text)} is not a Via")
        transport, host, port = match.groups()
        end = match.end()
        parameters = parse_parameters(text, end) if end < len(text) else ()
        return cls(transport, host, None if port is None else parse_port(port), parameters)

    def parameter(self, name: str) -> str | None:
        """The first value; None if the parameter is absent or has no value."""
        return find_parameter(self.parameters, name)

    def has_parameter(self, name: str) -> bool:
        return has_parameter(self.parameters, name)

    @property
    def branch(self) -> str | None:
        return find_parameter(self.parameters, "branch")

    def with_parameter(self, name: str, value: str | None) -> "Via":
        """The same with this parameter where it was, or at the end."""
        parameters = list(self.parameters)
        for place, (key, _) in enumerate(parameters):
            if key.lower() == name.lower():
                parameters[place] = (key, value)
                break
        else:
            parameters.append((name, value))
        return self._replace(parameters=tuple(parameters))

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{join_parameters(self.parameters)}"


class CSeq(NamedTuple):
    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        """Raises `SipError` (400), also for numbers from 2^31 on (RFC 3261 8.1.1.5)."""
        match = _CSEQ.match(text)
        if match is None:
            raise SipError(f"{excerpt(text)} is not a CSeq")
        digits, method = match.groups()
        number = int(digits)
        if number >= 1 << 31:
            raise SipError(f"CSeq {number} is not below 2^31")
        return cls(number, method)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def _parse_address(text: str) -> NameAddress:
    match = _NAME_ADDRESS.match(text)
    if match is not None:
        return NameAddress(*match.groups())
    match = _ADDRESS.match(text)
    if match is None:
        raise SipError(f"{excerpt(text)} is not an address")
    return NameAddress("", *match.groups())


_parse_address_often = lru_cache(maxsize=1024)(_parse_address)


def key_of(name: str) -> str:
    """What names that mean the same have in common."""
    key = name.lower()
    return _COMPACT.get(key, key)


def split_list(value: str) -> list[str]:
    """The elements of a comma-separated value; commas in quotes and in angle brackets separate nothing.

    Empty elements are left out. Raises `SipError` (400) when a quote or a bracket is never closed.
    """
    if "," not in value:
        elements = [value]
    elif '"' not in value and "<" not in value:
        elements = value.split(",")
    else:
        elements = []
        start = 0
        for piece in _PIECE.finditer(value):
            if piece.lastindex == 1:
                elements.append(value[start : piece.start()])
                start = piece.end()
            elif piece.lastindex == 2:
                raise SipError(f"{piece.group()} at position {piece.start()} of {excerpt(value)} is never closed")
        elements.append(value[start:])
    return [element for element in (element.strip(" \t") for element in elements) if element]


def parse_parameters(text: str, start: int = 0) -> Parameters:
    """All that follows `start`, which must be `;name` or `;name=value` each time. Raises `SipError` (400)."""
    found: list[tuple[str, str | None]] = []
    length = len(text)
    while start < length:
        match = _PARAMETER.match(text, start)
        if match is None:
            raise SipError(f"{excerpt(text)} has no parameter at position {start}")
        name, value = match.groups()
        found.append((name, value))
        start = match.end()
    return tuple(found)


def quote(text: str) -> str:
    """A quoted string (RFC 3261 25.1) that reads as `text`."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """What a quoted string reads as; any other text unchanged."""
    if len(text) < 2 or not (text[0] == text[-1] == '"'):
        return text
    return _ESCAPED.sub(r"\1", text[1:-1]) if "\\" in text else text[1:-1]


def check_line(what: str, text: str) -> None:
    """Raises `UsageError` if `text`, which is about to be sent, has a line break: it would end the line early."""
    if "\n" in text or "\r" in text:
        raise UsageError(f"{what} may not have a line break: {text!r}")


def check_field(name: str, value: str) -> None:
    """Raises `UsageError` on what would break a message apart: a name that is no token, a line break."""
    if name not in KEYS and _NAME.match(name) is None:
        raise UsageError(f"{name!r} is not the name of a header")
    if "\n" in value or "\r" in value:
        raise UsageError(f"the header {name} may not have a line break: {value!r}")
