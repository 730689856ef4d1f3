"""The owner of background tasks: it awaits each of them, hears of what they raise, and ends them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..errors import UsageError

OnBug = Callable[[BaseException], None]
_Result = TypeVar("_Result")


class Supervisor:
    """Spawn tasks here, and nowhere else. A task that raises is reported, and its neighbours go on.

    `on_bug` hears the errors of tasks that were spawned without one of their own; without either, the loop's exception
    handler does.
    """

    def __init__(self, *, on_bug: OnBug | None = None) -> None:
        self._on_bug = on_bug
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_stopped = False

    def spawn(
        self, coroutine: Coroutine[Any, Any, _Result], *, name: str, on_bug: OnBug | None = None
    ) -> asyncio.Task[_Result]:
        """Run `coroutine` as a task. Nobody has to await it. Raises `UsageError` after `stop()`."""
        if self._is_stopped:
            coroutine.close()
            raise UsageError(f"task {name!r} was spawned after its supervisor had been stopped")
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._end(ended, on_bug or self._on_bug))
        return task

    async def stop(self) -> None:
        """Cancel every task and wait until all have ended. Safe to call twice, and from one of the tasks."""
        self._is_stopped = True
        if tasks := self._tasks - {asyncio.current_task()}:
            for task in tasks:
                task.cancel("the supervisor stops")
            await asyncio.wait(tasks)

    def __len__(self) -> int:
        """How many tasks run."""
        return len(self._tasks)

    def _end(self, task: asyncio.Task[Any], on_bug: OnBug | None) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if on_bug is not None:
            on_bug(error)
            return
        task.get_loop().call_exception_handler(
            {"message": f"task {task.get_name()!r} raised", "exception": error, "task": task}
        )
