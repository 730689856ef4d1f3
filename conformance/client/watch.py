"""Waiting for a state without polling: whoever changes it says so, and those whose condition holds go on."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import WaitTimeout

T = TypeVar("T")

# Named waits, with their reasons. Every `timeout` of the client defaults to one of these.
FINAL_RESPONSE = 34.0  # RFC 3261: a transaction gives up after 64 * T1 = 32 s, and its own error says more than ours
DECISION = 40.0  # an application's decision about a call: the emulator gives up after 30 s, people need a while, too
SPEECH = 30.0  # a sentence of 200 characters of tonecode takes 9 s, a model thinks for some
END = 40.0  # a BYE may be retransmitted for 32 s
EVENT = 15.0  # events of a session follow their cause within a second on a healthy far end
WEBHOOK = 15.0  # delivery is immediate, one retry included


class Watch:
    """Conditions of one object that somebody waits for."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []

    def changed(self) -> None:
        """Try every condition again. Call it after each change of what the conditions read."""
        for waiter in list(self._waiting):
            condition, future = waiter
            if future.done():
                continue
            try:
                value = condition()
            except Exception as error:  # noqa: BLE001  the condition speaks to its waiter, whatever it says
                future.set_exception(error)
            else:
                if value:
                    future.set_result(value)

    async def until(
        self,
        condition: Callable[[], T | None],
        *,
        timeout: float,
        what: str,
        instead: Callable[[], str] = lambda: "nothing",
    ) -> T:
        """The first true value of `condition`, which may raise to end the wait. Raises `WaitTimeout`."""
        value = condition()
        if value:
            return value
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiter = (condition, future)
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise WaitTimeout(f"no {what} within {timeout:g} s; there was {instead()}") from None
        finally:
            self._waiting.remove(waiter)
