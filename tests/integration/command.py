"""The command `ringback` as its users run it: a process with its lines, its signals and its status."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE = 45.0
"""For what takes a second on an idle machine: the start of a process, or its end."""
FREE_PORTS = ("--http-port", "0", "--sip-tls-port", "0", "--sip-tcp-port", "0", "--sip-udp-port", "0")
FRAMED = Path(__file__).parents[1] / "framed.py"
"""`ringback`, with its frames judged."""


def environment(**variables: str) -> dict[str, str]:
    """The user's, without what would be a setting of the emulator."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("RINGBACK_")}
    return {**mine, "PYTHONUNBUFFERED": "1", **variables}


@dataclass
class Command:
    """A process that runs: what it printed so far, on both streams, a line at a time."""

    process: asyncio.subprocess.Process
    folder: Path
    lines: list[str] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _is_over: bool = False

    async def line(self, accepts: Callable[[str], bool], *, count: int = 1) -> str:
        """The first line, or the `count`th, that `accepts`, now or when it comes. Fails with all lines if none does."""

        def found() -> list[str]:
            return [line for line in self.lines if accepts(line)]

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE), self._news:
                await self._news.wait_for(lambda: len(found()) >= count or self._is_over)
        hits = found()
        assert len(hits) >= count, f"line {count} never came; there was:\n{self.text}"
        return hits[count - 1]

    async def status(self) -> int:
        """Its exit status, once it has ended."""
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def interrupt(self) -> int:
        """Ctrl-C, and the exit status."""
        self.process.send_signal(signal.SIGINT)
        return await self.status()

    def ready(self) -> dict[str, Any]:
        """What `--ready-json ready.json` has written."""
        return json.loads((self.folder / "ready.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    async def journal(self, kind: str) -> list[dict[str, Any]]:
        """The journal's entries of that kind, as a user gets them."""
        url = f"{self.ready()['admin_url']}/journal"
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, params={"kind": kind, "limit": "5000"}) as response,
        ):
            page = await response.json()
            return list(page["data"])

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    # Private

    async def read(self) -> None:
        """Take lines until both streams are at their end."""
        out, err = self.process.stdout, self.process.stderr
        assert out is not None
        assert err is not None
        await asyncio.gather(self._read(out), self._read(err))
        async with self._news:
            self._is_over = True
            self._news.notify_all()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            async with self._news:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._news.notify_all()


@contextlib.asynccontextmanager
async def running(*command: str, folder: Path, **variables: str) -> AsyncIterator[Command]:
    """Run a command in `folder`; whatever becomes of the test, it ends."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    mine = Command(process, folder)
    reading = asyncio.create_task(mine.read())
    try:
        yield mine
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(PATIENCE):
                    await process.wait()
            except TimeoutError:
                process.kill()
        await process.wait()
        await reading


@contextlib.asynccontextmanager
async def ringback(*arguments: str, folder: Path, **variables: str) -> AsyncIterator[Command]:
    """`ringback …`. What it sends is judged as in the process of the tests; `frames.py` says how."""
    with tempfile.NamedTemporaryFile(prefix="frames-") as file:
        framed = {"FRAMES_FILE": file.name, **variables}
        async with running(sys.executable, str(FRAMED), *arguments, folder=folder, **framed) as command:
            yield command
        broken = file.read().decode()
    assert not broken, f"server events of ringback {' '.join(arguments)} break their schema:\n{broken}"


async def run(*arguments: str, folder: Path, **variables: str) -> tuple[int, str]:
    """`ringback …` to its end: its status and everything that it printed."""
    async with ringback(*arguments, folder=folder, **variables) as command:
        status = await command.status()
    return status, command.text


def settings(values: Mapping[str, object]) -> str:
    """A `ringback.toml`."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
