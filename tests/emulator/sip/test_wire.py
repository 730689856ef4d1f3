"""The lower edge: streams, queues, and the way of a response (RFC 3261 18.2, RFC 3581)."""

import pytest
from ringback.emulator.errors import UsageError
from ringback.emulator.sip.events import Flow, MessageSent, Transmission
from ringback.emulator.sip.headers import Via
from ringback.emulator.sip.message import Response
from ringback.emulator.sip.parser import parse_datagram
from ringback.emulator.sip.wire import Wire, response_destination, response_via

UDP = Flow(id=1, transport="udp", local=("192.0.2.1", 5060), remote=("198.51.100.9", 40000))
TLS = Flow(id=2, transport="tls", local=("192.0.2.1", 5061), remote=("198.51.100.9", 40000))
UDP6 = Flow(id=3, transport="udp", local=("::1", 5060), remote=("2001:db8::9", 5060))

OK = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.9:40000;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:c@d>;tag=2\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


def ok() -> Response:
    message = parse_datagram(OK)
    assert isinstance(message, Response)
    return message


@pytest.mark.parametrize(
    ("via", "flow", "written"),
    [
        ("SIP/2.0/UDP 198.51.100.9:40000;branch=b", UDP, "SIP/2.0/UDP 198.51.100.9:40000;branch=b"),
        ("SIP/2.0/UDP 10.0.0.1;branch=b", UDP, "SIP/2.0/UDP 10.0.0.1;branch=b;received=198.51.100.9"),
        ("SIP/2.0/UDP pc.example.com;branch=b", UDP, "SIP/2.0/UDP pc.example.com;branch=b;received=198.51.100.9"),
        (
            "SIP/2.0/UDP 198.51.100.9;rport;branch=b",
            UDP,
            "SIP/2.0/UDP 198.51.100.9;rport=40000;branch=b;received=198.51.100.9",
        ),
        (
            "SIP/2.0/TLS 10.0.0.1:5061;branch=b;rport;alias",
            TLS,
            "SIP/2.0/TLS 10.0.0.1:5061;branch=b;rport=40000;alias;received=198.51.100.9",
        ),
        ("SIP/2.0/UDP [2001:db8::9];branch=b", UDP6, "SIP/2.0/UDP [2001:db8::9];branch=b"),
        (
            "SIP/2.0/UDP 10.0.0.1;branch=b;received=10.9.9.9",
            UDP,
            "SIP/2.0/UDP 10.0.0.1;branch=b;received=198.51.100.9",
        ),
    ],
    ids=["same", "other address", "name", "rport", "rport on a stream", "ipv6", "forged received"],
)
def test_response_via_says_where_the_request_came_from(via: str, flow: Flow, written: str) -> None:
    assert str(response_via(Via.parse(via), flow)) == written


@pytest.mark.parametrize(
    ("via", "flow", "destination"),
    [
        ("SIP/2.0/UDP 198.51.100.9:40000", UDP, None),
        ("SIP/2.0/UDP 10.0.0.1:5070;rport", UDP, None),
        ("SIP/2.0/UDP 10.0.0.1:5070", UDP, ("198.51.100.9", 5070)),
        ("SIP/2.0/UDP 10.0.0.1", UDP, ("198.51.100.9", 5060)),
        ("SIP/2.0/UDP 10.0.0.1;maddr=203.0.113.5", UDP6, None),
        ("SIP/2.0/TLS 10.0.0.1:5061", TLS, None),
    ],
    ids=["same port", "rport", "sent-by port", "default port", "maddr", "stream"],
)
def test_response_goes_to_the_source_address(via: str, flow: Flow, destination: tuple[str, int] | None) -> None:
    """RFC 3261 18.2.2: to the sent-by port unless rport was asked for, but never to another address."""
    assert response_destination(Via.parse(via), flow) == destination


def test_wire_gives_each_transmission_and_event_once() -> None:
    wire = Wire(message_limit=1000)
    message = ok()
    wire.send(UDP, ("198.51.100.9", 5070), message, OK)
    assert wire.data_to_send() == [Transmission(flow=UDP, data=OK, destination=("198.51.100.9", 5070))]
    assert wire.data_to_send() == []
    assert wire.next_event() == MessageSent(flow=UDP, message=message)
    assert wire.next_event() is None


def test_wire_tells_repeated_bytes_as_the_message_they_are() -> None:
    wire = Wire(message_limit=1000)
    wire.repeat(UDP, None, OK)
    assert wire.next_event() == MessageSent(flow=UDP, message=ok())


def test_wire_sends_nothing_on_a_closed_stream() -> None:
    wire = Wire(message_limit=1000)
    wire.send(TLS, None, ok(), OK)
    wire.repeat(TLS, None, OK)
    assert wire.data_to_send() == []
    assert wire.next_event() is None


def test_wire_knows_which_streams_are_open() -> None:
    wire = Wire(message_limit=1000)
    assert wire.is_open(UDP)
    assert not wire.is_open(TLS)
    wire.open(TLS)
    wire.open(UDP)
    assert wire.is_open(TLS)
    assert wire.stream_count == 1
    stream = wire.stream(TLS)
    assert stream is not None
    assert wire.stream(UDP) is None
    assert wire.close(UDP) is None
    assert wire.close(TLS) is stream
    assert wire.close(TLS) is None
    assert not wire.is_open(TLS)


def test_wire_refuses_to_open_a_stream_twice() -> None:
    wire = Wire(message_limit=1000)
    wire.open(TLS)
    with pytest.raises(UsageError, match="flow 2 is open already"):
        wire.open(TLS)


def test_wire_asks_for_a_close_after_what_is_queued() -> None:
    wire = Wire(message_limit=1000)
    wire.open(TLS)
    wire.send(TLS, None, ok(), OK)
    wire.write(TLS, b"\r\n")
    wire.finish(TLS)
    assert [(each.data, each.close_after) for each in wire.data_to_send()] == [
        (OK, False),
        (b"\r\n", False),
        (b"", True),
    ]
