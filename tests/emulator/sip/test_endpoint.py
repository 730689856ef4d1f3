"""The endpoint as a whole: bytes in, bytes out; streams, datagrams, garbage, closed connections."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ringback.emulator.errors import FlowGone, UsageError
from ringback.emulator.sip.events import (
    AckReceived,
    ByeLost,
    ByeReceived,
    Flow,
    FlowFailed,
    InviteId,
    InviteReceived,
    MessageDropped,
    MessageReceived,
    MessageSent,
    RequestCompleted,
)
from ringback.emulator.sip.message import Response
from ringback.emulator.sip.way import Way

SDP = b"v=0\r\n"
IDLE = {
    "dialogs": 0,
    "undecided_invites": 0,
    "pending_requests": 0,
    "server_transactions": 0,
    "client_transactions": 0,
    "streams": 0,
}


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_whole_call_leaves_nothing_behind(make_peer: Callable[..., Any], transport: str) -> None:
    peer = make_peer(transport)
    event = peer.invite()
    peer.endpoint.respond(event.invite, 180, now=peer.now)
    peer.endpoint.respond(event.invite, 200, body=SDP, content_type="application/sdp", now=peer.now)
    peer.take()
    peer.ack(event.dialog)
    assert peer.request("BYE", to_tag=event.dialog).status == 200
    assert [type(each) for each in peer.told] == [InviteReceived, AckReceived, ByeReceived]
    assert [each.message.summary for each in peer.journal] == [
        "INVITE sip:proj_1@192.0.2.1",
        "100 Trying",
        "180 Ringing",
        "200 OK",
        "ACK sip:proj_1@192.0.2.1",
        "BYE sip:proj_1@192.0.2.1",
        "200 OK",
    ]
    assert [isinstance(each, MessageReceived) for each in peer.journal] == [
        True,
        False,
        False,
        False,
        True,
        True,
        False,
    ]
    peer.wait(64)
    peer.endpoint.flow_closed(peer.flow, peer.now)
    assert peer.endpoint.describe() == IDLE
    assert peer.endpoint.next_deadline() is None
    assert peer.endpoint.next_event() is None
    assert peer.endpoint.data_to_send() == []


# Streams


def test_stream_may_be_cut_anywhere(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tcp")
    data = peer.build("OPTIONS") + peer.build("OPTIONS")
    sent = []
    for place in range(len(data)):
        sent += peer.send(data[place : place + 1])
    assert [each.status for each in sent] == [200, 200]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_journal_has_the_bytes_of_each_message(make_peer: Callable[..., Any], transport: str) -> None:
    peer = make_peer(transport)
    data = peer.build("OPTIONS")
    peer.send(data)
    received, sent = peer.journal
    assert (received.data, sent.data) == (data, peer.transmissions[0].data)


def test_keep_alive_is_answered_on_streams(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    peer.send(b"\r\n\r\n\r\n\r\n")
    assert [each.data for each in peer.transmissions] == [b"\r\n\r\n"]  # one CRLF each


def test_keep_alive_is_not_answered_over_udp(peer: Any) -> None:
    peer.send(b"\r\n\r\n")
    peer.send(b"\x00\x00\x00\x00")
    assert peer.transmissions == []
    assert peer.told == []


def test_malformed_request_is_answered_and_the_stream_goes_on(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    bad = peer.build("OPTIONS").replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE")
    refused, ok = peer.send(bad + peer.build("OPTIONS"))
    assert (refused.status, ok.status) == (400, 200)
    dropped = peer.told[0]
    assert isinstance(dropped, MessageDropped)
    assert "CSeq" in dropped.reason
    assert not any(each.close_after for each in peer.transmissions)


def test_stream_without_framing_is_answered_and_closed(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    bad = peer.build("OPTIONS").replace(b"Content-Length: 0", b"Content-Length: many")
    (refused,) = peer.send(bad)
    assert refused.status == 400
    assert [each.close_after for each in peer.transmissions] == [False, True]
    assert peer.send(peer.build("OPTIONS")) == []


def test_stream_of_garbage_is_closed_without_an_answer(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    peer.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64))
    assert [(each.data, each.close_after) for each in peer.transmissions] == [(b"", True)]
    assert isinstance(peer.last(), MessageDropped)


def test_giant_header_is_refused(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    data = peer.build("OPTIONS", "X: " + "y" * 1024 * 1024)
    for place in range(0, len(data), 65536):
        peer.endpoint.receive_data(peer.flow, data[place : place + 65536], peer.now)
    (refused,) = peer.take()
    assert refused.status == 513
    assert peer.transmissions[-1].close_after


def test_bytes_of_a_stream_that_is_not_open_are_misuse(peer: Any) -> None:
    flow = Flow(id=9, transport="tcp", local=("192.0.2.1", 5060), remote=("198.51.100.9", 40000))
    with pytest.raises(UsageError, match="flow 9, which is not open"):
        peer.endpoint.receive_data(flow, b"x", peer.now)


# Datagrams


def test_garbage_datagram_is_dropped(peer: Any) -> None:
    peer.send(b"\x80\x00garbage")
    assert peer.transmissions == []
    event = peer.last()
    assert isinstance(event, MessageDropped)
    assert event.data == b"\x80\x00garbage"


def test_giant_datagram_is_refused(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("udp", message_limit=600)
    assert peer.request("OPTIONS", "X: " + "y" * 600).status == 513


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"CSeq: 1 OPTIONS", b"CSeq: one OPTIONS", 400),
        (b"From: Alice <sip:alice@example.com>", b"From: <<>>", 400),
        (b"To: <sip:proj_1@192.0.2.1>", b"To: <<>>", 400),
        (b"Call-ID: call-1\r\n", b"", 400),
        (b"Via: SIP/2.0/UDP 198.51.100.9:5070", b"Via: nonsense", 400),
        (b" SIP/2.0\r\nVia", b" SIP/3.0\r\nVia", 505),
    ],
    ids=["cseq", "from", "to", "call-id", "via", "version"],
)
def test_malformed_request_is_answered(peer: Any, old: bytes, new: bytes, status: int) -> None:
    data = peer.build("OPTIONS")
    assert old in data
    peer.endpoint.receive_data(peer.flow, data.replace(old, new, 1), peer.now)
    (transmission,) = peer.endpoint.data_to_send()
    assert transmission.data.startswith(f"SIP/2.0 {status} ".encode())
    assert peer.endpoint.describe()["server_transactions"] == 0


@pytest.mark.parametrize("method", ["ACK", "OPTIONS"])
def test_malformed_request_without_a_way_back_is_dropped(peer: Any, method: str) -> None:
    data = (
        peer.build(method).replace(b"Via:", b"X-Via:" if method != "ACK" else b"Via:").replace(b"CSeq: 1", b"CSeq: x")
    )
    assert peer.send(data) == []
    assert isinstance(peer.last(), MessageDropped)


def test_malformed_response_is_dropped(peer: Any) -> None:
    peer.send(b"SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n")
    assert peer.transmissions == []
    assert isinstance(peer.last(), MessageDropped)


def test_what_shows_late_to_be_malformed_is_answered_too(peer: Any) -> None:
    """The parser reads what every message needs; a Record-Route is read when a dialog is made of it."""
    assert peer.request("INVITE", "Record-Route: <nonsense>", body=SDP).status == 400
    assert peer.ack("unknown", branch="z9hG4bK1") == []
    assert peer.endpoint.idle


# Closed connections


def test_closed_connection_loses_its_undecided_invite(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    event = peer.invite()
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.take()
    assert peer.last() == FlowFailed(flow=peer.flow, dialogs=(), invites=(event.invite,))
    assert not peer.endpoint.has_dialog(event.dialog)
    assert peer.endpoint.describe() == IDLE


def test_closed_connection_loses_a_reinvite_but_not_its_dialog(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.confirmed()
    peer.send(peer.build("INVITE", to_tag=dialog))
    reinvite = peer.last()
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.take()
    assert peer.last() == FlowFailed(flow=peer.flow, dialogs=(dialog,), invites=(reinvite.invite,))
    assert peer.endpoint.has_dialog(dialog)


def test_closed_connection_without_a_call_is_not_told(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    peer.request("OPTIONS")
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.take()
    assert peer.told == []


def test_caller_comes_back_on_another_connection(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.confirmed()
    peer.endpoint.flow_closed(peer.flow, peer.now)
    again = peer.open("tls", port=40001, id=2)
    assert peer.request("INFO", to_tag=dialog, flow=again).status == 200
    assert peer.endpoint.can_reach(dialog)
    peer.endpoint.send_bye(dialog, peer.now)
    assert peer.take()[0].method == "BYE"
    assert peer.transmissions[0].flow is again


def test_dialog_is_moved_to_a_connection_of_ours(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.confirmed("Record-Route: <sip:10.0.0.1:5061;transport=tls;lr>")
    peer.endpoint.flow_closed(peer.flow, peer.now)
    assert peer.endpoint.next_hop(dialog) == "sip:10.0.0.1:5061;transport=tls;lr"
    assert peer.endpoint.way_to(dialog) == Way(transport="tls", host="10.0.0.1", port=5061)
    again = peer.open("tls", port=5061, id=2)
    assert not peer.endpoint.has_dialogs(again)
    assert not peer.endpoint.has_dialogs(peer.flow)
    peer.endpoint.move_dialog(dialog, again)
    assert peer.endpoint.has_dialogs(again)
    peer.endpoint.send_bye(dialog, peer.now)
    peer.take()
    assert peer.transmissions[0].flow is again


def test_ack_may_come_on_another_connection(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.accepted()
    peer.endpoint.flow_closed(peer.flow, peer.now)
    assert peer.wait(1) == []
    again = peer.open("tls", port=40001, id=2)
    peer.send(peer.build("ACK", to_tag=dialog, cseq=peer.cseq), flow=again)
    assert peer.last() == AckReceived(dialog=dialog, invite=InviteId(1), body=b"")
    assert peer.endpoint.can_reach(dialog)


# Torture: RFC 4475 and RFC 5118. None leaves a dialog or raises; the meaningful ones have their expected answer.

EXPECTED = {
    "badinv01": 400,
    "badvers": 505,
    "bext01": 420,
    "insuf": 400,
    "invut": 415,
    "mcl01": 400,
    "multi01": 400,
    "scalar02": 400,
    "unkscm": 416,
    "novelsc": 416,
    "zeromf": 200,
    "regbadct": 400,
    "intmeth": 501,
    "mismatch01": 400,
}


def test_torture_messages_do_no_harm(make_peer: Callable[..., Any], shared: Path) -> None:
    corpus = sorted(path for path in (shared / "sip-corpus").glob("rfc*/*") if path.is_file())
    assert len(corpus) > 50
    for path in corpus:
        peer = make_peer("udp")
        peer.endpoint.receive_data(peer.flow, path.read_bytes(), peer.now)
        statuses = [int(each.data[8:11]) for each in peer.endpoint.data_to_send()]
        if path.stem in EXPECTED:
            assert statuses == [EXPECTED[path.stem]], path.stem
        peer.take()
        for event in peer.events(InviteReceived):
            peer.endpoint.respond(event.invite, 603, now=peer.now)
        peer.wait(100)
        assert peer.endpoint.describe() == IDLE, path.stem


def hang_up_again(peer: Any) -> None:
    """As who uses the endpoint does where a BYE was lost: by the connection that is open now."""
    for lost in [event for event in peer.told if isinstance(event, ByeLost)]:
        peer.told.remove(lost)
        if peer.endpoint.has_dialog(lost.dialog):
            peer.endpoint.move_dialog(lost.dialog, peer.flow)
            peer.endpoint.send_bye(lost.dialog, peer.now)


@pytest.mark.parametrize("transport", ["udp", "tls"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 10), st.floats(0, 20)), max_size=25))
def test_any_order_of_events_ends_in_silence(
    make_peer: Callable[..., Any], transport: str, steps: list[tuple[int, float]]
) -> None:
    """Whatever caller, application and network do, in whatever order: no exception but a typed one, and nothing is
    left."""
    peer = make_peer(transport)
    invites: list[InviteReceived] = []
    for step, pause in steps:
        dialog = invites[-1].dialog if invites else "none"
        try:
            if step == 0:
                peer.call_id = f"call-{len(invites)}"
                invites.append(peer.invite())
            elif step == 1:
                peer.ack(dialog)
            elif step == 2:
                peer.send(peer.build("BYE", to_tag=dialog))
            elif step == 3:
                peer.send(peer.build("INVITE", to_tag=dialog, branch=f"z9hG4bKre{len(peer.sent)}"))
            elif step == 4:
                peer.send(peer.build("CANCEL", branch=f"z9hG4bK{peer.branches}", cseq=peer.cseq))
            elif step == 5:
                peer.endpoint.respond(getattr(peer.last(), "invite", 0) if peer.told else 0, 200, now=peer.now)
            elif step == 6:
                peer.endpoint.respond(invites[-1].invite if invites else 0, 486, now=peer.now)
            elif step == 7:
                peer.endpoint.send_bye(dialog, peer.now)
            elif step == 8:
                peer.endpoint.send_refer(dialog, "tel:+1", peer.now)
            elif step == 9:
                peer.endpoint.flow_closed(peer.flow, peer.now)
                peer.flow = peer.open(transport, id=peer.flow.id + 1)
            else:
                for request in [each for each in peer.sent if not isinstance(each, Response)]:
                    peer.answer(request, 200)
        except (UsageError, FlowGone):
            pass
        peer.take()
        peer.wait(pause)
        hang_up_again(peer)
    for each in [*invites, *peer.told]:
        if hasattr(each, "invite"):
            with contextlib.suppress(UsageError, FlowGone):
                peer.endpoint.respond(each.invite, 486, now=peer.now)
    peer.wait(70)
    hang_up_again(peer)
    for each in invites:
        if peer.endpoint.has_dialog(each.dialog):
            peer.endpoint.move_dialog(each.dialog, peer.flow)
            with contextlib.suppress(UsageError):  # its BYE is on its way
                peer.endpoint.send_bye(each.dialog, peer.now)
    peer.wait(200)
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.take()
    assert peer.endpoint.describe() == {**IDLE}
    assert peer.endpoint.next_deadline() is None
    completed = [each.request_id for each in peer.events(RequestCompleted)]
    assert len(completed) == len(set(completed))
    assert all(isinstance(each, MessageReceived | MessageSent) for each in peer.journal)


def test_endpoint_asks_for_time_and_hangs_up_and_transfers(peer: Any) -> None:
    dialog = peer.confirmed()
    peer.endpoint.send_refer(dialog, "tel:+1", peer.now)
    peer.endpoint.send_bye(dialog, peer.now)
    assert peer.endpoint.next_deadline() == peer.now + 0.5
    assert [each.method for each in peer.take()] == ["REFER", "BYE"]
    assert {*(each.method for each in peer.wait(40))} == {"REFER", "BYE"}
    assert [each.status for each in peer.events(RequestCompleted)] == [408, 408]
    assert peer.endpoint.idle
    with pytest.raises(UsageError, match="there is no dialog"):
        peer.endpoint.send_bye(dialog, peer.now)


def test_closed_connection_fails_our_requests_on_it(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tls")
    dialog = peer.confirmed()
    peer.endpoint.send_refer(dialog, "tel:+1", peer.now)
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.take()
    assert [each.status for each in peer.events(RequestCompleted)] == [503]
    assert peer.last() == FlowFailed(flow=peer.flow, dialogs=(dialog,), invites=())


def test_connection_ends_when_a_message_takes_too_long(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tcp", message_timeout=5.0)
    data = peer.build("OPTIONS")
    assert peer.send(data[:20]) == []
    assert peer.wait(4.9) == []
    assert [response.status for response in peer.send(data[20:] + data[:20])] == [200]
    peer.wait(4.9)
    assert not peer.events(MessageDropped)
    peer.wait(0.2)
    (dropped,) = peer.events(MessageDropped)
    assert dropped.reason == "a message not complete after 5 s"
    assert [(each.data, each.close_after) for each in peer.transmissions] == [(b"", True)]


def test_connection_stays_when_every_message_was_complete_in_time(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("tcp", message_timeout=5.0)
    data = peer.build("OPTIONS")
    peer.send(data[:20])
    peer.send(data[20:] + b"\r\n")
    peer.send(b"\r\n")
    broken = peer.build("OPTIONS").replace(b"OPTIONS sip", b"OPTIONS <sip", 1)
    peer.send(broken[:9])
    peer.send(broken[9:])
    peer.send(data[:9])
    peer.endpoint.flow_closed(peer.flow, peer.now)
    peer.wait(100.0)
    assert [each.reason for each in peer.events(MessageDropped)] == ["'<sip:proj_1@192.0.2.1' is not a URI"]
    assert peer.endpoint.describe() == IDLE


def test_message_with_too_many_fields_gets_513(make_peer: Callable[..., Any]) -> None:
    peer = make_peer("udp", field_limit=20)
    assert peer.request("OPTIONS", *["X-Y: z"] * 20).status == 513
