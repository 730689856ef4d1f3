"""Client transactions: RFC 3261 17.1 with RFC 6026 7.2."""

from collections.abc import Callable

import diagrams
import pytest
from ringback.emulator.sip.client_transaction import ClientTransaction, InviteClientTransaction, acknowledge
from ringback.emulator.sip.events import Flow
from ringback.emulator.sip.message import Request, Response
from ringback.emulator.sip.parser import parse_datagram
from ringback.emulator.sip.timers import Timers
from ringback.emulator.sip.transaction import ClientInput, ClientState, InviteClientInput, InviteClientState

UDP = Flow(id=1, transport="udp", local=("127.0.0.1", 5060), remote=("127.0.0.1", 5070))
TLS = Flow(id=2, transport="tls", local=("127.0.0.1", 5061), remote=("127.0.0.1", 40000))

INVITE = (
    b"INVITE sip:bob@biloxi.com SIP/2.0\r\nVia: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8\r\n"
    b"Max-Forwards: 69\r\nRoute: <sip:p1.example.com;lr>\r\nRoute: <sip:p2.example.com;lr>\r\n"
    b"To: Bob <sip:bob@biloxi.com>\r\nFrom: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
    b"Call-ID: a84b4c76e66710\r\nCSeq: 314159 INVITE\r\nContact: <sip:alice@pc33.atlanta.com>\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def the_invite() -> Request:
    message = parse_datagram(INVITE)
    assert isinstance(message, Request)
    return message


def response(status: int) -> Response:
    message = parse_datagram(
        f"SIP/2.0 {status} Whatever\r\nVia: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8\r\n"
        "To: Bob <sip:bob@biloxi.com>;tag=a6c85cf\r\nFrom: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
        "Call-ID: a84b4c76e66710\r\nCSeq: 314159 INVITE\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert isinstance(message, Response)
    return message


def plain(flow: Flow = UDP) -> ClientTransaction:
    return ClientTransaction(b"BYE", key=("b", "BYE"), flow=flow, destination=None, timers=Timers(), now=0.0)


def invite(flow: Flow = UDP) -> InviteClientTransaction:
    return InviteClientTransaction(
        the_invite(), key=("z9hG4bK1", "INVITE"), flow=flow, destination=None, timers=Timers(), now=0.0
    )


def plain_in(state: ClientState) -> ClientTransaction:
    transaction = plain()
    if state is ClientState.PROCEEDING:
        transaction.receive_response(100, 0.1)
    elif state is ClientState.COMPLETED:
        transaction.receive_response(200, 0.1)
    elif state is ClientState.TERMINATED:
        transaction.lose_transport()
    return transaction


def invite_in(state: InviteClientState) -> InviteClientTransaction:
    transaction = invite()
    if state is InviteClientState.PROCEEDING:
        transaction.receive_response(response(180), 0.1)
    elif state is InviteClientState.COMPLETED:
        transaction.receive_response(response(486), 0.1)
    elif state is InviteClientState.ACCEPTED:
        transaction.receive_response(response(200), 0.1)
    elif state is InviteClientState.TERMINATED:
        transaction.lose_transport()
    return transaction


PLAIN_INPUTS: dict[ClientInput, Callable[[ClientTransaction], object]] = {
    ClientInput.PROVISIONAL: lambda each: each.receive_response(100, 1.0),
    ClientInput.FINAL: lambda each: each.receive_response(200, 1.0),
    ClientInput.TRANSPORT_ERROR: lambda each: each.lose_transport(),
}
INVITE_INPUTS: dict[InviteClientInput, Callable[[InviteClientTransaction], object]] = {
    InviteClientInput.PROVISIONAL: lambda each: each.receive_response(response(183), 1.0),
    InviteClientInput.SUCCESS: lambda each: each.receive_response(response(200), 1.0),
    InviteClientInput.FAILURE: lambda each: each.receive_response(response(603), 1.0),
    InviteClientInput.TRANSPORT_ERROR: lambda each: each.lose_transport(),
}


@pytest.mark.parametrize("given", ClientInput, ids=lambda given: given.name)
@pytest.mark.parametrize("state", ClientState, ids=lambda state: state.name)
def test_client_transaction_follows_the_table_or_refuses(state: ClientState, given: ClientInput) -> None:
    transaction = plain_in(state)
    assert transaction.state is state
    assert diagrams.follows("Non-INVITE client transaction", transaction, given, PLAIN_INPUTS)


@pytest.mark.parametrize("given", InviteClientInput, ids=lambda given: given.name)
@pytest.mark.parametrize("state", InviteClientState, ids=lambda state: state.name)
def test_invite_transaction_follows_the_table_or_refuses(state: InviteClientState, given: InviteClientInput) -> None:
    transaction = invite_in(state)
    assert transaction.state is state
    assert diagrams.follows("INVITE client transaction", transaction, given, INVITE_INPUTS)


def test_client_transaction_repeats_its_request_until_timer_f_over_udp() -> None:
    """Timer E: T1, doubling up to T2."""
    transaction = plain()
    assert transaction.handle_timer(0.4) is None
    sent = []
    while (now := transaction.next_deadline()) is not None and not transaction.is_terminated:
        if transaction.handle_timer(now) is not None:
            sent.append(now)
    assert sent == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert transaction.failure == 408
    assert transaction.is_terminated


def test_client_transaction_repeats_every_t2_after_a_provisional_response() -> None:
    transaction = plain()
    assert transaction.receive_response(100, 0.2)
    assert transaction.handle_timer(0.5) == b"BYE"
    assert transaction.next_deadline() == 4.5


def test_client_transaction_does_not_repeat_over_a_reliable_transport() -> None:
    transaction = plain(TLS)
    assert transaction.next_deadline() == 32.0
    assert transaction.receive_response(200, 1.0)
    assert transaction.is_terminated  # timer K is 0
    assert transaction.failure is None


def test_client_transaction_absorbs_a_repeated_response_for_timer_k() -> None:
    transaction = plain()
    assert transaction.receive_response(200, 1.0)
    assert not transaction.receive_response(200, 1.1)
    assert not transaction.receive_response(100, 1.2)
    assert transaction.next_deadline() == 6.0
    assert transaction.handle_timer(5.9) is None
    transaction.handle_timer(6.0)
    assert transaction.is_terminated
    assert transaction.failure is None


def test_client_transaction_fails_as_503_only_without_an_answer() -> None:
    unanswered, answered = plain(), plain()
    unanswered.lose_transport()
    answered.receive_response(200, 1.0)
    answered.lose_transport()
    assert (unanswered.failure, answered.failure) == (503, None)


def test_invite_transaction_repeats_the_invite_until_timer_b_over_udp() -> None:
    """Timer A doubles without end."""
    transaction = invite()
    assert transaction.handle_timer(0.4) is None
    sent = []
    while (now := transaction.next_deadline()) is not None:
        if transaction.handle_timer(now) == INVITE:
            sent.append(now)
    assert sent == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert transaction.failure == 408
    assert transaction.is_terminated


def test_invite_transaction_waits_as_long_again_after_each_provisional_response_and_repeats_nothing() -> None:
    transaction = invite()
    assert transaction.is_open
    assert transaction.receive_response(response(100), 0.1) is None
    assert transaction.receive_response(response(180), 20.0) is None
    assert transaction.next_deadline() == 52.0
    assert transaction.handle_timer(51.0) is None
    assert transaction.is_open
    assert transaction.handle_timer(52.0) is None
    assert (transaction.is_terminated, transaction.failure) == (True, 408)


def test_invite_transaction_acknowledges_every_copy_of_a_failure() -> None:
    transaction = invite()
    ack = transaction.receive_response(response(486), 0.1)
    assert ack is not None
    assert ack.startswith(b"ACK sip:bob@biloxi.com SIP/2.0\r\n")
    assert transaction.receive_response(response(486), 0.6) == ack
    assert transaction.next_deadline() == pytest.approx(32.1)
    transaction.handle_timer(33.0)
    assert transaction.is_terminated
    assert transaction.failure is None


def test_invite_transaction_ends_with_a_failure_over_a_reliable_transport() -> None:
    transaction = invite(TLS)
    assert transaction.next_deadline() == 32.0
    assert transaction.receive_response(response(486), 0.1) is not None
    assert transaction.is_terminated  # timer D is 0


def test_invite_transaction_stays_accepted_for_timer_m() -> None:
    transaction = invite()
    assert transaction.receive_response(response(200), 1.0) is None
    assert transaction.receive_response(response(200), 1.5) is None
    assert transaction.receive_response(response(486), 1.6) is None
    assert transaction.next_deadline() == 33.0
    transaction.handle_timer(33.0)
    assert transaction.is_terminated


def test_invite_transaction_fails_as_503_only_without_an_answer() -> None:
    unanswered, answered = invite(), invite_in(InviteClientState.COMPLETED)
    unanswered.lose_transport()
    answered.lose_transport()
    assert (unanswered.failure, answered.failure) == (503, None)


def test_ack_has_the_head_of_the_invite_and_the_to_of_the_response() -> None:
    """RFC 3261 17.1.1.3."""
    ack = acknowledge(the_invite(), response(486))
    assert ack.to_bytes().decode().split("\r\n") == [
        "ACK sip:bob@biloxi.com SIP/2.0",
        "Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8",
        "Max-Forwards: 70",
        "Route: <sip:p1.example.com;lr>",
        "Route: <sip:p2.example.com;lr>",
        "From: Alice <sip:alice@atlanta.com>;tag=1928301774",
        "To: Bob <sip:bob@biloxi.com>;tag=a6c85cf",
        "Call-ID: a84b4c76e66710",
        "CSeq: 314159 ACK",
        "Content-Length: 0",
        "",
        "",
    ]
