"""What pyVoIP does: it registers first, has one branch for everything, and acknowledges late and to the wrong URI."""

import re
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import missing
from desk import SESSION, Desk, wait_for_entry
from interop.pyvoip import PyVoip, pyvoip

GREETING = "Hello, how can I help you?"
SAY = {"type": "response.create", "response": {"instructions": f"say exactly '{GREETING}'"}}
LATE = 20.0
"""Its first request may take seconds: it waits for each of its threads."""


@pytest.fixture
async def softphone(desk: Desk, tmp_path: Path) -> AsyncIterator[PyVoip]:
    if find_spec("pyVoIP") is None:
        missing("the Python package pyVoIP")
    port = int(desk.emulator.ready.sip["udp"].rpartition(":")[2].partition(";")[0])
    async with pyvoip(tmp_path, port) as softphone:
        yield softphone


async def connect(desk: Desk, softphone: PyVoip) -> str:
    """It calls, the application accepts, and its late ACK has come."""
    await softphone.tell(f"call {desk.emulator.ready.project_id}")
    delivery = await desk.receiver.wait_for(count=1)
    assert delivery.event is not None
    call_id = str(delivery.event["data"]["call_id"])
    assert (await desk.rest.accept(call_id, SESSION)).status == 200
    await wait_for_entry(desk.emulator, "call.state", lambda entry: entry.data["to"] == "connected", timeout=LATE)
    return call_id


@pytest.mark.interop("pyVoIP", "calls", "hears", "is heard", "hangs up")
async def test_softphone_of_pyvoip_is_greeted_understood_and_leaves(desk: Desk, softphone: PyVoip) -> None:
    call_id = await connect(desk, softphone)
    async with await desk.attach(call_id) as sideband:
        await sideband.send(SAY)
        await wait_for_stop(desk, 1)
        await understood(desk, softphone, "yes")
        await wait_for_stop(desk, len(responses(desk)))
        heard = await softphone.heard()
        assert (heard[0], heard[-1]) == (GREETING, "yes")
        assert await softphone.tell("hangup") == "ENDED"
        ended = await wait_for_entry(desk.emulator, "call.ended", timeout=LATE)
    assert (ended.data["by"], ended.data["reason"]) == ("caller", "hung up")
    # The pitfall that this peer is here for: a transaction is more than its branch.
    requests = [entry.data["text"] for entry in desk.emulator.journal.entries(kind="sip.received")]
    branches = {
        method: re.findall(r"branch=([^;\s]+)", text)[0]
        for text in requests
        for method in [text.split(" ", 1)[0]]
        if method in ("INVITE", "ACK", "BYE")
    }
    assert len(branches) == 3
    assert len(set(branches.values())) == 1


@pytest.mark.interop("pyVoIP", "is hung up on")
async def test_application_hangs_up_on_softphone_of_pyvoip(desk: Desk, softphone: PyVoip) -> None:
    call_id = await connect(desk, softphone)
    assert (await desk.rest.hangup(call_id)).status == 200
    ended = await wait_for_entry(desk.emulator, "call.ended", timeout=LATE)
    assert (ended.data["by"], ended.data["reason"]) == ("application", "hung up")
    assert await softphone.tell("state") == "ENDED"


async def understood(desk: Desk, softphone: PyVoip, text: str) -> None:
    """It says a text and is answered with it. It sleeps 20 ms between packets, so on a busy machine its sound has gaps:
    what was not understood it says again."""
    while True:
        so_far = len(responses(desk))
        await softphone.say(text)
        await wait_for_entry(
            desk.emulator, "event.server", lambda entry, n=so_far: len(responses(desk)) > n, timeout=LATE
        )
        if responses(desk)[-1] == text:
            return


def responses(desk: Desk) -> list[str]:
    """What the model has said so far."""
    sent = [entry.data["event"] for entry in desk.emulator.journal.entries(kind="event.server")]
    return [event["transcript"] for event in sent if event["type"] == "response.output_audio_transcript.done"]


async def wait_for_stop(desk: Desk, count: int) -> None:
    """Return when the emulator has played so many answers to their end."""

    def stops() -> int:
        sent = desk.emulator.journal.entries(kind="event.server")
        return sum(entry.data["event"]["type"] == "output_audio_buffer.stopped" for entry in sent)

    await wait_for_entry(desk.emulator, "event.server", lambda entry: stops() >= count, timeout=LATE)
