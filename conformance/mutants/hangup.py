"""Wrong ways to hang up."""

from collections.abc import Mapping, Sequence
from typing import Any

from ringback.emulator.calls.effects import ReplyHttp, SendBye
from ringback.emulator.faults.effects import early

from . import mutant, remembering
from .answers import answered, verb
from .messages import HEAD_END, is_request, status_of, value, with_tag
from .reject import LATE


def _bye_for(response: bytes) -> bytes:
    """A BYE in the dialog that this 200 to an INVITE has made."""
    contact = value(response, "Via").partition(" ")[2].partition(";")[0]
    lines = [
        f"BYE sip:{contact} SIP/2.0",
        f"Via: SIP/2.0/TLS {contact};branch=z9hG4bKimpatient",
        "Max-Forwards: 70",
        f"From: {value(response, 'To')}",
        f"To: {value(response, 'From')}",
        f"Call-ID: {value(response, 'Call-ID')}",
        "CSeq: 1 BYE",
        "Content-Length: 0",
    ]
    return "\r\n".join(lines).encode() + HEAD_END


def _impatience() -> Mapping[str, Any]:
    answered_calls: set[str] = set()

    def hang_up_at_the_second(data: bytes) -> Sequence[bytes]:
        if status_of(data, "INVITE") != 200:
            return [data]
        call = value(data, "Call-ID")
        is_second = call in answered_calls
        answered_calls.add(call)
        return [data, _bye_for(data)] if is_second else [data]

    return {"sip_out": hang_up_at_the_second}


MUTANTS = [
    mutant(
        "hangup-answered-202",
        "CALL-HANGUP-01",
        "A hangup is answered with 202.",
        answered("", verb("hangup", 200), 202),
        also={"CALL-HANGUP-03", "CALL-HANGUP-05"},
    ),
    mutant(
        "hangup-without-bye",
        "CALL-HANGUP-02",
        "A hangup sends nothing to the caller.",
        also={"CALL-HANGUP-03", "CALL-HANGUP-05", "CALL-HANGUP-06"},
        sip_out=lambda data: [] if is_request(data, "BYE") else [data],
    ),
    mutant(
        "hangup-answered-early",
        "CALL-HANGUP-03",
        "A hangup is answered long before its BYE leaves.",
        early("", ReplyHttp, before=SendBye, pause=LATE),
    ),
    mutant(
        "bye-of-another-dialog",
        "CALL-HANGUP-05",
        "The BYE has another tag than the call.",
        also={"CALL-HANGUP-02", "CALL-HANGUP-03", "CALL-HANGUP-06"},
        sip_out=lambda data: [with_tag(data, "From", "stranger") if is_request(data, "BYE") else data],
    ),
    mutant(
        "bye-before-ack",
        "CALL-HANGUP-06",
        "A BYE leaves when the ACK is late, instead of waiting for it.",
        remembering("", _impatience),
    ),
]
