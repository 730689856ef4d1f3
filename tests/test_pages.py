"""The pages of the docs that are made from the code say what the code says."""

import pages
import pytest


@pytest.mark.parametrize("name", pages.PAGES)
def test_docs_show_the_code_as_it_is(name: str) -> None:
    assert (pages.DOCS / name).read_text(encoding="utf-8") == pages.PAGES[name](), "run: python tests/pages.py --write"
