"""One event of a trace, what a rule says of it, and what is known about the trace as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One event as it crossed the wire: `sent` is the client's, `received` the server's. `at` is in seconds.

    `data` is whatever the peer sent; `text`, `number` and `value` read it without trusting it.
    """

    direction: Literal["sent", "received"]
    data: Mapping[str, Any]
    at: float | None = None

    @property
    def type(self) -> str:
        """The type, or "" when there is none."""
        return self.text("type") or ""

    def value(self, *path: str) -> Any:
        """What is at a path of names, or None."""
        value: Any = self.data
        for name in path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(name)
        return value

    def text(self, *path: str) -> str | None:
        """The string at a path, or None."""
        value = self.value(*path)
        return value if isinstance(value, str) else None

    def number(self, *path: str) -> int | None:
        """The whole number at a path, or None."""
        value = self.value(*path)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def entries(self, *path: str) -> list[Mapping[str, Any]]:
        """The objects of the list at a path."""
        value = self.value(*path)
        return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []

    @property
    def item_id(self) -> str | None:
        """Of the item that the event is about, whether it has it or only names it."""
        return self.text("item_id") or self.text("item", "id")

    @property
    def response_id(self) -> str | None:
        """Of the response that the event is about."""
        return self.text("response_id") or self.text("response", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that an event broke. `number` counts the events of the trace from 1; `source` names a recording's line."""

    rule: str
    message: str
    event: TraceEvent | None = None
    number: int | None = None
    source: str | None = None

    def __str__(self) -> str:
        where = self.source or (f"event {self.number}" if self.number is not None else "end")
        return f"{where}: {self.rule}: {self.message}"


@dataclass(slots=True)
class Scope:
    """What rules may assume. They ask when they judge, since the first event may tell."""

    from_start: bool | None = None
    """Whether nothing happened in the session before the trace. None: whether `session.created` comes first."""
    complete: bool = False
    """Whether the trace ends where nothing more was under way."""

    def observe(self, event: TraceEvent) -> None:
        """Take notice of the next event, before the rules are fed with it."""
        if self.from_start is None and event.direction == "received":
            self.from_start = event.type == "session.created"
