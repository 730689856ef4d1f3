"""The sound of a WebRTC call: a microphone that says what it is told, and a speaker that listens."""

import asyncio
import fractions
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiortc.codecs import get_encoder
from aiortc.codecs.base import Encoder
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from ringback.fixtures import tonecode

from .codecs import frame_of
from .ear import Ear
from .errors import CallEnded, UsageError
from .g711 import SAMPLE_RATE, Samples
from .media import PAUSED, read_wav
from .rtp import SILENCE, Pacer

FRAME = len(SILENCE)


@dataclass(slots=True, kw_only=True)
class _Sound:
    samples: Samples
    done: "asyncio.Future[None]"
    position: int = 0


class Microphone(MediaStreamTrack):
    """A frame of 20 ms each, by absolute deadlines, silence where nothing is said; as browsers do, muted ones too.

    `on_frame` is called with the time of the loop at each. With `encodes` it encodes itself, where aiortc would ask a
    thread for each frame, and be late on a busy machine.
    """

    kind = "audio"

    def __init__(self, on_frame: Callable[[float], None]) -> None:
        super().__init__()
        self._on_frame = on_frame
        self._running = asyncio.get_running_loop()
        self._pacer: Pacer | None = None
        self._due = 0
        self._timestamp = 0
        self._utterances = 0
        self._sounds: deque[_Sound] = deque()
        self._encoder: Encoder | None = None
        self._packets: deque[av.Packet[Any]] = deque()
        self.is_muted = False

    @property
    def stalls(self) -> int:
        """How often this machine was so slow to send that a listener hears it."""
        return 0 if self._pacer is None else self._pacer.stalls

    def encodes(self, codec: RTCRtpCodecParameters) -> None:
        """Say everything in that codec."""
        self._encoder = get_encoder(codec)
        self._clock_rate = codec.clockRate

    async def recv(self) -> "av.AudioFrame | av.Packet[Any]":
        """What aiortc asks for: the next frame, when it is due."""
        while not self._packets:
            frame = await self._next_frame()
            if self._encoder is None:
                return frame
            self._encode(self._encoder, frame)
        return self._packets.popleft()

    async def _next_frame(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        if self._pacer is None:
            self._pacer = Pacer(self._running.time())
        while self._due == 0:
            self._due = self._pacer.due(self._running.time())
            if self._due == 0:
                await asyncio.sleep(self._pacer.next_deadline() - self._running.time())
        self._due -= 1
        self._on_frame(self._running.time())
        samples = self._next()
        frame = frame_of(SILENCE if self.is_muted else samples, self._timestamp)
        self._timestamp += FRAME
        return frame

    async def say(self, text: str) -> None:
        """Say a text as tonecode; return when its last frame has been sent."""
        samples = tonecode.encode(text, utterance=self._utterances)
        self._utterances += 1
        await self.play(samples)

    async def play(self, sound: "Samples | str | Path") -> None:
        """Play samples at 8 kHz or a WAV file; return when the last frame has been sent."""
        if self.readyState != "live":
            raise UsageError("nothing can be said after the end of the call")
        samples = read_wav(sound) if isinstance(sound, str | Path) else np.asarray(sound, dtype=np.int16)
        done: asyncio.Future[None] = self._running.create_future()
        self._sounds.append(_Sound(samples=samples, done=done))
        await done

    def stop_playing(self) -> None:
        """Fall silent at once; who waits for the end of a sentence goes on."""
        while self._sounds:
            _finish(self._sounds.popleft())

    def stop(self) -> None:
        super().stop()
        for sound in self._sounds:
            if not sound.done.done():
                sound.done.set_exception(CallEnded("the call ended before everything was played"))
        self._sounds.clear()

    def _encode(self, encoder: Encoder, frame: av.AudioFrame) -> None:
        payloads, timestamp = encoder.encode(frame)
        for place, payload in enumerate(payloads):
            packet: av.Packet[Any] = av.Packet(payload)
            packet.pts = timestamp + place * self._clock_rate // 50
            packet.time_base = fractions.Fraction(1, self._clock_rate)
            self._packets.append(packet)

    def _next(self) -> Samples:
        if not self._sounds:
            return SILENCE
        sound = self._sounds[0]
        samples = sound.samples[sound.position : sound.position + FRAME]
        sound.position += FRAME
        if sound.position >= len(sound.samples):
            _finish(self._sounds.popleft())
        return np.concatenate((samples, SILENCE[len(samples) :]))


def _finish(sound: _Sound) -> None:
    if not sound.done.done():
        sound.done.set_result(None)


class Speaker:
    """Listens to a far end's track until it ends. `watch_pause` says what time it is: a stream may pause, too."""

    def __init__(self, ear: Ear, changed: Callable[[], None]) -> None:
        self._ear = ear
        self._changed = changed
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        self._last_arrival: float | None = None
        self.frames = 0

    async def listen(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, av.AudioFrame)  # of an audio track
            self._last_arrival = loop.time()
            self.frames += 1
            for part in self._resampler.resample(frame):
                self._ear.hear(part.to_ndarray().reshape(-1).astype(np.int16))
            self._changed()

    def watch_pause(self, now: float) -> None:
        """Somebody who stops sending in the middle of a word is silent to a listener."""
        if self._last_arrival is None or now - self._last_arrival >= PAUSED:
            self._ear.miss(SILENCE)
            self._changed()
