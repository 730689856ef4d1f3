"""SIP messages: framed, ordered, and refused with a reason."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.conformance.client.errors import ProtocolViolation, UsageError
from ringback.conformance.client.messages import (
    OrderedHeaders,
    Request,
    Response,
    ack_of_failure,
    branch_of,
    cancel_of,
    copy_of,
    host_and_port,
    new_request,
    parse,
    response_to,
    split_list,
    summary,
    tag_of,
    uri_of,
)

INVITE = (
    b"INVITE sip:proj_x@127.0.0.1 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1\r\n"
    b"From: <sip:a@b>;tag=1\r\n"
    b"X-One: 1\r\n"
    b"To : <sip:c@d>\r\n"
    b"X-Two: 2\r\n"
    b" folded\r\n"
    b"X-One: 3\r\n"
    b"Call-ID: abc\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"l: 4\r\n"
    b"\r\n"
    b"bodyJUNK"
)
HEADERS = [
    ("Via", "SIP/2.0/UDP h;branch=z9hG4bK1"),
    ("From", "<sip:a@b>;tag=1"),
    ("To", "<sip:c@d>"),
    ("Call-ID", "1"),
    ("CSeq", "1 INVITE"),
]


def test_parser_keeps_order_duplicates_and_folded_values() -> None:
    message = parse(INVITE)
    assert isinstance(message, Request)
    assert message.body == b"body"
    assert message.headers.getlist("x-one") == ["1", "3"]
    assert message.headers["X-Two"] == "2 folded"
    assert message.headers.keys() == [
        "Via",
        "From",
        "X-One",
        "To",
        "X-Two",
        "X-One",
        "Call-ID",
        "CSeq",
        "Content-Length",
    ]
    assert branch_of(message) == "z9hG4bK1"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"\r\n\r\n", b"\r\n", "empty line"),
        (b"SIP/2.0\r\nv", b"SIP/3.0\r\nv", "neither request nor response"),
        (b"Call-ID: abc\r\n", b"", "no Call-ID"),
        (b"CSeq: 1 INVITE", b"CSeq: one INVITE", "CSeq is not valid"),
        (b"l: 4", b"l: 400", "Content-Length is 400"),
        (b"X-Two: 2", b"X-Two 2", "unreadable"),
        (b"X-Two: 2", b"X-Two: \xff", "unreadable"),
        (b"v: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1", b"v: ", "empty Via"),
    ],
)
def test_parser_refuses_message_when_it_is_malformed(old: bytes, new: bytes, problem: str) -> None:
    with pytest.raises(ProtocolViolation, match=problem):
        parse(INVITE.replace(old, new, 1))


@given(st.binary(max_size=300))
def test_parser_raises_nothing_else_for_any_bytes(data: bytes) -> None:
    for message in (data, INVITE[:60] + data, INVITE.replace(b"folded", data)):
        with contextlib.suppress(ProtocolViolation):
            parse(message)


@pytest.mark.parametrize("received", ["2001:db8::9", "[2001:db8::9]"])
def test_parser_reads_an_address_of_ipv6_with_brackets_and_without(received: str) -> None:
    head = (
        f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP [2001:db8::9]:5060;received={received};branch=z9hG4bK1\r\n"
        "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"
    )
    response = parse(head.encode())
    assert response.via[0].parameters.get("received") == "[2001:db8::9]"
    assert response.via[0].parameters.get("branch") == "z9hG4bK1"


def test_request_is_sent_as_given_even_when_it_is_nonsense() -> None:
    request = new_request(
        "INVITE",
        "sip:a b;transport=tls;transport=tls",
        [("X-B", "1"), ("X-A", "2"), ("X-B", "3"), ("Max-Forwards", "70")],
        body=b"hi",
        replace={"Max-Forwards": None, "X-A": "other", "X-C": "new"},
    )
    assert bytes(request) == (
        b"INVITE sip:a b;transport=tls;transport=tls SIP/2.0\r\n"
        b"X-B: 1\r\nX-A: other\r\nX-B: 3\r\nContent-Length: 2\r\nX-C: new\r\n\r\nhi"
    )


def test_response_copies_what_the_clause_demands_and_adds_a_tag() -> None:
    request = parse(INVITE)
    assert isinstance(request, Request)
    response = response_to(request, 486, to_tag="t", headers=[("Allow", "INVITE")])
    assert bytes(response) == (
        b"SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        b"To: <sip:c@d>;tag=t\r\nCall-ID: abc\r\nCSeq: 1 INVITE\r\nAllow: INVITE\r\nContent-Length: 0\r\n\r\n"
    )
    assert tag_of(response_to(request, 100, to_tag="t").headers["To"]) is None
    parsed = parse(bytes(response))
    assert isinstance(parsed, Response)
    assert summary(parsed) == "486 Busy Here"
    assert summary(request) == "INVITE sip:proj_x@127.0.0.1"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:proj_x@127.0.0.1:5061;transport=TLS", ("127.0.0.1", 5061, "tls")),
        ("sips:sip.example.com", ("sip.example.com", None, "tls")),
        ("sip:a@[::1]:5060", ("::1", 5060, None)),
        ("sip:a@host;x=1?X-Foo=bar", ("host", None, None)),
    ],
)
def test_uri_yields_host_port_and_transport(uri: str, expected: tuple[str, int | None, str | None]) -> None:
    assert host_and_port(uri) == expected


@pytest.mark.parametrize("uri", ["tel:+1425", "http://a", "sip:", "a b"])
def test_uri_is_refused_when_it_can_not_be_dialled(uri: str) -> None:
    with pytest.raises(UsageError, match="not a SIP URI"):
        host_and_port(uri)


def test_address_parts_come_back_byte_for_byte() -> None:
    assert tag_of('"A;tag=no" <sip:a@b;tag=no>;x=y; tag = 1!2%20') == "1!2%20"
    assert tag_of("<sip:a@b>") is None
    assert uri_of('"x" <sip:a@b;lr>;q=1') == "sip:a@b;lr"
    assert uri_of("sip:a@b;tag=1") == "sip:a@b"
    assert split_list(['"a, b" <sip:c,d>, <sip:e>', "sip:f"]) == ['"a, b" <sip:c,d>', "<sip:e>", "sip:f"]


def test_headers_behave_as_the_librarys() -> None:
    headers = OrderedHeaders([("A", "1"), ("B", "2"), ("a", "3")])
    headers.setlist("a", ["x", "y"])
    assert headers.items == [("a", "x"), ("a", "y"), ("B", "2")]
    headers.remove("b")
    assert headers.get("b") is None
    assert headers.get("b", "none") == "none"
    with pytest.raises(KeyError):
        headers["b"]


def test_cancel_and_ack_are_made_of_their_invite() -> None:
    invite = new_request("INVITE", "sip:a@b", [*HEADERS, ("Route", "<sip:p;lr>")])
    cancel = cancel_of(invite)
    assert str(cancel.uri) == "sip:a@b"
    assert cancel.headers.items == [
        ("Via", invite.headers["Via"]),
        ("Route", "<sip:p;lr>"),
        ("From", invite.headers["From"]),
        ("To", invite.headers["To"]),
        ("Call-ID", "1"),
        ("CSeq", "1 CANCEL"),
        ("Content-Length", "0"),
    ]
    ack = ack_of_failure(invite, response_to(invite, 486, to_tag="t"))
    assert ack.headers.getlist("Route") == ["<sip:p;lr>"]
    assert (ack.headers["To"], ack.headers["CSeq"]) == (f"{invite.headers['To']};tag=t", "1 ACK")


def test_copy_differs_in_the_headers_named() -> None:
    invite = new_request("INVITE", "sip:a@b", [*HEADERS, ("X", "1"), ("X", "2")], body=b"hi")
    copy = copy_of(invite, replace={"Call-ID": "2", "To": None})
    assert (copy.headers["Call-ID"], copy.headers.get("To"), copy.headers.getlist("X")) == ("2", None, ["1", "2"])
    assert copy.body == b"hi"
    assert invite.headers["Call-ID"] == "1"
