"""A run as every report shows it: plain values, redacted, in the order of the catalogue."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..requirement import Level
from ..runner import Run
from ..verdict import Outcome, Verdict
from .redact import Redactor

OUTCOMES = [outcome.value for outcome in Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One requirement and how it fared; or a mutant, or a recording, which have less of it."""

    id: str
    area: str
    level: str
    outcome: str
    is_failure: bool
    says: str
    seconds: float
    evidence: str = ""
    clause: str = ""
    link: str | None = None
    needs: tuple[str, ...] = ()
    expected: str = ""
    actual: str = ""
    note: str = ""
    ladder: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`totals` counts outcomes, `areas` the same for each area. `verdict` is the sentence that people read."""

    target: str
    verdict: str
    is_conformant: bool
    is_successful: bool
    stopped: str
    problems: tuple[str, ...]
    started: str
    seconds: float
    version: str
    scope: tuple[str, ...]
    capabilities: tuple[str, ...]
    totals: dict[str, int]
    areas: dict[str, dict[str, int]]
    rows: tuple[Row, ...]

    @property
    def noun(self) -> str:
        """What the rows are."""
        kinds = {"MUTANT": "mutants", "RECORDING": "recordings"}
        return kinds.get(self.rows[0].level if self.rows else "", "requirements")

    @property
    def failures(self) -> list[Row]:
        return [row for row in self.rows if row.is_failure]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def document(run: Run, *, scope: Iterable[str] = (), redactor: Redactor | None = None) -> Report:
    """`scope` are the ids and areas that were asked for, none for everything."""
    redactor = redactor or Redactor()
    scope = tuple(scope)
    return assemble(
        (_row(verdict, redactor) for verdict in run.verdicts),
        target=redactor.text(run.target),
        verdict=redactor.text(sentence(run, scope)),
        is_conformant=run.is_conformant and not scope,
        stopped=redactor.text(run.stopped),
        problems=[redactor.text(problem) for problem in run.problems],
        started=run.started,
        seconds=run.seconds,
        scope=scope,
        capabilities=run.capabilities,
    )


def assemble(
    rows: Iterable[Row],
    *,
    target: str,
    verdict: str,
    started: float,
    seconds: float,
    is_conformant: bool = False,
    stopped: str = "",
    problems: Iterable[str] = (),
    scope: Iterable[str] = (),
    capabilities: Iterable[str] = (),
) -> Report:
    """A report of rows that are there: the sums are made here. Successful is what has no failure and no problem."""
    rows, problems = tuple(rows), tuple(problems)
    areas: dict[str, Counter[str]] = {}
    for row in rows:
        areas.setdefault(row.area, Counter())[row.outcome] += 1
    return Report(
        target=target,
        verdict=verdict,
        is_conformant=is_conformant,
        is_successful=not (stopped or problems or any(row.is_failure for row in rows)),
        stopped=stopped,
        problems=problems,
        started=datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        version=_version(),
        scope=tuple(scope),
        capabilities=tuple(sorted(capabilities)),
        totals=_ordered(Counter(row.outcome for row in rows)),
        areas={area: _ordered(counts) for area, counts in areas.items()},
        rows=rows,
    )


def sentence(run: Run, scope: Iterable[str] = ()) -> str:
    """The verdict on the target. "Conformant" is said only when no MUST was skipped."""
    if run.stopped:
        return f"stopped: {run.stopped}"
    if run.failures:
        musts = sum(verdict.requirement.level is Level.MUST for verdict in run.failures)
        return f"not conformant: {_count(len(run.failures), 'requirement')} failed, {musts} of them MUST"
    if run.problems:
        return f"failed: {_count(len(run.problems), 'problem')} with the known gaps"
    if scope := tuple(scope):
        return f"no failure in {', '.join(scope)}; the rest was not asked"
    excused = sum(verdict.outcome is Outcome.KNOWN_GAP for verdict in run.verdicts)
    if run.untried:
        lacking = Counter(need for verdict in run.untried for need in verdict.requirement.needs)
        named = ", ".join(sorted(set(lacking) & _lacks(run)))
        return f"no failure, but not conformant: {len(run.untried)} MUST could not be tried (no {named})"
    if excused and not run.is_conformant:
        return f"no new failure, but not conformant: {_count(excused, 'known gap')}"
    return "conformant"


def _lacks(run: Run) -> set[str]:
    """What the target does not declare, read from the notes of what was unsupported."""
    marks = (v.note.removeprefix("the target has no ") for v in run.verdicts if v.outcome is Outcome.UNSUPPORTED)
    return {name for mark in marks for name in mark.split(", ")}


def _row(verdict: Verdict, redactor: Redactor) -> Row:
    requirement = verdict.requirement
    return Row(
        id=requirement.id,
        area=requirement.area,
        level=requirement.level.value,
        outcome=verdict.outcome.value,
        is_failure=verdict.is_failure,
        says=requirement.says,
        evidence=requirement.evidence,
        clause=requirement.clause,
        link=requirement.link,
        needs=tuple(sorted(requirement.needs)),
        seconds=round(verdict.seconds, 3),
        expected=redactor.text(verdict.expected),
        actual=redactor.text(verdict.actual),
        note=redactor.text(verdict.note),
        ladder=redactor.everything(verdict.ladder),
        frames=redactor.everything(verdict.frames),
    )


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return {outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _version() -> str:
    try:
        return version("ringback")
    except PackageNotFoundError:
        return "unknown"
