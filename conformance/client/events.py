"""Server events as they come, whatever carries them: a WebSocket or a data channel."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import CallEnded, ProtocolViolation
from .watch import EVENT, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """One server event. `at` is Unix time that never goes back within a connection."""

    at: float
    data: Mapping[str, Any]

    @property
    def type(self) -> str:
        return str(self.data.get("type"))

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.data.get(key, default)


class EventStream:
    """Events in the order in which they came, to be looked at and waited for.

    `events` has everything that came; `frames` the raw text (or bytes) of the same; `violations` what was no event.
    Whoever carries them calls `take` for each frame and `end` once.
    """

    carrier = "connection"
    """What it is called in messages."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._watch = Watch()
        self.events: list[ReceivedEvent] = []
        self.frames: list[str | bytes] = []
        self.violations: list[ProtocolViolation] = []
        self.is_open = True
        self.closed_at: float | None = None

    async def send(self, event: Mapping[str, Any] | str | bytes) -> None:
        """A client event; text and bytes go as they are. Raises `ConnectionFailed` when it is closed."""
        raise NotImplementedError

    async def wait_for(
        self,
        type: str,
        *,
        where: Callable[[ReceivedEvent], bool] = lambda event: True,
        after: int = 0,
        timeout: float = EVENT,
    ) -> ReceivedEvent:
        """The first event of that type that `where` accepts; `after` leaves out the first so many of `events`.

        Raises `CallEnded` when the connection closed before it, `ProtocolViolation` when a frame was no event.
        """

        def found() -> ReceivedEvent | None:
            hit = next((each for each in self.events[after:] if each.type == type and where(each)), None)
            if hit is None:
                self._raise_end(f"{type} came")
            return hit

        return await self._watch.until(found, timeout=timeout, what=f"event {type}", instead=self._describe)

    @property
    def types(self) -> list[str]:
        """The types of `events`, for orders to be compared."""
        return [each.type for each in self.events]

    @property
    def close_code(self) -> int | None:
        """None while it is open, and where the carrier knows no codes."""
        return None

    @property
    def close_reason(self) -> str | None:
        return None

    # -- from the carrier

    def take(self, frame: str | bytes) -> None:
        """One message of the far end."""
        self.frames.append(frame)
        try:
            data = json.loads(frame)
            if isinstance(frame, bytes) or not isinstance(data, dict) or not isinstance(data.get("type"), str):
                raise ValueError("not a text frame with an object that has a type")
        except ValueError as error:
            self.violations.append(ProtocolViolation(f"a frame that is no event ({error}): {frame[:120]!r}"))
        else:
            self.events.append(ReceivedEvent(at=self._offset + time.monotonic(), data=data))
        self._watch.changed()

    def end(self) -> None:
        """Nothing comes any more."""
        if self.is_open:
            self.is_open = False
            self.closed_at = self._offset + time.monotonic()
        self._watch.changed()

    # -- private

    def _describe(self) -> str:
        code = f"{self.close_code} {self.close_reason}".strip() if self.close_code is not None else ""
        state = f"an open {self.carrier}" if self.is_open else f"a close {code}".rstrip()
        return f"{state} with {', '.join(self.types) or 'no event'}"

    def _raise_end(self, what: str) -> None:
        if self.violations:
            raise self.violations[0]
        if not self.is_open:
            raise CallEnded(f"the {self.carrier} was closed before {what}: {self._describe()}")
