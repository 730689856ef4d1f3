"""The model that is there without a scenario: it says what it is told to say, else repeats what it heard."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..realtime.conversation import Item
from ..sessions.model import Call, CallMcp, McpListing, Output, Play, Say, Turn

GREETING = "Hello, how can I help you?"
"""What a `response.create` with nothing to answer yields."""

# A closing quote is not followed by a letter, so that an apostrophe in the text ends nothing.
_QUOTED = "|".join(
    (r"'(.+?)'(?!\w)", r'"(.+?)"', r"‘(.+?)’(?!\w)", r"“(.+?)”", r"„(.+?)[“”]", r"«(.+?)»", r"‚(.+?)[‘’](?!\w)")
)
_TOLD = re.compile(rf"\bsay\s+(?:exactly|to\s+the\s+user)\s*:?\s*(?:{_QUOTED})", re.IGNORECASE | re.DOTALL)


class BuiltinModel:
    """Obeys `say exactly '…'` and `Say to the user '…'` in the instructions of a `response.create`; else repeats the
    last thing that nobody has answered: a text, a caller's words, a function's output, or, where nobody could tell the
    words, the sound itself. With nothing to answer it greets. It never speaks unasked. Where `tool_choice` leaves it
    no choice it calls the function instead, but says the output of a function that was called. So with the tools of MCP
    servers: they have the tools that `allowed_tools` names, and give their arguments back [CHOICE].

    `pace` is how long each piece of text takes.
    """

    def __init__(self, *, pace: float = 0.0) -> None:
        self._pace = pace

    def respond(self, turn: Turn) -> Iterable[Output]:
        item = unanswered(turn.latest_first())
        if item is None or item.type not in ("function_call_output", "mcp_call"):
            function = forced_function(turn.options.tool_choice, turn.options.tools)
            if function is not None:
                return (Call(name=function["name"], arguments=arguments_for(function), pace=self._pace),)
            if (tool := forced_mcp_tool(turn.options.tool_choice, turn.mcp_tools)) is not None:
                label, name = tool
                return (CallMcp(server_label=label, name=name, arguments="{}", output="{}", pace=self._pace),)
        told = told_to_say(turn.options.instructions or "")
        if told is not None:
            return (Say(text=told, pace=self._pace),)
        if item is None:
            return (Say(text=GREETING, pace=self._pace),)
        text = str(item.shown["output"]) if item.type == "mcp_call" else " ".join(item.texts())
        if not text and item.audio is not None:
            return (Play(samples=item.audio, pace=self._pace),)
        return (Say(text=text or GREETING, pace=self._pace),)

    def list_tools(self, server: Mapping[str, Any]) -> McpListing:
        allowed = server.get("allowed_tools") or ()
        names = allowed.get("tool_names", ()) if isinstance(allowed, Mapping) else allowed
        return McpListing(tools=[{"name": name, "input_schema": {"type": "object"}} for name in names])


def told_to_say(instructions: str) -> str | None:
    """The words that instructions ask for, or None."""
    match = _TOLD.search(instructions)
    return None if match is None else next(group for group in match.groups() if group is not None)


def forced_function(tool_choice: object, tools: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The function that has to be called: the one that `tool_choice` names, or any if it is `required` [DOC]."""
    functions = [tool for tool in tools if tool.get("type", "function") == "function" and "name" in tool]
    if tool_choice == "required":
        return next(iter(functions), None)
    if not isinstance(tool_choice, Mapping) or tool_choice.get("type") == "mcp":
        return None
    wanted = tool_choice.get("name")
    return next((function for function in functions if function["name"] == wanted), None)


def forced_mcp_tool(
    tool_choice: object, mcp_tools: Mapping[str, Sequence[Mapping[str, Any]]]
) -> tuple[str, str] | None:
    """The label and the name of the MCP tool that has to be called: the one of that name, else the server's first."""
    if tool_choice == "required":
        return next(((label, tools[0]["name"]) for label, tools in mcp_tools.items() if tools), None)
    if not isinstance(tool_choice, Mapping):
        return None
    label, wanted = tool_choice.get("server_label", ""), tool_choice.get("name")
    names = [tool["name"] for tool in mcp_tools.get(label, ())]
    return next(((label, name) for name in names if wanted in (None, name)), None)


def arguments_for(function: Mapping[str, Any]) -> str:
    """JSON with the parameters that the function requires, each with the least that its schema says of it [CHOICE]."""
    schema = function.get("parameters")
    return json.dumps(_least(schema if isinstance(schema, Mapping) else {"type": "object"}))


def _least(schema: object) -> Any:
    if not isinstance(schema, Mapping):
        return None
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties, required = schema.get("properties"), schema.get("required")
            if not isinstance(properties, Mapping) or not isinstance(required, list):
                return {}
            return {name: _least(properties.get(name)) for name in required if isinstance(name, str)}
        case kind:
            return {"string": "", "integer": 0, "number": 0, "boolean": False, "array": []}.get(str(kind))


def unanswered(latest_first: Iterator[Item]) -> Item | None:
    """The last item that wants an answer, if no answer follows it."""
    for item in latest_first:
        if item.role == "user" or item.type == "function_call_output" or item.shown.get("output") is not None:
            return item
        if item.role == "assistant":
            return None
    return None
