"""Refusals of offers with the wrong status or an envelope of their own."""

import json
from collections.abc import Callable
from dataclasses import replace

from ringback.emulator.faults.plan import Fault, HttpExchange

from . import mutant
from .answers import is_offer, request_header


def _refusal(change: Callable[[HttpExchange], HttpExchange]) -> Fault:
    return Fault(name="", http=lambda each: change(each) if is_offer(each) and each.status >= 400 else each)


def _has_key(exchange: HttpExchange) -> bool:
    return bool(request_header(exchange, "Authorization"))


def _without_param(exchange: HttpExchange) -> HttpExchange:
    error = json.loads(exchange.body)["error"]
    kept = {name: value for name, value in error.items() if name != "param"}
    return replace(exchange, body=json.dumps({"error": kept}).encode())


MUTANTS = [
    mutant(
        "no-sdp-our-fault",
        "WEBRTC-REFUSAL-01",
        "A form without an SDP is answered with 500.",
        _refusal(lambda each: replace(each, status=500) if b'name="sdp"' not in each.request_body else each),
    ),
    mutant(
        "refusal-without-param",
        "WEBRTC-REFUSAL-02",
        "The error of a refused offer has no param.",
        _refusal(_without_param),
    ),
    mutant(
        "any-field-taken",
        "WEBRTC-REFUSAL-14",
        "A form may have any field.",
        _refusal(lambda each: replace(each, status=201) if b'name="nonsense"' in each.request_body else each),
    ),
    mutant(
        "offer-of-nobody-forbidden",
        "WEBRTC-REFUSAL-06",
        "An offer with an unknown key is answered with 403.",
        _refusal(lambda each: replace(each, status=403) if each.status == 401 and _has_key(each) else each),
        is_alone=True,
    ),
    mutant(
        "offer-without-key-forbidden",
        "WEBRTC-REFUSAL-07",
        "An offer without a key is answered with 403.",
        _refusal(lambda each: replace(each, status=403) if each.status == 401 and not _has_key(each) else each),
        is_alone=True,
    ),
]
