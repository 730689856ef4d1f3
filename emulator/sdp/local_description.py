"""Our own description of a call, through all of its offers and answers: one origin whose version rises (RFC 3264 8),
and our key of SRTP (RFC 4568)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import SdpError
from ..ids import Ids
from .crypto import KEY_BYTES, SUITES, Crypto
from .description import SessionDescription
from .offer_answer import G711, Codec, NegotiatedAudio, build_answer, build_offer

NUMBER_BITS = 31


class LocalDescription:
    """Call `answer` or `offer` once for each description that leaves."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._session_id = ids.number(NUMBER_BITS)
        self._version = ids.number(NUMBER_BITS)
        self._text: str | None = None
        self._ours: Crypto | None = None
        self._theirs: Crypto | None = None

    def answer(self, offer: SessionDescription, negotiated: NegotiatedAudio, *, address: str, port: int) -> str:
        """Our answer. Our key is a new one whenever the peer has a new one; one that only repeats its own gets ours
        again, so that both contexts go on (RFC 4568 7.1.4)."""
        theirs = negotiated.crypto
        before, self._theirs = self._theirs, theirs
        if theirs is None:
            self._ours = None
        elif self._ours is None or before is None or (before.suite, before.key) != (theirs.suite, theirs.key):
            self._ours = Crypto(tag=theirs.tag, suite=theirs.suite, key=self._new_key())
        else:
            self._ours = replace(self._ours, tag=theirs.tag)
        crypto = self._ours
        return self._write(
            lambda session_id, version: build_answer(
                offer, negotiated, address=address, port=port, session_id=session_id, version=version, crypto=crypto
            )
        )

    def offer(self, *, address: str, port: int, is_secure: bool = False, codecs: Sequence[Codec] = G711) -> str:
        """Our offer, of SRTP if it has to be, and where the call is secure already."""
        if is_secure or self._ours is not None:
            key = self._new_key() if self._ours is None or self._ours.suite != SUITES[0] else self._ours.key
            self._ours, self._theirs = Crypto(tag=1, suite=SUITES[0], key=key), None
        crypto = self._ours
        return self._write(
            lambda session_id, version: build_offer(
                address=address, port=port, session_id=session_id, version=version, codecs=codecs, crypto=crypto
            )
        )

    def key_for(self, negotiated: NegotiatedAudio) -> bytes | None:
        """Our key for what was agreed on; None for plain RTP. Raises `SdpError` when the peer's answer took nothing
        that our offer had."""
        theirs, ours = negotiated.crypto, self._ours
        if theirs is None and ours is None:
            return None
        if theirs is None or ours is None or (theirs.tag, theirs.suite) != (ours.tag, ours.suite):
            # RFC 4568 5.1.3: the offerer MUST consider it an error.
            raise SdpError("the answer takes no a=crypto of our offer", status=488)
        return ours.key

    def _write(self, build: Callable[[int, int], str]) -> str:
        """RFC 3264 8: another description has another version; what only refreshes the session keeps its own."""
        text = build(self._session_id, self._version)
        if self._text is not None and text != self._text:
            self._version += 1  # RFC 3264 8: "must increment by one"
            text = build(self._session_id, self._version)
        self._text = text
        return text

    def _new_key(self) -> bytes:
        return self._ids.number(8 * KEY_BYTES).to_bytes(KEY_BYTES, "big")
