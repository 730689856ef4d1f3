"""What came of a check: an outcome, and for a failure what was expected, what happened, and what led there."""

from dataclasses import dataclass, field
from enum import Enum

from .requirement import Level, Requirement


class Outcome(Enum):
    """How one requirement fared."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    """The target does not declare a capability that the check needs."""
    KNOWN_GAP = "known gap"
    """It failed, and the target's file of known gaps says so."""
    GAP_CLOSED = "gap closed"
    """It passed although it is listed as a known gap: the list is out of date, and the run fails."""
    NOTED = "noted"
    """A CHOICE: what was seen is reported, and never failed."""
    BROKEN = "broken"
    """The check itself raised: a mistake of the suite, and the run fails."""
    NOT_RUN = "not run"
    """The run was stopped before: the target was gone, or a limit was reached."""


class Violation(Exception):
    """A requirement does not hold. Checks raise it through `Bench.expect`."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"expected {expected}; {actual}")
        self.expected = expected
        self.actual = actual


class Note(Exception):
    """What a CHOICE's check saw. Raised by `Bench.note`; it ends the check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One requirement on one target. For failures only: `ladder` are the lines of what crossed the wire of SIP,
    `frames` the webhooks and events beside it, each with its time."""

    requirement: Requirement
    outcome: Outcome
    seconds: float
    expected: str = ""
    actual: str = ""
    note: str = ""
    ladder: tuple[str, ...] = field(default=())
    frames: tuple[str, ...] = field(default=())
    is_unanswered: bool = False
    """It failed because nothing came at all: maybe the target is gone."""

    @property
    def is_failure(self) -> bool:
        """Whether the run must exit with 1 for it."""
        if self.outcome in (Outcome.BROKEN, Outcome.GAP_CLOSED):
            return True
        return self.outcome is Outcome.FAILED and self.requirement.level is not Level.CHOICE
