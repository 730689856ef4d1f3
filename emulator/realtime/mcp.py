"""MCP in a session: which servers its tools name, what they offer, and whose consent a call needs.

Nothing here knows a network: whoever knows what a server offers takes `next_import()` and ends it by `complete` or
`fail`. The order of events is that of the guide "Realtime with tools" [DOC]; what it leaves open is tagged.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidRequest
from .conversation import Conversation, Item
from .events import Outbox
from .mcp_tools import Tool, check_defined, has_address, is_mcp
from .validation import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A server whose tools are being listed. `tool` is its definition, `item` the list in the conversation."""

    tool: dict[str, Any]
    item: Item
    previous_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A client's answer to a request for approval."""

    approve: bool
    reason: str | None


class McpServers:
    """The servers of one session, by their labels, and the approvals that were asked for."""

    def __init__(self, conversation: Conversation, out: Outbox) -> None:
        self._conversation = conversation
        self._out = out
        self._defined: dict[str, dict[str, Any]] = {}
        self._offered: dict[str, list[dict[str, Any]]] = {}
        self._failed: set[str] = set()
        self._imports: deque[Import] = deque()
        self._decisions: dict[str, Decision | None] = {}

    # Input: definitions

    def resolve(self, tools: list[dict[str, Any]], path: str) -> list[dict[str, Any]]:
        """`tools` with whole definitions: a server that was defined before may be named by its label alone [DOC].
        Raises `InvalidRequest` for one that was not."""
        check_defined(tools, path, known=self._defined)
        return [
            {**self._defined[tool["server_label"]], **tool} if is_mcp(tool) and not has_address(tool) else tool
            for tool in tools
        ]

    def use(self, tools: Iterable[dict[str, Any]], *, again: bool = False) -> None:
        """Begin to list what the servers among these tools offer, unless that was done: `mcp_list_tools.in_progress`.
        `again`: also where that failed."""
        for tool in tools:
            if not is_mcp(tool):
                continue
            label = tool["server_label"]
            if self._defined.get(label) != tool or (again and label in self._failed):
                self._defined[label] = tool
                self._offered.pop(label, None)
                self._failed.discard(label)
                self._begin(tool)

    def _begin(self, tool: dict[str, Any]) -> None:
        previous = self._conversation.last
        previous_id = None if previous is None else previous.id
        item = Item(_list_of(self._out.ids.item(), tool, []))
        self._conversation.append(item)
        # The item comes first, since clients retrieve it when they are told of the progress [SDK, agents-js].
        self._out.send_added(previous_id, item.shown)
        self._out.send("mcp_list_tools.in_progress", item_id=item.id)
        self._imports.append(Import(tool=tool, item=item, previous_id=previous_id))

    # Input: whoever knows the servers

    def next_import(self) -> Import | None:
        """The next server that waits for what it offers."""
        return self._imports.popleft() if self._imports else None

    def complete(self, begun: Import, offered: Sequence[Mapping[str, Any]]) -> None:
        """The server has answered. Only what `allowed_tools` lets through is imported [DOC]."""
        tools = [dict(each) for each in offered if _passes(begun.tool.get("allowed_tools"), each)]
        if self._defined.get(begun.tool["server_label"]) == begun.tool:
            self._offered[begun.tool["server_label"]] = tools
        begun.item.shown = _list_of(begun.item.id, begun.tool, tools)
        self._out.send("mcp_list_tools.completed", item_id=begun.item.id)
        self._done(begun)

    def fail(self, begun: Import) -> None:
        """The server can't be reached, or refuses: the list is done, and empty [CHOICE]."""
        self._failed.add(begun.tool["server_label"])
        self._out.send("mcp_list_tools.failed", item_id=begun.item.id)
        self._done(begun)

    def _done(self, begun: Import) -> None:
        self._out.send("conversation.item.done", previous_item_id=begun.previous_id, item=begun.item.shown)

    # Input: approvals

    def request_approval(self, call: Item) -> str:
        """Ask the client whether a call may run: an item of the conversation [DOC]. Returns that item's id."""
        previous = self._conversation.last
        request = Item(
            {
                "id": self._out.ids.item(),
                "type": "mcp_approval_request",
                "server_label": call.shown["server_label"],
                "name": call.shown["name"],
                "arguments": call.shown["arguments"],
            }
        )
        self._conversation.append(request)
        previous_id = None if previous is None else previous.id
        self._out.send_added(previous_id, request.shown)
        self._out.send("conversation.item.done", previous_item_id=previous_id, item=request.shown)
        self._decisions[request.id] = None
        return request.id

    def check_answer(self, item: Mapping[str, Any]) -> None:
        """Raises `InvalidRequest` where an `mcp_approval_response` answers nothing that waits; words are ours."""
        request_id = item["approval_request_id"]
        if self._decisions.get(request_id, item) is not None:
            raise InvalidRequest(
                f"No approval request '{shown(request_id)}' waits for a response.",
                code="invalid_value",
                param="item.approval_request_id",
            )

    def answer(self, item: Mapping[str, Any]) -> None:
        """An `mcp_approval_response` came, and was checked."""
        self._decisions[item["approval_request_id"]] = Decision(approve=item["approve"], reason=item.get("reason"))

    def withdraw(self, request_id: str) -> None:
        """Nobody waits for that approval any more."""
        self._decisions.pop(request_id, None)

    # Queries

    def decision(self, request_id: str) -> Decision | None:
        """What the client decided; None while it has not."""
        return self._decisions.get(request_id)

    def available(self, tools: Iterable[Tool]) -> dict[str, list[dict[str, Any]]]:
        """Of the servers among these tools, what was listed by now: only that can be called [DOC]. By label."""
        labels = [tool["server_label"] for tool in tools if is_mcp(tool)]
        return {label: self._offered[label] for label in labels if label in self._offered}

    def needs_approval(self, tools: Iterable[Tool], label: str, name: str) -> bool:
        """Whether a call has to wait for consent. Unless told otherwise it has to [DOC]; a filter that only says what
        `always` has to frees the rest [CHOICE]. What no client configured never has to."""
        tool = next((tool for tool in tools if is_mcp(tool) and tool["server_label"] == label), None)
        if tool is None:
            return False
        rule = tool.get("require_approval")
        if not isinstance(rule, Mapping):
            return rule != "never"
        offered = next((each for each in self._offered.get(label, ()) if each["name"] == name), {"name": name})
        if "never" in rule and _passes(rule["never"], offered):
            return False
        return _passes(rule["always"], offered) if "always" in rule else True


def _passes(allowed: Any, tool: Mapping[str, Any]) -> bool:
    """Whether a tool is among those that a list of names or a filter allows. `read_only` is about its annotation."""
    if allowed is None:
        return True
    if isinstance(allowed, list):
        return tool["name"] in allowed
    annotations = tool.get("annotations") or {}
    is_read_only = isinstance(annotations, Mapping) and annotations.get("readOnlyHint") is True
    if "read_only" in allowed and allowed["read_only"] != is_read_only:
        return False
    return "tool_names" not in allowed or tool["name"] in allowed["tool_names"]


def _list_of(item_id: str, tool: Tool, tools: list[dict[str, Any]]) -> dict[str, Any]:
    # agents-js takes a list for an unknown event, and so imports nothing, where a tool has no description [SDK].
    described = [{**each, "description": each.get("description") or ""} for each in tools]
    return {"id": item_id, "type": "mcp_list_tools", "server_label": tool["server_label"], "tools": described}
