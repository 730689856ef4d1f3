"""RFC 4733 telephone events: the payload, the packets of one digit, and a receiver that hears each digit once."""

from dataclasses import dataclass

from .errors import ProtocolViolation, UsageError

DIGITS = "0123456789*#ABCD"  # RFC 4733 3.2: events 0–15
LONGEST = 0xFFFF  # what the field holds: 8 s, or 1.4 s by the clock of Opus
END_REPEATS = 3  # 2.5.1.4: the last packet is sent three times
VOLUME = 10  # -10 dBm0


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephoneEvent:
    """The four bytes of a telephone-event payload; `duration` in timestamp units."""

    event: int
    is_end: bool
    volume: int
    duration: int

    @classmethod
    def parse(cls, payload: bytes) -> "TelephoneEvent":
        """The first event of a payload. Raises `ProtocolViolation` when it is too short."""
        if len(payload) < 4:
            raise ProtocolViolation(f"a telephone-event payload of {len(payload)} bytes, 4 at least: {payload.hex()}")
        return cls(
            event=payload[0],
            is_end=bool(payload[1] & 0x80),
            volume=payload[1] & 0x3F,
            duration=int.from_bytes(payload[2:4], "big"),
        )

    def to_bytes(self) -> bytes:
        return bytes((self.event, self.is_end << 7 | self.volume)) + self.duration.to_bytes(2, "big")


def event_of(digit: str) -> int:
    """The event number of a digit. Raises `UsageError` on anything that a keypad does not have."""
    number = DIGITS.find(digit.upper()) if len(digit) == 1 else -1
    if number < 0:
        raise UsageError(f"{digit!r} is not a digit of a telephone: {DIGITS}")
    return number


def events_of(digit: str, duration_ms: int, clock_rate: int = 8000) -> list[TelephoneEvent]:
    """What is sent for one digit, one payload each 20 ms, then the end two more times at once."""
    number = event_of(digit)
    frames = max(1, duration_ms // 20)
    step = clock_rate // 50
    steps = [
        TelephoneEvent(event=number, is_end=index == frames, volume=VOLUME, duration=min(index * step, LONGEST))
        for index in range(1, frames + 1)
    ]
    return steps + [steps[-1]] * (END_REPEATS - 1)


class DigitReceiver:
    """Hears each event once: by its timestamp, which all packets of an event share (RFC 4733 2.5.1.2)."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None

    def feed(self, payload: bytes, timestamp: int) -> str | None:
        """The digit, at the first packet of its event that arrives; None for its repetitions and for other events."""
        event = TelephoneEvent.parse(payload)
        if event.event >= len(DIGITS) or (timestamp, event.event) == self._last:
            return None
        self._last = (timestamp, event.event)
        return DIGITS[event.event]
