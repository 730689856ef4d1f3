"""Draws the Mermaid state diagrams of `docs/state-machines.md` with Graphviz, without a script from elsewhere.

Of Mermaid it knows what `tests/diagrams.py` writes: `A --> B: inputs`, and `[*]` for the beginning and the end.
"""

import json
import re
import subprocess

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

ARROW = re.compile(r"\s*(\S+) --> (\S+?)(?:: (.*))?$")
STYLE = [
    "rankdir=TB; bgcolor=transparent; nodesep=0.6; ranksep=0.55",
    'node [shape=box style=rounded color="#808080" fontcolor="#808080" fontname="sans-serif" fontsize=11 height=0.35]',
    'edge [color="#808080" fontcolor="#808080" fontname="sans-serif" fontsize=10 arrowsize=0.7]',
]
POINT = "shape=point width=0.12"


def graph_of(mermaid: str) -> str:
    """The diagram in Graphviz' language. Raises `ValueError` for a line it does not know."""
    head, *lines = mermaid.strip().splitlines()
    if head != "stateDiagram-v2":
        raise ValueError(f"{head!r} is no state diagram")
    found = []
    for line in lines:
        arrow = ARROW.match(line)
        if arrow is None:
            raise ValueError(f"{line!r} is no arrow")
        found.append(arrow.groups())
    edges = []
    for source, target, inputs in found:
        tail, head_ = ("begin" if source == "[*]" else source), ("end" if target == "[*]" else target)
        text = "\n".join(_wrapped(inputs or ""))
        edges.append(f"{json.dumps(tail)} -> {json.dumps(head_)} [label={json.dumps(text)}]")
    points = [f'{name} [{POINT} label=""]' for name in ("begin", "end")]
    return "digraph {" + ";\n".join([*STYLE, *points, *edges]) + "}"


def _wrapped(inputs: str) -> list[str]:
    """Two inputs a line: labels must stay narrow."""
    words = inputs.split(", ")
    return [", ".join(words[index : index + 2]) for index in range(0, len(words), 2)]


def draw(app: Sphinx, doctree: nodes.document) -> None:
    """Put a picture in place of each block."""
    for block in list(doctree.findall(nodes.literal_block)):
        if block.get("language") != "mermaid":
            continue
        try:
            drawn = subprocess.run(
                ["dot", "-Tsvg"], input=graph_of(block.astext()), capture_output=True, text=True, check=True
            )
        except FileNotFoundError:
            logging.getLogger(__name__).warning("no `dot`: install Graphviz to see the state diagrams")
            return
        svg = drawn.stdout[drawn.stdout.index("<svg") :].replace("#808080", "currentColor")
        block.replace_self(nodes.raw("", f'<div class="state-diagram">{svg}</div>', format="html"))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", draw)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
