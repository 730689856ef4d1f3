from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.realtime.conversation import ITEM_COST, Conversation, Item, tokens_of, with_transcript


def message(item_id: str, text: str = "", role: str = "user") -> Item:
    content = [{"type": "input_text", "text": text}]
    return Item({"id": item_id, "type": "message", "status": "completed", "role": role, "content": content})


def heard(item_id: str, transcript: str | None, spoken: str | None, samples: int) -> Item:
    content = [{"type": "input_audio", "transcript": transcript}]
    shown: dict[str, Any] = {"id": item_id, "type": "message", "role": "user", "content": content}
    return Item(shown, audio=np.zeros(samples, dtype=np.int16), spoken=spoken)


def order(conversation: Conversation) -> list[str]:
    backwards = [item.id for item in conversation.backwards()]
    forwards = []
    item = conversation.first
    while item is not None:
        forwards.append(item.id)
        item = item.next
    assert forwards == backwards[::-1]
    return forwards


def test_items_keep_the_order_in_which_they_were_put() -> None:
    conversation = Conversation("conv_1")
    for name in "ac":
        conversation.append(message(name))
    conversation.insert(message("b"), conversation.get("a"))
    conversation.insert(message("first"), None)
    assert order(conversation) == ["first", "a", "b", "c"]
    assert len(conversation) == 4
    assert conversation.get("nobody") is None


@pytest.mark.parametrize(("name", "left"), [("a", ["b", "c"]), ("b", ["a", "c"]), ("c", ["a", "b"])])
def test_item_is_removed_from_anywhere(name: str, left: list[str]) -> None:
    conversation = Conversation("conv_1")
    for each in "abc":
        conversation.append(message(each, "four"))
    item = conversation.get(name)
    assert item is not None
    conversation.remove(item)
    assert order(conversation) == left
    assert item.previous is item.next is None
    assert conversation.text_tokens == 2


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 9))))
def test_conversation_agrees_with_a_list(steps: list[tuple[bool, int, int]]) -> None:
    conversation, model = Conversation("conv_1"), list[str]()
    for adds, name, place in steps:
        known = conversation.get(str(name))
        if adds and known is None:
            index = min(place, len(model))
            conversation.insert(message(str(name)), conversation.get(model[index - 1]) if index else None)
            model.insert(index, str(name))
        elif not adds and known is not None:
            conversation.remove(known)
            model.remove(str(name))
        assert order(conversation) == model


def test_oldest_items_are_forgotten_beyond_the_budget() -> None:
    conversation = Conversation("conv_1", budget=3 * ITEM_COST)
    for name in "abcd":
        conversation.append(message(name))
    assert order(conversation) == ["b", "c", "d"]
    conversation.append(message("huge", "x" * 10 * ITEM_COST))
    assert order(conversation) == ["huge"]


def test_item_that_changed_is_weighed_again() -> None:
    conversation = Conversation("conv_1")
    item = message("a")
    conversation.append(item)
    item.shown = message("a", "x" * 40).shown
    conversation.changed(item)
    assert conversation.text_tokens == 10
    conversation.remove(item)
    conversation.changed(item)
    assert conversation.text_tokens == 0


def test_sound_counts_in_tokens_and_milliseconds() -> None:
    conversation = Conversation("conv_1")
    item = heard("a", None, "words", 8000)
    conversation.append(item)
    assert (item.audio_ms, conversation.audio_tokens, conversation.text_tokens) == (1000, 10, 2)
    assert message("b").audio_ms == 0


@pytest.mark.parametrize(
    ("item", "texts"),
    [
        (message("a", "Hi"), ["Hi"]),
        (message("a", ""), []),
        (heard("a", None, "words", 1), ["words"]),
        (heard("a", "shown", "words", 1), ["shown"]),
        (heard("a", None, None, 1), []),
        (Item({"id": "a", "type": "function_call_output", "call_id": "c", "output": "12"}), ["12"]),
        (Item({"id": "a", "type": "mcp_call", "output": None, "arguments": "{}"}), ["{}"]),
        (Item({"id": "a", "type": "message", "role": "user", "content": [{"type": "input_image"}]}), []),
    ],
)
def test_model_reads_every_text_of_an_item(item: Item, texts: list[str]) -> None:
    assert list(item.texts()) == texts


def test_item_knows_what_it_is() -> None:
    assert (message("a").type, message("a").role) == ("message", "user")
    assert Item({"id": "a", "type": "function_call"}).role is None


def test_transcript_is_put_into_a_copy() -> None:
    shown = heard("a", None, "x", 1).shown
    changed = with_transcript(shown, 0, "words")
    assert changed["content"] == [{"type": "input_audio", "transcript": "words"}]
    assert shown["content"] == [{"type": "input_audio", "transcript": None}]


def test_oldest_are_forgotten_when_an_item_grows() -> None:
    conversation = Conversation("conv_1", budget=3 * ITEM_COST)
    for name in "abc":
        conversation.append(message(name))
    assert conversation.first is not None
    assert conversation.is_beginning(conversation.first)
    last = conversation.get("c")
    assert last is not None
    last.shown = message("c", "more").shown
    conversation.changed(last)
    assert order(conversation) == ["b", "c"]
    assert not conversation.is_beginning(conversation.first)


def test_four_characters_are_a_token() -> None:
    assert [tokens_of(count) for count in (0, 1, 4, 5)] == [0, 1, 1, 2]
