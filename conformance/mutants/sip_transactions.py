"""Wrong transactions of INVITE and ACK."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import Mutant, mutant, remembering
from .messages import is_over, is_request, status_of, value, with_method, with_status, with_tag, with_value, without


def _final(data: bytes) -> bool:
    return (status_of(data, "INVITE") or 0) >= 300


def _only_once(which: Callable[[bytes], bool]) -> Callable[[], Mapping[str, Any]]:
    """Of these messages each call gets the first only."""

    def make() -> Mapping[str, Any]:
        seen: set[tuple[str, bytes]] = set()

        def once(data: bytes) -> Sequence[bytes]:
            if not which(data):
                return [data]
            key = value(data, "Call-ID"), data[:12]
            is_first = key not in seen
            seen.add(key)
            return [data] if is_first else []

        return {"sip_out": once}

    return make


def _deaf_for_the_first_ack(of: Callable[[bytes], bool]) -> Callable[[], Mapping[str, Any]]:
    """The first ACK of a call that was answered so is not heard."""

    def make() -> Mapping[str, Any]:
        waiting: set[str] = set()
        deaf: set[str] = set()

        def note(data: bytes) -> Sequence[bytes]:
            call = value(data, "Call-ID")
            if of(data) and call not in deaf:
                waiting.add(call)
            return [data]

        def lose(data: bytes) -> Sequence[bytes]:
            call = value(data, "Call-ID")
            if not is_request(data, "ACK") or call not in waiting:
                return [data]
            waiting.discard(call)
            deaf.add(call)
            return []

        return {"sip_out": note, "sip_in": lose}

    return make


def _repetition_is_new() -> Mapping[str, Any]:
    seen: dict[str, int] = {}

    def renew(data: bytes) -> Sequence[bytes]:
        if not is_request(data, "INVITE"):
            return [data]
        call = value(data, "Call-ID")
        seen[call] = seen.get(call, 0) + 1
        if seen[call] == 1:
            return [data]
        branch = f";branch=z9hG4bKagain{seen[call]}"
        other = with_value(data, "Via", re.sub(r";branch=[^;,\s]+", branch, value(data, "Via"), count=1))
        return [with_tag(other, "From", f"again{seen[call]}")]

    return {"sip_in": renew}


def _second_ack_hangs_up() -> Mapping[str, Any]:
    seen: set[str] = set()

    def hang_up(data: bytes) -> Sequence[bytes]:
        if not is_request(data, "ACK"):
            return [data]
        call = value(data, "Call-ID")
        is_first = call not in seen
        seen.add(call)
        return [data] if is_first else [with_method(data, "BYE", sequence=99999)]

    return {"sip_in": hang_up}


def _stray_ack_is_a_request() -> Mapping[str, Any]:
    calls: set[str] = set()

    def read(data: bytes) -> Sequence[bytes]:
        if is_request(data, "INVITE"):
            calls.add(value(data, "Call-ID"))
        is_stray = is_request(data, "ACK") and value(data, "Call-ID") not in calls
        return [with_method(data, "INFO") if is_stray else data]

    return {"sip_in": read}


def _never_given_up() -> Mapping[str, Any]:
    acknowledged: set[str] = set()

    def note(data: bytes) -> Sequence[bytes]:
        if is_request(data, "ACK"):
            acknowledged.add(value(data, "Call-ID"))
        return [data]

    def keep(data: bytes) -> Sequence[bytes]:
        return [] if is_request(data, "BYE") and value(data, "Call-ID") not in acknowledged else [data]

    return {"sip_in": note, "sip_out": keep}


def _sends(name: str, breaks: str, says: str, change: Callable[[bytes], bytes | None], *also: str) -> Mutant:
    """Each outgoing message is what `change` makes of it; None: it is not sent."""

    def passed(data: bytes) -> Sequence[bytes]:
        changed = change(data)
        return [] if changed is None else [changed]

    return mutant(name, breaks, says, also=also, sip_out=passed)


def _without_second_via(data: bytes) -> bytes:
    if not _final(data):
        return data
    first, others = value(data, "Via"), without(data, "Via")
    return with_value(others, "Via", first) if value(others, "Via") else data


MUTANTS = [
    _sends(
        "invite-without-trying",
        "SIP-INVITE-01",
        "No 100 is sent.",
        lambda data: None if status_of(data) == 100 else data,
        "SIP-INVITE-06",
        "SIP-INVITE-07",
    ),
    _sends("response-with-one-via", "SIP-INVITE-02", "A refusal has only one of the Via headers.", _without_second_via),
    _sends(
        "response-with-bare-from",
        "SIP-INVITE-03",
        "The parameters of the URI in From are lost.",
        lambda data: with_value(data, "From", value(data, "From").replace(";x=1", "")) if _final(data) else data,
    ),
    _sends(
        "response-without-tag",
        "SIP-INVITE-04",
        "A refusal has no tag in To.",
        lambda data: with_tag(data, "To", "") if _final(data) else data,
    ),
    _sends(
        "ringing-of-another-tag",
        "SIP-INVITE-05",
        "The 180 has another tag in To than the 200.",
        lambda data: with_tag(data, "To", "ringing") if status_of(data, "INVITE") == 180 else data,
    ),
    _sends(
        "trying-without-timestamp",
        "SIP-INVITE-06",
        "The 100 has no Timestamp.",
        lambda data: without(data, "Timestamp") if status_of(data) == 100 else data,
    ),
    mutant(
        "provisional-only-once",
        "SIP-INVITE-07",
        "An INVITE that comes again while it waits gets nothing.",
        remembering("", _only_once(lambda data: 100 <= (status_of(data, "INVITE") or 0) < 200)),
    ),
    mutant(
        "repeated-invite-is-new",
        "SIP-INVITE-08",
        "An INVITE that comes again is another call.",
        remembering("", _repetition_is_new),
        also={"SIP-INVITE-07", "SIP-INVITE-17"},
    ),
    mutant(
        "success-once-over-udp",
        "SIP-INVITE-09",
        "A 200 over UDP is sent once.",
        remembering("", _only_once(lambda data: status_of(data, "INVITE") == 200 and is_over(data, "UDP"))),
    ),
    mutant(
        "success-once-over-streams",
        "SIP-INVITE-10",
        "A 200 over TLS or TCP is sent once.",
        remembering("", _only_once(lambda data: status_of(data, "INVITE") == 200 and not is_over(data, "UDP"))),
    ),
    mutant(
        "success-in-spite-of-ack",
        "SIP-INVITE-11",
        "A 200 is sent again although it was acknowledged.",
        remembering("", _deaf_for_the_first_ack(lambda data: status_of(data, "INVITE") == 200)),
        also={"SIP-ACK-02"},
    ),
    mutant(
        "refusal-once-over-udp",
        "SIP-INVITE-12",
        "A refusal over UDP is sent once.",
        remembering("", _only_once(lambda data: _final(data) and is_over(data, "UDP"))),
    ),
    mutant(
        "refusal-in-spite-of-ack",
        "SIP-INVITE-13",
        "A refusal is sent again although it was acknowledged.",
        remembering("", _deaf_for_the_first_ack(_final)),
    ),
    _sends(
        "merged-invite-is-busy",
        "SIP-INVITE-17",
        "The same INVITE by another way is refused with 486 instead of 482.",
        lambda data: with_status(data, 486, "Busy Here") if status_of(data) == 482 else data,
    ),
    mutant(
        "ack-is-answered",
        "SIP-ACK-01",
        "An ACK that fits nothing is answered with 481.",
        remembering("", _stray_ack_is_a_request),
    ),
    mutant(
        "second-ack-hangs-up",
        "SIP-ACK-02",
        "An ACK that comes again ends the call.",
        remembering("", _second_ack_hangs_up),
    ),
    mutant(
        "unacknowledged-call-goes-on",
        "SIP-INVITE-16",
        "A call whose 200 nobody acknowledges gets no BYE.",
        remembering("", _never_given_up),
    ),
]
