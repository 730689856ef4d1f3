"""Waiting without polling."""

import asyncio

import pytest
from ringback.conformance.client.errors import CallEnded, WaitTimeout
from ringback.conformance.client.watch import Watch


async def test_waiter_goes_on_when_its_condition_holds() -> None:
    watch = Watch()
    values: list[int] = []
    conditions = [lambda: values[0:], lambda: values[1:]]
    waiting = [asyncio.ensure_future(watch.until(each, timeout=5.0, what="value")) for each in conditions]
    await asyncio.sleep(0)
    values.append(1)
    watch.changed()
    values.append(2)
    watch.changed()
    assert await asyncio.gather(*waiting) == [[1], [2]]
    assert await watch.until(lambda: values, timeout=0.0, what="value") == [1, 2]


async def test_waiter_gets_the_error_that_its_condition_raises() -> None:
    watch = Watch()
    problems: list[CallEnded] = []

    def condition() -> bool:
        if problems:
            raise problems[0]
        return False

    waiting = asyncio.ensure_future(watch.until(condition, timeout=5.0, what="anything"))
    await asyncio.sleep(0)
    problems.append(CallEnded("over"))
    watch.changed()
    watch.changed()
    with pytest.raises(CallEnded, match="over"):
        await waiting


async def test_waiter_is_told_what_there_was_instead() -> None:
    with pytest.raises(WaitTimeout, match="no 180 within 0 s; there was a 486"):
        await Watch().until(lambda: None, timeout=0.0, what="180", instead=lambda: "a 486")
