"""Bad readers, and refusals that do not say enough."""

from collections.abc import Callable

from . import Mutant, mutant
from .messages import (
    HEAD_END,
    hears,
    is_over,
    is_request,
    sends,
    status_of,
    value,
    with_status,
    with_tag,
    with_value,
    without,
)


def _head(data: bytes) -> bytes:
    return data.partition(HEAD_END)[0]


def _deaf(name: str, number: int, says: str, which: Callable[[bytes], bool]) -> Mutant:
    """An INVITE that is written so is not heard."""
    return mutant(
        name,
        f"SIP-SYNTAX-{number:02d}",
        says,
        **hears(lambda data: None if is_request(data, "INVITE") and which(data) else data),
    )


def _has_rest(data: bytes) -> bool:
    length = value(data, "Content-Length")
    return length.isdigit() and len(data.partition(HEAD_END)[2]) > int(length)


def _refusal(name: str, number: int, says: str, status: int, change: Callable[[bytes], bytes]) -> Mutant:
    return mutant(
        name,
        f"SIP-REFUSAL-{number:02d}",
        says,
        **sends(lambda data: change(data) if status_of(data) == status else data),
    )


MUTANTS = [
    _deaf("compact-names-unheard", 1, "Compact header names are not understood.", lambda data: b"\r\nv:" in data),
    _deaf("odd-case-unheard", 2, "Header names in odd case are not understood.", lambda data: b"\r\nvIA:" in data),
    _deaf("folds-unheard", 3, "Folded headers are not understood.", lambda data: b":\r\n " in _head(data)),
    _deaf("blanks-unheard", 4, "Blanks before a colon are not understood.", lambda data: b"Via \t:" in data),
    _deaf("strangers-unheard", 5, "Unknown headers are not tolerated.", lambda data: b"\r\nUnheard-Of:" in data),
    _deaf("via-lists-unheard", 6, "A Via with two values is not understood.", lambda data: "," in value(data, "Via")),
    _deaf("quotes-unheard", 7, "Escaped quotes are not understood.", lambda data: '\\"' in value(data, "From")),
    _deaf("rest-unheard", 9, "A datagram with bytes behind its body is not understood.", _has_rest),
    _deaf(
        "length-wanted",
        10,
        "A datagram without Content-Length is not understood.",
        lambda data: is_over(data, "UDP") and b"\r\ncontent-length" not in data.lower(),
    ),
    mutant(
        "length-with-zeros",
        "SIP-SYNTAX-11",
        "Content-Length of an empty body is 00.",
        **sends(
            lambda data: with_value(data, "Content-Length", "00") if value(data, "Content-Length") == "0" else data
        ),
    ),
    _deaf(
        "escapes-unheard",
        12,
        "Escapes in the Request-URI are not understood.",
        lambda data: b"%" in data.partition(b"\r\n")[0],
    ),
    _refusal(
        "unknown-method-declined",
        1,
        "A method that is not served is declined with 603.",
        405,
        lambda data: with_status(data, 603, "Decline"),
    ),
    _refusal("refusal-without-allow", 2, "A 405 has no Allow.", 405, lambda data: without(data, "Allow")),
    _refusal(
        "unknown-extension-busy",
        3,
        "An unknown extension is refused with 486.",
        420,
        lambda data: with_status(data, 486, "Busy Here"),
    ),
    _refusal(
        "refusal-without-unsupported", 4, "A 420 has no Unsupported.", 420, lambda data: without(data, "Unsupported")
    ),
    _refusal(
        "unknown-body-busy",
        5,
        "A body of an unknown type is refused with 486.",
        415,
        lambda data: with_status(data, 486, "Busy Here"),
    ),
    _refusal("refusal-without-accept", 6, "A 415 has no Accept.", 415, lambda data: without(data, "Accept")),
    _refusal(
        "accept-ignored",
        14,
        "An INVITE that accepts no SDP is refused with 486.",
        406,
        lambda data: with_status(data, 486, "Busy Here"),
    ),
    _refusal(
        "any-address-of-record",
        15,
        "A REGISTER for whatever address is taken.",
        400,
        lambda data: with_status(data, 200, "OK") if value(data, "CSeq").endswith(" REGISTER") else data,
    ),
    _refusal("refusal-without-tag", 11, "A refusal has no tag in To.", 405, lambda data: with_tag(data, "To", "")),
]
