"""Session timers (RFC 4028), as either side."""

from collections.abc import Callable
from typing import Any

import pytest
from ringback.emulator.errors import SipError
from ringback.emulator.sip.events import SessionTimedOut
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
