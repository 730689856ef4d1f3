"""SRTP and SRTCP (RFC 3711) of one leg by libsrtp, which is loaded with the first leg that needs it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaKeys:
    """What offer and answer agreed on: master key and salt of each direction, for one suite of RFC 4568 6.2."""

    suite: str
    ours: bytes = field(repr=False)
    theirs: bytes = field(repr=False)


class Replayed(Exception):
    """This packet came before: its index is in the replay window (RFC 3711 3.3.2)."""


class Srtp:
    """The contexts of one leg. `change` them with every offer/answer: many telephones make new keys each time.

    A context whose key did not change goes on, with its roll-over counter (RFC 4568 6.4.1).
    """

    def __init__(self, keys: MediaKeys) -> None:
        import pylibsrtp

        self._library: Any = pylibsrtp
        self._keys = keys
        self._outbound = self._context(keys.suite, keys.ours, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self._inbound = self._context(keys.suite, keys.theirs, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self._before: Any = None
        """The peer's last context, until a packet of the new one comes: what is on its way is heard."""

    def change(self, keys: MediaKeys) -> None:
        """New keys; each direction's may also be the same as before."""
        before, self._keys = self._keys, keys
        if (keys.suite, keys.ours) != (before.suite, before.ours):
            self._outbound = self._context(keys.suite, keys.ours, self._library.Policy.SSRC_ANY_OUTBOUND)
        if (keys.suite, keys.theirs) != (before.suite, before.theirs):
            self._before = self._inbound
            self._inbound = self._context(keys.suite, keys.theirs, self._library.Policy.SSRC_ANY_INBOUND)

    def protect(self, packet: bytes) -> bytes:
        """An RTP packet as it goes out."""
        return bytes(self._outbound.protect(packet))

    def protect_rtcp(self, packet: bytes) -> bytes:
        """A compound RTCP packet as it goes out."""
        return bytes(self._outbound.protect_rtcp(packet))

    def unprotect(self, data: bytes) -> bytes | None:
        """The RTP packet in it; None when nobody who has the key wrote it. Raises `Replayed`."""
        plain = self._opened(self._inbound.unprotect, data)
        if plain is not None:
            self._before = None
        elif self._before is not None:
            plain = self._opened(self._before.unprotect, data)
        return plain

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        """The RTCP in it, or None."""
        contexts = (self._inbound,) if self._before is None else (self._inbound, self._before)
        try:
            opened = (self._opened(context.unprotect_rtcp, data) for context in contexts)
            return next((plain for plain in opened if plain is not None), None)
        except Replayed:
            return None

    def _opened(self, method: Callable[[bytes], bytes], data: bytes) -> bytes | None:
        try:
            return bytes(method(data))
        except self._library.Error as error:
            if "replay" in str(error):
                raise Replayed from None
            return None
        except ValueError:  # longer than any packet of a network
            return None

    def _context(self, suite: str, key: bytes, kind: int) -> Any:
        policy = self._library.Policy
        is_short = suite.endswith("_32")
        profile = policy.SRTP_PROFILE_AES128_CM_SHA1_32 if is_short else policy.SRTP_PROFILE_AES128_CM_SHA1_80
        return self._library.Session(policy(key=key, ssrc_type=kind, srtp_profile=profile))
