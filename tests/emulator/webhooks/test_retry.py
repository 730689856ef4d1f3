"""The schedule of attempts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.config import Settings
from ringback.emulator.errors import UsageError
from ringback.emulator.webhooks.retry import RetrySchedule


def default_schedule() -> RetrySchedule:
    settings = Settings()
    return RetrySchedule(
        first=settings.webhook_first_retry, cap=settings.webhook_retry_cap, give_up=settings.webhook_give_up
    )


def pauses(schedule: RetrySchedule) -> list[float]:
    """The pauses of an endpoint that refuses at once, until it is given up."""
    found: list[float] = []
    while len(found) < 10_000 and (delay := schedule.delay_after(len(found) + 1, sum(found))) is not None:
        found.append(delay)
    return found


def test_pauses_double_from_one_second_to_one_hour_for_72_hours() -> None:
    found = pauses(default_schedule())
    assert found[:12] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]
    assert set(found[12:]) == {3600}
    assert 71 * 3600 < sum(found) <= 72 * 3600


def test_sender_makes_one_attempt_only_when_it_gives_up_at_once() -> None:
    assert pauses(RetrySchedule(first=1, cap=60, give_up=0)) == []


@given(
    first=st.floats(0.001, 1e6),
    cap=st.floats(0.001, 1e6),
    give_up=st.floats(0, 1e7),
    attempt=st.integers(1, 10**9),
    elapsed=st.floats(0, 1e7),
)
def test_pause_is_never_longer_than_the_cap_nor_the_time_left(
    first: float, cap: float, give_up: float, attempt: int, elapsed: float
) -> None:
    delay = RetrySchedule(first=first, cap=cap, give_up=give_up).delay_after(attempt, elapsed)
    if delay is None:
        assert elapsed + cap > give_up
    else:
        assert min(first, cap) <= delay <= cap
        assert elapsed + delay <= give_up


@pytest.mark.parametrize(
    ("first", "cap", "give_up"), [(0, 1, 1), (-1, 1, 1), (1, 0, 1), (1, 1, -1), (float("nan"), 1, 1)]
)
def test_user_is_refused_a_schedule_that_never_pauses(first: float, cap: float, give_up: float) -> None:
    with pytest.raises(UsageError, match="webhook retries"):
        RetrySchedule(first=first, cap=cap, give_up=give_up)
