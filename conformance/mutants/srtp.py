"""Answers with the wrong line or key, and media that is not what the keys say."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ringback.emulator.rtp.srtp import MediaKeys, Srtp
from ringback.emulator.sdp.crypto import Crypto, first_usable
from ringback.emulator.sdp.description import parse

from . import mutant, remembering
from .messages import body_of, hears, is_request, sends, status_of, with_body

MEDIA = {f"SRTP-MEDIA-0{number}" for number in (1, 2, 3)}
REKEY = {f"SRTP-REKEY-0{number}" for number in (1, 2, 3)}
PLAIN_BYTES = 172
"""An RTP packet of 20 ms of G.711; one of SRTP is longer by its tag."""


def _crypto(body: bytes) -> Crypto | None:
    return first_usable(parse(body).media[0]) if body else None


def _answers(change: Callable[[bytes], bytes]) -> dict[str, Any]:
    """Changes the SDP of each 200 to an INVITE that has keys."""

    def changed(message: bytes) -> bytes:
        if status_of(message, "INVITE") != 200 or b"a=crypto:" not in message:
            return message
        return with_body(message, change(body_of(message)))

    return sends(changed)


def _other_suite(body: bytes) -> bytes:
    return body.replace(b"SHA1_80", b"SHA1_xx").replace(b"SHA1_32", b"SHA1_80").replace(b"SHA1_xx", b"SHA1_32")


def _echo() -> Mapping[str, Any]:
    """The key of the last offer."""
    offered: list[Crypto] = []

    def hear(message: bytes) -> Sequence[bytes]:
        crypto = _crypto(body_of(message)) if is_request(message, "INVITE") else None
        offered[:] = [crypto] if crypto is not None else offered
        return [message]

    def answer(body: bytes) -> bytes:
        return re.sub(rb"(?m)^a=crypto:[^\r\n]*", offered[0].line().encode(), body)

    return {"sip_in": hear, **_answers(answer)}


def _first_tag() -> Mapping[str, Any]:
    """Each answer has the tag of the first one."""
    tags: list[bytes] = []

    def answer(body: bytes) -> bytes:
        tags.extend(re.findall(rb"a=crypto:(\d+)", body))
        return re.sub(rb"a=crypto:\d+", b"a=crypto:" + tags[0], body)

    return _answers(answer)


def _only_the_first_line(message: bytes) -> bytes:
    if not is_request(message, "INVITE") or b"NOBODY_KNOWS" not in message:
        return message
    return with_body(message, re.sub(rb"a=crypto:(?!9 )[^\r\n]*\r\n", b"", body_of(message)))


def _old_keys() -> Mapping[str, Any]:
    """A re-INVITE with new keys is taken for one with those of the first INVITE."""
    first: list[bytes] = []

    def hear(message: bytes) -> Sequence[bytes]:
        keys = re.findall(rb"inline:\S+", body_of(message)) if is_request(message, "INVITE") else []
        if not keys:
            return [message]
        first[:] = first or keys
        fitting = iter(first)
        return [with_body(message, re.sub(rb"inline:\S+", lambda _: next(fitting), body_of(message)))]

    return {"sip_in": hear}


def _hears_plain() -> Mapping[str, Any]:
    """Plain packets of a caller are taken for ones with its key."""
    writers: list[Srtp] = []

    def hear(message: bytes) -> Sequence[bytes]:
        crypto = _crypto(body_of(message)) if is_request(message, "INVITE") else None
        if crypto is not None:
            writers[:] = [Srtp(MediaKeys(suite=crypto.suite, ours=crypto.key, theirs=crypto.key))]
        return [message]

    def take(packet: bytes) -> Sequence[bytes]:
        return [writers[0].protect(packet) if writers and len(packet) == PLAIN_BYTES else packet]

    return {"sip_in": hear, "rtp_in": take}


def _spoilt(packet: bytes) -> bytes:
    return packet if len(packet) == PLAIN_BYTES else packet[:-1] + bytes((packet[-1] ^ 1,))


MUTANTS = [
    mutant(
        "key-under-another-tag",
        "SRTP-ANSWER-01",
        "The a=crypto line of an answer has a tag that was not offered.",
        also={"SRTP-ANSWER-02", *MEDIA, *REKEY},
        **_answers(lambda body: re.sub(rb"a=crypto:\d+", b"a=crypto:77", body)),
    ),
    mutant(
        "key-for-another-suite",
        "SRTP-ANSWER-02",
        "The a=crypto line of an answer has the other suite.",
        also={"SRTP-ANSWER-01", *MEDIA, *REKEY},
        **_answers(_other_suite),
    ),
    mutant(
        "key-of-the-offer",
        "SRTP-ANSWER-03",
        "The answer has the key of the offer.",
        remembering("", _echo),
        also={*MEDIA, *REKEY},
    ),
    mutant(
        "unknown-suite-is-the-end",
        "SRTP-ANSWER-04",
        "No line is looked at behind one with an unknown suite.",
        **hears(_only_the_first_line),
    ),
    mutant(
        "one-packet-with-another-tag",
        "SRTP-MEDIA-01",
        "The fifth packet does not authenticate.",
        rtp_out=lambda packet: [_spoilt(packet)],
        nth=5,
    ),
    mutant(
        "deaf-to-srtp",
        "SRTP-MEDIA-02",
        "The packets of a caller by SRTP are not heard.",
        also={"SRTP-REKEY-02"},
        rtp_in=lambda packet: [_spoilt(packet)],
    ),
    mutant(
        "plain-where-srtp-was-agreed",
        "SRTP-MEDIA-03",
        "Plain packets are heard in a call of SRTP.",
        remembering("", _hears_plain),
    ),
    mutant(
        "first-tag-for-ever",
        "SRTP-REKEY-01",
        "Every answer of a call has the tag of the first.",
        remembering("", _first_tag),
        also={"SRTP-REKEY-02", "SRTP-REKEY-03"},
    ),
    mutant(
        "first-keys-for-ever",
        "SRTP-REKEY-02",
        "The keys of a re-INVITE are ignored.",
        remembering("", _old_keys),
    ),
    mutant(
        "held-without-keys",
        "SRTP-REKEY-03",
        "The answer to a re-INVITE that resumes has another key than the media.",
        nth=3,
        also={"SRTP-REKEY-02"},
        **_answers(lambda body: re.sub(rb"inline:....", b"inline:AAAA", body)),
    ),
    mutant(
        "srtp-is-called-rtp",
        "SRTP-WEBHOOK-01",
        "sip_media_security is rtp for every call.",
        webhook_event=lambda event: [
            {**event, "data": {**event["data"], "sip_media_security": "rtp"}} if "data" in event else event
        ],
    ),
]
