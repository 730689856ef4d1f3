"""The UAC side, driven through the endpoint: BYE and REFER, RFC 3261 §12.2.1, §15.1.1, RFC 3515."""

from collections.abc import Callable
from typing import Any

import pytest
from ringback.emulator.errors import FlowGone, InvalidTarget, UsageError, WrongState
from ringback.emulator.sip.client_transaction import ClientTransaction
from ringback.emulator.sip.events import (
    AckTimeout,
    ByeLost,
    ByeReceived,
    MessageDropped,
    NotifyReceived,
    RequestCompleted,
)
from ringback.emulator.sip.message import Request, Response

SDP = b"v=0\r\n"


def statuses(messages: list[Any]) -> list[int | str]:
    return [each.status if isinstance(each, Response) else each.method for each in messages]


def completed(peer: Any) -> list[tuple[int, str, int]]:
    """The fates of our requests: id, method, status."""
    return [(each.request_id, each.method, each.status) for each in peer.events(RequestCompleted)]


def test_we_hang_up(peer: Any) -> None:
    dialog = peer.confirmed()
    request_id = peer.endpoint.send_bye(dialog, peer.now)
    (bye,) = peer.take()
    assert isinstance(bye, Request)
    assert bye.uri_text == "sip:alice@198.51.100.9:5070"
    assert (bye.from_.tag, bye.to.tag, bye.call_id) == (dialog, "alice", "call-1")
    assert str(bye.via).startswith("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK")
    assert peer.transmissions[0].flow is peer.flow
    assert peer.endpoint.has_dialog(dialog)
    assert not peer.endpoint.idle
    peer.answer(bye, 200)
    assert completed(peer) == [(request_id, "BYE", 200)]
    assert peer.last().response.status == 200
    assert not peer.endpoint.has_dialog(dialog)
    assert peer.endpoint.idle


def test_our_bye_has_a_contact_host_without_a_port(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls", user_agent="ringback/1")
    peer.endpoint._uac._contact = lambda flow: "sip:OAI@sip.example.com"
    dialog = peer.confirmed()
    peer.endpoint.send_bye(dialog, peer.now)
    (bye,) = peer.take()
    assert str(bye.via).startswith("SIP/2.0/TLS sip.example.com;branch=z9hG4bK")
    assert bye.headers.get("User-Agent") == "ringback/1"


def test_our_bye_is_repeated_over_udp_until_its_answer(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.endpoint.send_bye(dialog, peer.now)
    (bye,) = peer.take()
    assert statuses(peer.wait(1.5)) == ["BYE", "BYE"]
    peer.answer(bye, 100)
    assert statuses(peer.wait(6)) == ["BYE", "BYE"]  # once at its old time, then every T2
    peer.answer(bye, 200)
    peer.answer(bye, 200)
    assert peer.wait(30) == []
    assert len(completed(peer)) == 1


@pytest.mark.parametrize("status", [401, 408, 481, 500])
def test_dialog_is_over_whatever_our_bye_gets(peer: Any, status: int) -> None:
    dialog = peer.confirmed()
    request_id = peer.endpoint.send_bye(dialog, peer.now)
    peer.answer(peer.take()[0], status)
    assert completed(peer) == [(request_id, "BYE", status)]
    assert not peer.endpoint.has_dialog(dialog)


def test_our_bye_ends_the_dialog_when_nobody_answers(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.confirmed()
    request_id = peer.endpoint.send_bye(dialog, peer.now)
    assert statuses(peer.take()) == ["BYE"]
    assert peer.wait(31.9) == []
    peer.wait(0.1)
    assert peer.last() == RequestCompleted(
        dialog=dialog, request_id=request_id, method="BYE", status=408, response=None
    )
    assert peer.endpoint.idle


def test_our_bye_waits_for_the_ack(peer: Any) -> None:
    """RFC 3261 §15: not before the ACK."""
    dialog = peer.accepted()
    request_id = peer.endpoint.send_bye(dialog, peer.now)
    assert peer.take() == []
    assert statuses(peer.wait(0.5)) == [200]
    (bye,) = peer.ack(dialog)
    assert bye.method == "BYE"
    peer.answer(bye, 200)
    assert completed(peer) == [(request_id, "BYE", 200)]


def test_our_bye_waits_64_t1_for_a_missing_ack(peer: Any) -> None:
    dialog = peer.accepted()
    peer.endpoint.send_bye(dialog, peer.now)
    assert statuses(peer.wait(32.0)) == [200] * 10 + ["BYE"]
    assert peer.events(AckTimeout) == []
    assert peer.endpoint.has_dialog(dialog)


def test_their_bye_overtakes_our_waiting_one(peer: Any) -> None:
    dialog = peer.accepted()
    request_id = peer.endpoint.send_bye(dialog, peer.now)
    assert statuses(peer.send(peer.build("BYE", to_tag=dialog))) == [200]
    assert completed(peer) == [(request_id, "BYE", 481)]
    assert isinstance(peer.last(), ByeReceived)
    assert peer.wait(60) == []
    assert peer.endpoint.idle


def test_both_hang_up_at_once(peer: Any) -> None:
    dialog = peer.confirmed()
    request_id = peer.endpoint.send_bye(dialog, peer.now)
    (bye,) = peer.take()
    assert peer.request("BYE", to_tag=dialog).status == 200
    assert peer.events(ByeReceived) == []
    peer.answer(bye, 481)
    assert completed(peer) == [(request_id, "BYE", 481)]
    assert peer.endpoint.idle


def test_early_dialog_can_not_be_hung_up(peer: Any) -> None:
    event = peer.invite()
    with pytest.raises(WrongState, match="hang up in state Early"):
        peer.endpoint.send_bye(event.dialog, peer.now)


def test_second_bye_is_refused(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.endpoint.send_bye(dialog, peer.now)
    with pytest.raises(WrongState, match="hang up in state Ending"):
        peer.endpoint.send_bye(dialog, peer.now)


def test_unknown_dialog_can_not_be_hung_up(peer: Any) -> None:
    with pytest.raises(UsageError, match="there is no dialog nonsense"):
        peer.endpoint.send_bye("nonsense", peer.now)


def test_hanging_up_on_a_closed_connection_ends_the_dialog(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.confirmed()
    peer.endpoint.flow_closed(peer.flow, peer.now)
    assert not peer.endpoint.can_reach(dialog)
    with pytest.raises(FlowGone, match="no BYE"):
        peer.endpoint.send_bye(dialog, peer.now)
    assert peer.endpoint.idle


def test_waiting_bye_on_a_closed_connection_asks_for_another_way(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.accepted()
    peer.endpoint.send_bye(dialog, peer.now)
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.wait(33)
    assert peer.events(ByeLost) == [ByeLost(dialog=dialog)]
    with pytest.raises(FlowGone, match="no BYE"):
        peer.endpoint.send_bye(dialog, peer.now)
    assert peer.endpoint.idle


def test_bye_in_flight_goes_again_by_another_connection(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.confirmed()
    peer.endpoint.send_bye(dialog, peer.now)
    peer.endpoint.flow_closed(peer.flow, peer.now)
    (lost,) = peer.take()
    assert peer.events(ByeLost) == [ByeLost(dialog=dialog)]
    assert completed(peer) == []
    peer.flow = peer.open("tls", id=2)
    peer.endpoint.move_dialog(dialog, peer.flow)
    request_id = peer.endpoint.send_bye(dialog, peer.now)
    (again,) = peer.take()
    assert (again.method, again.via.branch != lost.via.branch) == ("BYE", True)
    peer.answer(again, 481)
    assert completed(peer) == [(request_id, "BYE", 481)]
    assert peer.endpoint.idle


def test_bye_that_is_lost_twice_has_failed(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.confirmed()
    peer.endpoint.send_bye(dialog, peer.now)
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.flow = peer.open("tls", id=2)
    peer.endpoint.move_dialog(dialog, peer.flow)
    request_id = peer.endpoint.send_bye(dialog, peer.now)
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.take()
    assert len(peer.events(ByeLost)) == 1
    assert completed(peer) == [(request_id, "BYE", 503)]
    assert peer.endpoint.idle


def test_refer_names_its_target_byte_for_byte(peer: Any) -> None:
    dialog = peer.confirmed("Record-Route: <sip:10.0.0.1;lr>")
    request_id = peer.endpoint.send_refer(dialog, "sip:agent@example.com;user=phone?X-A=b%20c", peer.now)
    (refer,) = peer.take()
    assert isinstance(refer, Request)
    assert refer.method == "REFER"
    assert refer.headers.get("Refer-To") == "<sip:agent@example.com;user=phone?X-A=b%20c>"
    assert refer.headers.get("Contact") == "<sip:OAI@192.0.2.1:5060;transport=udp>"
    assert refer.headers.get("Route") == "<sip:10.0.0.1;lr>"
    assert refer.uri_text == "sip:alice@198.51.100.9:5070"
    assert "Referred-By" not in refer.headers
    assert refer.cseq.number == 1
    peer.answer(refer, 202)
    assert completed(peer) == [(request_id, "REFER", 202)]
    peer.endpoint.send_bye(dialog, peer.now)
    assert peer.take()[0].cseq.number == 2


def test_refer_to_nonsense_is_refused(peer: Any) -> None:
    dialog = peer.confirmed()
    with pytest.raises(InvalidTarget):
        peer.endpoint.send_refer(dialog, "sip:a@b>\r\nX: y", peer.now)
    assert peer.take() == []
    assert peer.endpoint.describe()["pending_requests"] == 0


def test_refer_before_the_ack_is_refused(peer: Any) -> None:
    dialog = peer.accepted()
    with pytest.raises(WrongState, match="REFER in state Accepted"):
        peer.endpoint.send_refer(dialog, "tel:+1", peer.now)


def test_refer_on_a_closed_connection_is_refused(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.confirmed()
    peer.endpoint.flow_closed(peer.flow, peer.now)
    with pytest.raises(FlowGone, match="no REFER"):
        peer.endpoint.send_refer(dialog, "tel:+1", peer.now)
    assert peer.endpoint.has_dialog(dialog)


@pytest.mark.parametrize(
    ("status", "headers", "answer"),
    [
        (202, [], 200),
        (202, ["Refer-Sub: true"], 200),
        (202, ["Refer-Sub: False;x=y"], 481),
        (405, [], 481),
        (603, [], 481),
    ],
)
def test_notify_comes_only_for_a_refer_that_was_taken(peer: Any, status: int, headers: list[str], answer: int) -> None:
    dialog = peer.confirmed()
    peer.endpoint.send_refer(dialog, "tel:+1", peer.now)
    peer.answer(peer.take()[0], status, *headers)
    notify = peer.request("NOTIFY", "Event: refer", "Subscription-State: active", to_tag=dialog)
    assert notify.status == answer
    assert len(peer.events(NotifyReceived)) == (answer == 200)


def test_refer_that_nobody_answers_times_out(peer: Any) -> None:
    dialog = peer.confirmed()
    request_id = peer.endpoint.send_refer(dialog, "tel:+1", peer.now)
    peer.wait(32)
    assert completed(peer) == [(request_id, "REFER", 408)]
    assert peer.endpoint.has_dialog(dialog)
    assert peer.request("NOTIFY", "Event: refer", "Subscription-State: active", to_tag=dialog).status == 481


def test_refer_has_its_end_even_when_the_dialog_is_over(peer: Any) -> None:
    dialog = peer.confirmed()
    request_id = peer.endpoint.send_refer(dialog, "tel:+1", peer.now)
    (refer,) = peer.take()
    peer.request("BYE", to_tag=dialog)
    peer.answer(refer, 481)
    assert completed(peer) == [(request_id, "REFER", 481)]


def test_response_to_nothing_is_dropped(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.endpoint.send_bye(dialog, peer.now)
    (bye,) = peer.take()
    bye.headers.set("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKforged")
    peer.answer(bye, 200)
    event = peer.last()
    assert isinstance(event, MessageDropped)
    assert event.reason == "200 Whatever: no transaction of ours has this branch and method"
    assert peer.endpoint.has_dialog(dialog)


def test_failure_without_a_status_is_a_bug(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.endpoint.send_bye(dialog, peer.now)
    (transaction,) = peer.endpoint._uac._pending
    assert isinstance(transaction, ClientTransaction)
    with pytest.raises(AssertionError):
        peer.endpoint._uac.fail(transaction, peer.now)
