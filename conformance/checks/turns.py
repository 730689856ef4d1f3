"""Where a turn begins and ends, without a call: a client gives its sound as events, so that each position is known."""

from functools import partial
from typing import Any

from ringback.fixtures import tonecode

from ..bench import Bench
from ..client.sideband import ReceivedEvent, Sideband
from ..requirement import Level, requirement
from ..sources import SPEC
from .conversations import PCM_BYTES, error_for, opened, retrieved, sound_of
from .direct_ws import user_item
from .sideband import part
from .transcription import WORDS, sound, speak

SERVER = "OpenAPI, RealtimeServerEventInputAudioBuffer"
CLIENT = "OpenAPI, RealtimeClientEventInputAudioBuffer"
BEFORE_MS = 1000
"""Silence before the words."""
WORDS_MS = 1000 * tonecode.duration(WORDS) // 8000
CLOSE_MS = 150
"""A detector may be late by some frames."""
COMMIT = {"type": "input_audio_buffer.commit"}

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs={"ws", "tonecode"})


async def listening(bench: Bench, detection: dict[str, Any] | None) -> Sideband:
    return await opened(bench, audio={"input": {"turn_detection": detection}})


async def turn(bench: Bench, *, after_ms: int, **detection: Any) -> tuple[ReceivedEvent, ReceivedEvent]:
    """Somebody says something and is silent for so long: the start and the end of the turn."""
    session = await listening(bench, {"create_response": False, **detection})
    await speak(session, before_ms=BEFORE_MS, after_ms=after_ms)
    stopped = await bench.event(session, "input_audio_buffer.speech_stopped", timeout=bench.within.speech)
    return await bench.event(session, "input_audio_buffer.speech_started"), stopped


async def spoken(bench: Bench) -> Sideband:
    """Without turn detection: somebody has said something."""
    session = await listening(bench, None)
    await speak(session)
    return session


def near(found: object, wanted: int) -> bool:
    return isinstance(found, int) and abs(found - wanted) <= CLOSE_MS


@documented(
    "WS-TURN-01",
    says="The audio_start_ms of a turn is earlier than its first word by prefix_padding_ms.",
    clause=f"{SERVER}SpeechStarted: audio_start_ms includes the prefix_padding_ms",
)
async def start_has_its_padding(bench: Bench) -> None:
    started, _ = await turn(bench, after_ms=1000, type="server_vad", prefix_padding_ms=600)
    found, wanted = started.get("audio_start_ms"), BEFORE_MS - 600
    bench.expect(near(found, wanted), f"about {wanted}", found)


@documented(
    "WS-TURN-02",
    says="The audio_end_ms of a turn is later than its last word by silence_duration_ms.",
    clause=f"{SERVER}SpeechStopped: audio_end_ms includes the min_silence_duration_ms",
)
async def end_has_its_silence(bench: Bench) -> None:
    _, stopped = await turn(bench, after_ms=1500, type="server_vad", silence_duration_ms=800)
    found, wanted = stopped.get("audio_end_ms"), BEFORE_MS + WORDS_MS + 800
    bench.expect(near(found, wanted), f"about {wanted}", found)


def _declare_eagerness(number: int, eagerness: str, seconds: int) -> None:
    @documented(
        f"WS-TURN-{number:02d}",
        says=f"With eagerness {eagerness} a turn is over after {seconds} seconds of silence.",
        clause="OpenAPI, RealtimeTurnDetection: low, medium and high have max timeouts of 8s, 4s and 2s",
    )
    async def turn_ends(bench: Bench) -> None:
        most = 1000 * seconds + CLOSE_MS
        _, stopped = await turn(bench, after_ms=most, type="semantic_vad", eagerness=eagerness)
        end, last = stopped.get("audio_end_ms"), BEFORE_MS + WORDS_MS
        bench.expect(isinstance(end, int) and end <= last + most, f"an end before {last + most}", end)


_declare_eagerness(3, "low", 8)
_declare_eagerness(4, "medium", 4)
_declare_eagerness(5, "high", 2)


@documented(
    "WS-TURN-06",
    says="After a clear, nothing of what was appended before can be committed.",
    clause=f"{CLIENT}Clear: clear the audio bytes in the buffer",
)
async def clear_empties_the_buffer(bench: Bench) -> None:
    session = await spoken(bench)
    await session.send({"type": "input_audio_buffer.clear"})
    await bench.event(session, "input_audio_buffer.cleared")
    await error_for(bench, session, COMMIT)


@documented(
    "WS-TURN-07",
    says="After a commit, there is nothing left to commit.",
    clause=f"{CLIENT}Commit: an error if the input audio buffer is empty",
)
async def commit_empties_the_buffer(bench: Bench) -> None:
    session = await spoken(bench)
    await session.send(COMMIT)
    await bench.event(session, "input_audio_buffer.committed")
    await error_for(bench, session, COMMIT)


@documented(
    "WS-TURN-08",
    says="A committed item has as much sound as was appended.",
    clause="OpenAPI, RealtimeServerEventConversationItemRetrieved: the full content of the item, including audio data",
)
async def committed_item_has_its_sound(bench: Bench) -> None:
    session = await spoken(bench)
    await session.send(COMMIT)
    item_id = part(await bench.event(session, "input_audio_buffer.committed"), "item_id")
    found, wanted = len(sound_of(bench, await retrieved(bench, session, item_id))), len(sound(WORDS))
    bench.expect(abs(found - wanted) <= 50 * PCM_BYTES, f"{wanted} bytes", found)


@documented(
    "WS-TURN-09",
    says="What was committed comes behind the item that its previous_item_id names.",
    clause=f"{SERVER}Committed: previous_item_id, the preceding item",
)
async def committed_item_has_its_place(bench: Bench) -> None:
    session = await spoken(bench)
    await session.send(user_item("hello", id="item_one"))
    await session.send(COMMIT)
    found = (await bench.event(session, "input_audio_buffer.committed")).get("previous_item_id")
    bench.expect(found == "item_one", "item_one", found)


@documented(
    "WS-TURN-10",
    says="An append is not answered.",
    clause=f"{CLIENT}Append: the server will not send a confirmation response",
)
async def append_is_not_answered(bench: Bench) -> None:
    session = await listening(bench, None)
    before = len(session.events)
    await speak(session)
    await error_for(bench, session, {"type": "nothing"})
    found = [event.type for event in session.events[before:-1]]
    bench.expect(not found, "no event before the error that was asked for", found)
