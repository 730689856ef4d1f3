"""Ears that mind what a network does."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering


def _until_the_wrap() -> Mapping[str, Any]:
    highest = 0

    def hear(packet: bytes) -> Sequence[bytes]:
        nonlocal highest
        sequence = struct.unpack_from("!H", packet, 2)[0] if len(packet) > 3 else 0
        highest = max(highest, sequence)
        return [] if sequence < highest - 1000 else [packet]

    return {"rtp_in": hear}


MUTANTS = [
    mutant(
        "deaf-after-the-wrap",
        "RTP-NET-01",
        "Packets whose sequence number is far below an earlier one are not heard.",
        remembering("", _until_the_wrap),
    ),
]
