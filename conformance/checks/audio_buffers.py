"""`input_audio_buffer.*` and `output_audio_buffer.*`: what the caller says and gets to hear, as events."""

from functools import partial

from ..bench import Bench
from ..client.sideband import ReceivedEvent
from ..requirement import Level, requirement
from ..sources import SPEC
from .events import RECORDED, response_to
from .sideband import HELLO, NEEDS, part, saying, talk

SERVER = "OpenAPI, RealtimeServerEvent"
CLIENT = "OpenAPI, RealtimeClientEvent"
SPOKEN = NEEDS | {"tonecode"}
"""The caller's words must be understood: recorded speech would do as well where a phone has it."""
LONG = "the quick brown fox jumps over the lazy dog and does it again and again"
WORDS = "how are you"
TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "response.created",
]
MANUAL = {"input": {"turn_detection": None}}

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", clause=RECORDED, needs=SPOKEN)


# Output


@documented(
    "EVENT-PLAYBACK-01",
    says="When a response begins to be played, output_audio_buffer.started names it.",
    clause=f"{SERVER}OutputAudioBufferStarted",
)
async def playing_starts(bench: Bench) -> None:
    _, sideband = await talk(bench)
    events = await response_to(bench, sideband, saying(HELLO), then="output_audio_buffer.started")
    found = events[-1].get("response_id")
    wanted = part(events[0], "response", "id")
    bench.expect(found == wanted and wanted, f"response_id {wanted}", found)


@documented(
    "EVENT-PLAYBACK-02",
    says="When a response has been played, output_audio_buffer.stopped names it.",
    clause=f"{SERVER}OutputAudioBufferStopped: completely drained, after response.done",
)
async def playing_stops(bench: Bench) -> None:
    _, sideband = await talk(bench)
    events = await response_to(bench, sideband, saying(HELLO), then="output_audio_buffer.stopped")
    found = events[-1].get("response_id")
    wanted = part(events[0], "response", "id")
    bench.expect(found == wanted and wanted, f"response_id {wanted}", found)


@documented(
    "EVENT-PLAYBACK-03",
    says="The output_audio_buffer.stopped of a response comes behind its response.done.",
    clause=f"{SERVER}OutputAudioBufferStopped: after the full response data has been sent",
)
async def stopped_comes_after_done(bench: Bench) -> None:
    _, sideband = await talk(bench)
    events = await response_to(bench, sideband, saying(HELLO), then="output_audio_buffer.stopped")
    types = [each.type for each in events]
    bench.expect("response.done" in types, "response.done before output_audio_buffer.stopped", types)


@documented(
    "EVENT-PLAYBACK-04",
    says="An output_audio_buffer.clear while something is played is answered with output_audio_buffer.cleared.",
    clause=f"{CLIENT}OutputAudioBufferClear",
)
async def playing_is_cleared(bench: Bench) -> None:
    call, sideband = await talk(bench)
    events = await response_to(bench, sideband, saying(LONG), then="output_audio_buffer.started")
    await call.wait_for_sound(timeout=bench.within.speech)
    await sideband.send({"type": "response.cancel"})
    await sideband.send({"type": "output_audio_buffer.clear"})
    cleared = await bench.event(sideband, "output_audio_buffer.cleared")
    wanted = part(events[0], "response", "id")
    bench.expect(cleared.get("response_id") == wanted, f"response_id {wanted}", cleared.data)


# Input


async def turn(bench: Bench) -> list[ReceivedEvent]:
    """What the caller's words bring, from speech_started to the response.created that answers them."""
    call, sideband = await talk(bench)
    await call.say(WORDS)
    created = await bench.event(sideband, "response.created", timeout=bench.within.speech)
    return sideband.events[: sideband.events.index(created) + 1]


def one(bench: Bench, events: list[ReceivedEvent], type: str) -> ReceivedEvent:
    """The event of that type; it is a violation if there is none, or more than one."""
    found = [each for each in events if each.type == type]
    bench.expect(len(found) == 1, f"one {type}", f"{len(found)} in {[each.type for each in events]}")
    return found[0]


@documented(
    "EVENT-TURN-01",
    says="At the end of a turn, input_audio_buffer.committed names the item that was announced.",
    clause=f"{SERVER}InputAudioBufferCommitted: automatically in server VAD mode",
    needs=SPOKEN,
)
async def turn_is_committed(bench: Bench) -> None:
    events = await turn(bench)
    wanted = one(bench, events, "input_audio_buffer.speech_started").get("item_id")
    found = one(bench, events, "input_audio_buffer.committed").get("item_id")
    bench.expect(found == wanted, f"item_id {wanted}", found)


@documented(
    "EVENT-TURN-02",
    says="The caller's words join the conversation as a user's item.",
    clause=f"{SERVER}ConversationItemAdded: the input audio buffer is committed",
    needs=SPOKEN,
)
async def words_become_an_item(bench: Bench) -> None:
    events = await turn(bench)
    item_id = one(bench, events, "input_audio_buffer.committed").get("item_id")
    items = [part(each, "item") for each in events if each.type == "conversation.item.added"]
    found = [(each.get("id"), each.get("role")) for each in items if isinstance(each, dict)]
    bench.expect((item_id, "user") in found, f"the user's item {item_id}", found)


@documented(
    "EVENT-TURN-03",
    says="Without turn detection nothing is committed when the caller falls silent.",
    clause="OpenAPI, RealtimeTurnDetection: null turns it off; the client must trigger",
    needs=SPOKEN,
)
async def nothing_is_committed_without_detection(bench: Bench) -> None:
    call, sideband = await talk(bench, audio=MANUAL)
    await call.say(WORDS)
    committed = bench.watch(sideband.wait_for("input_audio_buffer.committed", timeout=bench.within.event))
    bench.expect(await bench.nothing(committed), "no input_audio_buffer.committed", sideband.types)


@documented(
    "EVENT-TURN-04",
    says="An input_audio_buffer.commit is answered with input_audio_buffer.committed and an item.",
    clause=f"{CLIENT}InputAudioBufferCommit",
    needs=SPOKEN,
)
async def commit_makes_an_item(bench: Bench) -> None:
    call, sideband = await talk(bench, audio=MANUAL)
    await call.say(WORDS)
    await sideband.send({"type": "input_audio_buffer.commit"})
    committed = await bench.event(sideband, "input_audio_buffer.committed")
    added = await bench.event(sideband, "conversation.item.added")
    wanted = committed.get("item_id")
    bench.expect(wanted and part(added, "item", "id") == wanted, f"the item {wanted}", added.data)


@documented(
    "EVENT-TURN-05",
    says="An input_audio_buffer.commit creates no response.",
    clause=f"{CLIENT}InputAudioBufferCommit: it will not create a response",
    needs=SPOKEN,
)
async def commit_makes_no_response(bench: Bench) -> None:
    call, sideband = await talk(bench, audio=MANUAL)
    await call.say(WORDS)
    await sideband.send({"type": "input_audio_buffer.commit"})
    await bench.event(sideband, "conversation.item.added")
    answered = bench.watch(sideband.wait_for("response.created", timeout=bench.within.event))
    bench.expect(await bench.nothing(answered), "no response", sideband.types)


@documented(
    "EVENT-TURN-06",
    says="An input_audio_buffer.clear is answered with input_audio_buffer.cleared.",
    clause=f"{CLIENT}InputAudioBufferClear",
)
async def input_is_cleared(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await sideband.send({"type": "input_audio_buffer.clear"})
    await bench.event(sideband, "input_audio_buffer.cleared")


@observed("EVENT-TURN-07", says="A turn of the caller has the recorded events in the recorded order.")
async def turn_has_its_order(bench: Bench) -> None:
    types = [each.type for each in await turn(bench)]
    found = [kind for kind in types if kind in TURN]
    bench.expect(found == TURN, " → ".join(TURN), " → ".join(types))


@observed("EVENT-TURN-08", says="The caller's item is input_audio, its transcript null at first.")
async def item_has_no_transcript(bench: Bench) -> None:
    added = one(bench, await turn(bench), "conversation.item.added")
    found = part(added, "item", "content")
    bench.expect(found == [{"type": "input_audio", "transcript": None}], "input_audio, transcript null", found)
