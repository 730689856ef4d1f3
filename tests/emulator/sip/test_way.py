"""Where a connection for a dialog goes when its own is closed."""

from dataclasses import replace

import pytest
from ringback.emulator.errors import FlowGone
from ringback.emulator.sip.events import Flow
from ringback.emulator.sip.way import Way, way_to

TLS = Flow(id=1, transport="tls", local=("192.0.2.1", 5061), remote=("198.51.100.9", 40000))


@pytest.mark.parametrize(
    ("next_hop", "way"),
    [
        ("sip:alice@198.51.100.9:5071;transport=TLS", Way(transport="tls", host="198.51.100.9", port=5071)),
        ("sip:alice@phone.example.com;transport=tcp", Way(transport="tcp", host="phone.example.com", port=5060)),
        ("sip:edge.example.com;transport=udp;lr", Way(transport="udp", host="edge.example.com", port=5060)),
        ("sips:alice@[2001:db8::9];transport=tcp", Way(transport="tls", host="2001:db8::9", port=5061)),
        ("sip:alice@198.51.100.9", Way(transport="tls", host="198.51.100.9", port=5061)),
    ],
)
def test_dialog_is_continued_where_its_next_hop_says(next_hop: str, way: Way) -> None:
    assert way_to(next_hop, TLS) == way


def test_dialog_is_continued_by_the_transport_of_the_lost_connection_when_the_contact_names_none() -> None:
    assert way_to("sip:alice@198.51.100.9", replace(TLS, transport="tcp")).transport == "tcp"


@pytest.mark.parametrize(
    ("next_hop", "reason"),
    [
        ("tel:+14255550112", "no address to connect to"),
        ("sip:alice@198.51.100.9;transport=tls;ob", "by its own connection alone"),
        ("sip:alice@198.51.100.9;transport=ws", "wants the transport ws"),
    ],
)
def test_dialog_is_not_continued_when_nobody_listens_there(next_hop: str, reason: str) -> None:
    with pytest.raises(FlowGone, match=reason):
        way_to(next_hop, TLS)


def test_dialog_of_a_caller_in_this_process_is_not_continued() -> None:
    with pytest.raises(FlowGone, match="in this process"):
        way_to("sip:alice@127.0.0.1:5061", replace(TLS, in_memory=True))


def test_way_is_written_as_people_write_it() -> None:
    assert str(Way(transport="tcp", host="2001:db8::9", port=5060)) == "tcp [2001:db8::9]:5060"
    assert str(Way(transport="tls", host="phone.example.com", port=5061)) == "tls phone.example.com:5061"
