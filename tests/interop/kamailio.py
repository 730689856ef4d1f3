"""Kamailio as the trunk that `ringback doctor --config kamailio` prints, on ports of the test's own."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from interop.ports import connect, end, free_port
from ringback.emulator.server import Emulator
from ringback.emulator.softphones import Addresses, kamailio


@dataclass(frozen=True)
class Trunk:
    """A Kamailio at work. `port` is for phones, UDP and TCP; `tls_port` is what it calls the emulator from."""

    port: int
    tls_port: int

    def uri(self, transport: str) -> str:
        return f"sip:anybody@127.0.0.1:{self.port};transport={transport}"


@contextlib.asynccontextmanager
async def trunk(program: str, folder: Path, emulator: Emulator) -> AsyncIterator[Trunk]:
    """Between phones and an emulator."""
    mine = Trunk(free_port(), free_port())
    _configure(folder, kamailio(Addresses.of(emulator.ready.as_dict())).as_text(), mine)
    with (folder / "kamailio.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(program, "-f", str(folder / "kamailio.cfg"), "-DD", "-E", "-P", str(folder / "pid"), "-Y", str(folder)),
            *("-m", "32", "-M", "8"),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _, writer = await connect(mine.port, process)
        writer.close()
        await writer.wait_closed()
        yield mine
    finally:
        if process.returncode is None:
            process.terminate()  # its first process ends the others
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await process.wait()
        await end(process)


def _configure(folder: Path, printed: str, mine: Trunk) -> None:
    for default, port in ((":5080!", mine.port), (":5081!", mine.tls_port)):
        assert printed.count(default) == 1
        printed = printed.replace(default, f":{port}!")
    folder.mkdir()
    (folder / "kamailio.cfg").write_text(printed)
