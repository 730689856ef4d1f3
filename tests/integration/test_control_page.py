"""Every example of docs/control.md runs as it is, and its tables name what there is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from integration.command import FREE_PORTS, run
from ringback.conformance.control.schemas import CALL_EXPECTATIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "control.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```\w+ (\S+)\n(.*?)```", PAGE, re.DOTALL))
NODE = ("app.mjs", "call.test.mjs", "ringback.mjs")


async def test_shell_example_runs(program: Callable[[str], str], tmp_path: Path) -> None:
    program("curl")
    (tmp_path / "control.sh").write_text(EXAMPLES["control.sh"], encoding="utf-8")
    status, text = await run("exec", *FREE_PORTS, "--auto-accept", "--", "sh", "control.sh", folder=tmp_path)
    assert status == 0, text
    assert '"found": "good morning"' in text
    assert '"digit": "#"' in text


async def test_node_example_runs(program: Callable[[str], str], node_modules: Path, tmp_path: Path) -> None:
    for name in NODE:
        (tmp_path / name).write_text(EXAMPLES[name], encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(node_modules)
    status, text = await run("exec", *FREE_PORTS, "--", program("node"), "--test", folder=tmp_path)
    assert status == 0, text
    assert "pass 1" in text


async def test_node_example_fails_with_the_message_of_the_expectation(
    program: Callable[[str], str], node_modules: Path, tmp_path: Path
) -> None:
    """An application that transfers to somebody else."""
    for name in NODE:
        text = EXAMPLES[name]
        if name == "app.mjs":
            text = text.replace("JSON.parse(event.arguments).target", '"tel:+14155550199"')
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(node_modules)
    status, text = await run("exec", *FREE_PORTS, "--", program("node"), "--test", folder=tmp_path)
    assert status == 1
    assert "expected: a transfer to tel:+14155550123 within 5 s" in text
    assert "instead:  it was transferred to tel:+14155550199" in text


@pytest.mark.parametrize("name", NODE)
def test_page_shows_the_example_as_it_is(name: str) -> None:
    assert EXAMPLES[name] == (ROOT / "docs" / "examples" / "control" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CALL_EXPECTATIONS)
def test_table_names_every_expectation(name: str) -> None:
    assert re.search(rf'^\| `"{name}"', PAGE, re.MULTILINE)
