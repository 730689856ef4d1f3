"""`error` events: what brings them, what is in them, and that nothing else happens."""

from functools import partial
from typing import Any

from ..bench import Bench
from ..client.sideband import ReceivedEvent
from ..requirement import Level, requirement
from ..sources import SPEC
from .events import user_message
from .sideband import NEEDS, part, saying, talk, update

EVENTS = "OpenAPI, RealtimeClientEvent"
THIRD_PARTIES = "third-party observations, 2026"
NO_ITEM = "item_that_is_not_there"

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", clause=THIRD_PARTIES, needs=NEEDS)


async def error_for(bench: Bench, sent: dict[str, Any] | str | bytes) -> ReceivedEvent:
    """The error that a client event brings in a session in which nothing else happens."""
    _, sideband = await talk(bench)
    if isinstance(sent, dict) and sent.get("type") == "input_audio_buffer.commit":
        await sideband.send({"type": "input_audio_buffer.clear"})  # of the silence that the caller sends all the time
    await sideband.send(sent)
    return await bench.event(sideband, "error")


@documented(
    "EVENT-ERROR-01",
    says="A client event of an unknown type is answered with an error event.",
    clause="OpenAPI, RealtimeServerEventError: a client problem",
)
async def unknown_type_is_an_error(bench: Bench) -> None:
    await error_for(bench, {"type": "nonsense"})


@documented(
    "EVENT-ERROR-02",
    says="The error in an error event has a type and a message, which are strings.",
    clause="OpenAPI, RealtimeServerEventError: error.type, error.message",
)
async def error_has_type_and_message(bench: Bench) -> None:
    error = await error_for(bench, {"type": "conversation.item.delete", "item_id": NO_ITEM})
    values = [part(error, "error", name) for name in ("type", "message")]
    bench.expect(all(isinstance(value, str) and value for value in values), "two strings", error.data)


@documented(
    "EVENT-ERROR-03",
    says="An error names the event_id of the client event that caused it.",
    clause="OpenAPI, RealtimeServerEventError: error.event_id",
)
async def error_names_its_cause(bench: Bench) -> None:
    error = await error_for(bench, {"type": "nonsense", "event_id": "mine_1"})
    bench.expect(part(error, "error", "event_id") == "mine_1", "error.event_id mine_1", error.data)


@documented(
    "EVENT-ERROR-04",
    says="An error for a client event without an event_id names none.",
    clause="OpenAPI, RealtimeServerEventError: error.event_id, if applicable",
)
async def error_names_no_other_cause(bench: Bench) -> None:
    error = await error_for(bench, {"type": "conversation.item.delete", "item_id": NO_ITEM})
    bench.expect(part(error, "error", "event_id") is None, "no error.event_id", error.data)


@documented(
    "EVENT-ERROR-05",
    says="The session goes on after an error.",
    clause="OpenAPI, RealtimeServerEventError: most errors are recoverable and the session will stay open",
)
async def session_survives_an_error(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await sideband.send({"type": "conversation.item.delete", "item_id": NO_ITEM})
    await bench.event(sideband, "error")
    await sideband.send(update(instructions="Be brief."))
    await bench.event(sideband, "session.updated")


# What the documentation says is an error


def _declare_documented(number: int, says: str, clause: str, sent: dict[str, Any]) -> None:
    @documented(f"EVENT-ERROR-{number:02d}", says=says, clause=f"{EVENTS}{clause}")
    async def request_is_an_error(bench: Bench) -> None:
        error = await error_for(bench, {"event_id": "mine_1", **sent})
        bench.expect(part(error, "error", "event_id") == "mine_1", "the error of that event", error.data)


_declare_documented(
    6,
    "A cancel without a response in progress is an error.",
    "ResponseCancel: if there is no response to cancel",
    {"type": "response.cancel"},
)
_declare_documented(
    7,
    "A commit of an empty input buffer is an error.",
    "InputAudioBufferCommit: an error if the buffer is empty",
    {"type": "input_audio_buffer.commit"},
)
_declare_documented(
    8,
    "Retrieving an item that does not exist is an error.",
    "ConversationItemRetrieve: unless the item does not exist",
    {"type": "conversation.item.retrieve", "item_id": NO_ITEM},
)
_declare_documented(
    9,
    "Deleting an item that does not exist is an error.",
    "ConversationItemDelete: unless the item does not exist",
    {"type": "conversation.item.delete", "item_id": NO_ITEM},
)
_declare_documented(
    10,
    "Creating an item behind one that does not exist is an error.",
    "ConversationItemCreate: if the ID cannot be found",
    {**user_message("hello"), "previous_item_id": NO_ITEM},
)


@documented(
    "EVENT-ERROR-11",
    says="An item that can't be placed is not added.",
    clause=f"{EVENTS}ConversationItemCreate: the item will not be added",
)
async def misplaced_item_is_not_added(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await sideband.send({**user_message("hello"), "previous_item_id": NO_ITEM})
    await bench.event(sideband, "error")
    added = bench.watch(sideband.wait_for("conversation.item.added", timeout=bench.within.event))
    bench.expect(await bench.nothing(added), "no conversation.item.added", sideband.types)


# What the real service was seen to say


def _declare_observed(
    number: int, says: str, sent: dict[str, Any] | str | bytes, code: str, param: str | None, *, clause: str = ""
) -> None:
    @observed(f"EVENT-ERROR-{number:02d}", says=says, clause=clause or THIRD_PARTIES)
    async def error_has_its_code(bench: Bench) -> None:
        error = await error_for(bench, sent)
        found = part(error, "error", "code"), part(error, "error", "param")
        bench.expect(found == (code, param), f"code {code}, param {param}", error.data)


_declare_observed(
    12, "An unknown type has the code invalid_value, param type.", {"type": "nope"}, "invalid_value", "type"
)
_declare_observed(13, "A frame that is no JSON has the code invalid_json.", "{nope", "invalid_json", None)
_declare_observed(14, "A binary frame has the code invalid_event.", b"{}", "invalid_event", None)
_declare_observed(
    15,
    "An event without a type has the code invalid_event.",
    {"event_id": "mine_1"},
    "invalid_event",
    None,
    clause="OpenAPI, RealtimeServerEventError, example",
)
_declare_observed(
    16,
    "An unknown session field has the code unknown_parameter and is the param.",
    update(colour="red"),
    "unknown_parameter",
    "session.colour",
)
_declare_observed(
    17,
    "A session without a type has the code missing_required_parameter.",
    {"type": "session.update", "session": {"instructions": "Be brief."}},
    "missing_required_parameter",
    "session.type",
)
_declare_observed(
    18,
    "A session of a wrong type has the code invalid_value.",
    {"type": "session.update", "session": {"type": "session"}},
    "invalid_value",
    "session.type",
)
_declare_observed(
    19,
    "A cancel without a response has the code response_cancel_not_active.",
    {"type": "response.cancel"},
    "response_cancel_not_active",
    None,
)
_declare_observed(
    20,
    "An empty commit has the code input_audio_buffer_commit_empty.",
    {"type": "input_audio_buffer.commit"},
    "input_audio_buffer_commit_empty",
    None,
)


@observed("EVENT-ERROR-21", says="A second response at a time gets conversation_already_has_active_response.")
async def second_response_is_refused(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await sideband.send(saying("one two three four five " * 40, output_modalities=["text"]))
    await bench.event(sideband, "response.created")
    await sideband.send({"type": "response.create"})
    code = part(await bench.event(sideband, "error"), "error", "code")
    bench.expect(code == "conversation_already_has_active_response", "conversation_already_has_active_response", code)
