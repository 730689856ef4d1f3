"""Dialogs: what in-dialog requests carry."""

from ringback.conformance.client.dialog import Dialog
from ringback.conformance.client.messages import Request, Response, new_request, parse, response_to

CONTACT = "<sip:OAI@10.0.0.2:5061;transport=tls>"


def pair(
    *, record_route: tuple[str, ...] = (), contact: str | None = "<sip:OAI@10.0.0.2:5061;transport=tls>"
) -> Dialog:
    invite = invitation()
    headers = [("Record-Route", each) for each in record_route]
    headers += [("Contact", contact)] if contact is not None else []
    response = response_to(invite, 200, to_tag="t%21!", headers=headers)
    return Dialog(invite, response, is_caller=True)


def invitation() -> Request:
    return new_request(
        "INVITE",
        "sip:proj_x@10.0.0.2",
        [
            ("Via", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1"),
            ("From", '"A" <sip:a@b>;tag=1'),
            ("To", "<sip:c@d>"),
            ("Call-ID", "abc"),
            ("CSeq", "7 INVITE"),
            ("Contact", "<sip:phone@10.0.0.1:5060>"),
        ],
    )


def test_caller_sends_bye_to_the_contact_with_the_next_number() -> None:
    dialog = pair()
    bye = dialog.request("BYE", via="SIP/2.0/UDP x;branch=z9hG4bK2")
    assert bytes(bye) == (
        b"BYE sip:OAI@10.0.0.2:5061;transport=tls SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK2\r\nMax-Forwards: 70\r\n"
        b'From: "A" <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=t%21!\r\nCall-ID: abc\r\nCSeq: 8 BYE\r\n'
        b"Content-Length: 0\r\n\r\n"
    )
    ack = dialog.request("ACK", via="v", sequence=7)
    assert ack.headers["CSeq"] == "7 ACK"
    assert dialog.request("INFO", via="v", contact="<sip:me>").headers["CSeq"] == "9 INFO"


def test_caller_reverses_the_route_set() -> None:
    dialog = pair(record_route=("<sip:p2;lr>, <sip:p1;lr>", "<sip:p0;lr>"))
    request = dialog.request("BYE", via="v")
    assert request.headers.getlist("Route") == ["<sip:p0;lr>", "<sip:p1;lr>", "<sip:p2;lr>"]
    assert str(request.uri) == "sip:OAI@10.0.0.2:5061;transport=tls"
    assert dialog.next_hop() == "sip:p0;lr"


def test_strict_router_takes_the_request_uri() -> None:
    request = pair(record_route=("<sip:strict>",)).request("BYE", via="v")
    assert str(request.uri) == "sip:strict"
    assert request.headers.getlist("Route") == ["<sip:OAI@10.0.0.2:5061;transport=tls>"]


def test_dialog_without_contact_falls_back_to_the_request_uri() -> None:
    dialog = pair(contact=None)
    assert dialog.remote_target == "sip:proj_x@10.0.0.2"
    assert dialog.next_hop() == "sip:proj_x@10.0.0.2"
    moved = response_to(invitation(), 200, headers=[("Contact", "<sip:new@h>")])
    dialog.update_target(moved)
    dialog.update_target(response_to(invitation(), 200))
    assert dialog.remote_target == "sip:new@h"


def test_callee_sees_the_same_dialog_from_the_other_side() -> None:
    invite = invitation()
    response = response_to(invite, 200, to_tag="t")
    caller = Dialog(invite, response, is_caller=True)
    callee = Dialog(invite, response, is_caller=False)
    bye = parse(bytes(callee.request("BYE", via="SIP/2.0/UDP h;branch=z9hG4bK3")))
    assert isinstance(bye, Request)
    assert not isinstance(bye, Response)
    assert caller.matches(bye)
    assert not callee.matches(bye)
    assert str(bye.uri) == "sip:phone@10.0.0.1:5060"
    assert bye.cseq.sequence == 1
