"""The WebRTC caller against a plain aiortc answerer behind an HTTP server."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from ringback.conformance.client import RestClient, WebRtcCall
from ringback.conformance.client.ear import Ear
from ringback.conformance.client.errors import (
    CallEnded,
    CallRefused,
    ConnectionFailed,
    ProtocolViolation,
    UsageError,
    WaitTimeout,
)
from ringback.conformance.client.rest import RestAnswer
from ringback.conformance.client.watch import Watch
from ringback.conformance.client.webrtc_sound import Microphone, Speaker

SOON = 20.0


class Answerer:
    """A server of calls: it says what it hears told by `say`, and sends events back."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.ear = Ear(self.watch.changed)
        self.speaker = Speaker(self.ear, self.watch.changed)
        self.requests: list[tuple[str, bytes]] = []
        self.received: list[str | bytes] = []
        self.channel: RTCDataChannel | None = None
        self.peer: RTCPeerConnection | None = None
        self.mouth: Microphone | None = None
        self.change: Callable[[str], str] = lambda sdp: sdp
        self.status = 201
        self._listening: asyncio.Task[None] | None = None

    async def create(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append((request.content_type, body))
        if self.status != 201:
            return web.json_response({"error": {"message": "no"}}, status=self.status)
        text = body.decode()
        if request.content_type != "application/sdp":
            text = text[text.index("v=0") :]
            text = text[: text.index("\r\n--")] + "\r\n"
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.on("datachannel", self._channel_came)
        self.peer.on("track", self._track_came)
        self.mouth = Microphone(lambda now: None)
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=text, type="offer"))
        self.peer.addTrack(self.mouth)
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        return web.Response(
            status=201,
            text=self.change(self.peer.localDescription.sdp),
            headers={"Location": "/v1/realtime/calls/rtc_u1_1"},
        )

    async def close(self) -> None:
        if self.mouth is not None:
            self.mouth.stop()
        if self.peer is not None:
            await self.peer.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    def tell(self, event: Any) -> None:
        assert self.channel is not None
        self.channel.send(event if isinstance(event, str | bytes) else json.dumps(event))

    def _channel_came(self, channel: RTCDataChannel) -> None:
        self.channel = channel
        channel.on("message", self._message_came)
        self.watch.changed()

    def _message_came(self, message: str | bytes) -> None:
        self.received.append(message)
        self.watch.changed()

    def _track_came(self, track: Any) -> None:
        self._listening = asyncio.ensure_future(self.speaker.listen(track))


@pytest.fixture
async def answerer() -> AsyncIterator[Answerer]:
    made = Answerer()
    yield made
    await made.close()


@pytest.fixture
async def rest(answerer: Answerer) -> AsyncIterator[RestClient]:
    app = web.Application()
    app.router.add_post("/v1/realtime/calls", answerer.create)
    async with TestServer(app) as server, RestClient(f"http://127.0.0.1:{server.port}/v1", "sk-1") as client:
        yield client


@pytest.fixture
async def call() -> AsyncIterator[WebRtcCall]:
    async with WebRtcCall(address="127.0.0.1") as made:
        yield made


async def connect(call: WebRtcCall, rest: RestClient, session: Any = None) -> None:
    await call.connect(await rest.create_call(await call.offer(), session), timeout=SOON)


async def test_caller_connects_and_speaks_both_ways(call: WebRtcCall, rest: RestClient, answerer: Answerer) -> None:
    await connect(call, rest)
    assert call.id == "rtc_u1_1"
    assert answerer.mouth is not None
    answering = asyncio.ensure_future(answerer.mouth.say("good day"))
    await call.say("hello")
    await answerer.watch.until(lambda: answerer.ear.hearings, timeout=SOON, what="hello")
    assert [each.text for each in answerer.ear.hearings] == ["hello"]
    assert await call.wait_for_heard("good day", timeout=SOON) == "good day"
    assert call.heard == ["good day"]
    assert np.abs(call.recording).max() > 1000
    assert call.frames > 10
    await answering


@pytest.mark.parametrize("codec", ["opus", "PCMU", "PCMA"])
async def test_caller_offers_the_codec_that_it_was_told(codec: Any, rest: RestClient, answerer: Answerer) -> None:
    async with WebRtcCall(codecs=(codec,), has_events=False, address="127.0.0.1") as call:
        offer = await call.offer()
        assert offer.count("a=rtpmap:") == 1
        assert "m=application" not in offer
        await call.connect(await rest.create_call(offer), timeout=SOON)
        await call.say("yes")
        await answerer.watch.until(lambda: answerer.ear.hearings, timeout=SOON, what="yes")
        assert [each.text for each in answerer.ear.hearings] == ["yes"]
        with pytest.raises(UsageError, match="no data channel"):
            _ = call.events


async def test_caller_exchanges_events(call: WebRtcCall, rest: RestClient, answerer: Answerer) -> None:
    answerer.change = lambda sdp: re.sub(r"max-message-size:\d+", "max-message-size:1000", sdp)
    await connect(call, rest)
    assert call.events.label == "oai-events"
    await call.events.ready()
    await call.events.send({"type": "one"})
    await call.events.send("two")
    await call.events.send(b"three")
    await answerer.watch.until(lambda: len(answerer.received) == 3, timeout=SOON, what="three messages")
    assert answerer.received == ['{"type": "one"}', "two", b"three"]
    answerer.tell({"type": "session.created", "n": 1})
    assert (await call.events.wait_for("session.created", timeout=SOON))["n"] == 1
    answerer.tell("nonsense")
    with pytest.raises(ProtocolViolation, match="no event"):
        await call.events.wait_for("more", timeout=SOON)
    with pytest.raises(UsageError, match="only supports messages up to"):
        await call.events.send("x" * 1001)
    assert call.events.limit == 1000
    call.events.limit = 0
    await call.events.send("x" * 1001)
    await answerer.watch.until(lambda: len(answerer.received) == 4, timeout=SOON, what="a message that may not be")
    await call.events.close()
    with pytest.raises(ConnectionFailed, match="closed"):
        await call.events.send({"type": "late"})
    assert not call.is_over


async def test_muted_caller_is_not_heard(call: WebRtcCall, rest: RestClient, answerer: Answerer) -> None:
    await connect(call, rest)
    call.mute()
    await call.say("secret")
    call.mute(False)
    await call.say("open")
    await answerer.watch.until(lambda: answerer.ear.hearings, timeout=SOON, what="open")
    assert [each.text for each in answerer.ear.hearings] == ["open"]


async def test_caller_falls_silent_when_told(call: WebRtcCall, rest: RestClient, answerer: Answerer) -> None:
    await connect(call, rest)
    saying = asyncio.ensure_future(call.say("a sentence that takes some seconds to be said"))
    await answerer.watch.until(lambda: answerer.ear.has_sounded, timeout=SOON, what="sound")
    call.stop_playing()
    await saying
    await answerer.watch.until(lambda: answerer.ear.quiet_seconds > 0.1, timeout=SOON, what="quiet")
    assert not any(each.complete for each in answerer.ear.hearings)


async def test_caller_who_hangs_up_ends_the_call_for_both(
    call: WebRtcCall, rest: RestClient, answerer: Answerer
) -> None:
    await connect(call, rest)
    assert answerer.peer is not None
    answerer.peer.on("connectionstatechange", answerer.watch.changed)
    saying = asyncio.ensure_future(call.say("cut"))
    await call.hang_up()
    with pytest.raises(CallEnded):
        await saying
    assert await call.ended() == "caller"
    peer = answerer.peer
    await answerer.watch.until(lambda: peer.connectionState == "closed", timeout=SOON, what="end")
    for late in (call.say("late"), call.wait_for_heard(), call.connected()):
        with pytest.raises(CallEnded, match="ended"):
            await late


async def test_callee_who_closes_ends_the_call(call: WebRtcCall, rest: RestClient, answerer: Answerer) -> None:
    await connect(call, rest)
    await answerer.close()
    assert await call.ended(timeout=SOON) == "callee"
    assert call.failure is None
    await call.events.closed()
    with pytest.raises(CallEnded, match="data channel was closed before x came"):
        await call.events.wait_for("x")


async def test_callee_is_not_told_when_the_caller_vanishes(
    call: WebRtcCall, rest: RestClient, answerer: Answerer
) -> None:
    await connect(call, rest)
    await call.vanish()
    assert await call.ended() == "caller"
    assert answerer.peer is not None
    assert answerer.peer.connectionState == "connected"


async def test_refusal_carries_its_status(call: WebRtcCall, rest: RestClient, answerer: Answerer) -> None:
    answerer.status = 400
    with pytest.raises(CallRefused, match=r'400 Bad Request \{"error"') as refused:
        await connect(call, rest)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "change", [lambda sdp: "no SDP", lambda sdp: sdp.replace("m=audio", "m=video"), lambda sdp: sdp[:100]]
)
async def test_answer_that_is_none_is_a_violation(
    change: Callable[[str], str], call: WebRtcCall, rest: RestClient, answerer: Answerer
) -> None:
    answerer.change = change
    with pytest.raises(ProtocolViolation, match="the answer can't be used"):
        await connect(call, rest)
    assert await call.ended() == "failed"


async def test_caller_says_what_there_was_when_no_connection_comes(
    call: WebRtcCall, rest: RestClient, answerer: Answerer
) -> None:
    answerer.change = lambda sdp: "\r\n".join(each for each in sdp.split("\r\n") if "candidate" not in each)
    answer = await rest.create_call(await call.offer())
    assert answerer.peer is not None
    await answerer.peer.close()
    with pytest.raises(WaitTimeout, match=r"no connection within 0\.5 s; there was a call that is connecting; ICE"):
        await call.connect(answer, timeout=0.5)


async def test_call_is_used_in_its_order(call: WebRtcCall, answerer: Answerer) -> None:
    for too_early in (call.say("x"), call.vanish()):
        with pytest.raises(UsageError):
            await too_early
    with pytest.raises(UsageError, match="comes with the offer"):
        _ = call.events
    await call.offer()
    with pytest.raises(UsageError, match="one offer"):
        await call.offer()
    with pytest.raises(ProtocolViolation, match="no call id"):
        _ = call.id


async def test_form_has_the_fields_that_were_asked_for(rest: RestClient, answerer: Answerer) -> None:
    answerer.status = 400
    await rest.create_call(None, form="typed", extra={"colour": "green"})
    _, body = answerer.requests[0]
    assert b'name="colour"\r\nContent-Type: text/plain\r\n\r\ngreen\r\n--' in body
    assert b'name="sdp"' not in body


@pytest.mark.parametrize(
    ("session", "form", "expected"),
    [
        (None, None, [("application/sdp", None)]),
        ({"type": "realtime"}, None, [("sdp", "application/sdp"), ("session", "application/json")]),
        ({"type": "realtime"}, "bare", [("sdp", None), ("session", None)]),
        ("{", "typed", [("sdp", "application/sdp"), ("session", "application/json")]),
        (b"{}", "file", [("sdp", "application/octet-stream"), ("session", None)]),
    ],
)
async def test_offer_is_posted_in_the_form_that_was_asked_for(
    session: Any, form: Any, expected: list[tuple[str, str | None]], rest: RestClient, answerer: Answerer
) -> None:
    answerer.status = 400
    answer: RestAnswer = await rest.create_call("v=0\r\n", session, form=form)
    assert answer.status == 400
    kind, body = answerer.requests[0]
    if form is None and session is None:
        assert (kind, body) == ("application/sdp", b"v=0\r\n")
        return
    parts = body.split(b"\r\n--")
    found = []
    for part in parts[:-1]:
        head = part.split(b"\r\n\r\n")[0].decode()
        name = head.partition('name="')[2].partition('"')[0]
        found.append((name, head.partition("Content-Type: ")[2].partition("\r\n")[0] or None))
    assert kind == "multipart/form-data"
    assert found == expected
