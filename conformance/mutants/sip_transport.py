"""Bad framing of streams, and responses that go astray."""

import re
from collections.abc import Sequence
from typing import Any

from . import mutant
from .messages import HEAD_END, hears, is_over, sends, status_of, value, with_value


def _one_a_piece(data: bytes) -> Sequence[bytes]:
    """What stands behind a body in the same piece is lost."""
    length = value(data, "Content-Length")
    end = data.find(HEAD_END) + len(HEAD_END) + (int(length) if length.isdigit() else 0)
    return [data[:end]]


def _via(change: str) -> dict[str, Any]:
    """The top Via of responses over UDP loses what matches."""
    return sends(
        lambda data: (
            with_value(data, "Via", re.sub(change, "", value(data, "Via")))
            if status_of(data) is not None and is_over(data, "UDP")
            else data
        )
    )


MUTANTS = [
    mutant(
        "one-request-a-piece",
        "SIP-STREAM-01",
        "Of two requests in one piece only the first is heard.",
        is_alone=True,
        sip_stream=lambda data: _one_a_piece(data) if data.count(b" SIP/2.0\r\n") > 1 else [data],
    ),
    mutant(
        "one-piece-a-request",
        "SIP-STREAM-02",
        "A piece without the end of the headers is lost.",
        is_alone=True,
        sip_stream=lambda data: [data] if HEAD_END in data else [],
    ),
    mutant(
        "line-breaks-kill",
        "SIP-STREAM-03",
        "A piece that begins with line breaks is lost.",
        is_alone=True,
        sip_stream=lambda data: [] if data.startswith(b"\r\n") else [data],
    ),
    mutant("no-rport", "SIP-UDP-01", "Responses have no rport.", **_via(r";rport=\d+")),
    mutant(
        "no-received", "SIP-UDP-02", "Responses have no received.", also={"SIP-UDP-03"}, **_via(r";received=[^;,\s]+")
    ),
    mutant(
        "nat-is-unseen",
        "SIP-UDP-03",
        "The address behind a NAT is believed.",
        **sends(
            lambda data: (
                with_value(data, "Via", re.sub(r"received=[^;,\s]+", "received=192.0.2.77", value(data, "Via")))
                if "192.0.2.77" in value(data, "Via")
                else data
            )
        ),
    ),
    mutant(
        "rport-wanted",
        "SIP-UDP-04",
        "Over UDP a request without rport gets no answer.",
        **hears(lambda data: None if is_over(data, "UDP") and ";rport" not in value(data, "Via") else data),
    ),
]
