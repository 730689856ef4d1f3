"""The WebSocket with `?model=`: a session of its own, without a call. Text only, so that every server can be judged."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ..bench import Bench
from ..client.errors import HandshakeRefused
from ..client.sideband import ReceivedEvent, Sideband
from ..requirement import Level, requirement
from ..sources import SDK, SPEC
from ..traces import TraceEvent, judge_events

NEEDS = {"ws"}
EVENTS = "OpenAPI, RealtimeServerEvent"
RECORDED = "recordings of the service, July 2026"
TEXT_SESSION: dict[str, Any] = {"type": "realtime", "output_modalities": ["text"], "instructions": "Be brief."}
TEXT_TURN = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
in_the_sdk = partial(requirement, level=Level.MUST, evidence="SDK", link=SDK, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", needs=NEEDS)


async def text_session(bench: Bench) -> Sideband:
    """A session that answers in text."""
    session = await bench.session()
    await bench.event(session, "session.created")
    await session.send({"type": "session.update", "session": TEXT_SESSION})
    await bench.event(session, "session.updated")
    return session


def user_item(text: str, **more: Any) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content, **more}}


async def turn(bench: Bench, session: Sideband) -> list[ReceivedEvent]:
    """One text turn: the events from its `response.created` to its `response.done`."""
    await session.send(user_item("hello"))
    await bench.event(session, "conversation.item.added")
    await session.send({"type": "response.create"})
    created = await bench.event(session, "response.created")
    done = await bench.event(session, "response.done", timeout=bench.within.speech)
    return session.events[session.events.index(created) : session.events.index(done) + 1]


def part(event: ReceivedEvent, *path: str) -> Any:
    """What is at a path of names in an event, None where there is nothing."""
    value: Any = event.data
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


@documented(
    "WS-SESSION-01",
    says="A connection with a model gets session.created as its first event.",
    clause=f"{EVENTS}SessionCreated",
)
async def session_created_comes_first(bench: Bench) -> None:
    session = await bench.session()
    created = await bench.event(session, "session.created")
    bench.expect(session.events[0] is created, "session.created first", session.types)
    bench.expect(part(created, "session", "id"), "a session id", created.data)


@documented(
    "WS-SESSION-02",
    says="A session.update is answered with session.updated that shows what was changed.",
    clause=f"{EVENTS}SessionUpdated",
)
async def session_updated_shows_the_change(bench: Bench) -> None:
    session = await bench.session()
    await session.send({"type": "session.update", "session": TEXT_SESSION})
    updated = await bench.event(session, "session.updated")
    seen = part(updated, "session", "instructions")
    bench.expect(seen == TEXT_SESSION["instructions"], TEXT_SESSION["instructions"], seen)
    seen = part(updated, "session", "output_modalities")
    bench.expect(seen == ["text"], "output_modalities of text", seen)


@in_the_sdk(
    "WS-SESSION-03",
    says="Every server event has an event_id of its own.",
    clause="openai/types/realtime: event_id of each server event",
)
async def events_have_ids(bench: Bench) -> None:
    session = await text_session(bench)
    await turn(bench, session)
    lacking = [event.type for event in session.events if not isinstance(event.get("event_id"), str)]
    bench.expect(not lacking, "an event_id in each event", f"none in {', '.join(sorted(set(lacking)))}")
    ids = [event.get("event_id") for event in session.events]
    bench.expect(len(set(ids)) == len(ids), "no event_id twice", ids)


@documented(
    "WS-ITEM-01",
    says="A created item is announced by conversation.item.added.",
    clause=f"{EVENTS}ConversationItemAdded",
)
async def item_is_added(bench: Bench) -> None:
    session = await text_session(bench)
    await session.send(user_item("hello"))
    added = await bench.event(session, "conversation.item.added")
    bench.expect(part(added, "item", "role") == "user", "the user's item", added.data)


@observed("WS-ITEM-02", says="An item that a client creates is done right after it was added.", clause=RECORDED)
async def item_is_done(bench: Bench) -> None:
    session = await text_session(bench)
    await session.send(user_item("hello"))
    added = await bench.event(session, "conversation.item.added")
    done = await bench.event(session, "conversation.item.done")
    bench.expect(part(done, "item", "id") == part(added, "item", "id"), "the same item", done.data)


@documented(
    "WS-ITEM-03",
    says="An item keeps the id that its client gave it.",
    clause="OpenAPI, RealtimeConversationItem: id may be provided by the client",
)
async def item_keeps_its_id(bench: Bench) -> None:
    session = await text_session(bench)
    await session.send(user_item("hello", id="item_ringback_1"))
    added = await bench.event(session, "conversation.item.added")
    seen = part(added, "item", "id")
    bench.expect(seen == "item_ringback_1", "item_ringback_1", seen)


@documented(
    "WS-RESPONSE-01",
    says="A response.create begins with response.created and ends with response.done of that response.",
    clause=f"{EVENTS}ResponseDone: always emitted, no matter the final state",
)
async def response_begins_and_ends(bench: Bench) -> None:
    events = await turn(bench, await text_session(bench))
    first, last = part(events[0], "response", "id"), part(events[-1], "response", "id")
    bench.expect(first is not None and first == last, f"response.done of {first}", f"one of {last}")
    status = part(events[-1], "response", "status")
    bench.expect(status == "completed", "a completed response", status)


@observed("WS-RESPONSE-02", says="A text response has the recorded events in the recorded order.", clause=RECORDED)
async def text_turn_has_the_recorded_order(bench: Bench) -> None:
    events = await turn(bench, await text_session(bench))
    seen = [event.type for event in events if event.type != "rate_limits.updated"]
    once = [kind for index, kind in enumerate(seen) if index == 0 or seen[index - 1] != kind]
    bench.expect(once == TEXT_TURN, " → ".join(TEXT_TURN), " → ".join(once))


@documented(
    "WS-RESPONSE-03",
    says="The deltas of a text together are the text of its done event.",
    clause=f"{EVENTS}ResponseTextDone: the final text content",
)
async def deltas_are_the_text(bench: Bench) -> None:
    events = await turn(bench, await text_session(bench))
    deltas = "".join(str(event.get("delta")) for event in events if event.type == "response.output_text.delta")
    texts = [event.get("text") for event in events if event.type == "response.output_text.done"]
    bench.expect(texts == [deltas], f"the text {deltas!r} once", texts)


@documented(
    "WS-ERROR-01",
    says="An error names the event_id of the client event that caused it.",
    clause=f"{EVENTS}Error: error.event_id",
)
async def error_echoes_the_event_id(bench: Bench) -> None:
    session = await text_session(bench)
    await session.send({"type": "ringback.no_such_event", "event_id": "mine_1"})
    error = await bench.event(session, "error")
    seen = part(error, "error", "event_id")
    bench.expect(seen == "mine_1", "error.event_id mine_1", seen)


@documented(
    "WS-ERROR-02",
    says="A session goes on after a client event that was wrong.",
    clause=f"{EVENTS}Error: most errors are recoverable and the session will stay open",
)
async def session_survives_an_error(bench: Bench) -> None:
    session = await text_session(bench)
    await session.send({"type": "conversation.item.delete", "item_id": "item_that_is_not_there"})
    await bench.event(session, "error")
    await session.send(user_item("hello"))
    await bench.event(session, "conversation.item.added")


@observed(
    "WS-ERROR-03",
    says="A frame that is no JSON gets an error with the code invalid_json.",
    clause="third-party observation, 2026",
)
async def rubbish_gets_invalid_json(bench: Bench) -> None:
    session = await text_session(bench)
    await session.send("no JSON")
    error = await bench.event(session, "error")
    seen = part(error, "error", "code")
    bench.expect(seen == "invalid_json", "invalid_json", seen)


@observed(
    "WS-HANDSHAKE-01",
    says="Without a model the connection gets the error missing_model and is closed.",
    clause="third-party observation, 2026",
)
async def missing_model_is_refused(bench: Bench) -> None:
    await refused_in_band(bench, "missing_model", model=None)


@observed(
    "WS-HANDSHAKE-02",
    says="The beta header gets the error beta_api_shape_disabled and a close.",
    clause="third-party observation, 2026",
)
async def beta_header_is_refused(bench: Bench) -> None:
    await refused_in_band(bench, "beta_api_shape_disabled", headers={"OpenAI-Beta": "realtime=v1"})


async def refused_in_band(bench: Bench, code: str, **options: Any) -> None:
    """The service completes the handshake, says what is wrong, and closes."""
    try:
        session = await bench.session(**options)
    except HandshakeRefused as refused:
        bench.fail("a handshake that succeeds and an error event", refused)
    error = await bench.event(session, "error")
    seen = part(error, "error", "code")
    bench.expect(seen == code, code, seen)
    closed = await session.closed(bench.within.event)
    bench.expect(closed == 4000, "close code 4000", closed)


@in_the_sdk(
    "WS-SHAPE-01",
    says="Every event of a text turn has the shape of the official types.",
    clause="openai/types/realtime: RealtimeServerEvent",
)
async def events_have_the_official_shape(bench: Bench) -> None:
    await judged_by_rules(bench, lambda rule: rule == "TRACE-SERVER-SHAPE", "the official shape of each event")


@observed("WS-TRACE-01", says="A text turn keeps every rule that the recorded traces keep.", clause=RECORDED)
async def turn_keeps_the_trace_rules(bench: Bench) -> None:
    await judged_by_rules(bench, lambda rule: rule != "TRACE-SERVER-SHAPE", "no trace rule broken")


async def judged_by_rules(bench: Bench, is_judged: Callable[[str], bool], expected: str) -> None:
    session = await text_session(bench)
    await turn(bench, session)
    trace = [TraceEvent("received", event.data, event.at) for event in session.events]
    broken = [str(found) for found in judge_events(trace, from_start=True) if is_judged(found.rule)]
    bench.expect(not broken, expected, "; ".join(broken))
