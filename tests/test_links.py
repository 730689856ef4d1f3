"""Every link of the pages and of the README leads to a file that is there, and to a heading of it."""

import re
from pathlib import Path

import pages
import pytest

TOP = pages.DOCS.parent
ALL = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted(pages.DOCS.rglob("*.md"))]
BLOCK = re.compile(r"^(`{3,})[^`\n]*\n.*?^\1", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """As GitHub and MyST make them of headings."""
    found = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", ALL, ids=lambda page: str(page.relative_to(TOP)))
def test_reader_follows_every_link(page: Path) -> None:
    for link in LINK.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_reader_finds_every_page_in_the_index() -> None:
    blocks = TOCTREE.findall((pages.DOCS / "index.md").read_text(encoding="utf-8"))
    listed = [line for block in blocks for line in block.splitlines() if line and not line.startswith(":")]
    there = {str(page.relative_to(pages.DOCS).with_suffix("")) for page in pages.DOCS.rglob("*.md")}
    assert sorted(listed) == sorted(there - {"index", "examples/aimock"})
