"""The model that is there without a scenario: it says what it is told to say, else repeats what it heard."""

import re
from collections.abc import Iterable, Iterator

from ..realtime.conversation import Item
from ..sessions.model import Output, Play, Say, Turn

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
    words, the sound itself. With nothing to answer it greets. It never speaks unasked.

    `pace` is how long each piece of text takes.
    """

    def __init__(self, *, pace: float = 0.0) -> None:
        self._pace = pace

    def respond(self, turn: Turn) -> Iterable[Output]:
        told = told_to_say(turn.options.instructions or "")
        if told is not None:
            return (Say(text=told, pace=self._pace),)
        item = _unanswered(turn.latest_first())
        if item is None:
            return (Say(text=GREETING, pace=self._pace),)
        text = " ".join(item.texts())
        if not text and item.audio is not None:
            return (Play(samples=item.audio, pace=self._pace),)
        return (Say(text=text or GREETING, pace=self._pace),)


def told_to_say(instructions: str) -> str | None:
    """The words that instructions ask for, or None."""
    match = _TOLD.search(instructions)
    return None if match is None else next(group for group in match.groups() if group is not None)


def _unanswered(latest_first: Iterator[Item]) -> Item | None:
    """The last item that wants an answer, if no answer follows it."""
    for item in latest_first:
        if item.role == "user" or item.type == "function_call_output":
            return item
        if item.role == "assistant":
            return None
    return None
