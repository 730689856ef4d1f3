"""WebRTC calls: from the POST to connected, and the gaps between packets while many play at once on one core.

`python tests/benchmarks/bench_webrtc.py [calls]`; the server has core 0, its callers core 1.
"""

import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from machine import describe, spread
from ringback.conformance.client import RestClient
from ringback.conformance.client.webrtc import WebRtcCall
from ringback.emulator.config import Settings
from ringback.emulator.server import Emulator

CALLS = 15
CONNECTS = 11
SECONDS = 8.0
LONG = "say exactly '" + " ".join(["one two three four five six seven"] * 6) + "'"
PAUSE = 0.4
"""A longer gap is one between two utterances."""


def serve(ready: Any, stop: Any, results: Any) -> None:
    """In a process of its own."""
    os.sched_setaffinity(0, {0})
    asyncio.run(_serve(ready, stop, results))


async def _serve(ready: Any, stop: Any, results: Any) -> None:
    settings = Settings(http_port=0, https_port=0, sip_tls_port=0, sip_tcp_port=0, sip_udp_port=0)
    async with Emulator(settings) as emulator:
        from ringback.emulator.transports.webrtc import Peer

        sent: dict[int, list[float]] = {}
        send: Callable[[Peer, bytes], None] = Peer.send_rtp

        def timed(peer: Peer, data: bytes) -> None:
            sent.setdefault(id(peer), []).append(time.perf_counter())
            send(peer, data)

        Peer.send_rtp = timed  # type: ignore[method-assign]
        ready.put((emulator.ready.base_url, emulator.ready.api_key))
        await asyncio.to_thread(stop.wait)
        busy, started = time.process_time(), time.perf_counter()
        stop.clear()
        await asyncio.to_thread(stop.wait)
        share = (time.process_time() - busy) / (time.perf_counter() - started)
        gaps = [after - before for times in sent.values() for before, after in pairwise(times)]
        results.put((share, sorted(gap for gap in gaps if gap < PAUSE)))


async def connect(rest: RestClient) -> tuple[WebRtcCall, float]:
    """A call, and how long it took from the POST on."""
    call = WebRtcCall(address="127.0.0.1")
    offer = await call.offer()
    started = time.perf_counter()
    await call.connect(await rest.create_call(offer, session={"type": "realtime"}))
    return call, time.perf_counter() - started


async def load(url: str, key: str, count: int, stop: Any) -> list[float]:
    async with RestClient(url, key) as rest:
        took = []
        for _ in range(CONNECTS):
            call, seconds = await connect(rest)
            took.append(seconds)
            await call.hang_up()
        calls = [(await connect(rest))[0] for _ in range(count)]
        stop.set()
        for call in calls:
            await call.events.send({"type": "response.create", "response": {"instructions": LONG}})
        await asyncio.sleep(SECONDS)
        stop.set()
        for call in calls:
            await call.hang_up()
        return took[1:]  # the first one waits for the imports


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Seconds, smallest, median and largest of them; `share` is of a core."""

    calls: int
    connected: tuple[float, float, float]
    median: float
    p99: float
    longest: float
    share: float


def measure(count: int = CALLS) -> Found:
    """With a server of its own; this process stays on core 1 meanwhile."""
    context = multiprocessing.get_context("spawn")
    ready, results, stop = context.Queue(), context.Queue(), context.Event()
    server = context.Process(target=serve, args=(ready, stop, results))
    server.start()
    url, key = ready.get()
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {1})
    took = asyncio.run(load(url, key, count, stop))
    share, gaps = results.get()
    server.join()
    os.sched_setaffinity(0, everywhere)
    return Found(
        calls=count,
        connected=spread(took),
        median=gaps[len(gaps) // 2],
        p99=gaps[len(gaps) * 99 // 100],
        longest=gaps[-1],
        share=share,
    )


if __name__ == "__main__":
    print(describe())
    found = measure(int(sys.argv[1]) if sys.argv[1:] else CALLS)
    least, median, most = (1000 * value for value in found.connected)
    print(f"POST to connected: {median:.0f} ms ({least:.0f} to {most:.0f}), target ≤ 60 ms")
    print(
        f"{found.calls} calls at once: gap median {1000 * found.median:.1f} ms, p99 {1000 * found.p99:.1f} ms "
        f"(target ≤ 60), longest {1000 * found.longest:.1f} ms, {found.share:.2f} of a core"
    )
