"""The live dialogs of an endpoint."""

from typing import Any

import pytest
from ringback.emulator.sip import dialogs as dialogs_module
from ringback.emulator.sip.acceptance import Acceptance
from ringback.emulator.sip.arrival import Arrival
from ringback.emulator.sip.dialog import Dialog, DialogInput
from ringback.emulator.sip.dialogs import Dialogs
from ringback.emulator.sip.events import DialogId, Flow, InviteId
from ringback.emulator.sip.message import Request
from ringback.emulator.sip.parser import parse_datagram
from ringback.emulator.sip.timers import Timers
from ringback.emulator.sip.wire import Wire

UDP = Flow(id=1, transport="udp", local=("192.0.2.1", 5060), remote=("198.51.100.9", 5070))
TLS = Flow(id=2, transport="tls", local=("192.0.2.1", 5061), remote=("198.51.100.9", 40000))
OTHER = Flow(id=3, transport="tls", local=("192.0.2.1", 5061), remote=("198.51.100.9", 40001))


def arrival(flow: Flow, *, to_tag: str = "", from_tag: str = "alice", call_id: str = "c") -> Arrival:
    message = parse_datagram(
        "INVITE sip:proj_1@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TLS 198.51.100.9;branch=z9hG4bK1\r\n"
        f"From: <sip:alice@example.com>;tag={from_tag}\r\nTo: <sip:proj_1@192.0.2.1>{to_tag}\r\nCall-ID: {call_id}\r\n"
        "CSeq: 1 INVITE\r\nContact: <sip:alice@198.51.100.9>\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert isinstance(message, Request)
    return Arrival(flow, message)


def dialog(flow: Flow) -> Dialog:
    return Dialog(DialogId("ours"), arrival(flow))


def test_dialog_is_found_by_call_id_and_both_tags() -> None:
    dialogs = Dialogs(wire=Wire(message_limit=100), limit=10)
    each = dialog(UDP)
    dialogs.add(each)
    assert dialogs.get(each.id) is each
    assert dialogs.find(arrival(UDP, to_tag=";tag=ours")) is each
    assert dialogs.find(arrival(UDP)) is None
    assert dialogs.find(arrival(UDP, to_tag=";tag=theirs")) is None
    assert dialogs.find(arrival(UDP, to_tag=";tag=ours", from_tag="eve")) is None
    assert dialogs.find(arrival(UDP, to_tag=";tag=ours", call_id="d")) is None


def test_dialogs_are_full_at_their_limit() -> None:
    dialogs = Dialogs(wire=Wire(message_limit=100), limit=1)
    assert not dialogs.is_full
    dialogs.add(dialog(UDP))
    assert dialogs.is_full
    assert len(dialogs) == 1


@pytest.mark.parametrize("flow", [UDP, TLS], ids=["udp", "tls"])
def test_dialog_that_is_over_repeats_nothing(flow: Flow) -> None:
    wire = Wire(message_limit=100)
    wire.open(flow)
    dialogs = Dialogs(wire=wire, limit=10)
    each = dialog(flow)
    dialogs.add(each)
    acceptance = Acceptance(
        dialog=each.id, invite=InviteId(1), cseq=1, has_offer=False, data=b"", timers=Timers(), now=0.0
    )
    each.acceptances[1] = acceptance
    each.step(DialogInput.SUCCESS_SENT)
    each.step(DialogInput.BYE)
    dialogs.drop(each)
    assert dialogs.get(each.id) is None
    assert acceptance.next_deadline() is None
    stream = wire.stream(TLS)
    assert stream is None or not stream.dialogs


def test_dialog_belongs_to_the_stream_it_moved_to() -> None:
    wire = Wire(message_limit=100)
    wire.open(TLS)
    wire.open(OTHER)
    dialogs = Dialogs(wire=wire, limit=10)
    each = dialog(TLS)
    dialogs.add(each)
    old, new = wire.stream(TLS), wire.stream(OTHER)
    assert old is not None
    assert new is not None
    assert old.dialogs == {each.id}
    dialogs.move(each, TLS, None)
    assert old.dialogs == {each.id}
    dialogs.move(each, OTHER, None)
    assert (old.dialogs, new.dialogs) == (set(), {each.id})
    dialogs.move(each, UDP, ("198.51.100.9", 5060))
    assert new.dialogs == set()
    assert (each.flow, each.destination) == (UDP, ("198.51.100.9", 5060))
    dialogs.move(each, OTHER, None)
    assert new.dialogs == {each.id}


def test_subscriptions_that_never_end_are_bounded(peer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogs_module, "SUBSCRIPTION_LIMIT", 1)
    ended = []
    for number in range(2):
        peer.call_id = f"call-{number}"
        dialog = peer.confirmed()
        peer.endpoint.send_refer(dialog, "tel:+14155550100", peer.now)
        peer.answer(peer.take()[0], 202)
        peer.request("BYE", to_tag=dialog)
        ended.append(dialog)
    headers = ("Event: refer", "Subscription-State: active")
    assert peer.request("NOTIFY", *headers, to_tag=ended[1]).status == 200
    peer.call_id = "call-0"
    assert peer.request("NOTIFY", *headers, to_tag=ended[0]).status == 481
