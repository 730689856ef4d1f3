"""Identifiers in the service's formats, drawn from a random source that the caller owns."""

from typing import NewType, Protocol

CallId = NewType("CallId", str)
"""`rtc_…`: opaque. `Ids.call` makes one; whoever is told one looks it up."""

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DRAWN = 1024
"""Base62 digits that are drawn at a time: every event has an id and padding, and each draw is a system call."""
_DIGIT_OF_BYTE = bytes(ord(BASE62[byte % 62]) for byte in range(256))
"""Eight of the digits come a quarter more often than the others, which makes no id easier to guess."""


class RandomSource(Protocol):
    """What `random.Random` and `random.SystemRandom` have in common here."""

    def getrandbits(self, k: int, /) -> int: ...

    def randbytes(self, n: int, /) -> bytes: ...


class Ids:
    """Makes every identifier of one emulator. A seeded source gives the same sequence each time.

    Lengths and alphabets are the observed ones (FACTS 2) [OBS]; clients must treat all of them as opaque.
    """

    def __init__(self, rng: RandomSource, *, cluster: str = "u0") -> None:
        self._rng = rng
        self._cluster = cluster
        self._digits = ""
        self._used = DRAWN

    def call(self) -> CallId:
        """`rtc_u0_` and 32 base62 characters, as SIP calls have since September 2026."""
        return CallId(f"rtc_{self._cluster}_{self._base62(32)}")

    def session(self) -> str:
        """`sess_` and 21 base62 characters: a session without a call."""
        return f"sess_{self._base62(21)}"

    def session_of(self, call_id: CallId) -> str:
        """The session of a call is the call's id with its prefix swapped."""
        return "sess_" + call_id.removeprefix("rtc_")

    def event(self) -> str:
        return f"event_{self._base62(21)}"

    def padded_event(self, length: int) -> tuple[str, str]:
        """An event's id, and `length` base62 characters, with which deltas are padded."""
        digits = self._base62(21 + length)
        return "event_" + digits[:21], digits[21:]

    def media_event(self) -> str:
        """`output_audio_buffer.*` events come from the media server and carry 16 hexadecimal digits."""
        return f"event_{self._hex(16)}"

    def item(self) -> str:
        return f"item_{self._base62(21)}"

    def response(self) -> str:
        return f"resp_{self._base62(21)}"

    def conversation(self) -> str:
        return f"conv_{self._base62(21)}"

    def function_call(self) -> str:
        return f"call_{self._base62(16)}"

    def segment(self) -> str:
        """Of a diarized transcript. Nobody has shown one of a session: `seg_` and 21 base62 characters [CHOICE]."""
        return f"seg_{self._base62(21)}"

    def webhook_event(self) -> str:
        return f"evt_{self._hex(32)}"

    def webhook_delivery(self) -> str:
        return f"wh_{self._hex(32)}"

    def webhook_endpoint(self) -> str:
        """The service's format is not published: `we_` and 32 hexadecimal digits [CHOICE]."""
        return f"we_{self._hex(32)}"

    def webhook_secret_bytes(self) -> bytes:
        """32 bytes, what `whsec_` and base64 carry."""
        return self._rng.randbytes(32)

    def project(self) -> str:
        return f"proj_{self._base62(24)}"

    def api_key(self) -> str:
        """`sk-ringback-…`: recognisably ours, so that it can't be mistaken for a real key [CHOICE]."""
        return f"sk-ringback-{self._base62(32)}"

    def client_secret(self) -> str:
        return f"ek_{self._hex(32)}"

    def token(self, length: int = 16) -> str:
        """Hexadecimal digits for SIP tags, branches and the like."""
        return self._hex(length)

    def uuid(self) -> str:
        """A version 4 UUID, as the service's SIP tags are [OBS]."""
        bits = self._rng.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | (0x4 << 76) | (0x2 << 62)
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def ice_ufrag(self) -> str:
        """`HqBApb/u2/3oMrw2`: the cluster stands in the middle [OBS]."""
        return f"{self._base62(6)}/{self._cluster}/{self._base62(6)}"

    def ice_password(self) -> str:
        return self._base62(32)

    def number(self, bits: int) -> int:
        """An unsigned integer of `bits` bits: SSRCs, first sequence numbers, SDP session ids."""
        return self._rng.getrandbits(bits)

    def _base62(self, length: int) -> str:
        start = self._used
        if start + length > DRAWN:
            self._digits, start = self._rng.randbytes(DRAWN).translate(_DIGIT_OF_BYTE).decode("ascii"), 0
        self._used = start + length
        return self._digits[start : self._used]

    def _hex(self, length: int) -> str:
        return f"{self._rng.getrandbits(4 * length):0{length}x}"
