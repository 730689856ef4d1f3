"""Answers that need no decision."""

import pytest
from ringback.emulator.sip.automatic import Answer, answer_options, answer_register, refusal
from ringback.emulator.sip.message import Request
from ringback.emulator.sip.parser import parse_datagram

ALLOW = ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY, UPDATE, PRACK")


def request(method: str, *headers: str, uri: str = "sip:proj_1@example.com", body: bytes = b"") -> Request:
    lines = [
        f"{method} {uri} SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1",
        "From: <sip:a@example.com>;tag=1",
        "To: <sip:b@example.com>",
        "Call-ID: c",
        f"CSeq: 1 {method}",
        *headers,
        f"Content-Length: {len(body)}",
    ]
    message = parse_datagram("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (request("INVITE"), None),
        (request("INVITE", "Content-Type: Application/SDP ;x=y", body=b"v=0"), None),
        (request("INVITE", "c: application/sdp", "Content-Encoding: identity", body=b"v=0"), None),
        (request("OPTIONS", "Content-Type: text/plain", body=b"hi"), None),
        (request("INVITE", "Accept: text/plain, application/SDP;level=1"), None),
        (request("INVITE", "Accept: text/plain", "Accept: */*"), None),
        (request("INVITE", "Accept: application/*"), None),
        (request("INVITE", "Accept:"), None),
        (request("INVITE", "Accept: text/plain, application/sdpx"), (406, [])),
        (request("OPTIONS", "Accept: text/plain"), None),
        (request("BYE", "Require: ,"), None),
        (request("INVITE", uri="sips:proj_1@example.com"), None),
        (request("INVITE", uri="tel:+14155550100"), None),
        (request("OPTIONS", "Max-Forwards: 0"), None),
        (request("MESSAGE"), (405, [ALLOW])),
        (request("SUBSCRIBE"), (405, [ALLOW])),
        (request("UPDATE", body=b"v=0"), (415, [("Accept", "application/sdp")])),
        (request("REFER"), (405, [ALLOW])),
        (request("NEWMETHOD"), (501, [ALLOW])),
        (request("invite"), (501, [ALLOW])),
        (request("OPTIONS", uri="soap.beep://192.0.2.103:3002"), (416, [])),
        (request("OPTIONS", "Require: a, b", "Require: c"), (420, [("Unsupported", "a, b, c")])),
        (request("INVITE", body=b"v=0"), (415, [("Accept", "application/sdp")])),
        (request("INVITE", "Content-Type: multipart/mixed", body=b"v=0"), (415, [("Accept", "application/sdp")])),
        (
            request("INVITE", "Content-Type: application/sdp", "Content-Encoding: gzip", body=b"v=0"),
            (415, [("Accept", "application/sdp")]),
        ),
    ],
)
def test_refusal_follows_rfc_3261_8_2(asked: Request, answer: Answer | None) -> None:
    assert refusal(asked) == answer


def test_options_are_answered_with_what_an_invite_could_expect() -> None:
    status, headers = answer_options()
    assert status == 200
    assert dict(headers) == {
        "Allow": ALLOW[1],
        "Accept": "application/sdp",
        "Accept-Language": "en",
        "Supported": "timer, 100rel",
    }


@pytest.mark.parametrize(
    ("headers", "contacts"),
    [
        (["Contact: <sip:a@127.0.0.1:5070>"], ["<sip:a@127.0.0.1:5070>;expires=3600"]),
        (["Contact: <sip:a@127.0.0.1>", "Expires: 60"], ["<sip:a@127.0.0.1>;expires=60"]),
        (["Contact: <sip:a@127.0.0.1>", "Expires: soon"], ["<sip:a@127.0.0.1>;expires=3600"]),
        (["Contact: <sip:a@127.0.0.1>;q=1;EXPIRES=90", "Expires: 60"], ["<sip:a@127.0.0.1>;q=1;EXPIRES=90"]),
        (["m: <sip:a@h;expires=1>, <sip:b@h>;expires=2"], ["<sip:a@h;expires=1>;expires=3600", "<sip:b@h>;expires=2"]),
        (["Contact: <sip:a@h>;expires=0", "Contact: <sip:b@h>"], ["<sip:b@h>;expires=3600"]),
        (["Contact: *", "Expires: 0"], []),
        (["Contact: <sip:a@h>", "Expires: 0"], []),
        ([], []),
    ],
)  # fmt: skip
def test_register_gives_the_contacts_back_with_their_lifetimes(headers: list[str], contacts: list[str]) -> None:
    assert answer_register(request("REGISTER", *headers), 200) == (200, [("Contact", each) for each in contacts])


def test_register_of_no_sip_uri_is_malformed() -> None:
    asked = request("REGISTER", "Contact: <sip:a@h>")
    asked.headers.set("To", "<isbn:9780000000000>")
    assert answer_register(asked, 200) == (400, [])


@pytest.mark.parametrize(("status", "headers"), [(403, []), (405, [ALLOW])])
def test_register_can_be_refused_by_a_setting(status: int, headers: list[tuple[str, str]]) -> None:
    assert answer_register(request("REGISTER", "Contact: <sip:a@h>"), status) == (status, headers)
