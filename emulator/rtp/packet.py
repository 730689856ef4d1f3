"""RTP packets (RFC 3550 5.1), and telling them from what else arrives on their port (RFC 7983, RFC 5761)."""

import struct
from typing import Literal, NamedTuple, TypeAlias

from ..errors import PeerError

Kind: TypeAlias = Literal["rtp", "rtcp", "stun", "other"]

HEADER = struct.Struct("!BBHII")
VERSION_2 = 0x80
_SEQUENCES = 1 << 16
_TIMESTAMPS = 1 << 32


class RtpPacket(NamedTuple):
    """One packet. A named tuple, because one is made for each 20 ms of each call and a frozen dataclass costs thrice.

    `payload` is without padding. Header extensions and the list of contributing sources are skipped: nobody asks.
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    @classmethod
    def parse(cls, data: bytes) -> "RtpPacket":
        """Read one datagram. Raises `PeerError` that says what is cut short or impossible."""
        size = len(data)
        if size < HEADER.size:
            raise PeerError(f"RTP packet of {size} bytes: the header alone has {HEADER.size}")
        first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
        if first == VERSION_2:  # the usual packet: no padding, extension or contributing source
            return cls(second & 0x7F, sequence, timestamp, ssrc, data[12:], second > 0x7F)
        if first & 0xC0 != VERSION_2:
            raise PeerError(f"RTP packet of version {first >> 6}: only 2 exists")
        start, end = _payload_bounds(data, first)
        return cls(second & 0x7F, sequence, timestamp, ssrc, data[start:end], second > 0x7F)

    def to_bytes(self) -> bytes:
        """The packet on the wire, without padding, extension or contributing sources."""
        second = self.payload_type | 0x80 if self.marker else self.payload_type
        return HEADER.pack(VERSION_2, second, self.sequence, self.timestamp, self.ssrc) + self.payload


def classify(data: bytes) -> Kind:
    """What a datagram on the RTP port is, by its first two bytes. "other" is DTLS, TURN channels and garbage."""
    if len(data) < 2:
        return "other"
    first = data[0]
    if first & 0xC0 == VERSION_2:
        return "rtcp" if 192 <= data[1] <= 223 else "rtp"  # RFC 5761 4: RTCP types lie where no RTP type may
    return "stun" if first < 4 else "other"


def sequence_distance(sequence: int, reference: int) -> int:
    """How far `sequence` is ahead of `reference`, -32768 to 32767, across the wrap."""
    return (sequence - reference + _SEQUENCES // 2) % _SEQUENCES - _SEQUENCES // 2


def timestamp_distance(timestamp: int, reference: int) -> int:
    """How far `timestamp` is ahead of `reference`, in units of the clock, across the wrap."""
    return (timestamp - reference + _TIMESTAMPS // 2) % _TIMESTAMPS - _TIMESTAMPS // 2


def _payload_bounds(data: bytes, first: int) -> tuple[int, int]:
    size = len(data)
    start = HEADER.size + 4 * (first & 0x0F)
    if start > size:
        raise PeerError(f"RTP packet of {size} bytes: {first & 0x0F} contributing sources need {start}")
    if first & 0x10:
        if start + 4 > size:
            raise PeerError(f"RTP packet of {size} bytes: the extension's header is cut off")
        words = int.from_bytes(data[start + 2 : start + 4], "big")
        start += 4 + 4 * words
        if start > size:
            raise PeerError(f"RTP packet of {size} bytes: an extension of {words} words needs {start}")
    end = size
    if first & 0x20:
        padding = data[-1]
        end -= padding
        if padding == 0 or end < start:
            raise PeerError(f"RTP packet of {size} bytes: {padding} bytes of padding are impossible")
    return start, end
