"""What the tests of the redirection know of the emulator that they reach."""

import asyncio
import subprocess
from dataclasses import dataclass, field

from ringback.emulator.transports.redirect import Redirect

KEY = "sk-ringback-test"


@dataclass
class StandIn:
    """What stands in for the emulator: HTTPS and HTTP, a REST path and a WebSocket that echoes."""

    https: tuple[str, int]
    http: tuple[str, int]
    redirect: Redirect
    environment: dict[str, str]
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    """(scheme, Host, Authorization) of each request."""
    refused: list[str] = field(default_factory=list)
    """What the proxy said of hosts that it refused."""
    once: list[tuple[str, str, str | None]] = field(
        default_factory=lambda: [("https", "api.openai.com", f"Bearer {KEY}")]
    )
    """What `seen` is after one request to api.openai.com."""

    async def run(self, *command: str, **variables: str) -> tuple[int | None, str, str]:
        """Run a program to its end: its status, what it printed, what it complained of."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()
