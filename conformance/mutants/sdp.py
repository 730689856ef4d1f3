"""Wrong answers to offers, and changes of a call that are not heard."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import EVERYTHING, mutant, remembering
from .messages import body_of, hears, is_request, sends, status_of, value, with_body, without

AUDIO = re.compile(rb"m=audio (\d+)")
ORIGIN = re.compile(rb"(?m)^o=.*\r\n")


def _answers(pattern: str, new: str) -> dict[str, Any]:
    """The SDP of each 200 to an INVITE, with something else in the place of what matches."""

    def change(data: bytes) -> bytes:
        if status_of(data, "INVITE") != 200:
            return data
        body = body_of(data)
        changed = re.sub(pattern.encode(), new.encode(), body)
        return data if changed == body else with_body(data, changed)

    return sends(change)


def _offers(pattern: str, new: str) -> dict[str, Any]:
    """The SDP of each INVITE, with something else in the place of what matches."""

    def change(data: bytes) -> bytes:
        if not is_request(data, "INVITE"):
            return data
        body = body_of(data)
        changed = re.sub(pattern.encode(), new.encode(), body)
        return data if changed == body else with_body(data, changed)

    return hears(change)


def _bare(data: bytes) -> bytes:
    """The same message without its SDP."""
    return without(with_body(data, b""), "Content-Type")


def _answers_to(is_meant: Callable[[bytes], bool], change: Callable[[bytes], bytes]) -> Callable[[], Mapping[str, Any]]:
    """Answers to such INVITEs are changed."""

    def make() -> Mapping[str, Any]:
        meant: set[str] = set()

        def note(data: bytes) -> Sequence[bytes]:
            if is_request(data, "INVITE") and is_meant(data):
                meant.add(value(data, "Call-ID"))
            return [data]

        def answer(data: bytes) -> Sequence[bytes]:
            is_struck = status_of(data, "INVITE") == 200 and value(data, "Call-ID") in meant
            return [change(data) if is_struck else data]

        return {"sip_in": note, "sip_out": answer}

    return make


def _first_stays(what: re.Pattern[bytes], hook: str) -> Callable[[], Mapping[str, Any]]:
    """In later INVITEs, or in the answers to them, stands what the first one had."""

    def make() -> Mapping[str, Any]:
        firsts: dict[str, bytes] = {}

        def change(data: bytes) -> Sequence[bytes]:
            is_meant = is_request(data, "INVITE") if hook == "sip_in" else status_of(data, "INVITE") == 200
            found = what.search(body_of(data)) if is_meant else None
            if found is None:
                return [data]
            first = firsts.setdefault(value(data, "Call-ID"), found[0])
            return [with_body(data, what.sub(lambda _: first, body_of(data)))]

        return {hook: change}

    return make


def _hold_stays() -> Mapping[str, Any]:
    held: set[str] = set()

    def change(data: bytes) -> Sequence[bytes]:
        call, body = value(data, "Call-ID"), body_of(data)
        if is_request(data, "INVITE") and b"a=sendonly" in body:
            held.add(call)
        elif is_request(data, "INVITE") and call in held:
            return [with_body(data, body.replace(b"a=sendrecv", b"a=sendonly"))]
        return [data]

    return {"sip_in": change}


def _takes_a_law(data: bytes) -> bytes:
    return with_body(data, body_of(data).replace(b"RTP/AVP 0 ", b"RTP/AVP 8 "))


MUTANTS = [
    mutant(
        "audio-rejected",
        "SDP-ANSWER-01",
        "The audio line of an answer has port 0.",
        also=EVERYTHING,
        **_answers(r"m=audio \d+", "m=audio 0"),
    ),
    mutant("video-forgotten", "SDP-ANSWER-03", "Video has no line in the answer.", **_answers(r"(?s)m=video.*", "")),
    mutant("video-taken", "SDP-ANSWER-04", "Video gets a port.", **_answers("m=video 0", "m=video 5004")),
    mutant(
        "other-protocol", "SDP-ANSWER-05", "RTP/AVP is answered with RTP/AVPF.", **_answers("RTP/AVP ", "RTP/AVPF ")
    ),
    mutant(
        "mu-law-for-a-law", "SDP-ANSWER-06", "PCMA alone is answered with PCMU.", **_answers("RTP/AVP 8 ", "RTP/AVP 0 ")
    ),
    mutant(
        "a-law-for-mu-law",
        "SDP-ANSWER-07",
        "PCMU alone is answered with PCMA.",
        remembering("", _answers_to(lambda data: b"RTP/AVP 0 101" in body_of(data), _takes_a_law)),
    ),
    *(
        mutant(
            f"{offered}-unseen",
            f"SDP-ANSWER-{number:02d}",
            f"{offered} is answered sendrecv.",
            **_answers(f"a={answered}", "a=sendrecv"),
        )
        for number, offered, answered in (
            (9, "sendonly", "recvonly"),
            (10, "recvonly", "sendonly"),
            (11, "inactive", "inactive"),
        )
    ),
    mutant("no-session-name", "SDP-ANSWER-12", "An answer has no s= line.", **_answers(r"s=.*\r\n", "")),
    mutant("other-time", "SDP-ANSWER-13", "The t= line of an answer is its own.", **_answers("t=0 0", "t=1 0")),
    mutant(
        "strange-attributes-refused",
        "SDP-ANSWER-14",
        "An offer with an unknown attribute is refused.",
        **_offers(r"(?s)RTP/AVP [\d ]+(?=.*a=unheard-of)", "RTP/AVP 18"),
    ),
    mutant(
        "nothing-offered",
        "SDP-ANSWER-15",
        "The 200 to an INVITE without an offer has none either.",
        remembering("", _answers_to(lambda data: not body_of(data), _bare)),
    ),
    mutant(
        "hope-without-reason",
        "SDP-REFUSAL-01",
        "An offer of G.729 alone is taken for one of PCMU.",
        **_offers("RTP/AVP 18", "RTP/AVP 0"),
    ),
    mutant(
        "version-stays",
        "SDP-CHANGE-01",
        "The version in o= is the same in all answers.",
        remembering("", _first_stays(ORIGIN, "sip_out")),
    ),
    mutant(
        "hold-unheard",
        "SDP-CHANGE-02",
        "A hold is not heard.",
        also={"SDP-CHANGE-01", "SIP-OFFER-01"},
        **_offers("a=sendonly", "a=sendrecv"),
    ),
    mutant(
        "null-address-unheard",
        "SDP-CHANGE-03",
        "0.0.0.0 is no hold.",
        **_offers("IP4 0.0.0.0", "IP4 127.0.0.1"),
    ),
    mutant(
        "inactive-unheard",
        "SDP-CHANGE-04",
        "inactive is not heard.",
        also={"SIP-OFFER-02"},
        **_offers("a=inactive", "a=sendrecv"),
    ),
    mutant("hold-stays", "SDP-CHANGE-05", "A hold never ends.", remembering("", _hold_stays)),
    mutant(
        "port-stays",
        "SDP-CHANGE-06",
        "A new port of the caller is not heard.",
        remembering("", _first_stays(AUDIO, "sip_in")),
    ),
]
