"""What the requirements are checked against: anything that answers to this protocol."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from .client.webhook_receiver import WebhookReceiver
from .requirement import Requirement
from .tolerance import Tolerances


class Clock(Protocol):
    """A target's time, where it can be moved. What was due on the way has happened when `advance` returns."""

    def now(self) -> float: ...

    async def advance(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The way into a target for one check. `receiver` gets the project's webhooks and knows its secret."""

    base_url: str
    api_key: str
    project_id: str | None = None
    sip: dict[str, str] = field(default_factory=dict)
    """URIs to dial, by transport; empty where the target has no SIP."""
    ca_file: str | None = None
    receiver: WebhookReceiver | None = None
    clock: Clock | None = None
    other_api_key: str | None = None
    """A valid key of another project of the same target, where there is one."""
    before_call: Callable[[], None] = lambda: None
    """Asked before each call or session is opened. Raises `RunStopped` when no more may be."""


class Target(Protocol):
    """A thing to be judged. `open` it once, then take one `access` for each check."""

    name: str
    capabilities: frozenset[str]
    tolerances: Tolerances
    concurrency: int
    """How many checks may run at once."""

    def open(self) -> AbstractAsyncContextManager[None]:
        """Start it, or see that it is there. Raises `TargetUnreachable` with what was tried."""
        ...

    def access(self, requirement: Requirement) -> AbstractAsyncContextManager[Access]:
        """A way in for this check alone. At its end nothing of the check may be left; what is raises `Violation`."""
        ...

    async def still_there(self) -> None:
        """Asked after a check to which nothing was answered. Raises `TargetUnreachable` when the others need no try."""
        ...


class RunStopped(Exception):
    """The run can't go on: what was not judged yet is reported as not run. The message says why."""


class TargetUnreachable(RunStopped):
    """The target is not there. The message says what was tried and what came back."""
