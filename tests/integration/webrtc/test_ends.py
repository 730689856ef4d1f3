"""How WebRTC calls end, and that nothing of them is left: the fixture of the emulator looks for what is."""

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from desk import StartEmulator, wait_for_entry
from ringback.conformance.client import RestClient, Sideband
from ringback.conformance.client.errors import HandshakeRefused
from ringback.conformance.client.webrtc import WebRtcCall
from ringback.emulator.server import Emulator
from webrtc_sample import OFFER

SESSION: dict[str, Any] = {"type": "realtime", "model": "gpt-realtime"}

Connect = Callable[..., Awaitable[WebRtcCall]]
Attach = Callable[[str], Awaitable[Sideband]]


async def ending(emulator: Emulator) -> tuple[str, str]:
    entry = await wait_for_entry(emulator, "call.ended")
    return entry.data["by"], entry.data["reason"]


async def sent(emulator: Emulator, event_type: str) -> None:
    await wait_for_entry(emulator, "event.server", lambda entry: entry.data["event"]["type"] == event_type)


async def test_hangup_ends_it_for_everybody(
    connect: Connect, attach: Attach, rest: RestClient, emulator: Emulator
) -> None:
    call = await connect()
    sideband = await attach(call.id)
    assert (await rest.hangup(call.id)).status == 200
    assert await call.ended() == "callee"
    assert await sideband.closed() == 1000
    assert await ending(emulator) == ("application", "hung up")
    assert (await rest.hangup(call.id)).error["code"] == "call_id_not_found"
    with pytest.raises(HandshakeRefused):
        await attach(call.id)


async def test_browser_that_closes_ends_the_call(connect: Connect, attach: Attach, emulator: Emulator) -> None:
    call = await connect()
    sideband = await attach(call.id)
    await call.hang_up()
    assert await sideband.closed() == 1000
    assert await ending(emulator) == ("caller", "closed the connection")


async def test_sidebands_of_a_closed_browser_are_cut_when_the_setting_says_so(
    start_emulator: StartEmulator,
) -> None:
    emulator = await start_emulator(peer_closed_close=1006)
    ready = emulator.ready
    async with RestClient(ready.base_url, ready.api_key) as rest, WebRtcCall(address="127.0.0.1") as call:
        await call.connect(await rest.create_call(await call.offer(), session=SESSION))
        sideband = await Sideband.open(ready.base_url, call_id=call.id, api_key=ready.api_key)
        await call.hang_up()
        assert await sideband.closed() == 1006


@pytest.mark.parametrize("emulator", [{"webrtc_consent_timeout": 0.4}], indirect=True)
async def test_peer_that_vanishes_is_missed_in_time(connect: Connect, attach: Attach, emulator: Emulator) -> None:
    call = await connect()
    sideband = await attach(call.id)
    await call.vanish()
    assert await sideband.closed() == 1006
    assert await ending(emulator) == ("emulator", "the peer is silent for too long")


@pytest.mark.parametrize("emulator", [{"webrtc_consent_timeout": 0.4}], indirect=True)
async def test_peer_that_answers_is_not_missed(connect: Connect, emulator: Emulator) -> None:
    call = await connect()
    await call.say("one moment please, I have to find my glasses first")
    await call.wait_for_heard()
    assert list(emulator.journal.entries(kind="call.ended")) == []


@pytest.mark.parametrize("emulator", [{"webrtc_connect_timeout": 0.1}], indirect=True)
async def test_peer_that_never_comes_is_given_up(rest: RestClient, emulator: Emulator) -> None:
    assert (await rest.create_call(OFFER)).status == 201
    assert await ending(emulator) == ("emulator", "ICE was not through after 0.1 s")


async def test_peer_with_another_certificate_is_refused(rest: RestClient, emulator: Emulator) -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTransceiver("audio")
    await peer.setLocalDescription(await peer.createOffer())
    offer = "".join(
        "a=fingerprint:sha-256 " + ":".join(["00"] * 32) + "\r\n" if line.startswith("a=fingerprint") else line
        for line in peer.localDescription.sdp.splitlines(keepends=True)
        if not line.startswith(("a=fingerprint:sha-384", "a=fingerprint:sha-512"))
    )
    answer = await rest.create_call(offer)
    await peer.setRemoteDescription(RTCSessionDescription(sdp=answer.body.decode(), type="answer"))
    assert await ending(emulator) == ("emulator", "the DTLS handshake failed")
    await peer.close()


@pytest.mark.parametrize("emulator", [{"session_limit": 0.5}], indirect=True)
async def test_session_that_is_too_old_says_so_before_it_ends(
    connect: Connect, attach: Attach, emulator: Emulator
) -> None:
    call = await connect()
    sideband = await attach(call.id)
    assert (await call.events.wait_for("error"))["error"]["code"] == "session_expired"
    assert await sideband.closed() == 1001
    assert await call.ended() == "callee"
    assert await ending(emulator) == ("emulator", "session limit")


async def test_emulator_that_stops_takes_its_calls_along(connect: Connect, emulator: Emulator) -> None:
    call = await connect()
    await connect()
    await emulator.stop()
    assert await call.ended() == "callee"


async def test_call_with_a_bug_ends_and_its_neighbour_goes_on(
    connect: Connect, emulator: Emulator, expected_bugs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = await connect(), await connect()
    run = emulator.performer._webrtc._runs[broken.id]
    expected_bugs.append("no such thing")

    def fail(data: bytes, source: object, now: float) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(run.sound._stream, "receive_datagram", fail)
    assert await broken.ended() == "callee"
    await sound.say("still there?")
    await sound.events.wait_for("response.done")


async def test_nothing_runs_while_neither_side_sends(rest: RestClient, emulator: Emulator) -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTransceiver("audio", direction="recvonly")
    channel = peer.createDataChannel("oai-events")
    await peer.setLocalDescription(await peer.createOffer())
    answer = await rest.create_call(peer.localDescription.sdp)
    await peer.setRemoteDescription(RTCSessionDescription(sdp=answer.body.decode(), type="answer"))
    await wait_for_entry(emulator, "channel.attached")
    assert emulator.performer.playing_legs == 0
    if channel.readyState != "open":
        opened = asyncio.Event()
        channel.on("open", opened.set)
        await opened.wait()
    channel.send('{"type": "response.create"}')
    await sent(emulator, "output_audio_buffer.started")
    assert emulator.performer.playing_legs == 1
    await sent(emulator, "output_audio_buffer.stopped")
    quiet = emulator.clock.now() + emulator.settings.webrtc_tail + 0.1
    due = asyncio.Event()
    emulator.clock.call_at(quiet, due.set)
    await due.wait()
    assert emulator.performer.playing_legs == 0
    await peer.close()
    await wait_for_entry(emulator, "call.ended")


async def test_calls_that_come_and_go_leave_nothing_behind(rest: RestClient, emulator: Emulator) -> None:
    before = _ours()
    for number in range(12):
        async with WebRtcCall(address="127.0.0.1") as call:
            await call.connect(await rest.create_call(await call.offer(), session=SESSION))
            if number % 2:
                await rest.hangup(call.id)
                await call.ended()
        await wait_for_entry(emulator, "call.ended", lambda entry, call_id=call.id: entry.call_id == call_id)
    assert (emulator.performer.open_calls, emulator.performer.open_peers, emulator.performer.playing_legs) == (0, 0, 0)
    del call
    assert _ours() - before == Counter()


def _ours() -> Counter[str]:
    """What of the emulator's a call is made of. Another test's failure may hold some of it."""
    gc.collect()
    kinds = ("Peer", "WebRtcSound", "HostConnection", "DataChannel", "RtpStream")
    types = (type(each) for each in gc.get_objects())
    return Counter(
        each.__name__ for each in types if each.__name__ in kinds and each.__module__.startswith("ringback.emulator.")
    )
