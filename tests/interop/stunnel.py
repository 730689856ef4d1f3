"""stunnel in front of a SIP client that has no TLS."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

from interop.ports import connect, end, free_port

# The certificate is checked as a trunk would: by its authority and its address.
CONFIG = """
foreground = yes
pid =
debug = 4
[sip]
client = yes
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{tls_port}
CAfile = {ca_file}
verifyChain = yes
checkIP = 127.0.0.1
TIMEOUTclose = 0
"""


@contextlib.asynccontextmanager
async def stunnel(program: str, folder: Path, tls_port: int, *, ca_file: str) -> AsyncIterator[int]:
    """The port that leads to `tls_port`."""
    port = free_port()
    config = folder / "stunnel.conf"
    config.write_text(CONFIG.format(port=port, tls_port=tls_port, ca_file=ca_file).lstrip())
    with (folder / "stunnel.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, str(config), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _, writer = await connect(port, process)
        writer.close()
        await writer.wait_closed()
        yield port
    finally:
        await end(process)
