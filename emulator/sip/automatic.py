"""Answers that need nobody's decision: OPTIONS, REGISTER, and what RFC 3261 8.2 refuses before a TU is asked."""

import re
from typing import Final

from .headers import split_list
from .message import Request

HeaderItems = list[tuple[str, str]]
Answer = tuple[int, HeaderItems]
"""A status and the headers that go with it."""

ALLOW: Final = ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY, UPDATE, PRACK")
ACCEPT: Final = ("Accept", "application/sdp")
EXTENSIONS: Final = ("timer", "100rel")  # RFC 4028, RFC 3262
SUPPORTED: Final = ("Supported", ", ".join(EXTENSIONS))
RETRY_LATER: Final = ("Retry-After", "5")
EXPIRES_DEFAULT: Final = 3600

SERVED: Final = frozenset(
    {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "NOTIFY", "UPDATE", "PRACK", "REGISTER"}
)
KNOWN: Final = SERVED | {"MESSAGE", "PUBLISH", "REFER", "SUBSCRIBE"}
"""Every method that IANA has registered: RFC 3261 8.2.1 has 405 for them, 21.5.2 has 501 for the rest."""

_EXPIRES = re.compile(r";\s*expires\s*=\s*([0-9]{1,10})", re.IGNORECASE | re.ASCII)
_SCHEMES = frozenset({"sip", "sips", "tel"})
_SDP_RANGES = frozenset({"application/sdp", "application/*", "*/*"})


def refusal(request: Request) -> Answer | None:
    """Why the request can't be served, in the order of RFC 3261 8.2; None if it can.

    Max-Forwards is not looked at: 483 is for who forwards; an endpoint serves a request that has 0 left (RFC 4475
    3.3.11).
    """
    method = request.method
    if method not in SERVED:
        return (405, [ALLOW]) if method in KNOWN else (501, [ALLOW])
    if request.uri.scheme.lower() not in _SCHEMES:
        return 416, []  # RFC 3261 8.2.2.1
    if "Require" in request.headers:
        unknown = [option for option in request.require if option.lower() not in EXTENSIONS]
        if unknown:
            return 420, [("Unsupported", ", ".join(unknown))]  # RFC 3261 8.2.2.3
    if method in ("INVITE", "UPDATE") and request.body and not _is_sdp(request):
        return 415, [ACCEPT]  # RFC 3261 8.2.3
    if method == "INVITE" and not _takes_sdp(request):
        return 406, []  # RFC 4475 3.3.15: no response that describes a session would be acceptable
    return None


def answer_options() -> Answer:
    """RFC 3261 11.2: what an INVITE could expect here."""
    return 200, [ALLOW, ACCEPT, ("Accept-Language", "en"), SUPPORTED]


def answer_update(contact: str) -> Answer:
    """RFC 3311 5.2: to an UPDATE without an offer, which refreshes and asks for nothing."""
    return 200, [("Contact", f"<{contact}>"), ALLOW, SUPPORTED]


def answer_register(request: Request, status: int) -> Answer:
    """`status` is a setting. A 200 gives back the contacts with their lifetimes (RFC 3261 10.3); nothing is stored."""
    if request.to.uri.scheme not in ("sip", "sips"):
        return 400, []  # RFC 3261 10.2: the address of record MUST be a SIP or SIPS URI; RFC 4475 3.3.4
    if status == 405:
        return status, [ALLOW]
    if not 200 <= status < 300:
        return status, []
    default = (request.headers.get("Expires") or "").strip()
    if not (default.isascii() and default.isdecimal()):
        default = str(EXPIRES_DEFAULT)
    items: HeaderItems = []
    for value in request.headers.get_all("Contact"):
        for contact in split_list(value):
            expires = _EXPIRES.search(contact.rpartition(">")[2])
            lifetime = default if expires is None else expires.group(1)
            if contact == "*" or not int(lifetime):
                continue  # RFC 3261 10.3: a binding that was removed is not in the list
            items.append(("Contact", contact if expires else f"{contact};expires={lifetime}"))
    return status, items


def _takes_sdp(request: Request) -> bool:
    """Whether a response may carry a session description (RFC 3261 20.1). An empty Accept is taken for none."""
    ranges = [each.partition(";")[0].strip().lower() for each in request.headers.get_list("Accept")]
    return not ranges or not _SDP_RANGES.isdisjoint(ranges)


def _is_sdp(request: Request) -> bool:
    encoding = request.headers.get("Content-Encoding")
    if encoding is not None and encoding.strip().lower() != "identity":
        return False
    media_type = (request.headers.get("Content-Type") or "").partition(";")[0]
    return media_type.strip().lower() == "application/sdp"
