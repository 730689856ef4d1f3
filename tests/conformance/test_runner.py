"""What the runner makes of a check's end: a verdict for each, and never an exception."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ringback.conformance.bench import Bench
from ringback.conformance.client.errors import ConnectionFailed, UsageError, WaitTimeout
from ringback.conformance.requirement import Catalogue, Level
from ringback.conformance.runner import Run, run
from ringback.conformance.target import TargetUnreachable
from ringback.conformance.tolerance import Tolerances
from ringback.conformance.verdict import Outcome

Check = Callable[[Bench], Awaitable[None]]


def outcomes(result: Run) -> list[Outcome]:
    return [verdict.outcome for verdict in result.verdicts]


def raising(error: Exception) -> Check:
    async def check(bench: Bench) -> None:
        raise error

    return check


async def test_runner_passes_and_fails_in_the_order_of_the_catalogue(
    target: Any, catalogue: Catalogue, declare: Any, passes: Check, fails: Check
) -> None:
    declare("A-B-01", passes)
    declare("A-B-02", fails)
    result = await run(target, catalogue)
    assert outcomes(result) == [Outcome.PASSED, Outcome.FAILED]
    assert [verdict.requirement.id for verdict in result.failures] == ["A-B-02"]
    assert not result.is_successful
    assert not result.is_conformant


async def test_runner_says_unsupported_when_a_capability_is_not_declared(
    target: Any, catalogue: Catalogue, declare: Any, passes: Check
) -> None:
    declare("A-B-01", passes, needs={"sip", "rest"})
    result = await run(target, catalogue)
    assert outcomes(result) == [Outcome.UNSUPPORTED]
    assert result.verdicts[0].note == "the target has no sip"
    assert result.is_successful
    assert not result.is_conformant


async def test_runner_calls_a_target_conformant_when_only_a_should_is_unsupported(
    target: Any, catalogue: Catalogue, declare: Any, passes: Check
) -> None:
    declare("A-B-01", passes)
    declare("A-B-02", passes, needs={"sip"}, level=Level.SHOULD)
    assert (await run(target, catalogue)).is_conformant


@pytest.mark.parametrize(
    ("error", "outcome", "is_unanswered"),
    [
        (ConnectionFailed("refused"), Outcome.FAILED, True),
        (WaitTimeout("no answer"), Outcome.FAILED, True),
        (TimeoutError(), Outcome.FAILED, True),
        (UsageError("no such codec"), Outcome.BROKEN, False),
        (KeyError("data"), Outcome.BROKEN, False),
    ],
)
async def test_runner_tells_a_silent_target_from_a_broken_check(
    target: Any, catalogue: Catalogue, declare: Any, error: Exception, outcome: Outcome, is_unanswered: bool
) -> None:
    declare("A-B-01", raising(error))
    verdict = (await run(target, catalogue)).verdicts[0]
    assert verdict.outcome is outcome
    assert verdict.is_unanswered is is_unanswered
    assert verdict.is_failure


async def test_runner_ends_a_check_that_hangs(target: Any, catalogue: Catalogue, declare: Any) -> None:
    async def hang(bench: Bench) -> None:
        await asyncio.Event().wait()

    target.tolerances = Tolerances(check=0.01)
    declare("A-B-01", hang)
    verdict = (await run(target, catalogue)).verdicts[0]
    assert verdict.outcome is Outcome.FAILED
    assert verdict.actual == "the check did not end within 0.01 s"


async def test_runner_notes_a_choice_and_never_fails_it(
    target: Any, catalogue: Catalogue, declare: Any, fails: Check, passes: Check
) -> None:
    declare("A-B-01", fails, level=Level.CHOICE, evidence="CHOICE")
    declare("A-B-02", passes, level=Level.CHOICE, evidence="CHOICE")
    result = await run(target, catalogue)
    assert outcomes(result) == [Outcome.NOTED, Outcome.NOTED]
    assert result.is_conformant


async def test_runner_tries_nothing_more_when_the_target_is_gone(
    target: Any, catalogue: Catalogue, declare: Any, passes: Check
) -> None:
    declare("A-B-01", raising(ConnectionFailed("reset")))
    declare("A-B-02", passes)
    target.is_gone = True
    result = await run(target, catalogue)
    assert outcomes(result) == [Outcome.NOT_RUN, Outcome.NOT_RUN]
    assert result.stopped == "nobody answers any more"
    assert not result.is_successful


async def test_runner_keeps_the_verdicts_when_the_target_does_not_close(
    target: Any, catalogue: Catalogue, declare: Any, passes: Check
) -> None:
    declare("A-B-01", passes)
    target.stays_open = "delete the endpoint by hand"
    result = await run(target, catalogue)
    assert outcomes(result) == [Outcome.PASSED]
    assert result.stopped == "delete the endpoint by hand"


async def test_runner_raises_when_the_target_can_not_be_opened(
    target: Any, catalogue: Catalogue, declare: Any, passes: Check
) -> None:
    declare("A-B-01", passes)
    target.refuses = "connection refused"
    with pytest.raises(TargetUnreachable, match="connection refused"):
        await run(target, catalogue)


async def test_runner_excuses_a_known_gap_and_fails_one_that_closed(
    target: Any, catalogue: Catalogue, declare: Any, passes: Check, fails: Check
) -> None:
    declare("A-B-01", fails)
    declare("A-B-02", passes)
    result = await run(target, catalogue, gaps={"A-B-01": "not yet", "A-B-02": "not yet"})
    assert outcomes(result) == [Outcome.KNOWN_GAP, Outcome.GAP_CLOSED]
    assert [verdict.requirement.id for verdict in result.failures] == ["A-B-02"]


async def test_runner_does_not_call_a_target_conformant_when_a_must_is_excused(
    target: Any, catalogue: Catalogue, declare: Any, fails: Check
) -> None:
    declare("A-B-01", fails)
    result = await run(target, catalogue, gaps={"A-B-01": "not yet"})
    assert result.is_successful
    assert not result.is_conformant


async def test_check_may_not_open_more_calls_than_it_declares(target: Any, catalogue: Catalogue, declare: Any) -> None:
    async def twice(bench: Bench) -> None:
        bench.access.before_call()
        bench.access.before_call()

    target.capabilities |= {"sip"}
    declare("A-B-01", twice, needs={"sip"})
    declare("A-B-02", twice, needs={"sip"}, calls=2)
    result = await run(target, catalogue)
    assert outcomes(result) == [Outcome.BROKEN, Outcome.PASSED]
    assert "declares calls=1" in result.verdicts[0].actual
