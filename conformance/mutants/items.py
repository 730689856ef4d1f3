"""A conversation whose items are lost, changed or in the wrong place."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .told import Event, at, cut, heard, put, told, unheard, untold

ADDED = "conversation.item.added"
CREATE = "conversation.item.create"
LENGTH_OF_ID = len("item_") + 21


def _with_capitals(event: Event) -> Event:
    changed: Event = put(event, str(at(event, "item", "content", 0, "text")).upper(), "item", "content", 0, "text")
    return changed


def _of(role: str) -> Any:
    return lambda event: at(event, "item", "role") == role


def _has_text(event: Event) -> bool:
    return at(event, "item", "role") == "user" and bool(at(event, "item", "content", 0, "type") == "input_text")


def _of_kind(kind: str) -> Any:
    return lambda event: at(event, "item", "type") == kind


def _renamed(event: Event) -> Sequence[Event]:
    """An item whose id is not like our own has another one."""
    item_id = at(event, "item", "id")
    if event.get("type") not in (ADDED, "conversation.item.done") or len(str(item_id)) == LENGTH_OF_ID:
        return [event]
    return [put(event, f"{item_id}_1", "item", "id")]


def remembers_what_was_said(after: str = "") -> Mapping[str, Any]:
    """Retrieved items of the model have their whole transcript, once there was an event of the type `after`."""
    said = ""
    is_on = not after

    def tell(event: Event) -> Sequence[Event]:
        nonlocal said, is_on
        is_on = is_on or event.get("type") == after
        if event.get("type") == "response.output_audio_transcript.done":
            said = str(event.get("transcript"))
        if is_on and event.get("type") == "conversation.item.retrieved" and at(event, "item", "role") == "assistant":
            return [put(event, said, "item", "content", 0, "transcript")]
        return [event]

    return {"event": tell}


MUTANTS = [
    mutant(
        "item-in-capitals",
        "EVENT-ITEM-01",
        "What a user wrote is told in capitals.",
        **told(ADDED, _with_capitals, where=_has_text),
    ),
    mutant(
        "item-never-done",
        "EVENT-ITEM-02",
        "A user's item is not told as done.",
        also={"EVENT-SHAPE-01", "EVENT-SHAPE-02", "EVENT-SHAPE-03"},
        **untold("conversation.item.done", where=_of("user")),
    ),
    mutant(
        "item-with-another-id",
        "EVENT-ITEM-03",
        "An item is told with another id than its client gave it.",
        also={"WS-ITEM-03"},
        event=_renamed,
    ),
    mutant(
        "item-at-the-front",
        "EVENT-ITEM-04",
        "An item without a place comes to the beginning.",
        **heard(
            CREATE, lambda event: {**event, "previous_item_id": "root"}, where=lambda e: "previous_item_id" not in e
        ),
    ),
    mutant(
        "root-ignored",
        "EVENT-ITEM-05",
        "An item for the beginning comes to the end.",
        **heard(
            CREATE, lambda event: cut(event, "previous_item_id"), where=lambda e: e.get("previous_item_id") == "root"
        ),
    ),
    mutant(
        "place-ignored",
        "EVENT-ITEM-06",
        "An item for the middle comes to the end.",
        also={"EVENT-ERROR-10", "EVENT-ERROR-11"},
        **heard(
            CREATE,
            lambda event: cut(event, "previous_item_id"),
            where=lambda event: event.get("previous_item_id") not in (None, "root"),
        ),
    ),
    mutant("system-ignored", "EVENT-ITEM-07", "System messages are ignored.", **unheard(CREATE, where=_of("system"))),
    mutant(
        "assistant-ignored",
        "EVENT-ITEM-08",
        "An assistant's messages are ignored.",
        **unheard(CREATE, where=_of("assistant")),
    ),
    mutant(
        "call-renamed",
        "EVENT-ITEM-09",
        "A function call is told with another name.",
        **told(ADDED, lambda event: put(event, "other", "item", "name"), where=_of_kind("function_call")),
    ),
    mutant(
        "output-lost",
        "EVENT-ITEM-10",
        "The output of a function is told as empty.",
        **told(ADDED, lambda event: put(event, "", "item", "output"), where=_of_kind("function_call_output")),
    ),
    mutant(
        "another-item-retrieved",
        "EVENT-ITEM-11",
        "A retrieve is answered with another item's id.",
        **told("conversation.item.retrieved", lambda event: put(event, "item_other", "item", "id")),
    ),
    mutant(
        "another-item-deleted",
        "EVENT-ITEM-12",
        "A delete is answered with another item's id.",
        **told("conversation.item.deleted", lambda event: {**event, "item_id": "item_other"}),
    ),
    mutant(
        "deleted-item-unmissed",
        "EVENT-ITEM-13",
        "Nobody is told that what is to be retrieved is not there.",
        also={"EVENT-ERROR-08"},
        **untold("error", where=lambda event: at(event, "error", "code") == "item_retrieve_invalid_item_id"),
    ),
    mutant(
        "truncated-elsewhere",
        "EVENT-ITEM-14",
        "A truncate is answered with another time.",
        **told("conversation.item.truncated", lambda event: {**event, "audio_end_ms": event["audio_end_ms"] + 20}),
    ),
    mutant(
        "nothing-forgotten",
        "EVENT-ITEM-15",
        "A truncated item keeps its whole transcript.",
        also={"SPEECH-IN-11"},
        fault=remembering("", remembers_what_was_said),
    ),
    mutant(
        "truncate-beyond-ignored",
        "EVENT-ITEM-16",
        "A truncate beyond the end is ignored.",
        **untold("error", where=lambda event: at(event, "error", "param") == "audio_end_ms"),
    ),
    mutant(
        "truncate-of-a-user-ignored",
        "EVENT-ITEM-17",
        "A truncate of a user's item is ignored.",
        **untold("error", where=lambda event: "can be truncated" in str(at(event, "error", "message"))),
    ),
]
