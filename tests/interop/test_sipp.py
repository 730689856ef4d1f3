"""SIPp's own caller, a hundred times, against the command that everybody runs."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from integration.command import FREE_PORTS, Command, ringback
from interop.conftest import StartStunnel
from interop.ports import PATIENCE
from interop.sipp import sipp

CALLS = 100
TRAFFIC = ("-sn", "uac", "-m", str(CALLS), "-r", "50")
SERVE = ("serve", *FREE_PORTS, "--auto-accept", "--ready-json", "ready.json")


def port_of(uri: str) -> int:
    return int(uri.rpartition(":")[2].partition(";")[0])


async def expect_calls(command: Command) -> None:
    """Every call was begun, connected and ended by its caller, and nothing went wrong on the way."""
    ended: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE):
        while len(ended) < CALLS:  # the last caller has its 200 before all that its call had is given back
            ended = await command.journal("call.ended")
    assert Counter((each["data"]["by"], each["data"]["reason"]) for each in ended) == {("caller", "hung up"): CALLS}
    states = Counter(entry["data"]["to"] for entry in await command.journal("call.state"))
    assert states["connected"] == states["ended"] == CALLS
    for kind in ("emulator.bug", "sip.dropped"):
        assert await command.journal(kind) == []


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_hundred_calls_of_sipp_all_succeed(
    program: Callable[[str], str], tmp_path: Path, transport: str
) -> None:
    async with ringback(*SERVE, folder=tmp_path) as command:
        await command.line(lambda line: line.startswith("# journal: "))
        ready = command.ready()
        target = f"127.0.0.1:{port_of(ready['sip'][transport])}"
        arguments = [*TRAFFIC, "-s", ready["project_id"], "-t", f"{transport[0]}1"]
        async with sipp(program("sipp"), tmp_path, target, *arguments) as caller:
            await caller.finished()
        await expect_calls(command)
        assert await command.interrupt() == 0


async def test_a_hundred_calls_of_sipp_through_tls_all_succeed(
    program: Callable[[str], str], start_stunnel: StartStunnel, tmp_path: Path
) -> None:
    async with ringback(*SERVE, folder=tmp_path) as command:
        await command.line(lambda line: line.startswith("# journal: "))
        ready = command.ready()
        arguments = [*TRAFFIC, "-s", ready["project_id"], "-t", "t1"]
        async with (
            start_stunnel(port_of(ready["sip"]["tls"]), ca_file=ready["ca_file"]) as port,
            sipp(program("sipp"), tmp_path, f"127.0.0.1:{port}", *arguments) as caller,
        ):
            await caller.finished()
        await expect_calls(command)
        assert await command.interrupt() == 0
