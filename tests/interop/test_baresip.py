"""What a person does with baresip, a softphone that nobody here wrote, against an emulator in this process."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from desk import SESSION, Desk, StartEmulator, wait_for_entry
from interop.baresip import Baresip
from interop.conftest import StartBaresip
from ringback.conformance.client import RestClient
from ringback.emulator.journal import Entry
from ringback.emulator.server import Emulator

PRESSED = "input_audio_buffer.dtmf_event_received"
GREETING = "Hello, how can I help you?"


@dataclass
class Line:
    """baresip in a call that the application has accepted."""

    desk: Desk
    softphone: Baresip
    call_id: str

    async def entry(self, kind: str, **data: Any) -> Entry:
        """The first journal entry of that kind with such data."""
        return await wait_for_entry(self.desk.emulator, kind, lambda entry: data.items() <= entry.data.items())


@pytest.fixture
async def line(desk: Desk, softphone: Baresip) -> Line:
    dialling = asyncio.create_task(softphone.dial(desk.emulator.ready.sip["tls"]))
    delivery = await desk.receiver.wait_for(count=1)
    assert delivery.event is not None
    call_id = delivery.event["data"]["call_id"]
    assert (await desk.rest.accept(call_id, SESSION)).status == 200
    await dialling
    line = Line(desk, softphone, call_id)
    await line.entry("call.state", to="connected")
    return line


async def until_said(emulator: Emulator, text: str) -> None:
    """Return when the model has said this to its end."""
    said = await wait_for_entry(emulator, "media.said", lambda entry: entry.data["text"] == text)
    await wait_for_entry(
        emulator,
        "event.server",
        lambda entry: entry.sequence > said.sequence and entry.data["event"]["type"] == "output_audio_buffer.stopped",
    )


@pytest.mark.interop("baresip", "calls", "hears", "is heard")
@pytest.mark.parametrize("transport", ["tls", "tcp", "udp"])
async def test_softphone_is_greeted_and_understood(
    start_emulator: StartEmulator, start_baresip: StartBaresip, transport: str
) -> None:
    emulator = await start_emulator(auto_accept=True)
    async with start_baresip(ca_file=emulator.ready.ca_file, transport=transport) as softphone:
        await softphone.dial(emulator.ready.sip[transport])
        await until_said(emulator, GREETING)
        await softphone.say("good morning")
        await until_said(emulator, "good morning")
        await softphone.hang_up()
    assert softphone.heard() == [GREETING, "good morning"]
    heard = [(entry.data["text"], entry.data["complete"]) for entry in emulator.journal.entries(kind="media.heard")]
    assert heard == [("good morning", True)]


@pytest.mark.interop("baresip", "presses digits")
async def test_keys_of_softphone_become_events(line: Line) -> None:
    async with await line.desk.attach(line.call_id) as sideband:
        for count, digit in enumerate("159#*0", start=1):
            await line.softphone.press(digit)
            await wait_for_entries(line, "media.dtmf", count)
        await sideband.wait_for(
            "input_audio_buffer.dtmf_event_received", where=lambda event: event.data["event"] == "0"
        )
        events = [e.data for e in sideband.events if e.type == "input_audio_buffer.dtmf_event_received"]
    assert "".join(event["event"] for event in events) == "159#*0"
    assert all(set(event) == {"type", "event", "received_at"} for event in events)
    await line.softphone.hang_up()


async def wait_for_entries(line: Line, kind: str, count: int) -> None:
    """Return when there are so many."""
    await wait_for_entry(
        line.desk.emulator, kind, lambda entry: len(list(line.desk.emulator.journal.entries(kind=kind))) >= count
    )


@pytest.mark.interop("baresip", "hangs up")
async def test_softphone_hangs_up(line: Line) -> None:
    async with await line.desk.attach(line.call_id) as sideband:
        await line.softphone.hang_up()
        assert await sideband.closed() == 1006
    ended = await line.entry("call.ended")
    assert (ended.data["by"], ended.data["reason"]) == ("caller", "hung up")


@pytest.mark.interop("baresip", "is hung up on")
async def test_application_hangs_up_on_softphone(line: Line) -> None:
    assert (await line.desk.rest.hangup(line.call_id)).status == 200
    await line.softphone.event("CALL_CLOSED")
    ended = await line.entry("call.ended")
    assert (ended.data["by"], ended.data["reason"]) == ("application", "hung up")


async def test_softphone_is_refused(desk: Desk, softphone: Baresip) -> None:
    await softphone.tell("dial", desk.emulator.ready.sip["tls"])
    delivery = await desk.receiver.wait_for(count=1)
    assert delivery.event is not None
    assert (await desk.rest.reject(delivery.event["data"]["call_id"], 486)).status == 200
    closed = await softphone.event("CALL_CLOSED")
    assert "486" in closed["param"]


async def test_softphone_hangs_up_before_the_decision(desk: Desk, softphone: Baresip) -> None:
    await softphone.tell("dial", desk.emulator.ready.sip["tls"])
    delivery = await desk.receiver.wait_for(count=1)
    assert delivery.event is not None
    await softphone.hang_up()
    ended = await wait_for_entry(desk.emulator, "call.ended")
    assert ended.data["by"] == "caller"
    answer = await desk.rest.accept(delivery.event["data"]["call_id"], SESSION)
    assert (answer.status, answer.error["code"]) == (404, "call_id_not_found")


@pytest.mark.interop("baresip", "holds and resumes")
async def test_softphone_holds_and_resumes(line: Line) -> None:
    async with await line.desk.attach(line.call_id) as sideband:
        await line.softphone.tell("hold")
        await until_answered(line, 2)
        await line.softphone.tell("resume")
        await until_answered(line, 3)
        # … and the line is as good as before.
        await sideband.send({"type": "response.create", "response": {"instructions": "say exactly 'welcome back'"}})
        await until_said(line.desk.emulator, "welcome back")
        await line.softphone.say("here I am")
        await line.entry("media.heard", text="here I am", complete=True)
        await line.softphone.hang_up()
    texts = [
        entry.data["text"]
        for entry in line.desk.emulator.journal.entries(kind="sip")
        if "application/sdp" in entry.data["text"]
    ]
    directions = [next((d for d in ("sendonly", "recvonly") if f"a={d}" in text), "sendrecv") for text in texts]
    assert directions == ["sendrecv", "sendrecv", "sendonly", "recvonly", "sendrecv", "sendrecv"]


async def until_answered(line: Line, count: int) -> None:
    """Return when the emulator has answered so many INVITEs, and got the ACKs."""

    def acks() -> int:
        received = line.desk.emulator.journal.entries(kind="sip.received")
        return sum(entry.data["summary"].startswith("ACK ") for entry in received)

    await wait_for_entry(line.desk.emulator, "sip.received", lambda entry: acks() >= count)


@pytest.mark.interop("baresip", "is transferred")
async def test_softphone_follows_a_transfer_and_is_let_go(
    start_emulator: StartEmulator, start_baresip: StartBaresip
) -> None:
    # baresip leaves the BYE to us, as Linphone does.
    emulator = await start_emulator(auto_accept=True, refer_bye_timeout=0.1)
    other = await start_emulator(auto_accept=True)
    ready, target = emulator.ready, other.ready.sip["tcp"]
    async with start_baresip(ca_file=ready.ca_file) as softphone, RestClient(ready.base_url, ready.api_key) as rest:
        await softphone.dial(ready.sip["tls"])
        connected = await wait_for_entry(emulator, "call.state", lambda entry: entry.data["to"] == "connected")
        assert connected.call_id is not None
        assert (await rest.refer(connected.call_id, target)).status == 200
        ended = await wait_for_entry(emulator, "call.ended")
        assert (ended.data["by"], ended.data["reason"]) == ("emulator", "transferred, but no BYE came")
        assert statuses_of_refer(emulator) == [202, 100, 200]
        invite = await wait_for_entry(other, "sip.received")
        assert invite.data["summary"] == f"INVITE {target}"
        await until_said(other, GREETING)


async def test_softphone_stays_when_a_transfer_fails(line: Line) -> None:
    # The target is the emulator itself, by a project that it does not know: the attempt is seen, and fails.
    target = line.desk.emulator.ready.sip["tcp"].replace("proj_ringback", "proj_other")
    assert (await line.desk.rest.refer(line.call_id, target)).status == 200
    await line.entry("sip.received", summary=f"INVITE {target}")
    await line.entry("sip.refer", status=404, terminated=True)
    assert statuses_of_refer(line.desk.emulator) == [202, 100, 404]
    async with await line.desk.attach(line.call_id) as sideband:
        await sideband.send({"type": "response.create", "response": {"instructions": "say exactly 'sorry'"}})
        await until_said(line.desk.emulator, "sorry")
    assert (await line.desk.rest.hangup(line.call_id)).status == 200
    await line.softphone.event("CALL_CLOSED")
    await line.entry("call.ended")


def statuses_of_refer(emulator: Emulator) -> list[int]:
    """What the REFER and its NOTIFYs said."""
    return [entry.data["status"] for entry in emulator.journal.entries(kind="sip.refer")]
