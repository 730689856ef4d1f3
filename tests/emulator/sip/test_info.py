"""INFO: keys of telephones that know no RFC 4733 (RFC 6086 1, legacy usage)."""

from typing import Any

import pytest
from ringback.emulator.sip.events import InfoReceived

RELAY, PLAIN = "Content-Type: application/dtmf-relay", "Content-Type: Application/DTMF; x=y"


@pytest.mark.parametrize(
    ("content_type", "body", "digit"),
    [
        (RELAY, b"Signal=5\r\nDuration=160\r\n", "5"),
        (RELAY, b"Duration=100\r\nsignal= * \r\n", "*"),
        (RELAY, b"Signal=11\r\nDuration=160\r\n", "#"),
        (RELAY, b"Signal=10", "*"),
        (PLAIN, b"7", "7"),
        (PLAIN, b"d\r\n", "D"),
    ],
)
def test_caller_presses_a_key_by_info(peer: Any, content_type: str, body: bytes, digit: str) -> None:
    dialog = peer.confirmed()
    assert peer.request("INFO", content_type, to_tag=dialog, body=body).status == 200
    event = peer.last()
    assert isinstance(event, InfoReceived)
    assert (event.dialog, event.digit) == (dialog, digit)


def test_empty_info_is_answered(peer: Any) -> None:
    dialog = peer.confirmed()
    assert peer.request("INFO", to_tag=dialog).status == 200
    assert peer.last().digit is None


def test_info_of_another_type_or_package_is_refused(peer: Any) -> None:
    dialog = peer.confirmed()
    refused = peer.request("INFO", "Content-Type: application/media_control+xml", to_tag=dialog, body=b"<x/>")
    assert refused.status == 415
    assert refused.headers.get("Accept") == "application/dtmf-relay, application/dtmf"
    refused = peer.request("INFO", "Info-Package: nothing", to_tag=dialog)
    assert (refused.status, refused.headers.get("Recv-Info")) == (469, "")
    assert peer.events(InfoReceived) == []


def test_info_without_a_key_is_malformed(peer: Any) -> None:
    dialog = peer.confirmed()
    assert peer.request("INFO", RELAY, to_tag=dialog, body=b"Signal=flash").status == 400
