"""What the report of a failed test shows: the test's own line, why, and the calls as a picture."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .errors import ExpectationFailed
from .page import page
from .project import ProjectOfTest

PROJECT = pytest.StashKey[ProjectOfTest]()
FAILED = pytest.StashKey[bool]()
"""Whether the test itself has failed: what it left open is no news then."""
FOLDER = pytest.StashKey[Callable[[], Path]]()
"""Where journals are written; pytest makes its folder when it is first asked for."""
PROPERTY = "ringback_journal"
LONGEST_NAME = 120
HERE = Path(__file__).parent


def shorten(error: BaseException) -> None:
    """Of an expectation that failed, show the line of the test and not how we found out."""
    step = error.__traceback__ if isinstance(error, ExpectationFailed) else None
    while step is not None:
        if step.tb_next is not None and HERE in Path(step.tb_next.tb_frame.f_code.co_filename).parents:
            step.tb_next = None
        step = step.tb_next


def describe(item: pytest.Item, report: pytest.TestReport) -> None:
    """Show what crossed the wire, unless the failure has."""
    if item.stash.get(FAILED, False):
        return
    item.stash[FAILED] = True
    project = _project(item)
    if project is None:
        return
    shown = str(report.longrepr)
    for program in project.programs:
        if not all(line in shown for line in program.lines):
            report.sections.append((f"ringback: what `{program.name}` printed", "\n".join(program.lines)))
    for raised in dict.fromkeys(project.journal.raised):
        report.sections.append(("ringback: what the application raised", raised))
    ladder = project.project.ladder()
    if ladder and ladder[0] not in shown:
        report.sections.append(("ringback: the calls of this test", "\n".join(ladder)))
    _attach_journal(item, report, project)


def _project(item: pytest.Item) -> ProjectOfTest | None:
    """Of this test, or of all together if it is one of those that use it."""
    if PROJECT in item.stash:
        return item.stash[PROJECT]
    shares = {"ringback_session", "aringback_session"} & set(getattr(item, "fixturenames", ()))
    return item.session.stash.get(PROJECT, None) if shares else None


def _attach_journal(item: pytest.Item, report: pytest.TestReport, project: ProjectOfTest) -> None:
    """Write it as a page for browsers, and say where it is."""
    stash = item.stash if FOLDER in item.stash else item.session.stash
    folder = stash[FOLDER]()
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", item.nodeid.rpartition("/")[2]).strip("-")[-LONGEST_NAME:]
    file = folder / f"{name}.html"
    file.write_text(page(item.nodeid, _why(report), project.project.pictured()), encoding="utf-8")
    report.sections.append(("ringback: the journal of this test", str(file)))
    for properties in (item.user_properties, report.user_properties):  # JUnit reads those of the report after this one
        properties.append((PROPERTY, str(file)))


def _why(report: pytest.TestReport) -> str:
    """The failure's own words, without the picture: the page has a better one."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return ""
    return str(crash.message).partition("\n\n")[0].removeprefix(f"{ExpectationFailed.__module__}.ExpectationFailed: ")
