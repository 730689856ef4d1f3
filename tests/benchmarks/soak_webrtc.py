"""WebRTC calls that come and go for some minutes, in every way; nothing may be left of them, and memory may not grow.

`python tests/benchmarks/soak_webrtc.py [--minutes 10] [--seed 1]`. The emulator is a process of its own. The exit
status is 1 for whatever is left: a call, a socket, a task, an entry that nobody has, or memory.
"""

import argparse
import asyncio
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from machine import describe
from ringback.conformance.client import RestClient
from ringback.conformance.client.webrtc import WebRtcCall
from soak import left
from soak_server import serve

ABREAST = 3
SESSION_LIMIT = 60.0
LINGER = 15.0
"""After it the calls whose caller vanished, or never came, have been given up."""
WARM_UP = 0.2
"""Of the time, in which caches find their size."""
SAMPLES = 8
GROWTH = 8000
"""Bytes a call, above which memory grows. One peer that is kept has a hundred times as much."""
ENDS = {"caller": 50, "API": 30, "vanished": 15, "never came": 5}


class Callers:
    """They call, say what there is time for, and go. `ends` counts the ways."""

    def __init__(self, rest: RestClient, rng: random.Random) -> None:
        self._rest = rest
        self._rng = rng
        self.ends: Counter[str] = Counter()

    async def call_until(self, end: float) -> None:
        """One call after the other."""
        while time.perf_counter() < end:
            await self._call()

    async def _call(self) -> None:
        (how,) = self._rng.choices(tuple(ENDS), tuple(ENDS.values()))
        self.ends[how] += 1
        async with WebRtcCall(address="127.0.0.1") as call:
            answer = await self._rest.create_call(await call.offer(), session={"type": "realtime"})
            if answer.status != 201:
                raise RuntimeError(f"an offer was answered {answer.status}: {answer.body!r}")
            if how == "never came":
                return
            await call.connect(answer)
            await call.events.ready()
            if self._rng.random() < 0.5:
                await call.events.send({"type": "response.create", "response": {"instructions": "say exactly 'yes'"}})
                await call.events.wait_for("response.done")
            if how == "API":
                await self._rest.hangup(call.id)
                await call.ended()
            elif how == "vanished":
                await call.vanish()


async def run(
    ask: Callable[[str], dict[str, Any]], url: str, key: str, *, seconds: float, seed: int, growth: int
) -> list[str]:
    """Everything that is wrong afterwards."""
    async with RestClient(url, key) as rest:
        callers = Callers(rest, random.Random(seed))

        async def keep_calling(end: float) -> None:
            await asyncio.gather(*(callers.call_until(end) for _ in range(ABREAST)))

        await keep_calling(time.perf_counter() + WARM_UP * seconds)
        await asyncio.sleep(LINGER)
        before = await asyncio.to_thread(ask, "state")
        sizes = [before["memory"]]
        for _ in range(SAMPLES):
            await keep_calling(time.perf_counter() + (1 - WARM_UP) * seconds / SAMPLES)
            sizes.append((await asyncio.to_thread(ask, "state"))["memory"])
        await asyncio.sleep(LINGER)
        after = await asyncio.to_thread(ask, "state")
    # The second half: an allocator takes its time to find its size, and the first would show that.
    count = (after["began"] - before["began"]) / 2
    grown = (after["memory"] - sizes[SAMPLES // 2]) / max(1.0, count)
    print(f"{after['began']} calls in {seconds:.0f} s; how they ended: {dict(callers.ends)}, {after['reasons']}")
    print(
        f"memory {' '.join(f'{size / 1e6:.1f}' for size in sizes)} MB, {after['memory'] / 1e6:.1f} MB at the end: "
        f"{grown:.0f} bytes a call in the second half"
    )
    return [*left(before, after), *([f"memory grows by {grown:.0f} bytes a call"] if grown > growth else [])]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--growth", type=int, default=GROWTH, help="bytes that a call may leave behind")
    given = parser.parse_args()
    print(describe())
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        server = context.Process(target=serve, args=(theirs, folder, SESSION_LIMIT), daemon=True)
        server.start()
        ready, _ = ours.recv()

        def ask(what: str) -> dict[str, Any]:
            ours.send(what)
            state: dict[str, Any] = ours.recv()
            return state

        seconds = 60 * given.minutes
        wrong = asyncio.run(
            run(ask, ready.base_url, ready.api_key, seconds=seconds, seed=given.seed, growth=given.growth)
        )
        last = ask("stop")
        server.join()
    wrong += last["leaks"]
    print("\n".join(wrong) or "nothing is left")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
