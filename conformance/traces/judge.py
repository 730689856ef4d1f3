"""Runs the rules over a trace: event by event while it happens, or over one that is there."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .event import Scope, TraceEvent, Violation
from .input_rules import INPUT_RULES
from .item_rules import ITEM_RULES
from .mcp_rules import MCP_RULES
from .output_rules import OUTPUT_RULES
from .response_rules import RESPONSE_RULES
from .rule import Rule
from .session_rules import SESSION_RULES, ClientShape
from .text_rules import TEXT_RULES

SERVER_RULES: tuple[type[Rule], ...] = (
    *SESSION_RULES,
    *ITEM_RULES,
    *RESPONSE_RULES,
    *OUTPUT_RULES,
    *TEXT_RULES,
    *INPUT_RULES,
    *MCP_RULES,
)
"""What a server has to keep, whatever its client sends."""

RULES: tuple[type[Rule], ...] = (*SERVER_RULES, ClientShape)
"""All of them, for traces whose client is to be right, too."""


class Judge:
    """Feed it with each event of one channel, in the order of the wire; `violations` has what broke a rule so far.

    `from_start` says that the session began with the channel: then nothing may be referred to that was not announced.
    By default it did if `session.created` comes first; say False for a channel that is greeted so in mid-session.
    `complete` says that at the end nothing more was under way.
    """

    def __init__(
        self,
        *,
        from_start: bool | None = None,
        complete: bool = False,
        rules: Sequence[type[Rule]] = SERVER_RULES,
    ) -> None:
        self._scope = Scope(from_start=from_start, complete=complete)
        self._rules = [rule(self._scope) for rule in rules]
        self._count = 0
        self.violations: list[Violation] = []

    def feed(self, event: TraceEvent) -> list[Violation]:
        """The rules that this event breaks."""
        self._count += 1
        self._scope.observe(event)
        found = [replace(violation, number=self._count) for rule in self._rules for violation in rule.feed(event)]
        self.violations += found
        return found

    def end(self) -> list[Violation]:
        """What is broken because nothing follows."""
        found = [violation for rule in self._rules for violation in rule.end()]
        self.violations += found
        return found


def judge_events(
    events: Iterable[TraceEvent],
    *,
    from_start: bool | None = None,
    complete: bool = False,
    rules: Sequence[type[Rule]] = SERVER_RULES,
) -> list[Violation]:
    """Everything that is wrong with a trace, in order."""
    judge = Judge(from_start=from_start, complete=complete, rules=rules)
    for event in events:
        judge.feed(event)
    judge.end()
    return judge.violations
