"""`conversation.item.*`: what a client does to the conversation, and how it is told."""

from functools import partial
from typing import Any

from ..bench import Bench
from ..client.sideband import ReceivedEvent, Sideband
from ..requirement import Level, requirement
from ..sources import SPEC
from .events import RECORDED, response_to, user_message
from .sideband import HELLO, NEEDS, part, saying, talk

CREATE = "OpenAPI, RealtimeClientEventConversationItemCreate"
TRUNCATE = "OpenAPI, RealtimeClientEventConversationItemTruncate"

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", clause=RECORDED, needs=NEEDS)


async def created(bench: Bench, sideband: Sideband, request: dict[str, Any]) -> ReceivedEvent:
    """The `conversation.item.added` that a `conversation.item.create` brings."""
    so_far = len(sideband.events)
    await sideband.send(request)
    return await bench.event(sideband, "conversation.item.added", after=so_far)


async def retrieved(bench: Bench, sideband: Sideband, item_id: object) -> ReceivedEvent:
    """The `conversation.item.retrieved` of an item."""
    so_far = len(sideband.events)
    await sideband.send({"type": "conversation.item.retrieve", "item_id": item_id})
    return await bench.event(sideband, "conversation.item.retrieved", after=so_far)


@documented("EVENT-ITEM-01", says="A created item is told by conversation.item.added.", clause=CREATE)
async def item_is_added(bench: Bench) -> None:
    _, sideband = await talk(bench)
    added = await created(bench, sideband, user_message("hello"))
    found = part(added, "item", "content", 0, "text")
    bench.expect(found == "hello", "the item that was created", added.data)


@documented(
    "EVENT-ITEM-02", says="Of a created item, conversation.item.done follows conversation.item.added.", clause=CREATE
)
async def item_is_done(bench: Bench) -> None:
    _, sideband = await talk(bench)
    added = await created(bench, sideband, user_message("hello"))
    done = await bench.event(sideband, "conversation.item.done", after=sideband.events.index(added))
    bench.expect(part(done, "item", "id") == part(added, "item", "id"), f"done of {part(added, 'item')}", done.data)


@documented(
    "EVENT-ITEM-03",
    says="An item keeps the id that its client gave it.",
    clause="OpenAPI, RealtimeConversationItem: id may be provided by the client",
)
async def item_keeps_its_id(bench: Bench) -> None:
    _, sideband = await talk(bench)
    found = part(await created(bench, sideband, user_message("hello", id="item_mine_1")), "item", "id")
    bench.expect(found == "item_mine_1", "item_mine_1", found)


@documented(
    "EVENT-ITEM-04",
    says="An item without previous_item_id comes to the end of the conversation.",
    clause=f"{CREATE}: previous_item_id, if not set",
)
async def item_is_appended(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await created(bench, sideband, user_message("one", id="item_one"))
    found = (await created(bench, sideband, user_message("two"))).get("previous_item_id")
    bench.expect(found == "item_one", "previous_item_id item_one", found)


@documented(
    "EVENT-ITEM-05",
    says="An item with previous_item_id root comes to the beginning of the conversation.",
    clause=f"{CREATE}: previous_item_id, if set to root",
)
async def item_is_first(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await created(bench, sideband, user_message("one", id="item_one"))
    request = {**user_message("two", id="item_two"), "previous_item_id": "root"}
    found = (await created(bench, sideband, request)).get("previous_item_id")
    bench.expect(found in (None, "root"), "no item before it", found)


@documented(
    "EVENT-ITEM-06",
    says="An item with the previous_item_id of another comes behind that one.",
    clause=f"{CREATE}: previous_item_id, if set to an existing ID",
)
async def item_is_inserted(bench: Bench) -> None:
    _, sideband = await talk(bench)
    for name in ("item_one", "item_two"):
        await created(bench, sideband, user_message(name, id=name))
    found = (await created(bench, sideband, {**user_message("three"), "previous_item_id": "item_one"})).get(
        "previous_item_id"
    )
    bench.expect(found == "item_one", "previous_item_id item_one", found)


def _declare_kind(number: int, what: str, item: dict[str, Any]) -> None:
    @documented(f"EVENT-ITEM-{number:02d}", says=f"{what} can be put into the conversation.", clause=f"{CREATE}: item")
    async def item_of_that_kind_is_added(bench: Bench) -> None:
        _, sideband = await talk(bench)
        added = await created(bench, sideband, {"type": "conversation.item.create", "item": item})
        found = {name: part(added, "item", name) for name in item}
        bench.expect(found == item, f"{item}", found)


_declare_kind(
    7,
    "A system message",
    {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "The caller is from Lund."}]},
)
_declare_kind(
    8,
    "An assistant's text",
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]},
)
_declare_kind(9, "A function call", {"type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}"})


@documented(
    "EVENT-ITEM-10",
    says="The output of a function call can be put into the conversation.",
    clause="OpenAPI, RealtimeConversationItemFunctionCallOutput",
)
async def function_output_is_added(bench: Bench) -> None:
    _, sideband = await talk(bench)
    for item in (
        {"type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "42"},
    ):
        added = await created(bench, sideband, {"type": "conversation.item.create", "item": item})
    found = [part(added, "item", name) for name in ("type", "call_id", "output")]
    bench.expect(found == ["function_call_output", "call_1", "42"], "the output of call_1", added.data)


@documented(
    "EVENT-ITEM-11",
    says="A retrieve is answered with conversation.item.retrieved and the item.",
    clause="OpenAPI, RealtimeClientEventConversationItemRetrieve",
)
async def item_is_retrieved(bench: Bench) -> None:
    _, sideband = await talk(bench)
    item_id = part(await created(bench, sideband, user_message("hello")), "item", "id")
    item = part(await retrieved(bench, sideband, item_id), "item")
    found = item.get("id") if isinstance(item, dict) else None
    bench.expect(found == item_id, f"the item {item_id}", item)


@documented(
    "EVENT-ITEM-12",
    says="A delete is answered with conversation.item.deleted and the item's id.",
    clause="OpenAPI, RealtimeClientEventConversationItemDelete",
)
async def item_is_deleted(bench: Bench) -> None:
    _, sideband = await talk(bench)
    item_id = part(await created(bench, sideband, user_message("hello")), "item", "id")
    await sideband.send({"type": "conversation.item.delete", "item_id": item_id})
    found = (await bench.event(sideband, "conversation.item.deleted")).get("item_id")
    bench.expect(found == item_id, f"item_id {item_id}", found)


@documented(
    "EVENT-ITEM-13",
    says="A deleted item can't be retrieved any more.",
    clause="OpenAPI, RealtimeClientEventConversationItemDelete: remove any item from the conversation history",
)
async def deleted_item_is_gone(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await created(bench, sideband, user_message("hello", id="item_one"))
    await sideband.send({"type": "conversation.item.delete", "item_id": "item_one"})
    await sideband.send({"type": "conversation.item.retrieve", "item_id": "item_one", "event_id": "mine_1"})
    error = await bench.event(sideband, "error")
    bench.expect(part(error, "error", "event_id") == "mine_1", "an error of the retrieve", error.data)


async def spoken_item(bench: Bench) -> tuple[Sideband, str]:
    """A session whose model has said something, and the id of what it said."""
    _, sideband = await talk(bench)
    events = await response_to(bench, sideband, saying(HELLO))
    items = [str(part(each, "item", "id")) for each in events if each.type == "response.output_item.done"]
    bench.expect(items, "response.output_item.done", [each.type for each in events])
    return sideband, items[0]


async def truncated(bench: Bench, sideband: Sideband, item_id: str, audio_end_ms: int) -> ReceivedEvent:
    request = {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0}
    await sideband.send({**request, "audio_end_ms": audio_end_ms})
    return await bench.event(sideband, "conversation.item.truncated")


@documented(
    "EVENT-ITEM-14", says="A truncate is answered with conversation.item.truncated and what it named.", clause=TRUNCATE
)
async def item_is_truncated(bench: Bench) -> None:
    sideband, item_id = await spoken_item(bench)
    event = await truncated(bench, sideband, item_id, 100)
    found = event.get("item_id"), event.get("content_index"), event.get("audio_end_ms")
    bench.expect(found == (item_id, 0, 100), f"{item_id}, 0, 100", found)


@documented(
    "EVENT-ITEM-15",
    says="A truncated item has lost the transcript of what was not heard.",
    clause=f"{TRUNCATE}: will delete the server-side text transcript",
)
async def transcript_is_truncated(bench: Bench) -> None:
    sideband, item_id = await spoken_item(bench)
    whole = part(await retrieved(bench, sideband, item_id), "item", "content", 0, "transcript")
    bench.expect(whole, "an item with a transcript", whole)
    await truncated(bench, sideband, item_id, 0)
    left = part(await retrieved(bench, sideband, item_id), "item", "content", 0, "transcript")
    bench.expect(left != whole, f"less than {whole!r}", repr(left))


@documented(
    "EVENT-ITEM-16",
    says="A truncate beyond the end of the audio is an error.",
    clause=f"{TRUNCATE}: if audio_end_ms is greater than the actual audio duration",
)
async def truncate_beyond_the_end_is_an_error(bench: Bench) -> None:
    sideband, item_id = await spoken_item(bench)
    request = {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": 600_000}
    await sideband.send({**request, "event_id": "mine_1"})
    error = await bench.event(sideband, "error")
    bench.expect(part(error, "error", "event_id") == "mine_1", "an error of the truncate", error.data)


@documented(
    "EVENT-ITEM-17",
    says="A truncate of the user's item is an error.",
    clause=f"{TRUNCATE}: only assistant message items can be truncated",
)
async def users_item_cannot_be_truncated(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await created(bench, sideband, user_message("hello", id="item_one"))
    request = {"type": "conversation.item.truncate", "item_id": "item_one", "content_index": 0, "audio_end_ms": 0}
    await sideband.send({**request, "event_id": "mine_1"})
    error = await bench.event(sideband, "error")
    bench.expect(part(error, "error", "event_id") == "mine_1", "an error of the truncate", error.data)


@observed("EVENT-ITEM-18", says="The done of a user's item says completed, and the predecessor of its added.")
async def done_is_completed(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await created(bench, sideband, user_message("one"))
    added = await created(bench, sideband, user_message("two"))
    done = await bench.event(sideband, "conversation.item.done", after=sideband.events.index(added))
    found = part(done, "item", "status"), done.get("previous_item_id")
    bench.expect(found == ("completed", added.get("previous_item_id")), "completed, the same predecessor", done.data)
