"""pyVoIP, a softphone in Python by other people (GPL, so it runs as a program of its own): UDP only."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from interop.launch import PROGRAMS
from interop.ports import PATIENCE, end, free_port
from ringback.fixtures import tonecode


@dataclass
class PyVoip:
    """One at work."""

    folder: Path
    process: asyncio.subprocess.Process

    async def tell(self, command: str = "") -> str:
        """Give a command and return what it answers. Without one: what it says next."""
        reader, writer = self.process.stdout, self.process.stdin
        assert reader is not None
        assert writer is not None
        if command:
            writer.write(f"{command}\n".encode())
        async with asyncio.timeout(PATIENCE):
            while line := (await reader.readline()).decode():
                if line.startswith("ok "):  # it prints warnings of its own
                    return line[3:].strip()
        raise AssertionError(f"pyVoIP ended at {command!r}:\n{(self.folder / 'pyvoip.log').read_text()}")

    async def say(self, text: str) -> None:
        """Begin to say a text as tonecode."""
        file = self.folder / "say.raw"
        file.write_bytes(((tonecode.encode(text) >> 8) + 128).astype(np.uint8).tobytes())
        await self.tell(f"say {file}")

    async def heard(self) -> list[str]:
        """What it has heard in its call."""
        file = self.folder / "heard.raw"
        await self.tell(f"heard {file}")
        samples = (np.frombuffer(file.read_bytes(), dtype=np.uint8).astype(np.int16) - 128) << 8
        return [each.text for each in tonecode.decode(samples) if each.complete]


@contextlib.asynccontextmanager
async def pyvoip(folder: Path, port: int) -> AsyncIterator[PyVoip]:
    """One that has registered at `port`; it leaves at the end of the block."""
    program = PROGRAMS / "pyvoip_phone.py"
    with (folder / "pyvoip.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(program), str(port), str(free_port()), str(free_port())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        phone = PyVoip(folder, process)
        assert await phone.tell() == "REGISTERED"
        yield phone
        assert await phone.tell("quit") == "INACTIVE"
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
    finally:
        await end(process)
