"""Runs requirements against a target: each check on a bench of its own, several at once, each within its time."""

import asyncio
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .bench import Bench
from .client.errors import ClientError, ConnectionFailed, UsageError
from .evidence import frames_of, ladder_of
from .requirement import Declared, Level, Requirement
from .target import Access, RunStopped, Target
from .verdict import Note, Outcome, Verdict, Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The verdicts of one run, in the order of the catalogue.

    `stopped` says why it ended early; `problems` are what fails the run beside the verdicts, such as a known gap that
    has expired.
    """

    target: str
    verdicts: Sequence[Verdict]
    seconds: float
    started: float = 0.0
    """Unix time."""
    stopped: str = ""
    problems: Sequence[str] = field(default=())
    capabilities: frozenset[str] = frozenset()
    """What the target declared, or turned out to have."""

    @property
    def failures(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.is_failure]

    @property
    def untried(self) -> list[Verdict]:
        """Every MUST of which nothing is known: the target declares too little, or the run was stopped."""
        return [
            verdict
            for verdict in self.verdicts
            if verdict.outcome in (Outcome.UNSUPPORTED, Outcome.NOT_RUN) and verdict.requirement.level is Level.MUST
        ]

    @property
    def is_successful(self) -> bool:
        """Nothing failed and the run came to its end: exit code 0."""
        return not (self.failures or self.stopped or self.problems)

    @property
    def is_conformant(self) -> bool:
        """Successful, no MUST that was not even tried, and none that is excused as a known gap."""
        excused = any(
            verdict.outcome is Outcome.KNOWN_GAP and verdict.requirement.level is Level.MUST
            for verdict in self.verdicts
        )
        return self.is_successful and not self.untried and not excused


async def run(
    target: Target,
    requirements: Iterable[Declared],
    *,
    gaps: Mapping[str, str] | None = None,
    on_verdict: Callable[[Verdict], None] = lambda verdict: None,
) -> Run:
    """Judge the target. Raises `TargetUnreachable` when it can't be opened; a check never raises, it gets a verdict.

    `gaps` are the reasons of the known gaps, by id. When the target goes away, or a limit is reached, what was not
    judged yet is `NOT_RUN`.
    """
    began, started = time.monotonic(), time.time()
    places = asyncio.Semaphore(target.concurrency)
    stopped = ""

    async def one(declared: Declared) -> Verdict:
        nonlocal stopped
        async with places:
            if stopped:
                verdict = _not_run(declared.requirement, stopped)
            else:
                try:
                    verdict = await judge(target, declared, gaps)
                    if verdict.is_unanswered:
                        await target.still_there()
                except RunStopped as reason:
                    stopped = stopped or str(reason)
                    verdict = _not_run(declared.requirement, stopped)
        on_verdict(verdict)
        return verdict

    verdicts: Sequence[Verdict] = ()
    capabilities: frozenset[str] = frozenset()
    try:
        async with target.open():
            verdicts = await asyncio.gather(*(one(declared) for declared in requirements))
            capabilities = target.capabilities
    except RunStopped as reason:
        if not verdicts:
            raise
        stopped = stopped or str(reason)  # it did not end as it should; what was judged stays judged
    return Run(
        target=target.name,
        verdicts=verdicts,
        seconds=time.monotonic() - began,
        started=started,
        stopped=stopped,
        capabilities=capabilities,
    )


async def judge(target: Target, declared: Declared, gaps: Mapping[str, str] | None = None) -> Verdict:
    """One verdict. Raises `RunStopped` when there can't be one, nor others after it."""
    requirement = declared.requirement
    if missing := requirement.needs - target.capabilities:
        note = f"the target has no {', '.join(sorted(missing))}"
        return Verdict(requirement=requirement, outcome=Outcome.UNSUPPORTED, seconds=0.0, note=note)
    began = time.monotonic()
    outcome, expected, actual, note = Outcome.PASSED, "", "", ""
    ladder: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    is_unanswered = False
    try:
        async with (
            asyncio.timeout(target.tolerances.check),
            target.access(requirement) as access,
            Bench(_within_plan(access, requirement), target.tolerances, requirement) as bench,
        ):
            try:
                await declared.check(bench)
            except (Exception, asyncio.CancelledError):
                ladder, frames = ladder_of(bench), frames_of(bench)
                raise
    except RunStopped:
        raise
    except Violation as violation:
        outcome, expected, actual = Outcome.FAILED, violation.expected, violation.actual
    except Note as seen:
        outcome, note = Outcome.NOTED, str(seen)
    except UsageError as error:  # the check asked its client for something impossible
        outcome, actual = Outcome.BROKEN, "".join(traceback.format_exception(error))
    except ClientError as error:  # the far end did not do what the check waited for
        outcome, expected, actual = Outcome.FAILED, requirement.says, f"{type(error).__name__}: {error}"
        is_unanswered = isinstance(error, (ConnectionFailed, TimeoutError))
    except TimeoutError:
        outcome, expected, is_unanswered = Outcome.FAILED, requirement.says, True
        actual = f"the check did not end within {target.tolerances.check:g} s"
    except Exception as error:  # noqa: BLE001 — a broken check is a verdict of its own, and fails the run
        outcome, actual = Outcome.BROKEN, "".join(traceback.format_exception(error))
    if requirement.level is Level.CHOICE and outcome in (Outcome.FAILED, Outcome.PASSED):
        note, outcome = note or actual or "as the emulator does it", Outcome.NOTED
    if gaps is not None and requirement.id in gaps:
        note = gaps[requirement.id]
        outcome = {Outcome.FAILED: Outcome.KNOWN_GAP, Outcome.PASSED: Outcome.GAP_CLOSED}.get(outcome, outcome)
    return Verdict(
        requirement=requirement,
        outcome=outcome,
        seconds=time.monotonic() - began,
        expected=expected,
        actual=actual,
        note=note,
        ladder=ladder,
        frames=frames,
        is_unanswered=is_unanswered,
    )


def _within_plan(access: Access, requirement: Requirement) -> Access:
    """The access, held to the number of calls that the requirement declares: what a plan promises has to be true."""
    placed = 0

    def before_call() -> None:
        nonlocal placed
        placed += 1
        if placed > requirement.calls:
            raise AssertionError(f"{requirement.id} declares calls={requirement.calls} and opens more")
        access.before_call()

    return replace(access, before_call=before_call)


def _not_run(requirement: Requirement, reason: str) -> Verdict:
    return Verdict(requirement=requirement, outcome=Outcome.NOT_RUN, seconds=0.0, note=reason)
