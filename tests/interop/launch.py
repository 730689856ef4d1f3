"""Programs written for api.openai.com, redirected as `ringback exec` does, to an emulator that the test looks into."""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from integration.command import Command, running
from ringback.conformance.client import Phone
from ringback.emulator.run_command import port_of
from ringback.emulator.server import Emulator
from ringback.emulator.transports.environment import Redirection, child_environment
from ringback.emulator.transports.redirect import Redirect, Upstream

PROGRAMS = Path(__file__).parent / "programs"
FIND_ORDER = Path(__file__).parent / "scenarios" / "find_order.toml"
"""The scenario to these programs and their tool `find_order`."""


@contextlib.asynccontextmanager
async def launched(emulator: Emulator, *command: str, folder: Path) -> AsyncIterator[Command]:
    """Run a command in `folder`, which gets its bundles of certificates too. It ends with the block at the latest."""
    ready = emulator.ready
    refused: list[str] = []
    redirect = Redirect(
        https=("127.0.0.1", port_of(ready.https_base_url)), upstream=Upstream.of(os.environ), on_refused=refused.append
    )
    await redirect.start()
    try:
        redirection = Redirection(
            base_url=ready.base_url,
            api_key=ready.api_key,
            webhook_secret=ready.webhook_secret,
            ca_file=Path(ready.ca_file),
            target=redirect.target,
            proxy_port=redirect.proxy_port,
        )
        async with running(*command, folder=folder, **child_environment(os.environ, redirection, folder=folder)) as run:
            yield run
    finally:
        await redirect.stop()
    assert refused == []


async def order_by_phone(emulator: Emulator, command: Command) -> None:
    """A program with the tool `find_order` that waits for a call gets one, and ends with it."""
    await command.line(lambda line: line == "waiting for a call")
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip["tls"])
        await call.answered()
        await call.wait_for_heard("Welcome, which order?")
        await call.say("4711")
        await call.wait_for_heard("I see, order 4711 is on its way.")
        await call.hang_up()
        assert await command.status() == 0
    assert command.lines == [
        "waiting for a call",
        "tool: find_order(4711)",
        "tool_end: order 4711 is on its way",
        "the caller has hung up",
    ]
