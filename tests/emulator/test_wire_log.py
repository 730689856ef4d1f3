import logging

import pytest
from ringback.emulator.journal import Journal
from ringback.emulator.wire_log import log_entry


def test_log_has_one_line_for_each_message(caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(limit=20)
    journal.subscribe(log_entry)
    with caplog.at_level(logging.DEBUG, "ringback.wire"):
        journal.add("sip.received", now=0.0, summary="INVITE sip:proj_1@h")
        journal.add("sip.sent", now=0.0, summary="180 Ringing")
        journal.add("sip.dropped", now=0.0, peer="1.2.3.4:5060", reason="no SIP")
        journal.add("rest.request", now=0.0, method="POST", path="/v1/x")
        journal.add("rest.response", now=0.0, method="POST", path="/v1/x", status=200)
        journal.add("webhook.attempt", now=0.0, event="realtime.call.incoming", url="http://a/", status=200)
        journal.add("event.client", now=0.0, channel="sideband-1", event={"type": "session.update"})
        journal.add("event.server", now=0.0, channel=None, event={"type": "session.updated"})
        journal.add("call.state", now=0.0, call_id="rtc_1", to="connected")
        journal.add("emulator.stopping", now=0.0)
    assert [record.message for record in caplog.records] == [
        "< INVITE sip:proj_1@h",
        "> 180 Ringing",
        "< dropped from 1.2.3.4:5060: no SIP",
        "< POST /v1/x",
        "> 200 to POST /v1/x",
        "> webhook realtime.call.incoming to http://a/: 200",
        "< sideband-1 session.update",
        "> all channels session.updated",
        "= call rtc_1 connected",
    ]
