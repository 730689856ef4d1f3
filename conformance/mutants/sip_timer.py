"""Wrong session timers."""

from . import mutant
from .messages import is_request, sends, status_of, with_value, without

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
]
