"""What the fixtures cost: `python tests/benchmarks/bench_pytest.py [tests]`.

Targets: 5 ms for the fixture, 60 ms from INVITE to BYE over SIP and TLS with a packet each way, 10 ms in memory,
200 ms for 72 hours of retries and for an hour with ten turns, 20 ms at the start of a suite that uses none of it.
Beside the time that passed, the CPU's: on a busy machine that is the one to compare.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import describe

STARTS = 7
TESTS = '''
import json
import os
import time

import pytest
from applications import SESSION
from openai import AsyncOpenAI, InvalidWebhookSignatureError

COUNT = int(os.environ["COUNT"])
CLIENT = AsyncOpenAI(api_key="sk-of-nobody", base_url="http://127.0.0.1:9")
TIMES = {"sip": [], "memory": [], "packets": [], "retries": [], "hour": []}


def now():
    return time.perf_counter(), time.process_time()


class Application:
    """Verifies and accepts, with a client that was made beforehand."""

    def __init__(self, ringback, secret=None):
        self.client = CLIENT.with_options(api_key=ringback.api_key, base_url=ringback.base_url)
        self.secret = secret or ringback.webhook_secret

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            raise NotImplementedError
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status = 200
        try:
            event = self.client.webhooks.unwrap(body, headers, secret=self.secret)
        except InvalidWebhookSignatureError:
            status = 400
        else:
            await self.client.realtime.calls.accept(event.data.call_id, **SESSION)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="session", autouse=True)
def written():
    yield
    with open("times.json", "w") as file:
        json.dump(TIMES, file)


@pytest.mark.parametrize("number", range(COUNT))
def test_fixture(ringback, number):
    pass


@pytest.mark.parametrize("number", range(COUNT))
@pytest.mark.parametrize("via", ["sip", "memory"])
def test_call(ringback, via, number):
    ringback.webhook(Application(ringback))
    begin = now()
    call = ringback.dial(via=via)
    call.answered()
    call.hang_up()
    TIMES[via].append([a - b for a, b in zip(now(), begin)])
    call.ended()
    [closed] = ringback.journal.records("media.closed") or [ringback.journal.wait_for("media.closed")]
    if via == "sip":
        TIMES["packets"].append(closed.data)


@pytest.mark.parametrize("number", range(5))
@pytest.mark.ringback(clock="manual")
def test_retries(ringback, number):
    ringback.webhook(Application(ringback, "whsec_" + 32 * "A"))
    begin = now()
    ringback.dial(via="memory").rejected(480, within=60)
    ringback.clock.advance("73 h")
    TIMES["retries"].append([a - b for a, b in zip(now(), begin)])
    assert len(ringback.journal.records("webhook.attempt")) > 70


@pytest.mark.parametrize("number", range(5))
@pytest.mark.ringback(clock="manual")
def test_hour(ringback, number):
    ringback.webhook(Application(ringback))
    begin = now()
    call = ringback.dial(via="memory")
    call.answered()
    for turn in range(10):
        call.say(f"this is turn {turn}")
        assert call.hears() == f"this is turn {turn}"
        ringback.clock.advance("5 min")
    call.hang_up()
    TIMES["hour"].append([a - b for a, b in zip(now(), begin)])
    call.ended()
'''
CONFTEST = """
import json

SETUPS = []


def pytest_runtest_logreport(report):
    if "test_fixture" in report.nodeid and report.when != "call":
        SETUPS.append((report.nodeid, report.duration))


def pytest_sessionfinish():
    with open("setups.json", "w") as file:
        json.dump(SETUPS, file)
"""


def run_suite(count: int) -> tuple[dict[str, list[list[float]]], list[dict[str, dict[str, int]]]]:
    """Seconds by case, by the clock and of the CPU, and what each call over SIP counted of its packets."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_many.py").write_text(TESTS)
        Path(folder, "conftest.py").write_text(CONFTEST)
        paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "COUNT": str(count), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
        ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise RuntimeError(ran.stdout)
        times = json.loads(Path(folder, "times.json").read_text())
        setups: dict[str, float] = {}
        for name, seconds in json.loads(Path(folder, "setups.json").read_text()):
            setups[name] = setups.get(name, 0.0) + seconds
    packets = times.pop("packets")
    fixtures = [[seconds] for seconds in sorted(setups.values())[:-1]]  # the first one starts the emulator
    return {"fixture": fixtures, **times}, packets


def children() -> float:
    """Seconds of CPU that processes have taken which have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def start_of_another_suite() -> float:
    """Seconds of CPU that the plugin adds to a run of pytest that uses nothing of it: the difference of two
    smallest values, since what else a machine does only adds."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        taken: dict[tuple[str, ...], list[float]] = {(): [], ("-p", "no:ringback"): []}
        for _ in range(STARTS):
            for options, times in taken.items():
                command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, folder]
                begin = children()
                subprocess.run(command, cwd=folder, capture_output=True, check=True)
                times.append(children() - begin)
    with_it, without = (min(times) for times in taken.values())
    return with_it - without


NAMES = {
    "fixture": ("the fixture, set-up and tear-down", 5),
    "sip": ("INVITE to BYE over SIP and TLS", 60),
    "memory": ("INVITE to BYE in memory", 10),
    "retries": ("72 hours of retries", 200),
    "hour": ("an hour with ten turns", 200),
}


if __name__ == "__main__":
    print(describe())
    found, packets = run_suite(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    for name, (what, target) in NAMES.items():
        values = sorted(1000 * value[0] for value in found[name])
        p95 = values[int(0.95 * (len(values) - 1))]
        used = [1000 * value[1] for value in found[name] if len(value) > 1]
        cpu = f"   CPU {statistics.median(used):6.1f} ms" if used else ""
        median = statistics.median(values)
        print(f"{what:40} median {median:7.1f} ms   p95 {p95:7.1f} ms   target {target} ms{cpu}")
    print(f"{'the plugin, where nobody uses it':40} {1000 * start_of_another_suite():14.1f} ms of CPU   target 20 ms")
    counted = [each["statistics"] for each in packets]
    both = sum(1 for each in counted if each["sent"] and each["received"])
    print(f"of {len(counted)} calls over SIP, {both} had a packet each way before the BYE")
