"""Dialogs: RFC 3261 §12 and §15."""

import diagrams
import pytest
from ringback.emulator.errors import SipError, WrongState
from ringback.emulator.sip.acceptance import Acceptance
from ringback.emulator.sip.arrival import Arrival
from ringback.emulator.sip.dialog import Dialog, DialogInput, DialogState, read_target
from ringback.emulator.sip.events import DialogId, Flow, InviteId
from ringback.emulator.sip.message import Request
from ringback.emulator.sip.offer_exchange import ExchangeInput, ExchangeState
from ringback.emulator.sip.parser import parse_datagram
from ringback.emulator.sip.timers import Timers

FLOW = Flow(id=1, transport="udp", local=("192.0.2.1", 5060), remote=("198.51.100.9", 5070))
MACHINE = diagrams.machine("SIP dialog")


def request(
    *headers: str, method: str = "INVITE", tag: str = ";tag=alice", contact: str = "<sip:alice@198.51.100.9:5070;ob>"
) -> Request:
    lines = [
        f"{method} sip:proj_1@192.0.2.1 SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.9:5070;branch=z9hG4bK1",
        f"From: Alice <sip:alice@example.com>{tag}",
        "To: <sip:proj_1@192.0.2.1;user=phone>",
        "Call-ID: c",
        f"CSeq: 7 {method}",
        *([f"Contact: {contact}"] if contact else []),
        *headers,
        "Content-Length: 0",
    ]
    message = parse_datagram("\r\n".join(lines).encode() + b"\r\n\r\n")
    assert isinstance(message, Request)
    return message


def dialog(*headers: str, **options: str) -> Dialog:
    return Dialog(DialogId("ours"), Arrival(FLOW, request(*headers, **options)))


TO: dict[DialogState, list[DialogInput]] = {
    DialogState.EARLY: [],
    DialogState.ACCEPTED: [DialogInput.SUCCESS_SENT],
    DialogState.LEAVING: [DialogInput.SUCCESS_SENT, DialogInput.BYE_WANTED],
    DialogState.CONFIRMED: [DialogInput.SUCCESS_SENT, DialogInput.ACK],
    DialogState.ENDING: [DialogInput.SUCCESS_SENT, DialogInput.ACK, DialogInput.BYE_WANTED],
    DialogState.TERMINATED: [DialogInput.FAILURE_SENT],
}


@pytest.mark.parametrize("given", DialogInput, ids=lambda given: given.name)
@pytest.mark.parametrize("state", DialogState, ids=lambda state: state.name)
def test_dialog_follows_the_table_or_refuses(state: DialogState, given: DialogInput) -> None:
    each = dialog()
    for step in TO[state]:
        each.step(step)
    assert each.state is state
    to = MACHINE.rows.get((state, given))
    if to is None:
        with pytest.raises(WrongState, match=f"in state {state.value}: the dialog ours has"):
            each.step(given)
        assert each.state is state
    else:
        assert each.step(given) is to


def test_every_state_of_a_dialog_is_reachable() -> None:
    assert diagrams.unreachable_states(MACHINE) == []


def test_every_row_of_a_dialog_names_its_clause() -> None:
    assert diagrams.undocumented_rows(MACHINE) == []


def test_docs_show_the_dialog_as_it_is() -> None:
    assert diagrams.diagram(MACHINE) in diagrams.PAGE.read_text(encoding="utf-8")


def test_invite_without_contact_makes_no_dialog() -> None:
    with pytest.raises(SipError, match="INVITE without Contact") as error:
        dialog(contact="")
    assert error.value.status == 400


def test_invite_of_rfc_2543_needs_no_contact() -> None:
    data = (
        b"INVITE sip:proj_1@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP old.example.net\r\nFrom: <sip:alice@example.com>\r\n"
        b"To: sip:proj_1@192.0.2.1\r\nCall-ID: old\r\nCSeq: 1 INVITE\r\n\r\n"
    )
    request = parse_datagram(data)
    assert isinstance(request, Request)
    each = Dialog(DialogId("us"), Arrival(FLOW, request))
    assert each.remote_target == "sip:alice@example.com"
    assert each.remote_tag is None


def test_request_goes_to_the_contact_without_a_route() -> None:
    each = dialog()
    made = each.build_request("BYE", via="SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK9", headers=[("X", "y")])
    assert made.to_bytes().decode().split("\r\n") == [
        "BYE sip:alice@198.51.100.9:5070;ob SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK9",
        "Max-Forwards: 70",
        "From: <sip:proj_1@192.0.2.1;user=phone>;tag=ours",
        "To: Alice <sip:alice@example.com>;tag=alice",
        "Call-ID: c",
        "CSeq: 1 BYE",
        "X: y",
        "Content-Length: 0",
        "",
        "",
    ]
    assert each.next_hop == "sip:alice@198.51.100.9:5070;ob"
    assert each.build_request("BYE", via="v", headers=[]).cseq.number == 2


def test_request_carries_the_route_set_in_order_to_loose_routers() -> None:
    """RFC 3261 12.1.1 and 12.2.1.1; Kamailio records itself twice where it changes the transport."""
    each = dialog(
        "Record-Route: <sip:10.0.0.1;transport=tls;lr=on>, <sip:10.0.0.1;r2=on;lr>",
        "Record-Route: <sip:10.0.0.2;lr>;x=1",
    )
    made = each.build_request("REFER", via="v", headers=[])
    assert made.uri_text == "sip:alice@198.51.100.9:5070;ob"
    assert made.headers.get_all("Route") == [
        "<sip:10.0.0.1;transport=tls;lr=on>",
        "<sip:10.0.0.1;r2=on;lr>",
        "<sip:10.0.0.2;lr>;x=1",
    ]
    assert each.next_hop == "sip:10.0.0.1;transport=tls;lr=on"


def test_request_is_addressed_to_a_strict_router_itself() -> None:
    """RFC 3261 12.2.1.1, second case."""
    each = dialog("Record-Route: <sip:strict.example.com>", "Record-Route: <sip:10.0.0.2;lr>")
    made = each.build_request("BYE", via="v", headers=[])
    assert made.uri_text == "sip:strict.example.com"
    assert made.headers.get_all("Route") == ["<sip:10.0.0.2;lr>", "<sip:alice@198.51.100.9:5070;ob>"]


def test_unreadable_route_makes_no_dialog() -> None:
    with pytest.raises(SipError):
        dialog("Record-Route: <nonsense>")


def test_sequence_never_goes_back() -> None:
    each = dialog()
    assert each.take_sequence(7)
    assert each.take_sequence(9)
    assert not each.take_sequence(8)
    assert each.sequence == 9


def test_target_is_the_contact_as_it_is_written() -> None:
    assert read_target(request(contact="Alice <SIP:alice@203.0.113.7;Ob>;expires=1")) == "SIP:alice@203.0.113.7;Ob"
    assert read_target(request(contact="")) is None
    with pytest.raises(SipError):
        read_target(request(contact="<sip:>"))


@pytest.mark.parametrize(("tag", "is_of"), [(";tag=alice", True), (";tag=eve", False), ("", False)])
def test_dialog_knows_its_peer_by_the_tag(tag: str, is_of: bool) -> None:
    assert dialog().is_of(Arrival(FLOW, request(tag=tag))) is is_of


def test_peer_of_rfc_2543_has_no_tag() -> None:
    each = dialog(tag="")
    assert each.is_of(Arrival(FLOW, request(tag="")))
    assert each.build_request("BYE", via="v", headers=[]).to.tag is None


def acceptance(each: Dialog, cseq: int, *, has_offer: bool = False) -> Acceptance:
    return Acceptance(
        dialog=each.id, invite=InviteId(cseq), cseq=cseq, has_offer=has_offer, data=b"", timers=Timers(), now=0.0
    )


@pytest.mark.parametrize(("number", "has_answer"), [(1, True), (1, False), (2, True)])
def test_ack_ends_the_exchange_that_our_2xx_began(number: int, has_answer: bool) -> None:
    each = dialog()
    each.acceptances[1] = acceptance(each, 1, has_offer=True)
    each.acceptances[2] = acceptance(each, 2)
    each.exchange.step(ExchangeInput.OFFER_SENT)
    each.acknowledge(number, has_answer=has_answer)
    assert each.exchange.state is ExchangeState.STABLE


def test_ack_stops_every_earlier_2xx_too() -> None:
    each = dialog()
    for cseq in (1, 2, 3):
        each.acceptances[cseq] = acceptance(each, cseq)
    stopped = each.acceptances[1]
    assert each.acknowledge(2, has_answer=True) == 2
    assert list(each.acceptances) == [3]
    assert stopped.next_deadline() is None
