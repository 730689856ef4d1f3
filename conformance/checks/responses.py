"""`response.*`: one response from its created to its done, in text and in sound, and what ends it early."""

from functools import partial
from typing import Any

from ..bench import Bench
from ..client.sideband import ReceivedEvent, Sideband
from ..requirement import Level, requirement
from ..sources import SDK, SPEC
from .events import RECORDED, TOOL, response_to, user_message
from .sideband import HELLO, NEEDS, part, saying, talk, update

SERVER = "OpenAPI, RealtimeServerEventResponse"
CREATE = "OpenAPI, RealtimeClientEventResponseCreate"
LONG = "one two three four five " * 200
"""Longer than an event may take (`Tolerances.event`): the emulator says 200 words a second."""
BEGIN = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
]
END = ["response.content_part.done", "conversation.item.done", "response.output_item.done", "response.done"]
TEXT_ORDER = [*BEGIN, "response.output_text.delta", "response.output_text.done", *END]
AUDIO_ORDER = [
    *BEGIN,
    "response.output_audio_transcript.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    *END,
]
CALL_ORDER = [
    *BEGIN[:3],
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    *END[1:],
]

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", clause=RECORDED, needs=NEEDS)


async def text_response(bench: Bench, **options: Any) -> list[ReceivedEvent]:
    """A response in text, from created to done."""
    _, sideband = await talk(bench)
    return await response_to(bench, sideband, saying(HELLO, output_modalities=["text"], **options))


async def spoken_response(bench: Bench, then: str = "response.done") -> list[ReceivedEvent]:
    """A response in sound, from created to done, or to another event behind it."""
    _, sideband = await talk(bench)
    return await response_to(bench, sideband, saying(HELLO), then=then)


async def function_response(bench: Bench) -> list[ReceivedEvent]:
    """A response that calls a function, from created to done."""
    _, sideband = await talk(bench)
    await sideband.send(user_message("Look up the weather in Lund."))
    choice = {"type": "function", "name": TOOL["name"]}
    request = {"type": "response.create", "response": {"tools": [TOOL], "tool_choice": choice}}
    return await response_to(bench, sideband, request)


def of_type(bench: Bench, events: list[ReceivedEvent], type: str) -> list[ReceivedEvent]:
    """The events of a type; it is a violation if there are none."""
    found = [each for each in events if each.type == type]
    bench.expect(found, f"the event {type}", ", ".join(each.type for each in events))
    return found


def order_of(events: list[ReceivedEvent]) -> list[str]:
    """The types in their order, repetitions as one, without those that belong to others than the response."""
    kinds = [
        each.type
        for each in events
        if not each.type.startswith(("rate_limits.", "output_audio_buffer.", "input_audio_buffer."))
    ]
    return [kind for place, kind in enumerate(kinds) if place == 0 or kinds[place - 1] != kind]


# From created to done


@documented(
    "EVENT-RESPONSE-01", says="A response.create brings response.created with a response in progress.", clause=CREATE
)
async def response_is_created(bench: Bench) -> None:
    response = part((await text_response(bench))[0], "response")
    found = [part_of(response, name) for name in ("object", "status")]
    bench.expect(found == ["realtime.response", "in_progress"], "a response in progress", response)


def part_of(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


@documented(
    "EVENT-RESPONSE-02",
    says="Every response ends with response.done, here as completed.",
    clause=f"{SERVER}Done: always emitted, no matter the final state",
)
async def response_is_done(bench: Bench) -> None:
    events = await text_response(bench)
    ids = [part(each, "response", "id") for each in (events[0], events[-1])]
    bench.expect(ids[0] and ids[0] == ids[1], f"done of {ids[0]}", ids[1])
    status = part(events[-1], "response", "status")
    bench.expect(status == "completed", "completed", status)


@documented(
    "EVENT-RESPONSE-03",
    says="Every event of a response names the response's id.",
    clause="OpenAPI, RealtimeServerEventResponse…: response_id",
)
async def events_name_their_response(bench: Bench) -> None:
    events = await text_response(bench)
    wanted = part(events[0], "response", "id")
    others = [each.type for each in events if each.get("response_id", wanted) != wanted]
    lacking = [
        each.type for each in events[1:-1] if each.type.startswith("response.") and "response_id" not in each.data
    ]
    bench.expect(not others + lacking, f"response_id {wanted} in each", f"not in {', '.join(others + lacking)}")


@documented(
    "EVENT-RESPONSE-04",
    says="The output of response.done has the items that were told as done.",
    clause=f"{SERVER}Done: includes all output Items, without raw audio data",
)
async def output_has_the_items(bench: Bench) -> None:
    events = await text_response(bench)
    done = [part(each, "item", "id") for each in of_type(bench, events, "response.output_item.done")]
    output = part(events[-1], "response", "output")
    ids = [part_of(each, "id") for each in output] if isinstance(output, list) else output
    bench.expect(ids == done, f"the items {done}", ids)


@documented(
    "EVENT-RESPONSE-05",
    says="Every item of a response is told as added before it is told as done.",
    clause=f"{SERVER}OutputItemAdded, {SERVER}OutputItemDone",
)
async def output_item_is_added_and_done(bench: Bench) -> None:
    events = await text_response(bench)
    told = [(each.type, part(each, "item", "id")) for each in events if "output_item" in each.type]
    item_id = told[0][1] if told else None
    wanted = [("response.output_item.added", item_id), ("response.output_item.done", item_id)]
    bench.expect(told == wanted, f"added, then done, of {item_id}", told)


@documented(
    "EVENT-RESPONSE-06",
    says="A response's item joins the conversation: conversation.item.added and done.",
    clause="OpenAPI, RealtimeServerEventConversationItemAdded: when a Response is generated",
)
async def output_joins_the_conversation(bench: Bench) -> None:
    events = await text_response(bench)
    item_id = part(of_type(bench, events, "response.output_item.added")[0], "item", "id")
    for kind in ("conversation.item.added", "conversation.item.done"):
        found = [part(each, "item", "id") for each in of_type(bench, events, kind)]
        bench.expect(found == [item_id], f"{kind} of {item_id}", found)


@documented(
    "EVENT-RESPONSE-07",
    says="Every content part is told as added before it is told as done.",
    clause=f"{SERVER}ContentPartAdded, {SERVER}ContentPartDone",
)
async def content_part_is_added_and_done(bench: Bench) -> None:
    events = await text_response(bench)
    told = [
        (each.type, each.get("content_index"), part(each, "part", "type")) for each in events if "_part." in each.type
    ]
    wanted = [("response.content_part.added", 0, "text"), ("response.content_part.done", 0, "text")]
    bench.expect(told == wanted, f"{wanted}", told)


# What is in it


@documented(
    "EVENT-RESPONSE-08",
    says="The deltas of a text together are the text of response.output_text.done.",
    clause=f"{SERVER}TextDelta, {SERVER}TextDone",
)
async def text_deltas_are_the_text(bench: Bench) -> None:
    events = await text_response(bench)
    deltas = "".join(str(each.get("delta")) for each in of_type(bench, events, "response.output_text.delta"))
    texts = [each.get("text") for each in of_type(bench, events, "response.output_text.done")]
    bench.expect(texts == [deltas] and deltas, f"{deltas!r} once", texts)


@documented(
    "EVENT-RESPONSE-09",
    says="The text of the finished item is that of response.output_text.done.",
    clause=f"{SERVER}OutputItemDone: item",
)
async def item_has_the_text(bench: Bench) -> None:
    events = await text_response(bench)
    text = of_type(bench, events, "response.output_text.done")[0].get("text")
    found = part(of_type(bench, events, "response.output_item.done")[0], "item", "content", 0, "text")
    bench.expect(found == text and text, f"{text!r}", repr(found))


@documented(
    "EVENT-RESPONSE-10",
    says="The deltas of a transcript together are that of response.output_audio_transcript.done.",
    clause=f"{SERVER}AudioTranscriptDelta, {SERVER}AudioTranscriptDone",
)
async def transcript_deltas_are_the_transcript(bench: Bench) -> None:
    events = await spoken_response(bench)
    kind = "response.output_audio_transcript"
    deltas = "".join(str(each.get("delta")) for each in of_type(bench, events, f"{kind}.delta"))
    found = [each.get("transcript") for each in of_type(bench, events, f"{kind}.done")]
    bench.expect(found == [deltas] and deltas, f"{deltas!r} once", found)


@documented(
    "EVENT-RESPONSE-11",
    says="A spoken response ends its sound with response.output_audio.done.",
    clause=f"{SERVER}AudioDone: when the model-generated audio is done",
)
async def audio_is_done(bench: Bench) -> None:
    events = await spoken_response(bench)
    item_id = part(of_type(bench, events, "response.output_item.added")[0], "item", "id")
    found = [each.get("item_id") for each in of_type(bench, events, "response.output_audio.done")]
    bench.expect(found == [item_id], f"one of {item_id}", found)


@documented(
    "EVENT-RESPONSE-12",
    says="The usage of response.done adds up: input and output tokens are the total.",
    clause="OpenAPI, RealtimeResponse: usage",
)
async def usage_adds_up(bench: Bench) -> None:
    usage = part((await text_response(bench))[-1], "response", "usage")
    counts = [part_of(usage, f"{name}_tokens") for name in ("input", "output", "total")]
    whole = all(isinstance(count, int) for count in counts)
    bench.expect(whole and counts[0] + counts[1] == counts[2], "a total of both", usage)


@documented(
    "EVENT-RESPONSE-13",
    says="The metadata of a response.create comes back in its response.done.",
    clause=f"{CREATE}: metadata disambiguates simultaneous Responses",
)
async def metadata_comes_back(bench: Bench) -> None:
    found = part((await text_response(bench, metadata={"topic": "greeting"}))[-1], "response", "metadata")
    bench.expect(found == {"topic": "greeting"}, "the metadata that was given", found)


@documented(
    "EVENT-RESPONSE-14",
    says="What response.create configures holds for that response only.",
    clause=f"{CREATE}: override the Session's configuration for this Response only",
)
async def options_are_of_one_response(bench: Bench) -> None:
    _, sideband = await talk(bench)
    first = await response_to(bench, sideband, saying(HELLO, output_modalities=["text"]))
    second = await response_to(bench, sideband, saying(HELLO))
    found = [part(each[-1], "response", "output_modalities") for each in (first, second)]
    bench.expect(found == [["text"], ["audio"]], "text, then audio", found)


@documented(
    "EVENT-RESPONSE-15",
    says="A response outside of the conversation adds no item to it.",
    clause=f"{CREATE}: conversation none does not write to the default Conversation",
)
async def out_of_band_response_adds_nothing(bench: Bench) -> None:
    events = await text_response(bench, conversation="none")
    of_type(bench, events, "response.output_item.done")
    found = [each.type for each in events if each.type.startswith("conversation.item.")]
    bench.expect(not found, "no conversation.item event", found)


# Functions


@documented(
    "EVENT-FUNCTION-01",
    says="A function that must be called is called: an item with name, call_id and arguments.",
    clause="OpenAPI, RealtimeConversationItemFunctionCall; tool_choice",
)
async def function_is_called(bench: Bench) -> None:
    item = part(of_type(bench, await function_response(bench), "response.output_item.done")[0], "item")
    found = [part_of(item, name) for name in ("type", "name")]
    bench.expect(found == ["function_call", TOOL["name"]], "a function_call of look_up", item)
    texts = [part_of(item, name) for name in ("call_id", "arguments")]
    bench.expect(all(isinstance(text, str) and text for text in texts), "call_id and arguments", item)


@documented(
    "EVENT-FUNCTION-02",
    says="The deltas of arguments together are those of response.function_call_arguments.done.",
    clause=f"{SERVER}FunctionCallArgumentsDelta, {SERVER}FunctionCallArgumentsDone",
)
async def argument_deltas_are_the_arguments(bench: Bench) -> None:
    events, kind = await function_response(bench), "response.function_call_arguments"
    deltas = "".join(str(each.get("delta")) for each in of_type(bench, events, f"{kind}.delta"))
    found = [each.get("arguments") for each in of_type(bench, events, f"{kind}.done")]
    bench.expect(found == [deltas] and deltas, f"{deltas!r} once", found)


@requirement(
    "EVENT-FUNCTION-03",
    level=Level.MUST,
    says="The done of the arguments has the function's name and the item's call_id.",
    evidence="SDK",
    clause="types/realtime/response_function_call_arguments_done_event.py: call_id, name",
    link=SDK,
    needs=NEEDS,
)
async def arguments_name_their_call(bench: Bench) -> None:
    events = await function_response(bench)
    call_id = part(of_type(bench, events, "response.output_item.done")[0], "item", "call_id")
    done = of_type(bench, events, "response.function_call_arguments.done")[0]
    found = done.get("name"), done.get("call_id")
    bench.expect(found == (TOOL["name"], call_id), f"{TOOL['name']}, {call_id}", found)


@observed("EVENT-FUNCTION-04", says="A function call has the recorded events in the recorded order.")
async def function_call_has_its_order(bench: Bench) -> None:
    found = order_of(await function_response(bench))
    bench.expect(found == CALL_ORDER, " → ".join(CALL_ORDER), " → ".join(found))


@observed("EVENT-FUNCTION-05", says="The call_id of a function call is call_ and 16 letters or digits.")
async def call_id_has_its_form(bench: Bench) -> None:
    found = str(part(of_type(bench, await function_response(bench), "response.output_item.done")[0], "item", "call_id"))
    rest = found.removeprefix("call_")
    bench.expect(rest != found and len(rest) == 16 and rest.isalnum(), "call_<16>", found)


# Orders and shapes that were recorded


@observed("EVENT-ORDER-01", says="A text response has the recorded events in the recorded order.")
async def text_has_its_order(bench: Bench) -> None:
    found = order_of(await text_response(bench))
    bench.expect(found == TEXT_ORDER, " → ".join(TEXT_ORDER), " → ".join(found))


@observed("EVENT-ORDER-02", says="A spoken response has the recorded events in the recorded order.")
async def sound_has_its_order(bench: Bench) -> None:
    found = order_of(await spoken_response(bench))
    bench.expect(found == AUDIO_ORDER, " → ".join(AUDIO_ORDER), " → ".join(found))


@observed(
    "EVENT-ORDER-03",
    says="Of a response, rate_limits.updated comes once at most, and behind response.done.",
    clause=f"{RECORDED}; OpenAPI: at the beginning of a Response",
)
async def rate_limits_come_last(bench: Bench) -> None:
    types = [each.type for each in await spoken_response(bench, then="output_audio_buffer.stopped")]
    done = types.index("response.done") if "response.done" in types else len(types)
    early = types[:done].count("rate_limits.updated")
    bench.expect(early == 0 and types.count("rate_limits.updated") <= 1, "behind response.done, once", types)


@observed("EVENT-ORDER-04", says="Every delta of text, transcript and arguments has an obfuscation.")
async def deltas_are_padded(bench: Bench) -> None:
    deltas = [each for each in await text_response(bench) if each.type.endswith(".delta")]
    bench.expect(deltas and all(isinstance(each.get("obfuscation"), str) for each in deltas), "an obfuscation", deltas)


@observed("EVENT-ORDER-05", says="A streamed part is text or audio, the item's content output_text or output_audio.")
async def parts_and_contents_have_their_types(bench: Bench) -> None:
    events = await spoken_response(bench)
    streamed = part(of_type(bench, events, "response.content_part.done")[0], "part", "type")
    content = part(of_type(bench, events, "response.output_item.done")[0], "item", "content", 0, "type")
    bench.expect((streamed, content) == ("audio", "output_audio"), "audio, output_audio", (streamed, content))


# Ending early


async def long_response(bench: Bench) -> tuple[Sideband, object]:
    """A response in text that is not over yet, and its id."""
    _, sideband = await talk(bench)
    await sideband.send(saying(LONG, output_modalities=["text"]))
    created = await bench.event(sideband, "response.created")
    return sideband, part(created, "response", "id")


def _declare_cancel(number: int, says: str, *, by_id: bool) -> None:
    @documented(f"EVENT-CANCEL-{number:02d}", says=says, clause="OpenAPI, RealtimeClientEventResponseCancel")
    async def response_is_cancelled(bench: Bench) -> None:
        sideband, response_id = await long_response(bench)
        await sideband.send({"type": "response.cancel", **({"response_id": response_id} if by_id else {})})
        done = await bench.event(sideband, "response.done")
        found = part(done, "response", "id"), part(done, "response", "status")
        bench.expect(found == (response_id, "cancelled"), f"{response_id}, cancelled", found)


_declare_cancel(1, "A response.cancel ends the response in progress with the status cancelled.", by_id=False)
_declare_cancel(2, "A response.cancel with a response_id ends that response.", by_id=True)


@documented(
    "EVENT-CANCEL-03",
    says="The details of a cancelled response say that the client did it.",
    clause="OpenAPI, RealtimeResponse: status_details type cancelled, reason client_cancelled",
)
async def cancel_has_its_reason(bench: Bench) -> None:
    sideband, _ = await long_response(bench)
    await sideband.send({"type": "response.cancel"})
    details = part(await bench.event(sideband, "response.done"), "response", "status_details")
    found = [part_of(details, name) for name in ("type", "reason")]
    bench.expect(found == ["cancelled", "client_cancelled"], "cancelled, client_cancelled", details)


@documented(
    "EVENT-CANCEL-04",
    says="After a cancel, the next response can be created.",
    clause="OpenAPI, RealtimeClientEventResponseCancel: the session remains unaffected",
)
async def session_goes_on_after_a_cancel(bench: Bench) -> None:
    sideband, _ = await long_response(bench)
    await sideband.send({"type": "response.cancel"})
    await bench.event(sideband, "response.done")
    events = await response_to(bench, sideband, saying(HELLO, output_modalities=["text"]))
    status = part(events[-1], "response", "status")
    bench.expect(status == "completed", "completed", status)


@documented(
    "EVENT-CANCEL-05",
    says="A response that reaches max_output_tokens is incomplete for that reason.",
    clause="OpenAPI, RealtimeResponse: status incomplete, status_details reason max_output_tokens",
)
async def limit_makes_it_incomplete(bench: Bench) -> None:
    _, sideband = await talk(bench)
    request = saying(LONG, output_modalities=["text"], max_output_tokens=10)
    done = (await response_to(bench, sideband, request))[-1]
    found = part(done, "response", "status"), part(done, "response", "status_details", "reason")
    bench.expect(found == ("incomplete", "max_output_tokens"), "incomplete, max_output_tokens", found)


@observed(
    "EVENT-CANCEL-06", says="The item of a cancelled response is incomplete.", clause="OpenAPI, enum of item status"
)
async def cancelled_item_is_incomplete(bench: Bench) -> None:
    sideband, _ = await long_response(bench)
    await bench.event(sideband, "response.output_text.delta")
    await sideband.send({"type": "response.cancel"})
    item = part(await bench.event(sideband, "response.output_item.done"), "item")
    bench.expect(part_of(item, "status") == "incomplete", "incomplete", item)


@documented(
    "EVENT-CANCEL-07",
    says="A session.update during a response is answered at once.",
    clause="OpenAPI, RealtimeClientEventSessionUpdate: may send this event at any time",
)
async def update_is_possible_during_a_response(bench: Bench) -> None:
    sideband, _ = await long_response(bench)
    await sideband.send(update(instructions="Be brief."))
    updated = await bench.event(sideband, "session.updated")
    found = part(updated, "session", "instructions")
    bench.expect(found == "Be brief.", "the new instructions", found)
