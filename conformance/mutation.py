"""Whether the checks check: every mutant of the emulator has to be noticed by the requirement that it breaks."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from .mutants import EXEMPT, Mutant, load, without_mutant
from .options import WrongOptions
from .report.document import Report, Row, assemble
from .report.kill_table import LEVEL
from .requirement import Catalogue, Level, load_checks
from .targets.mutant import Fate, MutantVerdict, judge_mutants
from .verdict import Outcome

OUTCOMES = {
    Fate.KILLED: Outcome.PASSED,
    Fate.SURVIVED: Outcome.FAILED,
    Fate.COLLATERAL: Outcome.FAILED,
    Fate.BROKEN: Outcome.BROKEN,
}
ALL = "all"
SLICE = 16
"""Mutants that a process judges side by side in one emulator, before it takes others."""


def chosen_mutants(name: str, catalogue: Catalogue, wanted: Iterable[str]) -> list[Mutant]:
    """The mutant of that name, or `all`, that break one of the `wanted` ids or areas. Raises `WrongOptions`."""
    mutants = load()
    if name != ALL and name not in mutants:
        raise WrongOptions(f"--target mutant:{name}: there is no such mutant; `--target mutant:all --list` lists them")
    found = mutants.values() if name == ALL else [mutants[name]]
    ids = {declared.requirement.id for declared in catalogue.only(wanted)}
    return [mutant for mutant in found if mutant.breaks in ids]


async def judge_all(
    mutants: list[Mutant],
    catalogue: Catalogue,
    *,
    target: str,
    scope: Iterable[str] = (),
    full: bool = False,
    on_row: Callable[[Row], None] = lambda row: None,
) -> Report:
    """Judge them, and report. With every mutant there, a MUST that none breaks is a problem."""
    began, started = time.monotonic(), time.time()
    scope = tuple(scope)
    rows: dict[str, Row] = {}
    async for row in _rows(mutants, catalogue, full=full):
        rows[row.id] = row
        on_row(row)
    problems = missing(catalogue) if target == f"mutant:{ALL}" and not scope else []
    survivors = [row for row in rows.values() if row.is_failure]
    killed = len(rows) - len(survivors)
    verdict_text = f"{killed} of {len(rows)} mutants killed"
    if problems:
        verdict_text += f", and {len(problems)} MUST without a mutant"
    return assemble(
        (rows[mutant.name] for mutant in mutants),
        target=target,
        verdict=verdict_text,
        is_conformant=not survivors and not problems,
        problems=problems,
        started=started,
        seconds=time.monotonic() - began,
        scope=scope,
    )


async def _rows(mutants: list[Mutant], catalogue: Catalogue, *, full: bool) -> AsyncIterator[Row]:
    """In this process a few, in one for each processor many: an emulator is busy with one processor only."""
    processors = os.cpu_count() or 1
    if processors == 1 or len(mutants) <= SLICE:
        async for verdict in judge_mutants(mutants, catalogue, full=full):
            yield row_of(verdict)
        return
    names = [mutant.name for mutant in mutants]
    loop = asyncio.get_running_loop()
    pool = ProcessPoolExecutor(processors, mp_context=get_context("spawn"))
    try:
        slices = [names[first : first + SLICE] for first in range(0, len(names), SLICE)]
        tasks = [loop.run_in_executor(pool, judge_slice, each, full) for each in slices]
        for done in asyncio.as_completed(tasks):
            for row in await done:
                yield row
    finally:
        pool.shutdown(cancel_futures=True)


def judge_slice(names: list[str], full: bool) -> list[Row]:
    """The rows of those mutants, judged in one emulator of this process."""

    async def judged() -> list[Row]:
        known = load()
        mutants = [known[name] for name in names]
        return [row_of(verdict) async for verdict in judge_mutants(mutants, load_checks(), full=full)]

    return asyncio.run(judged())


def missing(catalogue: Catalogue) -> list[str]:
    """A sentence for each MUST that no mutant breaks and no reason excuses, and for each reason that is not needed."""
    must = [each.requirement.id for each in catalogue if each.requirement.level is Level.MUST]
    broken = {mutant.breaks for mutant in load().values()}
    found = [f"{each} is a MUST that no mutant breaks" for each in without_mutant(must)]
    return found + [f"{each} is exempt from mutants and need not be" for each in EXEMPT if each in broken]


def row_of(verdict: MutantVerdict) -> Row:
    """A mutant as a row: passed is killed."""
    mutant = verdict.mutant
    failed = [each for each in verdict.verdicts if each.outcome is Outcome.FAILED]
    others = [each.requirement.id for each in failed if each.requirement.id != mutant.breaks]
    return Row(
        id=mutant.name,
        area=mutant.breaks.rpartition("-")[0],
        level=LEVEL,
        outcome=OUTCOMES[verdict.fate].value,
        is_failure=verdict.fate is not Fate.KILLED,
        says=mutant.says,
        clause=mutant.breaks,
        seconds=round(verdict.seconds, 3),
        expected=f"{mutant.breaks} to fail, and no MUST but {', '.join(sorted(mutant.also)) or 'it'}",
        actual=f"{verdict.fate.value}: {verdict.detail}" if verdict.detail else "",
        note=f"also failed: {', '.join(others)}" if others else "",
    )
