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
        if self._verbose or verdict.is_failure:
            says = self._redactor.text(verdict.note) if verdict.note else verdict.requirement.says
            self._console.print(
                Text.assemble(
                    (f"{verdict.outcome.value:<11}", STYLES[verdict.outcome]),
                    f" {verdict.requirement.id:<18} ",
                    (f"{verdict.requirement.level.value:<8} ", "dim"),
                    f"{verdict.seconds:6.2f} s  ",
                    says.splitlines()[0],
                ),
                overflow="ellipsis",
                no_wrap=True,
            )
        if self._progress is not None:
            self._progress.advance(self._task)

    def finish(self, report: Report) -> None:
        """Areas, failures, verdict."""
        for row in report.failures:
            self._failure(row)
        self._console.print()
        self._console.print(self._areas(report))
        for problem in report.problems:
            self._console.print(Text(f"known gaps: {problem}", style="bold red"))
        style = "bold green" if report.is_conformant else "bold red" if not report.is_successful else "bold yellow"
        self._console.print(
            Text.assemble(
                (f"{report.target}: ", "bold"),
                (report.verdict, style),
                f"  ({len(report.rows)} requirements, {report.seconds:.1f} s)",
            )
        )

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
            for line in part[-SHOWN_LINES:]:
                self._console.print(Text(f"  {line}"), overflow="ellipsis", no_wrap=True)
