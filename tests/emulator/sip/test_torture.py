"""The messages of RFC 4475 and RFC 5118, each with the RFC's verdict as far as reading it decides that.

Where the RFC lets an element be liberal or refuse, the verdict is ours, and the table says so.
"""

from pathlib import Path
from typing import Final

import pytest
from ringback.emulator.errors import SipError
from ringback.emulator.sip.message import Request, Response
from ringback.emulator.sip.parser import StreamParser, parse_datagram

VALID: Final = {
    # RFC 4475 3.1.1
    "wsinv": ("INVITE sip:vivekg@chair-dnrc.example.com;unknownparam", 150),
    "intmeth": (
        "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
        ":&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
        0,
    ),
    "esc01": ("INVITE sip:sips%3Auser%40example.com@example.net", 150),
    "escnull": ("REGISTER sip:example.com", 0),
    "esc02": ("RE%47IST%45R sip:registrar.example.com", 0),
    "lwsdisp": ("OPTIONS sip:user@example.com", 0),
    "longreq": ("INVITE sip:user@example.com", 150),
    "dblreq": ("REGISTER sip:example.com", 0),
    "semiuri": ("OPTIONS sip:user;par=u%40example.net@example.com", 0),
    "transports": ("OPTIONS sip:user@example.com", 0),
    "mpart01": ("MESSAGE sip:kumiko@example.org", 553),
    "unreason": ("200 = 2**3 * 5**2 но сто девяносто девять - простое", 154),
    "noreason": ("100 ", 0),
    # RFC 4475 3.2 to 3.4: what they mean is for those who act on them
    "badbranch": ("OPTIONS sip:user@example.com", 0),
    "unkscm": ("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent", 0),
    "novelsc": ("OPTIONS soap.beep://192.0.2.103:3002", 0),
    "unksm2": ("REGISTER sip:example.com", 0),
    "bext01": ("OPTIONS sip:user@example.com", 0),
    "invut": ("INVITE sip:user@example.com", 40),
    "regaut01": ("REGISTER sip:example.com", 0),
    "bcast": ("200 OK", 154),
    "zeromf": ("OPTIONS sip:user@example.com", 0),
    "cparam01": ("REGISTER sip:example.com", 0),
    "cparam02": ("REGISTER sip:example.com", 0),
    "regescrt": ("REGISTER sip:example.com", 0),
    "sdp01": ("INVITE sip:user@example.com", 150),
    "inv2543": ("INVITE sip:UserB@example.com", 105),
}

INVALID: Final = {
    # RFC 4475 3.1.2
    "badinv01": 400,
    "clerr": 400,
    "ncl": 400,
    "scalar02": 400,
    "scalarlg": None,  # a response: "simply discarded"
    "quotbal": 400,
    "ltgtruri": 400,
    "lwsruri": 400,
    "lwsstart": 400,
    "trws": 400,
    "escruri": 400,
    "baddate": 400,  # or liberal
    "regbadct": 400,
    "badaspec": 400,  # or liberal
    "baddn": 400,  # or liberal
    "badvers": 505,
    "mismatch01": 400,
    "mismatch02": 400,  # or 501
    "bigcode": None,  # a response: "simply discarded"
    # RFC 4475 3.3
    "insuf": 400,
    "multi01": 400,
    "mcl01": 400,
}

IPV6_VALID: Final = {
    "ipv6-good": "REGISTER sip:[2001:db8::10]",
    "port-ambiguous": "REGISTER sip:[2001:db8::10:5070]",
    "port-unambiguous": "REGISTER sip:[2001:db8::10]:5070",
    "via-received-param-with-delim": "BYE sip:[2001:db8::10]",
    "via-received-param-no-delim": "OPTIONS sip:[2001:db8::10]",
    "ipv6-in-sdp": "INVITE sip:user@[2001:db8::10]",
    "mult-ip-in-header": "BYE sip:user@host.example.net",
    "mult-ip-in-sdp": "INVITE sip:user@[2001:db8::10]",
    "ipv4-mapped-ipv6": "INVITE sip:user@example.com",
    "ipv6-bug-abnf-3-colons": "OPTIONS sip:user@[2001:db8:::192.0.2.1]",
    "ipv6-correct-abnf-2-colons": "OPTIONS sip:user@[2001:db8::192.0.2.1]",
}


@pytest.fixture(scope="module")
def corpus(shared: Path) -> Path:
    return shared / "sip-corpus"


@pytest.mark.parametrize("name", VALID)
def test_torture_message_is_read_when_valid(corpus: Path, name: str) -> None:
    summary, length = VALID[name]
    message = parse_datagram((corpus / "rfc4475" / f"{name}.dat").read_bytes())
    assert message.summary == summary
    assert len(message.body) == length


@pytest.mark.parametrize("name", INVALID)
def test_torture_message_is_refused_when_invalid(corpus: Path, name: str) -> None:
    with pytest.raises(SipError) as caught:
        parse_datagram((corpus / "rfc4475" / f"{name}.dat").read_bytes())
    assert caught.value.status == INVALID[name]
    assert isinstance(caught.value.message_head, Request) == (INVALID[name] is not None)


@pytest.mark.parametrize("name", IPV6_VALID)
def test_ipv6_message_is_read_when_valid(corpus: Path, name: str) -> None:
    message = parse_datagram((corpus / "rfc5118" / name).read_bytes())
    assert message.summary == IPV6_VALID[name]


def test_ipv6_message_is_refused_when_its_uri_has_no_brackets(corpus: Path) -> None:
    with pytest.raises(SipError) as caught:
        parse_datagram((corpus / "rfc5118" / "ipv6-bad").read_bytes())
    assert caught.value.status == 400


def test_every_torture_message_has_a_verdict(corpus: Path) -> None:
    names = {path.stem for path in (corpus / "rfc4475").iterdir()}
    assert names == VALID.keys() | INVALID.keys()
    assert {path.name for path in (corpus / "rfc5118").iterdir()} == IPV6_VALID.keys() | {"ipv6-bad"}


def test_torture_request_is_answered_with_its_own_fields_when_its_blanks_are_odd(corpus: Path) -> None:
    request = parse_datagram((corpus / "rfc4475" / "wsinv.dat").read_bytes())
    assert (request.cseq.number, request.cseq.method) == (9, "INVITE")
    assert request.max_forwards == 68
    assert (request.from_.display, request.from_.tag) == (r"J Rosenberg \"", "98asjd8")
    assert [via.transport for via in request.vias] == ["UDP", "TCP", "UDP"]
    assert request.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert [str(route.uri) for route in request.routes] == [
        "sip:services.example.com;lr;unknownwith=value;unknown-no-value"
    ]


def test_torture_responses_are_told_from_requests(corpus: Path) -> None:
    assert isinstance(parse_datagram((corpus / "rfc4475" / "unreason.dat").read_bytes()), Response)


def test_two_torture_requests_in_one_stream_are_both_read(corpus: Path) -> None:
    parser = StreamParser()
    parser.feed((corpus / "rfc4475" / "dblreq.dat").read_bytes())
    first, second = parser.next_message(), parser.next_message()
    assert first is not None
    assert second is not None
    assert [first.summary, second.summary] == ["REGISTER sip:example.com", "INVITE sip:joe@example.com"]
    assert len(second.body) == 150
