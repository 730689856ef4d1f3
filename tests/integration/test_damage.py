"""Damaged HTTP requests and WebSocket frames at a running emulator: nothing of it is a bug, and calls go on."""

import asyncio
import contextlib
import json
import random
import struct
from urllib.parse import urlsplit

from desk import PATIENCE, Desk
from fuzz import seeds
from fuzz.mutation import Mutator
from streams import connect

REQUESTS = 250
FRAMES = 250


def port_of_http(desk: Desk) -> int:
    return urlsplit(desk.emulator.ready.base_url).port or 0


def frame(opcode: int, payload: bytes) -> bytes:
    """One masked frame (RFC 6455 5.2); a mask of zeros leaves the payload as it is."""
    if len(payload) < 126:
        size = bytes([0x80 | len(payload)])
    elif len(payload) < 65536:
        size = b"\xfe" + struct.pack(">H", len(payload))
    else:
        size = b"\xff" + struct.pack(">Q", len(payload))
    return bytes([0x80 | opcode]) + size + bytes(4) + payload


def no_bug(desk: Desk) -> None:
    assert list(desk.emulator.journal.entries(kind="emulator.bug")) == []


async def test_damaged_requests_are_answered_or_cut_and_the_next_call_is_taken(desk: Desk) -> None:
    rng = random.Random(11)
    mutator = Mutator(rng)
    paths = ("/v1/realtime/calls/rtc_1/accept", "/v1/realtime/calls/rtc_1/refer", "/v1/realtime/client_secrets")
    heads = [
        f"POST {path} HTTP/1.1\r\nHost: e\r\nAuthorization: Bearer {desk.emulator.ready.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {{}}\r\n\r\n"
        for path in (*paths, "/v1/realtime/calls", "/v1/webhook_endpoints")
    ]
    bodies = [json.dumps(body).encode() for body in seeds.BODIES]
    statuses = set()
    for _ in range(REQUESTS):
        body = mutator.mutate(rng.choice(bodies), rng.choice(bodies))
        data = rng.choice(heads).format(len(body)).encode() + body
        is_whole = rng.random() < 0.5
        async with connect(port_of_http(desk)) as (reader, writer):
            with contextlib.suppress(ConnectionError):
                writer.write(data if is_whole else mutator.mutate(data, body))
                if not is_whole:
                    writer.write_eof()  # there may be less of it than it says
                answer = await asyncio.wait_for(reader.read(65536), PATIENCE)
                if answer:
                    statuses.add(int(answer.split(b" ", 2)[1]))
    assert {status for status in statuses if status >= 500} == set()
    assert {400, 404} <= statuses
    no_bug(desk)
    await desk.take_a_call()


async def test_damaged_frames_leave_the_call_alive(desk: Desk) -> None:
    rng = random.Random(12)
    mutator = Mutator(rng)
    events = [json.dumps(event).encode() for event in seeds.EVENTS]
    call, call_id = await desk.connect()
    handshake = (
        f"GET /v1/realtime?call_id={call_id} HTTP/1.1\r\nHost: e\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {desk.emulator.ready.api_key}\r\n\r\n"
    )
    sent = 0
    while sent < FRAMES:
        async with connect(port_of_http(desk)) as (reader, writer):
            writer.write(handshake.encode())
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).startswith(b"HTTP/1.1 101 ")
            with contextlib.suppress(ConnectionError):
                for _ in range(25):
                    document = json.dumps(mutator.mutate_json(rng.choice(seeds.EVENTS))).encode()
                    payload = document if rng.random() < 0.5 else mutator.mutate(document, rng.choice(events))
                    data = frame(rng.choice((1, 1, 1, 2, 9)), payload)
                    writer.write(data if rng.random() < 0.9 else mutator.mutate(data, document))
                    sent += 1
                writer.write_eof()
                while await asyncio.wait_for(reader.read(65536), PATIENCE):
                    pass
    no_bug(desk)
    assert not call.is_over
    answer = await desk.rest.hangup(call_id)
    assert answer.status == 200
