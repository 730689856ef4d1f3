"""Wrong packets, and media that goes on when it should not."""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ringback.emulator.calls.effects import CloseMedia
from ringback.emulator.faults.effects import drop

from . import mutant, remembering
from .messages import hears

_FIELDS = struct.Struct("!BBHII")


def _with(packet: bytes, **numbers: int) -> bytes:
    """The packet with another `sequence`, `timestamp` or `ssrc` in its header."""
    fields = dict(zip(("sequence", "timestamp", "ssrc"), _numbers(packet), strict=True)) | numbers
    return _FIELDS.pack(*packet[:2], *fields.values()) + packet[_FIELDS.size :]


def _numbers(packet: bytes) -> tuple[int, int, int]:
    """Sequence number, timestamp, SSRC."""
    _, _, sequence, timestamp, ssrc = _FIELDS.unpack_from(packet)
    return sequence, timestamp, ssrc


def _each(change: Callable[[bytes], bytes]) -> dict[str, Any]:
    return {"rtp_out": lambda packet: [change(packet)]}


def _source_changes() -> Mapping[str, Any]:
    count = 0

    def change(packet: bytes) -> Sequence[bytes]:
        nonlocal count
        count += 1
        return [packet if count < 10 else _with(packet, ssrc=_numbers(packet)[2] ^ 1)]

    return {"rtp_out": change}


def _with_payload_type(packet: bytes, number: int) -> bytes:
    return packet[:1] + bytes((packet[1] & 0x80 | number,)) + packet[2:]


MUTANTS = [
    mutant(
        "one-packet-of-version-1",
        "RTP-HEADER-01",
        "The fifth packet has version 1.",
        nth=5,
        **_each(lambda packet: bytes((packet[0] & 0x3F | 0x40,)) + packet[1:]),
    ),
    mutant(
        "one-packet-of-another-type",
        "RTP-HEADER-02",
        "The fifth packet has a payload type that was not negotiated.",
        nth=5,
        **_each(lambda packet: _with_payload_type(packet, 9)),
    ),
    mutant("source-changes", "RTP-HEADER-03", "The SSRC changes after ten packets.", remembering("", _source_changes)),
    mutant(
        "sequence-by-two",
        "RTP-HEADER-04",
        "The sequence number grows by two.",
        also={"RTP-HEADER-05"},
        **_each(lambda packet: _with(packet, sequence=2 * _numbers(packet)[0] & 0xFFFF)),
    ),
    mutant(
        "clock-too-fast",
        "RTP-HEADER-05",
        "The timestamp grows by twice the samples.",
        **_each(lambda packet: _with(packet, timestamp=2 * _numbers(packet)[1] & 0xFFFFFFFF)),
    ),
    mutant(
        "source-is-always-one",
        "RTP-HEADER-06",
        "The SSRC of every call is 1.",
        **_each(lambda packet: _with(packet, ssrc=1)),
    ),
    mutant("media-after-the-end", "RTP-FLOW-02", "RTP goes on when the call is over.", drop("", CloseMedia)),
    mutant(
        "every-payload-is-sound",
        "RTP-FLOW-05",
        "Packets of a payload type that was not negotiated are taken for PCMU.",
        rtp_in=lambda packet: [_with_payload_type(packet, 0) if packet[1] & 0x7F == 99 else packet],
    ),
    mutant(
        "wish-for-40-ms-unheard",
        "RTP-PACE-03",
        "Packets are of 20 ms where the caller wishes for 40.",
        **hears(lambda data: data.replace(b"a=ptime:40", b"a=ptime:20")),
    ),
]
