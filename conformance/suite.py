"""The requirements as tests: `pytest --pyargs ringback.conformance` collects one item for each of them here.

The items of a process share one target, which is opened for the first of them and closed after the last.
"""

import asyncio
import os
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from . import known_gaps
from .command import secrets_of
from .known_gaps import KnownGaps
from .options import Options, WrongOptions
from .pytest_plugin import options_of
from .report.document import Row, document
from .report.redact import Redactor
from .requirement import Declared, load_checks
from .runner import Run, judge
from .target import RunStopped, Target
from .targets.choose import choose
from .verdict import Outcome, Verdict

if TYPE_CHECKING:
    from .mutants import Mutant


class Court:
    """One target for all items of a process. Between items its loop stands still."""

    def __init__(self, target: Target, gaps: KnownGaps, redactor: Redactor) -> None:
        self.target = target
        self.gaps = gaps
        self.redactor = redactor
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._is_open = False
        self._stopped = ""

    def judge(self, declared: Declared) -> Verdict:
        """A verdict, also when the target is not there: then it is `NOT_RUN`."""
        return self._runner.run(self._judge(declared))

    def close(self) -> str:
        """Close the target; says what went wrong with that."""
        try:
            self._runner.run(self._stack.aclose())
        except RunStopped as error:
            return self.redactor.text(str(error))
        finally:
            self._runner.close()
        return ""

    def row(self, verdict: Verdict) -> Row:
        """The verdict as reports show it: redacted."""
        return document(Run(target=self.target.name, verdicts=[verdict], seconds=0.0), redactor=self.redactor).rows[0]

    async def _judge(self, declared: Declared) -> Verdict:
        try:
            if not self._is_open and not self._stopped:
                await self._stack.enter_async_context(self.target.open())
                self._is_open = True
            if not self._stopped:
                verdict = await judge(self.target, declared, self.gaps.reasons)
                if verdict.is_unanswered:
                    await self.target.still_there()
                return verdict
        except RunStopped as error:
            self._stopped = str(error)
        return Verdict(requirement=declared.requirement, outcome=Outcome.NOT_RUN, seconds=0.0, note=self._stopped)


class Suite(pytest.File):
    """Collects the chosen requirements. `session.stash` keeps the court for all of them."""

    def collect(self) -> Iterable[pytest.Item]:
        options = options_of(self.config)
        try:
            chosen = load_checks().only(options.wanted)
            if options.target.startswith("mutant:"):
                yield from self._mutants(options)
                return
            court = self._court(options)
        except (WrongOptions, ValueError) as error:
            raise pytest.UsageError(str(error)) from error
        for declared in chosen:
            yield RequirementItem.from_parent(self, name=declared.requirement.id, declared=declared, court=court)

    def _mutants(self, options: Options) -> Iterable[pytest.Item]:
        from .mutation import chosen_mutants

        name = options.target.removeprefix("mutant:")
        for mutant in chosen_mutants(name, load_checks(), options.wanted):
            yield MutantItem.from_parent(self, name=mutant.name, mutant=mutant)

    def _court(self, options: Options) -> Court:
        if options.target == "live" or options.webhook_port is not None:
            refuse_workers(options)
        gaps = known_gaps.read(options.known_gaps, datetime.now(UTC).date())
        catalogue = load_checks()
        rotten = gaps.problems(Run(target="", verdicts=(), seconds=0.0), catalogue)
        if rotten:
            raise WrongOptions("; ".join(rotten))
        court = Court(choose(options), gaps, Redactor(secrets_of(options)))
        self.config.add_cleanup(lambda: self._close(court))
        return court

    def _close(self, court: Court) -> None:
        if problem := court.close():
            raise pytest.UsageError(problem)


class RequirementItem(pytest.Item):
    """One requirement. Fails as the command would exit with 1; skips what the target does not declare."""

    def __init__(self, *, declared: Declared, court: Court, **more: Any) -> None:
        super().__init__(**more)
        self._declared = declared
        self._court = court

    def runtest(self) -> None:
        row = self._court.row(self._court.judge(self._declared))
        if row.is_failure or row.outcome == Outcome.NOT_RUN.value:
            raise NotConformant(row)
        if row.outcome == Outcome.UNSUPPORTED.value:
            pytest.skip(row.note)
        if row.outcome == Outcome.KNOWN_GAP.value:
            pytest.xfail(row.note)
        if row.note:
            self.add_report_section("call", "noted", row.note)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, NotConformant):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, f"{self.name} {self._declared.requirement.says}"


class MutantItem(pytest.Item):
    """One mutant, which has to be noticed."""

    def __init__(self, *, mutant: "Mutant", **more: Any) -> None:
        super().__init__(**more)
        self._mutant = mutant

    def runtest(self) -> None:
        from .mutation import row_of
        from .targets.mutant import judge_mutant

        row = row_of(asyncio.run(judge_mutant(self._mutant, load_checks())))
        if row.is_failure:
            raise NotConformant(row)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, NotConformant):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, f"{self.name} {self._mutant.says}"


class NotConformant(Exception):
    """What fails an item; its text is the whole evidence."""

    def __init__(self, row: Row) -> None:
        facts = [("expected", row.expected), ("actual", row.actual), ("note", row.note)]
        lines = [f"{row.id} ({row.level}, {row.outcome}): {row.says}"]
        lines += [f"{name}: {value}" for name, value in facts if value]
        lines += [f"source: {row.evidence} {row.clause} {row.link or ''}".rstrip(), *row.ladder, *row.frames]
        super().__init__("\n".join(lines))


def refuse_workers(options: Options) -> None:
    """Raises `WrongOptions` under pytest-xdist: one port, and one budget, can't be had by several processes."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        raise WrongOptions(f"--ringback-target={options.target} has one webhook port and one budget: run it without -n")
