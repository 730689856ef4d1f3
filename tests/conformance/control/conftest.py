"""An emulator with the control API, an application elsewhere, and a client without anything of ringback in it."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from control_client import Application, Client
from ringback.conformance.control import Control
from ringback.emulator.config import Settings
from ringback.emulator.server import Emulator

FREE_PORTS = {"http_port": 0, "https_port": 0, "sip_tls_port": 0, "sip_tcp_port": 0, "sip_udp_port": 0}


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    before = asyncio.all_tasks()
    async with Emulator(Settings(**FREE_PORTS), control=Control()) as emulator:
        yield emulator
    assert emulator.leaks() == []
    assert [task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()] == []


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(http, emulator.ready.admin_url)


@pytest.fixture
async def application(client: Client) -> AsyncIterator[Application]:
    """Running, and told of the calls of a project of its own."""
    mine = Application()
    app = web.Application()
    app.router.add_post("/", mine.webhook)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    mine.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    mine.project = await client.done("POST", "projects", webhooks=[mine.url])
    yield mine
    await runner.cleanup()
