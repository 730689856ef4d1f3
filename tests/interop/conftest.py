"""Emulators as in the integration tests, and the peers that nobody here wrote, each installed or a reason to skip."""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from conftest import missing
from integration.command import Command, running
from integration.conftest import *  # noqa: F403 — its fixtures, whichever they are
from interop.baresip import Baresip, baresip
from interop.browser import chromium
from interop.capture import Capture
from interop.launch import PROGRAMS, launched
from interop.stunnel import stunnel
from playwright.async_api import BrowserContext
from ringback.emulator.server import Emulator

StartBaresip = Callable[..., AbstractAsyncContextManager[Baresip]]
StartStunnel = Callable[..., AbstractAsyncContextManager[int]]
StartChromium = Callable[..., AbstractAsyncContextManager[BrowserContext]]
NODE_PACKAGES = (
    "@openai/agents",
    "@openai/agents-extensions",
    "@openai/agents-realtime",
    "esbuild",
    "miniflare",
    "openai",
    "zod",
)
StartNode = Callable[..., AbstractAsyncContextManager[Command]]


@pytest.fixture
def start_baresip(program: Callable[[str], str], tmp_path: Path) -> StartBaresip:
    """`async with start_baresip(ca_file=…) as phone`."""
    path = program("baresip")
    return lambda **options: baresip(path, tmp_path / "baresip", **options)


@pytest.fixture
async def softphone(emulator: Emulator, start_baresip: StartBaresip) -> AsyncIterator[Baresip]:
    """baresip over TLS, to call the fixture `emulator`."""
    async with start_baresip(ca_file=emulator.ready.ca_file) as phone:
        yield phone


@pytest.fixture
def start_stunnel(program: Callable[[str], str], tmp_path: Path) -> StartStunnel:
    """`async with start_stunnel(tls_port, ca_file=…) as port`: TCP to `port` comes out as TLS at `tls_port`."""
    path = program("stunnel4")
    return lambda tls_port, **options: stunnel(path, tmp_path, tls_port, **options)


@pytest.fixture
def capture() -> Iterator[Capture]:
    """All UDP on loopback from now on."""
    try:
        captured = Capture()
    except PermissionError:
        missing("the right to capture packets (CAP_NET_RAW)")
    with captured:
        yield captured


@pytest.fixture
def start_node(emulator: Emulator, program: Callable[[str], str], tmp_path: Path) -> StartNode:
    """`async with start_node("name.mjs", …) as command`: a copy of `programs/name.mjs`, redirected to the fixture
    `emulator`, or told of it by `settings=…`, environment variables, alone. The packages that the programs want are in
    the folder that `RINGBACK_NODE_MODULES` names."""
    modules = Path(os.environ.get("RINGBACK_NODE_MODULES", "node_modules"))
    for package in NODE_PACKAGES:
        if not (modules / package).is_dir():
            missing(f"the npm package {package} in RINGBACK_NODE_MODULES")
    shutil.copytree(PROGRAMS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "node_modules").symlink_to(modules.resolve())
    node = program("node")

    def start(*command: str, settings: Mapping[str, str] | None = None) -> AbstractAsyncContextManager[Command]:
        if settings is None:
            return launched(emulator, node, *command, folder=tmp_path)
        return running(node, *command, folder=tmp_path, **settings)

    return start


@pytest.fixture
def start_chromium(program: Callable[[str], str]) -> StartChromium:
    """`async with start_chromium(says=file) as context`."""
    path = program("chromium")
    return lambda **options: chromium(path, **options)


@pytest.fixture
def artefacts(tmp_path: Path) -> Path:
    """Where pictures are kept that people want to see: `RINGBACK_ARTEFACTS`, else a folder of the test's own."""
    folder = Path(os.environ.get("RINGBACK_ARTEFACTS", tmp_path / "artefacts"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
