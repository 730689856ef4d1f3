"""WebRTC calls by aiortc: sound both ways, and events on the data channel and beside it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from desk import wait_for_entry
from ringback.conformance.client import RestClient, Sideband
from ringback.conformance.client.webrtc import WebRtcCall
from ringback.emulator.server import Emulator

SESSION: dict[str, Any] = {"type": "realtime", "model": "gpt-realtime"}
TRANSCRIBED = SESSION | {"audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}}
LONG = {"instructions": "say exactly 'one two three four five six seven eight nine ten eleven twelve thirteen'"}

Connect = Callable[..., Awaitable[WebRtcCall]]
Attach = Callable[[str], Awaitable[Sideband]]


@pytest.mark.parametrize("codec", ["opus", "PCMU", "PCMA"])
async def test_caller_is_understood_and_hears_the_model(connect: Connect, emulator: Emulator, codec: str) -> None:
    call = await connect(TRANSCRIBED, codecs=(codec,))
    created = await call.events.wait_for("session.created")
    assert created["session"]["id"] == call.id.replace("rtc_", "sess_")
    await call.say("where is my order 4711?")
    heard = await call.events.wait_for("conversation.item.input_audio_transcription.completed")
    assert heard["transcript"] == "where is my order 4711?"
    done = await call.events.wait_for("response.done")
    said = done["response"]["output"][0]["content"][0]["transcript"]
    await call.events.wait_for("output_audio_buffer.stopped")
    assert await call.wait_for_heard() == said
    opened = await wait_for_entry(emulator, "media.opened")
    assert opened.data["codec"] == codec
    assert "response.output_audio.delta" not in call.events.types


async def test_sound_leaves_at_the_pace_of_speech(connect: Connect) -> None:
    call = await connect()
    await call.events.send({"type": "response.create", "response": LONG})
    started = await call.events.wait_for("output_audio_buffer.started")
    done = await call.events.wait_for("response.done")
    stopped = await call.events.wait_for("output_audio_buffer.stopped")
    heard = await call.wait_for_heard()
    assert heard in LONG["instructions"]
    assert done.at < stopped.at
    assert stopped.at - started.at > len(heard) / 30  # a tonecode second has 24 characters


async def test_caller_who_interrupts_ends_what_is_said(connect: Connect) -> None:
    call = await connect()
    await call.events.send({"type": "response.create", "response": LONG})
    await call.wait_for_sound()
    await call.say("stop")
    cleared = await call.events.wait_for("output_audio_buffer.cleared")
    begun = await call.events.wait_for("input_audio_buffer.speech_started")
    assert cleared.at - begun.at < 1
    assert "conversation.item.truncated" in call.events.types
    await call.events.wait_for("output_audio_buffer.stopped")


async def test_client_clears_what_is_left_to_be_said(connect: Connect) -> None:
    call = await connect()
    await call.events.send({"type": "response.create", "response": LONG})
    await call.wait_for_sound()
    await call.events.send({"type": "output_audio_buffer.clear"})
    await call.events.wait_for("output_audio_buffer.cleared")
    await call.wait_for_quiet()
    assert "output_audio_buffer.stopped" not in call.events.types


async def test_sideband_and_browser_get_the_events_that_they_should(connect: Connect, attach: Attach) -> None:
    call = await connect()
    sideband = await attach(call.id)
    await sideband.send({"type": "session.update", "session": {"type": "realtime", "instructions": "Be kind."}})
    for events in (sideband, call.events):
        updated = await events.wait_for("session.updated")
        assert updated["session"]["instructions"] == "Be kind."
    await call.events.send({"type": "response.create"})
    for events in (sideband, call.events):
        await events.wait_for("output_audio_buffer.stopped")
        assert "response.output_audio.delta" not in events.types
    assert "session.created" not in sideband.types
    assert call.events.types[0] == "session.created"
    await sideband.send({"type": "nonsense"})
    assert (await sideband.wait_for("error"))["error"]["code"] == "invalid_value"
    assert "error" not in call.events.types


async def test_event_that_is_too_long_is_refused_and_the_channel_goes_on(connect: Connect, emulator: Emulator) -> None:
    call = await connect()
    assert call._peer is not None
    assert call._peer.sctp is not None
    call._peer.sctp._remote_max_message_size = 0  # as a client that does not heed the answer
    await call.events.send("x" * (emulator.settings.data_channel_limit + 1))
    assert "is too large" in (await call.events.wait_for("error"))["error"]["message"]
    await call.events.send(b"\x00")
    assert (await call.events.wait_for("error", after=2))["error"]["code"] == "invalid_event"
    await call.events.send({"type": "response.create"})
    await call.events.wait_for("response.done")


async def test_message_without_an_end_closes_the_channel_and_the_call_goes_on(connect: Connect, attach: Attach) -> None:
    call = await connect()
    assert call._peer is not None
    assert call._peer.sctp is not None
    call._peer.sctp._remote_max_message_size = 0
    await call.events.send("x" * 1_500_000)
    await call.events.closed()
    sideband = await attach(call.id)
    await sideband.send({"type": "response.create", "response": LONG})
    assert await call.wait_for_heard() in LONG["instructions"]


async def test_event_that_the_peer_can_not_take_is_not_sent(rest: RestClient, emulator: Emulator) -> None:
    async with WebRtcCall(address="127.0.0.1") as call:
        offer = (await call.offer()).replace("a=max-message-size:262144", "a=max-message-size:300")
        await call.connect(await rest.create_call(offer, session=SESSION))
        unsent = await wait_for_entry(emulator, "event.unsent")
        assert unsent.data["type"] == "session.created"
        await call.events.send({"type": "nonsense", "event_id": "e1"})
        await wait_for_entry(emulator, "event.unsent", lambda entry: entry.data["type"] == "error")
        await call.events.send({"type": "input_audio_buffer.clear"})
        await call.events.wait_for("input_audio_buffer.cleared")


async def test_only_the_channel_of_the_right_name_carries_events(connect: Connect, emulator: Emulator) -> None:
    call = await connect(label="chat")
    await call.events.send({"type": "response.create"})
    await call.hang_up()
    await wait_for_entry(emulator, "call.ended")
    assert list(emulator.journal.entries(kind="channel.attached")) == []


async def test_call_without_a_data_channel_is_driven_by_its_sideband(connect: Connect, attach: Attach) -> None:
    call = await connect(has_events=False)
    sideband = await attach(call.id)
    await sideband.send({"type": "response.create", "response": LONG})
    await sideband.wait_for("output_audio_buffer.stopped")
    assert await call.wait_for_heard() in LONG["instructions"]


@pytest.mark.parametrize("verb", ["accept", "reject", "refer"])
async def test_verbs_of_sip_calls_are_refused(connect: Connect, rest: RestClient, verb: str) -> None:
    call = await connect()
    body = {"accept": SESSION, "reject": {}, "refer": {"target_uri": "tel:+14155550123"}}[verb]
    answer = await rest.request("POST", f"/realtime/calls/{call.id}/{verb}", json_body=body)
    assert answer.status == 400
    assert "WebRTC" in answer.error["message"]
