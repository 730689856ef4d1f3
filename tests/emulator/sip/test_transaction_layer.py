"""The transaction layer: keys, timers, retransmissions, limits."""

import pytest
from ringback.emulator.errors import WrongState
from ringback.emulator.sip.acceptance import Acceptance
from ringback.emulator.sip.arrival import Arrival
from ringback.emulator.sip.client_transaction import ClientTransaction
from ringback.emulator.sip.events import DialogId, Flow, InviteId
from ringback.emulator.sip.message import Request, Response, response_to
from ringback.emulator.sip.parser import parse_datagram
from ringback.emulator.sip.timers import Timers
from ringback.emulator.sip.transaction_layer import TransactionLayer
from ringback.emulator.sip.wire import Wire

UDP = Flow(id=1, transport="udp", local=("192.0.2.1", 5060), remote=("198.51.100.9", 5070))
TLS = Flow(id=2, transport="tls", local=("192.0.2.1", 5061), remote=("198.51.100.9", 40000))
OTHER = Flow(id=3, transport="tls", local=("192.0.2.1", 5061), remote=("198.51.100.9", 40001))


def request(method: str = "OPTIONS", branch: str = "z9hG4bK1") -> Request:
    message = parse_datagram(
        f"{method} sip:proj_1@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.9:5070;branch={branch}\r\n"
        f"From: <sip:alice@example.com>;tag=1\r\nTo: <sip:proj_1@192.0.2.1>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n"
        "Content-Length: 0\r\n\r\n".encode()
    )
    assert isinstance(message, Request)
    return message


def arrival(method: str = "OPTIONS", branch: str = "z9hG4bK1", flow: Flow = UDP) -> Arrival:
    return Arrival(flow, request(method, branch))


class Layer(TransactionLayer):
    """A layer with its wire, on which the stream TLS is open."""

    def __init__(self, limit: int = 100) -> None:
        self.wire = Wire(message_limit=1000)
        self.wire.open(TLS)
        super().__init__(wire=self.wire, timers=Timers(), limit=limit)

    @property
    def sent(self) -> list[bytes]:
        return [each.data for each in self.wire.data_to_send()]

    def start(self, flow: Flow, method: str = "BYE") -> ClientTransaction:
        return self.start_client(("z9hG4bK1", method), request(method), flow, None, 0.0)


def test_layer_repeats_the_response_for_a_repeated_request() -> None:
    layer = Layer()
    transaction = layer.open(arrival())
    layer.repeat(transaction)
    assert layer.sent == []
    data = layer.respond(transaction, response_to(request(), 200, to_tag="t"), 0.0)
    assert layer.sent == [data]
    found = layer.find(arrival())
    assert found is transaction
    layer.repeat(transaction)
    assert layer.sent == [data]


def test_layer_sends_one_final_response_only() -> None:
    layer = Layer()
    transaction = layer.open(arrival())
    layer.respond(transaction, response_to(request(), 200, to_tag="t"), 0.0)
    layer.respond(transaction, response_to(request(), 500, to_tag="t"), 0.0)
    assert len(layer.sent) == 1
    invite = layer.open_invite(arrival("INVITE"))
    layer.respond(invite, response_to(request("INVITE"), 486, to_tag="t"), 0.0)
    with pytest.raises(WrongState):
        layer.respond(invite, response_to(request("INVITE"), 200, to_tag="t"), 0.0)
    assert len(layer.sent) == 1


def test_layer_forgets_a_transaction_after_its_last_timer() -> None:
    layer = Layer()
    layer.respond(layer.open(arrival()), response_to(request(), 200, to_tag="t"), 0.0)
    assert layer.queue.next_deadline() == 32.0
    assert layer.handle_timer(31.0) is None
    assert layer.server_count == 1
    assert layer.handle_timer(32.0) is None
    assert layer.server_count == 0
    assert layer.find(arrival()) is None
    assert not layer.is_merged(arrival())


def test_layer_knows_a_request_that_came_by_two_ways() -> None:
    """RFC 3261 8.2.2.2. The first keeps the place, whatever becomes of the second."""
    layer = Layer()
    layer.open(arrival())
    second = layer.open(arrival(branch="z9hG4bK2", flow=TLS))
    assert layer.find(arrival(branch="z9hG4bK2")) is second
    assert layer.is_merged(arrival(branch="z9hG4bK3"))
    layer.respond(second, response_to(request(branch="z9hG4bK2"), 482, to_tag="t"), 0.0)
    assert layer.find(arrival(branch="z9hG4bK2")) is None
    assert layer.is_merged(arrival(branch="z9hG4bK3"))


def test_layer_merges_nothing_inside_a_dialog() -> None:
    layer = Layer()
    asked = request()
    asked.headers.set("To", "<sip:proj_1@192.0.2.1>;tag=ours")
    transaction = layer.open(Arrival(TLS, asked))
    assert not layer.is_merged(Arrival(TLS, asked))
    layer.respond(transaction, response_to(asked, 200), 0.0)
    assert layer.server_count == 0


def test_layer_finds_the_invite_of_an_ack_only_among_invites() -> None:
    layer = Layer()
    invite = layer.open_invite(arrival("INVITE"))
    assert layer.find_invite(arrival("ACK")) is invite
    assert layer.find_invite(arrival("CANCEL")) is invite
    assert layer.find_invite(arrival("ACK", "z9hG4bK2")) is None


def test_layer_is_full_at_its_limit() -> None:
    layer = Layer(limit=1)
    assert not layer.is_full
    layer.open(arrival())
    assert layer.is_full


def test_layer_takes_the_ack_of_a_failure_for_itself() -> None:
    layer = Layer()
    transaction = layer.open_invite(arrival("INVITE", flow=TLS))
    layer.respond(transaction, response_to(request("INVITE"), 486, to_tag="t"), 0.0)
    assert not layer.receive_ack(transaction, 0.1)
    assert layer.server_count == 0


def test_layer_gives_the_ack_of_a_2xx_to_the_user() -> None:
    layer = Layer()
    transaction = layer.open_invite(arrival("INVITE"))
    layer.respond(transaction, response_to(request("INVITE"), 200, to_tag="t"), 0.0)
    assert layer.receive_ack(transaction, 0.1)
    assert layer.server_count == 1


def test_layer_repeats_a_failure_over_udp() -> None:
    layer = Layer()
    data = layer.respond(layer.open_invite(arrival("INVITE")), response_to(request("INVITE"), 486, to_tag="t"), 0.0)
    assert layer.sent == [data]
    assert layer.handle_timer(0.5) is None
    assert layer.sent == [data]


@pytest.mark.parametrize("flow", [UDP, TLS], ids=["udp", "tls"])
def test_layer_finds_the_request_of_a_response(flow: Flow) -> None:
    layer = Layer()
    transaction = layer.start(flow)
    assert layer.sent == [request("BYE").to_bytes()]
    assert layer.client_count == 1
    trying, ok = response_to(request("BYE"), 100), response_to(request("BYE"), 200)
    assert layer.receive_response(trying, 0.1) == (transaction, True)
    assert layer.receive_response(ok, 0.2) == (transaction, True)
    assert layer.handle_timer(100.0) is None
    assert layer.client_count == 0
    assert layer.receive_response(ok, 101.0) == (None, False)


@pytest.mark.parametrize(
    "other",
    [
        response_to(request("OPTIONS"), 200),
        response_to(request("BYE", "z9hG4bK2"), 200),
        Response(status=200, headers=[("Via", "SIP/2.0/UDP h"), ("CSeq", "1 BYE")]),
    ],
    ids=["method", "branch", "no branch"],
)
def test_layer_knows_no_request_of_another_response(other: Response) -> None:
    layer = Layer()
    layer.start(UDP)
    assert layer.receive_response(other, 0.1) == (None, False)


def test_layer_tells_of_a_request_that_timed_out() -> None:
    layer = Layer()
    transaction = layer.start(UDP)
    assert layer.handle_timer(31.9) is None
    assert layer.handle_timer(32.0) is transaction
    assert transaction.failure == 408
    assert layer.client_count == 0


def test_layer_hands_an_acceptance_to_its_user() -> None:
    layer = Layer()
    acceptance = Acceptance(
        dialog=DialogId("d"), invite=InviteId(1), cseq=1, has_offer=False, data=b"", timers=Timers(), now=0.0
    )
    layer.queue.arm(acceptance)
    assert layer.handle_timer(0.5) is acceptance


def test_layer_ends_what_hung_on_a_closed_stream() -> None:
    layer = Layer()
    undecided = layer.open_invite(arrival("INVITE", flow=TLS))
    accepted = layer.open_invite(arrival("INVITE", "z9hG4bK2", TLS))
    layer.respond(accepted, response_to(request("INVITE", "z9hG4bK2"), 200, to_tag="t"), 0.0)
    unanswered = layer.start(TLS)
    elsewhere = layer.open_invite(arrival("INVITE", "z9hG4bK3"))
    stream = layer.wire.close(TLS)
    assert stream is not None
    assert layer.lose_stream(stream) == [unanswered]
    assert unanswered.failure == 503
    assert undecided.is_terminated
    assert not accepted.is_terminated
    assert not elsewhere.is_terminated
    assert (layer.server_count, layer.client_count) == (2, 0)
