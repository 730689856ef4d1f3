"""Reading plain data with a schema: everything that is wrong is collected, each thing with its path."""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from .locations import Path

Locate = Callable[[Path], str]
"""Where the value at a path is written: `file.toml:7`."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a scenario."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class ScenarioError(UsageError):
    """A scenario that can't be read. `problems` has all that is wrong with it."""

    def __init__(self, problems: Collection[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class Reading:
    """Collects the problems of one scenario. Each method returns the value if it is right, else None."""

    def __init__(self, locate: Locate) -> None:
        self.locate = locate
        self.problems: list[Problem] = []

    def wrong(self, path: Path, message: str) -> None:
        """Say what is wrong at `path`, and what would be right."""
        self.problems.append(Problem(self.locate(path), f"{named(path)}: {message}" if path else message))

    def table(self, value: object, path: Path, keys: Collection[str]) -> dict[str, Any]:
        """A table with no other keys than these. What is no table is an empty one from here on."""
        if not isinstance(value, Mapping):
            self.wrong(path, f"a table is needed, not {shown(value)}")
            return {}
        for key in value:
            if key not in keys:
                close = difflib.get_close_matches(str(key), keys, n=1)
                hint = f"did you mean {close[0]}? " if close else ""
                self.wrong((*path, key), f"there is no such key; {hint}The keys here are {', '.join(keys)}")
        return {key: value[key] for key in keys if key in value}

    def text(self, value: object, path: Path, *, may_be_empty: bool = True) -> str | None:
        if isinstance(value, str) and (value or may_be_empty):
            return value
        self.wrong(path, f"a text is needed, not {shown(value)}")
        return None

    def flag(self, value: object, path: Path) -> bool | None:
        if isinstance(value, bool):
            return value
        self.wrong(path, f"true or false is needed, not {shown(value)}")
        return None

    def whole(self, value: object, path: Path, least: int, most: int) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.wrong(path, f"a whole number from {least} to {most} is needed, not {shown(value)}")
        return None

    def number(self, value: object, path: Path, least: float, most: float) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        self.wrong(path, f"a number from {least:g} to {most:g} is needed, not {shown(value)}")
        return None

    def one_of(self, value: object, path: Path, allowed: Collection[str]) -> Any:
        """One of some words."""
        if isinstance(value, str) and value in allowed:
            return value
        self.wrong(path, f"one of {', '.join(allowed)} is needed, not {shown(value)}")
        return None


def named(path: Path) -> str:
    """A path as people write it: `turn[2].when.heard`, counted from 1 like the turns."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def shown(value: object) -> str:
    """A value that is wrong, in a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
