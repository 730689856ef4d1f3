"""Servers that are wrong on purpose: each breaks one requirement, so that its check is seen to fail.

A module here for each one of `checks`, with its list `MUTANTS`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ringback.emulator.faults.plan import Fault

EVERYTHING = frozenset({"*"})
"""For `also`: no call gets anywhere without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """An emulator with one fault on each project. `says` is one sentence: what it does wrong."""

    name: str
    breaks: str
    """The id of the requirement that must fail."""
    also: frozenset[str] = frozenset()
    """Other MUSTs that may fail with it, because they can't be had apart: ids, or `EVERYTHING`."""
    fault: Fault
    says: str
    is_alone: bool = False
    """The fault is about what belongs to no project, as a request without a key: it gets an emulator of its own."""

    def may_fail(self, requirement_id: str) -> bool:
        """Whether that MUST may fail with it."""
        return requirement_id == self.breaks or requirement_id in self.also or "*" in self.also


EXEMPT: dict[str, str] = {
    "SIP-TLS-02": "The version of TLS is agreed upon before there is a byte that a fault could change.",
}
"""MUSTs without a mutant, each with the reason."""


def mutant(
    name: str,
    breaks: str,
    says: str,
    fault: Fault | None = None,
    *,
    also: Iterable[str] = (),
    is_alone: bool = False,
    **hooks: Any,
) -> Mutant:
    """A mutant whose fault is ready-made, or made of hooks; it gets the mutant's name."""
    named = Fault(name=name, **hooks) if fault is None else replace(fault, name=name)
    return Mutant(name=name, breaks=breaks, also=frozenset(also), fault=named, says=says, is_alone=is_alone)


def remembering(name: str, make: Callable[[], Mapping[str, Any]]) -> Fault:
    """A fault with a memory: `make` gives its hooks, anew for each project."""
    return Fault(name=name, fresh=lambda: Fault(name=name, **make()))


def load() -> dict[str, Mutant]:
    """All of them by name, in the order of their modules. Raises `ValueError` for a name that is taken."""
    mutants: dict[str, Mutant] = {}
    for module in sorted(found.name for found in iter_modules(__path__)):
        for each in import_module(f".{module}", __name__).__dict__.get("MUTANTS", ()):
            if each.name in mutants:
                raise ValueError(f"two mutants are called {each.name}")
            mutants[each.name] = each
    return mutants


def without_mutant(must: Iterable[str]) -> list[str]:
    """Those of the ids that no mutant breaks and no reason excuses."""
    broken = {each.breaks for each in load().values()}
    return [each for each in must if each not in broken and each not in EXEMPT]
