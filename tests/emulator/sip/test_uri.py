"""URIs: what is read from them, that they come back as they were, and what is none."""

import pytest
from ringback.emulator.errors import SipError
from ringback.emulator.sip.uri import Uri


def test_uri_has_all_its_parts() -> None:
    uri = Uri.parse("sips:alice:secret@example.com:5061;transport=tls;lr?Subject=hi&Priority=urgent")
    assert uri == Uri(
        scheme="sips",
        user="alice",
        password="secret",
        host="example.com",
        port=5061,
        parameters=(("transport", "tls"), ("lr", None)),
        headers="Subject=hi&Priority=urgent",
    )


@pytest.mark.parametrize(
    "text",
    [
        "sip:example.com",
        "sip:proj_1@127.0.0.1:5061;transport=tls",
        "sip:proj_1@sip.example.com;transport=tls;transport=tls",
        "sip:+15551234567@example.com;user=phone",
        "sip:*21#@example.com",
        "sip:user;par=u%40example.net@example.com",
        "sip:a/b?c=d@example.com",
        "sip:sips%3Auser%40example.com@example.net",
        "sip:alice:@example.com",
        "sip:[2001:db8::10]:5070;lr",
        "sip:user@[2001:db8:::192.0.2.1]",
        "sip:emulator_1.docker_net:5060",
        "sip:host;x=a==;y=",
        "sip:host?Route=%3Csip:example.com%3E",
        "tel:+1-555-123-4567;phone-context=example.com",
        "tel:911",
        "urn:service:sos",
        "soap.beep://192.0.2.103:3002",
        "nobodyknowsthisscheme:totallyopaquecontent",
    ],
)
def test_uri_comes_back_as_it_was(text: str) -> None:
    uri = Uri.parse(text)
    assert str(uri) == text
    assert Uri.parse(str(uri)) == uri


def test_uri_longer_than_usual_is_read_too() -> None:
    text = f"sip:{'a' * 5000}@example.com"
    assert Uri.parse(text).user == "a" * 5000


def test_refusal_quotes_no_more_than_a_line() -> None:
    with pytest.raises(SipError) as caught:
        Uri.parse("x" * 5000)
    assert len(str(caught.value)) < 150


def test_scheme_is_read_in_any_case_of_letters() -> None:
    assert str(Uri.parse("SIPS:Alice@Example.com")) == "sips:Alice@Example.com"
    assert Uri.parse("TEL:+1").scheme == "tel"


def test_parameter_is_found_in_any_case_of_letters() -> None:
    uri = Uri.parse("sip:example.com;Transport=TLS;ob;transport=udp")
    assert uri.parameter("transport") == "TLS"
    assert uri.parameter("ob") is None
    assert uri.has_parameter("OB")
    assert not uri.has_parameter("lr")
    assert uri.parameter("lr") is None


def test_user_is_decoded_on_request() -> None:
    assert Uri.parse("sip:%61lice%20b@example.com").decoded_user == "alice b"
    assert Uri.parse("sip:%ff@example.com").decoded_user == "\N{REPLACEMENT CHARACTER}"
    assert Uri.parse("sip:example.com").decoded_user is None


def test_tel_has_its_number_apart_from_its_parameters() -> None:
    uri = Uri.parse("tel:+1(555)123;ext=12")
    assert (uri.opaque, uri.parameter("ext"), uri.host) == ("+1(555)123", "12", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "<sip:user@example.com>",
        "sip:",
        "sip:@example.com",
        "sip:a@b@c",
        "sip:a b@example.com",
        "sip:user@example.com; lr",
        "sip:user@example.com;",
        "sip:user@example.com;;lr",
        "sip:user@example.com;=x",
        "sip:user@example.com?",
        "sip:user@example.com:",
        "sip:user@example.com:port",
        "sip:user@example.com:65536",
        "sip:2001:db8::10",
        "sip:user@[2001:db8::10",
        "sip:us%4er%zz@example.com",
        "sip:user%@example.com",
        "sip:üser@example.com",
        "sip:user@example.com\r\nVia: x",
        "sip:user@example.com\n",
        "tel:",
        "tel:hello",
        "tel:+1;x=%0",
        "tel:+1;=x",
        "urn:",
        "urn:a b",
        "1abc:def",
    ],
)
def test_uri_is_refused_when_malformed(text: str) -> None:
    with pytest.raises(SipError) as caught:
        Uri.parse(text)
    assert caught.value.status == 400
