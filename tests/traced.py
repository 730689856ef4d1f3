"""A trace in which every kind of rule has something to hold on to, and ways to break it."""

import copy
from collections.abc import Callable
from typing import Any

from ringback.conformance.traces import TraceEvent

Trace = list[TraceEvent]
Change = Callable[[Trace], Trace]


class Maker:
    """Writes a trace; every server event gets an id of its own."""

    def __init__(self) -> None:
        self.trace: Trace = []

    def sent(self, event_type: str, **fields: Any) -> None:
        self.trace.append(TraceEvent("sent", {"type": event_type, **fields}))

    def got(self, event_type: str, **fields: Any) -> None:
        event_id = f"event_{len(self.trace)}"
        self.trace.append(TraceEvent("received", {"type": event_type, "event_id": event_id, **fields}))

    def item(self, previous: str | None, item: dict[str, Any]) -> None:
        self.got("conversation.item.added", previous_item_id=previous, item=item)
        self.got("conversation.item.done", previous_item_id=previous, item=item)

    def begin(self, response_id: str, conversation: str | None = "conv_1") -> None:
        response = {"id": response_id, "object": "realtime.response", "status": "in_progress", "output": []}
        self.got("response.created", response={**response, "conversation_id": conversation})

    def end(self, response_id: str, *output: dict[str, Any], conversation: str | None = "conv_1") -> None:
        response: dict[str, Any] = {"id": response_id, "object": "realtime.response", "status": "completed"}
        response |= {"output": list(output), "conversation_id": conversation, "usage": usage()}
        self.got("response.done", response=response)

    def open(self, response_id: str, index: int, previous: str | None, item: dict[str, Any]) -> None:
        self.got("response.output_item.added", response_id=response_id, output_index=index, item=item)
        if previous is not None:
            self.got("conversation.item.added", previous_item_id=previous, item=item)

    def close(
        self, response_id: str, index: int, previous: str | None, item: dict[str, Any], added: bool = True
    ) -> None:
        if added:
            self.got("conversation.item.done", previous_item_id=previous, item=item)
        self.got("response.output_item.done", response_id=response_id, output_index=index, item=item)


def usage() -> dict[str, Any]:
    return {
        "total_tokens": 30,
        "input_tokens": 10,
        "output_tokens": 20,
        "input_token_details": {
            "text_tokens": 6,
            "audio_tokens": 4,
            "cached_tokens": 2,
            "cached_tokens_details": {"text_tokens": 1, "audio_tokens": 1},
        },
        "output_token_details": {"text_tokens": 5, "audio_tokens": 15},
    }


def message(item_id: str, status: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"id": item_id, "type": "message", "role": "assistant", "status": status, "content": list(content)}


def call(status: str, arguments: str) -> dict[str, Any]:
    return {
        "id": "item_call",
        "type": "function_call",
        "status": status,
        "name": "get_weather",
        "call_id": "call_1",
        "arguments": arguments,
    }


def user(item_id: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"id": item_id, "type": "message", "role": "user", "status": "completed", "content": list(content)}


def conversation() -> Trace:
    """A text turn; then, in a call, speech that is answered by sound and a function call; an error; a deletion."""
    maker = Maker()
    session = {"type": "realtime", "id": "sess_1", "object": "realtime.session"}
    maker.got("session.created", session=session)
    maker.sent("session.update", event_id="client_1", session={"type": "realtime"})
    maker.got("session.updated", session=session)
    maker.sent(
        "conversation.item.create",
        item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
    )
    maker.item(None, user("item_text", {"type": "input_text", "text": "Hi"}))
    maker.sent("response.create", event_id="client_2")
    _text_answer(maker)
    _speech(maker)
    _sound_and_call(maker)
    maker.sent("response.cancel", event_id="client_3")
    maker.got("error", error={"type": "invalid_request_error", "message": "no", "event_id": "client_3"})
    maker.sent("conversation.item.delete", item_id="item_text")
    maker.got("conversation.item.deleted", item_id="item_text")
    return maker.trace


def _text_answer(maker: Maker) -> None:
    place = {"response_id": "resp_text", "item_id": "item_answer", "output_index": 0, "content_index": 0}
    done = message("item_answer", "completed", {"type": "output_text", "text": "Hello!"})
    maker.begin("resp_text")
    maker.open("resp_text", 0, "item_text", message("item_answer", "in_progress"))
    maker.got("response.content_part.added", **place, part={"type": "text", "text": ""})
    maker.got("response.output_text.delta", **place, delta="Hel")
    maker.got("response.output_text.delta", **place, delta="lo!")
    maker.got("response.output_text.done", **place, text="Hello!")
    maker.got("response.content_part.done", **place, part={"type": "text", "text": "Hello!"})
    maker.close("resp_text", 0, None, done)
    maker.end("resp_text", done)
    maker.got("rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 9, "remaining": 8, "reset_seconds": 0.1}])


def _speech(maker: Maker) -> None:
    place = {"item_id": "item_speech", "content_index": 0}
    transcription = "conversation.item.input_audio_transcription"
    maker.got("input_audio_buffer.speech_started", item_id="item_speech", audio_start_ms=1000)
    maker.got(f"{transcription}.delta", **place, delta=" How")
    maker.got("input_audio_buffer.speech_stopped", item_id="item_speech", audio_end_ms=1800)
    maker.got("input_audio_buffer.committed", item_id="item_speech", previous_item_id="item_answer")
    maker.item("item_answer", user("item_speech", {"type": "input_audio", "transcript": None}))
    maker.got(f"{transcription}.delta", **place, delta=" warm?")
    maker.got(f"{transcription}.completed", **place, transcript="How warm?", usage={"type": "duration", "seconds": 1})


def _sound_and_call(maker: Maker) -> None:
    place = {"response_id": "resp_sound", "item_id": "item_sound", "output_index": 0, "content_index": 0}
    second = {"response_id": "resp_sound", "item_id": "item_call", "output_index": 1, "call_id": "call_1"}
    said = message("item_sound", "completed", {"type": "output_audio", "transcript": "One moment."})
    called = call("completed", '{"city":"Rome"}')
    maker.begin("resp_sound")
    maker.open("resp_sound", 0, "item_speech", message("item_sound", "in_progress"))
    maker.got("response.content_part.added", **place, part={"type": "audio", "transcript": ""})
    maker.got("response.output_audio_transcript.delta", **place, delta="One ")
    maker.got("output_audio_buffer.started", response_id="resp_sound")
    maker.got("response.output_audio.delta", **place, delta="AAAA")
    maker.open("resp_sound", 1, "item_sound", call("in_progress", ""))
    maker.got("response.output_audio_transcript.delta", **place, delta="moment.")
    maker.got("response.function_call_arguments.delta", **second, delta='{"city":')
    maker.got("response.output_audio.done", **place)
    maker.got("response.output_audio_transcript.done", **place, transcript="One moment.")
    maker.got("response.content_part.done", **place, part={"type": "audio", "transcript": "One moment."})
    maker.close("resp_sound", 0, "item_speech", said)
    maker.got("response.function_call_arguments.delta", **second, delta='"Rome"}')
    maker.got("response.function_call_arguments.done", **second, name="get_weather", arguments='{"city":"Rome"}')
    maker.close("resp_sound", 1, "item_sound", called)
    maker.end("resp_sound", said, called)
    maker.got("output_audio_buffer.stopped", response_id="resp_sound")
    maker.got("rate_limits.updated", rate_limits=[])


# How to break it


def find(trace: Trace, event_type: str, nth: int = 0) -> int:
    """Where the nth event of a type is; negative from the end."""
    return [number for number, event in enumerate(trace) if event.type == event_type][nth]


def changed(event_type: str, path: str, value: Any, nth: int = 0) -> Change:
    """Something else in a field; `path` has dots, its numbers index lists."""

    def change(trace: Trace) -> Trace:
        number = find(trace, event_type, nth)
        data = copy.deepcopy(dict(trace[number].data))
        holder: Any = data
        *names, last = path.split(".")
        for name in names:
            holder = holder[int(name) if isinstance(holder, list) else name]
        holder[int(last) if isinstance(holder, list) else last] = value
        return [*trace[:number], TraceEvent(trace[number].direction, data), *trace[number + 1 :]]

    return change


def dropped(event_type: str, nth: int = 0) -> Change:
    def change(trace: Trace) -> Trace:
        number = find(trace, event_type, nth)
        return trace[:number] + trace[number + 1 :]

    return change


def moved(event_type: str, behind: str, nth: int = 0, behind_nth: int = 0) -> Change:
    """An event behind another one."""

    def change(trace: Trace) -> Trace:
        event = trace[find(trace, event_type, nth)]
        target = trace[find(trace, behind, behind_nth)]
        rest = [each for each in trace if each is not event]
        number = next(number for number, each in enumerate(rest) if each is target)
        return [*rest[: number + 1], event, *rest[number + 1 :]]

    return change


def repeated(event_type: str, nth: int = 0) -> Change:
    """An event once more right behind itself, with an event id of its own."""

    def change(trace: Trace) -> Trace:
        number = find(trace, event_type, nth)
        twin = TraceEvent(trace[number].direction, {**trace[number].data, "event_id": "event_twin"})
        return [*trace[: number + 1], twin, *trace[number + 1 :]]

    return change


def added(direction: Any, **data: Any) -> Change:
    """One more event at the end."""
    return lambda trace: [*trace, TraceEvent(direction, data)]


def inserted(behind: str, direction: Any, **data: Any) -> Change:
    """One more event behind the first of a type."""
    return lambda trace: [
        *trace[: find(trace, behind) + 1],
        TraceEvent(direction, data),
        *trace[find(trace, behind) + 1 :],
    ]


def everywhere(name: str, value: Any, *, item_id: str) -> Change:
    """Something else in that field of each event that names an item and has the field."""
    return lambda trace: [
        TraceEvent(event.direction, {**event.data, name: value})
        if event.text("item_id") == item_id and name in event.data
        else event
        for event in trace
    ]


def together(*changes: Change) -> Change:
    def change(trace: Trace) -> Trace:
        for each in changes:
            trace = each(trace)
        return trace

    return change
