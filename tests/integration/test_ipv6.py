"""Calls over IPv6: addresses in SIP, in SDP, and under the sound."""

import socket

import pytest
from desk import StartEmulator, wait_for_entry
from ringback.conformance.client import Phone


def has_ipv6() -> bool:
    """Containers often have none, not even of their own."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
@pytest.mark.parametrize("transport", ["tls", "tcp", "udp"])
async def test_caller_talks_and_hangs_up_over_ipv6(start_emulator: StartEmulator, transport: str) -> None:
    emulator = await start_emulator(auto_accept=True, host="::1")
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip[transport])
        assert (await call.answered()).address == "::1"
        await call.wait_for_heard("Hello, how can I help you?")
        await call.say("here I am")
        await wait_for_entry(emulator, "media.heard", lambda entry: entry.data["text"] == "here I am")
        await call.hang_up()
    await wait_for_entry(emulator, "call.ended")
