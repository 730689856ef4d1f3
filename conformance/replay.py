"""Recordings as a target: each is judged by the trace rules and the schemas, and every violation is told."""

import time
from collections.abc import Callable
from pathlib import Path

from .options import WrongOptions
from .report.document import Report, Row, assemble
from .report.redact import Redactor
from .traces import UnreadableRecording
from .traces.recording import judge
from .verdict import Outcome

LEVEL = "RECORDING"


def judge_folder(
    folder: str, *, redactor: Redactor | None = None, on_row: Callable[[Row], None] = lambda row: None
) -> Report:
    """Raises `WrongOptions` for a folder that is none, or that has no recording."""
    redactor = redactor or Redactor()
    root = Path(folder)
    if not root.exists():
        raise WrongOptions(f"--target recordings:{folder}: there is no such folder")
    files = sorted(root.rglob("*.jsonl")) if root.is_dir() else [root]
    if not files:
        raise WrongOptions(f"--target recordings:{folder}: there is no .jsonl file in it")
    began, started = time.monotonic(), time.time()
    rows = []
    for file in files:
        rows.append(_row(file, root, redactor))
        on_row(rows[-1])
    violations = sum(len(row.frames) for row in rows)
    broken = sum(row.is_failure for row in rows)
    return assemble(
        rows,
        target=f"recordings:{folder}",
        verdict=f"{violations} violations in {broken} of {len(rows)} recordings" if broken else "every rule holds",
        is_conformant=not broken,
        started=started,
        seconds=time.monotonic() - began,
    )


def _row(file: Path, root: Path, redactor: Redactor) -> Row:
    began = time.monotonic()
    try:
        found = [redactor.text(str(violation)) for violation in judge(file)]
    except (UnreadableRecording, OSError, UnicodeDecodeError) as error:
        found = [redactor.text(f"unreadable: {error}")]
    return Row(
        id=str(file.relative_to(root)) if root.is_dir() else file.name,
        area="TRACE",
        level=LEVEL,
        outcome=(Outcome.FAILED if found else Outcome.PASSED).value,
        is_failure=bool(found),
        says="The recording keeps every trace rule and every schema.",
        seconds=round(time.monotonic() - began, 3),
        expected="no violation" if found else "",
        actual=f"{len(found)} violations" if found else "",
        frames=tuple(found),
    )
