"""REFER (RFC 3515): what may be a target, and what a NOTIFY says about the transfer."""

import re
from dataclasses import dataclass

from ..errors import InvalidTarget, SipError
from .message import Request
from .uri import Uri

# What would end the header or its angle brackets. Blanks too: a URI has none (RFC 3261 25.1).
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f<>]")
_NUMBER = re.compile(r"[0-9]{1,10}\Z", re.ASCII)
_STATUS_LINE = re.compile(r"SIP/2\.0[ \t]+([1-6][0-9][0-9])(?:[ \t]|\Z)", re.ASCII)


def refer_to(target: str) -> str:
    """The value of a Refer-To header: `target` in angle brackets and otherwise byte for byte.

    Raises `InvalidTarget` for what could not be read back: control characters, blanks, angle brackets, no URI.
    """
    forbidden = _FORBIDDEN.search(target)
    if forbidden is not None:
        raise InvalidTarget(f"target URI {target!r} has {forbidden.group()!r} at position {forbidden.start()}")
    try:
        target.encode()
        Uri.parse(target)
    except (SipError, UnicodeEncodeError) as error:
        raise InvalidTarget(f"target URI {target!r} is not a URI: {error}") from error
    return f"<{target}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferReport:
    """A NOTIFY of the refer package: `cseq` is the REFER's if the peer named it (RFC 3515 2.4.6)."""

    cseq: int | None
    status: int | None
    fragment: str
    is_terminated: bool


def parse_notify(request: Request) -> TransferReport | None:
    """What a NOTIFY reports, or None if it is not of the refer package.

    Raises `SipError` (400) without a Subscription-State, which RFC 6665 4.1.3 makes mandatory. A body that is no
    sipfrag only leaves `status` None: the peer's transfer goes on whatever we think of its report.
    """
    package, _, parameters = (request.headers.get("Event") or "").partition(";")
    if package.strip().lower() != "refer":
        return None
    value = request.headers.get("Subscription-State")
    if value is None:
        raise SipError("NOTIFY without Subscription-State")
    state = value.partition(";")[0].strip().lower()
    fragment = request.body.decode("utf-8", "replace")
    status_line = _STATUS_LINE.match(fragment.partition("\n")[0].strip("\r"))
    return TransferReport(
        cseq=_event_id(parameters),
        status=None if status_line is None else int(status_line.group(1)),
        fragment=fragment,
        is_terminated=state == "terminated",
    )


def _event_id(parameters: str) -> int | None:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "id" and _NUMBER.match(value.strip()):
            return int(value)
    return None
