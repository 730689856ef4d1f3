"""A caller in this process: whole SIP messages and frames of sound from hand to hand, without a socket.

The SIP is the same as over TLS. The sound is the session's own, 20 ms at a time while somebody speaks and until a turn
is over; nothing ticks in between, so that an hour of silence costs nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ..sip.events import Flow
from .hosting import RunningHost
from .rtp_net import Ticker

if TYPE_CHECKING:
    from ..audio.samples import Samples
    from ..rtp.stream import RtpStream

PORT = 9
"""What the SDP says: RFC 863 throws away what is sent there."""


class MemoryCaller(Protocol):
    """The far end of a line. What it is told comes in later turns of the loop, never inside a call of its own."""

    def received(self, data: bytes) -> None:
        """A SIP message."""
        ...

    def lost(self) -> None:
        """The emulator has closed the line."""
        ...

    def heard(self, samples: "Samples") -> None:
        """The next 20 ms."""
        ...


class MemoryLine:
    """One caller's connection; `SipNet.connect` makes one. It carries one call after the other."""

    def __init__(
        self, flow: Flow, caller: MemoryCaller, feed: Callable[[bytes], None], lost: Callable[[], None]
    ) -> None:
        self.flow = flow
        self.media: MemoryMedia | None = None
        self._caller = caller
        self._feed = feed
        self._lost = lost
        self._queued: list[bytes] = []
        self._closes = False
        self._is_open = True
        self._loop = asyncio.get_running_loop()

    # For the caller

    def send(self, data: bytes) -> None:
        """A SIP message to the emulator."""
        self._loop.call_soon(self._deliver, data)

    def speak(self, samples: "Samples", done: Callable[[], None]) -> None:
        """Whole frames of sound, behind what is being said; `done` when the last one has been heard."""
        if self.media is not None:
            self.media.speak(samples, done)

    def hush(self) -> None:
        """Say no more of it."""
        if self.media is not None:
            self.media.hush()

    def press(self, digit: str) -> None:
        """A key."""
        if self.media is not None:
            self.media.press(digit)

    def hang_up(self) -> None:
        """The line is gone, as a connection that broke."""
        if self._is_open:
            self._is_open = False
            self._lost()

    # For `SipNet`, as a connection

    def queue(self, data: bytes, *, close_after: bool) -> None:
        self._queued.append(data)
        self._closes = self._closes or close_after

    def write_queued(self) -> None:
        queued, self._queued = self._queued, []
        for data in queued:
            self._loop.call_soon(self._caller.received, data)
        if self._closes:
            self.close()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._loop.call_soon(self._caller.lost)
            self._loop.call_soon(self._lost)

    abort = close

    def _deliver(self, data: bytes) -> None:
        if self._is_open:
            self._feed(data)

    def sounds(self, samples: "Samples") -> None:
        """For `MemoryMedia`: the caller hears it."""
        self._loop.call_soon(self._caller.heard, samples)


class MemoryMedia:
    """The sound of one call on a line, in place of a `MediaLeg`."""

    def __init__(
        self, line: MemoryLine, ticker: Ticker, now: Callable[[], float], on_bug: Callable[[Exception], None]
    ) -> None:
        self.port = PORT
        self._line = line
        self._ticker = ticker
        self._now = now
        self._on_bug = on_bug
        self._host: RunningHost | None = None
        self._on_digit: Callable[[str], None] | None = None
        self._said: deque[tuple[Samples, Callable[[], None] | None]] = deque()
        self._is_ticking = False
        self._frames = {"received": 0, "sent": 0}
        self.stream: RtpStream | None = None

    # The life of a call's media

    def start(self, stream: "RtpStream", host: RunningHost, on_digit: Callable[[str], None]) -> None:
        """`stream` knows what was agreed on; not a packet goes through it."""
        self.stream, self._host, self._on_digit = stream, host, on_digit
        self._line.media = self
        host.on_speaking = self._wake
        if host.host.speaking:
            self._wake()

    def close(self) -> dict[str, object]:
        """Stop, and say how much was heard and said, in frames."""
        self._ticker.remove(self)
        self._line.media = None
        if self._host is not None:
            self._host.on_speaking = None
        for _, done in self._said:
            if done is not None:
                done()
        self._said.clear()
        return dict(self._frames)

    # From the caller

    def speak(self, samples: "Samples", done: Callable[[], None]) -> None:
        frames = [samples[start : start + 160] for start in range(0, len(samples), 160)]
        self._said.extend((frame, None) for frame in frames[:-1])
        self._said.append((frames[-1], done))
        self._wake()

    def hush(self) -> None:
        for _, done in self._said:
            if done is not None:
                done()
        self._said.clear()

    def press(self, digit: str) -> None:
        if self._host is None or self._on_digit is None:
            return
        self._on_digit(digit)
        self._host.host.receive_dtmf(digit, self._now())
        self._host.pump()

    # Private

    def _wake(self) -> None:
        if not self._is_ticking:
            self._is_ticking = True
            self._ticker.add(self, self._tick)

    def _tick(self, now: float) -> None:
        try:
            self._exchange(now)
        except Exception as error:  # noqa: BLE001 — one call's bug must not end its neighbours
            self._on_bug(error)

    def _exchange(self, now: float) -> None:
        from ..audio.samples import SILENCE

        assert self._host is not None
        session = self._host.host
        if (play := session.read_audio(now)) is not None:
            self._frames["sent"] += 1
            self._line.sounds(play)
        done = None
        if self._said:
            frame, done = self._said.popleft()
            self._frames["received"] += 1
            session.receive_audio(frame, now)
        elif session.hears_speech:
            session.receive_audio(SILENCE, now)
        self._host.pump()
        if done is not None:
            done()
        if not (self._said or session.hears_speech or session.speaking):
            self._ticker.remove(self)
            self._is_ticking = False
