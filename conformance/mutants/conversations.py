"""Conversations whose items lose their sound, whose responses get in each other's way, and in which all may change."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .told import Event, at, cut, heard, put, read, told, unheard, untold

RETRIEVED = "conversation.item.retrieved"
DONE = "response.done"


def _says(words: str) -> Any:
    return lambda event: words in str(at(event, "error", "message"))


def _of(role: str) -> Any:
    return lambda event: at(event, "item", "role") == role


def without_sound(event: Event) -> Event:
    """A retrieved item whose content has lost its `audio`."""
    content = at(event, "item", "content") or []
    kept = [{name: each for name, each in part.items() if name != "audio"} for part in content]
    changed: Event = put(event, kept, "item", "content")
    return changed


def _one_response_at_all() -> Mapping[str, Any]:
    """While a response is in progress no other is created."""
    active = 0

    def tell(event: Event) -> Sequence[Event]:
        nonlocal active
        active += {"response.created": 1, DONE: -1}.get(str(event.get("type")), 0)
        return [event]

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        return [] if active and at(read(data), "response", "conversation") == "none" else [data]

    return {"event": tell, "client_event": hear}


def _latest_cancelled() -> Mapping[str, Any]:
    """A cancel without an id ends the response that was created last."""
    latest = ""

    def tell(event: Event) -> Sequence[Event]:
        nonlocal latest
        if event.get("type") == "response.created":
            latest = str(at(event, "response", "id"))
        return [event]

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        event = read(data)
        if event.get("type") != "response.cancel" or "response_id" in event:
            return [data]
        return [f'{{"type": "response.cancel", "response_id": "{latest}"}}']

    return {"event": tell, "client_event": hear}


MUTANTS = [
    mutant(
        "speech-retrieved-without-sound",
        "WS-SOUND-01",
        "What the model spoke is retrieved without its sound.",
        **told(RETRIEVED, without_sound, where=_of("assistant")),
    ),
    mutant(
        "sound-of-a-client-lost",
        "WS-SOUND-02",
        "What a client gave in sound is retrieved without it.",
        also={"WS-TURN-08"},
        **told(RETRIEVED, without_sound, where=_of("user")),
    ),
    mutant(
        "sound-in-every-item",
        "WS-SOUND-03",
        "A finished item has its sound.",
        **told(
            "conversation.item.done",
            lambda event: put(event, "AAAA", "item", "content", 0, "audio"),
            where=lambda event: at(event, "item", "content", 0, "type") == "output_audio",
        ),
    ),
    mutant(
        "images-ignored",
        "WS-ITEM-04",
        "Items with images are ignored.",
        **unheard(
            "conversation.item.create", where=lambda event: at(event, "item", "content", 0, "type") == "input_image"
        ),
    ),
    mutant(
        "speech-taken-for-text",
        "WS-ITEM-05",
        "What an assistant spoke is put into the conversation as text.",
        **heard(
            "conversation.item.create",
            lambda event: put(event, [{"type": "output_text", "text": "hi"}], "item", "content"),
            where=lambda event: at(event, "item", "content", 0, "type") == "output_audio",
        ),
    ),
    mutant(
        "tracing-changes",
        "WS-FIXED-01",
        "Nobody is told that tracing stays.",
        **untold("error", where=lambda event: at(event, "error", "param") == "session.tracing"),
    ),
    mutant(
        "speed-changes-silently",
        "WS-FIXED-02",
        "Nobody is told that the speed stays during a response.",
        **untold("error", where=_says("Cannot update speed")),
    ),
    mutant(
        "slow-as-you-like",
        "WS-FIXED-03",
        "No speed is too slow.",
        **untold("error", where=_says("decimal below minimum value")),
    ),
    mutant(
        "fast-as-you-like",
        "WS-FIXED-04",
        "No speed is too fast.",
        **untold("error", where=_says("decimal above maximum value")),
    ),
    mutant(
        "voice-of-a-response-ignored",
        "WS-FIXED-05",
        "The voice of a single response is ignored.",
        **heard(
            "response.create",
            lambda event: cut(event, "response", "audio"),
            where=lambda event: at(event, "response", "audio"),
        ),
    ),
    mutant(
        "metadata-cut",
        "WS-FIXED-06",
        "Of metadata only 16 pairs are heard.",
        **heard(
            "response.create",
            lambda event: put(event, dict(list(event["response"]["metadata"].items())[:16]), "response", "metadata"),
            where=lambda event: at(event, "response", "metadata"),
        ),
    ),
    mutant(
        "one-response-at-all",
        "WS-BAND-01",
        "A response out of band is not created while another is in progress.",
        remembering("", _one_response_at_all),
        also={"WS-BAND-04", "WS-BAND-05"},
    ),
    mutant(
        "band-with-a-conversation",
        "WS-BAND-02",
        "A response out of band names a conversation.",
        **told(
            DONE,
            lambda event: put(event, "conv_other", "response", "conversation_id"),
            where=lambda event: at(event, "response", "conversation_id") is None,
        ),
    ),
    mutant(
        "references-broken",
        "WS-BAND-03",
        "References to items lead to none.",
        **heard(
            "response.create",
            lambda event: put(event, "item_other", "response", "input", 0, "id"),
            where=lambda event: at(event, "response", "input", 0, "type") == "item_reference",
        ),
    ),
    mutant(
        "id-of-a-cancel-ignored",
        "WS-BAND-04",
        "A cancel ends the conversation's response, whatever id it names.",
        **heard("response.cancel", lambda event: cut(event, "response_id"), where=lambda event: "response_id" in event),
    ),
    mutant(
        "latest-response-cancelled",
        "WS-BAND-05",
        "A cancel without an id ends the latest response.",
        remembering("", _latest_cancelled),
    ),
    mutant(
        "more-cached-than-put-in",
        "WS-USAGE-01",
        "More tokens are cached than were put in.",
        **told(
            DONE,
            lambda event: put(
                event,
                at(event, "response", "usage", "input_tokens") + 1,
                *("response", "usage", "input_token_details", "cached_tokens"),
            ),
            where=lambda event: at(event, "response", "usage"),
        ),
    ),
]
