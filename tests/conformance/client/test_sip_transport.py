"""Framing, and links to far ends that are not there."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.conformance.client.errors import ConnectionFailed, ProtocolViolation, UsageError, WaitTimeout
from ringback.conformance.client.sip_transport import (
    Link,
    StreamFramer,
    UdpEndpoint,
    accept_streams,
    connect_stream,
    local_address_towards,
)
from ringback.conformance.client.tls import tls_context

ONE = b"OPTIONS sip:a SIP/2.0\r\nContent-Length : 2\r\n\r\nhi"
TWO = b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n"


@given(st.lists(st.integers(min_value=1, max_value=30), max_size=30))
def test_framer_finds_messages_whatever_the_chunks(sizes: list[int]) -> None:
    stream = b"\r\n\r\n" + ONE + TWO + b"\r\n" + ONE
    framer = StreamFramer()
    found: list[bytes] = []
    for size in [*sizes, len(stream)]:
        found += framer.feed(stream[:size])
        stream = stream[size:]
    assert found == [ONE, TWO, ONE]


def test_framer_counts_keepalives() -> None:
    framer = StreamFramer()
    assert framer.feed(b"\r\n\r\n" + TWO + b"\r\n" + TWO) == [TWO, TWO]
    assert (framer.pings, framer.pongs) == (1, 1)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"SIP/2.0 200 OK\r\nX: 1\r\n\r\n", "without Content-Length"),
        (b"SIP/2.0 200 OK\r\nl: 99999999\r\n\r\n", "message of 1000000"),
        (b"x" * (1 << 20) + b"y", "without the end"),
    ],
)
def test_framer_gives_up_when_the_stream_can_not_be_framed(data: bytes, problem: str) -> None:
    with pytest.raises(ProtocolViolation, match=problem):
        StreamFramer().feed(data)


class Nobody:
    """Hears what links say."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.errors: list[Exception] = []

    def message_arrived(self, link: Link, data: bytes) -> None:
        self.messages.append(data)

    def link_failed(self, link: Link, error: Exception) -> None:
        self.errors.append(error)


async def test_connecting_fails_when_nobody_listens() -> None:
    server = await accept_streams("127.0.0.1", 0, Nobody())
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(ConnectionFailed, match="no tcp connection"):
        await connect_stream("tcp", "127.0.0.1", port, Nobody())


async def test_tls_fails_when_the_far_end_speaks_none() -> None:
    server = await accept_streams("127.0.0.1", 0, Nobody())
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ConnectionFailed):
        await connect_stream("tls", "127.0.0.1", port, Nobody(), tls=tls_context(None), timeout=0.05)
    server.close()


def test_context_needs_a_readable_file_of_authorities(tmp_path: object) -> None:
    with pytest.raises(UsageError, match="can't read the certificates"):
        tls_context(f"{tmp_path}/none.pem")
    assert tls_context(None, is_verified=False).verify_mode is ssl.CERT_NONE


async def test_socket_is_refused_when_the_address_is_not_ours() -> None:
    with pytest.raises(UsageError, match="can't bind"):
        await UdpEndpoint(Nobody()).open("192.0.2.1")
    with pytest.raises(UsageError, match="can't listen"):
        await accept_streams("192.0.2.1", 0, Nobody())


async def test_local_address_is_the_one_that_leads_there() -> None:
    assert await local_address_towards("127.0.0.1", 5060) == "127.0.0.1"
    with pytest.raises(ConnectionFailed, match="no way"):
        await local_address_towards("", 0)


async def test_udp_links_are_one_for_each_address_and_send_nothing_when_closed() -> None:
    ears = Nobody()
    one, two = UdpEndpoint(ears), UdpEndpoint(Nobody())
    await one.open("127.0.0.1")
    await two.open("127.0.0.1")
    link = await two.connect("127.0.0.1", one.port)
    assert link is await two.connect("127.0.0.1", one.port)
    link.close()
    link.close()
    link.send(b"lost")
    await link.wait_closed()
    assert str(link).startswith("udp 127.0.0.1:")
    one.close()
    two.close()
    assert ears.messages == []


async def test_answer_to_a_ping_can_be_waited_for() -> None:
    server = await accept_streams("127.0.0.1", 0, Nobody())
    link = await connect_stream("tcp", "127.0.0.1", server.sockets[0].getsockname()[1], Nobody())
    link.send(b"\r\n\r\n")
    await link.wait_for_pong(timeout=5.0)
    assert link.pongs == 1
    with pytest.raises(WaitTimeout, match="no CRLF of the far end"):
        await link.wait_for_pong(2, timeout=0.01)
    link.close()
    await link.wait_closed()
    server.close()
