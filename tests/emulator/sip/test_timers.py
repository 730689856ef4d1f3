"""Timers: RFC 3261 table 4, RFC 6026, and the queue of deadlines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.sip.timers import Timer, TimerQueue, Timers

# Timer, over UDP, over a reliable transport: RFC 3261 table 4 with T1 = 0.5, T4 = 5; RFC 6026 for L and M
TABLE_4 = [
    (Timer.A, 0.5, None),
    (Timer.B, 32.0, 32.0),
    (Timer.D, 32.0, 0.0),
    (Timer.E, 0.5, None),
    (Timer.F, 32.0, 32.0),
    (Timer.G, 0.5, None),
    (Timer.H, 32.0, 32.0),
    (Timer.I, 5.0, 0.0),
    (Timer.J, 32.0, 0.0),
    (Timer.K, 5.0, 0.0),
    (Timer.L, 32.0, 32.0),
    (Timer.M, 32.0, 32.0),
]


class Engine:
    """Something with a deadline that a test moves by hand."""

    def __init__(self, deadline: float | None = None) -> None:
        self.deadline = deadline
        self.armed_for: float | None = None

    def next_deadline(self) -> float | None:
        return self.deadline


@pytest.mark.parametrize(("timer", "unreliable", "reliable"), TABLE_4, ids=lambda value: getattr(value, "name", None))
def test_timers_have_the_values_of_table_4(timer: Timer, unreliable: float | None, reliable: float | None) -> None:
    timers = Timers()
    assert timers.first(timer, is_reliable=False) == unreliable
    assert timers.first(timer, is_reliable=True) == reliable


def test_table_4_is_complete() -> None:
    assert [timer for timer, _, _ in TABLE_4] == list(Timer)


def test_timers_scale_with_t1() -> None:
    assert Timers(t1=0.01).first(Timer.F, is_reliable=True) == pytest.approx(0.64)


@pytest.mark.parametrize(
    ("timer", "pauses"),
    [(Timer.A, [1.0, 2.0, 4.0, 8.0, 16.0]), (Timer.E, [1.0, 2.0, 4.0, 4.0]), (Timer.G, [1.0, 2.0, 4.0, 4.0])],
    ids=["A", "E", "G"],
)
def test_timers_double_and_stop_at_t2_where_the_rfc_says(timer: Timer, pauses: list[float]) -> None:
    timers = Timers()
    seen = [0.5]
    for _ in pauses:
        seen.append(timers.next(timer, seen[-1]))
    assert seen[1:] == pauses


def test_queue_has_no_deadline_when_nothing_waits() -> None:
    queue: TimerQueue[Engine] = TimerQueue()
    queue.arm(Engine(None))
    assert queue.next_deadline() is None
    assert queue.pop_due(1e12) is None
    assert len(queue) == 0


def test_queue_gives_engines_in_the_order_of_their_deadlines() -> None:
    queue: TimerQueue[Engine] = TimerQueue()
    late, early = Engine(2.0), Engine(1.0)
    queue.arm(late)
    queue.arm(early)
    assert queue.next_deadline() == 1.0
    assert queue.pop_due(0.9) is None
    assert queue.pop_due(2.0) is early
    assert queue.pop_due(2.0) is late
    assert queue.pop_due(2.0) is None


def test_queue_does_not_enter_an_engine_twice_for_one_deadline() -> None:
    queue: TimerQueue[Engine] = TimerQueue()
    engine = Engine(1.0)
    queue.arm(engine)
    queue.arm(engine)
    assert len(queue) == 1


def test_queue_follows_a_deadline_that_moved() -> None:
    queue: TimerQueue[Engine] = TimerQueue()
    engine = Engine(5.0)
    queue.arm(engine)
    engine.deadline = 3.0
    queue.arm(engine)
    assert queue.next_deadline() == 3.0
    engine.deadline = 4.0
    queue.arm(engine)
    assert queue.next_deadline() == 4.0
    assert queue.pop_due(4.0) is engine
    engine.deadline = None
    assert queue.next_deadline() is None
    assert len(queue) == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.none() | st.integers(0, 50), st.booleans()), max_size=60))
def test_queue_agrees_with_a_scan_over_all_engines(steps: list[tuple[int, int | None, bool]]) -> None:
    """A naive model: the earliest deadline is the minimum of all of them."""
    queue: TimerQueue[Engine] = TimerQueue()
    engines = [Engine() for _ in range(5)]
    for index, deadline, is_asked in steps:
        engines[index].deadline = None if deadline is None else float(deadline)
        queue.arm(engines[index])
        if is_asked:
            waiting = [each.deadline for each in engines if each.deadline is not None]
            assert queue.next_deadline() == min(waiting, default=None)
    popped = []
    while (engine := queue.pop_due(25.0)) is not None:
        popped.append(engine.deadline)
        engine.deadline = None
    assert popped == sorted(each for each in popped if each is not None)
    assert all(each.deadline is None or each.deadline > 25.0 for each in engines)
