from collections.abc import Callable
from typing import Any

import pytest
from ringback.emulator.sessions.model import Call, CallMcp, Say

Make = Callable[..., Any]

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
SERVER = {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"}


def everything(desk: Make, **arguments: Any) -> list[dict[str, Any]]:
    """A session in which items of every maker join the conversation."""
    outputs = [Say(text="Hi"), Call(name="f", arguments="{}")]
    outputs.append(CallMcp(server_label="docs", name="search", arguments="{}"))
    d = desk(outputs, transport="websocket", **arguments)
    d.host.attach("a", d.at)
    d.send("session.update", session={"type": "realtime", "output_modalities": ["text"], "tools": [SERVER]})
    d.send("conversation.item.create", item=USER)
    d.send("response.create")
    events: list[dict[str, Any]] = d.events()
    return events


def test_client_gets_the_events_of_the_beta_beside_their_twins(desk: Make) -> None:
    events = everything(desk, sends_legacy_events=True)
    assert [event["type"] for event in events[:2]] == ["session.created", "conversation.created"]
    conversation = events[1]["conversation"]
    assert conversation["object"] == "realtime.conversation"
    begun = next(event for event in events if event["type"] == "response.created")
    assert begun["response"]["conversation_id"] == conversation["id"]
    added = [place for place, event in enumerate(events) if event["type"] == "conversation.item.added"]
    assert len(added) == 6
    for place in added:
        twin, created = events[place], events[place + 1]
        assert created["type"] == "conversation.item.created"
        assert (created["item"], created["previous_item_id"]) == (twin["item"], twin["previous_item_id"])


@pytest.mark.parametrize("arguments", [{}, {"sends_legacy_events": False}])
def test_client_gets_no_events_of_the_beta(desk: Make, arguments: dict[str, bool]) -> None:
    types = [event["type"] for event in everything(desk, **arguments)]
    assert not {"conversation.created", "conversation.item.created"} & set(types)
