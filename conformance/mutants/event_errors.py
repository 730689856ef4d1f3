"""Errors that are wrong, or not told."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .told import Event, at, put, told, unheard, untold


def _deaf_after_an_error() -> Mapping[str, Any]:
    failed = False

    def tell(event: Event) -> Sequence[Event]:
        nonlocal failed
        failed = failed or event.get("type") == "error"
        return [event]

    return {"event": tell, "client_event": lambda data: [] if failed else [data]}


def _swallowed(code: str) -> Mapping[str, Any]:
    """Errors with that code, of events with an id, are not told."""
    return untold("error", where=lambda event: at(event, "error", "code") == code and at(event, "error", "event_id"))


def _added_all_the_same(event: Event) -> Sequence[Event]:
    if at(event, "error", "code") != "item_create_invalid_previous_item_id":
        return [event]
    content = [{"type": "input_text", "text": "hello"}]
    item = {"id": "item_1", "type": "message", "status": "completed", "role": "user", "content": content}
    added = {"type": "conversation.item.added", "event_id": "event_1", "previous_item_id": None, "item": item}
    return [event, added]


MUTANTS = [
    mutant(
        "nonsense-ignored",
        "EVENT-ERROR-01",
        "Events of an unknown type are ignored.",
        also={"EVENT-ERROR-03", "EVENT-SHAPE-01", "EVENT-SHAPE-02", "EVENT-SHAPE-03", "WS-ERROR-01"},
        **unheard("nonsense"),
    ),
    mutant(
        "error-without-message",
        "EVENT-ERROR-02",
        "The message of an error is null.",
        also={"EVENT-SHAPE-03", "EVENT-SESSION-08"},
        **told("error", lambda event: put(event, None, "error", "message")),
    ),
    mutant(
        "error-without-cause",
        "EVENT-ERROR-03",
        "An error about a type does not name the event.",
        also={"WS-ERROR-01"},
        **told(
            "error",
            lambda event: put(event, None, "error", "event_id"),
            where=lambda event: at(event, "error", "param") == "type",
        ),
    ),
    mutant(
        "error-with-invented-cause",
        "EVENT-ERROR-04",
        "An error names an event also where that had no event_id.",
        **told(
            "error",
            lambda event: put(event, "event_1", "error", "event_id"),
            where=lambda event: at(event, "error", "event_id") is None,
        ),
    ),
    mutant(
        "deaf-sideband-after-an-error",
        "EVENT-ERROR-05",
        "After an error no client event is heard.",
        remembering("", _deaf_after_an_error),
        also={"WS-ERROR-02", "EVENT-SHAPE-01", "EVENT-SHAPE-02", "EVENT-SHAPE-03"},
    ),
    mutant(
        "idle-cancel-ignored",
        "EVENT-ERROR-06",
        "A cancel without a response is ignored.",
        **_swallowed("response_cancel_not_active"),
    ),
    mutant(
        "empty-commit-ignored",
        "EVENT-ERROR-07",
        "A commit of nothing is ignored.",
        **_swallowed("input_audio_buffer_commit_empty"),
    ),
    mutant(
        "unknown-retrieve-ignored",
        "EVENT-ERROR-08",
        "A retrieve of what is not there is ignored.",
        also={"EVENT-ITEM-13"},
        **_swallowed("item_retrieve_invalid_item_id"),
    ),
    mutant(
        "unknown-delete-ignored",
        "EVENT-ERROR-09",
        "A delete of what is not there is ignored.",
        **_swallowed("item_delete_invalid_item_id"),
    ),
    mutant(
        "unknown-place-ignored",
        "EVENT-ERROR-10",
        "An item that can't be placed is ignored.",
        **_swallowed("item_create_invalid_previous_item_id"),
    ),
    mutant(
        "misplaced-item-added",
        "EVENT-ERROR-11",
        "An item that can't be placed is added in spite of the error.",
        event=_added_all_the_same,
    ),
]
