"""The phone against SIPp's own server, which nobody here wrote."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest
from ringback.conformance.client import Phone
from ringback.conformance.client.dial import dial
from ringback.conformance.client.errors import TransactionTimeout
from ringback.conformance.client.transactions import Timers

READY = 10.0  # SIPp starts within a second, on a busy machine in a few


def free_port() -> int:
    """A port free for TCP and UDP a moment ago: SIPp can't be asked which one it took."""
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        return int(tcp.getsockname()[1])


async def wait_until_ready(port: int, process: asyncio.subprocess.Process) -> None:
    """Until SIPp accepts a connection. Over UDP nobody has to wait: the INVITE is retransmitted until it is there."""
    ended = asyncio.ensure_future(process.wait())
    async with asyncio.timeout(READY):
        while not (await asyncio.wait({ended}, timeout=0.05))[0]:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                continue
            writer.close()
            await writer.wait_closed()
            ended.cancel()
            return
    pytest.fail(f"SIPp ended at once with {process.returncode}")


@pytest.fixture(params=["udp", "tcp"])
async def sipp(request: pytest.FixtureRequest, program: Callable[[str], str]) -> AsyncIterator[str]:
    """The URI of a running `sipp -sn uas` that echoes RTP."""
    transport, port, media = request.param, free_port(), free_port()
    arguments = ["-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-t", "u1" if transport == "udp" else "t1"]
    arguments += ["-mi", "127.0.0.1", "-mp", str(media), "-rtp_echo", "-nostdin"]
    process = await asyncio.create_subprocess_exec(
        program("sipp"), *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    if transport == "tcp":
        await wait_until_ready(port, process)
    yield f"sip:service@127.0.0.1:{port};transport={transport}"
    process.kill()
    await process.wait()


async def test_phone_calls_sipp_and_hears_its_own_voice(sipp: str) -> None:
    async with Phone() as phone:
        call = await phone.dial(sipp, from_="+14255550112")
        await call.wait_for_status(180, READY)
        answer = await call.answered(READY)
        assert answer.codec == "PCMU"
        await call.say("echo")
        assert await call.wait_for_heard() == "echo"
        await call.hang_up()
    assert call.ended_by == "caller"
    assert [each.summary for each in call.messages if each.direction == "received"] == [
        "180 Ringing",
        "200 OK",
        "200 OK",
    ]


async def test_dial_reports_a_call_to_sipp(sipp: str, tmp_path: object) -> None:
    report = await dial(sipp, say=["hello"], record=f"{tmp_path}/heard.wav")
    assert (report.exit_code, report.status, report.heard) == (0, 200, ("hello",))
    assert report.recorded_seconds > 0.5
    assert "BYE" in report.as_text()


async def test_phone_gives_up_when_nobody_ever_speaks() -> None:
    async with Phone(timers=Timers(t1=0.01, t2=0.05, t4=0.05)) as phone:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            call = await phone.dial(f"sip:a@127.0.0.1:{deaf.getsockname()[1]}")
            with pytest.raises(TransactionTimeout):
                await call.final_response(READY)
