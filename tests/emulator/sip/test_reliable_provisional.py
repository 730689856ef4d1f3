"""100rel (RFC 3262): reliable 1xx, their repetition, PRACK."""

from collections.abc import Callable
from typing import Any

import pytest
from ringback.emulator.errors import WrongState
from ringback.emulator.sip.events import DialogId, InviteId, InviteReceived, PrackTimeout
from ringback.emulator.sip.message import Response
from ringback.emulator.sip.reliable_provisional import Rack, ReliableProvisional
from ringback.emulator.sip.timers import Timers

SDP = b"v=0\r\n"
REQUIRED = "Require: 100rel"


def ring(peer: Any, *headers: str, **options: Any) -> tuple[InviteReceived, Response]:
    event = peer.invite(*headers, **options)
    peer.endpoint.respond(event.invite, 180, now=peer.now)
    (ringing,) = peer.take()
    return event, ringing


def prack(peer: Any, event: InviteReceived, ringing: Response, **options: Any) -> Response:
    rack = f"RAck: {ringing.headers.get('RSeq')} {ringing.cseq.number} INVITE"
    response = peer.request("PRACK", rack, to_tag=event.dialog, **options)
    assert isinstance(response, Response)
    return response


def test_caller_that_requires_it_gets_a_reliable_180(peer: Any) -> None:
    event, ringing = ring(peer, REQUIRED)
    assert ringing.status == 180
    assert ringing.require == ("100rel",)
    assert 1 <= int(ringing.headers.get("RSeq") or "") < 2**31
    assert prack(peer, event, ringing).status == 200
    assert peer.wait(60) == []
    assert prack(peer, event, ringing).status == 481


@pytest.mark.parametrize("transport", ["udp", "tls"])
def test_180_is_repeated_until_its_prack(make_peer: Callable[..., Any], transport: str) -> None:
    peer = make_peer(transport)
    event, ringing = ring(peer, REQUIRED)
    assert [each.status for each in peer.wait(3.6)] == [180, 180, 180]  # after 0.5, 1.5 and 3.5 s
    assert prack(peer, event, ringing).status == 200
    assert peer.wait(60) == []


def test_call_without_a_prack_gets_504(peer: Any) -> None:
    event, _ = ring(peer, REQUIRED)
    assert 504 in [each.status for each in peer.wait(33)]
    assert peer.events(PrackTimeout) == [PrackTimeout(invite=event.invite, dialog=event.dialog)]
    assert not peer.endpoint.has_dialog(event.dialog)


def test_answer_ends_the_repetition_and_takes_a_late_prack(peer: Any) -> None:
    event, ringing = ring(peer, REQUIRED)
    peer.endpoint.respond(event.invite, 200, body=SDP, content_type="application/sdp", now=peer.now)
    peer.take()
    assert [each.status for each in peer.wait(0.6)] == [200]
    peer.ack(event.dialog)
    assert prack(peer, event, ringing).status == 200


def test_prack_of_something_else_belongs_to_nothing(peer: Any) -> None:
    event, _ = ring(peer, REQUIRED)
    assert peer.request("PRACK", "RAck: 1 1 INVITE", to_tag=event.dialog).status == 481
    assert peer.request("PRACK", "RAck: 1 INVITE", to_tag=event.dialog).status == 400
    assert peer.request("PRACK", to_tag=event.dialog).status == 400


def test_offer_in_a_prack_is_not_acceptable(peer: Any) -> None:
    event, ringing = ring(peer, REQUIRED)
    assert prack(peer, event, ringing, body=SDP).status == 488


def test_second_180_has_to_wait_for_the_prack_of_the_first(peer: Any) -> None:
    event, ringing = ring(peer, REQUIRED)
    with pytest.raises(WrongState):
        peer.endpoint.respond(event.invite, 180, now=peer.now)
    prack(peer, event, ringing)
    peer.endpoint.respond(event.invite, 180, now=peer.now)
    assert [each.status for each in peer.take()] == [180]


def test_caller_without_an_offer_gets_no_reliable_180(peer: Any) -> None:
    event = peer.invite(REQUIRED, body=b"")
    peer.endpoint.respond(event.invite, 180, now=peer.now)
    assert peer.take() == []


@pytest.mark.parametrize(("rings_reliably", "required"), [(False, ()), (True, ("100rel",))])
def test_caller_that_supports_it_gets_what_the_setting_says(
    make_peer: Callable[..., Any], rings_reliably: bool, required: tuple[str, ...]
) -> None:
    peer = make_peer(rings_reliably=rings_reliably)
    _, ringing = ring(peer, "Supported: 100rel")
    assert ringing.require == required


def test_cancelled_call_repeats_nothing(peer: Any) -> None:
    event = peer.invite(REQUIRED, branch="z9hG4bKrel")
    peer.endpoint.respond(event.invite, 180, now=peer.now)
    peer.take()
    peer.send(peer.build("CANCEL", branch="z9hG4bKrel", cseq=peer.cseq))
    assert {each.status for each in peer.wait(60)} == {487}


def test_provisional_is_silent_before_its_time_and_after_its_end() -> None:
    provisional = ReliableProvisional(
        dialog=DialogId("d"), invite=InviteId(1), key=Rack(1, 1, "INVITE"), data=b"180", timers=Timers(), now=100.0
    )
    assert provisional.handle_timer(100.4) is None
    assert provisional.handle_timer(100.5) == b"180"
    provisional.stop()
    assert provisional.handle_timer(200.0) is None
    assert provisional.next_deadline() is None
    assert not provisional.is_timed_out
