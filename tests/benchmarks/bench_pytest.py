"""What the fixtures cost: `python tests/benchmarks/bench_pytest.py [tests]`.

`measured.py` is the suite that is timed. Beside the time that passed, the processor's: on a machine that others use as
well, that is the one to compare.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import describe, medians, spread

TESTS = 200
STARTS = 9
SUITE = Path(__file__).with_name("measured.py")
CASES = {
    "fixture": "the fixture `ringback`, set-up and tear-down",
    "sip": "a call over SIP and TLS with a packet each way, INVITE to BYE",
    "memory": "a call in memory, INVITE to BYE",
    "retries": "72 hours of webhook retries",
    "hour": "an hour on the phone with ten turns",
}
START = "the plugin in a suite that never uses it"
LOADING = """
import time
from _pytest.config import get_config
plugins = get_config(["-p", "no:ringback"]).pluginmanager
begin = time.process_time()
plugins.import_plugin("ringback.conformance.pytest_plugin")
print(time.process_time() - begin)
"""
OF_CPU = ", of the processor"
_LIMITS = {"fixture": "≤ 5 ms", "sip": "≤ 60 ms", "memory": "≤ 10 ms", "retries": "≤ 200 ms", "hour": "≤ 200 ms"}
TARGETS = {CASES[case]: limit for case, limit in _LIMITS.items()} | {START + OF_CPU: "≤ 20 ms"}


def run_suite(count: int) -> dict[str, list[Any]]:
    """Seconds by case, by the clock and of the CPU, and what each call over SIP counted of its packets."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "times.json")
        environment = {
            **os.environ,
            "RINGBACK_BENCHMARK_COUNT": str(count),
            "RINGBACK_BENCHMARK_FILE": str(file),
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(SUITE)]
        ran = subprocess.run(
            command, cwd=SUITE.parents[2], env=environment, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise RuntimeError(ran.stdout)
        times: dict[str, list[Any]] = json.loads(file.read_text(encoding="utf-8"))
    del times["fixture"][0]  # it starts the emulator
    return times


def start_of_another_suite() -> float:
    """Seconds of CPU that a run of pytest takes for the plugin when it uses nothing of it: its import and options."""
    ran = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, check=True)
    return float(ran.stdout)


def rows(tests: int = TESTS) -> list[tuple[str, float, float, float]]:
    """Name, then smallest, median and largest in milliseconds; `TARGETS` says what some of them should be."""
    times = run_suite(tests)
    found: list[tuple[str, float, float, float]] = []
    for case, name in CASES.items():
        for number, suffix in enumerate(("", OF_CPU)):
            found.append(_row(name + suffix, spread([taken[number] for taken in times[case]])))
    found.append(_row(START + OF_CPU, medians(start_of_another_suite, runs=STARTS)))
    both = sum(sent > 0 and received > 0 for sent, received in times["packets"])
    print(f"of {len(times['packets'])} calls over SIP, {both} had a packet each way before the BYE", file=sys.stderr)
    return found


def _row(name: str, seconds: tuple[float, float, float]) -> tuple[str, float, float, float]:
    low, median, high = (1000 * value for value in seconds)
    return name, low, median, high


if __name__ == "__main__":
    print(describe())
    for name, low, median, high in rows(int(sys.argv[1]) if len(sys.argv) > 1 else TESTS):
        print(f"{name:60} {median:7.1f} ms   ({low:.1f} to {high:.1f})   {TARGETS.get(name, '')}")
