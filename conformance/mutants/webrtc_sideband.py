"""Sidebands of WebRTC calls that are not let in, or not told; pages that are not told."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ringback.emulator.faults.plan import HttpExchange

from . import mutant
from .answers import of_web_calls
from .told import Event

PAGE, SIDEBAND = 1, 2
"""Numbers of the channels of a WebRTC call: the page's is there first."""


def _keeps(channel: int, *types: str) -> dict[str, Any]:
    """Events of these types are kept from a channel."""

    def tell(number: int, event: Event) -> Sequence[Event]:
        return [] if number == channel and event.get("type") in types else [event]

    return {"channel_event": tell}


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
        **_keeps(SIDEBAND, "session.updated"),
    ),
    mutant(
        "function-call-untold",
        "WEBRTC-SIDEBAND-04",
        "The sideband beside a page is not told of function calls.",
        **_keeps(SIDEBAND, "response.function_call_arguments.done"),
    ),
    mutant(
        "pages-response-untold",
        "WEBRTC-SIDEBAND-05",
        "The sideband beside a page is not told the end of responses.",
        also={"WEBRTC-SIDEBAND-04", "WEBRTC-SIDEBAND-06"},
        **_keeps(SIDEBAND, "response.done"),
    ),
    mutant(
        "sidebands-response-untold",
        "WEBRTC-SIDEBAND-06",
        "The page is not told the end of responses.",
        also={"WEBRTC-SIDEBAND-05", "WEBRTC-EVENT-03", "WEBRTC-EVENT-05"},
        **_keeps(PAGE, "response.done"),
    ),
]
