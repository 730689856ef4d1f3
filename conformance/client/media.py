"""The sound of one call on asyncio: a UDP socket, a frame each 20 ms by absolute deadlines, and what was heard."""

import asyncio
import wave
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from ringback.fixtures import tonecode

from .ear import Ear
from .errors import CallEnded, UsageError
from .g711 import SAMPLE_RATE, Samples
from .rtp import SILENCE, Pacer, RtpReceiver, RtpSender
from .sdp import AudioAnswer
from .srtp import KeyRing, Srtp

if TYPE_CHECKING:
    from collections.abc import Sequence

STALLED = 0.2  # seconds without a packet after which nothing waits any more for one that was overtaken
PAUSED = 1.0  # … after which a listener takes the stream for ended: a busy machine may stall for less
DIGIT_MS = 100  # ITU-T Q.24: 40 ms at least
DIGIT_GAP = SILENCE.repeat(3)  # 60 ms between digits: Q.24 wants 40


def read_wav(path: str | Path) -> Samples:
    """A WAV file of 16-bit samples as 8 kHz mono. Raises `UsageError` when it can't be read."""
    try:
        with open(path, "rb") as raw, wave.open(raw, "rb") as file:
            if file.getsampwidth() != 2:
                raise UsageError(f"{path} has {8 * file.getsampwidth()}-bit samples, 16 are wanted")
            samples: Samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16)
            channels, rate = file.getnchannels(), file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise UsageError(f"can't read the WAV file {path}: {error}") from error
    if channels > 1:
        samples = samples.reshape(-1, channels).astype(np.int32).mean(axis=1).astype(np.int16)
    if rate != SAMPLE_RATE:
        import soxr

        samples = np.asarray(soxr.resample(samples, rate, SAMPLE_RATE), dtype=np.int16)
    return samples


def write_wav(path: str | Path, samples: Samples) -> None:
    """8 kHz mono, 16 bits. Raises `UsageError` when it can't be written."""
    try:
        with open(path, "wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(samples.astype("<i2").tobytes())
    except OSError as error:
        raise UsageError(f"can't write the WAV file {path}: {error}") from error


class MediaSession(asyncio.DatagramProtocol):
    """One call's RTP. Open it before the offer, `start` it with the answer, `stop` it at the end.

    `changed` is called after everything that a waiter could wait for. `impairs` is the network: what
    it makes of each of our packets; `is_muted` loses them all.
    """

    def __init__(self, *, rng: Random, changed: Callable[[], None]) -> None:
        self._rng = rng
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._pacer: Pacer | None = None
        self._sender: RtpSender | None = None
        self._receiver: RtpReceiver | None = None
        self._remote: tuple[str, int] | None = None
        self._unfinished: set[asyncio.Future[None]] = set()
        self._srtp: Srtp | None = None
        self.keys = KeyRing((), rng)
        self.unauthentic = 0
        """Datagrams that were not the far end's, or not for this call's keys."""
        self.port = 0
        self.ear = Ear(changed)
        self._last_arrival = 0.0
        self._utterances = 0
        self.early: list[tuple[bytes, tuple[str, int]]] = []
        self.digits: list[str] = []
        self.is_muted = False
        self.sends_plain = False
        """Sends RTP as if there were no keys, for far ends to be tried with it."""
        self.impairs: Callable[[bytes], Sequence[bytes]] = lambda packet: (packet,)

    # -- life

    @classmethod
    async def open(
        cls, host: str, *, port_range: tuple[int, int] | None, rng: Random, changed: Callable[[], None]
    ) -> "MediaSession":
        """Bind a socket, in the range if one is given. Raises `UsageError` when no port is free."""
        session = cls(rng=rng, changed=changed)
        ports: Sequence[int] = (0,) if port_range is None else range(port_range[0], port_range[1] + 1, 2)
        problem: OSError | None = None
        for port in ports:
            try:
                transport, _ = await session._loop.create_datagram_endpoint(lambda: session, local_addr=(host, port))
            except OSError as error:
                problem = error
            else:
                session._transport = transport
                session.port = int(transport.get_extra_info("sockname")[1])
                return session
        raise UsageError(f"no free RTP port at {host} in {port_range or 'any range'}: {problem}")

    def start(self, answer: AudioAnswer) -> None:
        """Begin to send, silence first. A second answer (of a re-INVITE) moves the far end, changes codec and keys.

        Raises `ProtocolViolation` when its key belongs to no line of our offer.
        """
        self._srtp = self.keys.agree(answer.crypto)
        self._remote = (answer.address, answer.port)
        events = frozenset(() if answer.dtmf_payload_type is None else (answer.dtmf_payload_type,))
        if self._sender is not None and self._receiver is not None:
            self._sender.change(answer.codec, answer.payload_type, answer.dtmf_payload_type)
            self._receiver.expect(dict(answer.codecs), events)
            return
        self._sender = RtpSender(
            codec=answer.codec,
            payload_type=answer.payload_type,
            dtmf_payload_type=answer.dtmf_payload_type,
            ssrc=self._rng.getrandbits(32),
            sequence=self._rng.getrandbits(15),  # RFC 3550 5.1: random; below 2**15 it does not wrap in a short call
            timestamp=self._rng.getrandbits(32),
        )
        self._receiver = RtpReceiver(payload_types=dict(answer.codecs), dtmf_payload_types=events)
        for data, source in self.early:
            self._arrived(data, source)
        self.early.clear()
        self._pacer = Pacer(self._loop.time())
        self._last_arrival = self._loop.time()
        self._tick()

    def stop(self) -> None:
        """The end: nothing is sent any more; who waits for a sentence to have been said gets `CallEnded`."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = None
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        if self._receiver is not None:
            self._take(*self._receiver.flush())
            self.ear.flush()
        for done in self._unfinished:
            if not done.done():
                done.set_exception(CallEnded("the call ended before everything was played"))
        self._unfinished.clear()
        self._changed()

    # -- what is said

    async def say(self, text: str) -> None:
        """Say a text as tonecode; return when its last frame has been sent."""
        samples = tonecode.encode(text, utterance=self._utterances % 8)
        self._utterances += 1
        await self.play(samples)

    async def play(self, sound: "Samples | str | Path") -> None:
        """Play samples at 8 kHz or a WAV file; return when the last frame has been sent."""
        samples = read_wav(sound) if isinstance(sound, str | Path) else np.asarray(sound, dtype=np.int16)
        done: asyncio.Future[None] = self._loop.create_future()
        self._sending().play(samples, lambda: resolve(done))
        await self._finished(done)

    async def press(self, digits: str, *, duration_ms: int = DIGIT_MS) -> None:
        """Press keys one after the other; return when the last one was released. `,` pauses for half a second."""
        sender = self._sending()
        if sender.dtmf_payload_type is None:
            raise UsageError("no telephone-event was negotiated, so no key can be pressed")
        done: asyncio.Future[None] = self._loop.create_future()
        for digit in digits:
            if digit == ",":
                sender.play(np.zeros(SAMPLE_RATE // 2, dtype=np.int16), lambda: None)
                continue
            sender.press(digit, duration_ms, lambda: None)
            sender.play(DIGIT_GAP, lambda: None)
        sender.play(SILENCE, lambda: resolve(done))
        await self._finished(done)

    def stop_playing(self) -> None:
        """Fall silent at once; who waits for the end of a sentence goes on."""
        self._sending().clear()

    # -- what was heard

    @property
    def recording(self) -> Samples:
        """Everything heard since the first packet, losses as silence."""
        return self.ear.recording

    @property
    def quiet_seconds(self) -> float:
        """How long the far end has made no sound by now; since the answer when it never has."""
        return self.ear.quiet_seconds

    @property
    def hearings(self) -> "list[tonecode.Heard]":
        return self.ear.hearings

    @property
    def receiver(self) -> RtpReceiver | None:
        """Packets, losses and violations of the far end's stream; None before the answer."""
        return self._receiver

    @property
    def sender(self) -> RtpSender | None:
        return self._sender

    @property
    def stalls(self) -> int:
        """How often this machine was so slow to send that a listener hears it."""
        return 0 if self._pacer is None else self._pacer.stalls

    @property
    def slips(self) -> int:
        """Frames of 20 ms that this machine was too slow to send in time."""
        return 0 if self._pacer is None else self._pacer.slips

    # -- asyncio

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        if self._receiver is None:
            self.early.append((data, source[:2]))  # media may be faster than the 200 that announces it
            return
        self._arrived(data, source[:2])

    def error_received(self, error: Exception) -> None:
        """ICMP says that nobody listens over there (any more): RTP carries on, the dialog decides (RFC 3264 5.1)."""

    # -- private

    def _sending(self) -> RtpSender:
        if self._sender is None or self._handle is None:
            raise UsageError("nothing can be said before the call is answered or after its end")
        return self._sender

    async def _finished(self, done: asyncio.Future[None]) -> None:
        self._unfinished.add(done)
        try:
            await done
        finally:
            self._unfinished.discard(done)

    def _tick(self) -> None:
        assert self._pacer is not None
        assert self._sender is not None
        now = self._loop.time()
        for _ in range(self._pacer.due(now)):
            for packet in self._sender.next_packets():
                if not self.is_muted:
                    self._send(*self.impairs(self._protected(packet)))
        self._notice_pause(now)
        self._handle = self._loop.call_at(self._pacer.next_deadline(), self._tick)

    def _protected(self, packet: bytes) -> bytes:
        return packet if self._srtp is None or self.sends_plain else self._srtp.protect(packet)

    def _send(self, *packets: bytes) -> None:
        for packet in packets:
            if self._transport is not None:
                self._transport.sendto(packet, self._remote)

    def _notice_pause(self, now: float) -> None:
        pause = now - self._last_arrival
        if self._receiver is None or pause < STALLED:
            return
        if self._receiver.is_waiting:
            self._take(*self._receiver.flush())
        if pause < PAUSED:
            return
        # Somebody who stops sending in the middle of a word is silent to a listener.
        self.ear.miss(SILENCE)
        self._changed()

    def _arrived(self, data: bytes, source: tuple[str, int]) -> None:
        assert self._receiver is not None
        self._last_arrival = self._loop.time()
        if self._srtp is not None:
            plain = self._srtp.unprotect(data)
            if plain is None:
                self.unauthentic += 1
                return
            data = plain
        self._take(*self._receiver.feed(data, source, self._last_arrival))

    def _take(self, sounds: list[Samples], digits: list[str]) -> None:
        for samples in sounds:
            self.ear.hear(samples)
        self.digits += digits
        if sounds or digits:
            self._changed()


def resolve(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
