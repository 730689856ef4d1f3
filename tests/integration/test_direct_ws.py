"""Sessions of their own, by `GET /v1/realtime?model=…`: the handshake and its refusals, sound both ways, the end."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import numpy as np
import pytest
from desk import PATIENCE, StartEmulator, wait_for_entry
from openai import AsyncOpenAI, OpenAI
from ringback.conformance.client import Sideband
from ringback.conformance.client.errors import HandshakeRefused
from ringback.emulator.audio.samples import Samples
from ringback.emulator.realtime.audio_formats import decode_whole, encode_whole
from ringback.emulator.realtime.client_events import APPEND_LIMIT
from ringback.emulator.realtime.session_config import PCM, PCMA, PCMU
from ringback.emulator.server import Emulator
from ringback.fixtures import tonecode

Open = Callable[..., Awaitable[Sideband]]
SILENCE: Samples = np.zeros(4000, dtype=np.int16)
CALL = {"type": "function_call", "name": "f", "arguments": "{}"}
SAY = {"type": "response.create", "response": {"instructions": "say exactly 'The quick brown fox jumps.'"}}


@pytest.fixture
async def emulator(start_emulator: StartEmulator) -> Emulator:
    return await start_emulator()


@pytest.fixture
async def opened(emulator: Emulator) -> AsyncIterator[Open]:
    """`await opened(model=…)`: a session, closed behind the test."""
    sessions: list[Sideband] = []

    async def connect(**options: Any) -> Sideband:
        ready = emulator.ready
        given = {"api_key": ready.api_key, **options}
        sessions.append(await Sideband.open(ready.base_url, **given))
        return sessions[-1]

    yield connect
    for session in sessions:
        await session.close()


def sound_of(session: Sideband, audio_format: dict[str, Any]) -> Samples:
    deltas = [event["delta"] for event in session.events if event.type == "response.output_audio.delta"]
    return decode_whole(b"".join(base64.b64decode(delta) for delta in deltas), audio_format)


async def speak(session: Sideband, text: str, audio_format: dict[str, Any] = PCM) -> None:
    """A sentence between silences, faster than real time."""
    sound = np.concatenate((SILENCE, tonecode.encode(text), SILENCE))
    data = encode_whole(sound, audio_format)
    size = len(data) // (len(sound) // 160)
    for start in range(0, len(data), size):
        audio = base64.b64encode(data[start : start + size]).decode()
        await session.send({"type": "input_audio_buffer.append", "audio": audio})


# The handshake


async def test_client_gets_session_created_first(emulator: Emulator, opened: Open) -> None:
    session = await opened(model="gpt-realtime-mini", headers={"OpenAI-Safety-Identifier": "user-1"})
    created = await session.wait_for("session.created")
    assert session.types == ["session.created"]
    assert created["session"]["model"] == "gpt-realtime-mini"
    assert created["session"]["id"].removeprefix("sess_").isalnum()
    assert len(created["session"]["id"]) == 26
    attached = await wait_for_entry(emulator, "channel.attached")
    assert attached.project_id == emulator.ready.project_id
    assert attached.data["session_id"] == created["session"]["id"]
    assert attached.data["safety_identifier"] == "user-1"


async def test_browser_gives_its_key_as_a_subprotocol(emulator: Emulator, opened: Open) -> None:
    key = f"openai-insecure-api-key.{emulator.ready.api_key}"
    session = await opened(
        model="gpt-realtime", api_key=None, subprotocols=("realtime", key, "openai-agents-sdk.0.1.0")
    )
    assert session.subprotocol == "realtime"
    await session.wait_for("session.created")


@pytest.mark.parametrize(
    ("options", "close", "code", "message"),
    [
        ({"model": "gpt-realtime", "api_key": "sk-nobody"}, 3000, "invalid_api_key", "Incorrect API key provided"),
        (
            {"model": "gpt-realtime", "headers": {"OpenAI-Beta": "realtime=v1"}},
            4000,
            "beta_api_shape_disabled",
            "The Realtime Beta API is no longer supported",
        ),
        ({}, 4000, "missing_model", "You must provide a model parameter"),
        ({"model": "gpt-4o"}, 4000, "invalid_model", 'Model "gpt-4o" is not supported in realtime mode.'),
    ],
)
async def test_client_is_refused_in_band(
    emulator: Emulator, opened: Open, options: dict[str, Any], close: int, code: str, message: str
) -> None:
    session = await opened(**options)
    assert await session.closed() == close
    assert session.close_reason == f"invalid_request_error.{code}"
    assert session.types == ["error"]
    assert session.events[0]["error"]["message"].startswith(message)
    assert {key: session.events[0]["error"][key] for key in ("code", "type", "param", "event_id")} == {
        "code": code,
        "type": "invalid_request_error",
        "param": None,
        "event_id": None,
    }
    refused = await wait_for_entry(emulator, "channel.refused")
    assert (refused.data["status"], refused.data["code"]) == (101, code)


async def test_client_without_a_key_gets_401(emulator: Emulator, opened: Open) -> None:
    with pytest.raises(HandshakeRefused) as refused:
        await opened(model="gpt-realtime", api_key=None)
    assert refused.value.status == 401
    assert (await wait_for_entry(emulator, "channel.refused")).data["status"] == 401


@pytest.mark.parametrize("query", [{}, {"model": "gpt-4o"}])
async def test_plain_http_request_is_refused(emulator: Emulator, query: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {emulator.ready.api_key}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        answer = await http.get(f"{emulator.ready.base_url}/realtime", params=query | {"model": "gpt-realtime"})
        assert answer.status == 400
        assert "WebSocket" in (await answer.json())["error"]["message"]


async def test_client_opens_a_transcription_session(opened: Open) -> None:
    session = await opened(query={"intent": "transcription"})
    created = await session.wait_for("session.created")
    assert created["session"]["object"] == "realtime.transcription_session"
    audio = {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}
    await session.send({"type": "session.update", "session": {"type": "transcription", "audio": audio}})
    await session.wait_for("session.updated")
    await speak(session, "Write this down.")
    completed = await session.wait_for("conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == "Write this down."
    assert "response.created" not in session.types


async def test_client_is_pinged(start_emulator: StartEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringback.emulator.transports.upgrade.PING_INTERVAL", 0.01)
    ready = (await start_emulator()).ready
    headers = {"Authorization": f"Bearer {ready.api_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.ws_connect(f"{ready.base_url}/realtime?model=gpt-realtime", autoping=False) as socket,
    ):
        assert (await socket.receive(PATIENCE)).type is aiohttp.WSMsgType.TEXT
        assert (await socket.receive(PATIENCE)).type is aiohttp.WSMsgType.PING


# Sound


@pytest.mark.parametrize("audio_format", [PCM, PCMU, PCMA])
async def test_client_hears_what_it_asked_for(opened: Open, audio_format: dict[str, Any]) -> None:
    session = await opened(model="gpt-realtime")
    both = {"input": {"format": audio_format}, "output": {"format": audio_format}}
    await session.send({"type": "session.update", "session": {"type": "realtime", "audio": both}})
    await session.send(SAY)
    await session.wait_for("rate_limits.updated")
    assert [heard.text for heard in tonecode.decode(sound_of(session, audio_format))] == ["The quick brown fox jumps."]
    types = [each for index, each in enumerate(session.types) if session.types.index(each) == index]
    assert types[types.index("response.created") :] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]


@pytest.mark.parametrize("audio_format", [PCM, PCMU, PCMA])
async def test_client_speaks_and_is_answered(opened: Open, audio_format: dict[str, Any]) -> None:
    session = await opened(model="gpt-realtime")
    sound = {"format": audio_format, "transcription": {"model": "whisper-1"}}
    await session.send({"type": "session.update", "session": {"type": "realtime", "audio": {"input": sound}}})
    await speak(session, "Is anybody there?", audio_format)
    completed = await session.wait_for("conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == "Is anybody there?"
    await session.wait_for("response.done")
    started = next(event for event in session.events if event.type == "input_audio_buffer.speech_started")
    assert 100 <= started["audio_start_ms"] <= 500
    assert [heard.text for heard in tonecode.decode(sound_of(session, PCM))] == ["Is anybody there?"]


async def test_client_speaks_and_interrupts_the_answer(start_emulator: StartEmulator) -> None:
    ready = (await start_emulator()).ready
    async with await Sideband.open(ready.base_url, model="gpt-realtime", api_key=ready.api_key) as session:
        words = "word " * 2000  # more than five seconds of sound: it leaves in bursts
        await session.send({"type": "response.create", "response": {"instructions": f"say exactly '{words}end'"}})
        delta = await session.wait_for("response.output_audio.delta")
        await speak(session, "Stop!")
        done = await session.wait_for("response.done")
        assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        heard = len(sound_of(session, PCM)) // 8
        place = {"item_id": delta["item_id"], "content_index": 0}
        await session.send({"type": "conversation.item.truncate", **place, "audio_end_ms": heard + 1000})
        error = await session.wait_for("error")
        assert error["error"]["message"].startswith("Audio content of ")
        await session.send({"type": "conversation.item.truncate", **place, "audio_end_ms": 1500})
        truncated = await session.wait_for("conversation.item.truncated")
        assert truncated["audio_end_ms"] == 1500


async def test_voice_is_fixed_once_it_was_heard(opened: Open) -> None:
    session = await opened(model="gpt-realtime")
    change = {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "marin"}}}}
    await session.send(change)
    await session.wait_for("session.updated")
    await session.send(SAY)
    await session.wait_for("response.done")
    change["session"]["audio"]["output"]["voice"] = "cedar"  # type: ignore[index]
    await session.send(change)
    assert (await session.wait_for("error"))["error"]["code"] == "cannot_update_voice"


# The end


async def test_session_ends_at_its_limit(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(session_limit=0.05)
    ready = emulator.ready
    async with await Sideband.open(ready.base_url, model="gpt-realtime", api_key=ready.api_key) as session:
        error = await session.wait_for("error")
        assert error["error"]["code"] == "session_expired"
        assert await session.closed() == 1001
        assert session.close_reason == "Your session hit the maximum duration of 60 minutes."


async def test_session_ends_with_the_emulator(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator()
    ready = emulator.ready
    async with await Sideband.open(ready.base_url, model="gpt-realtime", api_key=ready.api_key) as session:
        await session.wait_for("session.created")
        assert (await asyncio.gather(session.closed(), emulator.stop()))[0] == 1001


async def test_bug_of_a_session_closes_it_alone(
    emulator: Emulator, opened: Open, expected_bugs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected_bugs.append("RuntimeError('broken model')")

    def respond(*_: object) -> None:
        raise RuntimeError("broken model")

    first, second = await opened(model="gpt-realtime"), await opened(model="gpt-realtime")
    with monkeypatch.context() as patch:
        patch.setattr("ringback.emulator.model.builtin.BuiltinModel.respond", respond)
        await first.send(SAY)
        assert await first.closed() == 1011
    await second.send(SAY)
    await second.wait_for("response.done")


async def test_client_that_does_not_read_is_cut_and_others_are_served(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(send_buffer_limit=200_000)
    ready = emulator.ready
    headers = {"Authorization": f"Bearer {ready.api_key}"}
    url = f"{ready.base_url}/realtime?model=gpt-realtime"
    async with aiohttp.ClientSession(headers=headers) as http, http.ws_connect(url) as deaf:
        for _ in range(300):
            await deaf.send_str(json.dumps({**SAY, "response": {**SAY["response"], "conversation": "none"}}))  # type: ignore[dict-item]
            if list(emulator.journal.entries(kind="channel.detached")):
                break
        detached = await wait_for_entry(emulator, "channel.detached")
        assert (detached.data["code"], detached.data["by"]) == (1006, "us")
    async with await Sideband.open(ready.base_url, model="gpt-realtime", api_key=ready.api_key) as session:
        await session.send(SAY)
        await session.wait_for("response.done")


async def test_journal_keeps_no_sound(emulator: Emulator, opened: Open) -> None:
    session = await opened(model="gpt-realtime")
    await session.send(SAY)
    await session.wait_for("response.done")
    deltas = [
        entry.data["event"]
        for entry in emulator.journal.entries(kind="event.server")
        if entry.data["event"]["type"] == "response.output_audio.delta"
    ]
    assert all("delta" not in event and event["delta_length"] > 0 for event in deltas)
    assert deltas


async def test_journal_keeps_no_sound_that_was_retrieved(emulator: Emulator, opened: Open) -> None:
    session = await opened(model="gpt-realtime")
    await session.send({"type": "conversation.item.create", "item": {**CALL, "id": "call"}})
    await session.send({"type": "conversation.item.retrieve", "item_id": "call"})
    await session.send(SAY)
    done = await session.wait_for("response.output_item.done")
    await session.send({"type": "conversation.item.retrieve", "item_id": done["item"]["id"]})
    retrieved = await session.wait_for("conversation.item.retrieved", where=lambda event: "content" in event["item"])
    call, message = (
        entry.data["event"]["item"]
        for entry in emulator.journal.entries(kind="event.server")
        if entry.data["event"]["type"] == "conversation.item.retrieved"
    )
    assert call["name"] == "f"
    kept, sent = message["content"][0], retrieved["item"]["content"][0]
    assert kept == {"type": "output_audio", "transcript": sent["transcript"], "audio_length": len(sent["audio"])}


# The official client


async def test_async_sdk_writes_and_reads(emulator: Emulator) -> None:
    async with (
        AsyncOpenAI(base_url=emulator.ready.base_url, api_key=emulator.ready.api_key) as client,
        client.realtime.connect(model="gpt-realtime") as connection,
    ):
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Echo me"}]}
        )
        await connection.response.create()
        said = ""
        async for event in connection:
            if event.type == "response.output_text.delta":
                said += event.delta
            elif event.type == "response.done":
                break
        assert said == "Echo me"


async def test_async_sdk_speaks_and_hears(emulator: Emulator) -> None:
    async with (
        AsyncOpenAI(base_url=emulator.ready.base_url, api_key=emulator.ready.api_key) as client,
        client.realtime.connect(model="gpt-realtime") as connection,
    ):
        data = encode_whole(np.concatenate((SILENCE, tonecode.encode("Hello you"), SILENCE)), PCM)
        await connection.input_audio_buffer.append(audio=base64.b64encode(data).decode())
        sound = b""
        async for event in connection:
            if event.type == "response.output_audio.delta":
                sound += base64.b64decode(event.delta)
            elif event.type == "response.done":
                break
        assert [heard.text for heard in tonecode.decode(decode_whole(sound, PCM))] == ["Hello you"]


@pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning")  # the SDK's own affair
async def test_sync_sdk_writes_speaks_and_hears(emulator: Emulator) -> None:
    ready = emulator.ready
    await asyncio.to_thread(use_sync_sdk, ready.base_url, ready.api_key)


def use_sync_sdk(base_url: str, api_key: str) -> None:
    with (
        OpenAI(base_url=base_url, api_key=api_key) as client,
        client.realtime.connect(model="gpt-realtime") as connection,
    ):
        assert connection.recv().type == "session.created"
        connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        connection.response.create(response={"instructions": "say exactly 'Written.'"})
        written = [event.text for event in until_done(connection) if event.type == "response.output_text.done"]
        assert written == ["Written."]
        connection.session.update(session={"type": "realtime", "output_modalities": ["audio"]})
        data = encode_whole(np.concatenate((SILENCE, tonecode.encode("Spoken"), SILENCE)), PCM)
        connection.input_audio_buffer.append(audio=base64.b64encode(data).decode())
        deltas = [event.delta for event in until_done(connection) if event.type == "response.output_audio.delta"]
        sound = decode_whole(b"".join(base64.b64decode(delta) for delta in deltas), PCM)
        assert [heard.text for heard in tonecode.decode(sound)] == ["Spoken"]


def until_done(connection: Any) -> list[Any]:
    events = []
    for event in connection:
        events.append(event)
        if event.type == "response.done":
            break
    return events


async def test_client_appends_fifteen_mebibytes_at_once_and_no_more(opened: Open) -> None:
    session = await opened(model="gpt-realtime")
    for size in (APPEND_LIMIT, APPEND_LIMIT + 1):
        audio = base64.b64encode(bytes(size)).decode()
        await session.send({"type": "input_audio_buffer.append", "audio": audio, "event_id": str(size)})
    await session.send({"type": "input_audio_buffer.clear"})
    await session.wait_for("input_audio_buffer.cleared")
    errors = [event["error"]["event_id"] for event in session.events if event.type == "error"]
    assert errors == [str(APPEND_LIMIT + 1)]


async def test_client_is_served_while_another_appends_minutes_of_sound(emulator: Emulator, opened: Open) -> None:
    speaker, other = await opened(model="gpt-realtime"), await opened(model="gpt-realtime")
    update = {"type": "realtime", "audio": {"input": {"format": PCMU}}}
    await speaker.send({"type": "session.update", "session": update})
    await speaker.wait_for("session.updated")
    minutes = base64.b64encode(b"\xff" * 8000 * 1200).decode()
    await speaker.send({"type": "input_audio_buffer.append", "audio": minutes})
    await speaker.send({"type": "input_audio_buffer.clear"})
    await wait_for_entry(emulator, "event.client", lambda entry: "audio_bytes" in entry.data["event"])
    await other.send({"type": "input_audio_buffer.clear"})
    await other.wait_for("input_audio_buffer.cleared")
    assert "input_audio_buffer.cleared" not in speaker.types
    await speaker.wait_for("input_audio_buffer.cleared", timeout=PATIENCE)
