"""What `ringback doctor --config` prints works as it is printed: here baresip's, Kamailio's in test_kamailio."""

import re
from pathlib import Path

import pytest
from desk import StartEmulator, wait_for_entry
from integration.command import run
from interop.conftest import StartBaresip
from interop.test_baresip import GREETING, until_said


@pytest.mark.parametrize("srtp", ["preferred", "required"])
async def test_printed_configuration_of_baresip_calls_and_hears(
    start_emulator: StartEmulator, start_baresip: StartBaresip, tmp_path: Path, srtp: str
) -> None:
    emulator = await start_emulator(auto_accept=True, srtp=srtp)
    status, printed = await run("doctor", "--url", emulator.ready.base_url, "--config", "baresip", folder=tmp_path)
    assert status == 0
    how, *parts = re.split(r"^# ==> (.*)$", printed, flags=re.MULTILINE)
    [uri] = re.findall(r"/dial (\S+)'", how)
    files = dict(zip(parts[::2], (text.strip("\n") + "\n" for text in parts[1::2]), strict=True))
    async with start_baresip(files=files) as phone:
        await phone.dial(uri)
        await until_said(emulator, GREETING)
        await phone.press("5")
        await wait_for_entry(emulator, "media.dtmf", lambda entry: entry.data["digit"] == "5")
        await phone.say("good morning")
        await until_said(emulator, "good morning")
        await phone.hang_up()
    assert phone.heard() == [GREETING, "good morning"]
