"""Events of a wrong shape, and a session that is configured wrongly."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ringback.emulator.calls.effects import OpenSession
from ringback.emulator.faults.effects import change

from . import mutant
from .told import at, cut, heard, put, told, untold


def _clearing_ignored(*path: str) -> Mapping[str, Any]:
    """What clears a field of the session is heard as if it were not there."""
    inside = ("session", *path)
    return heard(
        "session.update",
        lambda event: cut(event, *inside),
        where=lambda event: path[-1] in (at(event, *inside[:-1]) or {}) and not at(event, *inside),
    )


MUTANTS = [
    mutant(
        "event-without-id",
        "EVENT-SHAPE-01",
        "A response.content_part.added has no event_id.",
        also={"EVENT-SHAPE-03", "WS-SESSION-03", "WS-SHAPE-01"},
        **told("response.content_part.added", lambda event: cut(event, "event_id")),
    ),
    mutant(
        "event-id-twice",
        "EVENT-SHAPE-02",
        "Every conversation.item.done has the same event_id.",
        also={"WS-SESSION-03"},
        **told("conversation.item.done", lambda event: {**event, "event_id": "event_000000000000000000000"}),
    ),
    mutant(
        "index-as-text",
        "EVENT-SHAPE-03",
        "The output_index of response.output_item.added is a string.",
        also={"WS-SHAPE-01"},
        **told("response.output_item.added", lambda event: {**event, "output_index": str(event["output_index"])}),
    ),
    mutant(
        "session-in-part",
        "EVENT-SESSION-01",
        "A session.updated leaves out the model and the tool choice.",
        **told("session.updated", lambda event: cut(cut(event, "session", "model"), "session", "tool_choice")),
    ),
    mutant(
        "update-forgets-tools",
        "EVENT-SESSION-02",
        "An update without tools removes those that were there.",
        **heard(
            "session.update",
            lambda event: put(event, [], "session", "tools"),
            where=lambda event: "tools" not in (at(event, "session") or {}),
        ),
    ),
    mutant(
        "accept-unread",
        "EVENT-SESSION-03",
        "The instructions of accept are not taken over.",
        change("", OpenSession, lambda effect: replace(effect, config=replace(effect.config, instructions=""))),
    ),
    mutant(
        "instructions-for-ever",
        "EVENT-SESSION-04",
        "Empty instructions in an update are ignored.",
        **_clearing_ignored("instructions"),
    ),
    mutant("tools-for-ever", "EVENT-SESSION-05", "No tools in an update are ignored.", **_clearing_ignored("tools")),
    mutant(
        "detection-for-ever",
        "EVENT-SESSION-06",
        "A turn_detection of null in an update is ignored.",
        **_clearing_ignored("audio", "input", "turn_detection"),
    ),
    mutant(
        "reduction-for-ever",
        "EVENT-SESSION-07",
        "A noise_reduction of null in an update is ignored.",
        **_clearing_ignored("audio", "input", "noise_reduction"),
    ),
    mutant(
        "voice-changes-silently",
        "EVENT-SESSION-08",
        "Nobody is told that the voice can't be changed any more.",
        **untold("error", where=lambda event: at(event, "error", "code") == "cannot_update_voice"),
    ),
]
