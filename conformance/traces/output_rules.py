"""Rules of what a response puts out: items and parts are opened, numbered, filled, and closed in one order.

The order in which things close, as every recording shows it: the streams of a part (sound before its transcript),
`response.content_part.done`, `conversation.item.done`, `response.output_item.done`, `response.done`.
"""

from collections.abc import Iterator
from typing import ClassVar

from .event import Scope, TraceEvent, Violation
from .rule import Rule

PART_STREAMS = ("response.output_text", "response.output_audio", "response.output_audio_transcript")
ITEM_STREAMS = ("response.function_call_arguments", "response.mcp_call_arguments")
STREAMS = PART_STREAMS + ITEM_STREAMS

DELTAS = frozenset(f"{stream}.delta" for stream in STREAMS)
PART_DELTAS = frozenset(f"{stream}.delta" for stream in PART_STREAMS)
DONES = frozenset(f"{stream}.done" for stream in STREAMS)
PART_DONES = frozenset(f"{stream}.done" for stream in PART_STREAMS) | {"response.content_part.done"}
OPENS_ITEM = "response.output_item.added"
OPENS_PART = "response.content_part.added"

Place = tuple[str, int | None]
"""Of a stream: the item, and the part for those that have one."""


def place_of(event: TraceEvent) -> Place | None:
    """Where a stream's or a part's event belongs; None when it does not say."""
    item_id = event.item_id
    return None if item_id is None else (item_id, event.number("content_index"))


class OutputIndex(Rule):
    id = "TRACE-OUTPUT-INDEX"
    says = "Output items of a response are numbered from 0; an item keeps its response and number."
    evidence = "DOC"
    clause = "response.output_item.added: output_index, the index of the output item in the response"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._counts: dict[str, int] = {}
        self._places: dict[str, tuple[str, int]] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        item_id, response_id, index = event.item_id, event.response_id, event.number("output_index")
        if event.type == "response.created" and response_id is not None:
            self._counts[response_id] = 0
        if item_id is None or response_id is None or index is None:
            return
        if event.type == OPENS_ITEM:
            if response_id in self._counts:
                expected = self._counts[response_id]
                self._counts[response_id] += 1
                yield from self.unless(index == expected, event, f"{item_id} has output_index {index}, not {expected}")
            self._places[item_id] = (response_id, index)
        elif item_id in self._places:
            kept = self._places[item_id]
            yield from self.unless(
                (response_id, index) == kept,
                event,
                f"{event.type} puts {item_id} at {index} of {response_id}; it is at {kept[1]} of {kept[0]}",
            )


class OutputItemOpen(Rule):
    id = "TRACE-OUTPUT-ITEM-OPEN"
    says = "What fills an output item comes after it was added, and before it is done."
    evidence = "DOC"
    clause = "response.output_item.added: a new item is created during generation; done: it is done streaming"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._is_done: dict[str, bool] = {}
        self._said: set[tuple[str, str]] = set()

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        item_id = event.item_id
        if item_id is None:
            return
        stream, _, end = event.type.rpartition(".")
        if event.type == OPENS_ITEM:
            self._is_done[item_id] = False
        elif event.type in DELTAS | DONES | {OPENS_PART, "response.content_part.done", "response.output_item.done"}:
            known = item_id in self._is_done or not self.scope.from_start
            yield from self.unless(known, event, f"{event.type} for {item_id}, which no response has added")
            if event.type in DELTAS or event.type == OPENS_PART:
                yield from self.unless(not self._is_done.get(item_id), event, f"{event.type} after {item_id} was done")
            if stream in ITEM_STREAMS:
                over = (item_id, stream) in self._said and end == "delta"
                yield from self.unless(not over, event, f"{event.type} of {item_id} after {stream}.done")
                self._said |= {(item_id, stream)} if end == "done" else set()
            if event.type == "response.output_item.done":
                self._is_done[item_id] = True


class ContentIndex(Rule):
    id = "TRACE-CONTENT-INDEX"
    says = "Content parts of an output item are numbered from 0 in the order of their adding."
    evidence = "DOC"
    clause = "response.content_part.added: content_index, the index of the content part in the item's content array"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._counts: dict[str, int] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        item_id = event.item_id
        if item_id is None:
            return
        if event.type == OPENS_ITEM:
            self._counts[item_id] = 0
        elif event.type == OPENS_PART and item_id in self._counts:
            index, expected = event.number("content_index"), self._counts[item_id]
            self._counts[item_id] += 1
            yield from self.unless(
                index == expected, event, f"a part of {item_id} has content_index {index}, not {expected}"
            )


class ContentPartOpen(Rule):
    id = "TRACE-CONTENT-PART-OPEN"
    says = "What fills a content part comes after it was added, and before it is done."
    evidence = "DOC"
    clause = "response.content_part.added: a new part is added during generation; done: it is done streaming"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._items: set[str] = set()
        self._is_done: dict[Place, bool] = {}
        self._said: set[tuple[Place, str]] = set()

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        place = place_of(event)
        if place is None:
            return
        stream, _, end = event.type.rpartition(".")
        if event.type == OPENS_ITEM:
            self._items.add(place[0])
        elif event.type == OPENS_PART:
            self._is_done[place] = False
        elif event.type in PART_DELTAS | PART_DONES and place[0] in self._items:
            name = f"part {place[1]} of {place[0]}"
            yield from self.unless(place in self._is_done, event, f"{event.type} for {name}, which was not added")
            if end == "delta":
                over = self._is_done.get(place) or (place, stream) in self._said
                yield from self.unless(not over, event, f"{event.type} after {name} was done")
            elif stream in PART_STREAMS:
                self._said.add((place, stream))
            else:
                self._is_done[place] = True


class ClosingOrder(Rule):
    id = "TRACE-CLOSING-ORDER"
    says = "Streams close before their part, parts before the conversation's item, this before the output item."
    evidence = "OBS"
    clause = "recordings, of text, audio and function calls alike"

    RANKS: ClassVar = {
        "response.output_text.done": 1,
        "response.output_audio.done": 1,
        "response.function_call_arguments.done": 1,
        "response.mcp_call_arguments.done": 1,
        "response.output_audio_transcript.done": 2,
        "response.content_part.done": 3,
        "conversation.item.done": 4,
        "response.output_item.done": 5,
    }

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._last: dict[Place, str] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        rank, place = self.RANKS.get(event.type), place_of(event)
        if rank is None or place is None:
            return
        # What closes a part is held against what closed this part and its item.
        for other in (self._last.get(place), self._last.get((place[0], None))):
            if other is not None and self.RANKS[other] > rank:
                yield self.broken(event, f"{event.type} of {place[0]} comes after its {other}")
                return
        self._last[place] = event.type


class ClosingComplete(Rule):
    id = "TRACE-CLOSING-COMPLETE"
    says = "Everything that a response opened is closed before its response.done."
    evidence = "OBS"
    clause = "recordings; the documentation says the same of interrupted, incomplete and cancelled responses"

    CLOSERS: ClassVar = {
        OPENS_ITEM: "response.output_item.done",
        OPENS_PART: "response.content_part.done",
        "conversation.item.added": "conversation.item.done",
        **{f"{stream}.delta": f"{stream}.done" for stream in STREAMS},
    }

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._responses: dict[str, str] = {}
        self._open: dict[tuple[Place, str], None] = {}
        self._closed: set[tuple[Place, str]] = set()

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        place, response_id = place_of(event), event.response_id
        if event.type == "response.done" and response_id is not None:
            yield from self._missing(event, response_id)
            return
        if place is None:
            return
        if event.type == OPENS_ITEM and response_id is not None:
            self._responses[place[0]] = response_id
        if event.type not in self.CLOSERS:
            self._open.pop((place, event.type), None)
            self._closed.add((place, event.type))
        elif place[0] in self._responses and (place, self.CLOSERS[event.type]) not in self._closed:
            self._open[place, self.CLOSERS[event.type]] = None

    def _missing(self, event: TraceEvent, response_id: str) -> Iterator[Violation]:
        items = {item_id for item_id, response in self._responses.items() if response == response_id}
        for place, closer in [each for each in self._open if each[0][0] in items]:
            del self._open[place, closer]
            yield self.broken(event, f"{response_id} is done, and there was no {closer} of {place[0]}")


class BufferOrder(Rule):
    id = "TRACE-OUTPUT-BUFFER"
    says = "Playback of a response starts once before it stops or is cleared, and stops after response.done."
    evidence = "DOC"
    clause = "output_audio_buffer.started, stopped (after the full response data has been sent), cleared"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._started: set[str] = set()
        self._done: set[str] = set()

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        response_id = event.response_id
        if response_id is None:
            return
        if event.type == "response.done":
            self._done.add(response_id)
        elif event.type == "output_audio_buffer.started":
            yield from self.unless(response_id not in self._started, event, f"{response_id} started before")
            self._started.add(response_id)
        elif event.type in ("output_audio_buffer.stopped", "output_audio_buffer.cleared"):
            known = response_id in self._started or not self.scope.from_start
            yield from self.unless(known, event, f"{event.type} of {response_id}, which has not started")
            if event.type == "output_audio_buffer.stopped":
                over = response_id in self._done or not self.scope.from_start
                yield from self.unless(over, event, f"playback of {response_id} stops before its response.done")


OUTPUT_RULES: tuple[type[Rule], ...] = (
    OutputIndex,
    OutputItemOpen,
    ContentIndex,
    ContentPartOpen,
    ClosingOrder,
    ClosingComplete,
    BufferOrder,
)
