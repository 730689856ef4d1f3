"""A running emulator on free ports, the clients that talk to it, and a leak check behind every test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, StartEmulator
from ringback.conformance.client import Phone, RestClient, Sideband, WebhookReceiver
from ringback.emulator.config import Settings
from ringback.emulator.server import Emulator

DESCRIPTORS = Path("/proc/self/fd")  # elsewhere than on Linux the check of sockets finds nothing
FREE_PORTS = {"http_port": 0, "https_port": 0, "sip_tls_port": 0, "sip_tcp_port": 0, "sip_udp_port": 0}


@pytest.fixture(autouse=True)
def no_socket_left() -> Iterator[None]:
    """Whatever a test opened is closed behind it, without the help of the garbage collector."""
    before = _sockets()
    yield
    assert _sockets() - before == set()


def _sockets() -> set[str]:
    """The open sockets of this process, by their inodes."""
    found = set()
    for descriptor in DESCRIPTORS.iterdir() if DESCRIPTORS.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # the one that lists the folder
            found.add(str(descriptor.readlink()))
    return {name for name in found if name.startswith("socket:")}


@pytest.fixture
def expected_bugs() -> list[str]:
    """A test that makes the emulator raise puts the error's `repr` here, and the leak check lets it pass."""
    return []


@pytest.fixture
async def start_emulator(expected_bugs: list[str]) -> AsyncIterator[StartEmulator]:
    """`await start_emulator(decision_timeout=0.2)`; each is stopped, and then nothing of it may be left."""
    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        emulators: list[Emulator] = []

        async def start(**settings: Any) -> Emulator:
            emulator = await stack.enter_async_context(Emulator(Settings(**(FREE_PORTS | settings))))
            emulators.append(emulator)
            return emulator

        yield start
        for emulator in emulators:
            await emulator.stop()
            leaks = [leak for leak in emulator.leaks() if not any(bug in leak for bug in expected_bugs)]
            assert leaks == []
    left = [task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()]
    assert left == []


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture
async def emulator(start_emulator: StartEmulator, receiver: WebhookReceiver) -> Emulator:
    """An emulator whose webhooks go to `receiver`."""
    emulator = await start_emulator(webhook_urls=(receiver.url,))
    receiver.secrets = [emulator.ready.webhook_secret]
    return emulator


@pytest.fixture
async def phone(emulator: Emulator) -> AsyncIterator[Phone]:
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        yield phone


@pytest.fixture
async def rest(emulator: Emulator) -> AsyncIterator[RestClient]:
    async with RestClient(emulator.ready.base_url, emulator.ready.api_key) as rest:
        yield rest


@pytest.fixture
def attach(emulator: Emulator) -> Callable[[str], Awaitable[Sideband]]:
    """`async with await attach(call_id) as sideband`."""
    ready = emulator.ready
    return lambda call_id: Sideband.open(ready.base_url, call_id=call_id, api_key=ready.api_key)


@pytest.fixture
def desk(
    emulator: Emulator,
    phone: Phone,
    rest: RestClient,
    receiver: WebhookReceiver,
    attach: Callable[[str], Awaitable[Sideband]],
) -> Desk:
    return Desk(emulator, phone, rest, receiver, attach)
