"""The UAS side inside a dialog, driven through the endpoint: RFC 3261 12.2.2, 14.2, 15.1.2, and lost connections."""

from collections.abc import Callable
from typing import Any

from ringback.emulator.sip.events import (
    AckReceived,
    AckTimeout,
    ByeReceived,
    FlowFailed,
    InfoReceived,
    InviteCancelled,
    MessageDropped,
    NotifyReceived,
    ReinviteReceived,
    RequestCompleted,
)
from ringback.emulator.sip.message import Request, Response

SDP = b"v=0\r\n"


def statuses(messages: list[Any]) -> list[int | str]:
    """`200` for a response, the method for a request."""
    return [each.status if isinstance(each, Response) else each.method for each in messages]


# In-dialog requests


def test_caller_hangs_up(peer: Any) -> None:
    dialog = peer.confirmed()
    bye = peer.build("BYE", to_tag=dialog)
    (ok,) = peer.send(bye)
    assert ok.status == 200
    event = peer.last()
    assert isinstance(event, ByeReceived)
    assert event.dialog == dialog
    assert not peer.endpoint.has_dialog(dialog)
    assert peer.endpoint.idle
    assert statuses(peer.send(bye)) == [200]
    assert peer.request("BYE", to_tag=dialog).status == 481


def test_caller_hangs_up_before_it_acknowledged(peer: Any) -> None:
    dialog = peer.accepted()
    assert peer.request("BYE", to_tag=dialog).status == 200
    assert peer.wait(60) == []
    assert peer.events(AckTimeout) == []


def test_caller_hangs_up_an_early_dialog(peer: Any) -> None:
    event = peer.invite()
    peer.endpoint.respond(event.invite, 180, now=peer.now)
    peer.take()
    assert statuses(peer.send(peer.build("BYE", to_tag=event.dialog))) == [200, 487]
    assert isinstance(peer.last(), ByeReceived)
    assert peer.endpoint.idle


def test_request_with_a_lower_cseq_is_out_of_order(peer: Any) -> None:
    dialog = peer.confirmed(cseq=100)
    assert peer.request("INFO", to_tag=dialog, cseq=99).status == 500
    assert peer.request("INFO", to_tag=dialog, cseq=101).status == 200
    assert peer.request("BYE", to_tag=dialog, cseq=101).status == 200


def test_request_of_somebody_else_is_not_in_the_dialog(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.from_tag = "eve"
    assert peer.request("BYE", to_tag=dialog).status == 481
    assert peer.endpoint.has_dialog(dialog)


def test_info_is_answered_and_told(peer: Any) -> None:
    dialog = peer.confirmed()
    assert peer.request("INFO", "Content-Type: application/dtmf-relay", to_tag=dialog, body=b"Signal=5").status == 200
    event = peer.last()
    assert isinstance(event, InfoReceived)
    assert (event.dialog, event.request.body) == (dialog, b"Signal=5")


def test_stray_ack_is_dropped(peer: Any) -> None:
    assert peer.ack("unknown") == []
    event = peer.last()
    assert isinstance(event, MessageDropped)
    assert event.reason == "ACK to no dialog"
    assert peer.send(peer.build("ACK")) == []


def test_ack_before_any_answer_is_ignored(peer: Any) -> None:
    event = peer.invite()
    assert peer.ack(event.dialog, branch="z9hG4bK1") == []
    assert peer.events(AckReceived) == []
    assert peer.endpoint.has_dialog(event.dialog)


# re-INVITE


def test_caller_holds_and_resumes(peer: Any) -> None:
    dialog = peer.confirmed()
    for contact in ("<sip:alice@203.0.113.1>", "<sip:alice@203.0.113.2>"):
        assert statuses(peer.send(peer.build("INVITE", to_tag=dialog, body=SDP, contact=contact))) == [100]
        event = peer.last()
        assert isinstance(event, ReinviteReceived)
        assert event.dialog == dialog
        peer.endpoint.respond(event.invite, 200, body=SDP, content_type="application/sdp", now=peer.now)
        (ok,) = peer.take()
        assert (ok.status, ok.to.tag) == (200, dialog)
        assert statuses(peer.wait(0.5)) == [200]
        peer.ack(dialog)
        assert peer.wait(10) == []
        assert peer.endpoint.next_hop(dialog) == contact[1:-1]
    assert len(peer.events(AckReceived)) == 3


def test_refused_reinvite_leaves_the_dialog_as_it_was(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.send(peer.build("INVITE", to_tag=dialog, contact="<sip:alice@203.0.113.1>"))
    peer.endpoint.respond(peer.last().invite, 488, now=peer.now)
    assert statuses(peer.take()) == [488]
    assert peer.endpoint.has_dialog(dialog)
    assert peer.endpoint.next_hop(dialog) == "sip:alice@198.51.100.9:5070"


def test_cancelled_reinvite_leaves_the_dialog_as_it_was(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.send(peer.build("INVITE", to_tag=dialog, branch="z9hG4bKre"))
    reinvite = peer.last()
    assert statuses(peer.send(peer.build("CANCEL", to_tag=dialog, branch="z9hG4bKre", cseq=peer.cseq))) == [200, 487]
    assert peer.last() == InviteCancelled(invite=reinvite.invite, dialog=dialog)
    assert peer.endpoint.has_dialog(dialog)


def test_second_reinvite_before_the_answer_comes_too_early(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.send(peer.build("INVITE", to_tag=dialog))
    refused = peer.request("INVITE", to_tag=dialog)
    assert refused.status == 500
    assert 0 <= int(refused.headers.get("Retry-After") or "-1") <= 10
    assert statuses(peer.send(peer.build("BYE", to_tag=dialog))) == [200, 487]
    assert peer.endpoint.idle


def test_hanging_up_ends_an_open_reinvite(peer: Any) -> None:
    """Whoever hangs up: the re-INVITE gets 487, as every request must get its response."""
    dialog = peer.confirmed()
    peer.send(peer.build("INVITE", to_tag=dialog))
    assert statuses(peer.send(peer.build("BYE", to_tag=dialog))) == [200, 487]
    peer.call_id = "another"
    dialog = peer.confirmed()
    peer.send(peer.build("INVITE", to_tag=dialog))
    peer.endpoint.send_bye(dialog, peer.now)
    assert statuses(peer.take()) == [487, "BYE"]
    assert peer.endpoint.describe()["undecided_invites"] == 0


def test_reinvite_after_our_bye_has_no_dialog(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.endpoint.send_bye(dialog, peer.now)
    peer.take()
    assert peer.request("INVITE", to_tag=dialog).status == 481


def test_reinvite_before_the_ack_is_told(peer: Any) -> None:
    """Its ACK stands for the first one too."""
    dialog = peer.accepted()
    peer.send(peer.build("INVITE", to_tag=dialog))
    peer.endpoint.respond(peer.last().invite, 200, now=peer.now)
    peer.take()
    peer.ack(dialog)
    assert peer.wait(60) == []
    assert peer.events(AckTimeout) == []


def test_missing_ack_of_a_reinvite_is_told_too(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.send(peer.build("INVITE", to_tag=dialog))
    peer.endpoint.respond(peer.last().invite, 200, now=peer.now)
    peer.wait(33)
    assert peer.events(AckTimeout) == [AckTimeout(dialog=dialog)]


def test_missing_ack_is_not_told_to_who_has_hung_up(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.send(peer.build("INVITE", to_tag=dialog))
    peer.endpoint.respond(peer.last().invite, 200, now=peer.now)
    peer.wait(20)
    peer.endpoint.send_bye(dialog, peer.now)
    peer.wait(15)
    assert peer.events(AckTimeout) == []
    assert peer.endpoint.has_dialog(dialog)
    peer.wait(20)
    assert peer.events(RequestCompleted)[0].status == 408
    assert peer.endpoint.idle


# NOTIFY


def notify(peer: Any, dialog: str, state: str, fragment: bytes, event: str = "refer") -> Response:
    response = peer.request(
        "NOTIFY",
        f"Event: {event}",
        f"Subscription-State: {state}",
        "Content-Type: message/sipfrag",
        to_tag=dialog,
        body=fragment,
    )
    assert isinstance(response, Response)
    return response


def test_transfer_is_told_until_its_last_notify(peer: Any) -> None:
    dialog = peer.confirmed()
    request_id = peer.endpoint.send_refer(dialog, "tel:+14155550123", peer.now)
    (refer,) = peer.take()
    assert isinstance(refer, Request)
    assert notify(peer, dialog, "active;expires=60", b"SIP/2.0 100 Trying").status == 200  # may overtake the 202
    peer.answer(refer, 202)
    assert notify(peer, dialog, "terminated", b"SIP/2.0 200 OK", f"refer;id={refer.cseq.number}").status == 200
    assert [(e.request_id, e.status, e.is_terminated) for e in peer.events(NotifyReceived)] == [
        (request_id, 100, False),
        (request_id, 200, True),
    ]
    assert peer.events(NotifyReceived)[1].fragment == "SIP/2.0 200 OK"
    assert notify(peer, dialog, "terminated", b"SIP/2.0 200 OK").status == 481


def test_transfer_is_reported_on_after_the_bye(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.endpoint.send_refer(dialog, "tel:+14155550100", peer.now)
    (refer,) = peer.take()
    peer.answer(refer, 202)
    assert peer.request("BYE", to_tag=dialog).status == 200
    assert peer.endpoint.idle
    assert notify(peer, dialog, "active", b"SIP/2.0 180 Ringing").status == 200
    assert peer.request("INFO", to_tag=dialog).status == 481
    peer.from_tag = "eve"
    assert notify(peer, dialog, "active", b"SIP/2.0 200 OK").status == 481
    peer.from_tag = "alice"
    assert notify(peer, dialog, "terminated", b"SIP/2.0 200 OK").status == 200
    assert [each.status for each in peer.events(NotifyReceived)] == [180, 200]
    assert notify(peer, dialog, "terminated", b"SIP/2.0 200 OK").status == 481


def test_each_of_two_transfers_is_reported_on_after_the_bye(peer: Any) -> None:
    dialog = peer.confirmed()
    events = []
    for target in ("tel:+14155550100", "tel:+14155550101"):
        peer.endpoint.send_refer(dialog, target, peer.now)
        (refer,) = peer.take()
        peer.answer(refer, 202)
        events.append(f"refer;id={refer.cseq.number}")
    peer.request("BYE", to_tag=dialog)
    for event in events:
        assert notify(peer, dialog, "terminated", b"SIP/2.0 200 OK", event).status == 200
    assert notify(peer, dialog, "terminated", b"SIP/2.0 200 OK", events[0]).status == 481


def test_notify_without_a_transfer_belongs_to_nothing(peer: Any) -> None:
    dialog = peer.confirmed()
    assert notify(peer, dialog, "active", b"SIP/2.0 100 Trying").status == 481
    assert notify(peer, dialog, "active", b"SIP/2.0 100 Trying", "refer;id=1").status == 481


def test_notify_of_another_package_is_refused(peer: Any) -> None:
    dialog = peer.confirmed()
    refused = notify(peer, dialog, "active", b"", "presence")
    assert (refused.status, refused.headers.get("Allow-Events")) == (489, "refer")


def test_notify_without_subscription_state_is_malformed(peer: Any) -> None:
    dialog = peer.confirmed()
    assert peer.request("NOTIFY", "Event: refer", to_tag=dialog).status == 400


# Connections


def test_invites_are_lost_with_their_connection(make_peer: Callable[..., Any]) -> None:
    """Those that have their answer, and those of other connections, are not."""
    peer = make_peer("tls")
    dialog = peer.confirmed()
    peer.send(peer.build("INVITE", to_tag=dialog))
    reinvite = peer.last()
    peer.call_id = "another"
    undecided = peer.invite()
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.take()
    assert peer.last() == FlowFailed(flow=peer.flow, dialogs=(dialog,), invites=(reinvite.invite, undecided.invite))
    assert peer.endpoint.has_dialog(dialog)
    assert not peer.endpoint.has_dialog(undecided.dialog)


def test_stray_malformed_ack_is_never_answered(peer: Any) -> None:
    assert peer.send(peer.build("ACK").replace(b"CSeq: 1 ACK", b"CSeq: 1 BYE")) == []
    assert peer.send(peer.build("OPTIONS").replace(b"Via: ", b"X-Via: ")) == []


def test_reinvite_with_an_unreadable_contact_is_malformed(peer: Any) -> None:
    dialog = peer.confirmed()
    assert peer.request("INVITE", to_tag=dialog, contact="<sip:>").status == 400
    assert peer.events(ReinviteReceived) == []
    assert peer.endpoint.has_dialog(dialog)


def test_crossing_bye_is_answered_and_not_told(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.endpoint.send_bye(dialog, peer.now)
    peer.take()
    assert peer.request("BYE", to_tag=dialog).status == 200
    assert peer.events(ByeReceived) == []


def test_waiting_bye_ends_when_theirs_comes(peer: Any) -> None:
    dialog = peer.accepted()
    request_id = peer.endpoint.send_bye(dialog, peer.now)
    assert peer.request("BYE", to_tag=dialog).status == 200
    assert [each.request_id for each in peer.events(RequestCompleted)] == [request_id]
