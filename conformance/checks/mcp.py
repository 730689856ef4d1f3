"""Tools of MCP servers: their listing, their calls, and the approval of a call. In text, without a call.

A target with the capability `mcp` gives a server the tools that `allowed_tools` names, and calls one of them where
`tool_choice` leaves no other way.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from ringback.fixtures.validation import validator

from ..bench import Bench
from ..client.sideband import ReceivedEvent, Sideband
from ..requirement import Level, requirement
from ..sources import AGENTS_SDK, MCP_GUIDE, SDK
from .sideband import part

NEEDS = {"ws", "mcp"}
LABEL = "docs"
NAMES = ["search", "fetch"]
SERVER: dict[str, Any] = {
    "type": "mcp",
    "server_label": LABEL,
    "server_url": "https://mcp.example.com/",
    "allowed_tools": NAMES,
    "require_approval": "never",
}
APPROVED = {**SERVER, "require_approval": "always"}
MUST_SEARCH = {"type": "mcp", "server_label": LABEL, "name": "search"}
ARGUMENTS = "response.mcp_call_arguments"
RUNS = "response.mcp_call.in_progress"
COMPLETED = "response.mcp_call.completed"
LISTING = "mcp_list_tools.in_progress"
LISTED = "mcp_list_tools.completed"

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=MCP_GUIDE, needs=NEEDS)
typed = partial(requirement, level=Level.MUST, evidence="SDK", link=SDK, needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="SDK", link=AGENTS_SDK, needs=NEEDS)


def update(*tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    session = {"type": "realtime", "output_modalities": ["text"], "tools": list(tools), **more}
    return {"type": "session.update", "session": session}


async def with_server(bench: Bench, server: dict[str, Any] = SERVER) -> Sideband:
    """A session that knows the tools of a server."""
    session = await bench.session()
    await session.send(update(server))
    await bench.event(session, "conversation.item.done", where=is_of("mcp_list_tools"))
    return session


def is_of(kind: str) -> Any:
    return lambda event: part(event, "item", "type") == kind


async def call(bench: Bench, session: Sideband, *, until: str = "response.done") -> list[ReceivedEvent]:
    """A response that has to call a tool: what comes from there to the event `until`."""
    before = len(session.events)
    await session.send({"type": "response.create", "response": {"tool_choice": MUST_SEARCH}})
    end = await bench.event(session, until, after=before)
    return session.events[before : session.events.index(end) + 1]


async def request_of(bench: Bench, session: Sideband) -> ReceivedEvent:
    """The request for approval of a call that has to be made."""
    await session.send({"type": "response.create", "response": {"tool_choice": MUST_SEARCH}})
    return await bench.event(session, "conversation.item.done", where=is_of("mcp_approval_request"))


async def decide(session: Sideband, request: ReceivedEvent, approve: bool) -> int:
    """Answer a request for approval. Returns how many events had come before."""
    before = len(session.events)
    asked = part(request, "item", "id")
    answer = {"type": "mcp_approval_response", "id": "my_answer", "approval_request_id": asked, "approve": approve}
    await session.send({"type": "conversation.item.create", "item": answer})
    return before


def order_of(events: Sequence[ReceivedEvent], *wanted: str) -> list[str]:
    """Those types that are wanted, in the order in which they came, each once for a run of it."""
    types = [event.type for event in events if event.type in wanted]
    return [kind for place, kind in enumerate(types) if place == 0 or types[place - 1] != kind]


# Listing


@documented(
    "MCP-LIST-01",
    says="The tools of a session's server are listed: mcp_list_tools.in_progress, then completed.",
    clause="Realtime MCP flow, 2 and 3",
)
async def server_is_listed(bench: Bench) -> None:
    session = await bench.session()
    await session.send(update(SERVER))
    began = await bench.event(session, LISTING)
    ended = await bench.event(session, LISTED)
    bench.expect(session.events.index(began) < session.events.index(ended), "in_progress first", session.types)
    ids = [began.get("item_id"), ended.get("item_id")]
    bench.expect(ids[0] and ids[0] == ids[1], "the same item_id in both", ids)


@documented(
    "MCP-LIST-02",
    says="The list of tools is an item: conversation.item.done shows its server and the tools' names.",
    clause="Realtime MCP flow, 3: shows which tool names were actually imported",
)
async def list_is_an_item(bench: Bench) -> None:
    session = await bench.session()
    await session.send(update(SERVER))
    done = await bench.event(session, "conversation.item.done", where=is_of("mcp_list_tools"))
    bench.expect(part(done, "item", "server_label") == LABEL, f"server_label {LABEL}", done.data)
    tools = part(done, "item", "tools")
    names = [tool.get("name") if isinstance(tool, dict) else tool for tool in tools] if isinstance(tools, list) else []
    bench.expect(names == NAMES, ", ".join(NAMES), tools)


@documented(
    "MCP-LIST-03",
    says="A server among the tools of one response is listed too.",
    clause="Use MCP for one response only",
)
async def server_of_a_response_is_listed(bench: Bench) -> None:
    session = await bench.session()
    await session.send({"type": "response.create", "response": {"output_modalities": ["text"], "tools": [SERVER]}})
    await bench.event(session, LISTING)


@documented(
    "MCP-LIST-04",
    says="A server that was defined before may be named by its server_label alone.",
    clause="Reuse a previously defined server label",
)
async def label_is_enough(bench: Bench) -> None:
    session = await with_server(bench)
    before = len(session.events)
    choice = {"tools": [{"type": "mcp", "server_label": LABEL}], "tool_choice": MUST_SEARCH}
    await session.send({"type": "response.create", "response": choice, "event_id": "mine"})
    event = await bench.event(session, "response.done", after=before)
    kinds = [item.get("type") for item in part(event, "response", "output") or () if isinstance(item, dict)]
    bench.expect("mcp_call" in kinds, "a call of the tool", event.data)


@recommended(
    "MCP-LIST-05",
    says="The list can be retrieved as soon as it is told to be in progress.",
    clause="agents-realtime, openaiRealtimeBase: mcp_list_tools.in_progress is followed by conversation.item.retrieve",
)
async def list_is_retrieved(bench: Bench) -> None:
    session = await bench.session()
    await session.send(update(SERVER))
    item_id = (await bench.event(session, LISTING)).get("item_id")
    await session.send({"type": "conversation.item.retrieve", "item_id": item_id})
    retrieved = await bench.event(session, "conversation.item.retrieved")
    bench.expect(part(retrieved, "item", "id") == item_id, f"the item {item_id}", retrieved.data)


@recommended(
    "MCP-LIST-06",
    says="Each tool of a list has a description, be it empty.",
    clause="agents-realtime, openaiRealtimeEvents: a list with a tool whose description is no string is not understood",
)
async def tools_are_described(bench: Bench) -> None:
    session = await bench.session()
    await session.send(update(SERVER))
    done = await bench.event(session, "conversation.item.done", where=is_of("mcp_list_tools"))
    tools = part(done, "item", "tools")
    described = [isinstance(tool, dict) and isinstance(tool.get("description"), str) for tool in tools or [None]]
    bench.expect(all(described), "a description in each tool", tools)


def _declare_refused(number: int, what: str, *tools: dict[str, Any]) -> None:
    @documented(
        f"MCP-DEFINE-{number:02d}",
        says=f"{what} is refused with an error event.",
        clause="Common failures: MCP tool definition validation fails before import starts",
    )
    async def definition_is_refused(bench: Bench) -> None:
        session = await bench.session()
        await session.send({**update(*tools), "event_id": "mine"})
        error = await bench.event(session, "error")
        bench.expect(part(error, "error", "event_id") == "mine", "an error of the update", error.data)
        bench.expect(LISTING not in session.types, "nothing to be listed", session.types)


_declare_refused(1, "A server_label that comes twice", SERVER, {**SERVER, "server_url": "https://mcp2.example.com/"})
_declare_refused(2, "A server with both server_url and connector_id", {**SERVER, "connector_id": "connector_gmail"})
_declare_refused(3, "A server with neither address nor an earlier definition", {"type": "mcp", "server_label": LABEL})
_declare_refused(4, "An unknown connector_id", {"type": "mcp", "server_label": LABEL, "connector_id": "connector_none"})
_declare_refused(
    5,
    "A server with both authorization and an Authorization header",
    {**SERVER, "authorization": "a", "headers": {"Authorization": "b"}},
)


# Calls


@documented(
    "MCP-CALL-01",
    says="The deltas of a call's arguments together are those of response.mcp_call_arguments.done.",
    clause="Realtime MCP flow, 5",
)
async def arguments_add_up(bench: Bench) -> None:
    events = await call(bench, await with_server(bench))
    joined = "".join(str(event.get("delta")) for event in events if event.type == f"{ARGUMENTS}.delta")
    whole = [event.get("arguments") for event in events if event.type == f"{ARGUMENTS}.done"]
    bench.expect(whole == [joined] and joined, f"{joined!r} once", whole)


@documented(
    "MCP-CALL-02",
    says="A call has its arguments, runs, is completed, is done as an item; then the response is done.",
    clause="Realtime MCP flow, 5 to 7",
)
async def call_has_its_order(bench: Bench) -> None:
    wanted = [f"{ARGUMENTS}.done", RUNS, COMPLETED, "response.output_item.done", "response.done"]
    found = order_of(await call(bench, await with_server(bench)), *wanted)
    bench.expect(found == wanted, " → ".join(wanted), " → ".join(found))


@documented(
    "MCP-CALL-03",
    says="A call that ran is an item with its server_label, its name, and its output.",
    clause="Realtime MCP flow, 7; types/realtime/realtime_mcp_tool_call.py",
)
async def call_has_its_output(bench: Bench) -> None:
    events = await call(bench, await with_server(bench))
    items = [event.get("item") for event in events if event.type == "response.output_item.done"]
    item = items[0] if items and isinstance(items[0], dict) else {}
    found = [item.get(name) for name in ("type", "server_label", "name")]
    bench.expect(found == ["mcp_call", LABEL, "search"], f"mcp_call, {LABEL}, search", items)
    bench.expect(isinstance(item.get("output"), str) and not item.get("error"), "an output, no error", item)


@typed(
    "MCP-CALL-04",
    says="What tells of a call's run names its item and its output_index.",
    clause="types/realtime/response_mcp_call_in_progress.py, response_mcp_call_completed.py",
)
async def run_names_its_item(bench: Bench) -> None:
    events = await call(bench, await with_server(bench))
    places = [
        (event.get("item_id"), event.get("output_index"))
        for event in events
        if event.type in (f"{ARGUMENTS}.done", RUNS, COMPLETED)
    ]
    bench.expect(len(places) == 3 and len(set(places)) == 1, "the same place in all three", places)


@documented(
    "MCP-CALL-05",
    says="A tool that needs no approval is called without asking for it.",
    clause="Configure an MCP tool: require_approval never",
)
async def call_is_free(bench: Bench) -> None:
    events = await call(bench, await with_server(bench))
    asked = [event.data for event in events if is_of("mcp_approval_request")(event)]
    bench.expect(not asked, "no request for approval", asked)


# Approval


@documented(
    "MCP-APPROVAL-01",
    says="Before a call that needs approval there is an item mcp_approval_request with name and arguments.",
    clause="Realtime MCP flow, 6",
)
async def approval_is_asked_for(bench: Bench) -> None:
    session = await with_server(bench, APPROVED)
    request = await request_of(bench, session)
    whole = [event.get("arguments") for event in session.events if event.type == f"{ARGUMENTS}.done"]
    found = [part(request, "item", name) for name in ("server_label", "name", "arguments")]
    bench.expect(found == [LABEL, "search", *whole], f"{LABEL}, search, {whole}", found)


@documented(
    "MCP-APPROVAL-02",
    says="A call that needs approval does not run before it has it.",
    clause="Common failures: the tool call can't continue until your client explicitly approves or rejects it",
)
async def call_waits(bench: Bench) -> None:
    session = await with_server(bench, APPROVED)
    await request_of(bench, session)
    await session.send({"type": "input_audio_buffer.clear"})
    await bench.event(session, "input_audio_buffer.cleared")
    runs = [event.type for event in session.events if event.type in (RUNS, COMPLETED)]
    bench.expect(not runs, "no run", runs)


@documented(
    "MCP-APPROVAL-03",
    says="A call that was approved runs and is completed.",
    clause="Approve or reject MCP tool calls: to continue, send a mcp_approval_response",
)
async def approved_call_runs(bench: Bench) -> None:
    session = await with_server(bench, APPROVED)
    before = await decide(session, await request_of(bench, session), True)
    completed = await bench.event(session, COMPLETED, after=before)
    found = order_of(session.events[before : session.events.index(completed) + 1], RUNS, COMPLETED)
    bench.expect(found == [RUNS, COMPLETED], f"{RUNS} → {COMPLETED}", found)


@typed(
    "MCP-APPROVAL-04",
    says="The item of an approved call names the request for approval.",
    clause="types/realtime/realtime_mcp_tool_call.py: approval_request_id",
)
async def approved_call_names_its_request(bench: Bench) -> None:
    session = await with_server(bench, APPROVED)
    request = await request_of(bench, session)
    before = await decide(session, request, True)
    done = await bench.event(session, "conversation.item.done", where=is_of("mcp_call"), after=before)
    wanted, found = part(request, "item", "id"), part(done, "item", "approval_request_id")
    bench.expect(found == wanted, f"approval_request_id {wanted}", found)


@documented(
    "MCP-APPROVAL-05",
    says="A call that was rejected does not run.",
    clause="Approve or reject MCP tool calls: to reject, set approve to false",
)
async def rejected_call_does_not_run(bench: Bench) -> None:
    session = await with_server(bench, APPROVED)
    before = await decide(session, await request_of(bench, session), False)
    await bench.event(session, "conversation.item.done", where=is_of("mcp_approval_response"), after=before)
    await session.send({"type": "input_audio_buffer.clear"})
    await bench.event(session, "input_audio_buffer.cleared", after=before)
    runs = [event.type for event in session.events if event.type in (RUNS, COMPLETED)]
    bench.expect(not runs, "no run", runs)


@requirement(
    "MCP-APPROVAL-06",
    level=Level.CHOICE,
    says="Whether a response goes on while one of its calls waits for approval.",
    evidence="CHOICE",
    clause="the guide does not say it",
    needs=NEEDS,
)
async def response_waits(bench: Bench) -> None:
    session = await with_server(bench, APPROVED)
    await request_of(bench, session)
    await session.send({"type": "input_audio_buffer.clear"})
    await bench.event(session, "input_audio_buffer.cleared")
    bench.note("it is done" if "response.done" in session.types else "it waits")


# Shapes


@typed(
    "MCP-SHAPE-01",
    says="Every event of a listing and of an approved call has the shape of the official types.",
    clause="types/realtime/realtime_server_event.py",
)
async def events_have_their_shape(bench: Bench) -> None:
    session = await with_server(bench, APPROVED)
    before = await decide(session, await request_of(bench, session), True)
    await bench.event(session, "conversation.item.done", where=is_of("mcp_call"), after=before)
    shapes = validator("server_events")
    problems = [
        f"{event.type}: {problem}"
        for event in session.events
        if event.type in shapes.names
        for problem in shapes.problems(event.data)
    ]
    bench.expect(not problems, "the official shapes", "; ".join(problems[:5]))
