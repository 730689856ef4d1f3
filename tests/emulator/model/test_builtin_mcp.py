import json
import random
from typing import Any

import pytest
from ringback.emulator.ids import Ids
from ringback.emulator.model.builtin import BuiltinModel, forced_function, forced_mcp_tool
from ringback.emulator.realtime.effects import SendEvent
from ringback.emulator.realtime.session_config import parse_session_config
from ringback.emulator.sessions.host import SessionHost

SERVER: dict[str, Any] = {
    "type": "mcp",
    "server_label": "docs",
    "server_url": "https://example.com/mcp",
    "require_approval": "never",
}
LISTED = {"empty": [], "docs": [{"name": "search"}, {"name": "fetch"}]}


@pytest.mark.parametrize(
    ("allowed", "names"),
    [(None, []), (["search", "fetch"], ["search", "fetch"]), ({"tool_names": ["search"]}, ["search"]), ({}, [])],
)
def test_server_has_the_tools_that_its_client_allows(allowed: Any, names: list[str]) -> None:
    listing = BuiltinModel().list_tools({**SERVER, "allowed_tools": allowed})
    assert [tool["name"] for tool in listing.tools] == names


@pytest.mark.parametrize(
    ("tool_choice", "tool"),
    [
        ("required", ("docs", "search")),
        ("auto", None),
        ({"type": "mcp", "server_label": "docs"}, ("docs", "search")),
        ({"type": "mcp", "server_label": "docs", "name": "fetch"}, ("docs", "fetch")),
        ({"type": "mcp", "server_label": "docs", "name": "x"}, None),
        ({"type": "mcp", "server_label": "x", "name": "fetch"}, None),
        ({"type": "function", "name": "fetch"}, None),
    ],
)
def test_model_calls_a_tool_that_it_must(tool_choice: Any, tool: Any) -> None:
    assert forced_mcp_tool(tool_choice, LISTED) == tool


def test_model_calls_no_function_for_a_tool() -> None:
    choice = {"type": "mcp", "server_label": "docs", "name": "f"}
    assert forced_function(choice, [{"type": "function", "name": "f"}]) is None


def test_model_calls_a_tool_and_then_says_what_it_gave() -> None:
    host = SessionHost(
        session_id="sess_1",
        config=parse_session_config(
            {
                "type": "realtime",
                "output_modalities": ["text"],
                "tools": [{**SERVER, "allowed_tools": ["search"]}],
                "tool_choice": {"type": "mcp", "server_label": "docs"},
            }
        ),
        model=BuiltinModel(),
        ids=Ids(random.Random(1)),
        now=0.0,
        transport="sip",
    )
    for _ in range(2):
        host.receive_text("a", json.dumps({"type": "response.create"}), 0.0)
    events = []
    while (effect := host.next_effect()) is not None:
        if isinstance(effect, SendEvent):
            events.append(effect.event)
    first, second = (event["response"]["output"][0] for event in events if event["type"] == "response.done")
    assert (first["type"], first["name"], first["arguments"], first["output"]) == ("mcp_call", "search", "{}", "{}")
    assert second["content"] == [{"type": "output_text", "text": "{}"}]
