"""Wrong session timers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .messages import is_request, sends, status_of, value, with_value, without


def _nothing_after_update() -> Mapping[str, Any]:
    updated: set[str] = set()

    def drop(data: bytes) -> Sequence[bytes]:
        if is_request(data, "UPDATE"):
            updated.add(value(data, "Call-ID"))
        return [] if is_request(data, "INVITE") and value(data, "Call-ID") in updated else [data]

    return {"sip_out": drop}


def _one_invite_for_each_call() -> Mapping[str, Any]:
    invited: dict[str, str] = {}

    def drop(data: bytes) -> Sequence[bytes]:
        if not is_request(data, "INVITE"):
            return [data]
        number = value(data, "CSeq")
        return [data] if invited.setdefault(value(data, "Call-ID"), number) == number else []

    return {"sip_out": drop}


def _pcmu_first(data: bytes) -> bytes:
    if not is_request(data, "INVITE"):
        return data
    return re.sub(rb"(m=audio \d+ RTP/AVP)((?: \d+)*) 0( |\r)", rb"\1 0\2\3", data, count=1)


MUTANTS = [
    mutant(
        "timer-without-refresher",
        "SIP-TIMER-01",
        "Session-Expires in the 200 says nothing of the refresher.",
        **sends(lambda data: with_value(data, "Session-Expires", "1800") if status_of(data, "INVITE") == 200 else data),
    ),
    mutant(
        "timer-not-required",
        "SIP-TIMER-02",
        "The 200 that makes the caller refresh does not require timer.",
        **sends(lambda data: without(data, "Require") if status_of(data, "INVITE") == 200 else data),
    ),
    mutant(
        "no-least-interval",
        "SIP-TIMER-03",
        "A 422 has no Min-SE.",
        **sends(lambda data: without(data, "Min-SE") if status_of(data) == 422 else data),
    ),
    mutant(
        "refresh-unheard",
        "SIP-TIMER-04",
        "The 200 to a refresh has no Session-Expires.",
        **sends(lambda data: without(data, "Session-Expires") if status_of(data, "UPDATE") == 200 else data),
    ),
    mutant(
        "never-refreshes",
        "SIP-TIMER-05",
        "The UPDATE that refreshes is not sent.",
        **sends(lambda data: None if is_request(data, "UPDATE") else data),
    ),
    mutant(
        "refreshes-by-update-alone",
        "SIP-TIMER-07",
        "The re-INVITE that refreshes is not sent.",
        **sends(lambda data: None if is_request(data, "INVITE") else data),
    ),
    mutant(
        "refreshes-in-another-codec",
        "SIP-TIMER-10",
        "The re-INVITE that refreshes offers PCMU first.",
        **sends(_pcmu_first),
    ),
    mutant(
        "gives-up-after-405",
        "SIP-TIMER-08",
        "After a 405 to UPDATE no re-INVITE is sent.",
        remembering("", _nothing_after_update),
    ),
    mutant(
        "gives-up-after-glare",
        "SIP-TIMER-09",
        "After a 491 no re-INVITE is sent again.",
        remembering("", _one_invite_for_each_call),
    ),
]
