"""Chromium without a window: its microphone is a WAV file, and what its pages hear is kept.

The pages are not touched. Around their `RTCPeerConnection` lies one that is the same and that also keeps each
packet of sound that comes in.
"""

import asyncio
import base64
import contextlib
import hashlib
import socket
import ssl
import wave
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import soxr
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import BrowserContext, Page, async_playwright
from ringback.fixtures import tonecode

PATIENCE = 20.0
"""For what takes less than a second on an idle machine."""
OPUS_RATE = 48000
FLAGS = (
    "--no-sandbox",  # as root, which containers of CI are
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
RECORDER = """
const Native = RTCPeerConnection;
window.peers = [];
window.packets = [];
window.loudest = 0;
window.RTCPeerConnection = class RTCPeerConnection extends Native {
  constructor(options) {
    super({ ...options, encodedInsertableStreams: true });
    window.peers.push(this);
    this.addEventListener("track", async ({ track, receiver }) => {
      const { readable, writable } = receiver.createEncodedStreams();
      const keep = (frame, output) => {
        window.packets.push([frame.getMetadata().rtpTimestamp ?? frame.timestamp, frame.data.slice(0)]);
        output.enqueue(frame);
      };
      readable.pipeThrough(new TransformStream({ transform: keep })).pipeTo(writable).catch(() => {});
      const played = new MediaStreamTrackProcessor({ track: track.clone() }).readable.getReader();
      for (;;) {
        const { value: data, done } = await played.read();
        if (done) return;
        const samples = new Float32Array(data.numberOfFrames);
        data.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
        window.loudest = Math.max(window.loudest, ...samples);
        data.close();
      }
    });
  }
  addTrack(...options) {
    const sender = super.addTrack(...options);
    const { readable, writable } = sender.createEncodedStreams();  // of both ways or of none
    readable.pipeTo(writable).catch(() => {});
    return sender;
  }
};
"""
ARRIVED = """async () => {
  while (window.packets.length < 10) await new Promise((resolve) => setTimeout(resolve, 50));
  return window.packets.splice(0).map(([at, data]) => [at, btoa(String.fromCharCode(...new Uint8Array(data)))]);
}"""


@dataclass
class Ears:
    """What one page has heard so far: its words, from the packets themselves, since a browser stretches and squeezes
    what it plays on a busy machine; and how loud its loudspeaker was, from what it played."""

    page: Page
    texts: list[str] = field(default_factory=list)
    _receiver: tonecode.Receiver = field(default_factory=tonecode.Receiver)
    _decoder: av.AudioCodecContext = field(default_factory=lambda: av.AudioCodecContext.create("opus", "r"))
    _resampler: soxr.ResampleStream = field(
        default_factory=lambda: soxr.ResampleStream(OPUS_RATE, tonecode.SAMPLE_RATE, 1, dtype="float32")
    )
    _next: int | None = None

    async def wait_for(self, text: str) -> None:
        """Until the page has heard that text, to the letter."""
        async with asyncio.timeout(PATIENCE):
            while text not in self.texts:
                for timestamp, encoded in await self.page.evaluate(ARRIVED):
                    self._take(timestamp, base64.b64decode(encoded))

    async def loudest(self) -> float:
        """Of what was played, 0 to 1."""
        return float(await self.page.evaluate("window.loudest"))

    def _take(self, timestamp: int, packet: bytes) -> None:
        if self._next is not None and 0 < (gap := (timestamp - self._next) % (1 << 32)) < OPUS_RATE * PATIENCE:
            self._hear(np.zeros(gap, dtype=np.float32))  # a pause: nothing is sent while nobody speaks
        for frame in self._decoder.decode(av.Packet(packet)):
            sound = frame.to_ndarray()
            self._hear(sound[0] if frame.format.is_planar else sound[0, :: frame.layout.nb_channels])
            self._next = (timestamp + frame.samples) % (1 << 32)

    def _hear(self, sound: npt.NDArray[np.float32]) -> None:
        samples = (self._resampler.resample_chunk(sound.astype(np.float32)).clip(-1, 1) * 32767).astype(np.int16)
        self.texts += [heard.text for heard in self._receiver.feed(samples) if heard.complete]


def microphone(file: Path, *texts: str, lead: float = 2.0, pause: float = 4.0) -> Path:
    """A WAV file in which a caller says these texts in tonecode, with time for answers in between.

    It runs from the moment the page asks for the microphone, before there is a call: hence the silence it begins with.
    """
    silence = np.zeros(int(pause * tonecode.SAMPLE_RATE), dtype=np.int16)
    parts = [np.zeros(int(lead * tonecode.SAMPLE_RATE), dtype=np.int16)]
    for number, text in enumerate(texts):
        parts += [tonecode.encode(text, utterance=number), silence]
    sound = soxr.resample(np.concatenate(parts), tonecode.SAMPLE_RATE, OPUS_RATE)
    with wave.open(str(file), "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(OPUS_RATE)
        output.writeframes(sound.astype("<i2").tobytes())
    return file


@contextlib.asynccontextmanager
async def chromium(
    program: str,
    *,
    microphone: bool = True,
    says: Path | None = None,
    served: Mapping[str, int] | None = None,
    **options: object,
) -> AsyncIterator[BrowserContext]:
    """A browser whose microphone is the file `says`, once through, or a beep.

    `served` are names that it shall look for on ports of this machine, with whatever certificate is shown there.
    `options` are those of a context: `viewport`, `color_scheme`.
    """
    flags = list(FLAGS)
    if microphone:
        flags.append("--use-fake-device-for-media-stream")
    if says is not None:
        flags.append(f"--use-file-for-fake-audio-capture={says}%noloop")
    if served:
        rules = ",".join(f"MAP {name}:443 127.0.0.1:{port}" for name, port in served.items())
        keys = [await asyncio.to_thread(public_key_of, name, port) for name, port in served.items()]
        flags += [f"--host-resolver-rules={rules}", f"--ignore-certificate-errors-spki-list={','.join(keys)}"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=flags)
        try:
            context = await browser.new_context(**options)  # type: ignore[arg-type]
            context.set_default_timeout(PATIENCE * 1000)
            await context.add_init_script(RECORDER)
            yield context
        finally:
            await browser.close()


def public_key_of(name: str, port: int) -> str:
    """The fingerprint of the key that a local server shows for a name, as Chromium wants it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection,
        context.wrap_socket(connection, server_hostname=name) as secured,
    ):
        certificate = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()
