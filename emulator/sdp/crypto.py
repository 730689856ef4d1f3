"""`a=crypto` (RFC 4568): how session descriptions carry the keys of SRTP.

A line that we can't do exactly as it says is skipped, as if it were not there: an offerer may write several.
"""

import base64
import binascii
from dataclasses import dataclass, field

from .description import MediaDescription

SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
"""RFC 4568 6.2.1 and 6.2.2, in the order in which we would offer them."""
KEY_BYTES = 30
"""RFC 4568 6.1: a master key of 128 bits and a master salt of 112, for both suites."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crypto:
    """One usable line. `key` is master key and salt of whoever wrote it, for what it sends; no log may show it."""

    tag: int
    suite: str
    key: bytes = field(repr=False)

    def line(self) -> str:
        """The whole line, without its end."""
        return f"a=crypto:{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"


def first_usable(media: MediaDescription) -> Crypto | None:
    """RFC 4568 5.1.2: of the offered lines the most preferred one, the first, that we can do. None without any."""
    return next((crypto for value in media.attributes_named("crypto") if (crypto := _read(value)) is not None), None)


def _read(value: str) -> Crypto | None:
    tag, _, rest = value.partition(" ")
    suite, _, rest = rest.strip().partition(" ")
    parameters = rest.split()
    if not (tag.isascii() and tag.isdecimal() and len(tag) < 10) or suite.upper() not in SUITES or not parameters:
        return None
    if not all(_is_harmless(parameter) for parameter in parameters[1:]):
        return None
    key = _key(parameters[0])
    return None if key is None else Crypto(tag=int(tag), suite=suite.upper(), key=key)


def _key(parameter: str) -> bytes | None:
    """`inline:<base64>|<lifetime>|<MKI>:<length>`, of which the lifetime is more packets than a call has."""
    method, _, content = parameter.partition(":")
    encoded, *more = content.split("|")
    # RFC 4568 6.1: several keys need an MKI to tell them apart, and with an MKI each packet has one.
    if method.lower() != "inline" or any(":" in part for part in more):
        return None
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def _is_harmless(parameter: str) -> bool:
    """RFC 4568 6.3.7: what begins with a minus may be ignored; WSH (6.3.6) is a hint. The others change each packet."""
    return parameter.startswith("-") or parameter.upper().startswith("WSH=")
