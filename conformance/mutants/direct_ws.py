"""Wrong sessions without a call."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .told import Event, at, put, told

EVERY_EVENT = frozenset({"EVENT-SHAPE-01", "EVENT-SHAPE-02", "EVENT-SHAPE-03", "WS-SHAPE-01"})
"""They judge every event of a conversation."""
OTHER_RESPONSE = "resp_aaaaaaaaaaaaaaaaaaaaa"
OTHER_ITEM = "item_aaaaaaaaaaaaaaaaaaaaa"
ONE_ID = "event_aaaaaaaaaaaaaaaaaaaaa"


def _deaf_after_an_error() -> Mapping[str, Any]:
    failed: list[Event] = []

    def note(event: Event) -> Sequence[Event]:
        if event["type"] == "error":
            failed.append(event)
        return [event]

    return {"event": note, "client_event": lambda data: [] if failed else [data]}


MUTANTS = [
    mutant(
        "created-without-id",
        "WS-SESSION-01",
        "A session.created has no session id.",
        **told("session.created", lambda event: put(event, "", "session", "id")),
    ),
    mutant(
        "updated-to-audio",
        "WS-SESSION-02",
        "A session of text is told as one of audio.",
        **told("session.updated", lambda event: put(event, ["audio"], "session", "output_modalities")),
    ),
    mutant(
        "part-ids-repeat",
        "WS-SESSION-03",
        "All events of content parts have the same event_id.",
        also=EVERY_EVENT,
        event=lambda event: [
            put(event, ONE_ID, "event_id") if event["type"].startswith("response.content_part.") else event
        ],
    ),
    mutant(
        "item-of-the-system",
        "WS-ITEM-01",
        "A user's item is told as the system's.",
        also=EVERY_EVENT,
        **told(
            "conversation.item.added",
            lambda event: put(event, "system", "item", "role"),
            where=lambda event: at(event, "item", "role") == "user",
        ),
    ),
    mutant(
        "item-renamed",
        "WS-ITEM-03",
        "An item gets an id of its own although it has one.",
        **told(
            "conversation.item.added",
            lambda event: put(event, OTHER_ITEM, "item", "id"),
            where=lambda event: at(event, "item", "id") == "item_ringback_1",
        ),
    ),
    mutant(
        "done-of-another-response",
        "WS-RESPONSE-01",
        "A response.done is of another response.",
        also={"EVENT-RESPONSE-02"},
        **told("response.done", lambda event: put(event, OTHER_RESPONSE, "response", "id")),
    ),
    mutant(
        "text-of-another-ending",
        "WS-RESPONSE-03",
        "The text that is done is longer than its deltas.",
        also={"EVENT-RESPONSE-08", "EVENT-RESPONSE-09"},
        **told("response.output_text.done", lambda event: put(event, f"{event['text']}!", "text")),
    ),
    mutant(
        "error-of-nobody",
        "WS-ERROR-01",
        "Errors never name the event that caused them.",
        also={f"EVENT-ERROR-{number:02d}" for number in (3, 6, 7, 8, 9, 10)}
        | {"EVENT-ITEM-13", "EVENT-ITEM-16", "EVENT-ITEM-17"},
        **told("error", lambda event: put(event, None, "error", "event_id")),
    ),
    mutant(
        "deaf-after-an-error",
        "WS-ERROR-02",
        "After an error nothing more is heard.",
        remembering("", _deaf_after_an_error),
        also=EVERY_EVENT | {"EVENT-ERROR-05"},
    ),
    mutant(
        "part-with-a-text-for-its-place",
        "WS-SHAPE-01",
        "The content_index of a part is a text.",
        also={"EVENT-SHAPE-03", "EVENT-RESPONSE-07"},
        **told("response.content_part.added", lambda event: put(event, "0", "content_index")),
    ),
]
