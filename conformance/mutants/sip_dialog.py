"""Wrong dialogs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .messages import (
    is_request,
    sends,
    status_of,
    value,
    with_header,
    with_status,
    with_tag,
    with_value,
    without,
)


def _with_uri(request: bytes, old: str, new: str) -> bytes:
    """Another request URI, where it has `old` in it."""
    line, end, rest = request.partition(b"\r\n")
    return line.replace(old.encode(), new.encode()) + end + rest


def _bye_uri(old: str, new: str) -> dict[str, Any]:
    return sends(lambda data: _with_uri(data, old, new) if is_request(data, "BYE") else data)


def _with_one_route(data: bytes) -> bytes:
    """Only the first of the recorded routes."""
    first, others = value(data, "Record-Route"), without(data, "Record-Route")
    return with_value(others, "Record-Route", first) if value(others, "Record-Route") else data


def _ended_call_answers() -> Mapping[str, Any]:
    ended: set[str] = set()

    def deny_nothing(data: bytes) -> Sequence[bytes]:
        call = value(data, "Call-ID")
        if status_of(data, "BYE") == 200:
            ended.add(call)
        return [with_status(data, 200, "OK") if status_of(data) == 481 and call in ended else data]

    return {"sip_out": deny_nothing}


def _gap_is_an_error() -> Mapping[str, Any]:
    began: dict[str, int] = {}

    def note(data: bytes) -> Sequence[bytes]:
        if is_request(data, "INVITE"):
            began.setdefault(value(data, "Call-ID"), _sequence(data))
        return [data]

    def refuse(data: bytes) -> Sequence[bytes]:
        first = began.get(value(data, "Call-ID"))
        has_gap = first is not None and status_of(data) == 200 and _sequence(data) > first + 500
        return [with_status(data, 500, "Server Internal Error") if has_gap else data]

    return {"sip_in": note, "sip_out": refuse}


def _sequence(data: bytes) -> int:
    return int(value(data, "CSeq").partition(" ")[0])


def _is_reinvite(data: bytes) -> bool:
    return is_request(data, "INVITE") and ";tag=" in value(data, "To")


def _reinvite_answers(change: Any) -> Any:
    """Responses to INVITEs inside a call are what `change` makes of them."""

    def make() -> Mapping[str, Any]:
        inside: set[tuple[str, str]] = set()

        def note(data: bytes) -> Sequence[bytes]:
            if _is_reinvite(data):
                inside.add((value(data, "Call-ID"), value(data, "CSeq")))
            return [data]

        def answer(data: bytes) -> Sequence[bytes]:
            is_inside = (value(data, "Call-ID"), value(data, "CSeq")) in inside
            return [change(data) if is_inside and status_of(data, "INVITE") else data]

        return {"sip_in": note, "sip_out": answer}

    return make


def _reinvite_rings(data: bytes) -> Sequence[bytes]:
    if not _is_reinvite(data):
        return [data]
    to = re.sub(r";tag=[^;>\s]+", "", value(data, "To"))
    via = re.sub(r";branch=[^;,\s]+", ";branch=z9hG4bKsecond", value(data, "Via"))
    first_line = f"INVITE {to.strip('<>')} SIP/2.0".encode() + data[data.find(b"\r\n") :]
    other = with_tag(with_value(with_value(first_line, "To", to), "Via", via), "From", "second")
    return [data, other]


def _bye_once() -> Mapping[str, Any]:
    answered: set[str] = set()

    def deny_the_second(data: bytes) -> Sequence[bytes]:
        if status_of(data, "BYE") != 200:
            return [data]
        via = value(data, "Via")
        is_second = via in answered
        answered.add(via)
        return [with_status(data, 481, "Call/Transaction Does Not Exist") if is_second else data]

    return {"sip_out": deny_the_second}


def _to_tag(tag: str) -> dict[str, Any]:
    """481 becomes 200 for requests to that tag."""
    return sends(
        lambda data: (
            with_status(data, 200, "OK") if status_of(data) == 481 and f";tag={tag}" in value(data, "To") else data
        )
    )


MUTANTS = [
    mutant(
        "success-with-two-contacts",
        "SIP-DIALOG-01",
        "The 200 has two Contacts.",
        **sends(
            lambda data: (
                with_header(data, "Contact", "<sip:OAI@192.0.2.1>") if status_of(data, "INVITE") == 200 else data
            )
        ),
    ),
    mutant(
        "success-with-one-route",
        "SIP-DIALOG-03",
        "The 200 has only one of the recorded routes.",
        **sends(lambda data: _with_one_route(data) if status_of(data, "INVITE") == 200 else data),
    ),
    mutant(
        "bye-without-route",
        "SIP-DIALOG-04",
        "A BYE has no Route.",
        **sends(lambda data: without(data, "Route") if is_request(data, "BYE") else data),
    ),
    mutant(
        "bye-to-another-user",
        "SIP-DIALOG-05",
        "A BYE goes to another user than that of the Contact.",
        also={"SIP-DIALOG-13"},
        **_bye_uri("sip:", "sip:x"),
    ),
    mutant(
        "bye-without-max-forwards",
        "SIP-DIALOG-06",
        "A BYE has no Max-Forwards.",
        **sends(lambda data: without(data, "Max-Forwards") if is_request(data, "BYE") else data),
    ),
    mutant(
        "bye-answered-202",
        "SIP-DIALOG-07",
        "The BYE of the caller is answered with 202.",
        also={"SIP-DIALOG-16", "CALL-REFER-15"},
        **sends(lambda data: with_status(data, 202, "Accepted") if status_of(data, "BYE") == 200 else data),
    ),
    mutant(
        "ended-call-answers",
        "SIP-DIALOG-08",
        "A request in a call that is over is answered with 200.",
        remembering("", _ended_call_answers),
    ),
    mutant("wrong-tag-is-fine", "SIP-DIALOG-09", "A BYE with a wrong tag is answered with 200.", **_to_tag("wrong")),
    mutant(
        "old-sequence-is-fine",
        "SIP-DIALOG-10",
        "A request with a lower CSeq is answered with 200.",
        **sends(lambda data: with_status(data, 200, "OK") if status_of(data) == 500 else data),
    ),
    mutant(
        "gap-is-an-error",
        "SIP-DIALOG-11",
        "A request behind a gap in CSeq is answered with 500.",
        remembering("", _gap_is_an_error),
    ),
    mutant(
        "reinvite-without-contact",
        "SIP-DIALOG-12",
        "The 200 to a re-INVITE has no Contact.",
        remembering("", _reinvite_answers(lambda data: without(data, "Contact"))),
    ),
    mutant(
        "contact-never-moves",
        "SIP-DIALOG-13",
        "After a re-INVITE a BYE still goes to the old Contact.",
        **_bye_uri("sip:moved@", "sip:phone@"),
    ),
    mutant("reinvite-rings", "SIP-DIALOG-14", "A re-INVITE is another call as well.", sip_in=_reinvite_rings),
    mutant(
        "reinvite-always-fine",
        "SIP-DIALOG-15",
        "A re-INVITE with a hopeless offer is answered with 200.",
        remembering(
            "",
            _reinvite_answers(
                lambda data: with_status(data, 200, "OK") if (status_of(data, "INVITE") or 0) >= 300 else data
            ),
        ),
        also={"SIP-OFFER-09"},
    ),
    mutant(
        "bye-answered-once",
        "SIP-DIALOG-16",
        "A BYE that comes again is answered with 481.",
        remembering("", _bye_once),
    ),
    mutant("any-bye-is-fine", "SIP-DIALOG-17", "A BYE without a call is answered with 200.", **_to_tag("none")),
]
