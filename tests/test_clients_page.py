"""Each row of `docs/clients.md` names tests, and there are such tests."""

import re
from pathlib import Path

import pages
import pytest

ROWS = [line for line in (pages.DOCS / "clients.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("row", ROWS[1:], ids=lambda row: row.split("|")[1].strip())
def test_row_names_tests_that_exist(row: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row)
    assert named
    for path, name in named:
        assert f"def {name}(" in (Path(__file__).parents[1] / path).read_text(encoding="utf-8")
