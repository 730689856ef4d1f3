"""Servers whose tools are listed wrongly, calls that run when they should not, and approvals that nobody gives."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .told import Event, at, cut, heard, put, read, told, unheard

ITEM_DONE = "conversation.item.done"
OUTPUT_DONE = "response.output_item.done"
ARGUMENTS_DONE = "response.mcp_call_arguments.done"
RUNS = "response.mcp_call.in_progress"
COMPLETED = "response.mcp_call.completed"
ANSWER = "conversation.item.create"


def _of(kind: str) -> Any:
    return lambda event: at(event, "item", "type") == kind


def _with_tools(change: Any) -> Any:
    """What a client says of its tools is heard as `change` makes of them."""

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        event = read(data)
        tools = at(event, "session", "tools")
        return [json.dumps(put(event, change(tools), "session", "tools"))] if tools else [data]

    return {"client_event": hear}


def _without(*names: str) -> Any:
    """Tools without those keys, for a server that can't tell what is wrong with them."""
    return lambda tools: [{name: each for name, each in tool.items() if name not in names} for tool in tools]


def _once(tools: list[Any]) -> list[Any]:
    return [tool for place, tool in enumerate(tools) if tool["server_label"] not in _labels(tools[:place])]


def _labels(tools: list[Any]) -> list[str]:
    return [tool.get("server_label", "") for tool in tools]


def _with_some_address(tools: list[Any]) -> list[Any]:
    lacks = [not tool.keys() & {"server_url", "connector_id"} for tool in tools]
    return [{**tool, "server_url": "x"} if lack else tool for tool, lack in zip(tools, lacks, strict=True)]


def _with_a_known_connector(tools: list[Any]) -> list[Any]:
    return [{**tool, "connector_id": "connector_gmail"} if "connector_id" in tool else tool for tool in tools]


def _runs_before_it_is_asked(event: Event) -> Sequence[Event]:
    """A call that is asked about is told as running, and as completed."""
    if event.get("type") != ITEM_DONE or at(event, "item", "type") != "mcp_approval_request":
        return [event]
    place = {"event_id": f"{event['event_id']}_1", "item_id": at(event, "item", "id"), "output_index": 0}
    return [event, {"type": RUNS, **place}]


def _other_index() -> Mapping[str, Any]:
    return told(COMPLETED, lambda event: {**event, "output_index": event["output_index"] + 1})


def _completed_first() -> Mapping[str, Any]:
    """The run is told behind its item."""
    held: list[Event] = []

    def tell(event: Event) -> Sequence[Event]:
        if event.get("type") == COMPLETED:
            held.append(event)
            return []
        if event.get("type") == OUTPUT_DONE and held:
            return [event, held.pop()]
        return [event]

    return {"event": tell}


def _forgets_servers() -> Mapping[str, Any]:
    """A tool that is only named by its label is none."""

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        event = read(data)
        tools = at(event, "response", "tools")
        if not tools or "server_url" in tools[0]:
            return [data]
        return [json.dumps(put(event, {"tools": []}, "response"))]

    return {"client_event": hear}


MUTANTS = [
    mutant(
        "listing-of-another-item",
        "MCP-LIST-01",
        "The end of a listing names another item than its beginning.",
        **told("mcp_list_tools.completed", lambda event: {**event, "item_id": "item_other"}),
    ),
    mutant(
        "empty-list-of-tools",
        "MCP-LIST-02",
        "The list of a server's tools is empty.",
        **told(ITEM_DONE, lambda event: put(event, [], "item", "tools"), where=_of("mcp_list_tools")),
    ),
    mutant(
        "tools-without-a-description",
        "MCP-LIST-06",
        "The tools of a list have no description.",
        **told(
            ITEM_DONE,
            lambda event: put(event, _without("description")(at(event, "item", "tools")), "item", "tools"),
            where=_of("mcp_list_tools"),
        ),
    ),
    mutant(
        "tools-of-a-response-ignored",
        "MCP-LIST-03",
        "The servers of a single response are ignored.",
        **heard(
            "response.create",
            lambda event: cut(event, "response", "tools"),
            where=lambda e: at(e, "response", "tools", 0, "server_url"),
        ),
    ),
    mutant(
        "label-forgotten",
        "MCP-LIST-04",
        "A server that is named by its label is not there.",
        **_forgets_servers(),
    ),
    mutant(
        "second-label-dropped",
        "MCP-DEFINE-01",
        "Of two servers with one label the second is dropped.",
        **_with_tools(_once),
    ),
    mutant(
        "connector-dropped",
        "MCP-DEFINE-02",
        "A connector_id beside a server_url is dropped.",
        **_with_tools(lambda tools: _without("connector_id")(tools) if "server_url" in tools[0] else tools),
    ),
    mutant(
        "address-made-up",
        "MCP-DEFINE-03",
        "A server without an address gets one.",
        **_with_tools(_with_some_address),
    ),
    mutant(
        "any-connector",
        "MCP-DEFINE-04",
        "Every connector is known.",
        **_with_tools(_with_a_known_connector),
    ),
    mutant(
        "authorization-dropped",
        "MCP-DEFINE-05",
        "Headers of servers are dropped.",
        **_with_tools(_without("headers")),
    ),
    mutant(
        "arguments-cut",
        "MCP-CALL-01",
        "The arguments of a call lack their end.",
        **told(ARGUMENTS_DONE, lambda event: {**event, "arguments": event["arguments"][:-1]}),
    ),
    mutant(
        "completed-behind-its-item",
        "MCP-CALL-02",
        "A call is completed behind its item.",
        remembering("", _completed_first),
    ),
    mutant(
        "call-without-output",
        "MCP-CALL-03",
        "A call that ran has no output.",
        **told(OUTPUT_DONE, lambda event: put(event, None, "item", "output"), where=_of("mcp_call")),
    ),
    mutant("run-elsewhere", "MCP-CALL-04", "A call is completed at another index than it has.", **_other_index()),
    mutant(
        "always-asking",
        "MCP-CALL-05",
        "Approval is asked for although it is not needed.",
        also={"MCP-CALL-01", "MCP-CALL-02", "MCP-CALL-03", "MCP-CALL-04", "MCP-LIST-04"},
        **_with_tools(lambda tools: [{**tool, "require_approval": "always"} for tool in tools]),
    ),
    mutant(
        "approval-for-nothing",
        "MCP-APPROVAL-01",
        "A request for approval does not show the arguments.",
        **told(ITEM_DONE, lambda event: put(event, "", "item", "arguments"), where=_of("mcp_approval_request")),
    ),
    mutant(
        "runs-unapproved",
        "MCP-APPROVAL-02",
        "A call runs while its approval is asked for.",
        also={"MCP-APPROVAL-05"},
        event=_runs_before_it_is_asked,
    ),
    mutant(
        "approval-unheard",
        "MCP-APPROVAL-03",
        "An approval changes nothing.",
        also={"MCP-APPROVAL-04", "MCP-SHAPE-01"},
        **unheard(ANSWER, where=lambda event: at(event, "item", "approve") is True),
    ),
    mutant(
        "approval-not-named",
        "MCP-APPROVAL-04",
        "An approved call does not say by which request.",
        **told(ITEM_DONE, lambda event: put(event, None, "item", "approval_request_id"), where=_of("mcp_call")),
    ),
    mutant(
        "rejected-and-run",
        "MCP-APPROVAL-05",
        "A call runs although it was rejected.",
        **heard(
            ANSWER, lambda event: put(event, True, "item", "approve"), where=lambda e: at(e, "item", "approve") is False
        ),
    ),
    mutant(
        "listing-without-its-item",
        "MCP-SHAPE-01",
        "A listing does not name its item.",
        also={"MCP-LIST-01"},
        **told("mcp_list_tools.completed", lambda event: cut(event, "item_id")),
    ),
]
