"""One whole call without a network: `python tests/benchmarks/bench_call.py [runs]`. Target: 50 ms.

INVITE, webhook, `accept` by the official SDK, 200, ACK, BYE, 200. Phone, application and emulator share one process and
one loop; the SDK's client and the caller's socket were made beforehand.
"""

import asyncio
import sys
import time

from machine import RUNS, describe, spread
from openai import AsyncOpenAI
from ringback.conformance.client import Phone, WebhookReceiver
from ringback.emulator.config import Settings
from ringback.emulator.server import Emulator

CALLS = 20
"""In each run; its figure is their median."""


async def run(transport: str) -> list[float]:
    """Seconds of each call."""
    free = {"http_port": 0, "https_port": 0, "sip_tls_port": 0, "sip_tcp_port": 0, "sip_udp_port": 0}
    async with (
        WebhookReceiver() as receiver,
        Emulator(Settings(webhook_urls=(receiver.url,), **free)) as emulator,  # type: ignore[arg-type]
        Phone(ca_file=emulator.ready.ca_file) as phone,
        AsyncOpenAI(base_url=emulator.ready.base_url, api_key=emulator.ready.api_key) as client,
    ):
        receiver.secrets = [emulator.ready.webhook_secret]
        taken = []
        for number in range(1, CALLS + 2):
            begin = time.perf_counter()
            call = await phone.dial(emulator.ready.sip[transport])
            delivery = await receiver.wait_for(count=number)
            await client.realtime.calls.accept(delivery.call_id, type="realtime", model="gpt-realtime")
            await call.answered()
            await call.hang_up()
            taken.append(time.perf_counter() - begin)
        return taken[1:]  # the first one imports and connects


def rows(runs: int = RUNS) -> list[tuple[str, float, float, float]]:
    """Transport, then smallest, median and largest of the runs' medians in milliseconds."""
    found = []
    for transport in ("udp", "tcp", "tls"):
        figures = [1000 * spread(asyncio.run(run(transport)))[1] for _ in range(runs)]
        found.append((f"a whole call over {transport.upper()}", *spread(figures)))
    return found


if __name__ == "__main__":
    print(describe())
    for name, low, median, high in rows(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS):
        print(f"{name:45} {median:7.1f} ms   ({low:.1f} to {high:.1f})")
