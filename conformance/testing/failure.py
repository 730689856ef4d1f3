"""What the report of a failed test shows: the test's own line, why, and the calls as a picture."""

from pathlib import Path

import pytest

from .errors import ExpectationFailed
from .project import ProjectOfTest

PROJECT = pytest.StashKey[ProjectOfTest]()
FAILED = pytest.StashKey[bool]()
"""Whether the test itself has failed: what it left open is no news then."""
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
    project = item.stash.get(PROJECT, None)
    if project is None:
        return
    item.stash[FAILED] = True
    for program in project.programs:
        report.sections.append((f"ringback: what `{program.name}` printed", "\n".join(program.lines)))
    for raised in dict.fromkeys(project.journal.raised):
        report.sections.append(("ringback: what the application raised", raised))
    ladder = project.project.ladder()
    if ladder and ladder[0] not in str(report.longrepr):
        report.sections.append(("ringback: the calls of this test", "\n".join(ladder)))
