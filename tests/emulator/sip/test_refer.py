"""REFER: RFC 3515."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.errors import InvalidTarget, SipError
from ringback.emulator.sip.message import Request
from ringback.emulator.sip.parser import parse_datagram
from ringback.emulator.sip.refer import TransferReport, parse_notify, refer_to


def notify(*headers: str, body: str = "SIP/2.0 100 Trying\r\n") -> Request:
    head = "".join(f"{header}\r\n" for header in headers)
    message = parse_datagram(
        "NOTIFY sip:OAI@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\r\n"
        "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>;tag=2\r\nCall-ID: c\r\nCSeq: 2 NOTIFY\r\n"
        f"{head}Content-Type: message/sipfrag\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}".encode()
    )
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize(
    "target",
    [
        "tel:+14155550123",
        "sip:agent@example.com",
        "sips:agent@example.com:5061;transport=tls",
        "sip:agent@example.com?Replaces=abc%40example.com%3Bto-tag%3D1",
        "sip:a;b@[2001:db8::1]:5060;x=y;x=z",
        "SIP:Agent@EXAMPLE.com",
        "urn:service:sos",
    ],
)
def test_target_stands_in_brackets_byte_for_byte(target: str) -> None:
    assert refer_to(target) == f"<{target}>"


@pytest.mark.parametrize(
    "target",
    [
        "",
        "agent",
        "sip:",
        "<sip:agent@example.com>",
        "sip:agent@example.com>",
        "sip:a<b@example.com",
        "sip:agent@example.com\r\nEvil: yes",
        "sip:agent@example.com\n",
        "sip:agent@exa\x00mple.com",
        "sip:agent@example.com\x7f",
        "sip:an agent@example.com",
        "sip:agent@example.com\t",
        "sip:agent@example.com:port",
        "sip:\ud800@example.com",
    ],
)
def test_target_is_refused_when_it_can_not_be_sent_as_it_is(target: str) -> None:
    with pytest.raises(InvalidTarget) as refused:
        refer_to(target)
    assert repr(target) in str(refused.value)


@given(st.text(max_size=40))
def test_target_of_any_text_is_sent_whole_or_refused(target: str) -> None:
    try:
        value = refer_to(target)
    except InvalidTarget:
        return
    assert value == f"<{target}>"
    assert not set(target) & set("<>\r\n\x00 ")


@pytest.mark.parametrize(
    ("headers", "body", "report"),
    [
        (
            ["Event: refer", "Subscription-State: active;expires=60"],
            "SIP/2.0 100 Trying\r\n",
            TransferReport(cseq=None, status=100, fragment="SIP/2.0 100 Trying\r\n", is_terminated=False),
        ),
        (
            ["Event: refer;id=93809823", "Subscription-State: terminated;reason=noresource"],
            "SIP/2.0 200 OK",
            TransferReport(cseq=93809823, status=200, fragment="SIP/2.0 200 OK", is_terminated=True),
        ),
        (
            ["o: Refer ; x=1 ; ID=7", "Subscription-State: TERMINATED"],
            "SIP/2.0 603\r\nServer: x\r\n",
            TransferReport(cseq=7, status=603, fragment="SIP/2.0 603\r\nServer: x\r\n", is_terminated=True),
        ),
        (
            ["Event: refer;id=abc", "Subscription-State: pending"],
            "",
            TransferReport(cseq=None, status=None, fragment="", is_terminated=False),
        ),
        (
            ["Event: refer;id=" + "9" * 5000, "Subscription-State: pending"],
            "SIP/2.0 999 Never",
            TransferReport(cseq=None, status=None, fragment="SIP/2.0 999 Never", is_terminated=False),
        ),
    ],
    ids=["trying", "terminated", "compact and loose", "no fragment", "no number"],
)
def test_notify_reports_the_transfer(headers: list[str], body: str, report: TransferReport) -> None:
    assert parse_notify(notify(*headers, body=body)) == report


@pytest.mark.parametrize("headers", [[], ["Event: presence"], ["Event: refer2;id=1"]], ids=["none", "other", "alike"])
def test_notify_of_another_package_is_none(headers: list[str]) -> None:
    assert parse_notify(notify(*headers, "Subscription-State: active")) is None


def test_notify_without_subscription_state_is_malformed() -> None:
    with pytest.raises(SipError, match="Subscription-State") as error:
        parse_notify(notify("Event: refer"))
    assert error.value.status == 400
