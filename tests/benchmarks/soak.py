"""Calls in a row and many at once, some cut at random points; nothing may be left of them, and memory may not grow.

`python tests/benchmarks/soak.py [--calls 10000] [--at-once 200] [--seconds 3] [--seed 1]`. The emulator is a process of
its own. The exit status is 1 for whatever is left: a call, a socket, a task, an entry that nobody has, or memory.
"""

import argparse
import asyncio
import contextlib
import itertools
import multiprocessing
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from machine import describe
from soak_server import PROJECT, T1, serve

PATIENCE = 20.0
RETRY = 0.5
SAMPLES = 8
WARM_UP = 300
"""Calls after which caches and the journal are full."""
GROWTH = 2000
"""Bytes a call, above which memory grows. One message alone that is kept has as much."""
FRAME = bytes([0x80, 0]) + bytes(10) + b"\xff" * 160

Address = tuple[str, int]


class Line:
    """What brings bytes to the emulator and back, with one queue for each SIP Call-ID."""

    def __init__(self) -> None:
        self.queues: dict[str, asyncio.Queue[str]] = {}
        self.write: Callable[[bytes], None] = lambda data: None

    def receive(self, data: bytes) -> None:
        for text in re.split(r"(?=^(?:SIP/2\.0 |BYE ))", data.decode(), flags=re.MULTILINE):
            if not text.strip():
                continue
            call_id = header(text, "Call-ID")
            if text.startswith("BYE "):
                names = ("Via", "From", "To", "Call-ID", "CSeq")
                lines = [f"{name}: {header(text, name)}" for name in names]
                self.write("\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""]).encode())
            if call_id in self.queues:
                self.queues[call_id].put_nowait(text)


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, line: Line) -> None:
        self._line = line

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._line.receive(data)


class Connection(asyncio.Protocol):
    """Messages of the emulator are read as they come: on loopback one segment has whole ones."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def data_received(self, data: bytes) -> None:
        self._line.receive(data)


def header(text: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*?)\r$", text, re.MULTILINE)
    return found[1] if found else ""


class Callers:
    """They call, and hang up in every way there is. `ends` counts the ways."""

    def __init__(self, sip: dict[str, str], waiting: str, rng: random.Random) -> None:
        self._sip = sip
        self._waiting = waiting
        self._rng = rng
        self._numbers = itertools.count(1)
        self.ends: Counter[str] = Counter()
        self.refused = 0

    async def __aenter__(self) -> "Callers":
        loop = asyncio.get_running_loop()
        self._line = Line()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: Datagrams(self._line), remote_addr=("127.0.0.1", self._port("udp"))
        )
        self._line.write = self._transport.sendto
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    def _port(self, transport: str) -> int:
        return int(self._sip[transport].partition(";")[0].rpartition(":")[2])

    async def call(self, *, seconds: float = 0.0) -> None:
        """One call from its INVITE to its end, whichever that is."""
        end = self._rng.choices(
            ("BYE", "CANCEL", "cut", "silence", "no ACK"), (80, 8, 4, 4, 4) if seconds else (90, 8, 1, 0.5, 0.5)
        )[0]
        self.ends[end] += 1
        if end != "cut":
            await self._talk(self._line, "UDP", end, seconds)
            return
        line = Line()
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: Connection(line), "127.0.0.1", self._port("tcp")
        )
        line.write = transport.write
        await self._talk(line, "TCP", end, seconds * self._rng.random())
        transport.abort()

    async def _talk(self, line: Line, transport: str, end: str, seconds: float) -> None:
        number = next(self._numbers)
        call_id = f"soak-{number}@127.0.0.1"
        queue = line.queues[call_id] = asyncio.Queue()
        user = self._waiting if end == "CANCEL" else PROJECT
        media = Media() if seconds else None
        try:
            port = await media.open() if media else 9
            ask = self._request(transport, number, user)
            invite = ask("INVITE", 1, "", sdp(port))
            if end == "CANCEL":
                await self._exchange(line, invite, queue, "100")
                refused = await self._exchange(line, ask("CANCEL", 1, "", ""), queue, "487")
                line.write(ask("ACK", 1, ";tag=" + header(refused, "To").partition(";tag=")[2], "", "INVITE"))
                return
            answer = await self._exchange(line, invite, queue, "200")
            tag = ";tag=" + header(answer, "To").partition(";tag=")[2]
            if end == "no ACK":
                return
            line.write(ask("ACK", 1, tag, ""))
            if media:
                where = re.search(r"m=audio (\d+)", answer)
                assert where is not None
                await media.play(int(where[1]), seconds)
            if end == "BYE":
                # 481: the emulator hung up at the same time
                await self._exchange(line, ask("BYE", 2, tag, ""), queue, "200|481", "2 BYE")
        finally:
            del line.queues[call_id]
            if media:
                media.close()

    async def _exchange(
        self, line: Line, data: bytes, queue: asyncio.Queue[str], status: str, cseq: str = "1 INVITE"
    ) -> str:
        """Send a request, again after a while, until there is such a response."""
        async with asyncio.timeout(PATIENCE):
            while True:
                line.write(data)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RETRY):
                        while True:
                            text = await queue.get()
                            if re.match(f"SIP/2.0 ({status}) ", text) and header(text, "CSeq") == cseq:
                                return text

    def _request(self, transport: str, number: int, user: str) -> Callable[..., bytes]:
        def build(method: str, cseq: int, tag: str, body: str, branch_of: str = "") -> bytes:
            branch = branch_of or ("INVITE" if method == "CANCEL" else method)
            kind = "Content-Type: application/sdp\r\n" if body else ""
            return (
                f"{method} sip:{user}@127.0.0.1 SIP/2.0\r\n"
                f"Via: SIP/2.0/{transport} 127.0.0.1:9;rport;branch=z9hG4bK-{number}-{branch}\r\n"
                f"From: <sip:+14255550112@127.0.0.1>;tag=s{number}\r\nTo: <sip:{user}@127.0.0.1>{tag}\r\n"
                f"Call-ID: soak-{number}@127.0.0.1\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
                f"Contact: <sip:soak@127.0.0.1:9>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()

        return build


class Media(asyncio.DatagramProtocol):
    """Sound both ways; what is heard is counted."""

    def __init__(self) -> None:
        self.heard = 0

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.heard += 1

    async def open(self) -> int:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return int(self._transport.get_extra_info("sockname")[1])

    async def play(self, port: int, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        packet = bytearray(FRAME)
        for number in range(int(seconds * 50)):
            packet[2:8] = (number & 0xFFFF).to_bytes(2) + (160 * number & 0xFFFFFFFF).to_bytes(4)
            self._transport.sendto(bytes(packet), ("127.0.0.1", port))
            await asyncio.sleep(max(0.0, begin + 0.02 * (number + 1) - loop.time()))

    def close(self) -> None:
        self._transport.close()


def sdp(port: int) -> str:
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    )


@dataclass(frozen=True, slots=True)
class Soak:
    """What a run asks for. `abreast` is how many of the calls in a row overlap."""

    calls: int
    at_once: int
    seconds: float
    seed: int
    abreast: int = 8
    traces: bool = False
    growth: int = GROWTH

    @property
    def limit(self) -> float:
        """Of each session: nobody hangs up the calls whose caller was cut off."""
        return 2.0 + 2 * self.seconds

    @property
    def linger(self) -> float:
        """After it every transaction is forgotten, and every call whose caller vanished is over."""
        return 64 * T1 + self.limit + 1.0


async def run(soak: Soak, ask: Callable[[str], dict[str, Any]], sip: dict[str, str], waiting: str) -> list[str]:
    """Everything that is wrong afterwards."""
    began = time.perf_counter()
    async with Callers(sip, waiting, random.Random(soak.seed)) as callers:
        before = await asyncio.to_thread(ask, "trace" if soak.traces else "state")
        await in_a_row(callers, max(soak.calls // 10, WARM_UP), soak.abreast)
        await asyncio.sleep(soak.linger)
        warm = await asyncio.to_thread(ask, "state")
        name = "traced" if soak.traces else "memory"
        sizes = [warm[name]]
        for _ in range(SAMPLES):
            await in_a_row(callers, soak.calls // SAMPLES, soak.abreast)
            sizes.append((await asyncio.to_thread(ask, "state"))[name])
        await asyncio.sleep(soak.linger)
        rested = await asyncio.to_thread(ask, "state")
        row = time.perf_counter() - began
        await at_once(callers, soak.at_once, soak.seconds)
        await asyncio.sleep(soak.linger)
        after = await asyncio.to_thread(ask, "state")
    # The second half: an allocator takes its time to find its size, and the first would show that.
    growth = (rested[name] - sizes[SAMPLES // 2]) / max(1, soak.calls // 2)
    print(f"{soak.calls} calls in a row in {row:.0f} s, {soak.at_once} at once for {soak.seconds:.0f} s")
    print(f"how they ended: {dict(callers.ends)}, for the emulator {after['reasons']}")
    print(
        f"{name} {' '.join(f'{size / 1e6:.1f}' for size in sizes)} MB, {rested[name] / 1e6:.1f} MB after the row, "
        f"{after[name] / 1e6:.1f} MB at the end: {growth:.0f} bytes a call in the second half"
    )
    return [*left(before, after), *([f"memory grows by {growth:.0f} bytes a call"] if growth > soak.growth else [])]


def left(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is open at the end that was not at the beginning, and what the books don't say."""
    found = [f"{after[name]} {name} at the end" for name in ("calls", "legs", "open", "bugs") if after[name]]
    found += [
        f"{after[name]} {name} at the end, {before[name]} at the beginning"
        for name in ("tasks", "sockets")
        if after[name] > before[name]
    ]
    found += [f"{count} {name} at the end" for name, count in after["endpoint"].items() if count]
    if after["began"] != after["ended"]:
        found.append(f"{after['began']} calls began, and {after['ended']} ended")
    if after["entries"] != after["kept"] + after["dropped"]:
        found.append(f"{after['entries']} entries, of which {after['kept']} are kept and {after['dropped']} counted")
    return found


async def in_a_row(callers: Callers, count: int, abreast: int) -> None:
    rest = iter(range(count))

    async def keep_calling() -> None:
        for _ in rest:
            await callers.call()

    await asyncio.gather(*(keep_calling() for _ in range(abreast)))


async def at_once(callers: Callers, count: int, seconds: float) -> None:
    await asyncio.gather(*(callers.call(seconds=seconds) for _ in range(count)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each of the calls at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", action="store_true", help="count Python's objects, not the process's memory")
    parser.add_argument("--growth", type=int, default=GROWTH, help="bytes that a call may leave behind")
    given = parser.parse_args()
    soak = Soak(given.calls, given.at_once, given.seconds, given.seed, traces=given.trace, growth=given.growth)
    print(describe())
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        server = context.Process(target=serve, args=(theirs, folder, soak.limit), daemon=True)
        server.start()
        ready, waiting = ours.recv()

        def ask(what: str) -> dict[str, Any]:
            ours.send(what)
            state: dict[str, Any] = ours.recv()
            return state

        wrong = asyncio.run(run(soak, ask, ready.sip, waiting))
        last = ask("stop")
        server.join()
    wrong += last["leaks"]
    if last["written"] != last["dropped"]:
        wrong.append(f"the journal let {last['dropped']} entries go, and {last['written']} were written")
    print("\n".join(wrong) or "nothing is left")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
