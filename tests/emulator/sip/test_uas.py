"""The UAS side, driven through the endpoint: RFC 3261 8.2, 9.2, 12.2.2, 13.3, 14.2, 15.1.2."""

from collections.abc import Callable
from typing import Any

import pytest
from ringback.emulator.errors import FlowGone, UsageError, WrongState
from ringback.emulator.sip.events import (
    AckReceived,
    AckTimeout,
    ByeReceived,
    InviteCancelled,
    InviteId,
    InviteReceived,
)
from ringback.emulator.sip.message import Response

SDP = b"v=0\r\n"


def statuses(messages: list[Any]) -> list[int | str]:
    """`200` for a response, the method for a request."""
    return [each.status if isinstance(each, Response) else each.method for each in messages]


# INVITE and its responses


def test_caller_receives_100_at_once(peer: Any) -> None:
    (trying,) = peer.send(peer.build("INVITE", body=SDP))
    assert (trying.status, trying.to.tag) == (100, None)
    event = peer.last()
    assert isinstance(event, InviteReceived)
    assert event.request.body == SDP
    assert event.flow is peer.flow
    assert peer.endpoint.has_dialog(event.dialog)


def test_caller_receives_the_last_provisional_response_again(peer: Any) -> None:
    invite = peer.build("INVITE", body=SDP)
    assert statuses(peer.send(invite)) == [100]
    assert statuses(peer.send(invite)) == [100]
    peer.endpoint.respond(peer.last().invite, 180, now=peer.now)
    assert statuses(peer.take()) == [180]
    assert statuses(peer.send(invite)) == [180]
    assert len(peer.events(InviteReceived)) == 1


def test_caller_is_declined_with_603_until_it_acknowledges(peer: Any) -> None:
    event = peer.invite()
    peer.endpoint.respond(event.invite, 603, now=peer.now)
    (declined,) = peer.take()
    assert (declined.status, declined.reason, declined.to.tag) == (603, "Decline", event.dialog)
    assert "Contact" not in declined.headers
    assert statuses(peer.wait(0.5)) == [603]
    assert not peer.endpoint.has_dialog(event.dialog)
    assert peer.ack(event.dialog, branch="z9hG4bK1") == []
    assert peer.wait(100) == []
    assert peer.events(AckReceived) == []
    assert peer.endpoint.idle
    assert peer.endpoint.describe()["server_transactions"] == 0


def test_caller_receives_reason_and_headers_as_given(peer: Any) -> None:
    event = peer.invite()
    peer.endpoint.respond(event.invite, 302, reason="Elsewhere", headers=[("Contact", "<sip:b@h>")], now=peer.now)
    (moved,) = peer.take()
    assert (moved.reason, moved.headers.get("Contact")) == ("Elsewhere", "<sip:b@h>")


def test_caller_receives_contact_and_record_route_in_180_and_200(peer: Any) -> None:
    event = peer.invite("Record-Route: <sip:10.0.0.1;lr>")
    peer.endpoint.respond(event.invite, 180, now=peer.now)
    peer.endpoint.respond(event.invite, 200, body=SDP, content_type="application/sdp", now=peer.now)
    ringing, ok = peer.take()
    for response in (ringing, ok):
        assert response.headers.get("Contact") == "<sip:OAI@192.0.2.1:5060;transport=udp>"
        assert response.headers.get("Record-Route") == "<sip:10.0.0.1;lr>"
        assert response.to.tag == event.dialog
    assert "Allow" not in ringing.headers
    assert ok.headers.get("Allow") == "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY, UPDATE, PRACK"
    assert ok.headers.get("Supported") == "timer, 100rel"
    assert (ok.headers.get("Content-Type"), ok.body) == ("application/sdp", SDP)


def test_to_tag_is_a_uuid(peer: Any) -> None:
    dialog = peer.invite().dialog
    assert [len(part) for part in dialog.split("-")] == [8, 4, 4, 4, 12]


@pytest.mark.parametrize("status", [100, 99, 700, 0])
def test_response_of_no_use_is_refused(peer: Any, status: int) -> None:
    event = peer.invite()
    with pytest.raises(UsageError, match="give a status from 101 to 699"):
        peer.endpoint.respond(event.invite, status, now=peer.now)


def test_second_final_response_is_refused(peer: Any) -> None:
    event = peer.invite()
    peer.endpoint.respond(event.invite, 486, now=peer.now)
    with pytest.raises(WrongState, match="it has its final response already"):
        peer.endpoint.respond(event.invite, 200, now=peer.now)


def test_response_on_a_closed_connection_is_refused(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    event = peer.invite()
    peer.endpoint.flow_closed(peer.flow, peer.now)
    with pytest.raises(FlowGone, match="the connection that it came by is closed"):
        peer.endpoint.respond(event.invite, 200, now=peer.now)


@pytest.mark.parametrize("transport", ["udp", "tls"])
def test_2xx_is_repeated_on_every_transport_until_the_ack(make_peer: Callable[..., Any], transport: str) -> None:
    peer = make_peer(transport)
    dialog = peer.accepted()
    assert statuses(peer.wait(3.5)) == [200, 200, 200]
    assert peer.ack(dialog, body=SDP) == []
    assert peer.events(AckReceived) == [AckReceived(dialog=dialog, invite=InviteId(1), body=SDP)]
    assert peer.ack(dialog) == []
    assert peer.wait(30) == []
    assert len(peer.events(AckReceived)) == 1
    assert peer.endpoint.has_dialog(dialog)


def test_invite_is_absorbed_after_its_2xx(peer: Any) -> None:
    invite = peer.build("INVITE", body=SDP)
    peer.send(invite)
    peer.endpoint.respond(peer.last().invite, 200, now=peer.now)
    peer.take()
    assert peer.send(invite) == []
    assert len(peer.events(InviteReceived)) == 1


def test_missing_ack_is_told_after_64_t1(peer: Any) -> None:
    dialog = peer.accepted()
    assert statuses(peer.wait(31.9)) == [200] * 10
    assert peer.events(AckTimeout) == []
    assert peer.wait(0.2) == []
    assert peer.events(AckTimeout) == [AckTimeout(dialog=dialog)]
    assert peer.endpoint.has_dialog(dialog)


def test_pyvoip_uses_one_branch_for_invite_ack_and_bye(peer: Any) -> None:
    """And the same one in its next run from the same port; its ACK comes a second late and to the Request-URI."""
    for run in (1, 2):
        peer.call_id, peer.cseq = f"run-{run}", 0
        dialog = peer.accepted(branch="z9hG4bKsame")
        assert statuses(peer.wait(1.0)) == [200]
        peer.ack(dialog, branch="z9hG4bKsame")
        assert peer.last() == AckReceived(dialog=dialog, invite=InviteId(run), body=b"")
        assert peer.request("BYE", branch="z9hG4bKsame", to_tag=dialog, cseq=peer.cseq).status == 200
        assert isinstance(peer.last(), ByeReceived)
    assert peer.endpoint.idle


def test_caller_of_rfc_2543_has_neither_cookie_nor_tag(peer: Any) -> None:
    peer.from_tag = None
    dialog = peer.accepted(branch="")
    peer.ack(dialog, branch="")
    assert peer.last() == AckReceived(dialog=dialog, invite=InviteId(1), body=b"")
    assert peer.request("BYE", branch="", to_tag=dialog).status == 200


def test_caller_without_contact_is_refused(peer: Any) -> None:
    assert peer.request("INVITE", body=SDP, contact=None).status == 400
    assert peer.endpoint.idle
    assert peer.endpoint.describe()["server_transactions"] == 0


@pytest.mark.parametrize("limit", ["dialog_limit", "transaction_limit"])
def test_caller_above_a_limit_is_told_to_come_back(make_peer: Callable[..., Any], limit: str) -> None:
    peer = make_peer("udp", **{limit: 1})
    peer.invite()
    peer.call_id = "another"
    refused = peer.request("INVITE", body=SDP)
    assert (refused.status, refused.headers.get("Retry-After")) == (503, "5")
    assert peer.endpoint.describe()["undecided_invites"] == 1


# CANCEL


def test_caller_cancels_before_the_decision(peer: Any) -> None:
    event = peer.invite()
    ok, terminated = peer.send(peer.build("CANCEL", branch="z9hG4bK1", cseq=1))
    assert (ok.status, ok.cseq.method, ok.to.tag) == (200, "CANCEL", event.dialog)
    assert (terminated.status, terminated.cseq.method, terminated.to.tag) == (487, "INVITE", event.dialog)
    assert peer.last() == InviteCancelled(invite=event.invite, dialog=event.dialog)
    peer.ack(event.dialog, branch="z9hG4bK1")
    assert peer.endpoint.idle
    with pytest.raises(WrongState):
        peer.endpoint.respond(event.invite, 200, now=peer.now)


def test_caller_cancels_too_late(peer: Any) -> None:
    dialog = peer.accepted()
    (ok,) = peer.send(peer.build("CANCEL", branch="z9hG4bK1", cseq=1))
    assert (ok.status, ok.to.tag) == (200, dialog)
    assert peer.events(InviteCancelled) == []
    assert peer.endpoint.has_dialog(dialog)


def test_caller_cancels_a_refused_invite(peer: Any) -> None:
    refused = peer.request("INVITE", "Require: foo", body=SDP)
    assert refused.status == 420
    (ok,) = peer.send(peer.build("CANCEL", branch="z9hG4bK1", cseq=1))
    assert (ok.status, ok.to.tag) == (200, refused.to.tag)


def test_caller_cancels_nothing(peer: Any) -> None:
    assert peer.request("CANCEL").status == 481


def test_repeated_cancel_gets_its_200_again(peer: Any) -> None:
    peer.invite()
    cancel = peer.build("CANCEL", branch="z9hG4bK1", cseq=1)
    assert statuses(peer.send(cancel)) == [200, 487]
    assert statuses(peer.send(cancel)) == [200]


# Requests that need no decision


def test_options_are_answered_outside_and_inside_a_dialog(peer: Any) -> None:
    outside = peer.request("OPTIONS")
    assert (outside.status, outside.headers.get("Accept")) == (200, "application/sdp")
    assert outside.to.tag is not None
    dialog = peer.confirmed()
    inside = peer.request("OPTIONS", to_tag=dialog)
    assert (inside.status, inside.to.tag) == (200, dialog)
    assert peer.request("OPTIONS", to_tag="unknown").status == 481


@pytest.mark.parametrize(("options", "status"), [({}, 200), ({"register_status": 403}, 403)])
def test_register_gets_the_status_of_the_setting(
    make_peer: Callable[..., Any], options: dict[str, int], status: int
) -> None:
    peer = make_peer("udp", **options)
    assert peer.request("REGISTER", to_tag="left-over").status == status


def test_server_header_names_the_user_agent(make_peer: Callable[..., Any]) -> None:
    assert make_peer("udp", user_agent="ringback/1").request("OPTIONS").headers.get("Server") == "ringback/1"


def test_unknown_extension_is_named(peer: Any) -> None:
    refused = peer.request("INVITE", "Require: foo, 100rel, bar", body=SDP)
    assert (refused.status, refused.headers.get("Unsupported")) == (420, "foo, bar")
    assert peer.ack(refused.to.tag, branch="z9hG4bK1") == []
    assert peer.wait(40) == []


def test_request_that_came_by_two_ways_is_merged(peer: Any) -> None:
    assert statuses(peer.send(peer.build("INVITE", cseq=1, body=SDP))) == [100]
    assert statuses(peer.send(peer.build("INVITE", cseq=1, body=SDP))) == [482]
    assert len(peer.events(InviteReceived)) == 1


@pytest.mark.parametrize("method", ["BYE", "INFO", "NOTIFY"])
def test_request_without_a_dialog_belongs_to_nothing(peer: Any, method: str) -> None:
    assert peer.request(method).status == 481
    assert peer.request(method, to_tag="unknown").status == 481


@pytest.mark.parametrize(("method", "status"), [("PUBLISH", 405), ("MESSAGE", 405), ("REFER", 405), ("FOO", 501)])
def test_method_that_is_not_served_is_refused_inside_a_dialog_too(peer: Any, method: str, status: int) -> None:
    dialog = peer.confirmed()
    refused = peer.request(method, to_tag=dialog)
    assert (refused.status, "Allow" in refused.headers) == (status, True)


def test_response_goes_to_rport_or_sent_by_port(peer: Any) -> None:
    peer.send(peer.build("OPTIONS", sent_by="10.0.0.1:5999", via=";rport"))
    assert peer.transmissions[0].destination is None
    assert peer.sent[-1].via.parameter("rport") == "5070"
    assert peer.sent[-1].via.parameter("received") == "198.51.100.9"
    peer.send(peer.build("OPTIONS", sent_by="10.0.0.1:5999"))
    assert peer.transmissions[0].destination == ("198.51.100.9", 5999)
