"""The phone that comes along (`ringback dial`, and the conformance suite's), over each transport."""

import pytest
from desk import Desk, StartEmulator, wait_for_entry
from ringback.conformance.client import Phone
from ringback.conformance.client.codecs import CodecName

GREETING = "Hello, how can I help you?"
SAY = {"type": "response.create", "response": {"instructions": f"say exactly '{GREETING}'"}}
WAYS = ["tls", "tcp", "udp"]


@pytest.mark.interop(
    "ringback's phone", "calls", "hears", "is heard", "presses digits", "holds and resumes", "hangs up"
)
@pytest.mark.parametrize("transport", WAYS)
async def test_phone_talks_holds_and_leaves(desk: Desk, transport: str) -> None:
    call, call_id = await desk.connect(transport)
    async with await desk.attach(call_id) as sideband:
        await sideband.send(SAY)
        assert await call.wait_for_heard() == GREETING
        await call.press("159#*0")
        await wait_for_entry(desk.emulator, "media.dtmf", lambda entry: entry.data["digit"] == "0")
        for direction in ("sendonly", "sendrecv"):
            assert (await call.reoffer(direction=direction)).code == 200
        await call.say("here I am")
        await wait_for_entry(desk.emulator, "media.heard", lambda entry: entry.data["text"] == "here I am")
    await call.hang_up()
    ended = await wait_for_entry(desk.emulator, "call.ended")
    assert (ended.data["by"], ended.data["reason"]) == ("caller", "hung up")
    assert "".join(entry.data["digit"] for entry in desk.emulator.journal.entries(kind="media.dtmf")) == "159#*0"


@pytest.mark.interop("ringback's phone", "is transferred")
@pytest.mark.parametrize("transport", WAYS)
async def test_phone_is_transferred(desk: Desk, transport: str) -> None:
    call, call_id = await desk.connect(transport)
    assert (await desk.rest.refer(call_id, "tel:+14155550123")).status == 200
    assert await call.wait_for_refer() == "tel:+14155550123"
    assert await call.ended() == "caller"
    await wait_for_entry(desk.emulator, "call.ended")
    assert [entry.data["status"] for entry in desk.emulator.journal.entries(kind="sip.refer")] == [202, 100, 200]


@pytest.mark.interop("ringback's phone", "is hung up on")
@pytest.mark.parametrize("transport", WAYS)
async def test_phone_is_hung_up_on(desk: Desk, transport: str) -> None:
    call, call_id = await desk.connect(transport)
    assert (await desk.rest.hangup(call_id)).status == 200
    assert await call.ended() == "callee"
    await wait_for_entry(desk.emulator, "call.ended")


@pytest.mark.interop("ringback's phone", "speaks SRTP")
async def test_phone_talks_by_srtp(desk: Desk) -> None:
    call, call_id = await desk.connect("tls", suites=("AES_CM_128_HMAC_SHA1_80",))
    assert (await call.answered()).crypto is not None
    async with await desk.attach(call_id) as sideband:
        await sideband.send(SAY)
        assert await call.wait_for_heard() == GREETING
        await call.say("here I am")
        await wait_for_entry(desk.emulator, "media.heard", lambda entry: entry.data["text"] == "here I am")
    await call.hang_up()
    await wait_for_entry(desk.emulator, "call.ended")


@pytest.mark.interop("ringback's phone", "speaks Opus", "speaks G.722")
@pytest.mark.parametrize("codec", ["opus", "G722"])
async def test_phone_talks_in_wideband_codecs(start_emulator: StartEmulator, codec: CodecName) -> None:
    emulator = await start_emulator(auto_accept=True, codecs=("opus", "G722"))
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip["tls"], codecs=(codec,))
        assert (await call.answered()).codec == codec
        assert await call.wait_for_heard() == GREETING
        await call.press("7")
        await wait_for_entry(emulator, "media.dtmf", lambda entry: entry.data["digit"] == "7")
        await call.say("here I am")
        await wait_for_entry(emulator, "media.heard", lambda entry: entry.data["text"] == "here I am")
        await call.wait_for_heard("here I am")
        await call.hang_up()
    await wait_for_entry(emulator, "call.ended")
