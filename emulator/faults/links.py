"""Faults of bytes: whole SIP messages out of streams, whose they are, and ready-made bad links."""

import re
import zlib
from collections.abc import Callable, Sequence
from typing import Literal

from .plan import Fault, FaultPlan, Faults

Link = Literal["sip_in", "sip_out", "rtp_in", "rtp_out", "rtcp_out"]
Bytes = Callable[[bytes], Sequence[bytes]]

LONGEST_MESSAGE = 1 << 20
MOST_CALLS = 10_000
"""SIP Call-IDs that are remembered with their project; the oldest is forgotten first."""

_CALL_ID = re.compile(rb"^(?:call-id|i)[ \t]*:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d+)", re.IGNORECASE | re.MULTILINE)
_REQUEST_USER = re.compile(rb"[!-~]+ sips?:([^@;:>\s]+)(?::[^@\s]*)?@", re.IGNORECASE)
_TO_USER = re.compile(rb"^(?:to|t)[ \t]*:[^\r\n]*?sips?:([^@;:>\s]+)(?::[^@\s]*)?@", re.IGNORECASE | re.MULTILINE)
_HEAD_END = b"\r\n\r\n"


class MessageCutter:
    """Cuts one stream into whole messages, by the end of the head and Content-Length. What it can't make out passes as
    it comes, and so does everything behind it: judging bad streams is the endpoint's work."""

    def __init__(self) -> None:
        self._buffer = b""
        self._is_lost = False

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces that are whole now. Line breaks between messages are pieces of their own."""
        self._buffer += data
        pieces: list[bytes] = []
        while not self._is_lost and (size := self._next()):
            pieces.append(self._buffer[:size])
            self._buffer = self._buffer[size:]
        if self._is_lost and self._buffer:
            pieces.append(self._buffer)
            self._buffer = b""
        return pieces

    @property
    def is_empty(self) -> bool:
        """Nothing waits for its rest."""
        return not self._buffer

    def _next(self) -> int:
        """How long the first piece is, 0 while it is not whole."""
        buffer = self._buffer
        breaks = len(buffer) - len(buffer.lstrip(b"\r\n"))
        if breaks:
            return breaks
        end = buffer.find(_HEAD_END)
        if end < 0:
            self._is_lost = len(buffer) > LONGEST_MESSAGE
            return 0
        length = _LENGTH.search(buffer, 0, end)
        size = 0 if length is None else end + len(_HEAD_END) + int(length[1])
        if not 0 < size <= LONGEST_MESSAGE:
            self._is_lost = True
            return 0
        return size if len(buffer) >= size else 0


class SipLinks:
    """Stands between the sockets and the SIP endpoint while there are faults of SIP bytes.

    A message belongs to the project that its dialog was opened with; else to the one that its request URI names, or,
    as in REGISTER, its To.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._cutters: dict[int, MessageCutter] = {}
        self._projects: dict[str, str | None] = {}

    def incoming(self, data: bytes, stream: int | None) -> Sequence[bytes]:
        """What the endpoint gets for these bytes, of a datagram (None) or of the stream with that number."""
        if stream is None:
            return self._strike_in(data) if self._faults.touches_sip else (data,)
        if not self._faults.touches_sip and not self.holds(stream):
            return (data,)
        cutter = self._cutters.setdefault(stream, MessageCutter())
        everybody = self._faults.of(None)
        passed = (data,) if everybody is None else everybody.sip_stream(data)
        return [after for each in passed for piece in cutter.feed(each) for after in self._strike_in(piece)]

    def outgoing(self, data: bytes) -> Sequence[bytes]:
        """What leaves in place of one message."""
        if not self._faults.touches_sip or (sip_call_id := _call_id(data)) is None:
            return (data,)
        plan = self._faults.of(self._projects.get(sip_call_id))
        return (data,) if plan is None else plan.sip_out(data, sip_call_id)

    def holds(self, stream: int) -> bool:
        """Half a message of that stream waits here for its rest."""
        cutter = self._cutters.get(stream)
        return cutter is not None and not cutter.is_empty

    def closed(self, stream: int) -> None:
        """That stream is no more."""
        self._cutters.pop(stream, None)

    def _strike_in(self, message: bytes) -> Sequence[bytes]:
        sip_call_id = _call_id(message)
        if sip_call_id is None:
            return (message,)
        plan = self._plan_of(message, sip_call_id)
        return (message,) if plan is None else plan.sip_in(message, sip_call_id)

    def _plan_of(self, message: bytes, sip_call_id: str) -> FaultPlan | None:
        if sip_call_id not in self._projects:
            self._projects[sip_call_id] = self._project_of(message)
            if len(self._projects) > MOST_CALLS:
                del self._projects[next(iter(self._projects))]
        return self._faults.of(self._projects[sip_call_id])

    def _project_of(self, message: bytes) -> str | None:
        named = [
            found[1].decode("latin-1") for found in (_REQUEST_USER.match(message), _TO_USER.search(message)) if found
        ]
        return next((user for user in named if user in self._faults), None)


def _call_id(message: bytes) -> str | None:
    found = _CALL_ID.search(message, 0, message.find(_HEAD_END) + 2)
    return None if found is None else found[1].decode("latin-1")


# Ready-made bad links


def loss(link: Link, *, share: float, seed: int = 0, name: str | None = None) -> Fault:
    """Loses that share of what passes, always the same ones for the same seed."""

    def pure() -> Bytes:
        count = 0

        def pass_or_lose(data: bytes) -> Sequence[bytes]:
            nonlocal count
            count += 1
            return [] if zlib.crc32(b"%d:%d" % (seed, count)) < share * 2**32 else [data]

        return pass_or_lose

    return _with_memory(name or f"{link}-loss", link, pure)


def reorder(link: Link, *, every: int, name: str | None = None) -> Fault:
    """Holds each piece number `every` back until the next one has passed."""

    def pure() -> Bytes:
        count = 0
        held: list[bytes] = []

        def pass_or_hold(data: bytes) -> Sequence[bytes]:
            nonlocal count
            count += 1
            if count % every == 0 and not held:
                held.append(data)
                return []
            passed = [data, *held]
            held.clear()
            return passed

        return pass_or_hold

    return _with_memory(name or f"{link}-reorder", link, pure)


def duplicate(link: Link, *, nth: int | None = None, name: str | None = None) -> Fault:
    """Everything passes twice, or with `nth` that one."""
    return _on(link, name or f"{link}-duplicate", lambda data: [data, data], nth=nth)


def cut(link: Link, *, after: int, name: str | None = None) -> Fault:
    """Nothing passes any more after so many pieces; no connection is closed."""

    def pure() -> Bytes:
        left = after

        def pass_or_cut(data: bytes) -> Sequence[bytes]:
            nonlocal left
            left -= 1
            return [data] if left >= 0 else []

        return pass_or_cut

    return _with_memory(name or f"{link}-cut", link, pure)


def _with_memory(name: str, link: Link, make: Callable[[], Bytes]) -> Fault:
    return Fault(name=name, fresh=lambda: _on(link, name, make()))


def _on(link: Link, name: str, hook: Bytes, *, nth: int | None = None) -> Fault:
    return Fault(
        name=name,
        sip_in=hook if link == "sip_in" else None,
        sip_out=hook if link == "sip_out" else None,
        rtp_in=hook if link == "rtp_in" else None,
        rtp_out=hook if link == "rtp_out" else None,
        rtcp_out=hook if link == "rtcp_out" else None,
        nth=nth,
    )
