"""One heap for the deadlines of all engines."""

from collections.abc import Callable, Hashable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from ringback.emulator.clock import ManualClock
from ringback.emulator.transports.deadlines import Deadlines, Handle


class CountingClock(ManualClock):
    """How often a timer was asked for."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.timers = 0

    def call_at(self, when: float, callback: Callable[[], None], /) -> Any:
        self.timers += 1
        return super().call_at(when, callback)


@pytest.fixture
def clock() -> CountingClock:
    return CountingClock()


@pytest.fixture
def deadlines(clock: CountingClock) -> Deadlines:
    return Deadlines(clock)


class Calls:
    """Handles that write down who was called, and when."""

    def __init__(self) -> None:
        self.seen: list[tuple[Hashable, float]] = []

    def of(self, owner: Hashable) -> Handle:
        return lambda now: self.seen.append((owner, now))


@pytest.fixture
def calls() -> Calls:
    return Calls()


def test_owners_are_called_once_in_the_order_of_their_deadlines(
    clock: CountingClock, deadlines: Deadlines, calls: Calls
) -> None:
    for owner, when in (("c", 3), ("a", 1), ("b", 2), ("b2", 2)):
        deadlines.arm(owner, when, calls.of(owner))
    assert len(deadlines) == 4
    clock.advance(10)
    assert calls.seen == [("a", 1), ("b", 2), ("b2", 2), ("c", 3)]
    assert len(deadlines) == 0
    assert clock.next_at is None


def test_owner_that_arms_again_moves_its_deadline(clock: CountingClock, deadlines: Deadlines, calls: Calls) -> None:
    deadlines.arm("later", 1, calls.of("later"))
    deadlines.arm("later", 5, calls.of("later"))
    deadlines.arm("earlier", 9, calls.of("earlier"))
    deadlines.arm("earlier", 2, calls.of("earlier"))
    clock.advance(20)
    assert calls.seen == [("earlier", 2), ("later", 5)]


def test_owner_takes_its_deadline_back(clock: CountingClock, deadlines: Deadlines, calls: Calls) -> None:
    deadlines.arm("a", 1, calls.of("a"))
    assert "a" in deadlines
    deadlines.arm("a", None, calls.of("a"))
    deadlines.arm("never armed", None, calls.of("never armed"))
    assert "a" not in deadlines
    clock.advance(5)
    assert calls.seen == []
    assert clock.next_at is None


def test_same_deadline_again_keeps_its_place_and_takes_the_new_handle(
    clock: CountingClock, deadlines: Deadlines, calls: Calls
) -> None:
    deadlines.arm("a", 1, calls.of("old"))
    deadlines.arm("b", 1, calls.of("b"))
    deadlines.arm("a", 1, calls.of("new"))
    clock.advance(1)
    assert [owner for owner, _ in calls.seen] == ["new", "b"]


def test_only_an_earlier_deadline_needs_a_new_timer(clock: CountingClock, deadlines: Deadlines, calls: Calls) -> None:
    for number in range(1000):  # as a SIP timer moves with every message
        deadlines.arm("a", 10 + number, calls.of("a"))
        deadlines.arm("b", 20 + number, calls.of("b"))
    assert clock.timers == 1
    deadlines.arm("c", 5, calls.of("c"))
    assert clock.timers == 2
    clock.advance(10_000)
    assert [owner for owner, _ in calls.seen] == ["c", "a", "b"]
    assert clock.timers <= 6


def test_heap_does_not_grow_with_what_was_armed_again(deadlines: Deadlines, calls: Calls) -> None:
    deadlines.arm("first", 1.0, calls.of("first"))
    for number in range(10_000):
        deadlines.arm("a", number + 2.0, calls.of("a"))
    assert len(deadlines._heap) < 100


def test_owner_arms_itself_while_it_is_called(clock: CountingClock, deadlines: Deadlines, calls: Calls) -> None:
    def tick(now: float) -> None:
        calls.of("tick")(now)
        deadlines.arm("tick", now + 1, tick)

    deadlines.arm("tick", 1, tick)
    clock.advance(3)
    assert calls.seen == [("tick", 1), ("tick", 2), ("tick", 3)]


def test_overdue_deadline_of_a_handle_waits_for_the_clocks_next_callback(
    clock: CountingClock, deadlines: Deadlines, calls: Calls
) -> None:
    def again(now: float) -> None:
        deadlines.arm("past", now - 1, calls.of("past"))
        clock.call_at(now, lambda: calls.of("socket")(now))

    deadlines.arm("a", 1, again)
    clock.advance(1)
    assert [owner for owner, _ in calls.seen] == ["past", "socket"]
    assert clock.timers == 3


def test_handle_takes_back_and_moves_what_is_due_with_it(
    clock: CountingClock, deadlines: Deadlines, calls: Calls
) -> None:
    def first(now: float) -> None:
        deadlines.arm("taken back", None, calls.of("taken back"))
        deadlines.arm("moved", now + 1, calls.of("moved"))

    deadlines.arm("first", 1, first)
    deadlines.arm("taken back", 1, calls.of("taken back"))
    deadlines.arm("moved", 1, calls.of("moved"))
    clock.advance(5)
    assert calls.seen == [("moved", 2)]


def test_one_that_raises_does_not_hold_up_the_others(clock: CountingClock, deadlines: Deadlines, calls: Calls) -> None:
    def broken(_: float) -> None:
        raise ZeroDivisionError

    deadlines.arm("broken", 1, broken)
    deadlines.arm("a", 1, calls.of("a"))
    deadlines.arm("b", 2, calls.of("b"))
    with pytest.raises(ZeroDivisionError):
        clock.advance(5)
    clock.advance(5)
    assert calls.seen == [("a", 1), ("b", 2)]


def test_bug_of_a_handle_is_reported(clock: CountingClock, calls: Calls) -> None:
    bugs: list[Exception] = []
    deadlines = Deadlines(clock, on_bug=bugs.append)
    error = ZeroDivisionError()

    def broken(_: float) -> None:
        raise error

    deadlines.arm("broken", 1, broken)
    deadlines.arm("a", 1, calls.of("a"))
    clock.advance(1)
    assert bugs == [error]
    assert calls.seen == [("a", 1)]


def test_nobody_is_called_after_the_end(clock: CountingClock, deadlines: Deadlines, calls: Calls) -> None:
    deadlines.arm("a", 1, calls.of("a"))
    deadlines.close()
    deadlines.arm("b", 1, calls.of("b"))
    deadlines.close()
    clock.advance(5)
    assert calls.seen == []
    assert clock.next_at is None


def test_handle_ends_everything_while_others_are_due(clock: CountingClock, deadlines: Deadlines, calls: Calls) -> None:
    deadlines.arm("end", 1, lambda _: deadlines.close())
    deadlines.arm("a", 1, calls.of("a"))
    clock.advance(5)
    assert calls.seen == []


class AgainstADictionary(RuleBasedStateMachine):
    """The heap does what a dictionary that is searched each time would do."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(0.0)
        self.deadlines = Deadlines(self.clock)
        self.calls = Calls()
        self.model: dict[int, float] = {}
        self.expected: list[tuple[int, float]] = []

    @rule(owner=st.integers(0, 5), wait=st.none() | st.integers(-2, 8))
    def arm(self, owner: int, wait: int | None) -> None:
        when = None if wait is None else self.clock.now() + wait
        self.deadlines.arm(owner, when, self.calls.of(owner))
        self.model.pop(owner, None)
        if when is not None:
            self.model[owner] = when

    @rule(seconds=st.integers(0, 5))
    def advance(self, seconds: int) -> None:
        start, end = self.clock.now(), self.clock.now() + seconds
        self.clock.advance(seconds)
        due = [(max(when, start), owner) for owner, when in self.model.items() if when <= end]
        self.expected += [(owner, when) for when, owner in due]
        for _, owner in due:
            del self.model[owner]

    @invariant()
    def same_calls(self) -> None:
        assert sorted(self.calls.seen, key=str) == sorted(self.expected, key=str)
        assert [when for _, when in self.calls.seen] == sorted(when for _, when in self.calls.seen)
        assert len(self.deadlines) == len(self.model)


TestAgainstADictionary = AgainstADictionary.TestCase
TestAgainstADictionary.settings = settings(max_examples=50, stateful_step_count=20)
