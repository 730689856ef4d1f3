"""Rules of words: what comes in pieces is what is said whole, and all that repeat it agree."""

from collections.abc import Iterator, Mapping
from typing import Any

from .event import Scope, TraceEvent, Violation
from .output_rules import OPENS_ITEM, Place, place_of
from .rule import Rule

WHOLES = {
    "response.output_text.done": "text",
    "response.output_audio_transcript.done": "transcript",
    "response.function_call_arguments.done": "arguments",
    "response.mcp_call_arguments.done": "arguments",
}
"""Which field of a stream's end has it whole."""


class DeltasAddUp(Rule):
    id = "TRACE-DELTAS"
    says = "The deltas of a text, transcript or arguments, joined, are what its done event has."
    evidence = "DOC"
    clause = "response.output_text.done: text, the final text content; so the transcript, and the arguments of calls"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._items: set[str] = set()
        self._pieces: dict[tuple[Place, str], list[str]] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        place = place_of(event)
        if place is None:
            return
        stream, _, end = event.type.rpartition(".")
        if event.type == OPENS_ITEM:
            self._items.add(place[0])
        elif end == "delta" and (delta := event.text("delta")) is not None:
            self._pieces.setdefault((place, stream), []).append(delta)
        elif event.type in WHOLES and place[0] in self._items:
            whole = event.text(WHOLES[event.type])
            joined = "".join(self._pieces.pop((place, stream), []))
            if whole is not None:
                yield from self.unless(joined == whole, event, f"{event.type} has {whole!r}, its deltas {joined!r}")


class WordsRepeated(Rule):
    id = "TRACE-WORDS-REPEATED"
    says = "Parts and completed items have the words of the done event that precedes them."
    evidence = "OBS"
    clause = "recordings: content_part.done, conversation.item.done, output_item.done, response.done"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._words: dict[Place, str] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        place = place_of(event)
        if event.type in WHOLES and place is not None:
            words = event.text(WHOLES[event.type])
            if words is not None:
                self._words[place] = words
        elif event.type == "response.content_part.done" and place is not None:
            yield from self._same(event, place, event.value("part"))
        elif event.type in ("conversation.item.done", "response.output_item.done"):
            yield from self._item(event, event.value("item"))
        elif event.type == "response.done":
            for item in event.entries("response", "output"):
                yield from self._item(event, item)

    def _item(self, event: TraceEvent, item: Any) -> Iterator[Violation]:
        shown = TraceEvent("received", item) if isinstance(item, Mapping) else None
        # An interrupted item may have fewer words than were made.
        if shown is None or (item_id := shown.text("id")) is None or shown.text("status") != "completed":
            return
        yield from self._same(event, (item_id, None), item)
        for index, part in enumerate(shown.entries("content")):
            yield from self._same(event, (item_id, index), part)

    def _same(self, event: TraceEvent, place: Place, holder: Any) -> Iterator[Violation]:
        words = self._words.get(place)
        if words is None or not isinstance(holder, Mapping):
            return
        for field in ("text", "transcript", "arguments"):
            shown = holder.get(field)
            if isinstance(shown, str):
                yield from self.unless(shown == words, event, f"{event.type} has {shown!r}, it was {words!r}")


class CallSame(Rule):
    id = "TRACE-CALL-SAME"
    says = "A function call keeps the call_id and name that its item was added with."
    evidence = "OBS"
    clause = "recordings: output_item.added, function_call_arguments.delta, done, output_item.done"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._calls: dict[str, dict[str, str | None]] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        item_id = event.item_id
        if item_id is None:
            return
        if event.type == OPENS_ITEM and event.text("item", "type") == "function_call":
            self._calls[item_id] = {name: event.text("item", name) for name in ("call_id", "name")}
        elif item_id in self._calls:
            for name, known in self._calls[item_id].items():
                shown = event.text(name) or event.text("item", name)
                yield from self.unless(
                    shown in (None, known), event, f"{event.type} of {item_id} has {name} {shown}, it was {known}"
                )


class OutputListed(Rule):
    id = "TRACE-OUTPUT-LISTED"
    says = "response.done of a completed response lists the items that were added to it, in order."
    evidence = "OBS"
    clause = "recordings: response.output_item.added, response.done"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._items: dict[str, list[str]] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        response_id = event.response_id
        if response_id is None:
            return
        if event.type == "response.created":
            self._items[response_id] = []
        elif event.type == OPENS_ITEM and response_id in self._items and event.item_id is not None:
            self._items[response_id].append(event.item_id)
        elif event.type == "response.done" and event.text("response", "status") == "completed":
            added = self._items.get(response_id)
            listed = [item.get("id") for item in event.entries("response", "output")]
            yield from self.unless(
                added is None or listed == added, event, f"{response_id} lists {listed}, it was given {added}"
            )


TEXT_RULES: tuple[type[Rule], ...] = (DeltasAddUp, WordsRepeated, CallSame, OutputListed)
