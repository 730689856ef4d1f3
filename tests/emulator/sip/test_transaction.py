"""The transaction tables, and the keys that tell transactions apart."""

import diagrams
import pytest
from ringback.emulator.errors import UsageError, WrongState
from ringback.emulator.sip.message import Request
from ringback.emulator.sip.parser import parse_datagram
from ringback.emulator.sip.transaction import InviteServerInput, InviteServerState, refuse, server_key

MACHINES = [
    "INVITE server transaction",
    "Non-INVITE server transaction",
    "INVITE client transaction",
    "Non-INVITE client transaction",
]


def request(
    method: str = "INVITE", *, cseq: str = "1", call_id: str = "a84b4c76e66710", to: str = "", **via: str
) -> Request:
    sent_by = via.get("sent_by", "pc33.atlanta.com:5060")
    branch = via.get("branch", ";branch=z9hG4bK776asdhds")
    text = (
        f"{method} sip:bob@biloxi.com SIP/2.0\r\nVia: SIP/2.0/UDP {sent_by}{branch}\r\nMax-Forwards: 70\r\n"
        f"To: Bob <sip:bob@biloxi.com>{to}\r\nFrom: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:alice@atlanta.com>\r\nContent-Length: 0\r\n\r\n"
    )
    message = parse_datagram(text.encode())
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize("title", MACHINES)
def test_every_state_of_a_transaction_is_reachable(title: str) -> None:
    assert diagrams.unreachable_states(diagrams.machine(title)) == []


@pytest.mark.parametrize("title", MACHINES)
def test_every_row_of_a_transaction_names_its_clause(title: str) -> None:
    assert diagrams.undocumented_rows(diagrams.machine(title)) == []


@pytest.mark.parametrize("title", MACHINES)
def test_docs_show_the_transaction_as_it_is(title: str) -> None:
    assert diagrams.diagram(diagrams.machine(title)) in diagrams.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("title", MACHINES)
def test_nothing_leaves_the_terminated_state(title: str) -> None:
    assert all(source.name != "TERMINATED" for source, _ in diagrams.machine(title).rows)


def test_refusal_names_machine_state_and_input() -> None:
    error = refuse("INVITE server transaction", InviteServerState.COMPLETED, InviteServerInput.SEND_SUCCESS)
    assert isinstance(error, WrongState)
    assert isinstance(error, UsageError)
    assert str(error) == "2xx from TU in state Completed: the INVITE server transaction has no such transition"


def test_retransmission_has_the_same_key() -> None:
    assert server_key(request(), "INVITE") == server_key(request(), "INVITE")


def test_ack_finds_the_key_of_its_invite() -> None:
    assert server_key(request("ACK", to=";tag=x"), "INVITE") == server_key(request(), "INVITE")


@pytest.mark.parametrize(
    "other",
    [
        request("BYE"),
        request(cseq="2"),
        request(call_id="another"),
        request(sent_by="pc34.atlanta.com:5060"),
        request(sent_by="pc33.atlanta.com:5061"),
        request(branch=";branch=z9hG4bK776asdhdt"),
    ],
    ids=["method", "cseq", "call-id", "sent-by host", "sent-by port", "branch"],
)
def test_another_request_has_another_key(other: Request) -> None:
    """Method, CSeq and Call-ID alone differ where pyVoIP reuses a branch."""
    assert server_key(other, other.method) != server_key(request(), "INVITE")


@pytest.mark.parametrize("branch", ["", ";branch=1", ";branch=z9hG4bK"], ids=["none", "no cookie", "cookie only"])
def test_rfc2543_requests_are_told_apart_without_a_cookie(branch: str) -> None:
    first = server_key(request(branch=branch), "INVITE")
    assert first == server_key(request(branch=branch), "INVITE")
    assert first == server_key(request("ACK", branch=branch, to=";tag=ours"), "INVITE")
    assert first != server_key(request(branch=branch, cseq="2"), "INVITE")
    assert first != server_key(request(branch=branch, sent_by="pc34.atlanta.com"), "INVITE")
