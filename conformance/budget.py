"""What a run may cost. Reckoned before it begins, and kept while it goes on."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .requirement import Requirement
from .target import RunStopped
from .tolerance import Tolerances

USD_PER_MINUTE = 0.50
"""A generous upper bound for one minute of one session: a minute of listening and speaking without a pause is about 600
and 1,200 audio tokens, some cents even at the highest published price, and checks are too short for long contexts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None is no limit."""

    calls: int | None = None
    minutes: float | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """An upper bound of what a selection of requirements may cost."""

    calls: int
    minutes: float

    @property
    def usd(self) -> float:
        return self.minutes * USD_PER_MINUTE


def longest_call(tolerances: Tolerances) -> float:
    """Seconds that a call of a check can last: the whole check, and the patience for the end of the call."""
    return tolerances.check + tolerances.bye


def estimate(requirements: Iterable[Requirement], tolerances: Tolerances) -> Estimate:
    """What those requirements may cost at most, every call as long as a call of a check can be."""
    calls = sum(requirement.calls for requirement in requirements)
    return Estimate(calls=calls, minutes=calls * longest_call(tolerances) / 60)


class BudgetExhausted(RunStopped):
    """Another call could exceed a limit of the run."""


class Budget:
    """Counts calls and their time, and refuses the call that might exceed a limit.

    A call that is still up counts as long as a call can be: so the limits hold however many run at once.
    """

    def __init__(self, limits: Limits, tolerances: Tolerances, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._longest = longest_call(tolerances)
        self._clock = clock
        self.calls = 0
        self.open_calls = 0
        self.seconds = 0.0
        """Of the calls that are over, each counted from before it was placed to the end of its check."""

    @contextmanager
    def check(self) -> Iterator[Callable[[], None]]:
        """The time of one check; what it yields is asked before each of its calls. Raises `BudgetExhausted`."""
        placed: list[float] = []

        def before_call() -> None:
            self._refuse_what_exceeds()
            self.calls += 1
            self.open_calls += 1
            placed.append(self._clock())

        try:
            yield before_call
        finally:
            self.open_calls -= len(placed)
            self.seconds += sum(self._clock() - at for at in placed)

    def _refuse_what_exceeds(self) -> None:
        limits = self._limits
        minutes = (self.seconds + (self.open_calls + 1) * self._longest) / 60
        if limits.calls is not None and self.calls + 1 > limits.calls:
            raise BudgetExhausted(f"--max-calls {limits.calls} is reached")
        if limits.minutes is not None and minutes > limits.minutes:
            raise BudgetExhausted(f"--max-minutes {limits.minutes:g} could be exceeded by another call")
        if limits.usd is not None and minutes * USD_PER_MINUTE > limits.usd:
            raise BudgetExhausted(f"--max-usd {limits.usd:g} could be exceeded by another call")


def plan_lines(
    target: str, requirements: Iterable[Requirement], capabilities: frozenset[str], tolerances: Tolerances
) -> list[str]:
    """What `--plan` prints: each requirement with its calls, what is left out, and the bounds."""
    chosen = list(requirements)
    tried = [each for each in chosen if each.needs <= capabilities]
    bound = estimate(tried, tolerances)
    lines = [f"{each.id:<20} {each.calls} {'call' if each.calls == 1 else 'calls'}" for each in tried]
    left_out = len(chosen) - len(tried)
    lines += [
        "",
        f"target: {target}",
        f"requirements: {len(tried)}" + (f", and {left_out} that it has no means for" if left_out else ""),
    ]
    lines += [
        f"calls: at most {bound.calls}",
        f"minutes: at most {math.ceil(bound.minutes)}",
        f"cost: at most {bound.usd:.2f} USD, reckoned with {USD_PER_MINUTE:.2f} USD a minute",
        "nothing was sent",
    ]
    return lines
