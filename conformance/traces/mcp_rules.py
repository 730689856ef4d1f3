"""Rules of MCP: a server's tools are listed once; a call has its arguments before it runs, and runs before it ends."""

from collections.abc import Iterator

from .event import Scope, TraceEvent, Violation
from .rule import Rule

GUIDE = "guide Realtime with tools, Realtime MCP flow"
LISTING = "mcp_list_tools"
CALL = "response.mcp_call"


class McpListing(Rule):
    id = "TRACE-MCP-LISTING"
    says = "The tools of a server are listed once: in progress, then completed or failed."
    evidence = "DOC"
    clause = f"{GUIDE}, 2 and 3"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._is_over: dict[str, bool] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        item_id = event.item_id
        stream, _, what = event.type.rpartition(".")
        if stream != LISTING or item_id is None:
            return
        if what == "in_progress":
            yield from self.unless(item_id not in self._is_over, event, f"{item_id} is in progress a second time")
            self._is_over[item_id] = False
            return
        known = item_id in self._is_over or not self.scope.from_start
        yield from self.unless(known, event, f"{event.type} of {item_id}, which was not in progress")
        yield from self.unless(not self._is_over.get(item_id), event, f"{event.type} of {item_id}, which was over")
        self._is_over[item_id] = True


class McpCall(Rule):
    id = "TRACE-MCP-CALL"
    says = "A call has its arguments before it runs, runs before it is completed, and ends once."
    evidence = "DOC"
    clause = f"{GUIDE}, 5 to 7"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._states: dict[str, str] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        item_id = event.item_id
        if item_id is None:
            return
        stream, _, what = event.type.rpartition(".")
        if event.type == "response.output_item.added" and event.text("item", "type") == "mcp_call":
            self._states[item_id] = "added"
        elif item_id not in self._states:
            return
        elif event.type == f"{CALL}_arguments.done":
            self._states[item_id] = "asked"
        elif stream == CALL:
            # A call that was rejected may fail without a run: the guide does not say.
            before = {"in_progress": ("asked",), "completed": ("in_progress",)}.get(what, ("asked", "in_progress"))
            state = self._states[item_id]
            yield from self.unless(state in before, event, f"{event.type} of {item_id}, which is {state}")
            self._states[item_id] = what


MCP_RULES: tuple[type[Rule], ...] = (McpListing, McpCall)
