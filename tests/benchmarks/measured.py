"""The suite whose tests `bench_pytest.py` times. Each writes down how long it took, by the clock and of the CPU."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from applications import SESSION
from openai import AsyncOpenAI, InvalidWebhookSignatureError
from ringback.conformance.testing import Caller, Ringback

COUNT = int(os.environ.get("RINGBACK_BENCHMARK_COUNT", "20"))
LONG = 5

Times = dict[str, list[tuple[float, float]]]


class Stopwatch:
    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Seconds since it was made: that have passed, and of the CPU."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


class Application:
    """Verifies and accepts. The client is there before anybody calls: what it costs is the SDK's."""

    def __init__(self, secret: str | None = None) -> None:
        self._client = AsyncOpenAI(webhook_secret=secret)
        _ = self._client.webhooks, self._client.realtime.calls

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                assert (await receive())["type"] == f"lifespan.{step}"
                if step == "shutdown":
                    await self._client.close()
                await send({"type": f"lifespan.{step}.complete"})
            return
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status = 200
        try:
            event = self._client.webhooks.unwrap(body, headers)
        except InvalidWebhookSignatureError:
            status = 400
        else:
            assert event.type == "realtime.call.incoming"
            await self._client.realtime.calls.accept(event.data.call_id, **SESSION)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="session")
def times() -> Iterator[Times]:
    """By case. The file that the environment names gets them in the end."""
    times: Times = {"fixture": [], "sip": [], "memory": [], "retries": [], "hour": [], "packets": []}
    yield times
    if file := os.environ.get("RINGBACK_BENCHMARK_FILE"):
        Path(file).write_text(json.dumps(times), encoding="utf-8")


@pytest.fixture
def around(times: Times) -> Iterator[None]:
    """Set up before the fixtures that come after it, torn down after them."""
    stopwatch = Stopwatch()
    yield
    times["fixture"].append(stopwatch.read())


@pytest.mark.parametrize("number", range(COUNT + 1))
def test_fixture(around: None, ringback: Ringback, number: int) -> None:
    assert ringback.journal.records() == []


async def a_packet(call: Caller) -> None:
    """Until the caller has got one; its own first one left when it was answered."""
    line: Any = call._talker._line
    await line.watch.until(lambda: line.media.recording.size, timeout=5.0, what="a packet")


@pytest.mark.parametrize("number", range(COUNT))
@pytest.mark.parametrize("via", ["sip", "memory"])
def test_call(ringback: Ringback, times: Times, via: Any, number: int) -> None:
    ringback.webhook(Application())
    stopwatch = Stopwatch()
    call = ringback.dial(via=via)
    call.answered()
    if via == "sip":
        ringback._thread.run(a_packet(call))
    call.hang_up()
    times[via].append(stopwatch.read())
    call.ended()
    closed = ringback.journal.wait_for("media.closed").data["statistics"]
    if via == "sip":
        times["packets"].append((closed["sent"], closed["received"]))


@pytest.mark.parametrize("number", range(LONG))
@pytest.mark.ringback(clock="manual")
def test_retries(ringback: Ringback, times: Times, number: int) -> None:
    ringback.webhook(Application("whsec_" + 32 * "A"))
    stopwatch = Stopwatch()
    ringback.dial(via="memory").rejected(480, within=60)
    ringback.clock.advance("73 h")
    times["retries"].append(stopwatch.read())
    assert len(ringback.journal.records("webhook.attempt")) > 70


@pytest.mark.parametrize("number", range(LONG))
@pytest.mark.ringback(clock="manual")
def test_hour(ringback: Ringback, times: Times, number: int) -> None:
    ringback.webhook(Application())
    stopwatch = Stopwatch()
    call = ringback.dial(via="memory")
    call.answered()
    for turn in range(10):
        call.say(f"this is turn {turn}")
        assert call.hears() == f"this is turn {turn}"
        ringback.clock.advance("5 min")
    call.hang_up()
    times["hour"].append(stopwatch.read())
    call.ended()
