"""`idle_timeout_ms`: a caller who says nothing is asked again. In text, where nothing has to be played first."""

from functools import partial
from typing import Any

from ..bench import Bench
from ..client.sideband import Sideband
from ..requirement import Level, requirement
from ..sources import SPEC
from .sideband import part, update
from .transcription import speak

TIMEOUT_MS = 5000
"""The shortest that is documented."""
TRIGGERED = "input_audio_buffer.timeout_triggered"
SESSION: dict[str, Any] = {
    "output_modalities": ["text"],
    "audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": TIMEOUT_MS}}},
}

documented = partial(
    requirement,
    level=Level.MUST,
    evidence="DOC",
    clause="OpenAPI, RealtimeServerEventInputAudioBufferTimeoutTriggered",
    link=SPEC,
    needs={"ws", "clock"},
)


async def patient(bench: Bench) -> Sideband:
    session = await bench.session()
    await session.send(update(**SESSION))
    await bench.event(session, "session.updated")
    return session


async def silent(bench: Bench, session: Sideband | None = None) -> Sideband:
    """A session whose client was answered, and says nothing for as long as is allowed."""
    session = session or await patient(bench)
    await session.send({"type": "response.create"})
    await bench.event(session, "response.created")
    await bench.clock.advance(1.0)  # for the model to think
    await bench.event(session, "response.done")
    await bench.clock.advance(TIMEOUT_MS / 1000)
    return session


@documented(
    "EVENT-IDLE-01",
    says="A client who says nothing for idle_timeout_ms after a response is told input_audio_buffer.timeout_triggered.",
)
async def silence_is_told(bench: Bench) -> None:
    session = await silent(bench)
    told = await bench.event(session, TRIGGERED)
    start, end = told.get("audio_start_ms"), told.get("audio_end_ms")
    bench.expect(isinstance(start, int) and isinstance(end, int), "audio_start_ms and audio_end_ms", told.data)


@documented("EVENT-IDLE-02", says="The silence that timed out is committed as the item that was named.")
async def silence_is_committed(bench: Bench) -> None:
    session = await silent(bench)
    told = await bench.event(session, TRIGGERED)
    committed = await bench.event(session, "input_audio_buffer.committed")
    added = await bench.event(
        session, "conversation.item.added", where=lambda each: part(each, "item", "role") == "user"
    )
    found = [told.get("item_id"), committed.get("item_id"), part(added, "item", "id")]
    bench.expect(found[0] and len(set(found)) == 1, "one item id in all three events", found)


@documented("EVENT-IDLE-03", says="The silence that timed out is answered by a response.")
async def silence_is_answered(bench: Bench) -> None:
    session = await silent(bench)
    told = await bench.event(session, TRIGGERED)
    await bench.event(session, "response.created", after=session.events.index(told))


@documented(
    "EVENT-IDLE-04",
    says="A client who speaks while a response ends is not told to have been silent.",
    clause="OpenAPI, RealtimeServerEventInputAudioBufferTimeoutTriggered: there hasn't been any speech detected",
    needs={"ws", "clock", "tonecode"},
)
async def speech_is_no_silence(bench: Bench) -> None:
    session = await patient(bench)
    await speak(session, after_ms=0)
    await bench.event(session, "input_audio_buffer.speech_started")
    await silent(bench, session)
    told = bench.watch(session.wait_for(TRIGGERED, timeout=bench.within.event))
    bench.expect(await bench.nothing(told), f"no {TRIGGERED}", session.types)
