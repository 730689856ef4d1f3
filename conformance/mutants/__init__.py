"""Servers that are wrong on purpose: each breaks one requirement, so that its check is seen to fail.

A module here for each one of `checks`, with its list `MUTANTS`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from ringback.emulator.faults.plan import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """An emulator with one fault on each project. `says` is one sentence: what it does wrong."""

    name: str
    breaks: str
    """The id of the requirement that must fail."""
    also: frozenset[str] = frozenset()
    """Ids of other MUSTs that may fail with it, because they can't be had apart."""
    fault: Fault
    says: str
    is_alone: bool = False
    """The fault is about what belongs to no project, as a request without a key: it gets an emulator of its own."""


EXEMPT: dict[str, str] = {}
"""MUSTs without a mutant, each with the reason."""


def load() -> dict[str, Mutant]:
    """All of them by name, in the order of their modules. Raises `ValueError` for a name that is taken."""
    mutants: dict[str, Mutant] = {}
    for module in sorted(found.name for found in iter_modules(__path__)):
        for mutant in import_module(f".{module}", __name__).__dict__.get("MUTANTS", ()):
            if mutant.name in mutants:
                raise ValueError(f"two mutants are called {mutant.name}")
            mutants[mutant.name] = mutant
    return mutants


def without_mutant(must: Iterable[str]) -> list[str]:
    """Those of the ids that no mutant breaks and no reason excuses."""
    broken = {mutant.breaks for mutant in load().values()}
    return [each for each in must if each not in broken and each not in EXEMPT]
