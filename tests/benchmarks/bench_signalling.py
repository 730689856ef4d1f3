"""Calls per second under SIPp: `python tests/benchmarks/bench_signalling.py [name…]`, names as in `CASES`.

The server has core 0 for itself; SIPp, stunnel and the application share core 1. The figure is the highest rate at
which the median of three runs has at least 95 % of it done, no call failed, and p99 from INVITE to 200 below 100 ms.
`OTHERS` are other servers under the same load.
"""

import contextlib
import csv
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from machine import describe, spread, wait_for_quiet

FOLDER = Path(__file__).parent
RUNS = 3
SECONDS = 2
SETTLE = 0.5
LEAST_DONE = 0.95
SLOWEST_P99 = 100.0
STEP = 1.3
FINE_STEP = 1.08
LEAST = 0.1
"""Of the rate that a search begins with: below it there is nothing to find."""
START_TIMEOUT = 10.0
PROGRAMS = {
    "acceptor": ("load_server.py", "acceptor"),
    "emulator": ("load_server.py", "emulator"),
    "aiosipua": ("load_aiosipua.py",),
    "echo": ("load_echo.py",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the table. `first` is the rate that the search begins with, `target` in calls a second."""

    name: str
    says: str
    server: str
    transport: str = "udp"
    first: int
    target: int | None = None
    slowest_p99: int | None = None
    """Milliseconds at the target's rate."""
    loop: str = "asyncio"
    has_application: bool = False


CASES = [
    Case(
        name="signalling-udp",
        says="UDP, signalling alone",
        server="acceptor",
        first=1500,
        target=3000,
        slowest_p99=20,
    ),
    Case(name="signalling-udp-uvloop", says="… on uvloop", server="acceptor", first=1500, loop="uvloop"),
    Case(name="signalling-tcp", says="TCP, signalling alone", server="acceptor", transport="tcp", first=1500),
    Case(
        name="signalling-tls",
        says="TLS, signalling alone, stunnel in front of SIPp",
        server="acceptor",
        transport="tls",
        first=1000,
        target=2000,
        slowest_p99=20,
    ),
    Case(
        name="auto-accept-udp",
        says="UDP, `--auto-accept` with session and RTP sockets",
        server="emulator",
        first=400,
        target=1000,
        slowest_p99=50,
    ),
    Case(name="auto-accept-udp-uvloop", says="… on uvloop", server="emulator", first=400, loop="uvloop"),
    Case(
        name="webhook-rest-udp",
        says="UDP, webhook and REST accept by an application on the other core",
        server="emulator",
        first=200,
        target=250,
        has_application=True,
    ),
]
OTHERS = [
    Case(name="sipp-udp", says="SIPp's own UAS (C++), UDP", server="sipp", first=6000),
    Case(name="sipp-tcp", says="SIPp's own UAS (C++), TCP", server="sipp", transport="tcp", first=6000),
    Case(name="echo-udp", says="asyncio's datagrams, answered without state", server="echo", first=4000),
    Case(name="aiosipua-udp", says="aiosipua (Python, asyncio)", server="aiosipua", first=800),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one run of SIPp saw. Times are milliseconds."""

    rate: float
    done: float
    failed: int
    p50: float
    p99: float
    cpu_ms: float
    """Of the server, for each call."""

    @property
    def holds(self) -> bool:
        return self.done >= LEAST_DONE * self.rate and self.failed == 0 and self.p99 < SLOWEST_P99


def on_core(core: int, *command: str) -> list[str]:
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") and os.cpu_count() != 1 else [*command]


@contextlib.contextmanager
def running(*command: str, is_chatty: bool = False, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process until the end of the block. `is_chatty`: what it says of single calls is nobody's concern."""
    errors = subprocess.DEVNULL if is_chatty else None
    environment = {**os.environ, **environment}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=environment) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_for(file: Path) -> str:
    end = time.monotonic() + START_TIMEOUT
    while not file.exists():
        if time.monotonic() > end:
            raise RuntimeError(f"{file.name} did not come")
        time.sleep(0.01)
    return file.read_text(encoding="utf-8")


@contextlib.contextmanager
def server_of(case: Case, folder: Path) -> Iterator[tuple[int, int]]:
    """The process of the server, and the port that SIPp dials."""
    ready, url = folder / "ready.json", folder / "url"
    with contextlib.ExitStack() as stack:
        if case.server == "sipp":
            port = free_port()
            kind = "u1" if case.transport == "udp" else "t1"
            program = ["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-t", kind, "-nostdin"]
            yield stack.enter_context(running(*on_core(0, *program), is_chatty=True)).pid, port
            return
        file, *arguments = PROGRAMS[case.server]
        arguments.append(str(ready))
        if case.has_application:
            program = [sys.executable, str(FOLDER / "load_application.py"), str(url), str(ready)]
            stack.enter_context(running(*on_core(1, *program)))
            arguments.append(wait_for(url))
        program = [sys.executable, str(FOLDER / file), *arguments]
        server = stack.enter_context(running(*on_core(0, *program), LOAD_LOOP=case.loop))
        address = json.loads(wait_for(ready))["sip"][case.transport]
        port = int(address.partition(";")[0].rpartition(":")[2])
        if case.transport == "tls":
            port = stack.enter_context(tunnel_to(port, folder))
        yield server.pid, port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def tunnel_to(port: int, folder: Path) -> Iterator[int]:
    """Debian's SIPp has no TLS: stunnel has. Its port."""
    free = free_port()
    config = folder / "stunnel.conf"
    config.write_text(
        f"foreground = yes\npid =\ndebug = 2\n[sip]\nclient = yes\naccept = 127.0.0.1:{free}\n"
        f"connect = 127.0.0.1:{port}\nTIMEOUTclose = 0\nverifyChain = no\n"
    )
    with running(*on_core(1, "stunnel4", str(config))):
        time.sleep(SETTLE)
        yield free


def load(case: Case, rate: int) -> Load:
    """One run, against a server of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server_of(case, folder) as (pid, port):
            time.sleep(SETTLE)
            wait_for_quiet()
            before = cpu_seconds(pid)
            run_sipp(case, rate, port, folder)
            used = cpu_seconds(pid) - before
        return read_results(folder, rate, used)


def run_sipp(case: Case, rate: int, port: int, folder: Path) -> None:
    calls = rate * SECONDS
    kind = "u1" if case.transport == "udp" else "t1"
    command = [
        *("sipp", "-sf", str(FOLDER / "sipp/uac.xml"), f"127.0.0.1:{port}", "-i", "127.0.0.1", "-s", "proj_load"),
        *("-t", kind, "-r", str(rate), "-m", str(calls), "-l", str(calls), "-nostdin", "-trace_stat"),
        *("-fd", "1", "-trace_rtt", "-rtt_freq", str(calls // 10), "-buff_size", str(4 << 20)),
        *("-timeout", f"{SECONDS * 5}s", "-timeout_error", "-recv_timeout", "5000"),
    ]
    with (folder / "sipp.out").open("wb") as out:
        subprocess.run(on_core(1, *command), cwd=folder, stdout=out, stderr=out, timeout=SECONDS * 10, check=False)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_results(folder: Path, rate: int, used: float) -> Load:
    times = []
    for file in folder.glob("*_rtt.csv"):
        with file.open() as rows:
            times += [float(row[1]) for row in csv.reader(rows, delimiter=";") if row[1].replace(".", "").isdigit()]
    statistics = next(file for file in folder.glob("*_.csv") if not file.name.endswith("rtt.csv"))
    with statistics.open() as rows:
        last = list(csv.DictReader(rows, delimiter=";"))[-1]
    hours, minutes, seconds = last["ElapsedTime(C)"].split(":")[:3]
    elapsed = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    done = int(last["SuccessfulCall(C)"])
    times.sort()
    return Load(
        rate=rate,
        done=done / max(elapsed, SECONDS),
        failed=int(last["FailedCall(C)"]) + rate * SECONDS - done,
        p50=times[len(times) // 2] if times else float("inf"),
        p99=times[int(len(times) * 0.99)] if times else float("inf"),
        cpu_ms=1000 * used / max(done, 1),
    )


def median_of(case: Case, rate: int, runs: int = RUNS) -> Load:
    """Fewer runs where most have failed already."""
    loads: list[Load] = []
    while len(loads) < runs and sum(not each.holds for each in loads) <= runs // 2:
        loads.append(load(case, rate))
    return Load(
        rate=rate,
        done=spread([each.done for each in loads])[1],
        failed=int(spread([each.failed for each in loads])[1]),
        p50=spread([each.p50 for each in loads])[1],
        p99=spread([each.p99 for each in loads])[1],
        cpu_ms=spread([each.cpu_ms for each in loads])[1],
    )


def highest(case: Case, *, runs: int = RUNS) -> Load:
    """Up in steps until it breaks, then down in fine steps until the median of `runs` holds, or there is no hope."""
    rate = case.first
    while load(case, int(rate * STEP)).holds:
        rate = int(rate * STEP)
    rate = int(rate * STEP / FINE_STEP)
    while not (found := median_of(case, rate, runs)).holds and rate > LEAST * case.first:
        rate = int(rate / FINE_STEP)
    return found


def possible(cases: Sequence[Case]) -> list[Case]:
    """Those for which everything is installed."""
    missing = {name for name in ("aiosipua", "uvloop") if importlib.util.find_spec(name) is None}
    missing |= {name for name in ("sipp", "stunnel4") if shutil.which(name) is None}
    needs = {"tls": "stunnel4"}
    return [
        case
        for case in cases
        if missing.isdisjoint({"sipp", case.server, case.loop, needs.get(case.transport, "sipp")})
    ]


def show(case: Case, found: Load) -> str:
    return (
        f"{case.name:22} {found.rate:7.0f}/s  done {found.done:7.0f}/s  failed {found.failed}  "
        f"p50 {found.p50:6.1f} ms  p99 {found.p99:6.1f} ms  {found.cpu_ms:.3f} ms of CPU a call"
    )


if __name__ == "__main__":
    print(describe())
    rates = [int(word) for word in sys.argv[1:] if word.isdigit()]
    wanted = [word for word in sys.argv[1:] if not word.isdigit()]
    for case in possible([*CASES, *OTHERS]):
        if not wanted or case.name in wanted:
            for rate in rates:
                print(show(case, load(case, rate)), flush=True)
            if not rates:
                print(show(case, highest(case)), flush=True)
