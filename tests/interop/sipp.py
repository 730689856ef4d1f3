"""SIPp, and the twin that tells it when to go on (its 3PCC connection)."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from interop.ports import PATIENCE, end, free_port

SCENARIOS = Path(__file__).with_name("scenarios")
END = b"\x1b"


@dataclass
class Sipp:
    """A SIPp at work. A scenario's `<sendCmd>` is `told()`, and its `<recvCmd/>` waits for `go_on()`."""

    process: asyncio.subprocess.Process
    folder: Path
    twin: "asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]"
    _call_id: str = ""

    async def told(self) -> dict[str, str]:
        """The next command from the scenario: its headers."""
        async with asyncio.timeout(PATIENCE):
            reader, _ = await asyncio.shield(self.twin)
            text = (await reader.readuntil(END))[:-1].decode()
        headers = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        self._call_id = headers["Call-ID"]
        return headers

    async def go_on(self) -> None:
        """Let the scenario go on."""
        _, writer = await asyncio.shield(self.twin)
        writer.write(f"Call-ID: {self._call_id}\r\nGo: on\r\n\r\n".encode() + END)

    async def finished(self) -> None:
        """Wait until every call was made. Fails with what SIPp complains of unless all went as the scenario says."""
        async with asyncio.timeout(2 * PATIENCE):
            status = await self.process.wait()
        complaints = [file.read_text(errors="replace") for file in self.folder.glob("*_errors.log")]
        assert status == 0, f"SIPp ended with {status}:\n" + "\n".join(complaints)


@contextlib.asynccontextmanager
async def sipp(program: str, folder: Path, target: str, *arguments: str) -> AsyncIterator[Sipp]:
    """`sipp target arguments…` in a folder of its own, with the twin where the arguments say `-3pcc TWIN`."""
    twin: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.get_running_loop().create_future()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        twin.set_result((reader, writer))

    async with contextlib.AsyncExitStack() as stack:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        stack.push_async_callback(server.wait_closed)
        stack.callback(server.close)
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ports = ["-i", "127.0.0.1", "-p", str(free_port()), "-mi", "127.0.0.1", "-mp", str(free_port())]
        command = [program, target, *ports, "-nostdin", "-trace_err", *arguments]
        with (folder / "sipp.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *[address if word == "TWIN" else word for word in command],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        stack.push_async_callback(end, process)
        stack.push_async_callback(_close, twin)
        yield Sipp(process, folder, twin)


async def _close(twin: "asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]") -> None:
    if twin.done():
        _, writer = twin.result()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
