"""Server transactions: RFC 3261 17.2 with RFC 6026 7.1."""

from collections.abc import Callable

import diagrams
import pytest
from ringback.emulator.sip.arrival import Arrival
from ringback.emulator.sip.events import Flow
from ringback.emulator.sip.message import Request
from ringback.emulator.sip.server_transaction import InviteServerTransaction, ServerTransaction
from ringback.emulator.sip.timers import Timers
from ringback.emulator.sip.transaction import (
    InviteServerInput,
    InviteServerState,
    ServerInput,
    ServerState,
)

UDP = Flow(id=1, transport="udp", local=("127.0.0.1", 5060), remote=("127.0.0.1", 5070))
TLS = Flow(id=2, transport="tls", local=("127.0.0.1", 5061), remote=("127.0.0.1", 40000))


def arrival(flow: Flow, method: str) -> Arrival:
    headers = [
        ("Via", "SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1"),
        ("From", "<sip:alice@example.com>;tag=alice"),
        ("To", "<sip:proj_1@127.0.0.1>"),
        ("Call-ID", "c"),
        ("CSeq", f"1 {method}"),
    ]
    return Arrival(flow, Request(method=method, uri="sip:proj_1@127.0.0.1", headers=headers))


def invite(flow: Flow = UDP) -> InviteServerTransaction:
    return InviteServerTransaction(arrival(flow, "INVITE"), timers=Timers())


def plain(flow: Flow = UDP) -> ServerTransaction:
    return ServerTransaction(arrival(flow, "OPTIONS"), timers=Timers())


def in_proceeding(flow: Flow = UDP) -> InviteServerTransaction:
    transaction = invite(flow)
    transaction.send_response(180, b"180", 0.0)
    return transaction


def in_completed(flow: Flow = UDP) -> InviteServerTransaction:
    transaction = invite(flow)
    transaction.send_response(486, b"486", 0.0)
    return transaction


def in_confirmed() -> InviteServerTransaction:
    transaction = in_completed()
    transaction.receive_ack(0.1)
    return transaction


def in_accepted() -> InviteServerTransaction:
    transaction = invite()
    transaction.send_response(200, b"200", 0.0)
    return transaction


def ended() -> InviteServerTransaction:
    transaction = invite()
    transaction.lose_transport()
    return transaction


INVITE_IN: dict[InviteServerState, Callable[[], InviteServerTransaction]] = {
    InviteServerState.PROCEEDING: in_proceeding,
    InviteServerState.COMPLETED: in_completed,
    InviteServerState.CONFIRMED: in_confirmed,
    InviteServerState.ACCEPTED: in_accepted,
    InviteServerState.TERMINATED: ended,
}
INVITE_INPUTS: dict[InviteServerInput, Callable[[InviteServerTransaction], object]] = {
    InviteServerInput.REQUEST: lambda each: each.receive_request(),
    InviteServerInput.ACK: lambda each: each.receive_ack(1.0),
    InviteServerInput.SEND_PROVISIONAL: lambda each: each.send_response(183, b"183", 1.0),
    InviteServerInput.SEND_SUCCESS: lambda each: each.send_response(200, b"200", 1.0),
    InviteServerInput.SEND_FAILURE: lambda each: each.send_response(603, b"603", 1.0),
    InviteServerInput.TRANSPORT_ERROR: lambda each: each.lose_transport(),
}


def plain_in(state: ServerState) -> ServerTransaction:
    transaction = plain()
    if state is ServerState.PROCEEDING:
        transaction.send_response(100, b"100", 0.0)
    elif state is ServerState.COMPLETED:
        transaction.send_response(200, b"200", 0.0)
    elif state is ServerState.TERMINATED:
        transaction.lose_transport()
    return transaction


PLAIN_INPUTS: dict[ServerInput, Callable[[ServerTransaction], object]] = {
    ServerInput.REQUEST: lambda each: each.receive_request(),
    ServerInput.SEND_PROVISIONAL: lambda each: each.send_response(100, b"100", 1.0),
    ServerInput.SEND_FINAL: lambda each: each.send_response(200, b"200", 1.0),
    ServerInput.TRANSPORT_ERROR: lambda each: each.lose_transport(),
}


@pytest.mark.parametrize("given", InviteServerInput, ids=lambda given: given.name)
@pytest.mark.parametrize("state", INVITE_IN, ids=lambda state: state.name)
def test_invite_transaction_follows_the_table_or_refuses(state: InviteServerState, given: InviteServerInput) -> None:
    transaction = INVITE_IN[state]()
    assert transaction.state is state
    assert diagrams.follows("INVITE server transaction", transaction, given, INVITE_INPUTS)


@pytest.mark.parametrize("given", ServerInput, ids=lambda given: given.name)
@pytest.mark.parametrize("state", ServerState, ids=lambda state: state.name)
def test_server_transaction_follows_the_table_or_refuses(state: ServerState, given: ServerInput) -> None:
    transaction = plain_in(state)
    assert transaction.state is state
    assert diagrams.follows("Non-INVITE server transaction", transaction, given, PLAIN_INPUTS)


def test_invite_transaction_repeats_the_last_provisional_response() -> None:
    transaction = invite()
    assert transaction.receive_request() is None
    assert transaction.send_response(100, b"100", 0.0) == b"100"
    assert transaction.receive_request() == b"100"
    transaction.send_response(180, b"180", 0.1)
    assert transaction.receive_request() == b"180"
    assert transaction.next_deadline() is None


def test_invite_transaction_repeats_a_failure_until_the_ack_over_udp() -> None:
    """Timer G: T1, then doubling up to T2."""
    transaction = in_completed()
    sent = []
    while (now := transaction.next_deadline()) is not None and now < 16.0:
        sent.append((now, transaction.handle_timer(now)))
    assert sent == [(at, b"486") for at in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5)]
    assert not transaction.receive_ack(16.0)
    assert transaction.state is InviteServerState.CONFIRMED
    assert transaction.next_deadline() == 16.0 + 5.0  # timer I
    assert transaction.receive_request() is None
    transaction.handle_timer(21.0)
    assert transaction.is_terminated
    assert transaction.next_deadline() is None


def test_invite_transaction_gives_up_waiting_for_the_ack_after_timer_h() -> None:
    transaction = in_completed()
    transaction.handle_timer(32.0)
    assert transaction.is_terminated


def test_invite_transaction_does_not_repeat_a_failure_over_a_reliable_transport() -> None:
    transaction = in_completed(TLS)
    assert transaction.next_deadline() == 32.0
    assert transaction.receive_request() == b"486"
    assert not transaction.receive_ack(0.1)
    assert transaction.is_terminated  # timer I is 0


@pytest.mark.parametrize("flow", [UDP, TLS], ids=["udp", "tls"])
def test_invite_transaction_stays_accepted_for_timer_l(flow: Flow) -> None:
    transaction = invite(flow)
    transaction.send_response(200, b"200", 0.0)
    assert transaction.receive_request() is None
    assert transaction.receive_ack(0.5)
    assert transaction.send_response(200, b"200", 1.0) == b"200"
    assert transaction.next_deadline() == 32.0
    transaction.handle_timer(32.0)
    assert transaction.is_terminated


def test_invite_transaction_ignores_a_timer_that_is_not_due() -> None:
    transaction = in_completed()
    assert transaction.handle_timer(0.4) is None
    accepted = in_accepted()
    assert accepted.handle_timer(1.0) is None
    assert accepted.state is InviteServerState.ACCEPTED
    assert in_proceeding().handle_timer(100.0) is None


def test_server_transaction_repeats_its_final_response_for_timer_j() -> None:
    transaction = plain()
    assert transaction.receive_request() is None
    assert transaction.handle_timer(5.0) is None
    assert transaction.send_response(200, b"200", 0.0) == b"200"
    assert transaction.receive_request() == b"200"
    assert transaction.send_response(500, b"500", 0.1) is None
    assert transaction.receive_request() == b"200"
    transaction.handle_timer(31.9)
    assert transaction.state is ServerState.COMPLETED
    assert transaction.next_deadline() == 32.0
    transaction.handle_timer(32.0)
    assert transaction.is_terminated
    assert transaction.next_deadline() is None


def test_server_transaction_repeats_a_provisional_response() -> None:
    transaction = plain()
    assert transaction.send_response(100, b"100", 0.0) == b"100"
    assert transaction.receive_request() == b"100"


def test_server_transaction_ends_at_once_over_a_reliable_transport() -> None:
    transaction = plain(TLS)
    assert transaction.send_response(200, b"200", 0.0) == b"200"
    assert transaction.is_terminated
