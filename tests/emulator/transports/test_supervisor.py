"""The owner of background tasks."""

import asyncio
from typing import Any

import pytest
from ringback.emulator.errors import UsageError
from ringback.emulator.transports.supervisor import Supervisor


async def fail() -> None:
    raise ZeroDivisionError("a bug")


async def test_task_returns_its_result_and_is_forgotten() -> None:
    supervisor = Supervisor()

    async def work() -> int:
        return 7

    task = supervisor.spawn(work(), name="work")
    assert task.get_name() == "work"
    assert len(supervisor) == 1
    assert await task == 7
    assert len(supervisor) == 0


async def test_task_that_raises_is_reported_and_its_neighbours_go_on() -> None:
    bugs: list[BaseException] = []
    supervisor = Supervisor(on_bug=bugs.append)
    go_on = asyncio.Event()
    neighbour = supervisor.spawn(go_on.wait(), name="neighbour")
    await asyncio.wait([supervisor.spawn(fail(), name="broken")])
    assert [str(error) for error in bugs] == ["a bug"]
    go_on.set()
    assert await neighbour is True


async def test_task_reports_to_its_own_listener_first() -> None:
    general: list[BaseException] = []
    own: list[BaseException] = []
    supervisor = Supervisor(on_bug=general.append)
    await asyncio.wait([supervisor.spawn(fail(), name="broken", on_bug=own.append)])
    assert (len(own), len(general)) == (1, 0)


async def test_loop_hears_of_a_bug_that_nobody_else_listens_to() -> None:
    contexts: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: contexts.append(context))
    await asyncio.wait([Supervisor().spawn(fail(), name="broken")])
    (context,) = contexts
    assert context["message"] == "task 'broken' raised"
    assert isinstance(context["exception"], ZeroDivisionError)


async def test_stop_cancels_every_task_and_waits_for_its_end() -> None:
    bugs: list[BaseException] = []
    supervisor = Supervisor(on_bug=bugs.append)
    ended: list[int] = []

    async def work(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    tasks = [supervisor.spawn(work(number), name=f"work {number}") for number in range(3)]
    await asyncio.sleep(0)
    await supervisor.stop()
    assert sorted(ended) == [0, 1, 2]
    assert all(task.cancelled() for task in tasks)
    assert bugs == []
    await supervisor.stop()
    assert len(supervisor) == 0


async def test_task_stops_the_supervisor_without_waiting_for_itself() -> None:
    supervisor = Supervisor()
    other = supervisor.spawn(asyncio.Event().wait(), name="other")
    await supervisor.spawn(supervisor.stop(), name="stopper")
    assert other.cancelled()


async def test_nothing_is_spawned_after_the_end() -> None:
    supervisor = Supervisor()
    await supervisor.stop()
    with pytest.raises(UsageError, match="'late'"):
        supervisor.spawn(fail(), name="late")
