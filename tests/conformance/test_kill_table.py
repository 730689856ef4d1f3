"""`docs/kill-table.md` was made by a run over the mutants that there are."""

import re
from pathlib import Path

from ringback.conformance.mutants import load

PAGE = Path(__file__).parents[2] / "docs" / "kill-table.md"
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| .* \| ([A-Z0-9-]+) \| (.*) \|$", re.MULTILINE)


def test_kill_table_shows_every_mutant_killed() -> None:
    shown = {(name, breaks) for name, breaks, fate in ROW.findall(PAGE.read_text(encoding="utf-8")) if fate == "killed"}
    assert shown == {(mutant.name, mutant.breaks) for mutant in load().values()}, (
        "run: ringback conformance --target mutant:all --report docs/kill-table.md"
    )
