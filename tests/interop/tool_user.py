"""A model that needs a tool: it asks the session's function for whatever it is told, and says what comes back."""

import json
from collections.abc import Iterable

from ringback.emulator.model.builtin import BuiltinModel
from ringback.emulator.sessions.model import Call, Output, Turn


class ToolUser(BuiltinModel):
    """Calls the first function with the user's words as its only argument. For all else it is the built-in model: that
    says a function's output, and what instructions tell it to say."""

    def respond(self, turn: Turn) -> Iterable[Output]:
        item = next(turn.latest_first(), None)
        functions = [tool for tool in turn.options.tools if tool["type"] == "function"]
        if item is None or item.role != "user" or not functions:
            return super().respond(turn)
        [argument] = functions[0]["parameters"]["properties"]
        return (Call(name=functions[0]["name"], arguments=json.dumps({argument: " ".join(item.texts())})),)
