"""SRTP of the reference client, with keys in the SDP (RFC 4568), on pylibsrtp."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from .errors import ProtocolViolation

SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
KEY_BYTES = 30  # RFC 4568 6.2: 128 bits of key, 112 of salt


@dataclass(frozen=True, slots=True, kw_only=True)
class Crypto:
    """One a=crypto line. `key` is what its writer sends with."""

    tag: int
    suite: str
    key: bytes = field(repr=False)

    def line(self) -> str:
        return f"a=crypto:{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"

    @classmethod
    def parse(cls, value: str) -> "Crypto":
        """Of what stands behind `a=crypto:`. Raises `ProtocolViolation`."""
        found = re.fullmatch(r"(\d{1,9}) +(\S+) +inline:([A-Za-z0-9+/]+=*)((?:\|\S*)?)(?: .*)?", value)
        try:
            key = b"" if found is None else base64.b64decode(found[3])
        except binascii.Error:
            key = b""
        if found is None or len(key) != KEY_BYTES:
            raise ProtocolViolation("an a=crypto line that can't be read, or whose key has not 30 bytes")
        return cls(tag=int(found[1]), suite=found[2].upper(), key=key)


class KeyRing:
    """Our keys through the offers and answers of one call; without `suites` it is plain RTP.

    Each offer has new keys under new tags, as pjsip makes them.
    """

    def __init__(self, suites: Sequence[str], rng: Random) -> None:
        self.suites = tuple(suites)
        self._rng = rng
        self._tags = 0
        self._ours: tuple[Crypto, ...] = ()

    def offer(self) -> tuple[Crypto, ...]:
        """The lines of our next offer."""
        self._ours = tuple(
            Crypto(tag=self._tags + index, suite=suite, key=self._new_key())
            for index, suite in enumerate(self.suites, start=1)
        )
        self._tags += len(self._ours)
        return self._ours

    def answer(self, theirs: Crypto | None) -> tuple[Crypto, ...]:
        """The line of our answer to an offer with that one."""
        self._ours = () if theirs is None else (Crypto(tag=theirs.tag, suite=theirs.suite, key=self._new_key()),)
        return self._ours

    def agree(self, theirs: Crypto | None) -> "Srtp | None":
        """What both sides will use; None for plain RTP. Raises `ProtocolViolation` when an answer takes no line of the
        offer (RFC 4568 5.1.3)."""
        if theirs is None and not self._ours:
            return None
        for ours in self._ours:
            if theirs is not None and (ours.tag, ours.suite) == (theirs.tag, theirs.suite):
                return Srtp(ours, theirs)
        offered = [(each.tag, each.suite) for each in self._ours]
        got = "none" if theirs is None else f"{theirs.tag} {theirs.suite}"
        raise ProtocolViolation(f"an a=crypto line of the offer's {offered} was to be answered; there is {got}")

    def _new_key(self) -> bytes:
        return self._rng.getrandbits(8 * KEY_BYTES).to_bytes(KEY_BYTES, "big")


class Srtp:
    """Both directions of one agreement."""

    def __init__(self, ours: Crypto, theirs: Crypto) -> None:
        import pylibsrtp

        self._error = pylibsrtp.Error
        self._outbound: Any = _session(ours, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self._inbound: Any = _session(theirs, pylibsrtp.Policy.SSRC_ANY_INBOUND)

    def protect(self, packet: bytes) -> bytes:
        return bytes(self._outbound.protect(packet))

    def unprotect(self, data: bytes) -> bytes | None:
        """The packet in it; None when the far end did not write it with its key, or it came before."""
        return self._opened(self._inbound.unprotect, data)

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        return self._opened(self._inbound.unprotect_rtcp, data)

    def _opened(self, method: Any, data: bytes) -> bytes | None:
        try:
            return bytes(method(data))
        except (self._error, ValueError):
            return None


def _session(crypto: Crypto, kind: int) -> Any:
    from pylibsrtp import Policy, Session

    profile = Policy.SRTP_PROFILE_AES128_CM_SHA1_32 if crypto.suite.endswith("_32") else None
    policy = Policy(key=crypto.key, ssrc_type=kind, srtp_profile=profile or Policy.SRTP_PROFILE_AES128_CM_SHA1_80)
    return Session(policy)
