"""Responses of several items: one beside the other, and what they count for."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.sessions.model import Call, End, Play, Say

Make = Callable[..., Any]

TEXT = {"output_modalities": ["text"]}
USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "one two three four five six"}]}


def done_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    done: dict[str, Any] = next(event for event in events if event["type"] == "response.done")["response"]
    return done


@pytest.mark.parametrize(
    "message", [Say, lambda **more: Play(samples=np.zeros(8, np.int16), transcript="Wait", **more)]
)
def test_call_is_added_before_its_message_is_done(desk: Make, message: Any) -> None:
    more = {"text": "Wait"} if message is Say else {}
    d = desk([message(overlaps=True, delay=1.0, **more), Call(name="f", arguments="{}", delay=1.0)], config=TEXT)
    d.send("response.create")
    d.wait(1.5)
    assert d.types()[-1] == "response.output_text.delta"
    d.wait(0.5)
    events = d.events()
    assert [event["type"] for event in events][:6] == [
        "response.output_item.added",
        "conversation.item.added",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
    ]
    assert [event["output_index"] for event in events if "output_index" in event][:4] == [1, 0, 0, 0]
    assert [item["type"] for item in done_of(events)["output"]] == ["message", "function_call"]


def test_message_that_nothing_follows_is_done_at_the_end(desk: Make) -> None:
    d = desk([Say(text="Wait", overlaps=True)], config=TEXT)
    d.send("response.create")
    done = done_of(d.events())
    assert (done["status"], done["output"][0]["status"]) == ("completed", "completed")


def test_message_that_is_open_is_incomplete_when_its_response_is_cancelled(desk: Make) -> None:
    d = desk([Say(text="Wait", overlaps=True), Call(name="f", arguments="{}", delay=1.0)], config=TEXT)
    d.send("response.create")
    d.send("response.cancel")
    done = done_of(d.events())
    assert (done["status"], done["output"][0]["status"]) == ("cancelled", "incomplete")


def test_model_calls_functions_in_parallel(desk: Make) -> None:
    d = desk([Call(name=name, arguments="{}") for name in "abc"], config=TEXT)
    d.send("response.create")
    output = done_of(d.events())["output"]
    assert [item["name"] for item in output] == ["a", "b", "c"]
    assert len({item["call_id"] for item in output}) == len({item["id"] for item in output}) == 3


def test_response_is_cut_off_by_a_filter(desk: Make) -> None:
    d = desk([Say(text="Well", overlaps=True), End(status="incomplete", reason="content_filter")], config=TEXT)
    d.send("response.create")
    done = done_of(d.events())
    assert (done["status"], done["status_details"]) == (
        "incomplete",
        {"type": "incomplete", "reason": "content_filter"},
    )


def sums_up(usage: dict[str, Any]) -> bool:
    details = usage["input_token_details"]
    return bool(
        usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        and usage["input_tokens"] == sum(details[f"{kind}_tokens"] for kind in ("text", "audio", "image"))
        and usage["output_tokens"] == sum(usage["output_token_details"].values())
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, 7),
        ({"conversation": "none"}, 7),
        ({"input": []}, 0),
        ({"input": [], "instructions": "say"}, 1),
        ({"input": [{"type": "item_reference", "id": "a"}, USER]}, 14),
        ({"conversation": "none", "input": [USER]}, 7),
    ],
)
def test_usage_counts_what_a_response_reads(desk: Make, options: dict[str, Any], text: int) -> None:
    d = desk([Say(text="one two three four")], config=TEXT)
    d.send("conversation.item.create", item={**USER, "id": "a"})
    d.send("response.create", response=options)
    usage = done_of(d.events())["usage"]
    assert sums_up(usage)
    assert (usage["input_tokens"], usage["output_tokens"]) == (text, 4)


def test_usage_counts_sound_that_a_response_reads(desk: Make) -> None:
    d = desk([Say(text="one")], config={"audio": {"input": {"format": {"type": "audio/pcmu"}}}}, transport="websocket")
    part = {"type": "input_audio", "audio": "AAAA" * 8000}
    item = {"type": "message", "role": "user", "content": [part]}
    d.send("response.create", response={"conversation": "none", "input": [item]})
    usage = done_of(d.events())["usage"]
    assert sums_up(usage)
    assert usage["input_token_details"]["audio_tokens"] == 30
