"""Offers that are answered wrongly, or not taken in every form; pages that may not call."""

from dataclasses import replace
from typing import Any

from ringback.emulator.faults.plan import Fault, HttpExchange

from . import EVERYTHING, mutant
from .answers import is_offer, request_header, to_offer, with_header
from .told import at, put, told

BY_CALL_ID = {f"WEBRTC-SIDEBAND-{number:02d}" for number in (1, 3, 4, 5, 6)} | {"WEBRTC-HANGUP-01", "WEBRTC-HANGUP-02"}
"""What needs the call id."""


def _location(change: str) -> Any:
    def other(exchange: HttpExchange) -> HttpExchange:
        found = next(value for name, value in exchange.headers if name.lower() == "location")
        return with_header(exchange, "Location", change.format(found))

    return to_offer("", other)


def _has(name: str) -> Any:
    return lambda exchange: request_header(exchange, "Content-Type").startswith(name)


def _refuses(which: Any) -> Fault:
    """Offers of a kind are answered with 400, and their call is left alone."""
    return to_offer("", lambda each: replace(each, status=400) if which(each) else each)


def _serves_once() -> Fault:
    """A client secret is good for one offer."""
    used: set[str] = set()

    def other(exchange: HttpExchange) -> HttpExchange:
        key = request_header(exchange, "Authorization")
        if not is_offer(exchange) or not key.startswith("Bearer ek_"):
            return exchange
        if key in used:
            return replace(exchange, status=401)
        used.add(key)
        return exchange

    return Fault(name="", http=other)


def _without(exchange: HttpExchange, header: str) -> HttpExchange:
    kept = tuple(each for each in exchange.headers if each[0].lower() != header)
    return replace(exchange, headers=kept)


def _preflight_without_headers(exchange: HttpExchange) -> HttpExchange:
    return _without(exchange, "access-control-allow-headers") if exchange.method == "OPTIONS" else exchange


def _other_instructions(text: str) -> dict[str, Any]:
    return dict(
        told(
            "session.updated",
            lambda event: put(event, "Be yourself.", "session", "instructions"),
            where=lambda event: at(event, "session", "instructions") == text,
        )
    )


MUTANTS = [
    mutant(
        "offer-answered-200",
        "WEBRTC-CREATE-01",
        "An offer is answered with 200.",
        to_offer("", lambda each: replace(each, status=200)),
        also=EVERYTHING,
    ),
    mutant(
        "location-without-id",
        "WEBRTC-CREATE-02",
        "Location ends with a slash behind the call id.",
        _location("{}/"),
        also=BY_CALL_ID,
    ),
    mutant("location-absolute", "WEBRTC-CREATE-03", "Location is absolute.", _location("https://api.example{}")),
    mutant(
        "bare-sdp-refused",
        "WEBRTC-CREATE-05",
        "A bare SDP is refused.",
        _refuses(_has("application/sdp")),
        also={"WEBRTC-CREATE-06", "WEBRTC-CREATE-12"},
    ),
    mutant(
        "secret-without-session",
        "WEBRTC-CREATE-06",
        "The session of a client secret is not that of the call.",
        **_other_instructions("Speak like a pirate."),
    ),
    mutant(
        "form-without-types-refused",
        "WEBRTC-CREATE-07",
        "A form whose parts have no content type is refused.",
        _refuses(lambda each: _has("multipart/")(each) and b"Content-Type:" not in each.request_body),
    ),
    mutant(
        "form-without-session",
        "WEBRTC-CREATE-08",
        "The session of the form is not that of the call.",
        **_other_instructions("Speak like a sailor."),
    ),
    mutant(
        "secret-for-one-call",
        "WEBRTC-CREATE-12",
        "A client secret opens one call.",
        Fault(name="", fresh=_serves_once),
    ),
    mutant(
        "secret-goes-before-the-form",
        "WEBRTC-CREATE-13",
        "The session of a form beside a client secret is not that of the call.",
        **_other_instructions("Speak like a miner."),
    ),
    mutant(
        "preflight-without-headers",
        "WEBRTC-CORS-01",
        "A pre-flight grants no headers.",
        http=_preflight_without_headers,
        is_alone=True,
    ),
    mutant(
        "answer-of-one-origin",
        "WEBRTC-CORS-02",
        "No other page may read an answer.",
        http=lambda each: _without(each, "access-control-allow-origin") if is_offer(each) else each,
    ),
]
