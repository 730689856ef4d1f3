"""An asyncio loop in a thread of its own, for callers that have none or must keep theirs free."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from .virtual_loop import VirtualLoop

T = TypeVar("T")


class LoopThread:
    """Runs until `close`. What is asked for with `run` or `submit` runs on the loop; a virtual one moves its time
    meanwhile."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.loop = asyncio.new_event_loop() if loop is None else loop
        self._thread = threading.Thread(target=self._serve, name="ringback", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it on the loop and wait for the end. What it raises is raised here."""
        future = self.submit(work)
        try:
            return future.result()
        except BaseException:  # KeyboardInterrupt, too: nobody waits any more
            future.cancel()
            raise

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The same for a coroutine of another loop."""
        return await asyncio.wrap_future(self.submit(work))

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(self._move(work), self.loop)

    def close(self) -> None:
        """End the loop with all that still runs on it. Safe to call twice."""
        if not self._thread.is_alive():
            return
        self.run(_cancel_the_rest())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _move(self, work: Coroutine[Any, Any, T]) -> T:
        if not isinstance(self.loop, VirtualLoop):
            return await work
        self.loop.movers += 1
        try:
            return await work
        finally:
            self.loop.movers -= 1

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


async def _cancel_the_rest() -> None:
    """Every task but the one that asks, and the one that `submit` made around it."""
    ours = asyncio.current_task()
    rest = [task for task in asyncio.all_tasks() if task is not ours]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    loop = asyncio.get_running_loop()
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()
