"""Session timers (RFC 4028), as either side."""

from collections.abc import Callable
from typing import Any

import pytest
from ringback.emulator.errors import FlowGone, SipError, UsageError
from ringback.emulator.sip.events import RefreshAnswered, RefreshDue, SessionTimedOut
from ringback.emulator.sip.message import Request, Response
from ringback.emulator.sip.session_timer import SessionTimer, SessionTimerPolicy, session_expires

SDP = b"v=0\r\n"
TIMER = "Supported: timer"


def answered(peer: Any, *headers: str) -> tuple[str, Response]:
    """A confirmed call, and its 200."""
    event = peer.invite(*headers)
    peer.endpoint.respond(event.invite, 200, body=SDP, content_type="application/sdp", now=peer.now)
    (ok,) = peer.take()
    peer.ack(event.dialog)
    return event.dialog, ok


def updates(messages: list[Any]) -> list[Request]:
    return [each for each in messages if isinstance(each, Request) and each.method == "UPDATE"]


# What the 200 says


@pytest.mark.parametrize(
    ("headers", "policy", "said", "required"),
    [
        ([], {}, None, ()),
        ([TIMER], {}, None, ()),
        ([TIMER, "Session-Expires: 1800"], {}, "1800;refresher=uac", ("timer",)),
        ([TIMER, "x: 1800;refresher=UAS"], {}, "1800;refresher=uas", ("timer",)),
        ([TIMER, "Session-Expires: 1800"], {"refresher": "uas"}, "1800;refresher=uas", ("timer",)),
        (["Require: timer", "Session-Expires: 90;a=b;refresher=uac"], {}, "90;refresher=uac", ("timer",)),
        (["Session-Expires: 1800"], {}, "1800;refresher=uas", ()),
        (["Session-Expires: 60"], {}, "60;refresher=uas", ()),
        ([TIMER], {"expires": 600}, "600;refresher=uac", ("timer",)),
        ([TIMER, "Min-SE: 900"], {"expires": 600}, "900;refresher=uac", ("timer",)),
        ([], {"expires": 600}, "600;refresher=uas", ()),
    ],
)
def test_answer_says_who_refreshes_and_when(
    make_peer: Callable[..., Any], headers: list[str], policy: Any, said: str | None, required: tuple[str, ...]
) -> None:
    _, ok = answered(make_peer(session_timers=SessionTimerPolicy(**policy)), *headers)
    assert (ok.headers.get("Session-Expires"), ok.require) == (said, required)


def test_interval_that_is_too_short_gets_422(peer: Any) -> None:
    refused = peer.request("INVITE", TIMER, "Session-Expires: 60", body=SDP)
    assert (refused.status, refused.headers.get("Min-SE")) == (422, "90")
    peer.ack(refused.to.tag, branch=f"z9hG4bK{peer.branches}")
    dialog = peer.confirmed()
    assert peer.request("UPDATE", TIMER, "Session-Expires: 60", to_tag=dialog).status == 422
    assert peer.endpoint.has_dialog(dialog)


def test_interval_that_is_no_number_is_malformed(peer: Any) -> None:
    assert peer.request("INVITE", TIMER, "Session-Expires: soon", body=SDP).status == 400
    with pytest.raises(SipError):
        session_expires(peer.sent[0].__class__(status=200, headers=[("Session-Expires", "x")], body=b""))


# The caller refreshes


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_session_lives_while_the_caller_refreshes(peer: Any, method: str) -> None:
    dialog, _ = answered(peer, TIMER, "Session-Expires: 90;refresher=uac")
    for _ in range(3):
        assert updates(peer.wait(45)) == []
        peer.send(peer.build(method, TIMER, "Session-Expires: 90;refresher=uac", to_tag=dialog))
        if method == "INVITE":
            peer.endpoint.respond(peer.last().invite, 200, now=peer.now)
            peer.take()
            peer.ack(dialog)
    assert peer.events(SessionTimedOut) == []
    peer.wait(59.9)
    assert peer.events(SessionTimedOut) == []
    peer.wait(0.1)  # RFC 4028 10: a third of the interval before its end
    assert peer.events(SessionTimedOut) == [SessionTimedOut(dialog=dialog)]


def test_refresh_without_an_interval_ends_the_timer(peer: Any) -> None:
    dialog, _ = answered(peer, TIMER, "Session-Expires: 90;refresher=uac")
    ok = peer.request("UPDATE", TIMER, to_tag=dialog)
    assert ok.headers.get("Session-Expires") is None
    peer.wait(1000)
    assert peer.events(SessionTimedOut) == []


def test_timer_ends_with_its_call(peer: Any) -> None:
    dialog, _ = answered(peer, TIMER, "Session-Expires: 90;refresher=uac")
    peer.request("BYE", to_tag=dialog)
    peer.wait(1000)
    assert peer.events(SessionTimedOut) == []
    dialog, _ = answered(peer, TIMER, "Session-Expires: 90;refresher=uac")
    peer.wait(50)
    peer.endpoint.send_bye(dialog, peer.now)
    peer.wait(31)
    assert peer.events(SessionTimedOut) == []


# We refresh


def test_we_refresh_at_half_of_the_interval(peer: Any) -> None:
    dialog, _ = answered(peer, TIMER, "Session-Expires: 200;refresher=uas")
    for _ in range(2):
        assert updates(peer.wait(99.9)) == []
        (update,) = updates(peer.wait(0.1))
        assert (update.headers.get("Session-Expires"), update.body) == ("200;refresher=uac", b"")
        assert update.contact is not None
        assert "timer" in update.supported
        peer.answer(update, 200, "Session-Expires: 200;refresher=uac")
    assert peer.events(SessionTimedOut) == []
    (update,) = updates(peer.wait(100))
    peer.answer(update, 200, "Session-Expires: 100;refresher=uas")
    assert updates(peer.wait(60)) == []
    peer.wait(10)
    assert peer.events(SessionTimedOut) == [SessionTimedOut(dialog=dialog)]


@pytest.mark.parametrize("header", [(), ("Session-Expires: never",)])
def test_refresh_that_says_nothing_of_the_interval_keeps_it(peer: Any, header: tuple[str, ...]) -> None:
    answered(peer, TIMER, "Session-Expires: 200;refresher=uas")
    (update,) = updates(peer.wait(100))
    peer.answer(update, 200, *header)
    assert len(updates(peer.wait(100))) == 1


@pytest.mark.parametrize("status", [408, 481])
def test_session_is_over_for_a_peer_that_does_not_know_it(peer: Any, status: int) -> None:
    dialog, _ = answered(peer, TIMER, "Session-Expires: 200;refresher=uas")
    (update,) = updates(peer.wait(100))
    peer.answer(update, status)
    assert peer.events(SessionTimedOut) == [SessionTimedOut(dialog=dialog)]


def test_refresh_that_is_refused_leaves_the_session_to_expire(peer: Any) -> None:
    dialog, _ = answered(peer, TIMER, "Session-Expires: 200;refresher=uas")
    (update,) = updates(peer.wait(100))
    peer.answer(update, 500)
    assert peer.events(SessionTimedOut) == []
    peer.wait(68)
    assert peer.events(SessionTimedOut) == [SessionTimedOut(dialog=dialog)]


def test_refresh_takes_the_interval_that_422_names(peer: Any) -> None:
    answered(peer, TIMER, "Session-Expires: 200;refresher=uas")
    (update,) = updates(peer.wait(100))
    (again,) = updates(peer.answer(update, 422, "Min-SE: 300"))
    assert again.headers.get("Session-Expires") == "300;refresher=uac"
    assert updates(peer.answer(again, 422)) == []


def test_refresh_needs_a_connection_and_a_call_that_goes_on(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog, _ = answered(peer, TIMER, "Session-Expires: 200;refresher=uas")
    peer.endpoint.flow_closed(peer.flow, peer.now)
    assert peer.wait(167) == []
    peer.wait(1)
    assert peer.events(SessionTimedOut) == [SessionTimedOut(dialog=dialog)]
    peer = make_peer("tls")
    dialog, _ = answered(peer, TIMER, "Session-Expires: 200;refresher=uas")
    (update,) = updates(peer.wait(100))
    peer.endpoint.send_bye(dialog, peer.now)
    peer.take()
    peer.answer(update, 481)
    assert peer.events(SessionTimedOut) == []


def test_timer_that_is_not_due_does_nothing() -> None:
    timer = SessionTimer(dialog="d", interval=90, refreshes=False, now=0.0)  # type: ignore[arg-type]
    assert not timer.handle_timer(59.0)
    assert not timer.is_expired


# By re-INVITE, for a peer that takes no UPDATE

BY_INVITE = (TIMER, "Session-Expires: 200;refresher=uas", "Allow: INVITE, ACK, BYE")
OFFER = b"v=0\r\nours\r\n"


def refresh_due(peer: Any, *headers: str, wait: float = 100) -> str:
    """A call whose session has to be refreshed by re-INVITE."""
    dialog, _ = answered(peer, *(headers or BY_INVITE))
    assert peer.wait(wait) == []
    assert peer.last() == RefreshDue(dialog=dialog, needs_offer=True)
    return dialog


def reinvite_of(peer: Any, dialog: str) -> Request:
    peer.endpoint.refresh(dialog, OFFER, peer.now)
    (request,) = peer.take()
    assert isinstance(request, Request)
    assert (request.method, request.body) == ("INVITE", OFFER)
    return request


def answer(peer: Any, request: Request, status: int, *headers: str, body: bytes = b"") -> list[Any]:
    """A response with a body."""
    lines = [f"SIP/2.0 {status} Whatever"]
    lines += [f"{name}: {request.headers.get(name)}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
    return peer.send("\r\n".join([*lines, *headers, f"Content-Length: {len(body)}"]).encode() + b"\r\n\r\n" + body)  # type: ignore[no-any-return]


def test_session_of_a_peer_without_update_is_refreshed_by_invite(peer: Any) -> None:
    dialog = refresh_due(peer)
    request = reinvite_of(peer, dialog)
    assert request.headers.get("Session-Expires") == "200;refresher=uac"
    accepted = ("Session-Expires: 300;refresher=uac", "Contact: <sip:alice@203.0.113.1>")
    (ack,) = answer(peer, request, 200, *accepted, body=SDP)
    assert (ack.method, ack.cseq.number, ack.uri_text) == ("ACK", request.cseq.number, "sip:alice@198.51.100.9:5070")
    assert RefreshAnswered(dialog=dialog, body=SDP) in peer.told
    assert peer.endpoint.next_hop(dialog) == "sip:alice@203.0.113.1"
    (again,) = answer(peer, request, 200, *accepted, body=SDP)
    assert again.to_bytes() == ack.to_bytes()
    peer.wait(149)
    assert peer.events(RefreshDue) == [RefreshDue(dialog=dialog, needs_offer=True)]
    peer.wait(2)
    assert len(peer.events(RefreshDue)) == 2
    peer.request("BYE", to_tag=dialog)


def test_peer_that_refuses_update_is_asked_by_invite(peer: Any) -> None:
    dialog, _ = answered(peer, TIMER, "Session-Expires: 200;refresher=uas")
    (update,) = updates(peer.wait(100))
    peer.answer(update, 405)
    assert peer.events(RefreshDue) == [RefreshDue(dialog=dialog, needs_offer=True)]
    request = reinvite_of(peer, dialog)
    (ack,) = answer(peer, request, 200)
    assert ack.method == "ACK"
    assert peer.endpoint.refresh(dialog, OFFER, peer.now) is None
    assert peer.take()[0].method == "INVITE"


def test_peer_that_refuses_update_is_asked_no_more_when_the_call_was_hung_up(peer: Any) -> None:
    dialog, _ = answered(peer, TIMER, "Session-Expires: 200;refresher=uas")
    (update,) = updates(peer.wait(100))
    peer.endpoint.send_bye(dialog, peer.now)
    peer.take()
    peer.answer(update, 501)
    assert peer.events(RefreshDue) == []


def test_refresh_that_meets_one_of_the_peer_is_tried_again_soon(peer: Any) -> None:
    dialog = refresh_due(peer)
    request = reinvite_of(peer, dialog)
    glare = peer.request("INVITE", to_tag=dialog, body=SDP)
    assert glare.status == 491
    peer.ack(dialog, branch=f"z9hG4bK{peer.branches}")
    (ack,) = answer(peer, request, 491)
    assert ack.method == "ACK"
    peer.wait(2.0)
    assert len(peer.events(RefreshDue)) == 2
    again = reinvite_of(peer, dialog)
    assert again.cseq.number == request.cseq.number + 1


def test_refresh_waits_while_the_peer_changes_the_session(peer: Any) -> None:
    dialog = refresh_due(peer)
    peer.send(peer.build("INVITE", to_tag=dialog, body=SDP))
    peer.endpoint.refresh(dialog, OFFER, peer.now)
    assert peer.take() == []
    peer.wait(2.0)
    assert len(peer.events(RefreshDue)) == 2


def test_refresh_that_is_never_answered_ends_the_session(peer: Any) -> None:
    dialog = refresh_due(peer)
    reinvite_of(peer, dialog)
    peer.wait(32)
    assert peer.events(SessionTimedOut) == [SessionTimedOut(dialog=dialog)]


def test_refresh_that_is_only_tried_ends_the_session_and_leaves_nothing(peer: Any) -> None:
    dialog = refresh_due(peer)
    request = reinvite_of(peer, dialog)
    peer.answer(request, 100)
    peer.wait(32)
    assert peer.events(SessionTimedOut) == [SessionTimedOut(dialog=dialog)]
    assert peer.endpoint.describe()["pending_requests"] == 0


def test_refresh_that_crosses_a_bye_is_acknowledged(peer: Any) -> None:
    dialog = refresh_due(peer)
    request = reinvite_of(peer, dialog)
    peer.request("BYE", to_tag=dialog)
    (ack,) = answer(peer, request, 200, body=SDP)
    assert ack.method == "ACK"
    peer = type(peer)("udp")
    dialog = refresh_due(peer)
    peer.request("BYE", to_tag=dialog)
    with pytest.raises(UsageError):
        peer.endpoint.refresh(dialog, OFFER, peer.now)


def test_refresh_of_a_session_without_a_timer_does_nothing(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.endpoint.refresh(dialog, OFFER, peer.now)
    assert peer.take() == []


def test_refresh_needs_an_open_connection_and_asks_for_one(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog, _ = answered(peer, TIMER, "Session-Expires: 200;refresher=uas")
    peer.endpoint.flow_closed(peer.flow, peer.now)
    assert peer.wait(100) == []
    assert peer.events(RefreshDue) == [RefreshDue(dialog=dialog, needs_offer=False)]
    with pytest.raises(FlowGone):
        peer.endpoint.refresh(dialog, b"", peer.now)
    peer.endpoint.move_dialog(dialog, peer.open("tls", id=2))
    peer.endpoint.refresh(dialog, b"", peer.now)
    assert [each.method for each in peer.take()] == ["UPDATE"]


def test_refresh_that_can_not_be_read_keeps_the_interval(peer: Any) -> None:
    dialog = refresh_due(peer)
    request = reinvite_of(peer, dialog)
    answer(peer, request, 200, "Contact: <nonsense>", body=SDP)
    peer.wait(100)
    assert len(peer.events(RefreshDue)) == 2


def test_refresh_that_is_lost_with_its_connection_asks_for_another_way(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = refresh_due(peer)
    reinvite_of(peer, dialog)
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.wait(2)
    assert peer.events(RefreshDue)[1:] == [RefreshDue(dialog=dialog, needs_offer=True)]
    assert peer.events(SessionTimedOut) == []
    peer.wait(66)  # nobody found one
    assert peer.events(SessionTimedOut) == [SessionTimedOut(dialog=dialog)]
