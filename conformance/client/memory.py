"""A phone's line into a server of the same process: messages and frames of sound from hand to hand.

The server gives the line; whoever knows both joins them (`targets/embedded.py`). Text is said in wirecode.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Protocol

import numpy as np
from ringback.fixtures import wirecode

from .ear import Ear
from .errors import ConnectionFailed, UsageError
from .g711 import SAMPLE_RATE, Samples
from .media import DIGIT_MS, MediaSession, read_wav, resolve
from .phone import Phone
from .rtp import SILENCE
from .sdp import AudioAnswer
from .sip_transport import Link, LinkUser

PORT = 9
"""In the offer; nothing is sent there (RFC 863)."""
ADDRESS = ("127.0.0.1", 5061)
QUIET_FOR = 1.0
"""So long after the last sound whoever waits for quiet is woken each 20 ms."""
FRAME_SECONDS = 0.02
BROKEN_OFF = 0.5
"""So long without a frame, and what was being said has broken off. A busy machine hands frames over late, and loses
none."""


class Line(Protocol):
    """What a server gives for each caller."""

    def send(self, data: bytes) -> None: ...
    def speak(self, samples: Samples, done: Callable[[], None]) -> None: ...
    def hush(self) -> None: ...
    def press(self, digit: str) -> None: ...
    def hang_up(self) -> None: ...


class Caller(Protocol):
    """What a server tells of a line."""

    def received(self, data: bytes) -> None: ...
    def lost(self) -> None: ...
    def heard(self, samples: Samples) -> None: ...


OpenLine = Callable[[Caller], Line]


class MemoryEnd:
    """The phone's end of one line: a link for its messages, and the sound of the call that is on it."""

    def __init__(self, open_line: OpenLine, user: LinkUser) -> None:
        self.line = open_line(self)
        self.link = Link("tls", ADDRESS, ADDRESS, self.line.send, self.line.hang_up)
        self.media: MemoryMedia | None = None
        self._user = user

    def received(self, data: bytes) -> None:
        if self.link.is_open:
            self._user.message_arrived(self.link, data)

    def lost(self) -> None:
        if self.link.is_open:
            self.link.is_open = False
            self._user.link_failed(self.link, ConnectionFailed("the far end closed the line"))

    def heard(self, samples: Samples) -> None:
        if self.media is not None:
            self.media.heard(samples)


class MemoryEar(Ear):
    """An ear on a stream that is only there while somebody speaks: quiet is time, not samples."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(changed, wirecode.Receiver())
        self._loop = asyncio.get_running_loop()
        self._sounded_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._ticks = 0

    @property
    def quiet_seconds(self) -> float:
        return self._loop.time() - self._sounded_at

    def listen(self, samples: Samples) -> None:
        """The next 20 ms."""
        self.hear(samples)
        self.start()
        self._changed()

    def start(self) -> None:
        """From now on it is quiet, until something comes. Whoever waits for quiet is woken for a while."""
        self._sounded_at = self._loop.time()
        self._ticks = round(QUIET_FOR / FRAME_SECONDS)
        self._wait()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ticks = 0

    def _tick(self) -> None:
        self._timer = None
        self._ticks -= 1
        if self.quiet_seconds > BROKEN_OFF:
            self.miss(SILENCE)
        self._changed()
        self._wait()

    def _wait(self) -> None:
        if self._timer is None and self._ticks > 0:
            self._timer = self._loop.call_later(FRAME_SECONDS, self._tick)


class MemoryMedia(MediaSession):
    """The sound of one call on a line, without a socket."""

    ear: MemoryEar

    def __init__(self, end: MemoryEnd, *, rng: Random, changed: Callable[[], None]) -> None:
        super().__init__(rng=rng, changed=changed)
        self._end = end
        self.port = PORT
        self.ear = MemoryEar(changed)

    def start(self, answer: AudioAnswer) -> None:
        if self._end.media is not self:
            self._end.media = self
            self.ear.start()

    def stop(self) -> None:
        if self._end.media is self:
            self._end.media = None
        self.ear.stop()
        super().stop()

    def heard(self, samples: Samples) -> None:
        self.ear.listen(samples)

    async def say(self, text: str) -> None:
        """Say a text as wirecode; return when its last frame was heard."""
        samples = wirecode.encode(text, utterance=self._utterances)
        self._utterances += 1
        await self.play(samples)

    async def play(self, sound: "Samples | str | Path") -> None:
        """Samples at 8 kHz or a WAV file; return when the last frame was heard."""
        self._check()
        samples = read_wav(sound) if isinstance(sound, str | Path) else np.asarray(sound, dtype=np.int16)
        rest = np.zeros(-len(samples) % wirecode.FRAME, dtype=np.int16)
        done: asyncio.Future[None] = self._loop.create_future()
        self._end.line.speak(np.concatenate((samples, rest)), lambda: resolve(done))
        await self._finished(done)

    async def press(self, digits: str, *, duration_ms: int = DIGIT_MS) -> None:
        """Press keys one after the other; `,` pauses for half a second."""
        self._check()
        for digit in digits:
            if digit == ",":
                await self.play(np.zeros(SAMPLE_RATE // 2, dtype=np.int16))
            else:
                self._end.line.press(digit)
                await asyncio.sleep(duration_ms / 1000)

    def stop_playing(self) -> None:
        self._end.line.hush()

    def _check(self) -> None:
        if self._end.media is not self:
            raise UsageError("nothing can be said before the call is answered or after its end")


class MemoryPhone(Phone):
    """A phone on a line instead of a network. It has one call at a time."""

    def __init__(self, open_line: OpenLine, *, rng: Random | None = None, user: str = "phone") -> None:
        super().__init__(transport="tls", bind=ADDRESS[0], rng=rng, user=user)
        self._open_line = open_line
        self._end: MemoryEnd | None = None

    async def link_to(self, uri: str) -> Link:
        if self._end is None or not self._end.link.is_open:
            self._end = MemoryEnd(self._open_line, self)
            self._links[self._end.link.id] = self._end.link
        return self._end.link

    async def open_media(self, link: Link, changed: Callable[[], None]) -> MediaSession:
        assert self._end is not None
        return MemoryMedia(self._end, rng=self._rng, changed=changed)
