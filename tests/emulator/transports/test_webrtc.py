"""What a peer's goodbye does to what aiortc still sends."""

import pytest
from aiortc.rtcsctptransport import DataChunk, RTCSctpTransport
from OpenSSL import SSL
from ringback.emulator.transports.webrtc import _Sctp


@pytest.mark.parametrize("error", [ConnectionError("gone"), SSL.Error([("SSL routines", "", "protocol is shutdown")])])
async def test_peer_may_say_goodbye_while_something_is_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(RTCSctpTransport, "_send_chunk", fail)
    caplog.set_level("DEBUG", logger="ringback.webrtc")
    await _Sctp._send_chunk(object.__new__(_Sctp), DataChunk())
    assert "sctp sends no DataChunk" in caplog.text
