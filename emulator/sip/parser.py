"""From bytes to messages (RFC 3261 §7 and §18.3): one datagram, or a stream with any cuts."""

import re

from ..errors import SipError
from .headers import KEYS, TOKEN, Headers, key_of
from .message import Request, Response
from .uri import excerpt

DEFAULT_LIMIT = 65536
"""Bytes of one message, head and body [CHOICE]: what a UDP datagram could carry."""
DEFAULT_FIELDS = 1000
"""Header fields of one message [CHOICE]: RFC 4475's longest has 40."""

Message = Request | Response

_HEAD_END = b"\r\n\r\n"
_FIRST_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!%'*+.^_`~-")

_VERSION = re.compile(r"[Ss][Ii][Pp]/[0-9]+\.[0-9]+\Z")
_REQUEST_LINE = re.compile(rf"({TOKEN}) ([^ \t\r\n]+) [Ss][Ii][Pp]/2\.0\Z")
_STATUS_LINE = re.compile(r"[Ss][Ii][Pp]/([0-9]+\.[0-9]+) ([1-6][0-9]{2})(?: ([^\r\n]*))?\Z")
_TOKEN = re.compile(TOKEN + r"\Z")
# One field with its line break: name, then value without the blanks around it.
_FIELD = re.compile(rf"^({TOKEN})[ \t]*+:[ \t]*+((?:[^\r\n]*[^ \t\r\n])?+)[ \t]*+\r\n", re.MULTILINE)
_FOLD = re.compile(r"(?<![ \t])[ \t]*+(?:\r\n[ \t]++)++")


def is_keep_alive(data: bytes) -> bool:
    """True for a datagram of nothing but line breaks or zeros, as clients send to keep a NAT open. Not answered."""
    return not data.strip(b"\r\n\0")


def parse_datagram(data: bytes, *, limit: int = DEFAULT_LIMIT, fields: int = DEFAULT_FIELDS) -> Message:
    """The message in one datagram; what comes after Content-Length is cut off (RFC 3261 18.3).

    Raises `SipError` with the status to answer, and in `message_head` what there is to answer to.
    """
    start = 0
    while data.startswith(b"\r\n", start):
        start += 2  # RFC 3261 7.5
    end = data.find(_HEAD_END, start)
    message, error = _read_head(data[start:] if end < 0 else data[start : end + 2])
    if end < 0:
        raise _refusal(message, SipError("no empty line after the headers"))
    if len(data) > limit:
        raise _refusal(message, SipError(f"a message of {len(data)} bytes; the limit is {limit}", status=513))
    if message is None or error is not None:
        raise _refusal(message, error)
    try:
        _check_count(message, fields)
        length = message.content_length
        message.body = data[end + 4 :]
        if length is not None and length != len(message.body):
            if length > len(message.body):
                raise SipError(f"Content-Length {length}, but {len(message.body)} bytes of body")
            message.body = message.body[:length]
        message.check()
    except SipError as failure:
        raise _refusal(message, failure) from None
    return message


class StreamParser:
    """Messages of one TCP or TLS connection.

    Feed bytes as they come, then call `next_message()` until it returns None, then ask `pings()`. `limit` is what
    one message may have, head and body; `fields` how many header fields.
    """

    def __init__(self, *, limit: int = DEFAULT_LIMIT, fields: int = DEFAULT_FIELDS) -> None:
        self._limit = limit
        self._fields = fields
        self._buffer = bytearray()
        self._scanned = 0  # no end of a head begins before this
        self._message: Message | None = None  # has its head, and waits for its body
        self._error: SipError | None = None  # what is wrong with it
        self._body_length = 0
        self._pings = 0
        self._is_broken = False

    def feed(self, data: bytes) -> None:
        """Nothing happens after a fatal error."""
        if not self._is_broken:
            self._buffer += data

    def next_message(self) -> Message | None:
        """The next message that is complete, or None.

        Raises `SipError` for one that can't be acted upon: answer it by its `status` and `message_head`. The next
        call goes on with the one behind it, unless the error is `fatal`: then nothing will ever come again.
        """
        if self._message is None:
            self._message = self._next_head()
        message = self._message
        if message is None or len(self._buffer) < self._body_length:
            return None
        message.body = bytes(self._buffer[: self._body_length])
        del self._buffer[: self._body_length]
        error = self._error
        self._message = self._error = None
        if error is not None:
            raise _refusal(message, error)
        try:
            _check_count(message, self._fields)
            message.check()
        except SipError as failure:
            raise _refusal(message, failure) from None
        return message

    def pings(self) -> int:
        """How many keep-alives came since the last call. Each is answered by one CRLF (RFC 5626 4.4.1)."""
        pings, self._pings = self._pings, 0
        return pings

    @property
    def is_broken(self) -> bool:
        """A fatal error was raised."""
        return self._is_broken

    @property
    def buffered(self) -> int:
        """Bytes that wait for the rest of a message."""
        return len(self._buffer)

    @property
    def is_waiting(self) -> bool:
        """The rest of a message is still to come. Half a keep-alive is none."""
        return self._message is not None or not _HEAD_END.startswith(self._buffer)

    def _next_head(self) -> Message | None:
        """Take the next head from the buffer, and note how much body follows it."""
        buffer = self._buffer
        if not self._scanned and not self._skip_line_breaks():
            return None
        end = buffer.find(_HEAD_END, self._scanned)
        if (len(buffer) if end < 0 else end + 4) > self._limit:
            message, _ = _read_head(bytes(buffer[: self._limit]))
            raise self._break(message, SipError(f"headers of more than {self._limit} bytes", status=513))
        if end < 0:
            self._scanned = max(0, len(buffer) - 3)
            return None
        message, self._error = _read_head(bytes(buffer[: end + 2]))
        del buffer[: end + 4]
        self._scanned = 0
        if message is None:
            raise self._break(None, self._error)
        try:
            length = message.content_length
        except SipError as failure:
            raise self._break(message, failure) from None
        if length is None:
            # RFC 3261 20.14: "MUST be used" on streams; there is no other way to find the next message.
            raise self._break(message, SipError("no Content-Length on a stream"))
        if end + 4 + length > self._limit:
            size = end + 4 + length
            raise self._break(message, SipError(f"a message of {size} bytes; the limit is {self._limit}", status=513))
        self._body_length = length
        return message

    def _skip_line_breaks(self) -> bool:
        """Line breaks before a message (RFC 3261 7.5); two are a ping (RFC 5626 3.5.1). True if more follows."""
        buffer = self._buffer
        while buffer.startswith(b"\r\n"):
            if buffer.startswith(_HEAD_END):
                del buffer[:4]
                self._pings += 1
            elif _HEAD_END.startswith(buffer):
                return False  # half a ping, perhaps
            else:
                del buffer[:2]
        if not buffer or buffer == b"\r":
            return False
        if buffer[0] not in _FIRST_BYTES:
            raise self._break(None, SipError(f"{bytes(buffer[:16])!r} is no SIP"))
        return True

    def _break(self, message: Message | None, error: SipError | None) -> SipError:
        self._is_broken = True
        self._buffer.clear()
        refusal = _refusal(message, error)
        refusal.fatal = True
        return refusal


def _check_count(message: Message, fields: int) -> None:
    if len(message.headers) > fields:
        raise SipError(f"{len(message.headers)} header fields; the limit is {fields}", status=513)


def _refusal(message: Message | None, error: SipError | None) -> SipError:
    """`error` with what its reader needs for an answer. Responses and ACKs never get one (RFC 3261 17.1.1)."""
    if error is None:
        raise AssertionError("what can't be read has an error")
    if isinstance(message, Request):
        error.message_head = message
        if message.method != "ACK":
            return error
    error.status = None
    return error


def _read_head(head: bytes) -> tuple[Message | None, SipError | None]:
    """Read the start line and the fields, each with its line break, as far as possible; and the first that is wrong.

    Without a message it isn't even clear whether this is SIP.
    """
    text = head.decode("utf-8", "surrogateescape")
    start_line, _, fields = text.partition("\r\n")
    headers = _read_plain_fields(fields)
    error = None
    if headers is None:
        fields = _FOLD.sub(" ", fields)
        headers = Headers.of_parsed(_FIELD.findall(fields))
        error = _find_error(fields)
    match = _REQUEST_LINE.match(start_line)
    if match is not None:
        method, uri = match.groups()
        return Request(method=method, uri=uri, headers=headers), error
    return _read_odd_start(start_line, headers, error)


def _read_plain_fields(fields: str) -> Headers | None:
    """The fields, each on its line and its colon at its name, as nearly all are; None if one is not."""
    lines = fields.split("\r\n")
    count = len(lines) - 1
    if lines.pop() or fields.count("\n") != count or fields.count("\r") != count:
        return None
    items = []
    index: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        key = KEYS.get(name)
        if key is None:
            if _TOKEN.match(name) is None:
                return None
            key = key_of(name)
        if not colon:
            return None
        value = value.strip(" \t")
        items.append((name, value))
        if key in index:
            index[key].append(value)
        else:
            index[key] = [value]
    return Headers.of_parsed(items, index)


def _find_error(fields: str) -> SipError | None:
    """The first line of the unfolded `fields` that is no header field."""
    *lines, rest = fields.split("\r\n")
    for line in lines:
        if "\n" in line or _FIELD.match(f"{line}\r\n") is None:
            return SipError(f"{excerpt(line)} is no header")
    return SipError(f"{excerpt(rest)} is the beginning of a header") if rest else None


def _read_odd_start(
    start_line: str, headers: Headers, error: SipError | None
) -> tuple[Message | None, SipError | None]:
    """Responses, and start lines that aren't what they should be, told apart by where the version stands."""
    match = _STATUS_LINE.match(start_line)
    if match is not None:
        version, status, reason = match.groups()
        if version != "2.0":
            error = SipError(f"{excerpt(start_line)} is not of SIP version 2.0")
        return Response(status=int(status), reason=reason or "", headers=headers), error
    words = start_line.split()
    bad = SipError(f"{excerpt(start_line)} is no start line", status=400)
    if len(words) > 1 and _VERSION.match(words[0]) is not None:
        return Response(status=0, headers=headers), bad
    if len(words) > 1 and _VERSION.match(words[-1]) is not None and _TOKEN.match(words[0]) is not None:
        if not words[-1].endswith("/2.0"):
            bad = SipError(f"{excerpt(start_line)} is not of SIP version 2.0", status=505)  # RFC 3261 21.5.6
        return Request(method=words[0], uri=" ".join(words[1:-1]), headers=headers), bad
    return None, bad
