"""Mutants: the emulator with one fault, and whether the checks notice.

::

    async for verdict in judge_mutants(load().values(), load_checks()): ...
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum

from ringback.emulator.calls.project import Project
from ringback.emulator.faults.plan import FaultPlan
from ringback.emulator.server import Emulator

from ..mutants import EVERYTHING, Mutant
from ..requirement import Catalogue, Declared, Level, Requirement
from ..runner import judge
from ..target import Access
from ..tolerance import Tolerances
from ..verdict import Outcome, Verdict
from .emulator import EmulatorTarget

HASTY = Tolerances(answer=2.0, webhook=2.0, event=2.0, speech=10.0, silence=0.7, connection=3.0, bye=2.0, check=25.0)
"""A mutant is mostly noticed by what does not come. What fails unexpectedly is judged again with all patience."""
PLACES = 12
"""Checks that run at once: they mostly wait."""
SECOND_THOUGHTS = 2
"""How often a failure that the mutant does not name is judged again: on a busy machine sound and clocks stutter."""

SMOKE = ("CALL-REJECT-01", "CALL-ACCEPT-01", "CALL-HANGUP-01", "WEBHOOK-SIGN-01", "SIDEBAND-ATTACH-01")
"""What every mutant is judged by besides its own family: one requirement each of what all else stands on."""


class MutantTarget(EmulatorTarget):
    """The emulator whose every project has the mutant's fault. `shared` is an open target to be a guest of."""

    concurrency = PLACES

    def __init__(self, mutant: Mutant, *, shared: EmulatorTarget | None = None, tolerances: Tolerances = HASTY) -> None:
        super().__init__(self._put)
        self.mutant = mutant
        self.name = f"mutant:{mutant.name}"
        self.tolerances = tolerances
        self.strikes: Counter[str] = Counter()
        """How often the fault struck, by the id of the requirement that was judged."""
        self.bugs: list[str] = []
        """What the fault made the emulator stumble over: then it is more than what the mutant says."""
        self._shared = None if mutant.is_alone else shared
        self._guests: dict[str, tuple[Emulator, Project, FaultPlan]] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        if self._shared is None:
            async with super().open():
                yield
        else:
            self._emulator = self._shared._emulator
            yield

    @asynccontextmanager
    async def access(self, requirement: Requirement) -> AsyncIterator[Access]:
        async with super().access(requirement) as access:
            try:
                yield access
            finally:
                self._leave(requirement, access)

    def _put(self, emulator: Emulator, project: Project) -> None:
        owner = None if self.mutant.is_alone else project.id
        plan = emulator.faults.of(owner) or emulator.faults.put(owner, [self.mutant.fault])
        self._guests[project.id] = emulator, project, plan

    def _leave(self, requirement: Requirement, access: Access) -> None:
        if access.project_id is None:
            raise AssertionError("the emulator always has a project")
        emulator, project, plan = self._guests.pop(access.project_id)
        self.strikes[requirement.id] += plan.strikes
        bugs = emulator.journal.entries(kind="emulator.bug", project_id=project.id)
        self.bugs += [str(entry.data["error"]) for entry in bugs]
        emulator.remove_project(project)


class Fate(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    """Its requirement failed, and no MUST that it does not name."""
    SURVIVED = "survived"
    """Its requirement did not fail, or not because of the fault: the check does not check."""
    COLLATERAL = "collateral"
    """Other MUSTs failed too: the fault breaks more than it says, or a check judges more than its requirement."""
    BROKEN = "broken"
    """A check or the emulator stumbled over it: nothing can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantVerdict:
    """One mutant, judged. `verdicts` are those of its requirements, the named one first."""

    mutant: Mutant
    fate: Fate
    detail: str
    """What is wrong, in one line; empty for a killed one."""
    verdicts: tuple[Verdict, ...]
    seconds: float


def requirements_for(mutant: Mutant, catalogue: Catalogue, *, full: bool = False) -> list[Declared]:
    """What judges a mutant: its own requirement first, then the MUSTs of that family, then the smoke set; with `full`
    every MUST. Raises `ValueError` when the mutant names what is no requirement."""
    for name in (mutant.breaks, *mutant.also - EVERYTHING):
        if name not in catalogue:
            raise ValueError(f"mutant {mutant.name} names {name}, which is no requirement")
    named = catalogue[mutant.breaks]
    others = [
        declared
        for declared in catalogue
        if declared.requirement.level is Level.MUST
        and declared is not named
        and (full or declared.requirement.family == named.requirement.family or declared.requirement.id in SMOKE)
    ]
    return [named, *others]


async def judge_mutants(
    mutants: Iterable[Mutant], catalogue: Catalogue, *, full: bool = False, places: int = PLACES
) -> AsyncIterator[MutantVerdict]:
    """Judge many in one emulator, side by side, each as soon as there is room. Verdicts come as they are found."""
    room = asyncio.Semaphore(places)
    shared = EmulatorTarget()
    async with shared.open():
        tasks = [
            asyncio.create_task(judge_mutant(mutant, catalogue, shared=shared, room=room, full=full))
            for mutant in mutants
        ]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def judge_mutant(
    mutant: Mutant,
    catalogue: Catalogue,
    *,
    shared: EmulatorTarget | None = None,
    room: asyncio.Semaphore | None = None,
    full: bool = False,
) -> MutantVerdict:
    """One mutant's fate. Without `shared` it gets an emulator of its own."""
    room = room or asyncio.Semaphore(PLACES)
    target = MutantTarget(mutant, shared=shared)
    requirements = requirements_for(mutant, catalogue, full=full)

    async def one(declared: Declared) -> Verdict:
        async with room:
            return await judge(target, declared)

    async with AsyncExitStack() as stack:
        async with room:  # an emulator of its own is work for the machine as well
            began = time.monotonic()
            await stack.enter_async_context(target.open())
        verdicts = list(await asyncio.gather(*(one(declared) for declared in requirements)))
        target.tolerances = Tolerances()
        for index in range(len(verdicts)):
            for _ in range(SECOND_THOUGHTS):
                if _is_doubtful(verdicts[index], mutant, target):
                    verdicts[index] = await one(requirements[index])
    fate, detail = _fate(mutant, verdicts, target)
    return MutantVerdict(
        mutant=mutant, fate=fate, detail=detail, verdicts=tuple(verdicts), seconds=time.monotonic() - began
    )


def _is_doubtful(verdict: Verdict, mutant: Mutant, target: MutantTarget) -> bool:
    """Whether it failed although it should not have, or before the fault struck: a busy machine may be all there is."""
    if verdict.outcome is not Outcome.FAILED:
        return False
    name = verdict.requirement.id
    return not mutant.may_fail(name) or (name == mutant.breaks and not target.strikes[name])


def _fate(mutant: Mutant, verdicts: list[Verdict], target: MutantTarget) -> tuple[Fate, str]:
    if broken := [verdict for verdict in verdicts if verdict.outcome is Outcome.BROKEN]:
        last = broken[0].actual.strip().splitlines()[-1:]
        return Fate.BROKEN, f"the check of {broken[0].requirement.id} raised: {' '.join(last)}"
    if target.bugs:
        return Fate.BROKEN, f"the emulator stumbled over it: {target.bugs[0]}"
    named = verdicts[0]
    if named.outcome is not Outcome.FAILED:
        return Fate.SURVIVED, f"{mutant.breaks} {named.outcome.value}, {_struck(target.strikes[mutant.breaks])}"
    if not target.strikes[mutant.breaks]:
        return Fate.SURVIVED, f"{mutant.breaks} failed, but {_struck(0)}: {named.actual}"
    failed = [verdict for verdict in verdicts[1:] if verdict.outcome is Outcome.FAILED]
    collateral = [verdict for verdict in failed if not mutant.may_fail(verdict.requirement.id)]
    if collateral:
        return Fate.COLLATERAL, "; ".join(f"{verdict.requirement.id}: {verdict.actual}" for verdict in collateral)
    return Fate.KILLED, ""


def _struck(times: int) -> str:
    return f"the fault struck {times} times" if times else "the fault never struck"
