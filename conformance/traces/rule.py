"""What a rule is: fed with one event after the other, it says which of them break it."""

from abc import ABC
from collections.abc import Iterable, Iterator
from typing import ClassVar

from ..requirement import Evidence
from .event import Scope, TraceEvent, Violation


class Rule(ABC):
    """A property of any sequence of events. One instance judges one trace; it forgets nothing and blocks nothing.

    `says` is the rule in a sentence, `evidence` and `clause` name its source. A rule that a recording of the real
    service breaks is wrong. Where the trace began in mid-session, what it has not seen is taken to be right.
    """

    id: ClassVar[str]
    says: ClassVar[str]
    evidence: ClassVar[Evidence]
    clause: ClassVar[str]

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def feed(self, event: TraceEvent) -> Iterable[Violation]:
        """The next event, in the order of the wire; yields what it breaks."""
        return self.received(event) if event.direction == "received" else self.sent(event)

    def end(self) -> Iterable[Violation]:
        """No event follows."""
        return ()

    # For rules to fill in

    def received(self, event: TraceEvent) -> Iterable[Violation]:
        """A server event."""
        return ()

    def sent(self, event: TraceEvent) -> Iterable[Violation]:
        """A client event."""
        return ()

    # For rules to use

    def broken(self, event: TraceEvent | None, message: str) -> Violation:
        return Violation(rule=self.id, message=message, event=event)

    def unless(self, holds: bool, event: TraceEvent, message: str) -> Iterator[Violation]:
        """A violation unless something holds."""
        if not holds:
            yield self.broken(event, message)
