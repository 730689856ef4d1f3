"""Calls at once with sound both ways, gaps between packets, memory: `python tests/benchmarks/bench_calls.py [calls…]`.

The server has core 0, its callers core 1. Every call is complete: G.711, jitter buffer, turn detection, a session whose
model speaks all the time, RTCP. Callers send silence, since words would interrupt the model. When a packet came is the
kernel's word, so that slow callers blur nothing.
"""

import asyncio
import contextlib
import importlib.util
import multiprocessing
import os
import re
import select
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from machine import describe, wait_for_quiet
from ready import HOST, PROJECT
from ringback.emulator.clock import SystemClock
from ringback.emulator.collector import settle
from ringback.emulator.config import Settings
from ringback.emulator.loops import LoopKind, loop_factory
from ringback.emulator.server import Emulator

FIRST = 150
TARGETS: dict[LoopKind, str] = {"asyncio": "≥ 250", "uvloop": "≥ 600 (stretch)"}
STEP = 1.25
SECONDS = 4.0
"""Of sound that is measured."""
LONGEST_P99 = 0.04
LEAST_HEARD = 0.97
ARRIVALS = 60.0
"""New calls in a second."""
PHASES = 10
IDLE_CALLS = 200
ANSWER_TIMEOUT = 20.0
CHARACTERS = 24
"""That tonecode says in a second."""
TALK = '[scenario]\nname = "talk"\n[[turn]]\nwhen = { start = true }\nsay = "%s"\n'
SO_TIMESTAMPNS = 35
"""Linux; Python's `socket` has no name for it."""
_TIME = struct.Struct("qq")
_PORT = re.compile(rb"m=audio (\d+)")
_CALL_ID = re.compile(rb"Call-ID: (\d+)")
_TAG = re.compile(rb"To: [^\r\n]*;tag=([^\r\n]*)")
_PACKET = bytes([0x80, 0]) + bytes(10) + b"\xff" * 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Gaps are in seconds, memory in bytes for each call, `share` is of a core."""

    calls: int
    median: float
    p99: float
    longest: float
    lost: int
    heard: float
    """Packets that came, of those that ought to."""
    share: float
    memory: float

    @property
    def holds(self) -> bool:
        return self.p99 < LONGEST_P99 and self.lost == 0 and self.heard >= LEAST_HEARD


# The server


def serve(pipe: Connection, kind: LoopKind, scenario: str) -> None:
    """In a process of its own: answers `memory` with bytes and `cpu` with seconds, and ends with `stop`."""
    os.sched_setaffinity(0, {0})
    with asyncio.Runner(loop_factory=loop_factory(kind)) as runner:
        runner.run(_serve(pipe, scenario))


async def _serve(pipe: Connection, scenario: str) -> None:
    free: dict[str, Any] = {f"{name}_port": 0 for name in ("http", "https", "sip_tls", "sip_tcp", "sip_udp")}
    settings = Settings(project=PROJECT, auto_accept=True, scenario=scenario, journal_limit=1000, **free)
    async with Emulator(settings, clock=SystemClock()) as emulator:
        settle()
        pipe.send(int(emulator.ready.sip["udp"].partition(";")[0].rpartition(":")[2]))
        while (asked := await asyncio.to_thread(pipe.recv)) != "stop":
            pipe.send(_resident() if asked == "memory" else time.process_time())


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def server(kind: LoopKind, scenario: str) -> Iterator[tuple[Connection, int]]:
    """What answers, and the port that callers dial."""
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, kind, scenario))
    process.start()
    try:
        yield pipe, pipe.recv()
    finally:
        pipe.send("stop")
        process.join()


def ask(pipe: Connection, what: Literal["memory", "cpu"]) -> float:
    pipe.send(what)
    return float(pipe.recv())


# The callers


class Caller:
    """One call: a socket for its RTP, and what came to it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.bind((HOST, 0))
        self.rtp.setblocking(False)
        self.rtp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.port = int(self.rtp.getsockname()[1])
        self.target: tuple[str, int] | None = None
        self.tag = b""
        self.sent = 0
        self.arrivals: list[tuple[float, int]] = []

    def send(self) -> None:
        """The next 20 ms."""
        if self.target is not None:
            packet = bytearray(_PACKET)
            packet[2:8] = struct.pack("!HI", self.sent & 0xFFFF, 160 * self.sent)
            packet[8:12] = self.number.to_bytes(4)
            self.rtp.sendto(packet, self.target)
            self.sent += 1

    def receive(self) -> None:
        """All that has come. RTCP is no part of it: our neighbour's, one port higher, is sent to us (RFC 5761 4)."""
        with contextlib.suppress(BlockingIOError):
            while True:
                data, ancillary, _, _ = self.rtp.recvmsg(2048, 64)
                if 192 <= data[1] <= 223:
                    continue
                seconds, nanoseconds = _TIME.unpack(ancillary[0][2])
                self.arrivals.append((seconds + nanoseconds * 1e-9, int.from_bytes(data[2:4])))

    def request(self, method: str, sequence: int, body: str = "") -> bytes:
        to = f";tag={self.tag.decode()}" if self.tag else ""
        return (
            f"{method} sip:{PROJECT}@{HOST} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {HOST}:9;rport;branch=z9hG4bK-{self.number}-{method}\r\n"
            f"From: <sip:load@{HOST}>;tag=l{self.number}\r\nTo: <sip:{PROJECT}@{HOST}>{to}\r\n"
            f"Call-ID: {self.number}\r\nCSeq: {sequence} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:load@{HOST}:9>\r\nContent-Type: application/sdp\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def invite(self) -> bytes:
        body = f"v=0\r\nc=IN IP4 {HOST}\r\nm=audio {self.port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
        return self.request("INVITE", 1, body)


class Callers:
    """All of them, on one loop of epoll and one clock."""

    def __init__(self, port: int, *, speak: bool) -> None:
        self._speak = speak
        self._sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sip.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._sip.connect((HOST, port))
        self._sip.setblocking(False)
        self._poll = select.epoll()
        self._poll.register(self._sip, select.EPOLLIN)
        self._by_descriptor: dict[int, Caller] = {}
        self.all: list[Caller] = []
        self._slot = 0
        self._next = time.perf_counter()

    def dial(self, count: int) -> None:
        """`ARRIVALS` calls in a second, until all are answered."""
        begin = time.perf_counter()
        for number in range(len(self.all), len(self.all) + count):
            caller = Caller(number)
            self.all.append(caller)
            self._by_descriptor[caller.rtp.fileno()] = caller
            self._poll.register(caller.rtp, select.EPOLLIN)
            self._sip.send(caller.invite())
            self.talk(begin + number / ARRIVALS)
        end = time.perf_counter() + ANSWER_TIMEOUT
        while any(caller.target is None for caller in self.all):
            if time.perf_counter() > end:
                raise RuntimeError("some calls were never answered")
            self.talk(time.perf_counter() + 0.02)

    def talk(self, until: float) -> None:
        """Send and receive up to that time of `perf_counter`."""
        while (now := time.perf_counter()) < until:
            if now >= self._next:
                self._next = max(self._next + 0.02 / PHASES, now - 0.1)
                self._slot = (self._slot + 1) % PHASES
                for caller in self.all[self._slot :: PHASES] if self._speak else ():
                    caller.send()
            for descriptor, _ in self._poll.poll(max(0.0, min(self._next, until) - time.perf_counter())):
                caller_of = self._by_descriptor.get(descriptor)
                self._receive_sip() if caller_of is None else caller_of.receive()

    def _receive_sip(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self._sip.recv(65536)
                named, port, tag = _CALL_ID.search(data), _PORT.search(data), _TAG.search(data)
                if data.startswith(b"SIP/2.0 200") and named and port and tag:
                    caller = self.all[int(named[1])]
                    caller.target, caller.tag = (HOST, int(port[1])), tag[1]
                    self._sip.send(caller.request("ACK", 1))

    def hang_up(self) -> None:
        for caller in self.all:
            caller.target = None
            self._poll.unregister(caller.rtp)
            self._sip.send(caller.request("BYE", 2))
            self.talk(time.perf_counter() + 0.002)
            caller.rtp.close()
        self._poll.close()
        self._sip.close()


# What is measured


def run(count: int, kind: LoopKind = "asyncio") -> Found:
    """`count` calls at once, with a server of their own."""
    words = int(CHARACTERS * (count / ARRIVALS + SECONDS + 4)) // 5
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder, "talk.toml")
        scenario.write_text(TALK % ("word " * words), encoding="utf-8")
        with server(kind, str(scenario)) as (pipe, port):
            callers = Callers(port, speak=True)
            wait_for_quiet()
            callers.dial(10)
            before = ask(pipe, "memory")
            callers.dial(count - 10)
            callers.talk(time.perf_counter() + 1.0)
            for caller in callers.all:
                caller.arrivals.clear()
            used, begin = ask(pipe, "cpu"), time.perf_counter()
            callers.talk(begin + SECONDS)
            share = (ask(pipe, "cpu") - used) / (time.perf_counter() - begin)
            memory = (ask(pipe, "memory") - before) / (count - 10)
            arrived = [sorted(caller.arrivals, key=lambda each: each[0]) for caller in callers.all]
            callers.hang_up()
    gaps = sorted(after[0] - earlier[0] for each in arrived for earlier, after in pairwise(each))
    lost = sum(((after[1] - earlier[1]) & 0xFFFF) - 1 for each in arrived for earlier, after in pairwise(each))
    return Found(
        calls=count,
        median=gaps[len(gaps) // 2],
        p99=gaps[len(gaps) * 99 // 100],
        longest=gaps[-1],
        lost=lost,
        heard=sum(map(len, arrived)) / (count * SECONDS * 50),
        share=share,
        memory=memory,
    )


def highest(kind: LoopKind = "asyncio", first: int = FIRST) -> Found:
    """Up in steps until it breaks; the last that held, or the first if even that did not."""
    found = run(first, kind)
    while found.holds and (more := run(int(found.calls * STEP), kind)).holds:
        found = more
    return found


def kinds() -> list[LoopKind]:
    """The loops that are installed."""
    return [kind for kind in TARGETS if kind == "asyncio" or importlib.util.find_spec(kind) is not None]


def memory_of_idle_call(count: int = IDLE_CALLS) -> float:
    """Bytes of a call that is answered, and in which nobody says anything."""
    with server("asyncio", "silent") as (pipe, port):
        callers = Callers(port, speak=False)
        callers.dial(20)
        before = ask(pipe, "memory")
        callers.dial(count)
        taken = (ask(pipe, "memory") - before) / count
        callers.hang_up()
    return taken


def show(found: Found) -> str:
    return (
        f"{found.calls} calls: gap median {1000 * found.median:.1f} ms, p99 {1000 * found.p99:.1f} ms, longest "
        f"{1000 * found.longest:.0f} ms, {found.lost} lost, {found.heard:.1%} heard, {found.share:.2f} of a core, "
        f"{found.memory / 1024:.0f} KiB a call"
    )


if __name__ == "__main__":
    os.sched_setaffinity(0, {1})
    print(describe())
    for word in sys.argv[1:]:
        print(show(run(int(word))), flush=True)
    if not sys.argv[1:]:
        print(f"{memory_of_idle_call() / 1024:.0f} KiB an idle call", flush=True)
        for kind in kinds():
            print(kind, show(highest(kind)), flush=True)
