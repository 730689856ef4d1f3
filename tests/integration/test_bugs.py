"""Bugs of the emulator's own, made on purpose: each is journalled, ends its own call, and harms nobody else."""

from typing import Any

import pytest
from desk import SESSION, Desk, wait_for_entry
from ringback.emulator.server import Emulator
from streams import connect_sip

# Our own bugs


async def test_bug_in_an_effect_ends_its_own_call_and_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, expected_bugs: list[str]
) -> None:
    neighbour, neighbour_id = await desk.connect("udp")
    call, call_id = await desk.ring("tcp")
    with monkeypatch.context() as broken:
        broken.setattr("ringback.emulator.transports.rtp_net.MediaPorts.open", raising("no such port"))
        answer = await desk.rest.accept(call_id, SESSION)
    assert (answer.status, answer.error["type"]) == (500, "server_error")
    assert (await call.final_response()).status == 500
    expected_bugs.append(await bug(desk.emulator, "RuntimeError('no such port')", call_id))
    assert (await desk.rest.hangup(neighbour_id)).status == 200
    assert await neighbour.ended() == "callee"
    await desk.take_a_call("tcp")


async def test_bug_in_a_session_ends_its_own_call_with_a_bye(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, expected_bugs: list[str]
) -> None:
    neighbour, neighbour_id = await desk.connect("tcp")
    call, call_id = await desk.connect("udp")
    async with await desk.attach(call_id) as sideband:
        with monkeypatch.context() as broken:
            broken.setattr("ringback.emulator.sessions.host.SessionHost.receive_text", raising("lost for words"))
            await sideband.send({"type": "response.create"})
            assert await call.ended() == "callee"
        await sideband.closed()
    expected_bugs.append(await bug(desk.emulator, "RuntimeError('lost for words')", call_id))
    assert (await desk.rest.hangup(neighbour_id)).status == 200
    assert await neighbour.ended() == "callee"


async def test_bug_in_the_media_of_a_call_ends_that_call(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, expected_bugs: list[str]
) -> None:
    call, call_id = await desk.connect("udp")
    with monkeypatch.context() as broken:
        broken.setattr("ringback.emulator.rtp.stream.RtpStream.tick", raising("deaf"))
        assert await call.ended() == "callee"
    expected_bugs.append(await bug(desk.emulator, "RuntimeError('deaf')", call_id))
    await desk.take_a_call("udp")


async def test_bug_before_there_is_a_call_is_answered_with_500(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, expected_bugs: list[str]
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("ringback.emulator.sdp.offer_answer.negotiate", raising("no idea"))
        call = await desk.phone.dial(desk.emulator.ready.sip["udp"])
        assert (await call.final_response()).status == 500
    expected_bugs.append(await bug(desk.emulator, "RuntimeError('no idea')", None))
    await desk.take_a_call("udp")


async def test_bug_in_the_sip_endpoint_leaves_the_listener_alive(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, expected_bugs: list[str]
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("ringback.emulator.sip.endpoint.SipEndpoint.receive_data", raising("bytes?"))
        async with connect_sip(desk.emulator, "tcp") as (_, writer):
            writer.write(b"INVITE")
            expected_bugs.append(await bug(desk.emulator, "RuntimeError('bytes?')", None))
    await desk.take_a_call("tcp")


async def test_bug_in_a_handler_is_answered_with_500_in_the_envelope(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, expected_bugs: list[str]
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("ringback.emulator.calls.registry.CallRegistry.of_project", raising("who?"))
        answer = await desk.rest.hangup("rtc_1")
    assert (answer.status, answer.error["type"]) == (500, "server_error")
    assert answer.header("x-should-retry") == "false"
    expected_bugs.append(await bug(desk.emulator, "RuntimeError('who?')", "rtc_1"))


def raising(text: str) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(text)

    return fail


async def bug(emulator: Emulator, error: str, call_id: str | None) -> str:
    """The journal and the leak check have this bug and no other. Returns it."""
    entry = await wait_for_entry(emulator, "emulator.bug")
    assert (entry.data["error"], entry.call_id) == (error, call_id)
    bugs = [leak for leak in emulator.leaks() if leak.startswith("bug: ")]
    assert len(bugs) == 1
    assert error in bugs[0]
    return error
