"""Judges every event that the emulator of this process makes, and every frame that leaves it, by its schema.

`python tests/framed.py …` takes the command line of `ringback` and is that, but for this. What is wrong is appended to
the file that `FRAMES_FILE` names, a line each, for whoever started it to look at. It imports little, since tests start
it often; `frames.py` is the same for the process of the tests.
"""

import os
import sys
from pathlib import Path
from typing import Any

from ringback.emulator.realtime import events
from ringback.emulator.realtime.effects import SendEvent
from ringback.emulator.transports import channels
from ringback.fixtures.validation import validator

FILE = "FRAMES_FILE"

Emitted = dict[str, set[str]]
"""Types of server events, with the tests that emit them."""


class Recorder:
    """Judges events as they come. One for each process."""

    def __init__(self) -> None:
        self.emitted: Emitted = {}
        self.ran: set[str] = set()
        self._test: str | None = None
        self._problems: list[str] = []
        self._latest: object = None

    def begin(self, test: str, *, is_steady: bool) -> None:
        """`is_steady` is whether the test does the same each time, so that a page may name it."""
        self._test = test if is_steady else None
        self._problems = []

    def end(self) -> list[str]:
        """What was wrong with the events of the test."""
        self._test, self._latest = None, None
        return self._problems

    def see(self, event: dict[str, Any]) -> None:
        """An event is made, or leaves; most do both right behind each other."""
        if event is self._latest:
            return
        self._latest = event
        problems = validator("server_events").problems(event)
        if problems:
            self.tell([f"{event.get('type')}: {problem}" for problem in problems])
        elif self._test is not None:
            self.emitted.setdefault(event["type"], set()).add(self._test)

    def tell(self, problems: list[str]) -> None:
        """What is wrong with one event."""
        self._problems += problems


class Written(Recorder):
    """Writes down what is wrong at once: nobody knows how the process will end."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def tell(self, problems: list[str]) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.writelines(f"{problem}\n" for problem in problems)


def listen(recorder: Recorder) -> None:
    """From here on `recorder` sees all events of this process."""
    take, encode = events.Outbox.take, channels.encode

    def seen_take(self: events.Outbox) -> Any:
        effect = take(self)
        if isinstance(effect, SendEvent):
            recorder.see(effect.event)
        return effect

    def seen_encode(event: dict[str, Any]) -> bytes:
        recorder.see(event)
        return encode(event)

    events.Outbox.take = seen_take  # type: ignore[method-assign]
    for module in tuple(sys.modules.values()):
        if getattr(module, "encode", None) is encode:
            module.encode = seen_encode  # type: ignore[attr-defined]


if __name__ == "__main__":
    from ringback.emulator.cli import main

    listen(Written(Path(os.environ[FILE])))
    main()
