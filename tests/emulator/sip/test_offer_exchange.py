"""Offers and answers in a dialog: who may make one when (RFC 3261 14, RFC 3311 5.2, RFC 6337)."""

from collections.abc import Callable
from typing import Any

import diagrams
import pytest
from ringback.emulator.errors import FlowGone, WrongState
from ringback.emulator.sip.events import FlowFailed, ReinviteReceived, UpdateReceived
from ringback.emulator.sip.message import Response
from ringback.emulator.sip.offer_exchange import ExchangeInput, ExchangeState, OfferExchange

SDP = b"v=0\r\n"
MACHINE = diagrams.machine("Offer/answer exchange")


def statuses(messages: list[Any]) -> list[int | str]:
    return [each.status if isinstance(each, Response) else each.method for each in messages]


def respond(peer: Any, status: int = 200, body: bytes = SDP) -> Response:
    """Answer what was told of last."""
    content_type = "application/sdp" if body else None
    peer.endpoint.respond(peer.last().invite, status, body=body, content_type=content_type, now=peer.now)
    (response,) = peer.take()
    assert isinstance(response, Response)
    return response


# The machine


def test_exchange_has_a_row_or_a_refusal_for_each_pair() -> None:
    for state, given in diagrams.missing_pairs(MACHINE):
        exchange = OfferExchange()
        if state is ExchangeState.SENT:
            exchange.step(ExchangeInput.OFFER_SENT)
        elif state is ExchangeState.RECEIVED:
            exchange.step(ExchangeInput.OFFER_RECEIVED)
        with pytest.raises(WrongState):
            exchange.step(given)  # type: ignore[arg-type]
        assert exchange.state is state


def test_exchange_reaches_every_state_and_names_every_clause() -> None:
    assert diagrams.unreachable_states(MACHINE) == []
    assert diagrams.undocumented_rows(MACHINE) == []


# UPDATE


def test_caller_changes_the_session_by_update(peer: Any) -> None:
    dialog = peer.confirmed()
    assert peer.send(peer.build("UPDATE", to_tag=dialog, body=SDP, contact="<sip:alice@203.0.113.1>")) == []
    event = peer.last()
    assert isinstance(event, UpdateReceived)
    assert (event.dialog, event.request.body) == (dialog, SDP)
    ok = respond(peer)
    assert (ok.status, ok.body, ok.cseq.method) == (200, SDP, "UPDATE")
    assert ok.contact is not None
    assert "UPDATE" in (ok.headers.get("Allow") or "")
    assert peer.wait(64) == []  # no ACK is waited for
    assert peer.endpoint.next_hop(dialog) == "sip:alice@203.0.113.1"
    assert peer.endpoint.describe()["undecided_invites"] == 0


def test_caller_refreshes_by_update_without_an_offer(peer: Any) -> None:
    dialog = peer.confirmed()
    ok = peer.request("UPDATE", to_tag=dialog, contact="<sip:alice@203.0.113.1>")
    assert (ok.status, ok.body) == (200, b"")
    assert ok.contact is not None
    assert peer.events(UpdateReceived) == []
    assert peer.endpoint.next_hop(dialog) == "sip:alice@203.0.113.1"
    assert peer.request("UPDATE", to_tag=dialog, contact=None).status == 200
    assert peer.endpoint.next_hop(dialog) == "sip:alice@203.0.113.1"


def test_caller_updates_an_early_dialog_before_its_offer_is_answered(peer: Any) -> None:
    event = peer.invite()
    peer.endpoint.respond(event.invite, 180, now=peer.now)
    peer.take()
    refused = peer.request("UPDATE", to_tag=event.dialog, body=SDP)
    assert refused.status == 500
    assert 0 <= int(refused.headers.get("Retry-After") or "") <= 10
    assert peer.request("UPDATE", to_tag=event.dialog).status == 200


def test_second_update_before_the_answer_comes_too_early(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.send(peer.build("UPDATE", to_tag=dialog, body=SDP))
    assert peer.request("UPDATE", to_tag=dialog, body=SDP).status == 500
    assert peer.request("INVITE", to_tag=dialog, body=SDP).status == 500
    assert respond(peer).status == 200


def test_refused_update_leaves_the_session_as_it_was(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.send(peer.build("UPDATE", to_tag=dialog, body=SDP, contact="<sip:alice@203.0.113.1>"))
    assert respond(peer, 488, b"").status == 488
    assert peer.endpoint.next_hop(dialog) == "sip:alice@198.51.100.9:5070"
    peer.send(peer.build("UPDATE", to_tag=dialog, body=SDP))
    assert respond(peer).status == 200


def test_update_with_an_unreadable_contact_is_malformed(peer: Any) -> None:
    dialog = peer.confirmed()
    assert peer.request("UPDATE", to_tag=dialog, body=SDP, contact="<sip:>").status == 400
    assert peer.request("UPDATE", to_tag=dialog, contact="<sip:>").status == 400


def test_update_and_reinvite_after_our_bye_belong_to_nothing(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.endpoint.send_bye(dialog, peer.now)
    peer.take()
    assert peer.request("UPDATE", to_tag=dialog, body=SDP).status == 481
    assert peer.request("INVITE", to_tag=dialog, body=SDP).status == 481


def test_update_that_waits_gets_487_when_the_call_ends(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.send(peer.build("UPDATE", to_tag=dialog, body=SDP))
    assert statuses(peer.send(peer.build("BYE", to_tag=dialog))) == [200, 487]
    assert peer.endpoint.idle


def test_update_is_lost_with_its_connection(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.confirmed()
    peer.send(peer.build("UPDATE", to_tag=dialog, body=SDP))
    update = peer.last().invite
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.take()
    assert peer.last() == FlowFailed(flow=peer.flow, dialogs=(dialog,), invites=(update,))
    with pytest.raises(FlowGone):
        peer.endpoint.respond(update, 200, now=peer.now)
    assert peer.endpoint.describe()["server_transactions"] == 1  # the INVITE's, in Accepted
    flow = peer.open("tls", id=2)
    peer.send(peer.build("UPDATE", to_tag=dialog, body=SDP), flow=flow)
    assert respond(peer).status == 200  # the offer that was lost is not waited for


# Our offer, in the 2xx to an INVITE without one


def test_caller_that_asks_for_our_offer_answers_in_the_ack(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.send(peer.build("INVITE", to_tag=dialog))
    assert isinstance(peer.last(), ReinviteReceived)
    reinvite = peer.last().invite
    assert respond(peer).body == SDP
    assert peer.request("INVITE", to_tag=dialog, body=SDP, branch="z9hG4bKglare").status == 491
    peer.send(peer.build("ACK", to_tag=dialog, branch="z9hG4bKglare", cseq=peer.cseq))
    assert peer.request("UPDATE", to_tag=dialog, body=SDP).status == 491
    assert peer.request("UPDATE", to_tag=dialog).status == 200
    peer.ack(dialog, cseq=peer.cseq - 3, body=SDP)
    assert (peer.last().invite, peer.last().body) == (reinvite, SDP)
    peer.send(peer.build("UPDATE", to_tag=dialog, body=SDP))
    assert respond(peer).status == 200


def test_offer_of_ours_without_an_ack_is_given_up(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.send(peer.build("INVITE", to_tag=dialog))
    respond(peer)
    peer.wait(64)
    peer.send(peer.build("UPDATE", to_tag=dialog, body=SDP))
    assert respond(peer).status == 200
