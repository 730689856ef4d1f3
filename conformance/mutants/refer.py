"""Wrong transfers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ringback.emulator.calls.effects import ReplyHttp, SendRefer
from ringback.emulator.faults.effects import early
from ringback.emulator.faults.plan import Fault, HttpExchange

from . import mutant, remembering
from .answers import answered, verb
from .messages import HEAD_END, is_request, status_of, value, with_header, with_status, with_tag, with_value
from .reject import LATE

ALL_WITH_REFER = {f"CALL-REFER-{number:02d}" for number in (2, 3, 4, 5, 6, 7, 8, 14, 15, 16)}
"""They judge a REFER that must have arrived."""


def _target(change: Callable[[str], str]) -> Fault:
    """The Refer-To is not what was asked for."""
    return Fault(
        name="",
        sip_out=lambda data: [
            with_value(data, "Refer-To", change(value(data, "Refer-To"))) if is_request(data, "REFER") else data
        ],
    )


def _refused(part: bytes) -> Callable[[HttpExchange], bool]:
    return lambda each: verb("refer", 400)(each) and part in each.request_body


def _second_target(data: bytes) -> Sequence[bytes]:
    is_tel = is_request(data, "REFER") and value(data, "Refer-To").startswith("<tel:")
    return [with_header(data, "Refer-To", value(data, "Refer-To")) if is_tel else data]


def _no_bye_after_refer() -> Mapping[str, Any]:
    referred: set[str] = set()

    def deny(data: bytes) -> Sequence[bytes]:
        if is_request(data, "REFER"):
            referred.add(value(data, "Call-ID"))
        is_answer = status_of(data, "BYE") == 200 and value(data, "Call-ID") in referred
        return [with_status(data, 481, "Call/Transaction Does Not Exist") if is_answer else data]

    return {"sip_out": deny}


def _subscription_ends_with_bye() -> Mapping[str, Any]:
    over: set[str] = set()

    def deny(data: bytes) -> Sequence[bytes]:
        call = value(data, "Call-ID")
        if status_of(data, "BYE") == 200:
            over.add(call)
        is_late = status_of(data, "NOTIFY") == 200 and call in over
        return [with_status(data, 481, "Subscription Does Not Exist") if is_late else data]

    return {"sip_out": deny}


def _bye_from_the_caller(response: bytes) -> bytes:
    """A BYE as whoever sent this response would send it."""
    lines = [
        "BYE sip:OAI@127.0.0.1 SIP/2.0",
        "Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bKforged",
        "Max-Forwards: 70",
        f"From: {value(response, 'To')}",
        f"To: {value(response, 'From')}",
        f"Call-ID: {value(response, 'Call-ID')}",
        "CSeq: 99999 BYE",
        "Content-Length: 0",
    ]
    return "\r\n".join(lines).encode() + HEAD_END


MUTANTS = [
    mutant(
        "refer-answered-202",
        "CALL-REFER-01",
        "A refer is answered with 202.",
        answered("", verb("refer", 200), 202),
        also=ALL_WITH_REFER - {"CALL-REFER-07"},
    ),
    mutant(
        "refer-of-another-dialog",
        "CALL-REFER-02",
        "The REFER has another tag than the call.",
        also=ALL_WITH_REFER,
        sip_out=lambda data: [with_tag(data, "From", "stranger") if is_request(data, "REFER") else data],
    ),
    mutant(
        "refer-to-national-number",
        "CALL-REFER-03",
        "The plus of a tel target is lost.",
        _target(lambda target: target.replace("tel:+", "tel:")),
    ),
    mutant(
        "refer-to-with-transport",
        "CALL-REFER-04",
        "A sip target gets a parameter that nobody asked for.",
        _target(
            lambda target: "<sip:agent@example.com;transport=udp>" if target == "<sip:agent@example.com>" else target
        ),
    ),
    mutant(
        "refer-to-without-parameters",
        "CALL-REFER-05",
        "The parameters of a sip target are lost.",
        _target(lambda target: target.replace(";user=phone;transport=tcp", "")),
    ),
    mutant(
        "refer-to-unescaped",
        "CALL-REFER-06",
        "The escapes of a sip target are resolved.",
        _target(lambda target: target.replace("%2F", "/").replace("%40", "@")),
    ),
    mutant(
        "refer-answered-early",
        "CALL-REFER-07",
        "A refer is answered long before its REFER leaves.",
        early("", ReplyHttp, before=SendRefer, pause=LATE),
    ),
    mutant(
        "refer-to-twice",
        "CALL-REFER-08",
        "A REFER to a tel target has two Refer-To headers.",
        also={"CALL-REFER-03"},
        sip_out=_second_target,
    ),
    mutant(
        "refer-takes-line-breaks",
        "CALL-REFER-09",
        "A target with a line break is taken, and nothing is sent.",
        answered("", _refused(b"\\r\\n"), 200),
    ),
    mutant(
        "refer-takes-brackets",
        "CALL-REFER-10",
        "A target with a closing bracket is taken, and nothing is sent.",
        answered("", _refused(b">;x="), 200),
    ),
    mutant(
        "refer-needs-no-target",
        "CALL-REFER-11",
        "A refer without a target is answered with 200.",
        answered("", _refused(b"{}"), 200),
    ),
    mutant(
        "notify-refused",
        "CALL-REFER-14",
        "A NOTIFY is answered with 481.",
        sip_out=lambda data: [
            with_status(data, 481, "Subscription Does Not Exist") if status_of(data, "NOTIFY") == 200 else data
        ],
    ),
    mutant(
        "bye-refused-after-refer",
        "CALL-REFER-15",
        "The BYE after a REFER is answered with 481.",
        remembering("", _no_bye_after_refer),
    ),
    mutant(
        "notify-refused-after-bye",
        "CALL-REFER-19",
        "A NOTIFY after the BYE is answered with 481.",
        remembering("", _subscription_ends_with_bye),
    ),
    mutant(
        "refused-refer-ends-the-call",
        "CALL-REFER-16",
        "A refused REFER ends the call.",
        sip_in=lambda data: [data, _bye_from_the_caller(data)] if status_of(data, "REFER") == 603 else [data],
    ),
]
