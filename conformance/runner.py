"""Runs requirements against a target: each check on a bench of its own, several at once, each within its time."""

import asyncio
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .bench import Bench
from .client.errors import ClientError
from .client.ladder import ladder, steps_of
from .requirement import Declared, Level
from .target import Target
from .verdict import Note, Outcome, Verdict, Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The verdicts of one run, in the order of the catalogue."""

    target: str
    verdicts: Sequence[Verdict]
    seconds: float

    @property
    def failures(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.is_failure]

    @property
    def is_conformant(self) -> bool:
        """No failure, and no MUST that was not even tried."""
        return not self.failures and not any(
            verdict.outcome is Outcome.UNSUPPORTED and verdict.requirement.level is Level.MUST
            for verdict in self.verdicts
        )


async def run(
    target: Target,
    requirements: Iterable[Declared],
    *,
    gaps: frozenset[str] = frozenset(),
    on_verdict: Callable[[Verdict], None] = lambda verdict: None,
) -> Run:
    """Judge the target. Raises `TargetUnreachable` when it can't be opened; a check never raises, it gets a verdict."""
    began = time.monotonic()
    places = asyncio.Semaphore(target.concurrency)

    async def one(declared: Declared) -> Verdict:
        async with places:
            verdict = await judge(target, declared, gaps)
        on_verdict(verdict)
        return verdict

    async with target.open():
        verdicts = await asyncio.gather(*(one(declared) for declared in requirements))
    return Run(target=target.name, verdicts=verdicts, seconds=time.monotonic() - began)


async def judge(target: Target, declared: Declared, gaps: frozenset[str] = frozenset()) -> Verdict:
    """One verdict."""
    requirement = declared.requirement
    if missing := requirement.needs - target.capabilities:
        return Verdict(
            requirement=requirement,
            outcome=Outcome.UNSUPPORTED,
            seconds=0.0,
            note=f"the target has no {', '.join(sorted(missing))}",
        )
    began = time.monotonic()
    outcome, expected, actual, note = Outcome.PASSED, "", "", ""
    lines: tuple[str, ...] = ()
    try:
        async with (
            asyncio.timeout(target.tolerances.check),
            target.access(requirement) as access,
            Bench(access, target.tolerances, requirement) as bench,
        ):
            try:
                await declared.check(bench)
            except Exception:
                lines = wire(bench)
                raise
    except Violation as violation:
        outcome, expected, actual = Outcome.FAILED, violation.expected, violation.actual
    except Note as seen:
        outcome, note = Outcome.NOTED, str(seen)
    except ClientError as error:  # the far end did not do what the check waited for
        outcome, expected, actual = Outcome.FAILED, requirement.says, f"{type(error).__name__}: {error}"
    except TimeoutError:
        outcome, expected = Outcome.FAILED, requirement.says
        actual = f"the check did not end within {target.tolerances.check:g} s"
    except Exception as error:  # noqa: BLE001 — a broken check is a verdict of its own, and fails the run
        outcome, actual = Outcome.BROKEN, "".join(traceback.format_exception(error))
    if requirement.level is Level.CHOICE and outcome in (Outcome.FAILED, Outcome.PASSED):
        note, outcome = note or actual or "as the emulator does it", Outcome.NOTED
    if requirement.id in gaps:
        outcome = {Outcome.FAILED: Outcome.KNOWN_GAP, Outcome.PASSED: Outcome.GAP_CLOSED}.get(outcome, outcome)
    return Verdict(
        requirement=requirement,
        outcome=outcome,
        seconds=time.monotonic() - began,
        expected=expected,
        actual=actual,
        note=note,
        ladder=lines,
    )


def wire(bench: Bench) -> tuple[str, ...]:
    """What the bench's phones saw, as a ladder."""
    records = [record for call in bench.calls for record in call.messages]
    return tuple(ladder(steps_of(records))) if records else ()
