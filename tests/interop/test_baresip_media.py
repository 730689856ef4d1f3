"""Sound of baresip by other ways than plain G.711 of 20 ms: SRTP, and what it calls its codecs."""

import re

import pytest
from desk import StartEmulator, wait_for_entry
from interop.conftest import StartBaresip
from interop.test_baresip import GREETING, until_said
from ringback.emulator.server import Emulator


def answers(emulator: Emulator) -> list[str]:
    """What each of our 200s said of its audio and keys: protocol, tag and suite."""
    found = []
    for entry in emulator.journal.entries(kind="sip.sent"):
        text = entry.data["text"]
        if "m=audio" in text:
            protocol = re.search(r"m=audio \d+ (\S+)", text)
            crypto = re.search(r"a=crypto:(\S+ \S+)", text)
            assert protocol is not None
            found.append(f"{protocol[1]} {crypto[1] if crypto else 'without keys'}")
    return found


@pytest.mark.interop("baresip", "speaks SRTP")
async def test_softphone_with_srtp_is_greeted_understood_held_and_resumed(
    start_emulator: StartEmulator, start_baresip: StartBaresip
) -> None:
    emulator = await start_emulator(auto_accept=True, srtp="required")
    async with start_baresip(ca_file=emulator.ready.ca_file, encryption="srtp-mand") as softphone:
        await softphone.dial(emulator.ready.sip["tls"])
        await until_said(emulator, GREETING)
        await softphone.say("good morning")
        await until_said(emulator, "good morning")
        await softphone.tell("hold")
        await wait_for_entry(emulator, "media.changed", lambda entry: entry.data["direction"] == "recvonly")
        await softphone.tell("resume")
        await wait_for_entry(emulator, "media.changed", lambda entry: entry.data["direction"] == "sendrecv")
        await softphone.say("back again")
        await until_said(emulator, "back again")
        await softphone.hang_up()
    assert softphone.heard() == [GREETING, "good morning"]  # its recording ends with the first re-INVITE …
    assert "failed to decrypt" not in softphone.log()  # … of what comes then it tells what it can't read
    heard = [(entry.data["text"], entry.data["complete"]) for entry in emulator.journal.entries(kind="media.heard")]
    assert heard == [("good morning", True), ("back again", True)]
    assert len(answers(emulator)) == 3
    assert {text.split()[0] for text in answers(emulator)} == {"RTP/SAVP"}
    assert {text.split()[2][:19] for text in answers(emulator)} == {"AES_CM_128_HMAC_SHA"}
    closed = await wait_for_entry(emulator, "media.closed")
    assert closed.data["statistics"]["unauthentic"] <= 1  # baresip opens its pinhole by a plain RTCP packet, APP PING


@pytest.mark.interop("baresip", "speaks Opus")
@pytest.mark.parametrize("encryption", [None, "srtp-mand"])
async def test_softphone_is_greeted_and_understood_by_opus(
    start_emulator: StartEmulator, start_baresip: StartBaresip, encryption: str | None
) -> None:
    emulator = await start_emulator(auto_accept=True)
    codecs = "opus/48000/2,PCMU/8000/1"
    async with start_baresip(ca_file=emulator.ready.ca_file, codecs=codecs, encryption=encryption) as softphone:
        await softphone.dial(emulator.ready.sip["tls"])
        opened = await wait_for_entry(emulator, "media.opened")
        assert opened.data["codec"] == "opus"
        await until_said(emulator, GREETING)
        await softphone.say("good morning")
        await until_said(emulator, "good morning")
        await softphone.hang_up()
    assert softphone.heard() == [GREETING, "good morning"]


@pytest.mark.interop("baresip", "speaks G.722")
async def test_softphone_is_greeted_and_understood_by_g722(
    start_emulator: StartEmulator, start_baresip: StartBaresip
) -> None:
    emulator = await start_emulator(auto_accept=True, codecs=("G722", "PCMU"))
    codecs = "G722/16000/1,PCMU/8000/1"
    async with start_baresip(ca_file=emulator.ready.ca_file, codecs=codecs, rate=16000) as softphone:
        await softphone.dial(emulator.ready.sip["tls"])
        opened = await wait_for_entry(emulator, "media.opened")
        assert opened.data["codec"] == "G722"
        await until_said(emulator, GREETING)
        await softphone.say("good morning")
        await until_said(emulator, "good morning")
        await softphone.hang_up()
    assert softphone.heard() == [GREETING, "good morning"]


@pytest.mark.parametrize(("srtp", "encryption"), [("required", None), ("refused", "srtp-mand")])
async def test_softphone_is_refused_where_the_setting_forbids_its_media(
    start_emulator: StartEmulator, start_baresip: StartBaresip, srtp: str, encryption: str | None
) -> None:
    emulator = await start_emulator(auto_accept=True, srtp=srtp)
    async with start_baresip(ca_file=emulator.ready.ca_file, encryption=encryption) as softphone:
        await softphone.tell("dial", emulator.ready.sip["tls"])
        assert "488" in (await softphone.event("CALL_CLOSED"))["param"]
