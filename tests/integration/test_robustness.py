"""What clients and peers get that send rubbish, too much, too little or nothing: an answer, and nobody else is harmed.

The fixture's leak check follows each: no call, connection, deadline or task may be left.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import pytest
from by_hand import SDP, HandCall
from desk import PATIENCE, SESSION, Desk, StartEmulator, wait_for_entry
from ringback.conformance.client import Phone, RestClient, WebhookReceiver
from ringback.conformance.client.webhook_receiver import Answer
from ringback.emulator.server import Emulator
from streams import Stream, connect, connect_sip, port_of

MEBIBYTE = 1024 * 1024
LARGEST_DATAGRAM = 65535 - 20 - 8  # RFC 768, RFC 791
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST
HANDSHAKE = (
    "GET /v1/realtime?call_id={call_id} HTTP/1.1\r\nHost: emulator\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {key}\r\n\r\n"
)


def invite(*, via: str = "SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK-1", extra: str = "", cseq: str = "1 INVITE") -> bytes:
    body = SDP.format(port=9)
    return (
        f"INVITE sip:proj_ringback@127.0.0.1 SIP/2.0\r\nVia: {via}\r\n"
        "From: <sip:+14255550112@127.0.0.1>;tag=a\r\nTo: <sip:proj_ringback@127.0.0.1>\r\n"
        f"Call-ID: rubbish@127.0.0.1\r\nCSeq: {cseq}\r\nContact: <sip:a@127.0.0.1>\r\nMax-Forwards: 70\r\n{extra}"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def options(number: int) -> bytes:
    return (
        f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK-o{number}\r\n"
        f"From: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:127.0.0.1>\r\nCall-ID: o{number}@127.0.0.1\r\n"
        f"CSeq: {number} OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


async def read_status(reader: asyncio.StreamReader) -> int:
    """Of the next response; 0 when the connection ends instead."""
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return 0
    return int(head.split(b" ", 2)[1])


async def ends(reader: asyncio.StreamReader) -> bool:
    """The other side closes the connection."""
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(PATIENCE):
            while await reader.read(65536):
                pass
    return True


# SIP that is none


@pytest.mark.parametrize("transport", ["tls", "tcp"])
async def test_caller_gets_400_for_a_malformed_invite_and_its_connection_lives(desk: Desk, transport: str) -> None:
    async with connect_sip(desk.emulator, transport) as (reader, writer):
        writer.write(invite(cseq="one INVITE") + options(2))
        assert [await read_status(reader), await read_status(reader)] == [400, 200]
    await desk.take_a_call(transport)


@pytest.mark.parametrize("transport", ["tls", "tcp"])
@pytest.mark.parametrize("rubbish", [b"\x00\x01\x02\x03" * 100, b"hello there\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
async def test_connection_with_what_is_no_sip_is_closed(desk: Desk, transport: str, rubbish: bytes) -> None:
    async with connect_sip(desk.emulator, transport) as (reader, writer):
        writer.write(rubbish)
        assert await ends(reader)
    await wait_for_entry(desk.emulator, "sip.dropped", lambda entry: entry.data["transport"] == transport)
    await desk.take_a_call(transport)


async def test_datagram_with_what_is_no_sip_is_dropped_and_one_without_a_number_gets_400(desk: Desk) -> None:
    with HandCall(("127.0.0.1", port_of(desk.emulator, "udp"))) as hand:
        hand.send(b"\x00\x01\x02\x03" * 100)
        hand.send(b"hello there\r\n\r\n")
        port = hand.sip.getsockname()[1]
        hand.send(invite(cseq="one INVITE", via=f"SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-1"))
        assert (await asyncio.to_thread(hand.sip.recv, 65536)).startswith(b"SIP/2.0 400 ")
    assert len(list(desk.emulator.journal.entries(kind="sip.dropped"))) == 3
    await desk.take_a_call("udp")


@pytest.mark.parametrize("transport", ["tls", "tcp"])
async def test_caller_gets_513_for_a_header_of_a_mebibyte_and_its_connection_is_closed(
    desk: Desk, transport: str
) -> None:
    async with connect_sip(desk.emulator, transport) as (reader, writer):
        with contextlib.suppress(ConnectionError):  # it is cut before all was written
            writer.write(invite(extra=f"X-Long: {'x' * MEBIBYTE}\r\n"))
            await writer.drain()
        assert await read_status(reader) == 513
        assert await ends(reader)
    longest = max(len(entry.data["text"]) for entry in desk.emulator.journal.entries(kind="sip"))
    assert longest < 2 * desk.emulator.settings.sip_message_limit
    await desk.take_a_call(transport)


async def test_header_that_never_ends_is_not_kept(desk: Desk) -> None:
    async with connect_sip(desk.emulator, "tcp") as (reader, writer):
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                writer.write(b"x" * MEBIBYTE)
                await writer.drain()
        assert await ends(reader)
    await desk.take_a_call("tcp")


async def test_datagram_above_the_limit_gets_513(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(sip_message_limit=4096)
    with HandCall(("127.0.0.1", port_of(emulator, "udp"))) as hand:
        via = f"SIP/2.0/UDP 127.0.0.1:{hand.sip.getsockname()[1]};branch=z9hG4bK-1"
        with pytest.raises(OSError, match="Message too long"):  # the caller's own system knows that no datagram is
            hand.send(invite(via=via, extra=f"X-Long: {'x' * MEBIBYTE}\r\n"))
        hand.send(invite(via=via, extra=f"X-Long: {'x' * 60_000}\r\n"))
        assert (await asyncio.to_thread(hand.sip.recv, 65536)).startswith(b"SIP/2.0 513 ")


async def test_call_whose_answer_fits_no_datagram_ends_without_an_ack(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(auto_accept=True, sip_t1=0.005, sip_t2=0.02)
    with HandCall(("127.0.0.1", port_of(emulator, "udp"))) as hand:
        via = f"SIP/2.0/UDP 127.0.0.1:{hand.sip.getsockname()[1]};branch=z9hG4bK-1"
        padding = LARGEST_DATAGRAM - len(invite(via=f"{via};x="))  # and the answer has more headers than the INVITE
        hand.send(invite(via=f"{via};x={'x' * padding}"))
        ended = await wait_for_entry(emulator, "call.ended")
        assert ended.data["reason"] == "no ACK"
        seen = {(await asyncio.to_thread(hand.sip.recv, 65536))[:11] for _ in range(3)}
    assert seen == {b"SIP/2.0 100", b"SIP/2.0 180", b"BYE sip:a@1"}


async def test_invite_and_cancel_in_one_segment_end_in_487_for_whomever_they_are(desk: Desk) -> None:
    for user in ("proj_ringback", "proj_unknown"):
        asked = invite().replace(b"INVITE sip:proj_ringback", f"INVITE sip:{user}".encode())
        cancel = (asked.partition(b"Content-Type")[0] + b"Content-Length: 0\r\n\r\n").replace(b"INVITE", b"CANCEL")
        async with connect_sip(desk.emulator, "tcp") as (reader, writer):
            writer.write(asked + cancel)
            assert [await read_status(reader) for _ in range(3)] == [100, 200, 487]
    desk.calls += 1
    await desk.take_a_call("tcp")


async def test_caller_that_resets_its_connection_takes_only_its_own_call_with_it(desk: Desk) -> None:
    other, other_id = await desk.connect("tcp")
    async with connect_sip(desk.emulator, "tcp") as (reader, writer):
        writer.write(invite())
        assert await read_status(reader) == 100
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
    ended = await wait_for_entry(desk.emulator, "call.ended")
    assert ended.data["reason"] == "the caller can't be reached"
    assert (await desk.rest.hangup(other_id)).status == 200
    assert await other.ended() == "callee"


@pytest.mark.parametrize("rubbish", [b"INVITE sip:a@b SIP/2.0\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x00" * 500, b""])
async def test_tls_port_closes_what_is_no_tls(desk: Desk, rubbish: bytes) -> None:
    async with connect(port_of(desk.emulator, "tls")) as (reader, writer):
        writer.write(rubbish)
        writer.write_eof()
        assert await ends(reader)
    await desk.take_a_call()


# HTTP that is too much


@pytest.mark.parametrize("has_length", [True, False])
async def test_application_gets_413_for_a_body_of_20_mebibytes_and_the_call_is_undecided(
    desk: Desk, has_length: bool
) -> None:
    call, call_id = await desk.ring()
    body = json.dumps({**SESSION, "instructions": "x" * 20 * MEBIBYTE}).encode()
    length = f"Content-Length: {len(body)}" if has_length else "Transfer-Encoding: chunked"
    async with connect_http(desk.emulator) as (reader, writer):
        writer.write(request_head(desk.emulator, f"/realtime/calls/{call_id}/accept", length))
        with contextlib.suppress(ConnectionError):
            writer.write(body if has_length else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
            await writer.drain()
        status, answer = await read_answer(reader)
    assert status == 413
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer["error"]["message"] == "The request body is larger than 16777216 bytes"
    assert [entry.data["status"] for entry in desk.emulator.journal.entries(kind="rest.response")] == [413]
    assert (await desk.rest.accept(call_id, SESSION)).status == 200
    await call.answered()
    await call.hang_up()


async def test_application_gets_400_for_a_body_that_is_no_body(desk: Desk) -> None:
    call, call_id = await desk.ring()
    async with connect_http(desk.emulator) as (reader, writer):
        head = request_head(desk.emulator, f"/realtime/calls/{call_id}/accept", "Transfer-Encoding: chunked")
        writer.write(head + b"no number\r\n")
        assert await read_status(reader) == 400
    for body in (b"\xff\xfe", b"[" * 100_000, b"{", b'"text"'):
        async with connect_http(desk.emulator) as (reader, writer):
            head = request_head(desk.emulator, f"/realtime/calls/{call_id}/accept", f"Content-Length: {len(body)}")
            writer.write(head + body)
            assert (await read_answer(reader))[0] == 400
    assert (await desk.rest.reject(call_id)).status == 200
    await call.final_response()


def connect_http(emulator: Emulator) -> contextlib.AbstractAsyncContextManager[Stream]:
    return connect(urlsplit(emulator.ready.base_url).port or 0)


def request_head(emulator: Emulator, path: str, length: str) -> bytes:
    key = emulator.ready.api_key
    return (
        f"POST /v1{path} HTTP/1.1\r\nHost: emulator\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\n{length}\r\n\r\n"
    ).encode()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    async with asyncio.timeout(PATIENCE):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return int(head.split(" ")[1]), json.loads(await reader.readexactly(length))


# Sidebands


@contextlib.asynccontextmanager
async def sideband_by_hand(emulator: Emulator, call_id: str) -> AsyncIterator[Stream]:
    """A WebSocket whose handshake is done."""
    async with connect_http(emulator) as (reader, writer):
        writer.write(HANDSHAKE.format(call_id=call_id, key=emulator.ready.api_key).encode())
        assert await read_status(reader) == 101
        yield reader, writer


def frame(first: int, payload: bytes) -> bytes:
    """One masked frame (RFC 6455 5.2); a mask of zeros leaves the payload as it is."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
    return bytes([first]) + size + bytes(4) + payload


async def test_sideband_that_is_cut_in_a_frame_leaves_the_call_alive(desk: Desk) -> None:
    call, call_id = await desk.connect()
    async with sideband_by_hand(desk.emulator, call_id) as (_, writer):
        await wait_for_entry(desk.emulator, "channel.attached")
        writer.write(frame(0x81, b'{"type":"response.create"}')[:12])
        await writer.drain()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
    detached = await wait_for_entry(desk.emulator, "channel.detached")
    assert (detached.data["code"], detached.data["by"]) == (1006, "client")
    async with await desk.attach(call_id) as sideband:
        await sideband.send({"type": "response.create"})
        await sideband.wait_for("response.done")
    assert not call.is_over
    await call.hang_up()


@pytest.mark.parametrize(
    ("rubbish", "code"),
    [
        (frame(0x81, b"\xff\xfe\xfd"), 1007),  # RFC 6455 8.1: text that is not UTF-8
        (frame(0xF1, b"reserved bits"), 1002),  # RFC 6455 5.2
        (frame(0x83, b"reserved opcode"), 1002),
    ],
)
async def test_sideband_that_breaks_the_protocol_is_closed_and_the_call_lives(
    desk: Desk, rubbish: bytes, code: int
) -> None:
    call, call_id = await desk.connect()
    async with sideband_by_hand(desk.emulator, call_id) as (reader, writer):
        writer.write(rubbish)
        head = await asyncio.wait_for(reader.readexactly(4), PATIENCE)
        assert (head[0], int.from_bytes(head[2:4])) == (0x88, code)
    await wait_for_entry(desk.emulator, "channel.detached")
    assert not call.is_over
    await call.hang_up()


@pytest.mark.parametrize(
    ("opcode", "payload"),
    [(0x82, b"\x00\x01\xff"), *product((0x81, 0x82), (b"no json", b"[]", b'{"type":7}', b"[" * 60_000))],
)
async def test_sideband_gets_an_error_event_for_what_is_no_event(desk: Desk, payload: bytes, opcode: int) -> None:
    call, call_id = await desk.connect()
    async with sideband_by_hand(desk.emulator, call_id) as (reader, writer):
        writer.write(frame(opcode, payload))
        head = await asyncio.wait_for(reader.readexactly(2), PATIENCE)
        size = head[1] if head[1] < 126 else int.from_bytes(await reader.readexactly(2))
        event = json.loads(await reader.readexactly(size))
        assert (event["type"], event["error"]["type"]) == ("error", "invalid_request_error")
    assert not call.is_over
    await call.hang_up()


async def test_sideband_that_never_reads_is_cut_and_the_others_get_everything(
    start_emulator: StartEmulator, receiver: WebhookReceiver
) -> None:
    emulator = await start_emulator(webhook_urls=(receiver.url,), send_buffer_limit=MEBIBYTE)
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x" * 100_000}]}
    async with Phone(ca_file=emulator.ready.ca_file) as phone, client(emulator) as rest:
        desk = Desk(emulator, phone, rest, receiver, attach_to(emulator))
        receiver.secrets = [emulator.ready.webhook_secret]
        call, call_id = await desk.connect()
        async with sideband_by_hand(emulator, call_id) as (_, idle), await desk.attach(call_id) as busy:
            idle.transport.pause_reading()  # type: ignore[attr-defined]
            cut = asyncio.create_task(wait_for_entry(emulator, "channel.detached"))
            while not cut.done():
                seen = len(busy.events)
                await busy.send({"type": "conversation.item.create", "item": item})
                await busy.wait_for("conversation.item.done", after=seen)
            assert (cut.result().data["code"], cut.result().data["by"]) == (1006, "us")
            assert len(busy.events) < 500
        await call.hang_up()


def client(emulator: Emulator) -> RestClient:
    return RestClient(emulator.ready.base_url, emulator.ready.api_key)


def attach_to(emulator: Emulator) -> Any:
    from ringback.conformance.client import Sideband

    return lambda call_id: Sideband.open(emulator.ready.base_url, call_id=call_id, api_key=emulator.ready.api_key)


# The slow


async def test_slow_clients_hold_nobody_up_and_do_not_delay_the_end(desk: Desk) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(50):
            for transport in ("tls", "tcp"):
                _, writer = await stack.enter_async_context(connect_sip(desk.emulator, transport))
                writer.write(invite()[:40])
            _, writer = await stack.enter_async_context(connect(port_of(desk.emulator, "tls")))
            writer.write(b"\x16\x03\x01")
            _, writer = await stack.enter_async_context(connect_http(desk.emulator))
            writer.write(b"POST /v1/realtime/calls/rtc_1/acc")
            _, writer = await stack.enter_async_context(connect_http(desk.emulator))
            writer.write(request_head(desk.emulator, "/realtime/calls/rtc_1/accept", "Content-Length: 1000") + b"{")
        for transport in ("tls", "tcp", "udp"):
            await desk.take_a_call(transport)
        async with asyncio.timeout(PATIENCE):
            await desk.emulator.stop()


# Webhook endpoints


async def test_call_goes_on_when_an_endpoint_hangs_and_another_redirects(start_emulator: StartEmulator) -> None:
    async with (
        WebhookReceiver(answer=Answer(hangs=True)) as silent,
        WebhookReceiver() as elsewhere,
        WebhookReceiver(answer=Answer(status=307, headers=(("Location", elsewhere.url),))) as moved,
        WebhookReceiver() as good,
    ):
        urls = (silent.url, moved.url, good.url)
        emulator = await start_emulator(webhook_urls=urls, webhook_timeout=0.2, webhook_first_retry=0.1)
        good.secrets = [emulator.ready.webhook_secret]
        async with Phone(ca_file=emulator.ready.ca_file) as phone, client(emulator) as rest:
            desk = Desk(emulator, phone, rest, good, attach_to(emulator))
            call, _ = await desk.connect()
            for url, outcome in ((silent.url, "no answer within 0.2 s"), (moved.url, 307)):
                await wait_for_entry(
                    emulator,
                    "webhook.attempt",
                    lambda entry, url=url, outcome=outcome: (  # type: ignore[misc]
                        entry.data["url"] == url
                        and entry.data["attempt"] == 2
                        and outcome in (entry.data.get("error"), entry.data.get("status"))
                    ),
                )
            assert elsewhere.deliveries == []
            await call.hang_up()
