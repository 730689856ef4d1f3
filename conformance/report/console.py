"""The report on the console, by rich: progress while it runs, then areas, failures and the verdict."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..verdict import Outcome, Verdict
from .document import OUTCOMES, Report, Row
from .redact import Redactor

STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.UNSUPPORTED: "dim",
    Outcome.KNOWN_GAP: "yellow",
    Outcome.GAP_CLOSED: "bold red",
    Outcome.NOTED: "cyan",
    Outcome.BROKEN: "bold magenta",
    Outcome.NOT_RUN: "yellow",
}
SHOWN_LINES = 40
RECORDING = "RECORDING"  # of which every violation is told
PAGE_WIDTH = 160  # of a file or a CI log, which have no width of their own


class ConsoleReport:
    """Tells a run as it goes, and its end. `verbose` has a line for each verdict."""

    def __init__(
        self, *, verbose: bool = False, redactor: Redactor | None = None, console: Console | None = None
    ) -> None:
        self._console = console or Console(highlight=False, width=None if sys.stdout.isatty() else PAGE_WIDTH)
        self._verbose = verbose
        self._redactor = redactor or Redactor()
        self._progress: Progress | None = None

    @contextmanager
    def running(self, title: str, total: int) -> Iterator[None]:
        """A bar while the run goes on; nothing of it is left, and none where the output is no terminal."""
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        ) as self._progress:
            self._task = self._progress.add_task(escape(self._redactor.text(title)), total=total)
            yield
        self._progress = None

    def on_verdict(self, verdict: Verdict) -> None:
        """What the runner calls for each."""
        requirement = verdict.requirement
        says = self._redactor.text(verdict.note) or requirement.says
        if self._verbose or verdict.is_failure:
            self._line(verdict.outcome, requirement.id, requirement.level.value, verdict.seconds, says)
        self._advance()

    def on_row(self, row: Row) -> None:
        """The same for what is no requirement: mutants and recordings."""
        if self._verbose or row.is_failure:
            self._line(Outcome(row.outcome), row.id, row.level, row.seconds, row.says)
        self._advance()

    def finish(self, report: Report) -> None:
        """Areas, failures, verdict."""
        for row in report.failures:
            self._failure(row)
        self._console.print()
        self._console.print(self._areas(report))
        for problem in report.problems:
            self._console.print(Text(problem, style="bold red"))
        style = "bold green" if report.is_conformant else "bold red" if not report.is_successful else "bold yellow"
        self._console.print(
            Text.assemble(
                (f"{report.target}: ", "bold"),
                (report.verdict, style),
                f"  ({len(report.rows)} {report.noun}, {report.seconds:.1f} s)",
            )
        )

    def _line(self, outcome: Outcome, name: str, level: str, seconds: float, says: str) -> None:
        self._console.print(
            Text.assemble(
                (f"{outcome.value:<11}", STYLES[outcome]),
                f" {name:<18} ",
                (f"{level:<8} ", "dim"),
                f"{seconds:6.2f} s  ",
                (says.splitlines() or [""])[0],
            ),
            overflow="ellipsis",
            no_wrap=True,
        )

    def _advance(self) -> None:
        if self._progress is not None:
            self._progress.advance(self._task)

    def _areas(self, report: Report) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("area")
        shown = [outcome for outcome in OUTCOMES if outcome in report.totals]
        for outcome in shown:
            table.add_column(outcome, justify="right", style=STYLES[Outcome(outcome)])
        for area, counts in report.areas.items():
            table.add_row(area, *(str(counts.get(outcome, "")) for outcome in shown))
        table.add_row("all", *(str(report.totals[outcome]) for outcome in shown), style="bold")
        return table

    def _failure(self, row: Row) -> None:
        self._console.print()
        self._console.rule(f"[bold red]{row.id}[/] {row.level} {row.outcome}", align="left", style="dim")
        self._console.print(Text(row.says))
        for name, value in (("expected", row.expected), ("actual", row.actual), ("note", row.note)):
            if value:
                self._console.print(Text.assemble((f"{name:<9}", "dim"), value))
        self._console.print(
            Text.assemble(("source   ", "dim"), f"{row.evidence} {row.clause}", (f"  {row.link or ''}", "dim"))
        )
        for part in (row.ladder, row.frames):
            for line in part if row.level == RECORDING else part[-SHOWN_LINES:]:
                self._console.print(Text(f"  {line}"), overflow="ellipsis", no_wrap=True)
