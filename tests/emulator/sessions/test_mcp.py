from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from ringback.emulator.sessions.model import CallMcp, McpError, McpListing, Output, Say, Turn

Make = Callable[..., Any]

DOCS: dict[str, Any] = {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"}
FREE = {**DOCS, "require_approval": "never"}
SEARCH = {"name": "search", "input_schema": {"type": "object"}}
TEXT: dict[str, Any] = {"output_modalities": ["text"]}


class Librarian:
    """A model that knows what a server offers, and says what it may call."""

    def __init__(self, listing: McpListing, *answers: Iterable[Output]) -> None:
        self.listing = listing
        self.answers = list(answers)
        self.turns: list[Turn] = []
        self.asked: list[Mapping[str, Any]] = []

    def list_tools(self, server: Mapping[str, Any]) -> McpListing:
        self.asked.append(server)
        return self.listing

    def respond(self, turn: Turn) -> Iterable[Output]:
        self.turns.append(turn)
        return self.answers.pop(0) if self.answers else ()


def add_server(desk: Any, **more: Any) -> None:
    desk.send("session.update", session={"type": "realtime", "tools": [{**DOCS, **more}]})


def only(events: list[dict[str, Any]], event_type: str) -> dict[str, Any]:
    found = [event for event in events if event["type"] == event_type]
    assert len(found) == 1
    return found[0]


def test_server_of_a_model_that_knows_none_offers_nothing(desk: Make) -> None:
    d = desk()
    add_server(d)
    assert d.types() == [
        "session.updated",
        "conversation.item.added",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "conversation.item.done",
    ]


def test_server_takes_its_time_to_list(desk: Make) -> None:
    librarian = Librarian(McpListing(tools=[SEARCH], delay=2.0))
    d = desk(model=librarian)
    add_server(d)
    assert d.types()[-1] == "mcp_list_tools.in_progress"
    d.send("response.create")
    d.events()
    assert d.host.next_deadline() == 1002.0
    d.wait(2.0)
    assert d.types() == ["mcp_list_tools.completed", "conversation.item.done"]
    d.send("response.create")
    assert [turn.mcp_tools for turn in librarian.turns] == [{}, {"docs": [SEARCH]}]


def test_server_fails(desk: Make) -> None:
    d = desk(model=Librarian(McpListing(fails=True)))
    add_server(d)
    assert d.types()[3:] == ["mcp_list_tools.failed", "conversation.item.done"]


def test_server_of_a_response_is_listed_before_the_model_is_asked(desk: Make) -> None:
    librarian = Librarian(McpListing(tools=[SEARCH]))
    d = desk(model=librarian)
    d.send("response.create", response={"tools": [DOCS]})
    assert d.types()[:3] == ["response.created", "conversation.item.added", "mcp_list_tools.in_progress"]
    assert librarian.turns[0].mcp_tools == {"docs": [SEARCH]}
    assert librarian.asked == [DOCS]


def test_call_lists_its_servers_when_it_begins(desk: Make) -> None:
    d = desk(config={"tools": [DOCS]})
    assert "mcp_list_tools.completed" in d.types()
    d.host.attach("a", d.at)
    assert d.types() == []


def test_session_without_a_call_lists_its_servers_when_somebody_is_there(desk: Make) -> None:
    d = desk(config={"tools": [DOCS]}, transport="websocket")
    assert d.types() == []
    d.host.attach("a", d.at)
    assert d.types()[:3] == ["session.created", "conversation.item.added", "mcp_list_tools.in_progress"]
    d.host.attach("b", d.at)
    assert d.types() == ["session.created"]


def test_model_calls_a_tool_and_speaks_of_it(desk: Make) -> None:
    call = CallMcp(server_label="docs", name="search", arguments="{}", output="42", takes=1.0, pace=0.5)
    d = desk([call, Say(text="It is 42.")], config={**TEXT, "tools": [FREE]})
    d.send("response.create")
    d.wait(0.4)
    assert d.types()[-1] == "response.mcp_call_arguments.delta"
    d.wait(0.1)
    assert d.types()[-1] == "response.mcp_call.in_progress"
    d.wait(1.0)
    events = d.events()
    assert [event["type"] for event in events][:4] == [
        "response.mcp_call.completed",
        "conversation.item.done",
        "response.output_item.done",
        "response.output_item.added",
    ]
    output = only(events, "response.done")["response"]["output"]
    assert [item["type"] for item in output] == ["mcp_call", "message"]
    assert (output[0]["output"], output[0]["error"]) == ("42", None)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (
            McpError(type="protocol_error", message="no", code=-32601),
            {"type": "protocol_error", "code": -32601, "message": "no"},
        ),
        (McpError(type="http_error", message="no", code=503), {"type": "http_error", "code": 503, "message": "no"}),
        (McpError(type="tool_execution_error", message="no"), {"type": "tool_execution_error", "message": "no"}),
    ],
)
def test_tool_fails(desk: Make, error: McpError, shown: dict[str, Any]) -> None:
    d = desk(
        [CallMcp(server_label="docs", name="search", arguments="{}", error=error)], config={**TEXT, "tools": [FREE]}
    )
    d.send("response.create")
    events = d.events()
    assert only(events, "response.mcp_call.failed")
    item = only(events, "response.output_item.done")["item"]
    assert (item["output"], item["error"]) == (None, shown)
    assert only(events, "response.done")["response"]["status"] == "completed"


def asked(desk: Make) -> Any:
    d = desk([CallMcp(server_label="docs", name="search", arguments="{}", output="42")], config={"tools": [DOCS]})
    d.events()
    d.send("response.create")
    return d


def answer(request_id: str, approve: bool, **more: Any) -> dict[str, Any]:
    return {"type": "mcp_approval_response", "approval_request_id": request_id, "approve": approve, **more}


def test_client_approves_a_call(desk: Make) -> None:
    d = asked(desk)
    events = d.events()
    assert [event["type"] for event in events][-3:] == [
        "response.mcp_call_arguments.done",
        "conversation.item.added",
        "conversation.item.done",
    ]
    request = events[-1]["item"]
    assert request["arguments"] == "{}"
    d.send("input_audio_buffer.clear")
    d.wait(100.0)
    assert d.types() == ["input_audio_buffer.cleared"]
    d.send("conversation.item.create", item=answer(request["id"], True))
    events = d.events()
    assert [event["type"] for event in events][2:] == [
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert only(events, "response.output_item.done")["item"]["approval_request_id"] == request["id"]


@pytest.mark.parametrize(("more", "message"), [({}, "The tool call was rejected."), ({"reason": "No!"}, "No!")])
def test_client_rejects_a_call(desk: Make, more: dict[str, str], message: str) -> None:
    d = asked(desk)
    request_id = d.events()[-1]["item"]["id"]
    d.send("conversation.item.create", item=answer(request_id, False, **more))
    events = d.events()
    assert "response.mcp_call.in_progress" not in [event["type"] for event in events]
    item = only(events, "response.output_item.done")["item"]
    assert (item["approval_request_id"], item["output"]) == (request_id, None)
    assert item["error"] == {"type": "tool_execution_error", "message": message}
    assert only(events, "response.mcp_call.failed")["item_id"] == item["id"]


def test_client_cancels_a_response_that_waits_for_approval(desk: Make) -> None:
    d = asked(desk)
    request_id = d.events()[-1]["item"]["id"]
    d.send("response.cancel")
    assert "response.done" in d.types()
    d.send("conversation.item.create", item=answer(request_id, True))
    assert d.types() == ["error"]
    assert d.host.next_deadline() == 4600.0


def test_call_that_is_too_long_is_not_run(desk: Make) -> None:
    d = desk([CallMcp(server_label="docs", name="search", arguments='{"a": 1}')], config={"tools": [FREE]})
    d.send("response.create", response={"max_output_tokens": 2})
    events = d.events()
    assert "response.mcp_call.in_progress" not in [event["type"] for event in events]
    assert only(events, "response.done")["response"]["status_details"]["reason"] == "max_output_tokens"
