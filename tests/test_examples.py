"""A code block of the docs that names a file (```` ```python test_menu.py ````) is that file, and pytest passes on it.

A page's files stand in one folder; `docs/examples/tutorial` gives those that a page names nowhere. Pages whose examples
are no tests have a test of their own: `test_scenario_docs.py`, `conformance/test_contributing.py`.
"""

import os
import re
import shutil
from pathlib import Path

import pages
import pytest
from pytest_process import PATIENCE, run_pytest

NAMED = re.compile(r"^```\w+ (\S+\.\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NODE_MODULES = os.environ.get("RINGBACK_NODE_MODULES")
INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
TUTORIAL = pages.DOCS / "examples" / "tutorial"


def files_of(page: Path) -> dict[str, str]:
    return dict(NAMED.findall(page.read_text(encoding="utf-8")))


README = pages.DOCS.parent / "README.md"
PAGES = {
    str(page.relative_to(pages.DOCS.parent)): page
    for page in [README, *sorted(pages.DOCS.rglob("*.md"))]
    if any(name.startswith("test_") for name in files_of(page))
}


@pytest.mark.timeout(PATIENCE + 10)
@pytest.mark.parametrize("name", PAGES)
def test_reader_runs_the_examples_of_a_page(name: str, tmp_path: Path) -> None:
    files = files_of(PAGES[name])
    if any(file_name.endswith(".mjs") for file_name in files) and not (NODE_MODULES and shutil.which("node")):
        pytest.skip("needs Node.js, and RINGBACK_NODE_MODULES with the packages that .ci/run installs")
    for file in TUTORIAL.glob("*_app.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    for file_name, text in files.items():
        (tmp_path / file_name).write_text(text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(INI, encoding="utf-8")
    if NODE_MODULES:
        (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = run_pytest("-q", folder=tmp_path, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
