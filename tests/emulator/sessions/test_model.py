from collections.abc import Callable
from typing import Any

from ringback.emulator.sessions.model import Say

Make = Callable[..., Any]

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


def test_model_reads_the_conversation_from_its_end(desk: Make) -> None:
    d = desk([Say(text="one")])
    for item_id in "ab":
        d.send("conversation.item.create", item={**USER, "id": item_id})
    d.send("response.create")
    d.send("response.create")
    assert [item.id for item in d.script.turns[1].latest_first()][1:] == ["b", "a"]
    assert d.script.turns[0].cause == "client"


def test_model_reads_the_input_of_a_response_instead(desk: Make) -> None:
    d = desk()
    d.send("conversation.item.create", item={**USER, "id": "a"})
    given = [{**USER, "id": "x"}, {**USER, "id": "y"}]
    d.send("response.create", response={"input": given, "instructions": "Be nice."})
    (turn,) = d.script.turns
    assert [item.id for item in turn.latest_first()] == ["y", "x"]
    assert turn.options.instructions == "Be nice."
    assert turn.config.model == "gpt-realtime"
