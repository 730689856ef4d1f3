"""MCP without a network: the model says what servers offer, and what becomes of calls; here it happens in time."""

import math
from collections.abc import Iterator

from ..realtime.conversation import Item
from ..realtime.mcp import Import, McpServers
from ..realtime.response import Response
from .model import CallMcp, McpListing, Model, knows_servers

WAITING = math.inf
"""What a step yields that waits for a client, not for time."""

REJECTED = "The tool call was rejected."


class Listings:
    """The servers whose tools are being listed."""

    def __init__(self, servers: McpServers, model: Model) -> None:
        self._servers = servers
        self._model = model if knows_servers(model) else None
        self._under_way: list[tuple[float, Import, McpListing]] = []

    def begin(self, now: float) -> None:
        """Ask for what was not asked for yet; what is known at once is told at once."""
        while (begun := self._servers.next_import()) is not None:
            listing = McpListing() if self._model is None else self._model.list_tools(begun.tool)
            self._under_way.append((now + listing.delay, begun, listing))
            self.advance(now)

    def advance(self, now: float) -> None:
        """Tell what is due."""
        due = [each for each in self._under_way if each[0] <= now]
        self._under_way = [each for each in self._under_way if each[0] > now]
        for _, begun, listing in due:
            if listing.fails:
                self._servers.fail(begun)
            else:
                self._servers.complete(begun, listing.tools)

    @property
    def deadlines(self) -> list[float]:
        return [due for due, _, _ in self._under_way]


def run(call: CallMcp, item: Item, response: Response, servers: McpServers) -> Iterator[float]:
    """A call whose arguments are there: perhaps a request for approval, then the run. Yields how long to wait.

    The response stays open meanwhile, as the documentation's order of events has it [DOC]; a call that is rejected
    fails without running [CHOICE].
    """
    response.end_arguments()
    request_id = None
    if servers.needs_approval(response.options.tools, call.server_label, call.name):
        request_id = servers.request_approval(item)
        try:
            while (decision := servers.decision(request_id)) is None:
                yield WAITING
        finally:
            servers.withdraw(request_id)
        if not decision.approve:
            error = {"type": "tool_execution_error", "message": decision.reason or REJECTED}
            response.end_mcp_call(output=None, error=error, approval_request_id=request_id)
            return
    response.run_mcp_call(approval_request_id=request_id)
    if call.takes:
        yield call.takes
    if call.error is None:
        response.end_mcp_call(output=call.output)
    else:
        response.end_mcp_call(output=None, error=call.error.shown())
