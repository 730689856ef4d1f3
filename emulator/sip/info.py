"""INFO as telephones use it (RFC 6086 1: legacy usage): keys in a body, without an Info-Package."""

import re
from typing import Final

from ..errors import SipError
from .automatic import HeaderItems
from .message import Request

DTMF_TYPES: Final = ("application/dtmf-relay", "application/dtmf")
ACCEPT_DTMF: Final = ("Accept", ", ".join(DTMF_TYPES))
_SIGNAL = re.compile(r"(?im)^\s*(?:signal\s*=)?\s*([0-9a-d*#]|1[01])\s*$", re.ASCII)


def info_refusal(request: Request) -> tuple[int, HeaderItems] | None:
    """Why an INFO can't be used; None for keys and for an empty one, which only asks whether we are here."""
    if "Info-Package" in request.headers:
        return 469, [("Recv-Info", "")]  # RFC 6086 4.2.2: no package is
    if request.body and _media_type(request) not in DTMF_TYPES:
        return 415, [ACCEPT_DTMF]  # RFC 3261 21.4.13
    return None


def read_digit(request: Request) -> str | None:
    """The key in an INFO, None without a body. Raises `SipError` (400) for a body that names none.

    10 and 11 are `*` and `#` where a gateway writes numbers.
    """
    if not request.body:
        return None
    found = _SIGNAL.search(request.body.decode("utf-8", "replace"))
    if found is None:
        raise SipError(f"INFO names no key: {request.body[:60]!r}")
    return {"10": "*", "11": "#"}.get(found[1], found[1].upper())


def _media_type(request: Request) -> str:
    return (request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
