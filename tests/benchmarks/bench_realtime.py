"""Sessions over WebSockets, without a call: `python tests/benchmarks/bench_realtime.py [name…]`, names as in `CASES`.

The emulator is a process of its own; the client is this one and does as little as it can. `heard` rows are the session
alone, without sockets and JSON of the other side. The built-in model takes no time here (`model_pace` 0).
"""

import asyncio
import base64
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from machine import RUNS, describe, spread
from ringback.emulator.ids import Ids
from ringback.emulator.model.builtin import BuiltinModel
from ringback.emulator.realtime.session_config import parse_session_config
from ringback.emulator.sessions.host import SessionHost

SECONDS = 20
"""Of sound, for each measurement; over sockets several times as much."""
REPEATS = 5
WORDS = 200
RESPONSES = 200
SESSIONS = 50
TURNS = 1000
APPEND = 15 * 1024 * 1024
START_TIMEOUT = 15.0
TEXT = {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}}
SAY = {"instructions": f"say exactly '{'word ' * WORDS}end'", "conversation": "none"}
Row = tuple[str, str, tuple[float, float, float]]


def appends(milliseconds: int) -> list[str]:
    """Quiet noise, so that turn detection has to look at it and nothing is answered."""
    sound = np.random.default_rng(1).normal(0, 20, 24_000 * SECONDS).astype("<i2").tobytes()
    size = 48 * milliseconds
    pieces = [base64.b64encode(sound[at : at + size]).decode() for at in range(0, len(sound), size)]
    return [json.dumps({"type": "input_audio_buffer.append", "audio": piece}) for piece in pieces]


class Server:
    """`ringback serve` in a process of its own."""

    def __init__(self, ready: dict[str, Any], pid: int) -> None:
        self.url = f"{ready['base_url']}/realtime?model=gpt-realtime"
        self.headers = {"Authorization": f"Bearer {ready['api_key']}"}
        self._pid = pid

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes that it has in memory."""
        return int(Path(f"/proc/{self._pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.asynccontextmanager
async def server(loop: str = "asyncio") -> AsyncIterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ready.json"
        ports = [f"--{name}-port=0" for name in ("http", "https", "sip-tls", "sip-tcp", "sip-udp")]
        command = [
            sys.executable,
            "-m",
            "ringback.emulator",
            "serve",
            *ports,
            "--model-pace=0",
            f"--loop={loop}",
            "--ready-json",
            str(file),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: ASYNC220 — nothing runs beside it
        try:
            deadline = time.monotonic() + START_TIMEOUT
            while not file.exists() or not file.read_text():
                if time.monotonic() > deadline:
                    raise TimeoutError("the emulator did not start")
                await asyncio.sleep(0.05)
            yield Server(json.loads(file.read_text()), process.pid)
        finally:
            process.terminate()
            process.wait()


@contextlib.asynccontextmanager
async def session(target: Server) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """One that answers in text, ready."""
    async with (
        aiohttp.ClientSession(headers=target.headers) as http,
        http.ws_connect(target.url, max_msg_size=0) as socket,
    ):
        await socket.receive()
        await socket.send_json(TEXT)
        await until(socket, "session.updated")
        yield socket


async def until(socket: aiohttp.ClientWebSocketResponse, kind: str, times: int = 1) -> int:
    """Read so many events of that type. Returns how many of any came."""
    mark, count = f'{{"type":"{kind}"', 0
    while times:
        data = (await socket.receive()).data
        count += 1
        times -= data.startswith(mark)
    return count


# What is measured


def heard(milliseconds: int) -> float:
    """Seconds of sound that the session alone takes in a second of processor time."""
    host = SessionHost(
        session_id="sess_1",
        config=parse_session_config({"type": "realtime"}),
        model=BuiltinModel(),
        ids=Ids(random.Random(1)),
        now=0.0,
        transport="websocket",
    )
    messages = appends(milliseconds)
    started = time.process_time()
    for message in messages:
        host.receive_text("a", message, 0.0)
        while host.next_effect() is not None:
            pass
    return SECONDS / (time.process_time() - started)


async def appended(target: Server, milliseconds: int) -> tuple[float, float]:
    """The same over a WebSocket, in a second and in a second of the server's processor time."""
    messages = appends(milliseconds) * REPEATS
    async with session(target) as socket:
        cpu, started = target.cpu(), time.perf_counter()
        for message in messages:
            await socket.send_str(message)
        await socket.send_str('{"type":"input_audio_buffer.clear"}')
        await until(socket, "input_audio_buffer.cleared")
        sound = SECONDS * REPEATS
        return sound / (time.perf_counter() - started), sound / (target.cpu() - cpu)


async def _answers(socket: aiohttp.ClientWebSocketResponse, responses: int) -> int:
    count = 0
    for _ in range(responses):
        await socket.send_json({"type": "response.create", "response": SAY})
        count += await until(socket, "rate_limits.updated")
    return count


async def events(target: Server, sessions: int) -> tuple[float, float]:
    """Events a second, and events a second of the server's processor time."""
    async with contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(session(target)) for _ in range(sessions)]
        cpu, started = target.cpu(), time.perf_counter()
        counts = await asyncio.gather(*(_answers(socket, max(RESPONSES // sessions, 2)) for socket in sockets))
        return sum(counts) / (time.perf_counter() - started), sum(counts) / (target.cpu() - cpu)


async def first_delta(target: Server) -> float:
    """Milliseconds from response.create to the first delta."""
    taken = []
    async with session(target) as socket:
        for _ in range(RESPONSES):
            started = time.perf_counter()
            await socket.send_json({"type": "response.create", "response": {"conversation": "none"}})
            await until(socket, "response.output_text.delta")
            taken.append(time.perf_counter() - started)
            await until(socket, "rate_limits.updated")
    return statistics.median(taken) * 1000


async def connections(target: Server) -> tuple[float, float]:
    """Milliseconds and kilobytes for each connection."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(session(target))
        memory, started = target.memory(), time.perf_counter()
        for _ in range(SESSIONS):
            await stack.enter_async_context(session(target))
        taken = time.perf_counter() - started
        return taken * 1000 / SESSIONS, (target.memory() - memory) / 1024 / SESSIONS


async def late_turn(target: Server) -> float:
    """What the last of a thousand turns costs of what the first did (fifty each)."""
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "How are you?"}]}
    times = []
    async with session(target) as socket:
        for _ in range(TURNS):
            started = time.perf_counter()
            await socket.send_json({"type": "conversation.item.create", "item": item})
            await socket.send_json({"type": "response.create"})
            await until(socket, "rate_limits.updated")
            times.append(time.perf_counter() - started)
    return sum(times[-50:]) / sum(times[:50])


async def held_up(target: Server, audio_format: str) -> float:
    """The longest that one session waits for an answer while another one appends 15 MiB in one event, in ms."""
    sound = np.random.default_rng(1).normal(0, 20, APPEND // 2).astype("<i2").tobytes()
    if audio_format != "audio/pcm":
        sound = (
            np.random.default_rng(1).integers(250, 256, APPEND, dtype=np.uint8).tobytes()
        )  # the quiet end of its scale
    formats = {"audio": {"input": {"format": {"type": audio_format}}}}
    async with session(target) as loud, session(target) as other:
        await loud.send_json({"type": "session.update", "session": {"type": "realtime", **formats}})
        await until(loud, "session.updated")
        append = json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(sound).decode()})

        async def hear() -> None:
            await loud.send_str(append)
            await loud.send_str('{"type":"input_audio_buffer.clear"}')
            await until(loud, "input_audio_buffer.cleared")

        heard = asyncio.create_task(hear())
        longest = 0.0
        while not heard.done():
            started = time.perf_counter()
            await other.send_str('{"type":"input_audio_buffer.clear"}')
            await until(other, "input_audio_buffer.cleared")
            longest = max(longest, time.perf_counter() - started)
        await heard
    return longest * 1000


async def _rows(name: str, unit: str, target: Server, measure: Callable[[Server], Awaitable[float]]) -> Row:
    await measure(target)
    return name, unit, spread([await measure(target) for _ in range(RUNS)])


async def _of(measured: Awaitable[tuple[float, float]], index: int) -> float:
    return (await measured)[index]


CASES: dict[str, tuple[str, Callable[[Server], Awaitable[float]]]] = {
    "append-20ms": ("× real time", lambda target: _of(appended(target, 20), 0)),
    "append-20ms-cpu": ("× real time, CPU", lambda target: _of(appended(target, 20), 1)),
    "append-100ms": ("× real time", lambda target: _of(appended(target, 100), 0)),
    "append-100ms-cpu": ("× real time, CPU", lambda target: _of(appended(target, 100), 1)),
    "events-1": ("events/s", lambda target: _of(events(target, 1), 0)),
    "events-1-cpu": ("events/s of CPU", lambda target: _of(events(target, 1), 1)),
    "events-50": ("events/s", lambda target: _of(events(target, SESSIONS), 0)),
    "events-50-cpu": ("events/s of CPU", lambda target: _of(events(target, SESSIONS), 1)),
    "first-delta": ("ms", first_delta),
    "connect": ("ms", lambda target: _of(connections(target), 0)),
    "connect-memory": ("kB", lambda target: _of(connections(target), 1)),
    "held-up-pcm": ("ms", lambda target: held_up(target, "audio/pcm")),
    "held-up-pcmu": ("ms", lambda target: held_up(target, "audio/pcmu")),
    "turn-1000": ("× turn 1", late_turn),
}


async def rows(names: list[str]) -> list[Row]:
    """Smallest, median and largest of each case."""
    found: list[Row] = []
    for milliseconds in (20, 100):
        if not names or f"heard-{milliseconds}ms" in names:
            heard(milliseconds)
            values = spread([heard(milliseconds) for _ in range(RUNS)])
            found.append((f"heard-{milliseconds}ms", "× real time", values))
    for name, (unit, measure) in CASES.items():
        if not names or name in names:
            async with server() as target:
                found.append(await _rows(name, unit, target, measure))
    return found


def main() -> None:
    print(describe())
    for name, unit, (least, median, most) in asyncio.run(rows(sys.argv[1:])):
        print(f"{name:16} {median:12,.1f} {unit:16} {least:,.1f} to {most:,.1f}")


if __name__ == "__main__":
    main()
