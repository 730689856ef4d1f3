"""The example on Express, tested by `npm test` under `ringback exec`."""

import shutil
from collections.abc import Callable
from pathlib import Path

from integration.command import FREE_PORTS, ringback

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "express"


async def test_application_on_express_passes_its_own_tests(
    program: Callable[[str], str], node_modules: Path, tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "node_modules").symlink_to(node_modules)
    async with ringback("exec", *FREE_PORTS, "--", program("npm"), "test", folder=tmp_path) as command:
        assert await command.status() == 0, command.text
    assert "# pass 1" in command.lines
