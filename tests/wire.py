"""Bytes sent to a running emulator as they are, and the statuses that come back, over UDP and over TCP."""

import asyncio
import contextlib
import itertools
import re
import socket

from desk import PATIENCE
from ringback.emulator.server import Emulator
from streams import connect_sip, port_of

CLOSED = 0
"""Stands for the end of the connection in a list of statuses."""
TOP_VIA = re.compile(rb"^(?:v|via)[ \t]*:\s*SIP\s*/\s*2\.0\s*/\s*\w+\s+([^\s;,]+)", re.IGNORECASE | re.MULTILINE)
CALL_ID = re.compile(rb"^(?:i|call-id)[ \t]*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
RESPONSE = re.compile(rb"SIP/2\.0 (\d{3})[^\r]*\r\n.*?\r\n\r\n", re.DOTALL)
_addresses = itertools.count(1)

Answers = list[tuple[int, str]]
"""Each status with its Call-ID."""


def probe(transport: str, number: int) -> bytes:
    """A request whose answer says that everything before it has been looked at."""
    return (
        f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.1:9;rport;branch=z9hG4bK-probe-{number}\r\n"
        f"From: <sip:probe@example.com>;tag=probe\r\nTo: <sip:example.com>\r\nCall-ID: probe-{number}\r\n"
        "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def sent_by_port(data: bytes) -> int:
    """Where the answer goes over UDP, on the address that the request came from (RFC 3261 18.2.2)."""
    found = TOP_VIA.search(data)
    port = re.search(rb"(?:\A[^:\[]*|\]):(\d+)\Z", found[1]) if found else None
    return int(port[1]) if port else 5060


def call_id_of(data: bytes) -> str | None:
    found = CALL_ID.search(data)
    return found[1].decode("latin-1") if found else None


async def over_udp(emulator: Emulator, data: bytes, count: int) -> Answers:
    """The first `count` answers to a datagram, and all that come after them and before those to a probe."""
    loop, number = asyncio.get_running_loop(), next(_addresses)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        # An address of its own, for the answers' port is in the message.
        sock.bind((f"127.9.{number // 250}.{number % 250 + 1}", sent_by_port(data)))
        sock.setblocking(False)
        server = ("127.0.0.1", port_of(emulator, "udp"))
        answers: Answers = []

        async def read() -> Answers:
            received = await asyncio.wait_for(loop.sock_recv(sock, 65536), PATIENCE)
            return [each for each in _answers(received) if not answers or each != answers[-1]]  # repeated without ACK

        await loop.sock_sendto(sock, data, server)
        while len(answers) < count:
            answers += await read()
        await loop.sock_sendto(sock, probe("UDP", number), server)
        while (200, f"probe-{number}") not in answers:
            answers += await read()
        return [each for each in answers if not each[1].startswith("probe-")]


async def over_tcp(emulator: Emulator, data: bytes, count: int) -> Answers:
    """The same of a connection; `CLOSED` at the end if it was closed."""
    number = next(_addresses)
    async with connect_sip(emulator, "tcp") as (reader, writer):
        writer.write(data)
        buffer = b""
        ended = False
        with contextlib.suppress(ConnectionError):
            while not ended and len(_answers(buffer)) < count:
                buffer, ended = await _read(reader, buffer)
            writer.write(probe("TCP", number))
            while not ended and f"probe-{number}" not in (call_id for _, call_id in _answers(buffer)):
                buffer, ended = await _read(reader, buffer)
        answers = _answers(buffer)
        if (200, f"probe-{number}") not in answers:
            return [*answers, (CLOSED, "")]
        return [each for each in answers if not each[1].startswith("probe-")]


async def _read(reader: asyncio.StreamReader, buffer: bytes) -> tuple[bytes, bool]:
    more = await asyncio.wait_for(reader.read(65536), PATIENCE)
    return buffer + more, not more


def _answers(data: bytes) -> Answers:
    return [(int(each[1]), call_id_of(each[0]) or "") for each in RESPONSE.finditer(data)]
