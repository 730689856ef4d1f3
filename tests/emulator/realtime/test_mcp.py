from collections.abc import Callable
from typing import Any

import pytest
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.realtime.conversation import Conversation, Item
from ringback.emulator.realtime.events import Outbox
from ringback.emulator.realtime.mcp import Import, McpServers
from ringback.emulator.realtime.session_config import parse_session_config

Make = Callable[..., Any]
Take = Callable[[], list[dict[str, Any]]]

DOCS: dict[str, Any] = {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"}
LABEL: dict[str, Any] = {"type": "mcp", "server_label": "docs"}
SEARCH = {"name": "search", "input_schema": {"type": "object"}, "annotations": {"readOnlyHint": True}}
DELETE = {"name": "delete", "input_schema": {"type": "object"}}


@pytest.fixture
def servers(out: Outbox) -> McpServers:
    return McpServers(Conversation("conv_1"), out)


def begun(servers: McpServers, tool: dict[str, Any], **arguments: Any) -> Import:
    servers.use([tool], **arguments)
    one = servers.next_import()
    assert one is not None
    return one


def listed(servers: McpServers, **more: Any) -> list[dict[str, Any]]:
    tool = {**DOCS, **more}
    servers.complete(begun(servers, tool), [SEARCH, DELETE])
    return [tool]


# Listing


def test_server_lists_its_tools_as_an_item_of_the_conversation(servers: McpServers, events_of: Take) -> None:
    servers.use([{"type": "function", "name": "f"}, DOCS])
    added, progress = events_of()
    item_id = added["item"]["id"]
    assert added["item"] == {"id": item_id, "type": "mcp_list_tools", "server_label": "docs", "tools": []}
    assert (progress["type"], progress["item_id"]) == ("mcp_list_tools.in_progress", item_id)
    one = servers.next_import()
    assert one is not None
    servers.complete(one, [SEARCH])
    completed, done = events_of()
    assert (completed["type"], completed["item_id"]) == ("mcp_list_tools.completed", item_id)
    assert (done["type"], done["item"]["tools"]) == ("conversation.item.done", [{**SEARCH, "description": ""}])
    assert servers.next_import() is None


@pytest.mark.parametrize(("given", "shown"), [("Deletes.", "Deletes."), (None, "")])
def test_server_shows_the_description_of_a_tool(
    servers: McpServers, events_of: Take, given: str | None, shown: str
) -> None:
    servers.complete(begun(servers, DOCS), [{**DELETE, "description": given}])
    assert events_of()[-1]["item"]["tools"] == [{**DELETE, "description": shown}]


def test_list_of_tools_comes_behind_the_last_item(servers: McpServers, events_of: Take) -> None:
    listed(servers)
    first = events_of()[0]["item"]["id"]
    begun(servers, {**DOCS, "server_label": "more"})
    assert events_of()[0]["previous_item_id"] == first


def test_server_is_listed_once(servers: McpServers, events_of: Take) -> None:
    tools = listed(servers)
    servers.use(tools, again=True)
    assert servers.next_import() is None


def test_server_that_is_defined_anew_is_listed_anew(servers: McpServers) -> None:
    listed(servers)
    one = begun(servers, {**DOCS, "server_url": "https://example.com/other"})
    assert servers.available([DOCS]) == {}
    servers.complete(one, [DELETE])
    assert servers.available([DOCS]) == {"docs": [DELETE]}


def test_list_of_a_server_that_was_defined_anew_meanwhile_is_not_used(servers: McpServers) -> None:
    late = begun(servers, DOCS)
    servers.complete(begun(servers, {**DOCS, "server_url": "https://example.com/other"}), [DELETE])
    servers.complete(late, [SEARCH])
    assert servers.available([DOCS]) == {"docs": [DELETE]}


def test_server_fails_to_list_its_tools(servers: McpServers, events_of: Take) -> None:
    servers.fail(begun(servers, DOCS))
    types = [event["type"] for event in events_of()]
    assert types[2:] == ["mcp_list_tools.failed", "conversation.item.done"]
    assert servers.available([DOCS]) == {}
    servers.use([DOCS])
    assert servers.next_import() is None
    servers.complete(begun(servers, DOCS, again=True), [SEARCH])
    assert servers.available([DOCS]) == {"docs": [SEARCH]}


@pytest.mark.parametrize(
    ("allowed", "names"),
    [
        (None, ["search", "delete"]),
        (["delete"], ["delete"]),
        ({"tool_names": ["search"]}, ["search"]),
        ({"read_only": True}, ["search"]),
        ({"read_only": False}, ["delete"]),
        ({"read_only": True, "tool_names": ["delete"]}, []),
    ],
)
def test_client_imports_only_the_tools_that_it_allows(servers: McpServers, allowed: Any, names: list[str]) -> None:
    tools = listed(servers, allowed_tools=allowed)
    assert [tool["name"] for tool in servers.available(tools)["docs"]] == names


# Definitions


def test_client_names_a_server_by_its_label_alone(servers: McpServers) -> None:
    listed(servers, allowed_tools=["search"])
    function = {"type": "function", "name": "f"}
    resolved = servers.resolve([function, {**LABEL, "require_approval": "never"}], "session.tools")
    assert resolved == [function, {**DOCS, "allowed_tools": ["search"], "require_approval": "never"}]


def test_client_names_a_server_that_was_not_defined(servers: McpServers) -> None:
    with pytest.raises(InvalidRequest) as caught:
        servers.resolve([DOCS, {**LABEL, "server_label": "x"}], "response.tools")
    assert caught.value.param == "response.tools[1].server_url"


def test_session_begins_with_a_server_that_has_no_address() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_session_config({"type": "realtime", "tools": [LABEL]})
    assert (caught.value.code, caught.value.param) == ("missing_required_parameter", "session.tools[0].server_url")


# Approval


@pytest.mark.parametrize(
    ("rule", "search", "delete"),
    [
        (None, True, True),
        ("always", True, True),
        ("never", False, False),
        ({}, True, True),
        ({"never": {"tool_names": ["search"]}}, False, True),
        ({"never": {"read_only": True}}, False, True),
        ({"always": {"tool_names": ["delete"]}}, False, True),
        ({"always": {"tool_names": ["search"]}, "never": {"read_only": True}}, False, False),
    ],
)
def test_client_is_asked_for_approval_as_it_wished(servers: McpServers, rule: Any, search: bool, delete: bool) -> None:
    tools = listed(servers, require_approval=rule)
    assert servers.needs_approval(tools, "docs", "search") is search
    assert servers.needs_approval(tools, "docs", "delete") is delete


def test_client_is_not_asked_about_servers_of_others(servers: McpServers) -> None:
    assert not servers.needs_approval([{"type": "function", "name": "f"}, DOCS], "other", "search")


def test_filter_of_approvals_holds_for_a_tool_that_was_not_listed(servers: McpServers) -> None:
    rule = {"never": {"tool_names": ["secret"]}}
    assert not servers.needs_approval([{**DOCS, "require_approval": rule}], "docs", "secret")


def test_client_decides_on_a_call(servers: McpServers, events_of: Take) -> None:
    call = Item({"id": "c", "type": "mcp_call", "server_label": "docs", "name": "search", "arguments": "{}"})
    request_id = servers.request_approval(call)
    added, done = events_of()
    assert (added["previous_item_id"], done["item"]) == (None, added["item"])
    assert added["item"] == {
        "id": request_id,
        "type": "mcp_approval_request",
        "server_label": "docs",
        "name": "search",
        "arguments": "{}",
    }
    assert servers.decision(request_id) is None
    answer = {"approval_request_id": request_id, "approve": False, "reason": "No."}
    servers.check_answer(answer)
    servers.answer(answer)
    decision = servers.decision(request_id)
    assert decision is not None
    assert (decision.approve, decision.reason) == (False, "No.")
    with pytest.raises(InvalidRequest, match="waits for a response"):
        servers.check_answer(answer)
    servers.withdraw(request_id)
    with pytest.raises(InvalidRequest) as caught:
        servers.check_answer(answer)
    assert caught.value.param == "item.approval_request_id"


def test_second_request_comes_behind_the_first(servers: McpServers, events_of: Take) -> None:
    call = Item({"id": "c", "type": "mcp_call", "server_label": "docs", "name": "search", "arguments": "{}"})
    first = servers.request_approval(call)
    servers.request_approval(call)
    assert events_of()[2]["previous_item_id"] == first


# In a session


def test_client_adds_a_server_to_its_session(bench: Make) -> None:
    b = bench()
    b.send("session.update", session={"type": "realtime", "tools": [DOCS]})
    assert b.types() == ["session.updated", "conversation.item.added", "mcp_list_tools.in_progress"]
    b.send("session.update", session={"type": "realtime", "instructions": "Be brief."})
    assert b.types() == ["session.updated"]
    b.send("session.update", session={"type": "realtime", "tools": [LABEL]})
    event = b.events()[0]
    assert event["session"]["tools"] == [DOCS]
    assert b.refusal("session.update", session={"type": "realtime", "tools": [{**LABEL, "server_label": "x"}]})


def test_client_adds_a_server_to_one_response(bench: Make) -> None:
    b = bench()
    response = b.begin(tools=[DOCS])
    assert b.types() == ["response.created", "conversation.item.added", "mcp_list_tools.in_progress"]
    assert response.options.tools == [DOCS]
    assert b.session.config.tools == []


def test_client_answers_a_request_for_approval(bench: Make) -> None:
    b = bench()
    call = Item({"id": "c", "type": "mcp_call", "server_label": "docs", "name": "search", "arguments": "{}"})
    request_id = b.session.mcp.request_approval(call)
    answer = {"type": "mcp_approval_response", "approval_request_id": request_id, "approve": True}
    b.events()
    b.send("conversation.item.create", item={**answer, "id": "a"})
    added, done = b.events()
    assert added["item"] == done["item"] == {"id": "a", **answer}
    assert b.session.mcp.decision(request_id).approve
    assert b.refusal("conversation.item.create", item=answer).code == "invalid_value"


# In a response


def test_response_calls_a_tool(bench: Make) -> None:
    b = bench()
    response = b.begin()
    item = response.open_mcp_call("docs", "search")
    response.add_text("{}")
    response.end_arguments()
    response.run_mcp_call()
    response.end_mcp_call(output="42")
    response.close_item()
    b.session.finish(response, "completed")
    events = b.events()
    assert [event["type"] for event in events] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert (events[1]["item"]["arguments"], events[4]["arguments"]) == ("", "{}")
    assert (events[5]["item_id"], events[5]["output_index"]) == (item.id, 0)
    assert "response_id" not in events[5]
    assert events[8]["item"] == {
        "id": item.id,
        "type": "mcp_call",
        "server_label": "docs",
        "name": "search",
        "arguments": "{}",
        "approval_request_id": None,
        "output": "42",
        "error": None,
    }


@pytest.mark.parametrize("runs", [False, True])
def test_response_is_cancelled_in_a_call(bench: Make, runs: bool) -> None:
    b = bench()
    response = b.begin()
    response.open_mcp_call("docs", "search")
    response.add_text("{")
    if runs:
        response.end_arguments()
        response.run_mcp_call()
    b.send("response.cancel")
    events = b.events()
    types = [event["type"] for event in events]
    assert types.count("response.mcp_call_arguments.done") == 1
    assert ("response.mcp_call.failed" in types) is runs
    assert (events[-1]["response"]["output"][0]["error"] is not None) is runs
