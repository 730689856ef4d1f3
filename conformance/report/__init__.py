"""What a run tells: on the console, and in files of several kinds, chosen by their suffix."""

from collections.abc import Callable
from pathlib import Path

from ..options import WrongOptions
from .document import Report

SUFFIXES = (".json", ".xml", ".html", ".md")


def check_suffix(path: str) -> None:
    """Raises `WrongOptions` for a file of no known kind, before a run has taken its time."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise WrongOptions(f"--report {path}: give a file ending in {', '.join(SUFFIXES)}")
    if not Path(path).absolute().parent.is_dir():
        raise WrongOptions(f"--report {path}: there is no folder {Path(path).absolute().parent}")


def write(report: Report, path: str) -> None:
    """Write the report as what the suffix says."""
    check_suffix(path)
    Path(path).write_text(_form(path)(report), encoding="utf-8")


def _form(path: str) -> Callable[[Report], str]:
    from . import html, json, junit, kill_table, markdown

    def page(report: Report) -> str:
        is_of_mutants = any(row.level == kill_table.LEVEL for row in report.rows)
        return kill_table.render(report) if is_of_mutants else markdown.render(report)

    forms = {".json": json.render, ".xml": junit.render, ".html": html.render, ".md": page}
    return forms[Path(path).suffix.lower()]
