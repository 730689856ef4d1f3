"""Chromium without a window: its microphone is a WAV file, and what its pages hear is kept.

The pages are not touched. Around their `RTCPeerConnection` lies one that is the same and that also records, sample by
sample, each track that comes in.
"""

import base64
import contextlib
import hashlib
import ssl
import wave
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import BrowserContext, Page, async_playwright
from ringback.fixtures import tonecode

PATIENCE = 20.0
"""For what takes less than a second on an idle machine."""
MICROPHONE_RATE = 48000
LEAD = 2.0
"""Seconds of silence that a microphone begins with: it runs from the moment it is asked for, before there is a call."""
FLAGS = (
    "--no-sandbox",  # as root, which containers of CI are
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
RECORDER = """
const Native = RTCPeerConnection;
window.heard = [];
window.peers = [];
window.RTCPeerConnection = class RTCPeerConnection extends Native {
  constructor(...options) {
    super(...options);
    window.peers.push(this);
    this.addEventListener("track", async ({ track }) => {
      const reader = new MediaStreamTrackProcessor({ track: track.clone() }).readable.getReader();
      for (;;) {
        const { value: data, done } = await reader.read();
        if (done) return;
        const samples = new Float32Array(data.numberOfFrames);
        data.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
        window.heard.push({ rate: data.sampleRate, samples });
        data.close();
      }
    });
  }
};
"""
HEARD = """() => window.heard.splice(0).map(({ rate, samples }) =>
  [rate, btoa(String.fromCharCode(...new Uint8Array(samples.buffer)))])"""


@dataclass
class Ears:
    """What one page has heard so far."""

    page: Page
    _receiver: tonecode.Receiver = field(default_factory=tonecode.Receiver)
    _resampler: soxr.ResampleStream | None = None
    texts: list[str] = field(default_factory=list)
    loudest: int = 0

    async def listen(self) -> None:
        """Take in what came since the last time."""
        for rate, text in await self.page.evaluate(HEARD):
            if self._resampler is None:
                self._resampler = soxr.ResampleStream(rate, tonecode.SAMPLE_RATE, 1, dtype="float32")
            sound = np.frombuffer(base64.b64decode(text), dtype=np.float32)
            samples = (self._resampler.resample_chunk(sound).clip(-1, 1) * 32767).astype(np.int16)
            self.loudest = max(self.loudest, int(np.abs(samples.astype(np.int32)).max(initial=0)))
            self.texts += [heard.text for heard in self._receiver.feed(samples) if heard.complete]

    async def wait_for(self, text: str) -> None:
        """Until the page has heard that text, to the letter."""
        while text not in self.texts:
            await self.page.wait_for_function("window.heard.length > 10", timeout=PATIENCE * 1000)
            await self.listen()


def microphone(file: Path, *texts: str, pause: float = 4.0) -> Path:
    """A WAV file in which a caller says these texts in tonecode, with time for answers in between."""
    silence = np.zeros(int(pause * tonecode.SAMPLE_RATE), dtype=np.int16)
    parts = [np.zeros(int(LEAD * tonecode.SAMPLE_RATE), dtype=np.int16)]
    for number, text in enumerate(texts):
        parts += [tonecode.encode(text, utterance=number), silence]
    sound = soxr.resample(np.concatenate(parts), tonecode.SAMPLE_RATE, MICROPHONE_RATE)
    with wave.open(str(file), "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(MICROPHONE_RATE)
        output.writeframes(sound.astype("<i2").tobytes())
    return file


@contextlib.asynccontextmanager
async def chromium(
    program: str, *, says: Path | None = None, served: Mapping[str, int] | None = None, **options: object
) -> AsyncIterator[BrowserContext]:
    """A browser whose microphone is the file `says`, once through.

    `served` are names that it shall look for on ports of this machine, with whatever certificate is shown there.
    `options` are those of a context: `viewport`, `color_scheme`.
    """
    flags = list(FLAGS)
    if says is not None:
        flags.append(f"--use-file-for-fake-audio-capture={says}%noloop")
    if served:
        rules = ",".join(f"MAP {name}:443 127.0.0.1:{port}" for name, port in served.items())
        trusted = ",".join(public_key_of(name, port) for name, port in served.items())
        flags += [f"--host-resolver-rules={rules}", f"--ignore-certificate-errors-spki-list={trusted}"]
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
    import socket

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection,
        context.wrap_socket(connection, server_hostname=name) as secured,
    ):
        certificate = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()
