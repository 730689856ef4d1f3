"""A code block whose info string names a file (```` ```python test_menu.py ````) is shown with that name above it.

Such blocks are files that a test writes and runs: `tests/test_examples.py`. And a link that is called by the name of
a page, as `[exec.md](exec.md)`, is called by the page's title.
"""

import re

from sphinx.application import Sphinx

NAMED = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGE = re.compile(r"\[([\w-]+\.md)\]\(\1\)")


def caption(app: Sphinx, page: str, source: list[str]) -> None:
    """Turn the info strings into what MyST knows."""
    source[0] = NAMED.sub(r"```{code-block} \1\n:caption: \2\n\n\3```", source[0])
    source[0] = PAGE.sub(r"[](\1)", source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", caption)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
