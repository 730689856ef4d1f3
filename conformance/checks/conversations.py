"""A conversation without a call, in depth: sound of items, responses beside it, and what may not change in it."""

import base64
import binascii
from functools import partial
from typing import Any

from ..bench import Bench
from ..client.sideband import ReceivedEvent, Sideband
from ..requirement import Level, requirement
from ..sources import SPEC
from .direct_ws import user_item
from .responses import LONG
from .sideband import HELLO, part, saying, update

NEEDS = {"ws"}
CREATE = "OpenAPI, RealtimeClientEventResponseCreate"
PCM_BYTES = 2 * 24
"""A millisecond of the default format."""
TEXT = {"output_modalities": ["text"]}

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)


async def opened(bench: Bench, **session: Any) -> Sideband:
    """A session, configured as a client's update says."""
    made = await bench.session()
    await made.send(update(**session))
    await bench.event(made, "session.updated")
    return made


async def error_for(bench: Bench, session: Sideband, request: dict[str, Any]) -> ReceivedEvent:
    """The error that this client event meets, and no other."""
    before = len(session.events)
    await session.send({**request, "event_id": "mine"})
    error = await bench.event(session, "error", after=before)
    bench.expect(part(error, "error", "event_id") == "mine", "an error of mine", error.data)
    return error


async def respond(bench: Bench, session: Sideband, request: dict[str, Any]) -> ReceivedEvent:
    """Ask for a response: its `response.done`."""
    before = len(session.events)
    await session.send(request)
    return await bench.event(session, "response.done", after=before, timeout=bench.within.speech)


async def begin(bench: Bench, session: Sideband, **options: Any) -> str:
    """A response in text that is not over yet: its id."""
    before = len(session.events)
    await session.send(saying(LONG, **TEXT, **options))
    return str(part(await bench.event(session, "response.created", after=before), "response", "id"))


async def retrieved(bench: Bench, session: Sideband, item_id: Any) -> ReceivedEvent:
    before = len(session.events)
    await session.send({"type": "conversation.item.retrieve", "item_id": item_id})
    return await bench.event(session, "conversation.item.retrieved", after=before)


def sound_of(bench: Bench, event: ReceivedEvent) -> bytes:
    """The sound of an item's first content part; it is a violation if there is none."""
    audio = part(event, "item", "content", 0, "audio")
    try:
        sound = base64.b64decode(audio, validate=True)
    except (TypeError, binascii.Error):
        bench.fail("base64 in audio", repr(audio)[:60])
    bench.expect(sound, "some sound", "none")
    return sound


# Items


@documented(
    "WS-SOUND-01",
    says="A retrieved item that the model spoke has as much sound as was sent of it.",
    clause="OpenAPI, RealtimeServerEventConversationItemRetrieved: the full content of the item, including audio data",
)
async def spoken_item_has_its_sound(bench: Bench) -> None:
    session = await opened(bench)
    done = await respond(bench, session, saying(HELLO))
    deltas = [str(event.get("delta")) for event in session.events if event.type == "response.output_audio.delta"]
    sent = sum(len(base64.b64decode(delta)) for delta in deltas)
    sound = sound_of(bench, await retrieved(bench, session, part(done, "response", "output", 0, "id")))
    bench.expect(abs(len(sound) - sent) <= 50 * PCM_BYTES, f"{sent} bytes", len(sound))


@documented(
    "WS-SOUND-02",
    says="A retrieved item with a client's sound has as much of it.",
    clause="OpenAPI, RealtimeServerEventConversationItemRetrieved: the full content of the item, including audio data",
)
async def clients_sound_comes_back(bench: Bench) -> None:
    session = await opened(bench)
    given = bytes(400 * PCM_BYTES)
    content = [{"type": "input_audio", "audio": base64.b64encode(given).decode()}]
    await session.send({**user_item(""), "item": {"type": "message", "role": "user", "content": content}})
    item_id = part(await bench.event(session, "conversation.item.done"), "item", "id")
    sound = sound_of(bench, await retrieved(bench, session, item_id))
    bench.expect(abs(len(sound) - len(given)) <= 50 * PCM_BYTES, f"{len(given)} bytes", len(sound))


@documented(
    "WS-SOUND-03",
    says="A finished item is told without its sound.",
    clause="OpenAPI, RealtimeServerEventConversationItemDone: full content of the Item except for audio data",
)
async def finished_item_has_no_sound(bench: Bench) -> None:
    session = await opened(bench)
    await respond(bench, session, saying(HELLO))
    done = await bench.event(session, "conversation.item.done")
    bench.expect(part(done, "item", "content", 0, "audio") is None, "no audio", done.data)


@documented(
    "WS-ITEM-04",
    says="An image can be put into the conversation.",
    clause="OpenAPI, RealtimeConversationItemMessageUser: input_image",
)
async def image_is_added(bench: Bench) -> None:
    session = await opened(bench)
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    content = [{"type": "input_image", "image_url": f"data:image/png;base64,{pixel}"}]
    await session.send({**user_item(""), "item": {"type": "message", "role": "user", "content": content}})
    added = await bench.event(session, "conversation.item.added")
    found = part(added, "item", "content", 0, "type")
    bench.expect(found == "input_image", "an input_image", added.data)


@documented(
    "WS-ITEM-05",
    says="What an assistant spoke can't be put into the conversation: an error.",
    clause="OpenAPI, RealtimeClientEventConversationItemCreate: it cannot populate assistant audio messages",
)
async def spoken_item_is_refused(bench: Bench) -> None:
    content = [{"type": "output_audio", "audio": base64.b64encode(bytes(400 * PCM_BYTES)).decode(), "transcript": "hi"}]
    item = {"type": "message", "role": "assistant", "content": content}
    await error_for(bench, await opened(bench), {"type": "conversation.item.create", "item": item})


# What stays


@documented(
    "WS-FIXED-01",
    says="Tracing that was set can't become another: an error.",
    clause="OpenAPI, RealtimeSessionCreateRequest: once tracing is enabled, the configuration cannot be modified",
)
async def tracing_stays(bench: Bench) -> None:
    session = await opened(bench, tracing={"workflow_name": "one"})
    await error_for(bench, session, update(tracing={"workflow_name": "two"}))


@documented(
    "WS-FIXED-02",
    says="The speed can't become another while a response is in progress: an error.",
    clause="OpenAPI, audio.output.speed: can only be changed in between model turns",
)
async def speed_stays_during_a_response(bench: Bench) -> None:
    session = await opened(bench)
    await begin(bench, session)
    await error_for(bench, session, update(audio={"output": {"speed": 1.5}}))


def _declare_speed(number: int, speed: float) -> None:
    @documented(
        f"WS-FIXED-{number:02d}",
        says=f"A speed of {speed} is refused.",
        clause="OpenAPI, audio.output.speed: 0.25 is the minimum speed, 1.5 the maximum",
    )
    async def speed_is_refused(bench: Bench) -> None:
        await error_for(bench, await opened(bench), update(audio={"output": {"speed": speed}}))


_declare_speed(3, 0.2)
_declare_speed(4, 1.6)


@documented(
    "WS-FIXED-05",
    says="Once the model has spoken, a response in another voice is refused.",
    clause="OpenAPI, RealtimeResponseCreateParams audio.output.voice: cannot be changed once it responded with audio",
)
async def voice_of_a_response_stays(bench: Bench) -> None:
    session = await opened(bench, audio={"output": {"voice": "marin"}})
    await respond(bench, session, saying(HELLO))
    await error_for(bench, session, saying(HELLO, audio={"output": {"voice": "cedar"}}))


@documented(
    "WS-FIXED-06",
    says="Metadata of more than 16 pairs is refused.",
    clause=f"{CREATE}: metadata, set of 16 key-value pairs",
)
async def metadata_has_its_limit(bench: Bench) -> None:
    session = await opened(bench)
    await error_for(bench, session, saying(HELLO, metadata={f"key_{number}": "x" for number in range(17)}))


# Responses beside the conversation


@documented(
    "WS-BAND-01",
    says="A response out of band is created while another is in progress.",
    clause=f"{CREATE}: only one Response can write to the default Conversation at a time, otherwise in parallel",
)
async def responses_run_in_parallel(bench: Bench) -> None:
    session = await opened(bench)
    first = await begin(bench, session)
    second = await begin(bench, session, conversation="none", metadata={"topic": "aside"})
    over = [part(event, "response", "id") for event in session.events if event.type == "response.done"]
    bench.expect(first != second and first not in over, f"{second} beside {first}", f"over: {over}")


@documented(
    "WS-BAND-02",
    says="A response out of band has no conversation_id, one of the conversation has that one's.",
    clause="OpenAPI, RealtimeResponse: conversation_id, null if the conversation is none",
)
async def band_is_told(bench: Bench) -> None:
    session = await opened(bench)
    inside = part(await respond(bench, session, saying(HELLO, **TEXT)), "response", "conversation_id")
    outside = part(await respond(bench, session, saying(HELLO, **TEXT, conversation="none")), "response")
    bench.expect(isinstance(inside, str) and inside, "a conversation_id", inside)
    found = outside.get("conversation_id", "") if isinstance(outside, dict) else ""
    bench.expect(found is None, "null", found)


@documented(
    "WS-BAND-03",
    says="The input of a response may refer to an item of the conversation.",
    clause=f"{CREATE}: input, raw Items and references to existing Items",
)
async def input_refers_to_an_item(bench: Bench) -> None:
    session = await opened(bench)
    await session.send(user_item("hello", id="item_one"))
    await bench.event(session, "conversation.item.done")
    request = saying(HELLO, **TEXT, conversation="none", input=[{"type": "item_reference", "id": "item_one"}])
    status = part(await respond(bench, session, request), "response", "status")
    bench.expect(status == "completed", "completed", status)


@documented(
    "WS-BAND-04",
    says="A cancel with the id of a response out of band ends that one, not the conversation's.",
    clause="OpenAPI, RealtimeClientEventResponseCancel: a specific response ID to cancel",
)
async def response_beside_is_cancelled(bench: Bench) -> None:
    session = await opened(bench)
    await begin(bench, session)
    aside = await begin(bench, session, conversation="none")
    await session.send({"type": "response.cancel", "response_id": aside})
    done = await bench.event(session, "response.done")
    found = part(done, "response", "id"), part(done, "response", "status")
    bench.expect(found == (aside, "cancelled"), f"{aside}, cancelled", found)


@documented(
    "WS-BAND-05",
    says="A cancel without an id ends the conversation's response, not one out of band.",
    clause="OpenAPI, RealtimeClientEventResponseCancel: an in-progress response in the default conversation",
)
async def response_of_the_conversation_is_cancelled(bench: Bench) -> None:
    session = await opened(bench)
    inside = await begin(bench, session)
    await begin(bench, session, conversation="none")
    await session.send({"type": "response.cancel"})
    done = await bench.event(session, "response.done")
    found = part(done, "response", "id"), part(done, "response", "status")
    bench.expect(found == (inside, "cancelled"), f"{inside}, cancelled", found)


# Counts, and what only the beta sent


@documented(
    "WS-USAGE-01",
    says="Cached tokens are a part of the input tokens.",
    clause="OpenAPI, RealtimeResponseUsage: counted as a subset of input tokens",
)
async def cached_tokens_are_a_part(bench: Bench) -> None:
    session = await opened(bench)
    await session.send(user_item("hello"))
    usage = part(await respond(bench, session, saying(HELLO, **TEXT)), "response", "usage")
    counts = usage if isinstance(usage, dict) else {}
    details = counts.get("input_token_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    whole = counts.get("input_tokens")
    fits = isinstance(cached, int) and isinstance(whole, int) and 0 <= cached <= whole
    bench.expect(fits, "cached_tokens of at most input_tokens", usage)


@requirement(
    "WS-LEGACY-01",
    level=Level.OBSERVED,
    says="Neither conversation.created nor conversation.item.created is sent.",
    evidence="OBS",
    clause="recordings of the service, July 2026",
    needs=NEEDS,
)
async def beta_is_over(bench: Bench) -> None:
    session = await opened(bench)
    await session.send(user_item("hello"))
    await respond(bench, session, saying(HELLO, **TEXT))
    found = {"conversation.created", "conversation.item.created"} & set(session.types)
    bench.expect(not found, "neither of them", ", ".join(sorted(found)))
