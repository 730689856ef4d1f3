"""Codecs that are agreed on and not spoken."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..client.codecs import FORMATS, CodecName
from ..client.sdp import DTMF_PAYLOAD_TYPE
from . import Mutant, mutant, remembering


def _is_of(packet: bytes, payload_type: int) -> bool:
    return packet[1] & 0x7F == payload_type


def _deaf_to_keys(payload_type: int) -> Mapping[str, Any]:
    """Events are not heard from who has spoken in that codec."""
    speaks = False

    def hear(packet: bytes) -> Sequence[bytes]:
        nonlocal speaks
        speaks = speaks or _is_of(packet, payload_type)
        return [] if speaks and _is_of(packet, DTMF_PAYLOAD_TYPE) else [packet]

    return {"rtp_in": hear}


def _mute(number: int, codec: CodecName) -> Mutant:
    payload_type = FORMATS[codec].payload_type
    return mutant(
        f"{codec.lower()}-unspoken",
        f"SDP-CODEC-{number:02d}",
        f"A call in {codec} is silent.",
        rtp_out=lambda packet: [] if _is_of(packet, payload_type) else [packet],
    )


def _deaf(number: int, codec: CodecName) -> Mutant:
    payload_type = FORMATS[codec].payload_type
    return mutant(
        f"keys-in-{codec.lower()}-unheard",
        f"SDP-CODEC-{number:02d}",
        f"A key in a call in {codec} is not heard.",
        remembering("", partial(_deaf_to_keys, payload_type)),
    )


MUTANTS = [
    _mute(4, "opus"),
    _deaf(5, "opus"),
    _mute(6, "G722"),
    _deaf(7, "G722"),
    mutant(
        "offered-number-unheard",
        "SDP-CODEC-08",
        "Sound with the payload type of the emulator's own offer is not heard.",
        rtp_in=lambda packet: [] if _is_of(packet, 96) else [packet],
    ),
]
