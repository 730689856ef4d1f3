"""The emulator's clock as checks move it: what was due has happened, and the sockets had their turns."""

import asyncio

from ringback.conformance.targets.emulator import MovedClock
from ringback.emulator.clock import ManualClock


async def test_what_is_due_happens_in_order_and_at_its_time() -> None:
    manual = ManualClock(100.0)
    clock = MovedClock(manual)
    seen: list[float] = []
    for when in (103.0, 101.0, 101.02, 109.0):
        manual.call_at(when, lambda: seen.append(clock.now()))
    await clock.advance(5.0)
    assert seen == [101.0, 101.02, 103.0]
    assert clock.now() == 105.0


async def test_what_an_answer_brings_happens_at_its_time() -> None:
    manual = ManualClock(100.0)
    clock = MovedClock(manual)
    seen: list[float] = []

    def ask() -> None:
        asyncio.get_running_loop().call_soon(answer)

    def answer() -> None:
        seen.append(clock.now())
        manual.call_at(clock.now() + 1.0, lambda: seen.append(clock.now()))

    manual.call_at(101.0, ask)
    manual.call_at(104.0, lambda: None)
    await clock.advance(10.0)
    assert seen == [101.0, 102.0]


async def test_dense_deadlines_share_a_turn_of_the_sockets() -> None:
    manual = ManualClock(100.0)
    clock = MovedClock(manual)
    turns: list[float] = []

    def tick() -> None:
        asyncio.get_running_loop().call_soon(lambda: turns.append(round(clock.now() - 100.0, 3)))
        manual.call_at(clock.now() + 0.02, tick)

    manual.call_at(100.02, tick)
    await clock.advance(0.3)
    assert sorted(set(turns)) == [0.12, 0.24, 0.3]
    assert len(turns) in (14, 15)  # floating point decides about the one at the very end
