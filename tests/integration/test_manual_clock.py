"""`ringback serve --clock manual`: time stands still, and jumps when a request says so."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from control_client import Client
from integration.command import FREE_PORTS, Command, ringback


@pytest.fixture
def refusing_url() -> Iterator[str]:
    """Of a port that is taken, and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


def is_ready(line: str) -> bool:
    return line.startswith("# journal: ")


async def client_of(serve: Command, http: aiohttp.ClientSession) -> Client:
    await serve.line(is_ready)
    return Client(http, serve.ready()["admin_url"])


async def entries(client: Client, kind: str) -> list[dict[str, Any]]:
    return list((await client.done("GET", f"journal?kind={kind}"))["data"])


async def test_caller_waits_for_a_decision_no_longer_than_a_request_says(tmp_path: Path) -> None:
    serving = ringback("serve", *FREE_PORTS, "--clock", "manual", "--ready-json", "ready.json", folder=tmp_path)
    async with serving as serve, aiohttp.ClientSession() as http:
        client = await client_of(serve, http)
        before = await client.done("GET", "clock")
        assert before["kind"] == "manual"
        assert (await client.done("GET", "clock"))["now"] == pytest.approx(before["now"], abs=0.1)
        await client.done("POST", "calls")
        await client.done("POST", "projects/proj_ringback/expect", kind="call.state")
        assert (await client.done("POST", "clock/advance", duration="20 s"))["now"] >= before["now"] + 20
        assert (await client.done("GET", "calls/1"))["state"] == "undecided"
        await client.done("POST", "clock/advance", duration="11 s")
        assert (await client.done("POST", "calls/1/expect", rejected=480))["found"] == 480
        await client.done("POST", "clock/run_until_idle")
        assert await serve.interrupt() == 0


async def test_webhook_is_tried_for_72_hours_in_a_moment(tmp_path: Path, refusing_url: str) -> None:
    serving = ringback(
        "serve",
        *FREE_PORTS,
        "--clock",
        "manual",
        "--ready-json",
        "ready.json",
        "--webhook-url",
        refusing_url,
        folder=tmp_path,
    )
    async with serving as serve, aiohttp.ClientSession() as http:
        client = await client_of(serve, http)
        await client.done("POST", "calls")
        await client.done("POST", "projects/proj_ringback/expect", kind="webhook.attempt")
        await client.done("POST", "clock/advance", duration="73 h")
        (abandoned,) = await entries(client, "webhook.abandoned")
        attempts = await entries(client, "webhook.attempt")
        assert abandoned["data"]["attempts"] == len(attempts) > 70
        assert attempts[-1]["at"] - attempts[0]["at"] <= 72 * 3600
        assert await serve.interrupt() == 0
