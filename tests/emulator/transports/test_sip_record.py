import json

from ringback.emulator.journal import Journal
from ringback.emulator.sip.events import Flow, MessageDropped, MessageReceived, MessageSent
from ringback.emulator.sip.parser import parse_datagram
from ringback.emulator.transports.sip_record import record_dropped, record_message

FLOW = Flow(id=1, transport="udp", local=("::1", 5060), remote=("::1", 40000))
REQUEST = (
    b"OPTIONS sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:b@h>;tag=1\r\nTo: <sip:a@h>\r\n"
    b"Call-ID: c1@h\r\nCSeq: 1 OPTIONS\r\nAuthorization: Digest secret\r\nContent-Length: 0\r\n\r\n"
)


def test_journal_shows_a_message_without_its_credentials() -> None:
    journal = Journal(limit=10)
    message = parse_datagram(REQUEST)
    for event in (
        MessageReceived(flow=FLOW, message=message, data=REQUEST),
        MessageSent(flow=FLOW, message=message, data=REQUEST),
    ):
        record_message(journal, event, 1.0)
    received, sent = journal.entries()
    assert (received.kind, sent.kind) == ("sip.received", "sip.sent")
    assert received.sip_call_id == "c1@h"
    assert json.loads(json.dumps(received.as_dict()["data"])) == {
        "summary": "OPTIONS sip:a@h",
        "transport": "udp",
        "peer": "[::1]:40000",
        "text": REQUEST.decode().replace(" secret", " …"),
    }
    assert len(received.data) == 4
    assert received.data.get("status") is None


def test_journal_shows_the_beginning_of_what_was_dropped() -> None:
    journal = Journal(limit=10)
    record_dropped(journal, MessageDropped(flow=FLOW, reason="no SIP", data=b"\xff" * 1000), 1.0)
    (entry,) = journal.entries(kind="sip.dropped")
    assert dict(entry.data) == {"transport": "udp", "peer": "[::1]:40000", "reason": "no SIP", "text": "\ufffd" * 500}
