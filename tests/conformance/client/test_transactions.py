"""Transactions on a manual clock, two layers joined by a memory link that may lose."""

from collections.abc import Callable

import pytest
from ringback.conformance.client.messages import Request, Response, new_request, parse, response_to
from ringback.conformance.client.transactions import (
    FIRST_STATE,
    TABLES,
    AckReceived,
    Event,
    Input,
    Kind,
    RequestReceived,
    ResponseReceived,
    State,
    StrayResponse,
    Transaction,
    TransactionFailed,
    TransactionLayer,
)


def request(method: str, branch: str = "z9hG4bK1", to: str = "<sip:c@d>") -> Request:
    return new_request(
        method,
        "sip:c@d",
        [
            ("Via", f"SIP/2.0/UDP 10.0.0.1:5060;branch={branch}"),
            ("From", "<sip:a@b>;tag=1"),
            ("To", to),
            ("Call-ID", "abc"),
            ("CSeq", f"1 {method}"),
        ],
    )


class Pair:
    """A caller's and a callee's layer. `loses` decides about each message; `sent` counts all of them."""

    def __init__(self, *, is_reliable: bool = False) -> None:
        self.caller = TransactionLayer()
        self.callee = TransactionLayer()
        self.is_reliable = is_reliable
        self.now = 0.0
        self.loses: Callable[[bytes], bool] = lambda data: False
        self.from_caller: list[bytes] = []
        self.from_callee: list[bytes] = []

    def send(self, message: Request) -> Transaction:
        transaction = self.caller.send_request(message, 1, self.now, is_reliable=self.is_reliable)
        self.settle()
        return transaction

    def respond(self, transaction: Transaction, status: int) -> None:
        answer = response_to(transaction.request, status, to_tag="t")
        self.callee.send_response(transaction, answer, self.now)
        self.settle()

    def settle(self) -> None:
        for _ in range(4):
            for layer, other, log in (
                (self.caller, self.callee, self.from_caller),
                (self.callee, self.caller, self.from_callee),
            ):
                for _, data in layer.data_to_send():
                    log.append(data)
                    if not self.loses(data):
                        other.receive(parse(data), 1, self.now, is_reliable=self.is_reliable)

    def advance(self, until: float) -> None:
        """Fire every timer on the way, in order."""
        while True:
            deadlines = [layer.next_deadline() for layer in (self.caller, self.callee)]
            due = min((each for each in deadlines if each is not None and each <= until), default=None)
            if due is None:
                break
            self.now = due
            self.caller.handle_timer(due)
            self.callee.handle_timer(due)
            self.settle()
        self.now = until


def events(layer: TransactionLayer) -> list[Event]:
    found: list[Event] = []
    while (event := layer.next_event()) is not None:
        found.append(event)
    return found


def incoming(pair: Pair) -> Transaction:
    (event,) = events(pair.callee)
    assert isinstance(event, RequestReceived)
    return event.transaction


def statuses(found: list[Event]) -> list[int]:
    return [each.response.code for each in found if isinstance(each, ResponseReceived)]


@pytest.mark.parametrize("kind", list(Kind))
def test_every_state_of_a_transaction_is_reachable_and_ends(kind: Kind) -> None:
    table = TABLES[kind]
    seen = {FIRST_STATE[kind]}
    while more := {after for (before, _), after in table.items() if before in seen} - seen:
        seen |= more
    assert State.TERMINATED in seen
    assert seen >= {before for before, _ in table}
    assert not [pair for pair in table if pair[0] is State.TERMINATED]


def test_invite_is_retransmitted_with_doubling_gaps_until_timer_b() -> None:
    pair = Pair()
    pair.loses = lambda data: True
    pair.send(request("INVITE"))
    times: list[float] = []
    for _ in range(20):
        before = len(pair.from_caller)
        deadline = pair.caller.next_deadline()
        if deadline is None:
            break
        pair.advance(deadline)
        times += [deadline] * (len(pair.from_caller) - before)
    assert times == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    (failed,) = events(pair.caller)
    assert isinstance(failed, TransactionFailed)
    assert failed.reason == "no final response to INVITE within 32 s"
    assert pair.caller.live == 0


def test_bye_is_retransmitted_with_gaps_up_to_t2() -> None:
    pair = Pair()
    pair.loses = lambda data: True
    pair.send(request("BYE"))
    gaps = []
    while (deadline := pair.caller.next_deadline()) is not None:
        gaps.append(round(deadline - pair.now, 3))
        pair.advance(deadline)
    assert gaps == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 0.5]
    assert len(pair.from_caller) == 11


def test_stream_repeats_nothing() -> None:
    pair = Pair(is_reliable=True)
    pair.loses = lambda data: True
    pair.send(request("INVITE"))
    pair.advance(40.0)
    assert len(pair.from_caller) == 1
    assert isinstance(events(pair.caller)[0], TransactionFailed)


def test_callee_repeats_its_last_response_when_the_request_comes_again() -> None:
    pair = Pair()
    pair.loses = lambda data: data.startswith(b"SIP/2.0 180")
    pair.send(request("INVITE"))
    transaction = incoming(pair)
    pair.respond(transaction, 180)
    pair.loses = lambda data: False
    pair.advance(0.5)
    assert statuses(events(pair.caller)) == [180]
    assert events(pair.callee) == []
    pair.advance(100.0)
    assert pair.caller.live == 1, "an INVITE may ring for ever"


def test_failure_is_acknowledged_each_time_and_reported_once() -> None:
    pair = Pair()
    pair.send(request("INVITE"))
    transaction = incoming(pair)
    pair.loses = lambda data: data.startswith(b"ACK")
    pair.respond(transaction, 486)
    pair.advance(0.5)
    pair.loses = lambda data: False
    pair.advance(1.5)
    assert statuses(events(pair.caller)) == [486]
    acks = [data for data in pair.from_caller if data.startswith(b"ACK")]
    assert len(acks) == 3
    ack = parse(acks[0])
    assert ack.headers["To"] == "<sip:c@d>;tag=t"
    assert ack.headers["Via"] == "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1"
    assert events(pair.callee) == []
    assert transaction.state is State.CONFIRMED
    pair.advance(200.0)
    assert (pair.caller.live, pair.callee.live) == (0, 0)


def test_callee_gives_up_when_its_failure_is_never_acknowledged() -> None:
    pair = Pair()
    pair.send(request("INVITE"))
    transaction = incoming(pair)
    pair.loses = lambda data: data.startswith(b"ACK")
    pair.respond(transaction, 603)
    pair.advance(32.0)
    (failed,) = events(pair.callee)
    assert isinstance(failed, TransactionFailed)
    assert failed.reason == "no ACK to INVITE within 32 s"


def test_success_goes_up_each_time_and_ack_is_not_the_transactions() -> None:
    pair = Pair()
    pair.send(request("INVITE"))
    transaction = incoming(pair)
    pair.respond(transaction, 200)
    pair.respond(transaction, 200)
    assert statuses(events(pair.caller)) == [200, 200]
    pair.caller.send_ack(request("ACK", branch="z9hG4bK2"), 1)
    pair.caller.send_ack(request("ACK", branch="z9hG4bK1"), 1)
    pair.settle()
    assert [type(each) for each in events(pair.callee)] == [AckReceived, AckReceived]
    pair.respond(transaction, 486)
    assert statuses(events(pair.caller)) == []
    pair.advance(33.0)
    assert (pair.caller.live, pair.callee.live) == (0, 0)


def test_bye_is_answered_and_waits_for_its_repetition() -> None:
    pair = Pair()
    pair.loses = lambda data: data.startswith(b"SIP/2.0 2")
    pair.send(request("BYE"))
    transaction = incoming(pair)
    pair.respond(transaction, 100)
    pair.respond(transaction, 200)
    pair.advance(0.5)
    pair.loses = lambda data: False
    pair.advance(4.4)  # RFC 3261 17.1.2.2: in Proceeding, timer E is T2
    assert statuses(events(pair.caller)) == [100]
    pair.advance(4.5)
    assert statuses(events(pair.caller)) == [200]
    pair.advance(100.0)
    assert (pair.caller.live, pair.callee.live) == (0, 0)


def test_same_branch_with_another_cseq_is_another_request() -> None:
    pair = Pair()
    pair.send(request("OPTIONS"))
    other = request("OPTIONS")
    other.headers.set("CSeq", "2 OPTIONS")
    pair.callee.receive(other, 1, 0.0, is_reliable=False)
    assert len(events(pair.callee)) == 2


def test_stray_response_and_late_ack_are_harmless() -> None:
    pair = Pair()
    pair.caller.receive(response_to(request("BYE"), 200), 1, 0.0, is_reliable=False)
    (stray,) = events(pair.caller)
    assert isinstance(stray, StrayResponse)
    pair.send(request("INVITE"))
    transaction = incoming(pair)
    pair.callee.receive(request("ACK"), 1, 0.0, is_reliable=False)
    assert transaction.state is State.PROCEEDING


def test_lost_link_fails_what_waits() -> None:
    pair = Pair()
    pair.send(request("INVITE"))
    pair.callee.link_lost(1, "cut")
    pair.caller.link_lost(2, "another link")
    pair.caller.link_lost(1, "cut")
    (failed,) = events(pair.caller)
    assert isinstance(failed, TransactionFailed)
    assert failed.reason == "cut"
    assert (pair.caller.live, pair.callee.live) == (0, 0)
    assert pair.caller.next_deadline() is None


def test_late_provisional_response_is_absorbed() -> None:
    pair = Pair()
    transaction = pair.send(request("OPTIONS"))
    pair.respond(incoming(pair), 200)
    pair.caller.receive(response_to(transaction.request, 100), 1, 0.0, is_reliable=False)
    assert statuses(events(pair.caller)) == [200]
    assert (State.COMPLETED, Input.PROVISIONAL) not in TABLES[Kind.CLIENT]


def test_response_is_a_response() -> None:
    assert isinstance(parse(bytes(response_to(request("BYE"), 200))), Response)
