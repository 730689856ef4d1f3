"""RTCP (RFC 3550 6): reports built and read, and the statistics that they carry."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from ..errors import PeerError
from .packet import sequence_distance

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE = 200, 201, 202, 203
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900, where NTP counts from, to 1970."""
MAX_DROPOUT = 3000  # RFC 3550 A.1
MAX_MISORDER = 100  # RFC 3550 A.1
_HISTORY = 128
_HISTORY_MASK = (1 << _HISTORY) - 1
_CNAME = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBlock:
    """What a receiver says of one source. `lost` is cumulative and may be negative; the rest is as on the wire."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    last_sender_report: int = 0
    delay_since: int = 0

    def to_bytes(self) -> bytes:
        lost = max(-0x800000, min(0x7FFFFF, self.lost)) & 0xFFFFFF
        head = struct.pack("!II", self.ssrc, (self.fraction_lost & 0xFF) << 24 | lost)
        return head + struct.pack(
            "!IIII", self.highest_sequence, self.jitter, self.last_sender_report, self.delay_since
        )

    @classmethod
    def parse(cls, data: bytes) -> "ReportBlock":
        ssrc, loss, highest, jitter, last, delay = struct.unpack("!IIIIII", data)
        lost = loss & 0xFFFFFF
        return cls(
            ssrc=ssrc,
            fraction_lost=loss >> 24,
            lost=lost - 0x1000000 if lost & 0x800000 else lost,
            highest_sequence=highest,
            jitter=jitter,
            last_sender_report=last,
            delay_since=delay,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderReport:
    """SR. `ntp` is the 64-bit NTP time at which `timestamp` was sent."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()

    def to_bytes(self) -> bytes:
        sender = struct.pack(
            "!IQIII",
            self.ssrc,
            self.ntp,
            self.timestamp,
            self.packets & 0xFFFFFFFF,
            self.octets & 0xFFFFFFFF,
        )
        return _packet(SENDER_REPORT, len(self.blocks), sender + b"".join(block.to_bytes() for block in self.blocks))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverReport:
    """RR: the report of somebody who sent nothing since the last one."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    def to_bytes(self) -> bytes:
        body = struct.pack("!I", self.ssrc) + b"".join(block.to_bytes() for block in self.blocks)
        return _packet(RECEIVER_REPORT, len(self.blocks), body)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDescription:
    """SDES with the one item that is mandatory, CNAME."""

    ssrc: int
    cname: str

    def to_bytes(self) -> bytes:
        name = self.cname.encode()[:255]
        chunk = struct.pack("!IBB", self.ssrc, _CNAME, len(name)) + name + b"\0"
        return _packet(SOURCE_DESCRIPTION, 1, chunk + bytes(-len(chunk) % 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodbye:
    """BYE: these sources stop."""

    ssrcs: tuple[int, ...]

    def to_bytes(self) -> bytes:
        return _packet(GOODBYE, len(self.ssrcs), struct.pack(f"!{len(self.ssrcs)}I", *self.ssrcs))


RtcpPacket: TypeAlias = SenderReport | ReceiverReport | SourceDescription | Goodbye


def compound(packets: Sequence[RtcpPacket]) -> bytes:
    """One datagram. RFC 3550 6.1: a report comes first, and a CNAME is in each."""
    return b"".join(packet.to_bytes() for packet in packets)


def parse_compound(data: bytes) -> list[RtcpPacket]:
    """Read one datagram. Packets of other types (APP, feedback) are skipped. Raises `PeerError` on what can't be."""
    packets: list[RtcpPacket] = []
    offset = 0
    while offset < len(data):
        if offset + 4 > len(data):
            raise PeerError(f"RTCP datagram of {len(data)} bytes: {len(data) - offset} bytes are left over")
        first, packet_type, words = struct.unpack_from("!BBH", data, offset)
        end = offset + 4 + 4 * words
        if first & 0xC0 != 0x80:
            raise PeerError(f"RTCP packet of version {first >> 6}: only 2 exists")
        if end > len(data):
            raise PeerError(f"RTCP packet of type {packet_type} needs {end - offset} bytes, {len(data) - offset} came")
        try:
            packet = _parse_one(packet_type, first & 0x1F, data[offset + 4 : end])
        except struct.error as error:
            raise PeerError(f"RTCP packet of type {packet_type} with {4 * words} bytes is too short: {error}") from None
        if packet is not None:
            packets.append(packet)
        offset = end
    return packets


def ntp_time(now: float) -> int:
    """Unix seconds as the 64-bit NTP time of a sender report."""
    return int((now + NTP_EPOCH) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def middle_32(ntp: int) -> int:
    """The middle half of an NTP time, as `last_sender_report` carries it (RFC 3550 6.4.1)."""
    return ntp >> 16 & 0xFFFFFFFF


class Arrival(Enum):
    """What a packet's sequence number says of it."""

    IN_ORDER = "in order"
    REORDERED = "reordered"
    DUPLICATE = "duplicate"
    ASTRAY = "astray"
    """Far from what was expected: ignored, unless the next one follows it."""
    RESTART = "restart"
    """The second in a row that is far away: the source counts anew (RFC 3550 A.1)."""


class Reception:
    """Counts of one source that is heard (RFC 3550 A.1, A.3, A.8). Feed it every packet, whatever its payload type."""

    def __init__(self, ssrc: int, *, clock_rate: int = 8000) -> None:
        self.ssrc = ssrc
        self.received = 0
        self.duplicates = 0
        self.reordered = 0
        self._clock_rate = clock_rate
        self._base = 0
        self._highest: int | None = None
        self._seen = 0  # bit n: the packet n before the highest has come
        self._expected_next: int | None = None
        self._lost_before = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self._expected_prior = 0
        self._received_prior = 0
        self._last_report = 0
        self._last_report_at = 0.0

    def update(self, sequence: int, timestamp: int | None, now: float) -> Arrival:
        """Count one packet; only IN_ORDER, REORDERED and RESTART ones carry something new.

        `timestamp` is None for packets whose timestamp is not their sending time (RFC 4733 events): they say nothing of
        jitter.
        """
        if self._highest is None:
            self._start(sequence)
            arrival = Arrival.IN_ORDER
        else:
            arrival = self._place(sequence, self._highest)
        if arrival in (Arrival.DUPLICATE, Arrival.ASTRAY):
            return arrival
        self.received += 1
        if timestamp is not None:
            self._measure_jitter(timestamp, now)
        return arrival

    def sender_report_received(self, report: SenderReport, now: float) -> None:
        """Remember it: the next block tells the sender how long ago it came, so that it can measure the round trip."""
        self._last_report = middle_32(report.ntp)
        self._last_report_at = now

    def block(self, now: float) -> ReportBlock:
        """The report on this source. Its fraction counts from the block before, so call it once a report."""
        expected, received = self.expected, self.received
        expected_now = expected - self._expected_prior
        lost_now = expected_now - (received - self._received_prior)
        self._expected_prior, self._received_prior = expected, received
        delay = int((now - self._last_report_at) * 65536) if self._last_report else 0
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(255, (lost_now << 8) // expected_now) if expected_now > 0 and lost_now > 0 else 0,
            lost=self.lost,
            highest_sequence=(self._highest or 0) & 0xFFFFFFFF,
            jitter=int(self._jitter),
            last_sender_report=self._last_report,
            delay_since=delay & 0xFFFFFFFF,
        )

    @property
    def expected(self) -> int:
        """How many packets the source has sent, by its sequence numbers."""
        counted = 0 if self._highest is None else self._highest - self._base + 1
        return self._lost_before + counted

    @property
    def lost(self) -> int:
        return self.expected - self.received

    @property
    def jitter_seconds(self) -> float:
        return self._jitter / self._clock_rate

    def _start(self, sequence: int) -> None:
        self._base = self._highest = sequence
        self._seen = 1
        self._expected_next = None

    def _place(self, sequence: int, highest: int) -> Arrival:
        distance = sequence_distance(sequence, highest & 0xFFFF)
        if 0 < distance < MAX_DROPOUT:
            self._highest = highest + distance
            self._seen = (self._seen << distance | 1) & _HISTORY_MASK
            return Arrival.IN_ORDER
        if -MAX_MISORDER < distance <= 0:
            bit = 1 << -distance
            if self._seen & bit:
                self.duplicates += 1
                return Arrival.DUPLICATE
            self._seen |= bit
            self._base = min(self._base, highest + distance)  # the first to come need not be the first sent
            self.reordered += 1
            return Arrival.REORDERED
        if sequence != self._expected_next:
            self._expected_next = (sequence + 1) & 0xFFFF
            return Arrival.ASTRAY
        self._lost_before = self.expected
        self._start(sequence)
        self._transit = None
        return Arrival.RESTART

    def _measure_jitter(self, timestamp: int, now: float) -> None:
        # RFC 3550 A.8, with the transit difference taken modulo the timestamp's wrap.
        transit = now * self._clock_rate - timestamp
        if self._transit is not None:
            difference = (transit - self._transit + (1 << 31)) % (1 << 32) - (1 << 31)
            self._jitter += (abs(difference) - self._jitter) / 16
        self._transit = transit


def _packet(packet_type: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, packet_type, len(body) // 4) + body


def _parse_one(packet_type: int, count: int, body: bytes) -> RtcpPacket | None:
    if packet_type == SENDER_REPORT:
        ssrc, ntp, timestamp, packets, octets = struct.unpack_from("!IQIII", body)
        return SenderReport(
            ssrc=ssrc, ntp=ntp, timestamp=timestamp, packets=packets, octets=octets, blocks=_blocks(body[24:], count)
        )
    if packet_type == RECEIVER_REPORT:
        return ReceiverReport(ssrc=struct.unpack_from("!I", body)[0], blocks=_blocks(body[4:], count))
    if packet_type == GOODBYE:
        return Goodbye(ssrcs=struct.unpack_from(f"!{count}I", body))
    if packet_type == SOURCE_DESCRIPTION and count:
        ssrc, item, length = struct.unpack_from("!IBB", body)
        name = body[6 : 6 + length].decode(errors="replace") if item == _CNAME else ""
        return SourceDescription(ssrc=ssrc, cname=name)
    return None


def _blocks(data: bytes, count: int) -> tuple[ReportBlock, ...]:
    return tuple(ReportBlock.parse(data[24 * index : 24 * index + 24]) for index in range(count))
