"""What 20 ms of media cost, in microseconds: `python tests/benchmarks/bench_media.py [runs]`. Medians over the runs.

Not collected by pytest: a figure is not a verdict. Compare ratios rather than figures, machines differ.
"""

import random
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import numpy as np
from ringback.emulator.audio.codecs import make_codec
from ringback.emulator.audio.g711 import CODECS
from ringback.emulator.audio.resample import Resampler
from ringback.emulator.audio.samples import Samples
from ringback.emulator.audio.vad import VoiceActivity
from ringback.emulator.ids import Ids
from ringback.emulator.rtp.jitter import JitterBuffer
from ringback.emulator.rtp.packet import RtpPacket
from ringback.emulator.rtp.srtp import MediaKeys, Srtp
from ringback.emulator.rtp.stream import RtpStream

FRAMES = 5000
PEER = ("192.0.2.1", 4000)
FRAME: Samples = (8000 * np.sin(np.arange(160) * 0.3)).astype(np.int16)
FRAME_24K: Samples = (8000 * np.sin(np.arange(480) * 0.1)).astype(np.int16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """What offer and answer agree on."""

    codec: str = "PCMU"
    payload_type: int = 0
    dtmf_payload_type: int | None = 101
    ptime_ms: int = 20
    remote_address: str = PEER[0]
    remote_port: int = PEER[1]
    rtcp_port: int = PEER[1] + 1
    own_payload_types: None = None
    sends: bool = True
    receives: bool = True


def repeated(step: Callable[..., object], *arguments: object) -> Callable[[], None]:
    def run() -> None:
        for _ in range(FRAMES):
            step(*arguments)

    return run


def stream(codec: str = "PCMU", keys: MediaKeys | None = None) -> Callable[[], None]:
    """One leg's whole 20 ms: a packet received, a frame heard, a frame played, a packet to send."""
    leg = RtpStream(Audio(codec=codec), ids=Ids(random.Random(1)), now=0.0, keys=keys)
    peer = make_codec(codec)
    step = 160 * peer.clock_factor
    payloads = [peer.encode(FRAME) for _ in range(FRAMES)]
    datagrams = [RtpPacket(0, n & 0xFFFF, step * n, 7, payload).to_bytes() for n, payload in enumerate(payloads)]
    if keys is not None:
        writer = Srtp(keys)
        datagrams = [writer.protect(data) for data in datagrams]

    def run() -> None:
        for index, data in enumerate(datagrams):
            now = index * 0.02
            leg.receive_datagram(data, PEER, now)
            leg.tick(FRAME, now)
            leg.data_to_send()
            leg.rtcp_to_send(now)

    return run


def jitter() -> Callable[[], None]:
    buffer = JitterBuffer()

    def run() -> None:
        for index in range(FRAMES):
            buffer.put(160 * index, FRAME)
            buffer.get()

    return run


def cases() -> Iterator[tuple[str, Callable[[], Callable[[], None]]]]:
    """`(name, prepare)`: each run is prepared anew, untimed."""
    for name, codec in CODECS.items():
        yield f"g711 {name} encode", partial(repeated, codec.encode, FRAME)
        yield f"g711 {name} decode", partial(repeated, codec.decode, codec.encode(FRAME))
    packet = RtpPacket(0, 1, 2, 3, bytes(160))
    yield "rtp pack", partial(repeated, packet.to_bytes)
    yield "rtp parse", partial(repeated, RtpPacket.parse, packet.to_bytes())
    yield "jitter buffer put + get", jitter
    yield "stream receive + tick + send", stream
    for suite in ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"):
        keys = MediaKeys(suite=suite, ours=bytes(30), theirs=bytes(30))
        yield f"… with SRTP, {suite[-7:]}", partial(stream, "PCMU", keys)
    for name in ("G722", "opus"):
        yield f"… with {name}", partial(stream, name)
    yield "vad", lambda: repeated(VoiceActivity().feed, FRAME)
    yield "resample 8 -> 24 kHz", lambda: repeated(Resampler(8000, 24000).process, FRAME)
    yield "resample 24 -> 8 kHz", lambda: repeated(Resampler(24000, 8000).process, FRAME_24K)


def main() -> None:
    runs = max(5, int(sys.argv[1])) if len(sys.argv) > 1 else 5
    for name, prepare in cases():
        figures = []
        for _ in range(runs):
            run = prepare()
            begin = perf_counter()
            run()
            figures.append((perf_counter() - begin) / FRAMES * 1e6)
        print(f"{name:32} {statistics.median(figures):7.2f} µs/frame  (min {min(figures):.2f}, max {max(figures):.2f})")


if __name__ == "__main__":
    main()
