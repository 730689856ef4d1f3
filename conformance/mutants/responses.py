"""Responses that are told in part, told wrongly, or not ended as they should."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .told import Event, at, cut, heard, put, read, told, unheard, untold

DONE = "response.done"
ITEM_DONE = "response.output_item.done"
ARGUMENTS = "response.function_call_arguments"


def _status(status: str) -> Any:
    return lambda event: at(event, "response", "status") == status


def _of_assistant(event: Event) -> bool:
    return bool(at(event, "item", "role") == "assistant")


def _twice(type: str) -> Mapping[str, Any]:
    return {"event": lambda event: [event, event] if event.get("type") == type else [event]}


def _in_capitals(event: Event) -> Event:
    changed: Event = put(event, str(at(event, "item", "content", 0, "text")).upper(), "item", "content", 0, "text")
    return changed


def _options_stick() -> Mapping[str, Any]:
    """What one `response.create` sets holds for those that follow."""
    options: dict[str, Any] = {}

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        event = read(data)
        if event.get("type") != "response.create":
            return [data]
        options.update(event.get("response") or {})
        return [json.dumps({**event, "response": dict(options)})]

    return {"client_event": hear}


def _tired_after_a_cancel() -> Mapping[str, Any]:
    """No response is created once there was a cancel."""
    cancelled = False

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        nonlocal cancelled
        kind = read(data).get("type")
        cancelled = cancelled or kind == "response.cancel"
        return [] if cancelled and kind == "response.create" else [data]

    return {"client_event": hear}


def _busy_while_it_responds() -> Mapping[str, Any]:
    """Updates are not heard while there is a response."""
    is_busy = False

    def tell(event: Event) -> Sequence[Event]:
        nonlocal is_busy
        if event.get("type") in ("response.created", DONE):
            is_busy = event["type"] == "response.created"
        return [event]

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        return [] if is_busy and read(data).get("type") == "session.update" else [data]

    return {"event": tell, "client_event": hear}


MUTANTS = [
    mutant(
        "created-as-completed",
        "EVENT-RESPONSE-01",
        "A response is completed when it is created.",
        **told("response.created", lambda event: put(event, "completed", "response", "status")),
    ),
    mutant(
        "done-as-incomplete",
        "EVENT-RESPONSE-02",
        "A completed response is told as incomplete.",
        also={"EVENT-CANCEL-04", "WS-RESPONSE-01", "SPEECH-IN-07"},
        **told(DONE, lambda event: put(event, "incomplete", "response", "status"), where=_status("completed")),
    ),
    mutant(
        "delta-of-another-response",
        "EVENT-RESPONSE-03",
        "The deltas of a text name another response.",
        **told("response.output_text.delta", lambda event: {**event, "response_id": "resp_other"}),
    ),
    mutant(
        "done-without-output",
        "EVENT-RESPONSE-04",
        "The output of response.done is empty.",
        **told(DONE, lambda event: put(event, [], "response", "output")),
    ),
    mutant(
        "item-added-twice",
        "EVENT-RESPONSE-05",
        "A response's item is told as added twice.",
        also={"EVENT-SHAPE-02", "WS-SESSION-03"},
        **_twice("response.output_item.added"),
    ),
    mutant(
        "output-outside-of-the-conversation",
        "EVENT-RESPONSE-06",
        "What the model says is not told as done in the conversation.",
        **untold("conversation.item.done", where=_of_assistant),
    ),
    mutant(
        "part-never-added",
        "EVENT-RESPONSE-07",
        "A content part is not told as added.",
        **untold("response.content_part.added"),
    ),
    mutant(
        "text-delta-lost",
        "EVENT-RESPONSE-08",
        "The second delta of a text is lost.",
        also={"WS-RESPONSE-03"},
        **untold("response.output_text.delta"),
        nth=2,
    ),
    mutant(
        "answer-in-capitals",
        "EVENT-RESPONSE-09",
        "The finished item has its text in capitals.",
        **told(ITEM_DONE, _in_capitals, where=lambda event: at(event, "item", "content", 0, "text")),
    ),
    mutant(
        "transcript-delta-lost",
        "EVENT-RESPONSE-10",
        "The second delta of a transcript is lost.",
        **untold("response.output_audio_transcript.delta"),
        nth=2,
    ),
    mutant("sound-never-done", "EVENT-RESPONSE-11", "The sound has no end.", **untold("response.output_audio.done")),
    mutant(
        "usage-wrong",
        "EVENT-RESPONSE-12",
        "The total of the tokens is one too many.",
        **told(
            DONE,
            lambda event: put(
                event, at(event, "response", "usage", "total_tokens") + 1, "response", "usage", "total_tokens"
            ),
        ),
    ),
    mutant(
        "metadata-lost",
        "EVENT-RESPONSE-13",
        "The metadata of a response is null in the end.",
        **told(DONE, lambda event: put(event, None, "response", "metadata")),
    ),
    mutant(
        "options-stick",
        "EVENT-RESPONSE-14",
        "What one response.create sets holds for the next one, too.",
        remembering("", _options_stick),
    ),
    mutant(
        "band-ignored",
        "EVENT-RESPONSE-15",
        "A response outside of the conversation writes to it.",
        **heard(
            "response.create",
            lambda event: cut(event, "response", "conversation"),
            where=lambda event: at(event, "response", "conversation") == "none",
        ),
    ),
    mutant(
        "another-function-called",
        "EVENT-FUNCTION-01",
        "A function call has another function's name.",
        **told(
            ITEM_DONE,
            lambda event: put(event, "other", "item", "name"),
            where=lambda event: at(event, "item", "type") == "function_call",
        ),
    ),
    mutant(
        "argument-delta-lost",
        "EVENT-FUNCTION-02",
        "The first delta of the arguments is lost.",
        **untold(f"{ARGUMENTS}.delta"),
        nth=1,
    ),
    mutant(
        "arguments-of-nothing",
        "EVENT-FUNCTION-03",
        "The end of the arguments does not name the function.",
        **told(f"{ARGUMENTS}.done", lambda event: cut(event, "name")),
    ),
    mutant(
        "cancel-ignored",
        "EVENT-CANCEL-01",
        "A cancel without a response_id is ignored.",
        also={"EVENT-CANCEL-03", "EVENT-CANCEL-04", "EVENT-ERROR-06"},
        **unheard("response.cancel", where=lambda event: "response_id" not in event),
    ),
    mutant(
        "cancel-by-id-ignored",
        "EVENT-CANCEL-02",
        "A cancel with a response_id is ignored.",
        **unheard("response.cancel", where=lambda event: "response_id" in event),
    ),
    mutant(
        "cancelled-by-nobody",
        "EVENT-CANCEL-03",
        "A cancelled response does not say why.",
        also={"SPEECH-IN-07"},
        **told(DONE, lambda event: put(event, None, "response", "status_details"), where=_status("cancelled")),
    ),
    mutant(
        "tired-after-a-cancel",
        "EVENT-CANCEL-04",
        "After a cancel no response is created any more.",
        remembering("", _tired_after_a_cancel),
    ),
    mutant(
        "limit-unnoticed",
        "EVENT-CANCEL-05",
        "A response that reached its limit is told as completed.",
        **told(DONE, lambda event: put(event, "completed", "response", "status"), where=_status("incomplete")),
    ),
    mutant(
        "busy-while-it-responds",
        "EVENT-CANCEL-07",
        "Updates are not heard during a response.",
        remembering("", _busy_while_it_responds),
    ),
]
