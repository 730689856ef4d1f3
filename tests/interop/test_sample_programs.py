"""The sample programs of the guides, byte for byte, under `ringback exec`: real phones call them over TLS."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.command import FREE_PORTS, Command, ringback
from interop.capture import Capture
from interop.conftest import StartBaresip, StartStunnel
from interop.sipp import SCENARIOS, sipp
from ports import turn_at
from ringback.conformance.client import Phone, g711
from ringback.fixtures import tonecode

# The sample insists on port 8000, so there can only be one of it.
pytestmark = pytest.mark.xdist_group("port 8000")

WEBHOOK_URL = "http://127.0.0.1:8000/"
GREETING = "Thank you for calling, how can I help you"
CALLER_SAYS = "My parcel has not arrived, number 4711"
EXEC = ("exec", *FREE_PORTS, "--ready-json", "ready.json", "--webhook-url", WEBHOOK_URL, "--")


def received(line: str) -> dict[str, Any]:
    """The event in a line that the sample prints; empty in any other line."""
    prefix, _, text = line.partition("Received from WebSocket: ")
    return json.loads(text) if text and not prefix else {}  # type: ignore[no-any-return]


def is_event(kind: str) -> Callable[[str], bool]:
    return lambda line: received(line).get("type") == kind


@pytest.fixture
def turn() -> Iterator[None]:
    with turn_at(8000):
        yield


@pytest.fixture
async def application(turn: None, shared: Path, tmp_path: Path) -> AsyncIterator[Command]:
    """`ringback exec … -- python sip_webhook_app.py`, once the application waits for webhooks."""
    sample = shared / "samples" / "sip_webhook_app.py"
    async with ringback(*EXEC, sys.executable, str(sample), folder=tmp_path) as command:
        await command.line(lambda line: "Running on http://127.0.0.1:8000" in line)
        yield command
        assert await command.interrupt() in (0, 130)


async def test_baresip_hears_greeting_and_is_understood(application: Command, start_baresip: StartBaresip) -> None:
    ready = application.ready()
    async with start_baresip(ca_file=ready["ca_file"]) as phone:
        await phone.dial(ready["sip"]["tls"])
        await application.line(is_event("output_audio_buffer.stopped"))
        await phone.say(CALLER_SAYS)
        await application.line(is_event("input_audio_buffer.committed"))
        await application.line(is_event("output_audio_buffer.stopped"), count=2)
        await phone.hang_up()
    # The built-in model repeats what it heard, and so does not lie about it.
    assert phone.heard() == [GREETING, CALLER_SAYS]
    await _expect_journal(application)


async def test_sipp_hears_greeting_and_is_understood(
    application: Command, start_stunnel: StartStunnel, capture: Capture, program: Callable[[str], str], tmp_path: Path
) -> None:
    ready = application.ready()
    folder = tmp_path / "sipp"
    folder.mkdir()
    (folder / "speech.ulaw").write_bytes(g711.encode("PCMU", tonecode.encode(CALLER_SAYS)))
    tls_port = int(ready["sip"]["tls"].rpartition(":")[2].partition(";")[0])
    scenario = ["-sf", str(SCENARIOS / "greeted.xml"), "-3pcc", "TWIN", "-t", "t1", "-m", "1"]
    async with (
        start_stunnel(tls_port, ca_file=ready["ca_file"]) as port,
        sipp(program("sipp"), folder, f"127.0.0.1:{port}", "-s", ready["project_id"], *scenario) as caller,
    ):
        media_port = int((await caller.told())["Answered"])
        await application.line(is_event("output_audio_buffer.stopped"))
        await caller.go_on()
        await application.line(is_event("input_audio_buffer.committed"))
        await application.line(is_event("output_audio_buffer.stopped"), count=2)
        await caller.go_on()
        await caller.finished()
    assert capture.heard_at(media_port) == [GREETING, CALLER_SAYS]
    await _expect_journal(application)


async def test_sideband_sample_attaches_to_a_call(
    program: Callable[[str], str], shared: Path, node_modules: Path, tmp_path: Path
) -> None:
    shutil.copyfile(shared / "samples" / "sideband.mjs", tmp_path / "sideband.mjs")
    (tmp_path / "node_modules").symlink_to(node_modules)
    os.mkfifo(tmp_path / "call_id")
    sample = ["sh", "-c", 'exec "$0" sideband.mjs "$(cat call_id)"', program("node")]
    arguments = ["exec", *FREE_PORTS, "--ready-json", "ready.json", "--auto-accept", "--", *sample]
    async with ringback(*arguments, folder=tmp_path) as command:
        await command.line(lambda line: line.startswith("ringback: its certificate authority"))
        ready = command.ready()
        async with Phone(ca_file=ready["ca_file"]) as phone:
            call = await phone.dial(ready["sip"]["tls"])
            await call.answered()
            [state, *_] = await command.journal("call.state")
            await asyncio.to_thread((tmp_path / "call_id").write_text, state["call_id"])
            await command.line(lambda line: line == "Connected to server.")
            await command.line(lambda line: "type: 'session.updated'" in line)
            await command.line(lambda line: "instructions: 'Be extra nice today!'" in line)
            await call.hang_up()
        assert await command.status() == 0
    assert not any("Error" in line for line in command.lines)


async def _expect_journal(application: Command) -> None:
    heard = [entry["data"] for entry in await application.journal("media.heard")]
    assert [(each["text"], each["complete"]) for each in heard] == [(CALLER_SAYS, True)]
    assert [entry["data"]["text"] for entry in await application.journal("media.said")] == [GREETING, CALLER_SAYS]
    [ended] = await application.journal("call.ended")
    assert (ended["data"]["by"], ended["data"]["reason"]) == ("caller", "hung up")
    [delivered] = await application.journal("webhook.delivered")
    assert delivered["data"]["url"] == WEBHOOK_URL
    assert {entry["data"]["transport"] for entry in await application.journal("sip.received")} == {"tls"}
    assert await application.journal("emulator.bug") == []
