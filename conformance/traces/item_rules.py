"""Rules of the conversation: an item is announced once, added, then done, at a place that is known."""

from collections.abc import Iterator
from typing import ClassVar

from .event import Scope, TraceEvent, Violation
from .rule import Rule

# `conversation.item.created` is the beta's twin of `added`; it is in the types, and was never seen in a recording.
ADDED = ("conversation.item.added", "conversation.item.created")

ANNOUNCING = frozenset(
    {
        *ADDED,
        "response.output_item.added",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.committed",
        "input_audio_buffer.timeout_triggered",
        "mcp_list_tools.in_progress",
    }
)
"""The events after which an item id is known."""


class ItemIdUnique(Rule):
    id = "TRACE-ITEM-ID-UNIQUE"
    says = "An item is added once to the conversation, and once to a response."
    evidence = "DOC"
    clause = "RealtimeConversationItem: id, the unique ID of the item"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._added: set[tuple[str, str]] = set()

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        item_id = event.item_id
        if item_id is None:
            return
        if event.type == "conversation.item.deleted":
            self._added.discard(("conversation.item.added", item_id))  # a client may use its id again
        elif event.type in ("conversation.item.added", "response.output_item.added"):
            yield from self.unless((event.type, item_id) not in self._added, event, f"{item_id} was added before")
            self._added.add((event.type, item_id))


class ItemOrder(Rule):
    id = "TRACE-ITEM-ORDER"
    says = "An item is added to the conversation before it is done, and is done once."
    evidence = "DOC"
    clause = "RealtimeServerEventConversationItemAdded, RealtimeServerEventConversationItemDone"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._is_done: dict[str, bool] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        item_id = event.item_id
        if item_id is None:
            return
        if event.type == "conversation.item.added":
            self._is_done[item_id] = False
        elif event.type == "conversation.item.done":
            known = item_id in self._is_done or not self.scope.from_start
            yield from self.unless(known, event, f"{item_id} is done and was not added")
            yield from self.unless(not self._is_done.get(item_id), event, f"{item_id} is done a second time")
            self._is_done[item_id] = True


class KnownOnly(Rule):
    """What these rules have in common: events whose types begin so name no item that no event has announced."""

    naming: ClassVar[tuple[str, ...]]

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._known: set[str] = set()

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        item_id = event.item_id
        if item_id is None:
            return
        if event.type in ANNOUNCING:
            self._known.add(item_id)
        elif event.type.startswith(self.naming):
            known = item_id in self._known or not self.scope.from_start
            yield from self.unless(known, event, f"{event.type} names {item_id}, which no event announced")


class ItemKnown(KnownOnly):
    id = "TRACE-ITEM-KNOWN"
    says = "Only known items are retrieved, truncated or deleted."
    evidence = "DOC"
    clause = "conversation.item.retrieve, truncate, delete: an error event for an item that does not exist"
    naming = ("conversation.item.retrieved", "conversation.item.truncated", "conversation.item.deleted")


class ItemPreviousKnown(Rule):
    id = "TRACE-ITEM-PREVIOUS"
    says = "previous_item_id of an added or committed item is null or names a known item."
    evidence = "DOC"
    clause = "conversation.item.added: previous_item_id, the ID of the item that precedes this one, if any"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._known: set[str] = set()

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        previous = event.text("previous_item_id")
        if previous is not None and (event.type in ADDED or event.type == "input_audio_buffer.committed"):
            known = (previous in self._known and previous != event.item_id) or not self.scope.from_start
            yield from self.unless(known, event, f"{event.type} follows {previous}, which no event announced")
        if event.type in ANNOUNCING and event.item_id is not None:
            self._known.add(event.item_id)


class ItemPreviousKept(Rule):
    id = "TRACE-ITEM-PREVIOUS-KEPT"
    says = "An item is done with the previous_item_id that it was added with."
    evidence = "OBS"
    clause = "recordings; but null for a model's item that follows the first item of the conversation"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._previous: dict[str, str | None] = {}
        self._of_model: set[str] = set()
        self._followed_first: set[str] = set()
        """Items that came behind the first one; another may be put before that while they are made."""
        self._order: list[str] = []

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        item_id = event.item_id
        if item_id is None:
            return
        if event.type == "response.output_item.added":
            self._of_model.add(item_id)
        elif event.type == "conversation.item.added":
            previous = self._previous[item_id] = event.text("previous_item_id")
            if previous not in self._order[1:]:
                self._followed_first.add(item_id)
            if item_id not in self._order:
                self._order.insert(self._order.index(previous) + 1 if previous in self._order else 0, item_id)
        elif event.type == "conversation.item.deleted" and item_id in self._order:
            self._order.remove(item_id)
        elif event.type == "conversation.item.done" and item_id in self._previous:
            added, done = self._previous[item_id], event.text("previous_item_id")
            follows_first = added is not None and (item_id in self._followed_first or added not in self._order[1:])
            kept = done == added or (done is None and item_id in self._of_model and follows_first)
            yield from self.unless(kept, event, f"{item_id} was added after {added} and is done after {done}")


ITEM_RULES: tuple[type[Rule], ...] = (ItemIdUnique, ItemOrder, ItemKnown, ItemPreviousKnown, ItemPreviousKept)
