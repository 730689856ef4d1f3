"""Kamailio between the caller and the emulator: a trunk that records its route, and changes from UDP or TCP to TLS."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from desk import SESSION, Desk, wait_for_entry
from interop.conftest import StartBaresip
from interop.kamailio import Trunk, trunk
from interop.test_baresip import GREETING, until_said
from ringback.conformance.client import Call, Phone

SAY = {"type": "response.create", "response": {"instructions": f"say exactly '{GREETING}'"}}


@pytest.fixture
async def between(desk: Desk, program: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Trunk]:
    async with trunk(program("kamailio"), tmp_path / "kamailio", desk.emulator) as between:
        yield between


async def connect(desk: Desk, phone: Phone, uri: str) -> tuple[Call, str]:
    """A caller dials the trunk, and the application accepts."""
    call = await phone.dial(uri, from_="+14255550112")
    delivery = await desk.receiver.wait_for(count=1)
    assert delivery.event is not None
    headers = {header["name"]: header["value"] for header in delivery.event["data"]["sip_headers"]}
    assert headers["X-Trunk"] == "kamailio"
    call_id = delivery.event["data"]["call_id"]
    assert (await desk.rest.accept(call_id, SESSION)).status == 200
    await call.answered()
    await wait_for_entry(desk.emulator, "call.state", lambda entry: entry.data["to"] == "connected")
    return call, call_id


@pytest.mark.interop("Kamailio", "calls", "hears", "is heard", "presses digits", "holds and resumes", "hangs up")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_caller_talks_through_a_trunk(desk: Desk, between: Trunk, transport: str) -> None:
    async with Phone() as phone:
        call, call_id = await connect(desk, phone, between.uri(transport))
        for direction in ("sendonly", "sendrecv"):
            assert (await call.reoffer(direction=direction)).code == 200
        async with await desk.attach(call_id) as sideband:
            await sideband.send(SAY)
            assert await call.wait_for_heard() == GREETING
            await call.say("good morning")
            await wait_for_entry(desk.emulator, "media.heard", lambda entry: entry.data["text"] == "good morning")
            await call.press("12#")
            await wait_for_entry(desk.emulator, "media.dtmf", lambda entry: entry.data["digit"] == "#")
        await call.hang_up()
        ended = await wait_for_entry(desk.emulator, "call.ended")
    assert (ended.data["by"], ended.data["reason"]) == ("caller", "hung up")
    assert [entry.data["digit"] for entry in desk.emulator.journal.entries(kind="media.dtmf")] == ["1", "2", "#"]


@pytest.mark.interop("Kamailio", "is hung up on")
async def test_application_hangs_up_through_a_trunk(desk: Desk, between: Trunk) -> None:
    async with Phone() as phone:
        call, call_id = await connect(desk, phone, between.uri("udp"))
        assert (await desk.rest.hangup(call_id)).status == 200
        assert await call.ended() == "callee"
        await wait_for_entry(desk.emulator, "call.ended")
    assert routes_of(desk, "BYE") == recorded(desk)


@pytest.mark.interop("Kamailio", "is transferred")
async def test_transfer_takes_the_recorded_route_through_a_trunk(desk: Desk, between: Trunk) -> None:
    async with Phone() as phone:
        call, call_id = await connect(desk, phone, between.uri("udp"))
        assert (await desk.rest.refer(call_id, "tel:+14155550123")).status == 200
        assert await call.wait_for_refer() == "tel:+14155550123"
        assert await call.ended() == "caller"
        ended = await wait_for_entry(desk.emulator, "call.ended")
    assert ended.data["by"] == "caller"
    assert [entry.data["status"] for entry in desk.emulator.journal.entries(kind="sip.refer")] == [202, 100, 200]
    # RFC 3261 12.1.1: the routes in the order of the INVITE, the trunk's TLS side first; the target is the Contact.
    inner, outer = recorded(desk)
    assert f":{between.tls_port};transport=tls" in inner
    assert f":{between.port};" in outer
    assert routes_of(desk, "REFER") == [inner, outer]
    [contact] = re.findall(r"^Contact: <(.*)>\r$", message(desk, "sip.received", "INVITE"), re.MULTILINE)
    assert message(desk, "sip.sent", "REFER").startswith(f"REFER {contact} SIP/2.0\r\n")


@pytest.mark.interop("Kamailio", "calls", "hears", "is heard")
async def test_softphone_talks_through_a_trunk(desk: Desk, between: Trunk, start_baresip: StartBaresip) -> None:
    desk.emulator.project.auto_accept = True
    async with start_baresip(ca_file=desk.emulator.ready.ca_file, transport="tcp") as softphone:
        await softphone.dial(between.uri("tcp"))
        await until_said(desk.emulator, GREETING)
        await softphone.say("good morning")
        await wait_for_entry(desk.emulator, "media.heard", lambda entry: entry.data["text"] == "good morning")
        await softphone.hang_up()
    await wait_for_entry(desk.emulator, "call.ended")
    assert softphone.heard()[0] == GREETING


def message(desk: Desk, kind: str, method: str) -> str:
    """The first request of that method, as it was on the wire."""
    entries = desk.emulator.journal.entries(kind=kind)
    return next(entry.data["text"] for entry in entries if entry.data["summary"].startswith(f"{method} "))


def recorded(desk: Desk) -> list[str]:
    """The Record-Route of the INVITE, in order."""
    return listed(message(desk, "sip.received", "INVITE"), "Record-Route")


def routes_of(desk: Desk, method: str) -> list[str]:
    return listed(message(desk, "sip.sent", method), "Route")


def listed(text: str, name: str) -> list[str]:
    values = re.findall(rf"^{name}: (.*)\r$", text, re.MULTILINE | re.IGNORECASE)
    return [each.strip() for value in values for each in value.split(",")]
