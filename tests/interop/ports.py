"""Ports for programs that can't be asked which one they took."""

import asyncio
import socket

PATIENCE = 45.0
"""A peer starts within a second, on a busy machine in a few."""


def free_port() -> int:
    """A port that was free for TCP and UDP a moment ago, and the next one for UDP too (RTP and RTCP)."""
    for _ in range(100):
        with (
            socket.socket() as tcp,
            socket.socket(type=socket.SOCK_DGRAM) as rtp,
            socket.socket(type=socket.SOCK_DGRAM) as rtcp,
        ):
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            try:
                rtp.bind(("127.0.0.1", port))
                rtcp.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise AssertionError("no port is free")


async def connect(port: int, process: asyncio.subprocess.Process) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a process that was just started, once it listens. Fails if it ends before."""
    ended = asyncio.ensure_future(process.wait())
    try:
        async with asyncio.timeout(PATIENCE):
            while not (await asyncio.wait({ended}, timeout=0.05))[0]:
                try:
                    return await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    continue
    finally:
        ended.cancel()
    raise AssertionError(f"the peer ended at once with {process.returncode}")


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill a process if it still runs, and wait for its end."""
    if process.returncode is None:
        process.kill()
    await process.wait()
