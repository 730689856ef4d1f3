"""Events a second of this emulator, of npm's `@copilotkit/aimock`, and of a bare echo by aiohttp, in one run.

`RINGBACK_NODE_MODULES=… python tests/benchmarks/bench_rivals.py`; without aimock its rows are missing. Each is a
process of its own, asked by the same client. A response has a delta for each of its words, the echo one message for
each.
"""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import aiohttp
import bench_realtime
from aiohttp import web
from bench_realtime import SESSIONS, START_TIMEOUT, WORDS, Server, until
from machine import describe, spread

RUNS = 5
RESPONSES = bench_realtime.RESPONSES
WORD = "word "
DELTA = json.dumps({"type": "response.output_text.delta", "event_id": "event_" + 21 * "x", "delta": WORD})
Measure = Callable[[Server, int], Awaitable[tuple[float, float]]]
Row = tuple[str, int, tuple[float, float, float], tuple[float, float, float]]
"""Name, sessions, events a second, and events a second of the server's processor time: least, median, most."""


@contextlib.asynccontextmanager
async def _process(command: list[str], pattern: str, path: str) -> AsyncIterator[Server]:
    """A server that prints its port, by `pattern`, when it listens."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: ASYNC220
    try:
        found = await asyncio.wait_for(asyncio.to_thread(_port, process, pattern), START_TIMEOUT)
        ready = {"base_url": f"http://127.0.0.1:{found}/v1", "api_key": "sk-of-nobody"}
        server = Server(ready, process.pid)
        server.url = f"http://127.0.0.1:{found}{path}"
        yield server
    finally:
        process.terminate()
        process.wait()


def _port(process: "subprocess.Popen[bytes]", pattern: str) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if (found := re.search(pattern, line.decode())) is not None:
            return int(found[1])
    raise RuntimeError(f"{process.args!r} did not start")


def aimock() -> contextlib.AbstractAsyncContextManager[Server] | None:
    """None where npm did not bring it."""
    script = Path(os.environ.get("RINGBACK_NODE_MODULES", "node_modules"), "@copilotkit", "aimock", "dist", "cli.js")
    if not script.exists():
        return None
    fixtures = Path(tempfile.mkdtemp()) / "say.json"
    answer = {"match": {"userMessage": "say"}, "response": {"content": WORD * WORDS}}
    fixtures.write_text(json.dumps({"fixtures": [answer]}), encoding="utf-8")
    options = ["--port", "0", "--fixtures", str(fixtures), "--chunk-size", str(len(WORD)), "--log-level", "info"]
    return _process(["node", str(script), *options], r"127\.0\.0\.1:(\d+)", "/v1/realtime?model=gpt-realtime")


def echo() -> contextlib.AbstractAsyncContextManager[Server]:
    return _process([sys.executable, __file__, "echo"], r"^(\d+)$", "/")


async def _answered(server: Server, http: aiohttp.ClientSession, started: asyncio.Barrier, responses: int) -> int:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "say"}]}
    async with http.ws_connect(server.url, max_msg_size=0) as socket:
        await socket.send_json({"type": "conversation.item.create", "item": item})
        await started.wait()
        count = 0
        for _ in range(responses):
            await socket.send_json({"type": "response.create"})
            count += await until(socket, "response.done")
        return count


async def _echoed(server: Server, http: aiohttp.ClientSession, started: asyncio.Barrier, responses: int) -> int:
    async with http.ws_connect(server.url) as socket:
        await started.wait()
        for _ in range(responses):
            for _ in range(WORDS):
                await socket.send_str(DELTA)
            for _ in range(WORDS):
                await socket.receive()
        return responses * WORDS


async def _rate(
    one: Callable[[Server, aiohttp.ClientSession, asyncio.Barrier, int], Awaitable[int]], server: Server, sessions: int
) -> tuple[float, float]:
    """Events a second, and events a second of the server's processor time."""
    started = asyncio.Barrier(sessions + 1)
    async with aiohttp.ClientSession(headers=server.headers, connector=aiohttp.TCPConnector(limit=0)) as http:
        each = max(RESPONSES // sessions, 2)
        tasks = [asyncio.ensure_future(one(server, http, started, each)) for _ in range(sessions)]
        await started.wait()
        cpu, began = server.cpu(), time.perf_counter()
        count = sum(await asyncio.gather(*tasks))
        return count / (time.perf_counter() - began), count / (server.cpu() - cpu)


async def rows() -> list[Row]:
    """They are measured in turns, so that whatever else the machine does is equally hard on all of them."""
    answered, echoed = partial(_rate, _answered), partial(_rate, _echoed)
    all_of_them: list[tuple[str, contextlib.AbstractAsyncContextManager[Server] | None, Measure]] = [
        ("ringback", bench_realtime.server(), bench_realtime.events),
        ("ringback, uvloop", bench_realtime.server("uvloop") if find_spec("uvloop") else None, bench_realtime.events),
        ("aimock 1.43", aimock(), answered),
        ("echo by aiohttp", echo(), echoed),
    ]
    found: list[Row] = []
    async with contextlib.AsyncExitStack() as stack:
        servers = [
            (name, await stack.enter_async_context(opened), measure)
            for name, opened, measure in all_of_them
            if opened is not None
        ]
        for sessions in (1, SESSIONS):
            rates = [[await measure(server, sessions) for _, server, measure in servers] for _ in range(RUNS + 1)]
            for (name, *_), each in zip(servers, zip(*rates[1:], strict=True), strict=True):
                wall, cpu = zip(*each, strict=True)
                found.append((name, sessions, spread(wall), spread(cpu)))
    return found


def serve_echo() -> None:
    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    async def main() -> None:
        application = web.Application()
        application.router.add_get("/", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


if __name__ == "__main__":
    if sys.argv[1:] == ["echo"]:
        serve_echo()
    else:
        print(describe())
        for name, sessions, (least, median, most), cpu in asyncio.run(rows()):
            print(
                f"{name:16} {sessions:3} sessions {median:10,.0f} events/s  {least:,.0f} to {most:,.0f}; "
                f"{cpu[1]:10,.0f} of CPU  {cpu[0]:,.0f} to {cpu[2]:,.0f}"
            )
