"""From bytes to messages: datagrams, streams cut anywhere, and what is refused with which answer."""

import pytest
from ringback.emulator.errors import SipError
from ringback.emulator.sip.message import Request, Response
from ringback.emulator.sip.parser import StreamParser, is_keep_alive, parse_datagram

FIELDS = (
    b"Via: SIP/2.0/TLS 192.0.2.7:5061;rport;branch=z9hG4bK1\r\n"
    b"From: <sip:alice@example.com>;tag=a1\r\n"
    b"To: <sip:proj_1@example.net>\r\n"
    b"Call-ID: c1\r\n"
    b"CSeq: 1 OPTIONS\r\n"
)
START = b"OPTIONS sip:proj_1@example.net SIP/2.0\r\n"
PLAIN = START + FIELDS + b"Content-Length: 0\r\n\r\n"
RESPONSE = b"SIP/2.0 200 OK\r\n" + FIELDS + b"Content-Length: 4\r\n\r\nbody"


def build(
    extra: bytes = b"", *, start: bytes = START, length: bytes = b"Content-Length: 0\r\n", body: bytes = b""
) -> bytes:
    return start + FIELDS + extra + length + b"\r\n" + body


def refuse(data: bytes) -> SipError:
    """The error of one datagram."""
    with pytest.raises(SipError) as caught:
        parse_datagram(data)
    return caught.value


def read_all(parser: StreamParser) -> list[str]:
    """Summaries of the messages that are complete, and of errors."""
    found = []
    while True:
        try:
            message = parser.next_message()
        except SipError as error:
            found.append(f"{error.status} fatal" if error.fatal else f"{error.status}")
            continue
        if message is None:
            return found
        found.append(message.summary)


# Datagrams


def test_datagram_is_read_as_request() -> None:
    request = parse_datagram(build(b"X-Custom: a\r\n", body=b"cut off"))
    assert isinstance(request, Request)
    assert (request.method, request.uri_text, request.body) == ("OPTIONS", "sip:proj_1@example.net", b"")
    assert [name for name, _ in request.headers][-2:] == ["X-Custom", "Content-Length"]
    assert request.to_bytes() == build(b"X-Custom: a\r\n")


def test_datagram_is_read_as_response() -> None:
    response = parse_datagram(RESPONSE)
    assert isinstance(response, Response)
    assert (response.status, response.reason, response.body) == (200, "OK", b"body")
    assert response.to_bytes() == RESPONSE


def test_datagram_without_content_length_has_its_rest_as_body() -> None:
    assert parse_datagram(build(length=b"", body=b"rest")).body == b"rest"


def test_datagram_may_begin_with_line_breaks() -> None:
    assert parse_datagram(b"\r\n\r\n" + PLAIN).summary == "OPTIONS sip:proj_1@example.net"


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"\0\0\0\0"])
def test_datagram_of_line_breaks_is_a_keep_alive(data: bytes) -> None:
    assert is_keep_alive(data)
    assert not is_keep_alive(data + PLAIN)
    assert refuse(data).status is None


@pytest.mark.parametrize("line", [b"SIP/2.0 100", b"SIP/2.0 100 ", b"sip/2.0 100 "])
def test_response_may_lack_a_reason(line: bytes) -> None:
    response = parse_datagram(build(start=line + b"\r\n"))
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (100, "")


def test_bytes_that_are_no_utf_8_come_back_as_they_were() -> None:
    data = build(b"Subject: caf\xe9 \xff\r\nX-Name: J\xc3\xbcrgen\r\n")
    message = parse_datagram(data)
    assert message.headers.get("X-Name") == "Jürgen"
    assert message.to_bytes() == data


@pytest.mark.parametrize(
    ("field", "name", "value"),
    [
        (b"X-Y:z\r\n", "X-Y", "z"),
        (b"X-Y :\t z \t\r\n", "X-Y", "z"),
        (b"X-Y:\r\n", "X-Y", ""),
        (b"X-Y: \r\n", "X-Y", ""),
        (b"X-Y: a\r\n b\r\n\t  c\r\n", "X-Y", "a b c"),
        (b"X-Y: a  \r\n  b\r\n", "X-Y", "a b"),
        (b"X-Y:\r\n a\r\n", "X-Y", "a"),
        (b"X-Y: a\r\n \r\n", "X-Y", "a"),
        (b"X-Y: a \r\n \r\n\t\r\n b\r\n", "X-Y", "a b"),
        (b"x-y: \x00\x0b\x85\r\n", "x-y", "\x00\x0b\udc85"),
        (b"X-Y: a: b\r\n", "X-Y", "a: b"),
        (b"s: hi\r\n", "s", "hi"),
    ],
)
def test_header_is_kept_unfolded_and_trimmed(field: bytes, name: str, value: str) -> None:
    items = list(parse_datagram(build(field)).headers)
    assert items[5] == (name, value)
    assert len(items) == 7


def test_content_length_is_read_with_a_blank_before_its_colon() -> None:
    assert parse_datagram(build(length=b"Content-Length : 3\r\n", body=b"abcd")).body == b"abc"
    assert parse_datagram(build(length=b"l:3\r\n", body=b"abcd")).body == b"abc"


@pytest.mark.parametrize(
    "field",
    [
        b"no colon\r\n",
        b"Via\r\n",
        b": no name\r\n",
        b"two words: x\r\n",
        b"X-Y: a\nInjected: b\r\n",
        b"X-Y: a\rb\r\n",
        b"X-Y: a\r\n b\nc\r\n",
        b"X-Y: a\r\r\n",
        b"caf\xc3\xa9: x\r\n",
    ],
)
def test_request_is_answered_400_when_a_line_is_no_header(field: bytes) -> None:
    error = refuse(build(field))
    assert error.status == 400
    assert not error.fatal
    assert error.message_head.call_id == "c1"


def test_fold_before_the_first_header_is_no_header() -> None:
    assert refuse(START + b" folded\r\n" + FIELDS + b"\r\n").status == 400


@pytest.mark.parametrize(
    ("line", "status", "uri"),
    [
        (b"OPTIONS  sip:a@b  SIP/2.0", 400, "sip:a@b"),
        (b"OPTIONS sip:a@b SIP/2.0 ", 400, "sip:a@b"),
        (b"OPTIONS sip:a@b; lr SIP/2.0", 400, "sip:a@b; lr"),
        (b"OPTIONS <sip:a@b> SIP/2.0", 400, "<sip:a@b>"),
        (b"OPTIONS SIP/2.0", 400, ""),
        (b"OPTIONS sip:a@b SIP/7.0", 505, "sip:a@b"),
        (b"OPTIONS sip:a@b SIP/2.1", 505, "sip:a@b"),
        (b"OPTIONS sip:a@b SIP/12.0", 505, "sip:a@b"),
        (b"OPTIONS sip:a@b\rx SIP/2.0", 400, "sip:a@b x"),
    ],
)
def test_request_is_answered_when_its_start_line_is_wrong(line: bytes, status: int, uri: str) -> None:
    error = refuse(build(start=line + b"\r\n"))
    assert (error.status, error.message_head.method, error.message_head.uri_text) == (status, "OPTIONS", uri)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"GET / HTTP/1.1",
        b"OPT{IONS sip:a@b SIP/2.0",
        b"OPTIONS",
        b"SIP/2.0",
        b"SIP/2.0 20 OK",
        b"SIP/2.0 700 Odd",
        b"SIP/2.0 4294967301 better not",
        b"SIP/2.0 200 O\rK",
        b"SIP/3.0 200 OK",
    ],
)
def test_nothing_is_answered_when_this_is_no_request(line: bytes) -> None:
    error = refuse(build(start=line + b"\r\n"))
    assert (error.status, error.message_head) == (None, None)


def test_ack_is_never_answered() -> None:
    error = refuse(build(start=b"ACK sip:a@b SIP/2.0\r\n"))
    assert error.status is None
    assert error.message_head.method == "ACK"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (START + FIELDS, 400),
        (START + FIELDS + b"X-Y: cut", 400),
        (build(length=b"Content-Length: 5\r\n", body=b"four"), 400),
        (build(length=b"Content-Length: -1\r\n"), 400),
        (build(length=b"Content-Length: 99999999999999\r\n"), 513),
        (build(b"Content-Length: 3\r\n"), 400),
        (build(b"Max-Forwards: 256\r\n"), 400),
        (build(start=b"INVITE sip:a@b SIP/2.0\r\n"), 400),
    ],
)
def test_request_is_answered_when_it_is_malformed(data: bytes, status: int) -> None:
    error = refuse(data)
    assert (error.status, error.fatal) == (status, False)
    assert error.message_head.headers.get("Call-ID") == "c1"


def test_datagram_is_answered_513_above_the_limit() -> None:
    assert parse_datagram(PLAIN, limit=len(PLAIN)).summary
    with pytest.raises(SipError, match="limit") as caught:
        parse_datagram(PLAIN, limit=len(PLAIN) - 1)
    assert caught.value.status == 513


# Streams


def test_stream_is_read_whatever_its_cuts() -> None:
    stream = b"\r\n" + PLAIN + b"\r\n\r\n" + RESPONSE + b"\r\n\r\n\r\n" + PLAIN
    expected = ["OPTIONS sip:proj_1@example.net", "200 OK", "OPTIONS sip:proj_1@example.net"]
    for size in (1, 2, 3, 7, len(stream)):
        parser = StreamParser()
        found = []
        pings = 0
        for start in range(0, len(stream), size):
            parser.feed(stream[start : start + size])
            found += read_all(parser)
            pings += parser.pings()
        assert (found, pings, parser.buffered) == (expected, 2, 0)


def test_stream_counts_pings_once() -> None:
    parser = StreamParser()
    parser.feed(b"\r\n\r\n\r\n\r\n")
    assert read_all(parser) == []
    assert parser.pings() == 2
    assert parser.pings() == 0


def test_stream_waits_for_the_whole_body() -> None:
    parser = StreamParser()
    parser.feed(RESPONSE[:-1])
    assert parser.next_message() is None
    assert parser.buffered == 3
    parser.feed(b"y")
    message = parser.next_message()
    assert message is not None
    assert message.body == b"body"


def test_stream_of_many_small_pieces_is_read_in_linear_time() -> None:
    """The head is searched once and read once, however many pieces it comes in: what was scanned stays scanned."""
    parser = StreamParser()
    data = build(b"X-Long: " + b"x" * 60000 + b"\r\n")
    for start in range(0, len(data), 10):
        parser.feed(data[start : start + 10])
        parser.next_message()
        assert start + 10 >= len(data) or parser.buffered - parser._scanned <= 3
    assert parser.buffered == 0


def test_stream_goes_on_behind_a_malformed_message() -> None:
    parser = StreamParser()
    parser.feed(
        build(b"no header\r\n", length=b"Content-Length: 3\r\n", body=b"abc")
        + build(b"Max-Forwards: 256\r\n")
        + build(start=b"SIP/2.0 999 Odd\r\n")
        + build(start=b"OPTIONS sip:a@b SIP/7.0\r\n")
        + PLAIN
    )
    assert read_all(parser) == ["400", "400", "None", "505", "OPTIONS sip:proj_1@example.net"]
    assert not parser.is_broken


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\x16\x03\x01\x02", "None fatal"),
        (b"\n", "None fatal"),
        (b"\rOPTIONS", "None fatal"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "None fatal"),
        (build(length=b""), "400 fatal"),
        (build(length=b"Content-Length: -1\r\n"), "400 fatal"),
        (build(length=b"Content-Length: x\r\n"), "400 fatal"),
        (build(b"Content-Length: 3\r\n"), "400 fatal"),
        (build(length=b"Content-Length: 66000\r\n"), "513 fatal"),
        (build(length=b"Content-Length: 99999999999999\r\n"), "513 fatal"),
        (START + FIELDS + b"X-Y: " + b"x" * 66000, "513 fatal"),
        (START + FIELDS + b"X-Y: " + b"x" * 66000 + b"\r\nContent-Length: 0\r\n\r\n", "513 fatal"),
        (b"x" * 66000, "None fatal"),
    ],
)
def test_stream_ends_when_the_next_message_cant_be_found(data: bytes, error: str) -> None:
    parser = StreamParser()
    parser.feed(PLAIN + data)
    assert read_all(parser) == ["OPTIONS sip:proj_1@example.net", error]
    assert parser.is_broken
    parser.feed(PLAIN)
    assert read_all(parser) == []
    assert parser.buffered == 0


def test_message_may_have_so_many_fields() -> None:
    with pytest.raises(SipError, match=r"\d header fields; the limit is 3") as caught:
        parse_datagram(PLAIN, fields=3)
    assert (caught.value.status, caught.value.fatal) == (513, False)
    parser = StreamParser(fields=3)
    parser.feed(PLAIN * 2)
    assert read_all(parser) == ["513", "513"]


def test_stream_waits_for_the_rest_of_a_message_and_not_for_half_a_ping() -> None:
    parser = StreamParser()
    for data, is_waiting in (
        (b"", False),
        (b"\r\n", False),
        (PLAIN[:3], True),
        (PLAIN[3:-4], True),
        (PLAIN[-4:], False),
    ):
        parser.feed(data)
        read_all(parser)
        assert parser.is_waiting is is_waiting


def test_stream_waits_for_a_body() -> None:
    parser = StreamParser()
    parser.feed(build(length=b"Content-Length: 4\r\n"))
    assert read_all(parser) == []
    assert parser.is_waiting


def test_stream_limit_is_what_one_message_may_have() -> None:
    parser = StreamParser(limit=len(RESPONSE))
    parser.feed(RESPONSE * 3)
    assert read_all(parser) == ["200 OK"] * 3
    parser = StreamParser(limit=len(PLAIN) - 1)
    parser.feed(PLAIN)
    with pytest.raises(SipError) as caught:
        parser.next_message()
    assert (caught.value.status, caught.value.message_head.call_id) == (513, "c1")
