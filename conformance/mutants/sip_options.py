"""Wrong answers to OPTIONS."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .messages import is_request, sends, status_of, value, with_header, with_method, with_status, with_tag


def _answers(change: Callable[[bytes], bytes], *, inside: bool) -> Callable[[], Mapping[str, Any]]:
    """Answers to OPTIONS inside calls, or outside, are what `change` makes of them."""

    def make() -> Mapping[str, Any]:
        calls: set[str] = set()

        def note(data: bytes) -> Sequence[bytes]:
            if is_request(data, "INVITE"):
                calls.add(value(data, "Call-ID"))
            return [data]

        def answer(data: bytes) -> Sequence[bytes]:
            is_struck = status_of(data, "OPTIONS") == 200 and (value(data, "Call-ID") in calls) is inside
            return [change(data) if is_struck else data]

        return {"sip_in": note, "sip_out": answer}

    return make


def _second_answer_differs() -> Mapping[str, Any]:
    seen: set[str] = set()

    def answer(data: bytes) -> Sequence[bytes]:
        if status_of(data, "OPTIONS") != 200:
            return [data]
        call = value(data, "Call-ID")
        is_first = call not in seen
        seen.add(call)
        return [data if is_first else with_tag(data, "To", "second")]

    return {"sip_out": answer}


def _rings(data: bytes) -> Sequence[bytes]:
    if not is_request(data, "OPTIONS") or ";tag=" in value(data, "To"):
        return [data]
    invite = with_method(data, "INVITE")
    return [data, invite if value(invite, "Contact") else with_header(invite, "Contact", "<sip:phone@192.0.2.1>")]


MUTANTS = [
    mutant(
        "options-answered-202",
        "SIP-OPTIONS-01",
        "An OPTIONS is answered with 202.",
        remembering("", _answers(lambda data: with_status(data, 202, "Accepted"), inside=False)),
        also={"SIP-OPTIONS-06"},
    ),
    mutant(
        "options-without-tag",
        "SIP-OPTIONS-05",
        "The answer to OPTIONS has no tag in To.",
        **sends(lambda data: with_tag(data, "To", "") if status_of(data, "OPTIONS") == 200 else data),
    ),
    mutant(
        "options-answered-anew",
        "SIP-OPTIONS-06",
        "An OPTIONS that comes again gets another response.",
        remembering("", _second_answer_differs),
    ),
    mutant("options-rings", "SIP-OPTIONS-07", "An OPTIONS is a call as well.", sip_in=_rings),
    mutant(
        "options-in-a-call-refused",
        "SIP-OPTIONS-08",
        "An OPTIONS in a call is answered with 481.",
        remembering("", _answers(lambda data: with_status(data, 481, "Unknown"), inside=True)),
    ),
]
