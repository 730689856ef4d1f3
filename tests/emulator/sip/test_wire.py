"""The lower edge: streams and queues."""

import pytest
from ringback.emulator.errors import UsageError
from ringback.emulator.sip.events import Flow, FlowFailed, MessageDropped, MessageSent, Transmission
from ringback.emulator.sip.message import Response
from ringback.emulator.sip.parser import parse_datagram
from ringback.emulator.sip.wire import Wire

UDP = Flow(id=1, transport="udp", local=("192.0.2.1", 5060), remote=("198.51.100.9", 40000))
TLS = Flow(id=2, transport="tls", local=("192.0.2.1", 5061), remote=("198.51.100.9", 40000))

OK = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.9:40000;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:c@d>;tag=2\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


def ok() -> Response:
    message = parse_datagram(OK)
    assert isinstance(message, Response)
    return message


def test_wire_gives_each_transmission_and_event_once() -> None:
    wire = Wire(message_limit=1000)
    message = ok()
    wire.send(UDP, ("198.51.100.9", 5070), message, OK)
    assert wire.data_to_send() == [Transmission(flow=UDP, data=OK, destination=("198.51.100.9", 5070))]
    assert wire.data_to_send() == []
    assert wire.next_event() == MessageSent(flow=UDP, message=message, data=OK)
    assert wire.next_event() is None


def test_wire_tells_repeated_bytes_as_the_message_they_are() -> None:
    wire = Wire(message_limit=1000)
    wire.repeat(UDP, None, OK)
    assert wire.next_event() == MessageSent(flow=UDP, message=ok(), data=OK)


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


def test_wire_hands_events_over_in_order() -> None:
    wire = Wire(message_limit=1000)
    events = [FlowFailed(flow=UDP, dialogs=(), invites=()), MessageDropped(flow=UDP, reason="r")]
    for event in events:
        wire.tell(event)
    assert [wire.next_event(), wire.next_event(), wire.next_event()] == [*events, None]


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
