"""The pytest plugin that every installation loads: options that begin with `--ringback-`, and the suite as tests.

::

    pytest --pyargs ringback.conformance --ringback-target=emulator

Nothing is imported before it is used: whoever has ringback installed and runs other tests does not pay for it.
"""

from pathlib import Path
from typing import Any

import pytest

from .options import Options, WrongOptions, described

SUITE = Path(__file__).parent / "suite.py"
PREFIX = "--ringback-"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ringback", "ringback: the conformance suite (pytest --pyargs ringback.conformance)")
    for name, default, text, metavar, _ in described():
        kind: dict[str, Any] = {"metavar": metavar}
        if isinstance(default, bool):
            kind = {"action": "store_true"}
        elif default == ():
            kind["action"] = "append"
        elif name.startswith("max_") or name == "webhook_port":
            kind["type"] = int if name in ("max_calls", "webhook_port") else float
        group.addoption(
            PREFIX + name.replace("_", "-"), dest=f"ringback_{name}", default=None, help=text.replace("%", "%%"), **kind
        )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name != SUITE.name or file_path.resolve() != SUITE.resolve():
        return None
    from .suite import Suite

    return Suite.from_parent(parent, path=file_path)


def options_of(config: pytest.Config) -> Options:
    """What the command line of pytest says, else the environment, as the command does. Raises `pytest.UsageError`."""
    import os

    given: dict[str, Any] = {}
    for name, default, _, _, env in described():
        value = config.getoption(f"ringback_{name}")
        if value in (None, False) and env is not None:
            value = os.environ.get(env)
        if value not in (None, False):
            given[name] = tuple(value) if default == () else value
    try:
        return Options(**given)
    except WrongOptions as error:
        raise pytest.UsageError(str(error)) from error
