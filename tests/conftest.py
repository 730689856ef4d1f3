"""Fixtures for every test: the data beside the checkout, and the rule that nothing skips in CI for want of a peer."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ("frames", "interop_table")

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # how fast a machine is, is nobody's bug


def missing(what: str) -> None:
    """Skip with a reason on a user's machine; fail where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and in CI it must be there")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with recordings, samples and corpora; `RINGBACK_SHARED` names it, `../shared` is its default."""
    folder = Path(os.environ.get("RINGBACK_SHARED", Path(__file__).parents[1].parent / "shared"))
    if not folder.is_dir():
        missing(f"the shared data folder {folder}")
    return folder.resolve()


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """`program("sipp")` is the path of an installed program."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            missing(f"the program {name}")
        assert path is not None
        return path

    return find


NODE_PACKAGES = ("axios", "express", "openai", "undici", "ws")


@pytest.fixture(scope="session")
def node_modules(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `node_modules` with `NODE_PACKAGES`: `RINGBACK_NODE_MODULES` names it, or npm makes one."""
    if named := os.environ.get("RINGBACK_NODE_MODULES"):
        return Path(named)
    folder = tmp_path_factory.mktemp("node")
    command = [program("npm"), "install", "--prefix", str(folder), "--no-audit", "--no-fund", *NODE_PACKAGES]
    if subprocess.run(command, capture_output=True, timeout=50, check=False).returncode != 0:
        missing("npm's way to " + ", ".join(NODE_PACKAGES))
    return folder / "node_modules"
