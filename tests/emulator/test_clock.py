"""The system's clock, and the one of the tests."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.clock import ManualClock, SystemClock
from ringback.emulator.errors import UsageError


def test_system_clock_shows_unix_time() -> None:
    before = time.time()
    assert before - 1 < SystemClock().now() < time.time() + 1


def test_system_clock_never_goes_back_when_the_system_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    before = clock.now()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert clock.now() >= before


async def test_system_clock_calls_at_or_after_the_time() -> None:
    clock = SystemClock()
    loop = asyncio.get_running_loop()
    called: asyncio.Future[float] = loop.create_future()
    when = clock.now() + 0.01
    clock.call_at(when, lambda: called.set_result(clock.now()))
    assert await called >= when - 0.001  # a loop may be early by its own resolution


async def test_system_clock_calls_soon_what_is_overdue_and_never_what_was_cancelled() -> None:
    clock = SystemClock()
    calls: list[str] = []
    clock.call_at(clock.now() - 5, lambda: calls.append("cancelled")).cancel()
    done = asyncio.Event()
    clock.call_at(clock.now() - 5, done.set)
    await done.wait()
    assert calls == []


def test_manual_clock_stands_still() -> None:
    clock = ManualClock(100.0)
    assert clock.now() == clock.now() == 100.0
    assert clock.next_at is None


def test_manual_clock_runs_callbacks_on_its_way_in_order() -> None:
    clock = ManualClock(100.0)
    calls: list[tuple[str, float]] = []
    clock.call_at(103, lambda: calls.append(("c", clock.now())))
    clock.call_at(101, lambda: calls.append(("a", clock.now())))
    clock.call_at(101, lambda: calls.append(("b", clock.now())))
    clock.call_at(105, lambda: calls.append(("later", clock.now())))
    clock.call_at(102, lambda: calls.append(("never", clock.now()))).cancel()
    assert clock.next_at == 101
    clock.advance(4)
    assert calls == [("a", 101), ("b", 101), ("c", 103)]
    assert clock.now() == 104
    assert clock.next_at == 105


def test_manual_clock_runs_what_a_callback_asks_for() -> None:
    clock = ManualClock(0.0)
    calls: list[float] = []

    def tick() -> None:
        calls.append(clock.now())
        clock.call_at(clock.now() + 1, tick)

    clock.call_at(1, tick)
    clock.advance_to(3.5)
    assert calls == [1, 2, 3]


def test_manual_clock_runs_what_is_overdue_without_going_back() -> None:
    clock = ManualClock(10.0)
    calls: list[float] = []
    clock.call_at(5, lambda: calls.append(clock.now()))
    clock.advance(0)
    assert calls == [10]


def test_manual_clock_refuses_to_go_back() -> None:
    clock = ManualClock(10.0)
    with pytest.raises(UsageError, match="never goes back"):
        clock.advance(-1)


@given(whens=st.lists(st.floats(0, 100)), steps=st.lists(st.floats(0, 30)))
def test_manual_clock_runs_each_callback_once_in_the_order_of_time(whens: list[float], steps: list[float]) -> None:
    clock = ManualClock(0.0)
    calls: list[float] = []
    for when in whens:
        clock.call_at(when, lambda when=when: calls.append(when))
    for step in steps:
        clock.advance(step)
        assert calls == sorted(when for when in whens if when <= clock.now())
