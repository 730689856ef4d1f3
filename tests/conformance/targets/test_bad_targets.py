"""Targets that are down, slow, speak rubbish, cut every answer short, or answer everything with 500."""

import asyncio
import os
import re
from typing import Any

import pytest
from ringback.conformance.requirement import load_checks
from ringback.conformance.runner import Run, run
from ringback.conformance.target import TargetUnreachable
from ringback.conformance.targets.url import UrlTarget, Way
from ringback.conformance.tolerance import Tolerances
from ringback.conformance.verdict import Outcome

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
HANDSHAKE_KEY = re.compile(rb"(?i)sec-websocket-key: *(\S+)")
SECRET = "whsec_aGVsbG8="


async def say_nothing(reader: Reader, writer: Writer) -> None:
    while await reader.read(65536):
        pass


async def speak_rubbish(reader: Reader, writer: Writer) -> None:
    await reader.read(1)
    writer.write(os.urandom(400) + b"\r\n\r\n")
    await writer.drain()


async def cut_short(reader: Reader, writer: Writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"a":')
    await writer.drain()


async def fail_everything(reader: Reader, writer: Writer) -> None:
    """500 for HTTP and SIP alike."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        if b"SIP/2.0\r\n" not in head:
            writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops")
        elif not head.startswith(b"ACK"):
            copied = [line for line in head.split(b"\r\n") if re.match(rb"(?i)(via|from|to|call-id|cseq):", line)]
            writer.write(b"\r\n".join([b"SIP/2.0 500 Oops", *copied, b"Content-Length: 0", b"", b""]))
        await writer.drain()


async def cut_frames(reader: Reader, writer: Writer) -> None:
    """Every handshake succeeds; then comes half a frame, and the connection is gone. HTTP gets an empty object."""
    import base64
    import hashlib

    head = await reader.readuntil(b"\r\n\r\n")
    key = HANDSHAKE_KEY.search(head)
    if key is None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}")
    else:
        accept = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + b'\x81\x7e\x01\x00{"type": "session.cr'
        )
    await writer.drain()


EVERYTHING = [
    "rest",
    "webhooks",
    "webhook-secret",
    "webhook-endpoints",
    "sip",
    "sip-tcp",
    "refer",
    "dtmf",
    "sideband",
    "ws",
    "client-secrets",
    "webrtc",
]


def target_at(
    port: int, tolerances: Tolerances, *, declares: list[str] | None = None, sip_port: int | None = None
) -> UrlTarget:
    way = Way(
        base_url=f"http://127.0.0.1:{port}/v1",
        api_key="sk-of-nobody",
        sip={"tcp": f"sip:proj_1@127.0.0.1:{sip_port or port};transport=tcp"},
        webhook_port=0,
        webhook_secret=SECRET,
    )
    capabilities = None if declares is None else frozenset(declares)
    target = UrlTarget(way, capabilities=capabilities, tolerances=tolerances)
    target.concurrency = 40
    return target


@pytest.mark.parametrize("handler", [say_nothing, speak_rubbish, cut_short])
async def test_run_says_that_a_target_does_not_answer(start_server: Any, hasty: Tolerances, handler: Any) -> None:
    target = target_at(await start_server(handler), hasty)
    with pytest.raises(TargetUnreachable, match="does not answer"):
        await run(target, load_checks())


async def test_run_says_that_a_target_is_down(unused_tcp_port: int, hasty: Tolerances) -> None:
    with pytest.raises(TargetUnreachable, match="does not answer"):
        await run(target_at(unused_tcp_port, hasty), load_checks())


@pytest.mark.parametrize("handler", [fail_everything, cut_frames])
async def test_run_says_what_each_probe_got_when_nothing_is_known(
    start_server: Any, hasty: Tolerances, handler: Any
) -> None:
    with pytest.raises(TargetUnreachable, match=r"as none of this: rest: .*; ws: "):
        await run(target_at(await start_server(handler), hasty), load_checks())


@pytest.mark.parametrize("handler", [fail_everything, cut_frames])
async def test_run_fails_requirement_by_requirement_when_the_target_declares_everything(
    start_server: Any, hasty: Tolerances, handler: Any
) -> None:
    result = await run(target_at(await start_server(handler), hasty, declares=EVERYTHING), load_checks())
    assert broken_of(result) == []
    assert len(result.failures) > 20
    assert not result.is_successful


async def half_a_message(reader: Reader, writer: Writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/TCP")
    await writer.drain()


@pytest.mark.parametrize("handler", [say_nothing, speak_rubbish, half_a_message])
async def test_run_fails_what_needs_calls_when_the_sip_side_is_bad(
    start_server: Any, hasty: Tolerances, handler: Any
) -> None:
    ports = await start_server(cut_frames), await start_server(handler)
    target = target_at(ports[0], hasty, declares=EVERYTHING, sip_port=ports[1])
    result = await run(target, load_checks().only(["CALL-ACCEPT", "CALL-REFER", "SIP-INVITE", "SIP-DIALOG"]))
    assert broken_of(result) == []
    assert {verdict.outcome for verdict in result.verdicts} <= {Outcome.FAILED, Outcome.NOTED, Outcome.UNSUPPORTED}
    assert len(result.failures) > 20


async def test_run_stops_when_the_target_dies_on_the_way(start_server: Any, hasty: Tolerances) -> None:
    requests = 0

    async def die_after_a_few(reader: Reader, writer: Writer) -> None:
        nonlocal requests
        requests += 1
        await (fail_everything if requests <= 8 else speak_rubbish)(reader, writer)

    result = await run(target_at(await start_server(die_after_a_few), hasty, declares=["rest", "ws"]), load_checks())
    assert "does not answer" in result.stopped
    assert any(verdict.outcome is Outcome.NOT_RUN for verdict in result.verdicts)
    assert not result.is_successful


def broken_of(result: Run) -> list[str]:
    """The last line of what each broken check raised."""
    return [
        f"{verdict.requirement.id}: {verdict.actual.strip().splitlines()[-1]}"
        for verdict in result.verdicts
        if verdict.outcome is Outcome.BROKEN
    ]
