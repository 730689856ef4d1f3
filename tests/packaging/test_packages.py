"""The checkout and what is built from it agree, and modules stay small."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULE_LIMIT = 500


def test_every_package_folder_is_listed() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        listed = set(tomllib.load(file)["tool"]["setuptools"]["packages"])
    folders = {
        "ringback." + ".".join(init.parent.relative_to(ROOT).parts)
        for top in ("emulator", "conformance", "fixtures")
        for init in (ROOT / top).rglob("__init__.py")
    }
    assert listed == folders


def test_no_module_is_longer_than_the_limit() -> None:
    modules = [path for top in ("emulator", "conformance", "fixtures", "tests") for path in (ROOT / top).rglob("*.py")]
    assert len(modules) > 50
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in modules
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LIMIT
    }
    assert too_long == {}


def test_importing_a_folder_by_its_own_name_says_what_to_do() -> None:
    import importlib.util

    import pytest

    spec = importlib.util.spec_from_file_location("emulator", ROOT / "emulator" / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    with pytest.raises(ImportError, match="pip install -e"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
