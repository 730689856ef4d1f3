"""How a request came: keys, tags, and the way of its responses (RFC 3261 17.2.3, 18.2, RFC 3581)."""

import pytest
from ringback.emulator.errors import SipError
from ringback.emulator.sip.arrival import Arrival, response_destination, response_via
from ringback.emulator.sip.events import Flow
from ringback.emulator.sip.headers import Via
from ringback.emulator.sip.message import Request

UDP = Flow(id=1, transport="udp", local=("192.0.2.1", 5060), remote=("198.51.100.9", 40000))
TLS = Flow(id=2, transport="tls", local=("192.0.2.1", 5061), remote=("198.51.100.9", 40000))
UDP6 = Flow(id=3, transport="udp", local=("::1", 5060), remote=("2001:db8::9", 5060))


def arrival(method: str = "INVITE", *, to: str = "", via: str = "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1") -> Arrival:
    headers = [
        ("Via", via),
        ("From", "<sip:alice@example.com>;tag=alice"),
        ("To", f"<sip:proj_1@192.0.2.1>{to}"),
        ("Call-ID", "c"),
        ("CSeq", f"1 {method}"),
    ]
    return Arrival(UDP, Request(method=method, uri="sip:proj_1@192.0.2.1", headers=headers))


def test_arrival_knows_tags_and_way_back() -> None:
    each = arrival(to=";tag=ours")
    assert (each.from_tag, each.to_tag) == ("alice", "ours")
    assert str(each.via) == "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=198.51.100.9"
    assert each.destination == ("198.51.100.9", 5060)


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_ack_and_cancel_find_their_invite(method: str) -> None:
    invite = arrival()
    assert invite.key == invite.invite_key
    assert arrival(method).invite_key == invite.key
    assert arrival(method).key != invite.key
    assert arrival("BYE").invite_key == arrival("BYE").key


def test_copies_of_a_request_share_a_merge_key_outside_of_dialogs() -> None:
    first, copy = arrival(), arrival(via="SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK2")
    assert first.key != copy.key
    assert first.merge_key == copy.merge_key
    assert first.merge_key is not None
    assert arrival(to=";tag=ours").merge_key is None
    assert arrival("OPTIONS").merge_key != first.merge_key


def test_arrival_without_a_readable_via_is_malformed() -> None:
    with pytest.raises(SipError):
        arrival(via="nonsense")


@pytest.mark.parametrize(
    ("via", "flow", "written"),
    [
        ("SIP/2.0/UDP 198.51.100.9:40000;branch=b", UDP, None),
        ("SIP/2.0/UDP 10.0.0.1;branch=b", UDP, "SIP/2.0/UDP 10.0.0.1;branch=b;received=198.51.100.9"),
        ("SIP/2.0/UDP pc.example.com;branch=b", UDP, "SIP/2.0/UDP pc.example.com;branch=b;received=198.51.100.9"),
        (
            "SIP/2.0/UDP 198.51.100.9;rport;branch=b",
            UDP,
            "SIP/2.0/UDP 198.51.100.9;rport=40000;branch=b;received=198.51.100.9",
        ),
        (
            "SIP/2.0/TLS 10.0.0.1:5061;branch=b;rport;alias",
            TLS,
            "SIP/2.0/TLS 10.0.0.1:5061;branch=b;rport=40000;alias;received=198.51.100.9",
        ),
        ("SIP/2.0/UDP [2001:db8::9];branch=b", UDP6, None),
        (
            "SIP/2.0/UDP 10.0.0.1;branch=b;received=10.9.9.9",
            UDP,
            "SIP/2.0/UDP 10.0.0.1;branch=b;received=198.51.100.9",
        ),
    ],
    ids=["same", "other address", "name", "rport", "rport on a stream", "ipv6", "forged received"],
)
def test_response_via_says_where_the_request_came_from(via: str, flow: Flow, written: str | None) -> None:
    changed = response_via(Via.parse(via), flow)
    assert (None if changed is None else str(changed)) == written


@pytest.mark.parametrize(
    ("via", "flow", "destination"),
    [
        ("SIP/2.0/UDP 198.51.100.9:40000", UDP, None),
        ("SIP/2.0/UDP 10.0.0.1:5070;rport", UDP, None),
        ("SIP/2.0/UDP 10.0.0.1:5070", UDP, ("198.51.100.9", 5070)),
        ("SIP/2.0/UDP 10.0.0.1", UDP, ("198.51.100.9", 5060)),
        ("SIP/2.0/UDP 10.0.0.1;maddr=203.0.113.5", UDP6, None),
        ("SIP/2.0/TLS 10.0.0.1:5061", TLS, None),
    ],
    ids=["same port", "rport", "sent-by port", "default port", "maddr", "stream"],
)
def test_response_goes_to_the_source_address(via: str, flow: Flow, destination: tuple[str, int] | None) -> None:
    """RFC 3261 18.2.2: to the sent-by port unless rport was asked for, but never to another address."""
    assert response_destination(Via.parse(via), flow) == destination
