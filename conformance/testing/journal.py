"""What happened in a test, as records that can be filtered and waited for."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from ..client.errors import WaitTimeout
from ..client.watch import Watch
from ..targets.embedded import EmbeddedProject, Record
from .diagnosis import hints, message, raised, waiting
from .errors import ExpectationFailed

WITHIN = 5.0
"""Seconds that a test waits for something when it does not say."""


class Journal:
    """The records of one test's project. Filters are by kind (`sip`, `webhook.attempt` …) and by what their data holds:
    `records("rest.request", method="POST")`."""

    def __init__(self, project: EmbeddedProject, patience: float = 1.0) -> None:
        self._project = project
        self._patience = patience
        self._watch = Watch()
        self.raised: list[str] = []
        """Tracebacks of what applications in this process have raised."""
        project.subscribe(self._watch.changed)

    # Queries

    def records(self, kind: str | None = None, **data: Any) -> list[Record]:
        """What happened so far, oldest first."""
        return [record for record in self._project.records(kind) if _holds(record, data)]

    def requests_to(self, path: str, *, method: str | None = None) -> list[Record]:
        """REST requests of the application whose path matches the regular expression `path`."""
        found = [each for each in self.records("rest.request") if re.search(path, each.data["path"])]
        return [each for each in found if method in (None, each.data["method"])]

    def events_sent(self, type_: str | None = None) -> list[dict[str, Any]]:
        """The events that the application sent, on all its channels."""
        return list(self._events("event.client", type_))

    def events_received(self, type_: str | None = None) -> list[dict[str, Any]]:
        """The events that the application was sent."""
        return list(self._events("event.server", type_))

    @property
    def ladder(self) -> str:
        """All of it as a picture of three columns: caller, emulator, application."""
        return "\n".join(self._project.ladder())

    def assert_no_errors(self) -> None:
        """Raises `ExpectationFailed` when anything of the application was refused, failed, or went wrong."""
        found = list(dict.fromkeys([*raised(self.raised), *hints(self.records())]))
        if found:
            raise self.failure("no errors", "1 was found" if len(found) == 1 else f"{len(found)} were found")

    # Waiting

    def patient(self, within: float) -> float:
        """How long a test waits on this machine that says `within` so many seconds."""
        return within * self._patience

    async def wait_for(self, kind: str, *, within: float = WITHIN, **data: Any) -> Record:
        """The first record of that kind with that data, now or when it comes. Raises `ExpectationFailed`."""
        within = self.patient(within)
        seen = 0

        def found() -> Record | None:
            nonlocal seen
            for record in self._project.records(kind, after=seen):
                if _holds(record, data):
                    return record
                seen = record.sequence
            return None

        what = f"{kind}{''.join(f', {name}={value!r}' for name, value in data.items())} within {within:g} s"
        record: Record = await self.until(found, within, what)
        return record

    async def until(
        self, condition: Callable[[], Any], within: float, expected: str, instead: Callable[[], str] | None = None
    ) -> Any:
        """The first true value of `condition`, tried at each record. Raises `ExpectationFailed`."""
        try:
            return await self._watch.until(condition, timeout=within, what=expected)
        except WaitTimeout:
            raise self.failure(expected, "it did not happen" if instead is None else instead()) from None

    def failure(self, expected: str, instead: str) -> ExpectationFailed:
        """The error that says so, with what the journal knows."""
        records = self.records()
        found = [
            *raised(self.raised),
            *hints(records, self._project.pending_webhooks),
            *waiting(records, self._project.waiting_steps),
        ]
        return ExpectationFailed(message(expected, instead, found, self._project.ladder()))

    # Private

    def _events(self, kind: str, type_: str | None) -> Iterator[dict[str, Any]]:
        for record in self.records(kind):
            event = record.data["event"]
            if isinstance(event, dict) and type_ in (None, event.get("type")):
                yield event


def _holds(record: Record, wanted: dict[str, Any]) -> bool:
    return all(record.data.get(name) == value for name, value in wanted.items())
