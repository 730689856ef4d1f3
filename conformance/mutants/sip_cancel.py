"""Wrong cancellations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .messages import HEAD_END, is_request, sends, status_of, value, with_status, with_value


def _cancel_answered(status: int, reason: str, *, is_late: bool) -> Callable[[], Mapping[str, Any]]:
    """The 200 to a CANCEL becomes another status: after the 200 to the INVITE, or before."""

    def make() -> Mapping[str, Any]:
        accepted: set[str] = set()

        def other(data: bytes) -> Sequence[bytes]:
            call = value(data, "Call-ID")
            if status_of(data, "INVITE") == 200:
                accepted.add(call)
            is_struck = status_of(data, "CANCEL") == 200 and (call in accepted) is is_late
            return [with_status(data, status, reason) if is_struck else data]

        return {"sip_out": other}

    return make


def _late_cancel_hangs_up() -> Mapping[str, Any]:
    answered: dict[str, str] = {}

    def note(data: bytes) -> Sequence[bytes]:
        if status_of(data, "INVITE") == 200:
            answered[value(data, "Call-ID")] = value(data, "To")
        return [data]

    def hang_up(data: bytes) -> Sequence[bytes]:
        to = answered.get(value(data, "Call-ID"))
        if to is None or not is_request(data, "CANCEL"):
            return [data]
        lines = [
            "BYE sip:OAI@127.0.0.1 SIP/2.0",
            "Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bKlate",
            "Max-Forwards: 70",
            f"From: {value(data, 'From')}",
            f"To: {to}",
            f"Call-ID: {value(data, 'Call-ID')}",
            "CSeq: 99999 BYE",
            "Content-Length: 0",
        ]
        return [data, "\r\n".join(lines).encode() + HEAD_END]

    return {"sip_out": note, "sip_in": hang_up}


def _require_matters() -> Mapping[str, Any]:
    required: set[str] = set()

    def note(data: bytes) -> Sequence[bytes]:
        if is_request(data, "CANCEL") and value(data, "Require"):
            required.add(value(data, "Call-ID"))
        return [data]

    def refuse(data: bytes) -> Sequence[bytes]:
        is_struck = status_of(data, "CANCEL") == 200 and value(data, "Call-ID") in required
        return [with_status(data, 420, "Bad Extension") if is_struck else data]

    return {"sip_in": note, "sip_out": refuse}


def _branch_does_not_matter() -> Mapping[str, Any]:
    ways: dict[str, str] = {}

    def find(data: bytes) -> Sequence[bytes]:
        call = value(data, "Call-ID")
        if is_request(data, "INVITE"):
            ways.setdefault(call, value(data, "Via"))
        return [with_value(data, "Via", ways[call]) if is_request(data, "CANCEL") and call in ways else data]

    return {"sip_in": find}


MUTANTS = [
    mutant(
        "cancel-answered-202",
        "SIP-CANCEL-01",
        "A CANCEL of a waiting INVITE is answered with 202.",
        remembering("", _cancel_answered(202, "Accepted", is_late=False)),
        also={"SIP-CANCEL-08"},
    ),
    mutant(
        "cancelled-invite-hangs",
        "SIP-CANCEL-03",
        "A cancelled INVITE gets no final response.",
        **sends(lambda data: None if status_of(data, "INVITE") == 487 else data),
    ),
    mutant(
        "late-cancel-hangs-up",
        "SIP-CANCEL-05",
        "A CANCEL after the answer ends the call.",
        remembering("", _late_cancel_hangs_up),
    ),
    mutant(
        "late-cancel-answered-481",
        "SIP-CANCEL-06",
        "A CANCEL after the answer is answered with 481.",
        remembering("", _cancel_answered(481, "Call/Transaction Does Not Exist", is_late=True)),
    ),
    mutant(
        "require-of-a-cancel-matters",
        "SIP-CANCEL-08",
        "A CANCEL with a Require header is answered with 420.",
        remembering("", _require_matters),
    ),
    mutant(
        "cancel-of-any-branch",
        "SIP-CANCEL-09",
        "A CANCEL with another branch cancels all the same.",
        remembering("", _branch_does_not_matter),
    ),
]
