"""What was recorded of WebRTC calls, against the emulator: an offer with its answer, and a sideband."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from oracle.replay import FREE_PORTS, compare, replay
from oracle.sdp import KNOWN, differences, form_of
from ringback.conformance.client import RestClient
from ringback.conformance.client.rest import RestAnswer
from ringback.emulator.config import Settings
from ringback.emulator.server import Emulator

FOLDER = Path(os.environ.get("RINGBACK_SHARED", Path(__file__).parents[2].parent / "shared")) / "recordings"
SIDEBANDS = sorted(FOLDER.glob("*-sideband-webrtc-*.jsonl"))
LEFT_OUT = {
    "alt-svc": "it would lead a browser to another port of localhost, for a day",
    "strict-transport-security": "it would bind a browser to HTTPS on localhost, for a year",
    "connection": "of this hop alone (RFC 9110 7.6.1), and the default of HTTP/1.1",
}
"""Recorded headers that the emulator does not send, each with the reason."""
OURS_ALONE = {"date", "server", "x-request-id"}
"""The recorder left out what begins with x-, and these."""


def recorded() -> dict[str, Any]:
    exchange: dict[str, Any] = json.loads((FOLDER / "openai-http-answer-webrtc-offer.jsonl").read_text())
    return exchange


async def replayed() -> RestAnswer:
    """What the emulator answers to the recorded request, byte for byte but for its key."""
    request = recorded()["request"]
    headers = {name: request["headers"][name][0] for name in ("accept", "content-type")}
    async with (
        Emulator(Settings(**FREE_PORTS)) as emulator,
        RestClient(emulator.ready.base_url, emulator.ready.api_key) as rest,
    ):
        return await rest.request("POST", "/realtime/calls", body=request["body"].encode(), headers=headers)


async def test_recorded_offer_gets_the_recorded_status_and_headers(shared: Path) -> None:
    theirs, ours = recorded()["response"], await replayed()
    assert (ours.status, ours.reason) == (theirs["status"]["code"], theirs["status"]["message"])
    names = [name.lower() for name, _ in ours.headers]
    assert set(theirs["headers"]) - set(names) == set(LEFT_OUT)
    assert set(names) - set(theirs["headers"]) <= OURS_ALONE
    for name, values in theirs["headers"].items():
        if name in LEFT_OUT:
            continue
        found = [value for each, value in ours.headers if each.lower() == name]
        if name == "content-length":
            assert found == [str(len(ours.body))]
        elif name == "location":
            (location,) = found
            form = re.compile(r"/v1/realtime/calls/rtc_u\d_[0-9A-Za-z]{21,32}\Z")
            assert form.match(location)
            assert form.match(values[0])
        else:
            assert found == values


async def test_recorded_offer_gets_an_answer_of_the_recorded_form(shared: Path) -> None:
    found = differences(recorded()["response"]["body"]["string"], (await replayed()).body.decode())
    assert [line for line in found if line not in KNOWN] == []
    assert [line for line in KNOWN if line not in found] == []


def test_form_of_an_answer_needs_its_line_breaks() -> None:
    assert form_of("v=0\r\no=- 12 34 IN IP4 0.0.0.0\r\n") == ["v=0", "o=- <number> <time> IN IP4 0.0.0.0"]
    for broken in ("v=0\n", "v=0"):
        with pytest.raises(ValueError, match="CRLF"):
            form_of(broken)


def test_there_are_sidebands(shared: Path) -> None:
    assert SIDEBANDS, f"no recording of a sideband in {shared}"


@pytest.mark.parametrize("recording", SIDEBANDS, ids=lambda path: path.stem)
async def test_sideband_of_a_page_gets_the_same_from_the_emulator(recording: Path) -> None:
    unexplained = [str(found) for found in await compare(recording) if found.known is None]
    assert unexplained == []


async def test_sideband_has_the_session_of_its_call(shared: Path) -> None:
    (recording,) = SIDEBANDS
    updated = (await replay(recording))[0]
    assert updated["type"] == "session.updated"
    assert re.match(r"sess_u\d_[0-9A-Za-z]+\Z", updated["session"]["id"])
