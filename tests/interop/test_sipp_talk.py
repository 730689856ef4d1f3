"""SIPp as a caller with sound and keys from a pcap file: over UDP, TCP, TLS by stunnel, and through a trunk."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from desk import SESSION, Desk, wait_for_entry
from interop.capture import Capture
from interop.conftest import StartStunnel
from interop.kamailio import trunk
from interop.sipp import Sipp, sipp
from interop.sipp_scenarios import write_scenario, write_sound
from interop.test_pyvoip import wait_for_stop

GREETING = "Hello, how can I help you?"
SAY = {"type": "response.create", "response": {"instructions": f"say exactly '{GREETING}'"}}
WAYS = ["udp", "tcp", "tls", "trunk"]


@dataclass
class Caller:
    """A SIPp in a call that the application has accepted."""

    sipp: Sipp
    media_port: int
    call_id: str


Dial = Callable[..., contextlib.AbstractAsyncContextManager[Caller]]


@pytest.fixture
def dial(desk: Desk, start_stunnel: StartStunnel, program: Callable[[str], str], tmp_path: Path) -> Dial:
    """`async with dial("udp", "call", "hang up") as caller`: SIPp goes through these steps."""

    @contextlib.asynccontextmanager
    async def calling(way: str, *steps: str) -> AsyncIterator[Caller]:
        arguments = ["-s", desk.emulator.ready.project_id, *write_scenario(tmp_path, *steps)]
        async with contextlib.AsyncExitStack() as stack:
            ports = {
                kind: int(uri.rpartition(":")[2].partition(";")[0]) for kind, uri in desk.emulator.ready.sip.items()
            }
            port, transport = ports.get(way, 0), "u1" if way in ("udp", "trunk") else "t1"
            if way == "tls":
                port = await stack.enter_async_context(start_stunnel(ports["tls"], ca_file=desk.emulator.ready.ca_file))
            elif way == "trunk":
                between = trunk(program("kamailio"), tmp_path / "kamailio", desk.emulator)
                port = (await stack.enter_async_context(between)).port
            caller = await stack.enter_async_context(
                sipp(program("sipp"), tmp_path, f"127.0.0.1:{port}", "-t", transport, *arguments)
            )
            delivery = await desk.receiver.wait_for(count=1)
            assert delivery.event is not None
            call_id = delivery.event["data"]["call_id"]
            assert (await desk.rest.accept(call_id, SESSION)).status == 200
            media_port = int((await caller.told())["Answered"].removeprefix("audio "))
            await wait_for_entry(desk.emulator, "call.state", lambda entry: entry.data["to"] == "connected")
            yield Caller(caller, media_port, call_id)
            await caller.finished()

    return calling


@pytest.mark.interop("SIPp", "calls", "hears", "is heard", "presses digits", "hangs up")
@pytest.mark.parametrize("way", WAYS)
async def test_sipp_talks_and_presses_digits(
    desk: Desk, dial: Dial, capture: Capture, tmp_path: Path, way: str
) -> None:
    write_sound(tmp_path, says="good morning", presses="159#*0")
    async with dial(way, "call", "wait", "play", "wait", "hang up") as caller:
        async with await desk.attach(caller.call_id) as sideband:
            await sideband.send(SAY)
            await wait_for_stop(desk, 1)
            await caller.sipp.go_on()
            await wait_for_stop(desk, 2)
            await wait_for_entry(desk.emulator, "media.dtmf", lambda entry: entry.data["digit"] == "0")
        await caller.sipp.go_on()
        ended = await wait_for_entry(desk.emulator, "call.ended")
    assert (ended.data["by"], ended.data["reason"]) == ("caller", "hung up")
    journal = desk.emulator.journal
    assert [(e.data["text"], e.data["complete"]) for e in journal.entries(kind="media.heard")] == [
        ("good morning", True)
    ]
    assert "".join(entry.data["digit"] for entry in journal.entries(kind="media.dtmf")) == "159#*0"
    assert capture.heard_at(caller.media_port) == [GREETING, "good morning"]


@pytest.mark.interop("SIPp", "is transferred")
@pytest.mark.parametrize("way", WAYS)
async def test_sipp_is_transferred(desk: Desk, dial: Dial, way: str) -> None:
    async with dial(way, "call", "be transferred", "hang up") as caller:
        assert (await desk.rest.refer(caller.call_id, "tel:+14155550123")).status == 200
        ended = await wait_for_entry(desk.emulator, "call.ended")
    assert (ended.data["by"], ended.data["reason"]) == ("caller", "hung up")
    assert [entry.data["status"] for entry in desk.emulator.journal.entries(kind="sip.refer")] == [202, 200]


@pytest.mark.interop("SIPp", "is hung up on")
@pytest.mark.parametrize("way", WAYS)
async def test_sipp_is_hung_up_on(desk: Desk, dial: Dial, way: str) -> None:
    async with dial(way, "call", "be hung up on") as caller:
        assert (await desk.rest.hangup(caller.call_id)).status == 200
        ended = await wait_for_entry(desk.emulator, "call.ended")
    assert (ended.data["by"], ended.data["reason"]) == ("application", "hung up")
