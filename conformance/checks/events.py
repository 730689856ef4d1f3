"""Every server event: its shape, its ids, and the rules that hold of their sequence. Then the session's own events."""

import json
import re
from functools import partial
from typing import Any

from ringback.fixtures.validation import validator

from ..bench import Bench
from ..client.events import EventStream, ReceivedEvent
from ..client.sideband import Sideband
from ..requirement import Level, requirement
from ..sources import SDK, SPEC
from ..traces import TraceEvent, judge_events
from .sideband import HELLO, NEEDS, part, saying, talk, update

RECORDED = "recordings of the service, July 2026"
UPDATE = "OpenAPI, RealtimeClientEventSessionUpdate"
DTMF = "input_audio_buffer.dtmf_event_received"
TOOL = {
    "type": "function",
    "name": "look_up",
    "description": "Looks something up.",
    "parameters": {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]},
}

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", clause=RECORDED, needs=NEEDS)
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", needs=NEEDS)


def user_message(text: str, **item: Any) -> dict[str, Any]:
    """A `conversation.item.create` of something that the user wrote."""
    content = [{"type": "input_text", "text": text}]
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content, **item}}


async def response_to(
    bench: Bench, sideband: EventStream, request: dict[str, Any], *, then: str = "response.done"
) -> list[ReceivedEvent]:
    """What a `response.create` brings, from its `response.created` to the event `then`."""
    so_far = len(sideband.events)
    await sideband.send(request)
    created = await bench.event(sideband, "response.created", after=so_far)
    end = await bench.event(sideband, then, after=so_far, timeout=bench.within.speech)
    return sideband.events[sideband.events.index(created) : sideband.events.index(end) + 1]


async def conversation(bench: Bench) -> Sideband:
    """A sideband on which most of what happens without a caller's words has happened."""
    _, sideband = await talk(bench)
    await converse(bench, sideband)
    return sideband


async def converse(bench: Bench, sideband: EventStream) -> None:
    """An update, an item, a response in text, an error, and a response in sound to its end."""
    await sideband.send(update(instructions="Be brief."))
    await bench.event(sideband, "session.updated")
    await sideband.send(user_message("hello"))
    await bench.event(sideband, "conversation.item.done")
    await response_to(bench, sideband, saying(HELLO, output_modalities=["text"]))
    await sideband.send({"type": "nonsense"})
    await bench.event(sideband, "error")
    await response_to(bench, sideband, saying(HELLO), then="output_audio_buffer.stopped")


# Shape


@documented(
    "EVENT-SHAPE-01",
    says="Every server event has a type and an event_id, which are strings.",
    clause="OpenAPI, RealtimeServerEvent: all but the one of DTMF",
)
async def events_have_type_and_id(bench: Bench) -> None:
    sideband = await conversation(bench)
    lacking = [each.type for each in sideband.events if not isinstance(each.get("event_id"), str) and each.type != DTMF]
    bench.expect(not lacking, "an event_id in each event", f"none in {', '.join(lacking)}")


@documented(
    "EVENT-SHAPE-02",
    says="No two server events have the same event_id.",
    clause="OpenAPI, RealtimeServerEvent: the unique ID of the server event",
)
async def event_ids_are_unique(bench: Bench) -> None:
    ids = [each["event_id"] for each in (await conversation(bench)).events if isinstance(each.get("event_id"), str)]
    twice = sorted({each for each in ids if ids.count(each) > 1})
    bench.expect(not twice, "each event_id once", f"twice {', '.join(twice)}")


@requirement(
    "EVENT-SHAPE-03",
    level=Level.MUST,
    says="Every server event has the fields and types of the SDK's model.",
    evidence="SDK",
    clause="types/realtime/realtime_server_event.py; types that it does not know are not judged",
    link=SDK,
    needs=NEEDS,
)
async def events_fit_their_schemas(bench: Bench) -> None:
    shapes = validator("server_events")
    problems = [
        f"{each.type}: {problem}"
        for each in (await conversation(bench)).events
        if each.type in shapes.names
        for problem in shapes.problems(each.data)
    ]
    bench.expect(not problems, "events of their schemas", "; ".join(problems[:5]))


@observed("EVENT-SHAPE-04", says="The sequence of events keeps every rule that the recordings keep.")
async def sequence_keeps_the_rules(bench: Bench) -> None:
    trace = [TraceEvent("received", each.data, each.at) for each in (await conversation(bench)).events]
    broken = [str(each) for each in judge_events(trace)]
    bench.expect(not broken, "no rule broken", "; ".join(broken[:5]))


# Ids


def _declare_id(number: int, what: str, prefix: str, length: int, *path: str, of: str) -> None:
    @observed(f"EVENT-ID-{number:02d}", says=f"The id of {what} is {prefix} and {length} letters or digits.")
    async def id_has_its_form(bench: Bench) -> None:
        events = [each for each in (await conversation(bench)).events if each.type == of]
        ids = [str(part(each, *path)) for each in events]
        form = re.compile(f"{prefix}[A-Za-z0-9]{{{length}}}")
        bench.expect(ids and all(form.fullmatch(each) for each in ids), form.pattern, ids or f"no {of}")


_declare_id(1, "an event", "event_", 21, "event_id", of="response.created")
_declare_id(2, "an item", "item_", 21, "item", "id", of="conversation.item.added")
_declare_id(3, "a response", "resp_", 21, "response", "id", of="response.created")
_declare_id(4, "a conversation", "conv_", 21, "response", "conversation_id", of="response.created")
_declare_id(5, "an event of the output buffer", "event_", 16, "event_id", of="output_audio_buffer.started")


# The session


async def updated(bench: Bench, sideband: Sideband, **session: Any) -> ReceivedEvent:
    """The `session.updated` that an update brings."""
    so_far = len(sideband.events)
    await sideband.send(update(**session))
    return await bench.event(sideband, "session.updated", after=so_far)


@documented(
    "EVENT-SESSION-01",
    says="A session.updated shows the full, effective configuration.",
    clause=f"{UPDATE}: showing the full, effective configuration",
)
async def whole_configuration_is_shown(bench: Bench) -> None:
    _, sideband = await talk(bench)
    session = part(await updated(bench, sideband, instructions="Be brief."), "session")
    names = ("type", "model", "output_modalities", "instructions", "tools", "tool_choice", "audio")
    missing = [name for name in names if not (isinstance(session, dict) and name in session)]
    bench.expect(not missing, f"{', '.join(names)} in session", f"no {', '.join(missing)}")


@documented(
    "EVENT-SESSION-02",
    says="A session.update changes only the fields that are in it.",
    clause=f"{UPDATE}: only the fields that are present are updated",
)
async def other_fields_stay(bench: Bench) -> None:
    _, sideband = await talk(bench)
    before = part(await updated(bench, sideband, tools=[TOOL]), "session", "tools")
    after = await updated(bench, sideband, instructions="Be brief.")
    bench.expect(before and part(after, "session", "tools") == before, f"tools {before}", part(after, "session"))


@documented(
    "EVENT-SESSION-03",
    says="What accept configured is the session's configuration.",
    clause="OpenAPI, POST /realtime/calls/{call_id}/accept: session configuration",
)
async def accepted_configuration_holds(bench: Bench) -> None:
    _, sideband = await talk(bench, instructions="Only speak Latin.")
    found = part(await updated(bench, sideband, tools=[TOOL]), "session", "instructions")
    bench.expect(found == "Only speak Latin.", "the instructions of accept", found)


def _declare_clearing(
    number: int, what: str, by: str, given: dict[str, Any], clear: dict[str, Any], *path: str
) -> None:
    @documented(f"EVENT-SESSION-{number:02d}", says=f"An update to {by} clears {what}.", clause=f"{UPDATE}: to clear")
    async def field_is_cleared(bench: Bench) -> None:
        _, sideband = await talk(bench)
        before = part(await updated(bench, sideband, **given), "session", *path)
        bench.expect(before, f"{what} that are set", before)
        after = await updated(bench, sideband, **clear)
        bench.expect(not part(after, "session", *path), f"no {what}", part(after, "session", *path))


_declare_clearing(
    4, "instructions", "an empty text", {"instructions": "Be brief."}, {"instructions": ""}, "instructions"
)
_declare_clearing(5, "tools", "an empty list", {"tools": [TOOL]}, {"tools": []}, "tools")
_declare_clearing(
    6,
    "turn detection",
    "null",
    {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}},
    {"audio": {"input": {"turn_detection": None}}},
    *("audio", "input", "turn_detection"),
)
_declare_clearing(
    7,
    "noise reduction",
    "null",
    {"audio": {"input": {"noise_reduction": {"type": "near_field"}}}},
    {"audio": {"input": {"noise_reduction": None}}},
    *("audio", "input", "noise_reduction"),
)


@documented(
    "EVENT-SESSION-08",
    says="The voice can't be changed once the model has spoken: an error.",
    clause=f"{UPDATE}: voice can be updated only if there have been no other audio outputs yet",
)
async def voice_stays_once_heard(bench: Bench) -> None:
    error = await change_of_voice(bench)
    bench.expect(part(error, "error", "message"), "an error with a message", error.data)


@observed(
    "EVENT-SESSION-09",
    says="That error has the code cannot_update_voice.",
    clause="third-party observations, 2026",
)
async def voice_error_has_its_code(bench: Bench) -> None:
    code = part(await change_of_voice(bench), "error", "code")
    bench.expect(code == "cannot_update_voice", "cannot_update_voice", code)


async def change_of_voice(bench: Bench) -> ReceivedEvent:
    _, sideband = await talk(bench, audio={"output": {"voice": "marin"}})
    await response_to(bench, sideband, saying("hi"))
    await sideband.send(update(audio={"output": {"voice": "cedar"}}))
    return await bench.event(sideband, "error")


@observed(
    "EVENT-SESSION-10",
    says="Default turn detection is server_vad: threshold 0.5, prefix 300, silence 200 or 500.",
    clause=f"{RECORDED}: 200 ms; OpenAPI: 500 ms",
)
async def default_turn_detection(bench: Bench) -> None:
    _, sideband = await talk(bench)
    session = await updated(bench, sideband, instructions="Be brief.")
    found = part(session, "session", "audio", "input", "turn_detection")
    values = [found.get(name) for name in ("type", "threshold", "prefix_padding_ms")] if isinstance(found, dict) else []
    silence = part(session, "session", "audio", "input", "turn_detection", "silence_duration_ms")
    bench.expect(values == ["server_vad", 0.5, 300] and silence in (200, 500), "server_vad, 0.5, 300, 200|500", found)


def _declare_default(number: int, what: str, expected: Any, *path: str) -> None:
    @observed(f"EVENT-SESSION-{number:02d}", says=f"The default of {what} is {json.dumps(expected)}.")
    async def default_is_as_recorded(bench: Bench) -> None:
        _, sideband = await talk(bench)
        found = part(await updated(bench, sideband, instructions="Be brief."), "session", *path)
        bench.expect(found == expected, str(expected), found)


_declare_default(11, "output_modalities", ["audio"], "output_modalities")
_declare_default(12, "max_output_tokens", "inf", "max_output_tokens")
_declare_default(13, "tool_choice", "auto", "tool_choice")
_declare_default(14, "the voice", "alloy", "audio", "output", "voice")
_declare_default(15, "the speed", 1.0, "audio", "output", "speed")
_declare_default(16, "input transcription", None, "audio", "input", "transcription")


@choice("EVENT-SESSION-17", says="An update of the model is ignored.", clause="documented as impossible, not how")
async def model_stays(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await sideband.send(update(model="gpt-realtime-mini"))
    await sideband.send(update(instructions="Be brief."))
    session = await bench.event(
        sideband, "session.updated", where=lambda each: part(each, "session", "instructions") == "Be brief."
    )
    bench.note(f"{', '.join(sideband.types)}; the model is {part(session, 'session', 'model')}")


@observed(
    "EVENT-SESSION-18",
    says="After 60 minutes a session_expired error comes, then close 1001.",
    clause="third-party observations, 2026",
    needs={"ws", "clock"},
)
async def session_expires(bench: Bench) -> None:
    session = await bench.session()
    await bench.clock.advance(3601)
    code = part(await bench.event(session, "error"), "error", "code")
    bench.expect(code == "session_expired", "session_expired", code)
    closed = await session.closed(timeout=bench.within.event)
    bench.expect(closed == 1001, "close 1001", f"{closed} {session.close_reason}")
