"""Wrong answers to offers inside a call."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .messages import body_of, hears, is_request, sends, status_of, value, with_body, with_status


def _updates(change: Callable[[bytes], bytes]) -> dict[str, Any]:
    """Responses to UPDATE are what `change` makes of them."""
    return sends(lambda data: change(data) if status_of(data, "UPDATE") else data)


def _empty_reinvites(change: Callable[[bytes], bytes]) -> Callable[[], Mapping[str, Any]]:
    """Responses to INVITEs inside a call without an offer are what `change` makes of them."""

    def make() -> Mapping[str, Any]:
        empty: set[tuple[str, str]] = set()

        def note(data: bytes) -> Sequence[bytes]:
            if is_request(data, "INVITE") and ";tag=" in value(data, "To") and not body_of(data):
                empty.add((value(data, "Call-ID"), value(data, "CSeq")))
            return [data]

        def answer(data: bytes) -> Sequence[bytes]:
            is_empty = (value(data, "Call-ID"), value(data, "CSeq")) in empty
            return [change(data) if is_empty and status_of(data, "INVITE") == 200 else data]

        return {"sip_in": note, "sip_out": answer}

    return make


def _fine(data: bytes, *statuses: int) -> bytes:
    return with_status(data, 200, "OK") if status_of(data) in statuses else data


MUTANTS = [
    mutant(
        "update-unanswered",
        "SIP-OFFER-01",
        "The 200 to an UPDATE has the direction of the offer.",
        **_updates(lambda data: data.replace(b"a=recvonly", b"a=sendonly")),
    ),
    mutant(
        "update-holds-nothing",
        "SIP-OFFER-02",
        "A hold by UPDATE is not heard.",
        **hears(lambda data: data.replace(b"a=inactive", b"a=sendrecv") if is_request(data, "UPDATE") else data),
    ),
    mutant(
        "empty-update-refused",
        "SIP-OFFER-03",
        "An UPDATE without an offer is refused.",
        **_updates(
            lambda data: (
                with_status(data, 488, "Not Acceptable Here") if status_of(data) == 200 and not body_of(data) else data
            )
        ),
    ),
    mutant(
        "update-always-fine",
        "SIP-OFFER-05",
        "An UPDATE with a hopeless offer is answered with 200.",
        **_updates(lambda data: _fine(data, 488)),
    ),
    mutant(
        "empty-reinvite-gets-no-offer",
        "SIP-OFFER-06",
        "The 200 to a re-INVITE without an offer has none either.",
        remembering("", _empty_reinvites(lambda data: with_body(data, b""))),
        also={"SIP-OFFER-07", "SIP-OFFER-08", "SIP-OFFER-09"},
    ),
    mutant(
        "answer-in-the-ack-unheard",
        "SIP-OFFER-07",
        "The answer in an ACK is not heard.",
        **hears(
            lambda data: (
                with_body(data, re.sub(rb"RTP/AVP 8 ", b"RTP/AVP 0 ", body_of(data)))
                if is_request(data, "ACK") and body_of(data)
                else data
            )
        ),
    ),
    mutant(
        "crossing-update-is-fine",
        "SIP-OFFER-08",
        "An UPDATE is answered with 200 while an offer is open.",
        **_updates(lambda data: _fine(data, 491)),
    ),
    mutant(
        "crossing-reinvite-is-fine",
        "SIP-OFFER-09",
        "A re-INVITE is answered with 200 while an offer is open.",
        **sends(lambda data: _fine(data, 491) if status_of(data, "INVITE") else data),
    ),
]
