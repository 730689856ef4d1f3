"""What SIP peers get that want more than the emulator's limits allow, and that nobody else notices."""

import asyncio

import pytest
from by_hand import HandCall
from desk import StartEmulator, wait_for_entry
from ringback.emulator.server import Emulator
from streams import connect_sip, port_of
from wire import probe


def hand(emulator: Emulator) -> HandCall:
    return HandCall(("127.0.0.1", port_of(emulator, "udp")))


async def test_caller_gets_503_and_when_to_try_again_above_the_limit_of_calls(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(call_limit=1, auto_accept=True)
    with hand(emulator) as first, hand(emulator) as second, hand(emulator) as third:
        await asyncio.to_thread(first.invite)
        answered = await asyncio.to_thread(first.wait_for, 200)
        first.acknowledge(answered)
        second.send(second.request("INVITE", 1))
        refused = await asyncio.to_thread(second.wait_for, 503)
        second.acknowledge(refused)
        assert int(refused.header("Retry-After")) > 0
        await asyncio.to_thread(first.bye, answered)
        await asyncio.to_thread(third.invite)
        answered = await asyncio.to_thread(third.wait_for, 200)
        third.acknowledge(answered)
        await asyncio.to_thread(third.bye, answered)
    assert emulator.endpoint.describe()["dialogs"] == 0


async def test_caller_gets_503_and_when_to_try_again_above_the_limit_of_transactions(
    start_emulator: StartEmulator,
) -> None:
    emulator = await start_emulator(sip_transaction_limit=2, sip_t1=0.01)
    with hand(emulator) as caller:
        for number in (1, 2):
            caller.send(caller.request("OPTIONS", number))
            await asyncio.to_thread(caller.wait_for, 200, "OPTIONS")
            caller.seen.clear()
        caller.send(caller.request("OPTIONS", 3))
        refused = await asyncio.to_thread(caller.wait_for, 503, "OPTIONS")
        assert int(refused.header("Retry-After")) > 0
    assert emulator.endpoint.describe()["server_transactions"] <= 2


async def test_call_lives_on_when_its_udp_address_is_forgotten(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(sip_flow_limit=1, auto_accept=True)
    with hand(emulator) as caller, hand(emulator) as other:
        await asyncio.to_thread(caller.invite)
        answered = await asyncio.to_thread(caller.wait_for, 200)
        caller.acknowledge(answered)
        await wait_for_entry(emulator, "media.opened")
        other.send(other.request("OPTIONS", 1))
        await asyncio.to_thread(other.wait_for, 200, "OPTIONS")
        stopping = asyncio.create_task(emulator.stop())
        asked = await asyncio.to_thread(caller.wait_for, "BYE")
        caller.answer(asked, "200 OK")
        await stopping
    ended = await wait_for_entry(emulator, "call.ended")
    assert ended.data["reason"] == "the emulator stops"


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_connection_above_the_limit_is_closed_and_the_others_stay(
    start_emulator: StartEmulator, transport: str
) -> None:
    emulator = await start_emulator(sip_connection_limit=1)
    async with connect_sip(emulator, transport) as (reader, writer):
        writer.write(probe(transport.upper(), 1))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"SIP/2.0 200 ")
        async with connect_sip(emulator, transport) as (refused, _):
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await refused.readexactly(1)
        writer.write(probe(transport.upper(), 2))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"SIP/2.0 200 ")


async def test_connection_is_closed_when_its_message_takes_too_long(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(sip_message_timeout=0.05)
    async with connect_sip(emulator, "tcp") as (reader, writer):
        writer.write(probe("TCP", 1)[:40])
        assert await reader.read(1) == b""
    dropped = await wait_for_entry(emulator, "sip.dropped")
    assert dropped.data["reason"] == "a message not complete after 0.05 s"
