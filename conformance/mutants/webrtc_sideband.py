"""Sidebands of WebRTC calls that are not let in, or not told; pages that are not told."""

import json
from dataclasses import replace

from ringback.emulator.faults.plan import Fault, HttpExchange

from . import mutant
from .answers import of_web_calls
from .told import PAGE, channel_of_a_page

SIDEBAND = 2
"""The number of the first sideband's channel: the page's is there before."""


def _keeps(channel: int, type: str) -> Fault:
    """Events of that type are kept from a channel."""
    return channel_of_a_page(channel, type, lambda event: [])


def _not_let_in(exchange: HttpExchange) -> HttpExchange:
    if exchange.status != 101:
        return exchange
    return replace(exchange, status=404, body=json.dumps({"error": {}}).encode())


MUTANTS = [
    mutant(
        "sideband-of-a-page-refused",
        "WEBRTC-SIDEBAND-01",
        "The sideband of a WebRTC call gets 404.",
        of_web_calls("", _not_let_in),
        also={f"WEBRTC-SIDEBAND-{number:02d}" for number in (3, 4, 5, 6)},
    ),
    mutant(
        "sideband-not-updated",
        "WEBRTC-SIDEBAND-03",
        "The sideband beside a page gets no session.updated.",
        _keeps(SIDEBAND, "session.updated"),
    ),
    mutant(
        "function-call-untold",
        "WEBRTC-SIDEBAND-04",
        "The sideband beside a page is not told of function calls.",
        _keeps(SIDEBAND, "response.function_call_arguments.done"),
    ),
    mutant(
        "pages-response-untold",
        "WEBRTC-SIDEBAND-05",
        "The sideband beside a page is not told the end of responses.",
        _keeps(SIDEBAND, "response.done"),
        also={"WEBRTC-SIDEBAND-04", "WEBRTC-SIDEBAND-06"},
    ),
    mutant(
        "sidebands-response-untold",
        "WEBRTC-SIDEBAND-06",
        "The page is not told the end of responses.",
        _keeps(PAGE, "response.done"),
        also={"WEBRTC-SIDEBAND-05", "WEBRTC-EVENT-03", "WEBRTC-EVENT-05"},
    ),
]
