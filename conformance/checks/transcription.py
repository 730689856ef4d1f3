"""Transcription: of the caller in a conversation, and in sessions that do nothing else."""

import base64
from functools import partial
from typing import Any

import numpy as np
from ringback.fixtures import tonecode

from ..bench import Bench
from ..client.sideband import ReceivedEvent, Sideband
from ..requirement import Level, requirement
from ..sources import SDK, SPEC
from .sideband import part, update

SERVER = "OpenAPI, RealtimeServerEventConversationItemInputAudioTranscription"
SESSION = "OpenAPI, RealtimeTranscriptionSessionCreateRequestGA"
TOLD = "conversation.item.input_audio_transcription"
LOGPROBS = "item.input_audio_transcription.logprobs"
WORDS = "how are you"
PCM_RATE = 24000
FRAME = PCM_RATE // 10
BY_TOKENS = ("total_tokens", "input_tokens", "output_tokens")
SHAPE = {"type", "object", "id", "expires_at", "audio", "include"}

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs={"ws", "tonecode"})
silent = partial(requirement, level=Level.OBSERVED, evidence="OBS", needs={"ws"})
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", needs={"ws"})


def listening(model: str = "gpt-4o-transcribe", **more: Any) -> dict[str, Any]:
    """A configuration that transcribes, and leaves the end of a turn to the client."""
    return {"audio": {"input": {"transcription": {"model": model}, "turn_detection": None}}, **more}


def sound(text: str, *, before_ms: int = 250, after_ms: int = 250) -> bytes:
    """A sentence between silences, 24 kHz PCM."""
    before, after = (np.zeros(8 * length, dtype=np.int16) for length in (before_ms, after_ms))
    samples = np.concatenate((before, tonecode.encode(text), after))
    places = np.arange(len(samples) * 3) / 3
    return np.interp(places, np.arange(len(samples)), samples).astype("<i2").tobytes()


async def speak(session: Sideband, text: str = WORDS, **silence: int) -> None:
    data = sound(text, **silence)
    for start in range(0, len(data), 2 * FRAME):
        audio = base64.b64encode(data[start : start + 2 * FRAME]).decode()
        await session.send({"type": "input_audio_buffer.append", "audio": audio})


async def transcriber(bench: Bench, **config: Any) -> Sideband:
    """A transcription session."""
    session = await bench.session(None, query={"intent": "transcription"})
    await bench.event(session, "session.created")
    await session.send({"type": "session.update", "session": {"type": "transcription", **(config or listening())}})
    await bench.event(session, "session.updated")
    return session


async def transcribed(bench: Bench, config: dict[str, Any]) -> tuple[list[ReceivedEvent], ReceivedEvent]:
    """What the client said in a conversation: the deltas, and the end of its transcript."""
    session = await bench.session()
    await session.send(update(**config))
    await bench.event(session, "session.updated")
    await speak(session)
    await session.send({"type": "input_audio_buffer.commit"})
    completed = await bench.event(session, f"{TOLD}.completed", timeout=bench.within.speech)
    return [each for each in session.events if each.type == f"{TOLD}.delta"], completed


# Sessions


@silent(
    "TRANSCRIPT-SESSION-01",
    says="A connection with intent=transcription opens a transcription session.",
    clause="probes of the service, 2026",
)
async def intent_opens_a_transcription_session(bench: Bench) -> None:
    session = await bench.session(None, query={"intent": "transcription"})
    created = await bench.event(session, "session.created")
    bench.expect(part(created, "session", "type") == "transcription", "type transcription", created.data)


@silent(
    "TRANSCRIPT-SESSION-02",
    says="A transcription session shows what was recorded of one.",
    clause="probes of the service, 2026",
)
async def transcription_session_has_its_shape(bench: Bench) -> None:
    session = await bench.session(None, query={"intent": "transcription"})
    shown = (await bench.event(session, "session.created")).get("session")
    keys = set(shown) if isinstance(shown, dict) else set()
    bench.expect(keys == SHAPE, ", ".join(sorted(SHAPE)), sorted(keys))
    bench.expect(shown["object"] == "realtime.transcription_session", "its object", shown["object"])


@silent(
    "TRANSCRIPT-SESSION-03",
    says="A realtime session refuses the update of a transcription session.",
    clause="public notes, 2026",
)
async def realtime_session_stays_one(bench: Bench) -> None:
    session = await bench.session()
    await session.send({"type": "session.update", "event_id": "wrong", "session": {"type": "transcription"}})
    refused = await bench.event(session, "error")
    message = str(part(refused, "error", "message"))
    bench.expect("transcription session" in message, "the message for it", message)


@documented("TRANSCRIPT-SESSION-04", says="What is said in a transcription session is transcribed.", clause=SESSION)
async def transcription_session_transcribes(bench: Bench) -> None:
    session = await transcriber(bench)
    await speak(session)
    await session.send({"type": "input_audio_buffer.commit"})
    completed = await bench.event(session, f"{TOLD}.completed", timeout=bench.within.speech)
    found = str(completed.get("transcript")).strip()
    bench.expect(found == WORDS, WORDS, found)


@documented(
    "TRANSCRIPT-SESSION-05",
    says="A transcription session answers nothing.",
    clause=f"{SESSION}: turn detection creates no response in transcription mode",
)
async def transcription_session_is_silent(bench: Bench) -> None:
    detection = {"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
    session = await transcriber(bench, **detection)
    await speak(session)
    await bench.event(session, f"{TOLD}.completed", timeout=bench.within.speech)
    answered = bench.watch(session.wait_for("response.created", timeout=bench.within.event))
    bench.expect(await bench.nothing(answered), "no response", session.types)


@choice(
    "TRANSCRIPT-SESSION-06",
    says="A transcription session refuses response.create with an error.",
    clause="nobody has shown the answer",
)
async def transcription_session_refuses_responses(bench: Bench) -> None:
    session = await transcriber(bench)
    await session.send({"type": "response.create"})
    refused = await bench.event(session, "error")
    bench.note(f"{part(refused, 'error', 'code')}: {part(refused, 'error', 'message')}")


# Events


@documented("TRANSCRIPT-EVENT-01", says="The deltas of a transcript together are its text.", clause=f"{SERVER}Delta")
async def deltas_are_the_transcript(bench: Bench) -> None:
    deltas, completed = await transcribed(bench, listening())
    found = "".join(str(each.get("delta")) for each in deltas)
    bench.expect(deltas and found == completed.get("transcript"), str(completed.get("transcript")), found)


@documented("TRANSCRIPT-EVENT-02", says="A transcript names the item of what was said.", clause=f"{SERVER}Completed")
async def transcript_names_its_item(bench: Bench) -> None:
    deltas, completed = await transcribed(bench, listening())
    ids = {each.get("item_id") for each in (*deltas, completed)}
    places = {each.get("content_index") for each in (*deltas, completed)}
    bench.expect(len(ids) == 1 and None not in ids and places == {0}, "one item, content 0", [ids, places])


@documented(
    "TRANSCRIPT-EVENT-03",
    says="The usage of a transcript is a duration, or tokens that add up.",
    evidence="SDK",
    clause="types/realtime/conversation_item_input_audio_transcription_completed_event.py: usage",
    link=SDK,
)
async def transcript_has_its_usage(bench: Bench) -> None:
    _, completed = await transcribed(bench, listening())
    usage = completed.get("usage")
    kind = part(completed, "usage", "type")
    if kind == "duration":
        bench.expect(isinstance(part(completed, "usage", "seconds"), int | float), "seconds", usage)
        return
    total, before, after = (part(completed, "usage", name) for name in BY_TOKENS)
    numbers = all(isinstance(each, int) for each in (total, before, after))
    bench.expect(kind == "tokens" and numbers and total == before + after, "a duration, or tokens that add up", usage)


@documented(
    "TRANSCRIPT-EVENT-04",
    says="A transcript has log probabilities where they are included.",
    clause="OpenAPI, RealtimeSessionCreateRequestGA: include item.input_audio_transcription.logprobs",
)
async def transcript_has_logprobs(bench: Bench) -> None:
    _, completed = await transcribed(bench, listening(include=[LOGPROBS]))
    found = completed.get("logprobs")
    bench.expect(isinstance(found, list) and found, "logprobs", completed.data)
    for index in range(len(found)):
        token, logprob, encoded = (part(completed, "logprobs", index, key) for key in ("token", "logprob", "bytes"))
        is_number = isinstance(logprob, int | float) and logprob <= 0
        bench.expect(isinstance(token, str) and is_number and isinstance(encoded, list), "token, logprob, bytes", found)


@choice(
    "TRANSCRIPT-EVENT-05",
    says="A diarizing model's transcript has segments with speakers.",
    clause="OpenAPI has the event; nobody has shown one",
    needs={"ws", "tonecode"},
)
async def transcript_has_segments(bench: Bench) -> None:
    session = await bench.session()
    await session.send(update(**listening("gpt-4o-transcribe-diarize")))
    await speak(session)
    await session.send({"type": "input_audio_buffer.commit"})
    segment = await bench.event(session, f"{TOLD}.segment", timeout=bench.within.speech)
    bench.note(f"{segment.get('speaker')}: {segment.get('text')}")
