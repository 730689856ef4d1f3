"""An application as a process of its own, under the redirect: it may say `https://api.openai.com` and hard-code it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .errors import ExpectationFailed

START = 20.0
"""Seconds until a program has said that it is ready."""
END = 5.0
"""Seconds that a program may take to end before it is killed."""


class Program:
    """A program that runs, and what it has printed so far. It ends with the test."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: str | Path | None,
        patient: Callable[[float], float],
    ) -> None:
        self.command = tuple(command)
        self._patient = patient
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            self.command,
            env={**environment, "PYTHONUNBUFFERED": "1"},  # what it prints is waited for
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="ringback: a program's output", daemon=True)
        self._reader.start()
        self._has_ended = False

    # Input

    def prints(self, text: str | re.Pattern[str], within: float = START) -> str:
        """The first line with that text or pattern in it, now or when it comes. Raises `ExpectationFailed`."""
        within = self._patient(within)
        pattern, wanted = (
            (re.compile(re.escape(text)), repr(text)) if isinstance(text, str) else (text, f"/{text.pattern}/")
        )

        def found() -> str | None:
            return next((line for line in self.lines if pattern.search(line)), None)

        with self._news:
            self._news.wait_for(lambda: found() is not None or self._has_ended, within)
            line = found()
        if line is not None:
            return line
        instead = f"it ended with {self._process.wait()}" if self._has_ended else "it runs, and did not"
        printed = "\n".join(f"    {line}" for line in self.lines) or "    nothing"
        raise ExpectationFailed(
            f"expected: {self.name} to print {wanted} within {within:g} s\n"
            f"instead:  {instead}\nlook at:  what it printed:\n{printed}"
        )

    def stop(self) -> int:
        """SIGTERM to it and what it started, SIGKILL after 5 seconds. Its status. Safe to call twice."""
        with contextlib.suppress(ProcessLookupError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGTERM)
        try:
            status = self._process.wait(END)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            status = self._process.wait()
        self._reader.join(END)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status

    # Queries

    @property
    def name(self) -> str:
        return " ".join("python" if word == sys.executable else word for word in self.command)

    # Private

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._has_ended = True
            self._news.notify_all()
