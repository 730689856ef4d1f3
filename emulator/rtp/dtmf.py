"""Telephone events (RFC 4733): digits out of packets."""

import struct
from collections import deque
from typing import NamedTuple

from .packet import RtpPacket, timestamp_distance

DIGITS = "0123456789*#ABCD"  # RFC 4733 3.2, table 3: events 0 to 15
EVENT_TIMEOUT = 0.2
"""An event of which nothing was heard for so long is over: its end packets were lost."""
MAX_DURATION = 0xFFFF
_EVENT = struct.Struct("!BBH")
_END = 0x80
_REMEMBERED = 32


class _Open(NamedTuple):
    digit: str
    timestamp: int
    duration: int
    seen_at: float


class DtmfReceiver:
    """Reports each event once, when it ends: at its first end packet, at the next event, or when it has gone silent.

    Events are told apart by timestamp (RFC 4733 2.5.1.2), so retransmitted ends and lost packets neither add nor take a
    digit. Events above 15 (flash) are no digits and are ignored.
    """

    def __init__(self) -> None:
        self._open: _Open | None = None
        self._reported: deque[int] = deque(maxlen=_REMEMBERED)

    def feed(self, packet: RtpPacket, now: float) -> list[str]:
        """The digits that this packet ends; usually none or one."""
        digits: list[str] = []
        timestamp = packet.timestamp
        # RFC 4733 2.5.1.5: a packet may carry several events, each of which begins where the one before it ends.
        for offset in range(0, len(packet.payload) - _EVENT.size + 1, _EVENT.size):
            event, flags, duration = _EVENT.unpack_from(packet.payload, offset)
            if event < len(DIGITS) and timestamp not in self._reported:
                digits += self._event(DIGITS[event], timestamp, duration, bool(flags & _END), now)
            timestamp = (timestamp + duration) & 0xFFFFFFFF
        return digits

    def expire(self, now: float) -> list[str]:
        """Call it each tick: the digit whose end was lost, once it has been silent for `EVENT_TIMEOUT`."""
        if self._open is None or now - self._open.seen_at < EVENT_TIMEOUT:
            return []
        return self._close()

    def _event(self, digit: str, timestamp: int, duration: int, end: bool, now: float) -> list[str]:
        digits: list[str] = []
        current = self._open
        if current is not None and current.timestamp != timestamp:
            if timestamp_distance(timestamp, current.timestamp) < 0:
                # It came late and belongs before the open event: only its end can say that it was a digit of its own.
                if end:
                    self._reported.append(timestamp)
                    return [digit]
                return []
            if self._continues(current, digit, timestamp):
                self._reported.append(current.timestamp)
            else:
                digits += self._close()
        self._open = _Open(digit, timestamp, duration, now)
        return digits + self._close() if end else digits

    @staticmethod
    def _continues(current: _Open, digit: str, timestamp: int) -> bool:
        # RFC 4733 2.5.1.3: a key held longer than 8 s is cut into segments that join without a gap.
        return digit == current.digit and timestamp_distance(timestamp, current.timestamp) == MAX_DURATION

    def _close(self) -> list[str]:
        assert self._open is not None
        self._reported.append(self._open.timestamp)
        digit, self._open = self._open.digit, None
        return [digit]
