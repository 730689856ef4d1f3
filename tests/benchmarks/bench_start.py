"""From start to ready, every listener open: `python tests/benchmarks/bench_start.py [runs]`. Target: 0.5 s.

Once as users start it, a process with `--ready-json`; once inside a process that has imported everything, as tests do.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import RUNS, describe, medians

ANY_PORTS = [f"--{name}-port=0" for name in ("http", "https", "sip-tls", "sip-tcp", "sip-udp")]


def start_process() -> float:
    """Seconds from `exec` to the ready file."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready.json")
        command = [sys.executable, "-m", "ringback.emulator", "serve", *ANY_PORTS, f"--ready-json={ready}"]
        begin = time.perf_counter()
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            while not ready.exists():
                if process.poll() is not None:
                    raise RuntimeError(f"the emulator ended with {process.returncode}")
                time.sleep(0.001)
            taken = time.perf_counter() - begin
            process.terminate()
    return taken


def import_everything() -> float:
    """Seconds of a process that only imports."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import ringback.emulator.server"], env=environment, check=True)
    return time.perf_counter() - begin


def start_in_process() -> float:
    """Seconds of `start()`."""
    from ringback.emulator.config import Settings
    from ringback.emulator.server import Emulator

    async def run() -> float:
        emulator = Emulator(Settings(http_port=0, https_port=0, sip_tls_port=0, sip_tcp_port=0, sip_udp_port=0))
        begin = time.perf_counter()
        await emulator.start()
        taken = time.perf_counter() - begin
        await emulator.stop()
        return taken

    return asyncio.run(run())


def rows(runs: int = RUNS) -> list[tuple[str, float, float, float]]:
    """Name, then smallest, median and largest in milliseconds."""
    measured = {
        "`ringback serve`, process start to ready": start_process,
        "of this, Python and its imports": import_everything,
        "`Emulator.start()` in a running process": start_in_process,
    }
    return [(name, *(1000 * value for value in medians(measure, runs=runs))) for name, measure in measured.items()]


if __name__ == "__main__":
    print(describe())
    for name, low, median, high in rows(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS):
        print(f"{name:45} {median:7.1f} ms   ({low:.1f} to {high:.1f})")
