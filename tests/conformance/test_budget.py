"""A run never costs more than it was allowed to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.conformance.budget import USD_PER_MINUTE, Budget, BudgetExhausted, Limits, estimate, plan_lines
from ringback.conformance.requirement import Level, Requirement
from ringback.conformance.tolerance import Tolerances

MINUTE = Tolerances(check=55.0, bye=5.0)


class Seconds:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.value = 0.0

    def __call__(self) -> float:
        return self.value


def need(id: str, calls: int, *needs: str) -> Requirement:
    return Requirement(
        id=id,
        level=Level.MUST,
        says="It does.",
        evidence="DOC",
        clause="a page",
        link=None,
        needs=frozenset(needs),
        calls=calls,
    )


def test_estimate_takes_every_call_to_be_as_long_as_a_check() -> None:
    bound = estimate([need("A-B-01", 1), need("A-B-02", 2), need("A-B-03", 0)], MINUTE)
    assert (bound.calls, bound.minutes, bound.usd) == (3, 3.0, 3 * USD_PER_MINUTE)


def test_budget_refuses_the_call_after_the_last() -> None:
    budget = Budget(Limits(calls=2), MINUTE)
    with budget.check() as before_call:
        before_call()
        before_call()
        with pytest.raises(BudgetExhausted, match="--max-calls 2 is reached"):
            before_call()
    assert budget.calls == 2


def test_budget_counts_a_call_that_is_up_as_long_as_it_can_be() -> None:
    clock = Seconds()
    budget = Budget(Limits(minutes=1.5), MINUTE, clock=clock)
    with budget.check() as before_call:
        before_call()
        with budget.check() as another, pytest.raises(BudgetExhausted, match=r"--max-minutes 1\.5"):
            another()
        clock.value = 20.0
    with budget.check() as before_call:
        before_call()
    assert budget.seconds == 20.0


def test_budget_refuses_a_call_that_could_cost_too_much() -> None:
    budget = Budget(Limits(usd=USD_PER_MINUTE / 2), MINUTE)
    with budget.check() as before_call, pytest.raises(BudgetExhausted, match="--max-usd"):
        before_call()


def test_budget_without_limits_refuses_nothing() -> None:
    budget = Budget(Limits(), MINUTE)
    with budget.check() as before_call:
        for _ in range(100):
            before_call()
    assert budget.open_calls == 0


@given(
    limit=st.floats(min_value=0, max_value=20),
    lengths=st.lists(st.floats(min_value=0, max_value=60), max_size=30),
)
def test_budget_keeps_its_limit_of_minutes_however_long_calls_are(limit: float, lengths: list[float]) -> None:
    clock = Seconds()
    budget = Budget(Limits(minutes=limit), MINUTE, clock=clock)
    for length in lengths:
        try:
            with budget.check() as before_call:
                before_call()
                clock.value += length
        except BudgetExhausted:
            break
    assert budget.seconds / 60 <= limit + 1e-9


def test_plan_names_each_call_and_the_bounds() -> None:
    requirements = [need("A-B-01", 2, "sip"), need("A-B-02", 1, "clock")]
    lines = plan_lines("live https://example.com/v1", requirements, frozenset({"sip"}), MINUTE)
    assert lines == [
        "A-B-01               2 calls",
        "",
        "target: live https://example.com/v1",
        "requirements: 1, and 1 that it has no means for",
        "calls: at most 2",
        "minutes: at most 2",
        f"cost: at most {2 * USD_PER_MINUTE:.2f} USD, reckoned with {USD_PER_MINUTE:.2f} USD a minute",
        "nothing was sent",
    ]
