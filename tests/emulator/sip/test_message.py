"""Requests and responses: what is read from their fields, what is malformed, and what a response copies."""

import pytest
from ringback.emulator.errors import SipError, UsageError
from ringback.emulator.sip.headers import CSeq, Headers, Via
from ringback.emulator.sip.message import Request, Response, response_to
from ringback.emulator.sip.uri import Uri

FIELDS = (
    ("Via", "SIP/2.0/TLS 192.0.2.7:5061;rport;branch=z9hG4bK1, SIP/2.0/UDP two"),
    ("v", "SIP/2.0/TCP three"),
    ("Record-Route", "<sip:p1;lr>, <sip:p2;lr>"),
    ("Record-Route", "<sip:p3;lr>"),
    ("Max-Forwards", "0070"),
    ("From", '"Alice" <sip:alice@example.com>;tag=a1'),
    ("t", "sip:proj_1@example.net"),
    ("Call-ID", "c1@192.0.2.7"),
    ("CSeq", "7 INVITE"),
    ("Contact", "<sip:alice@192.0.2.7;transport=tls>"),
    ("Timestamp", "54"),
)


def make(method: str = "INVITE", uri: Uri | str = "sip:proj_1@example.net", **changes: str | None) -> Request:
    """The request of `FIELDS` with fields set, or removed by None; `_` stands for a hyphen."""
    headers = Headers(FIELDS)
    for name, value in changes.items():
        if value is None:
            headers.remove(name.replace("_", "-"))
        else:
            headers.set(name.replace("_", "-"), value)
    return Request(method=method, uri=uri, headers=headers)


def test_request_gives_its_fields_parsed() -> None:
    request = make(Require="100rel, timer", Supported="replaces", Route="<sip:r1;lr>,<sip:r2>")
    assert request.via == Via("TLS", "192.0.2.7", 5061, (("rport", None), ("branch", "z9hG4bK1")))
    assert [via.host for via in request.vias] == ["192.0.2.7", "two", "three"]
    assert [str(route) for route in request.record_routes] == ["<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"]
    assert [str(route) for route in request.routes] == ["<sip:r1;lr>", "<sip:r2>"]
    assert request.max_forwards == 70
    assert (request.from_.display, request.from_.tag) == ("Alice", "a1")
    assert (str(request.to.uri), request.to.tag) == ("sip:proj_1@example.net", None)
    assert request.call_id == "c1@192.0.2.7"
    assert request.cseq == CSeq(7, "INVITE")
    assert request.contact is not None
    assert str(request.contact.uri) == "sip:alice@192.0.2.7;transport=tls"
    assert request.require == ("100rel", "timer")
    assert request.supported == ("replaces",)
    assert request.content_length is None
    assert request.summary == "INVITE sip:proj_1@example.net"
    assert repr(request) == "<Request INVITE sip:proj_1@example.net>"
    request.check()


def test_request_gives_the_same_object_each_time() -> None:
    request = make()
    assert request.via is request.via
    assert request.from_ is request.from_
    assert request.to is request.to
    assert request.cseq is request.cseq
    assert request.contacts is request.contacts
    assert request.uri is request.uri


def test_request_follows_changes_of_its_headers() -> None:
    request = make()
    assert request.cseq.number == 7
    request.headers.set("CSeq", "8 INVITE")
    assert request.cseq.number == 8


def test_request_is_made_of_plain_items_and_a_uri() -> None:
    uri = Uri.parse("sip:proj_1@example.net")
    request = Request(method="INVITE", uri=uri, headers=list(FIELDS), body=b"x")
    assert request.uri is uri
    assert request == Request(method="INVITE", uri=str(uri), headers=Headers(FIELDS), body=b"x")
    assert request != make()
    assert request != "INVITE"


@pytest.mark.parametrize(
    ("value", "uris"),
    [
        ("*", []),
        ("<sip:a>;q=1, sip:b", ["sip:a", "sip:b"]),
        ("sip:a;expires=5", ["sip:a"]),
        ("", []),
    ],
)
def test_request_has_every_contact(value: str, uris: list[str]) -> None:
    request = make(Contact=value) if value else make(Contact=None)
    assert [str(contact.uri) for contact in request.contacts] == uris
    first = None if request.contact is None else str(request.contact.uri)
    assert first == (uris[0] if uris else None)


def test_request_of_rfc_2543_needs_no_max_forwards() -> None:
    request = make(Max_Forwards=None)
    request.check()
    assert request.max_forwards is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Via": None}, "no Via"),
        ({"Via": ","}, "not a Via"),
        ({"Via": "SIP/2.0/UDP"}, "not a Via"),
        ({"From": None}, "no From"),
        ({"From": ""}, "From is empty"),
        ({"To": None}, "no To"),
        ({"To": '"Mr. J. User <sip:j.user@example.com>'}, "not an address"),
        ({"Call_ID": None}, "no Call-ID"),
        ({"Call_ID": ""}, "Call-ID is empty"),
        ({"CSeq": "7"}, "not a CSeq"),
        ({"CSeq": "7 BYE"}, "INVITE with CSeq 7 BYE"),
        ({"Max_Forwards": "256"}, "Max-Forwards"),
        ({"Max_Forwards": "many"}, "Max-Forwards"),
        ({"Max_Forwards": "٧"}, "Max-Forwards"),
        ({"Max_Forwards": "0" * 5000}, "Max-Forwards"),
        ({"Contact": "sip:user@example.com?Route=%3Csip:sip.example.com%3E"}, "not an address"),
        ({"Contact": '"unclosed, <sip:a>'}, "never closed"),
        ({"Date": "Fri, 01 Jan 2010 16:00:00 EST"}, "GMT"),
    ],
)
def test_request_is_refused_when_a_field_is_malformed(changes: dict[str, str | None], words: str) -> None:
    with pytest.raises(SipError, match=words) as caught:
        make(**changes).check()
    assert caught.value.status == 400


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq", "Max-Forwards"])
def test_request_is_refused_when_a_single_field_comes_twice(name: str) -> None:
    request = make()
    request.headers.add(name, request.headers.get(name) or "")
    with pytest.raises(SipError, match=f"2 {name} headers"):
        request.check()


@pytest.mark.parametrize("uri", ["<sip:a@b>", "sip:example.com?Route=%3Csip:example.com%3E"])
def test_request_is_refused_when_its_uri_is_malformed(uri: str) -> None:
    with pytest.raises(SipError):
        make(uri=uri).check()


def test_request_with_a_date_is_accepted() -> None:
    make(Date="Sat, 13 Nov 2010 23:29:00 GMT").check()


@pytest.mark.parametrize(("values", "length"), [(["0"], 0), (["000"], 0), (["0150"], 150), (["5", "5"], 5)])
def test_content_length_is_a_number(values: list[str], length: int) -> None:
    message = Response(status=200, headers=[("l", value) for value in values])
    assert message.content_length == length


@pytest.mark.parametrize(
    ("values", "status"), [(["-999"], 400), ([""], 400), (["5, 5"], 400), (["5", "13"], 400), (["9" * 5000], 513)]
)
def test_content_length_is_refused_when_it_is_none(values: list[str], status: int) -> None:
    message = Response(status=200, headers=[("Content-Length", value) for value in values])
    with pytest.raises(SipError) as caught:
        _ = message.content_length
    assert caught.value.status == status


def test_request_is_written_with_its_headers_as_they_are() -> None:
    request = Request(method="BYE", uri="sip:a@b", headers=[("v", "SIP/2.0/UDP h"), ("X-Y", "z")], body=b"abc")
    assert request.to_bytes() == b"BYE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h\r\nX-Y: z\r\nContent-Length: 3\r\n\r\nabc"


def test_response_is_written_with_its_content_length() -> None:
    response = Response(status=200, headers=[("L", "3")], body=b"abc")
    assert response.to_bytes() == b"SIP/2.0 200 OK\r\nL: 3\r\n\r\nabc"
    assert (response.summary, repr(response)) == ("200 OK", "<Response 200 OK>")


def test_response_has_the_usual_reason_unless_told() -> None:
    assert Response(status=486).reason == "Busy Here"
    assert Response(status=486, reason="").reason == ""
    assert Response(status=299).reason == ""
    assert Response(status=486) == Response(status=486, reason="Busy Here")
    assert Response(status=486) != Response(status=486, reason="")
    assert Response(status=486) != 486


def test_line_breaks_are_refused_in_start_lines() -> None:
    with pytest.raises(UsageError, match="reason"):
        Response(status=486, reason="Busy\r\nX: y")
    with pytest.raises(UsageError, match="Request-URI"):
        Request(method="BYE", uri="sip:a\nb")


def test_response_copies_what_belongs_to_the_request() -> None:
    response = response_to(make(), 180, to_tag="t1", headers=[("Contact", "<sip:OAI@h>")])
    assert list(response.headers) == [
        ("Via", "SIP/2.0/TLS 192.0.2.7:5061;rport;branch=z9hG4bK1, SIP/2.0/UDP two"),
        ("Via", "SIP/2.0/TCP three"),
        ("Record-Route", "<sip:p1;lr>, <sip:p2;lr>"),
        ("Record-Route", "<sip:p3;lr>"),
        ("From", '"Alice" <sip:alice@example.com>;tag=a1'),
        ("To", "sip:proj_1@example.net;tag=t1"),
        ("Call-ID", "c1@192.0.2.7"),
        ("CSeq", "7 INVITE"),
        ("Content-Length", "0"),
        ("Contact", "<sip:OAI@h>"),
    ]
    response.check()


@pytest.mark.parametrize("status", [100, 302, 486])
def test_response_has_no_route_set_when_it_makes_no_dialog(status: int) -> None:
    response = response_to(make(), status, to_tag="t1")
    assert "Record-Route" not in response.headers
    assert ("Timestamp" in response.headers) == (status == 100)


def test_response_to_other_methods_has_no_route_set() -> None:
    assert "Record-Route" not in response_to(make("BYE", CSeq="7 BYE"), 200).headers


def test_response_keeps_the_tag_that_to_has() -> None:
    request = make(To="<sip:proj_1@example.net>;tag=old")
    assert response_to(request, 200, to_tag="new").headers.get("To") == "<sip:proj_1@example.net>;tag=old"
    assert response_to(make(), 100).headers.get("To") == "sip:proj_1@example.net"


def test_response_carries_a_body_with_its_type() -> None:
    response = response_to(make(), 200, "Fine", body=b"v=0\r\n", content_type="application/sdp")
    assert response.summary == "200 Fine"
    assert list(response.headers)[-2:] == [("Content-Length", "5"), ("Content-Type", "application/sdp")]


def test_response_has_the_given_via_on_top() -> None:
    request = make()
    via = request.via.with_parameter("rport", "61954").with_parameter("received", "198.51.100.9")
    top = "SIP/2.0/TLS 192.0.2.7:5061;rport=61954;branch=z9hG4bK1;received=198.51.100.9"
    assert response_to(request, 200, via=via).headers.get_all("Via") == [
        f"{top}, SIP/2.0/UDP two",
        "SIP/2.0/TCP three",
    ]
    assert request.headers.get("Via") == FIELDS[0][1]
    assert response_to(make(Via=None), 200, via=via).headers.get("Via") is None


def test_response_answers_a_malformed_request_with_what_there_is() -> None:
    request = make(Via="nonsense", To='"open <sip:x>', From=None, Call_ID=None)
    response = response_to(request, 400, to_tag="t1")
    assert list(response.headers) == [
        ("Via", "nonsense"),
        ("To", '"open <sip:x>'),
        ("CSeq", "7 INVITE"),
        ("Content-Length", "0"),
    ]
