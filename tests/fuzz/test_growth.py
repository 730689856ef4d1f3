"""Reading takes time in proportion to what is read, also where somebody has thought about how it might not.

Each family is a message of `size` pieces. Four times the pieces may take four times as long, with room for noise; a
quadratic reader takes sixteen times.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from ringback.emulator.errors import PeerError
from ringback.emulator.rtp.rtcp import Goodbye, compound
from ringback.emulator.sdp.description import parse
from ringback.emulator.sdp.offer_answer import negotiate
from ringback.emulator.sdp.webrtc_offer import parse_offer
from ringback.emulator.sip.message import Request, response_to
from ringback.emulator.sip.parser import StreamParser, parse_datagram
from webrtc_sample import AUDIO, HEAD, TRANSPORT

from .targets import MESSAGE_LIMIT, read_body, read_reports

PIECES = 1500
LIMIT = 1 << 24
ROOM = 9.0
NOTHING = 0.003
"""Seconds below which a clock says nothing."""
REPEATS = 5

START = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\nFrom: <sip:c@d>;tag=1\r\nTo: <sip:a@b>\r\n"
END = b"Call-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n"
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"


def read_message(data: bytes) -> None:
    try:
        message: object = parse_datagram(data, limit=LIMIT, fields=LIMIT)
    except PeerError as error:
        message = getattr(error, "message_head", None)
    if isinstance(message, Request):
        with suppress(PeerError):
            _ = message.contacts, message.routes, message.record_routes, message.require, message.supported
        response_to(message, 400, to_tag="t").to_bytes()


def read_byte_by_byte(data: bytes) -> None:
    parser = StreamParser(limit=LIMIT)
    for start in range(0, len(data), 7):
        parser.feed(data[start : start + 7])
        with suppress(PeerError):
            while parser.next_message() is not None:
                pass


def read_sdp(data: bytes) -> None:
    with suppress(PeerError):
        negotiate(parse(data))


def read_webrtc(data: bytes) -> None:
    with suppress(PeerError):
        parse_offer(data.decode())


FAMILIES: dict[str, tuple[Callable[[bytes], None], Callable[[int], bytes]]] = {
    "fields": (read_message, lambda size: START + b"X-Y: z\r\n" * size + END),
    "vias": (read_message, lambda size: START + b"Via: SIP/2.0/UDP c;branch=z9hG4bK1\r\n" * size + END),
    "froms": (read_message, lambda size: START + b"From: <sip:c@d>;tag=1\r\n" * size + END),
    "folds": (read_message, lambda size: START + b"X-Y: z" + b"\r\n z" * size + b"\r\n" + END),
    "blank folds": (read_message, lambda size: START + b"X-Y: z" + b"\r\n  \t" * size + b"\r\n" + END),
    "blanks": (read_message, lambda size: START + b"X-Y:" + b" \t" * size + b"\r\n" + END),
    "blanks before a colon": (read_message, lambda size: START + b"X-Y" + b" " * size + b": z\r\n" + END),
    "blanks without a colon": (read_message, lambda size: START + b"X-Y" + b" " * size + b"z\r\n" + END),
    "line feeds": (read_message, lambda size: START + b"X-Y: z\n" * size + END),
    "contacts": (read_message, lambda size: START + b"Contact: " + b"<sip:a@b>," * size + b"<sip:a@b>\r\n" + END),
    "commas": (read_message, lambda size: START + b"Contact: " + b"," * size + b"\r\n" + END),
    "quotes": (read_message, lambda size: START + b"Contact: " + b'"' * size + b",\r\n" + END),
    "backslashes": (read_message, lambda size: START + b'Contact: "' + b"\\" * size + b",\r\n" + END),
    "escaped quotes": (read_message, lambda size: START + b'Contact: "' + b'\\"' * size + b"<sip:a@b>\r\n" + END),
    "brackets": (read_message, lambda size: START + b"Contact: " + b"<" * size + b"\r\n" + END),
    "words": (read_message, lambda size: START + b"Contact: " + b"word " * size + b"\r\n" + END),
    "a long word": (read_message, lambda size: START + b"Contact: " + b"word" * size + b"\r\n" + END),
    "parameters": (read_message, lambda size: START + b"Contact: <sip:a@b>" + b";p=q" * size + b"\r\n" + END),
    "bare parameters": (read_message, lambda size: START + b"Contact: sip:a@b" + b";p" * size + b"?\r\n" + END),
    "URI parameters": (read_message, lambda size: START + b"Contact: <sip:a@b" + b";p=q" * size + b">\r\n" + END),
    "user part": (read_message, lambda size: b"INVITE sip:" + b"a;b=" * size + b" SIP/2.0\r\n" + START[24:] + END),
    "escapes": (read_message, lambda size: b"INVITE sip:" + b"%41" * size + b"@b SIP/2.0\r\n" + START[24:] + END),
    "routes": (read_message, lambda size: START + b"Record-Route: <sip:p;lr>\r\n" * size + END),
    "options": (read_message, lambda size: START + b"Require: " + b"a," * size + b"\r\n" + END),
    "digits": (read_message, lambda size: START + b"Max-Forwards: " + b"9" * size + b"\r\n" + END),
    "start line": (read_message, lambda size: b"INVITE " * size + b"\r\n" + END),
    "a slow stream": (read_byte_by_byte, lambda size: START + b"X-Y: z\r\n" * size + END),
    "a slow stream of line breaks": (read_byte_by_byte, lambda size: b"\r\n" * size),
    "a slow stream of requests": (
        read_byte_by_byte,
        lambda size: (START + b"Content-Length: 0\r\n" + END) * (size // 10),
    ),
    "media lines": (read_sdp, lambda size: SDP + b"m=video 9 RTP/AVP 0\r\n" * size),
    "audio lines": (read_sdp, lambda size: SDP + b"m=audio 9 RTP/AVP 3\r\n" * size),
    "formats": (read_sdp, lambda size: SDP + b"m=audio 9 RTP/AVP" + b" 96" * size + b"\r\na=rtpmap:96 x/8000\r\n"),
    "format maps": (read_sdp, lambda size: SDP + b"m=audio 9 RTP/AVP 96\r\n" + b"a=rtpmap:96 x/8000\r\n" * size),
    "formats with maps": (
        read_sdp,
        lambda size: SDP
        + b"m=audio 9 RTP/AVP"
        + b"".join(b" %d" % (96 + step % 32) for step in range(size))
        + b"\r\n"
        + b"".join(b"a=rtpmap:%d x/8000\r\n" % (96 + step % 32) for step in range(size)),
    ),
    "crypto lines": (
        read_sdp,
        lambda size: SDP + b"m=audio 9 RTP/SAVP 0\r\n" + b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n" * size,
    ),
    "SDP attributes": (read_sdp, lambda size: SDP + b"a=x:y\r\n" * size + b"m=audio 9 RTP/AVP 0\r\n"),
    "WebRTC sections": (read_webrtc, lambda size: (HEAD + AUDIO * (size // 5) + TRANSPORT).encode()),
    "WebRTC bundle": (
        read_webrtc,
        lambda size: (
            HEAD.replace("BUNDLE 0 1", "BUNDLE " + " ".join(map(str, range(size // 5))))
            + "".join(AUDIO.replace("mid:0", f"mid:{step}") for step in range(size // 5))
            + TRANSPORT
        ).encode(),
    ),
    "WebRTC fingerprints": (
        read_webrtc,
        lambda size: (HEAD + AUDIO + TRANSPORT + TRANSPORT.split("\r\n")[2] + "\r\n" * size).encode(),
    ),
    "reports": (read_reports, lambda size: compound([Goodbye(ssrcs=(1,))] * size)),
    "tools": (
        read_body,
        lambda size: json.dumps(
            {"type": "realtime", "tools": [{"type": "function", "name": "f", "parameters": {}}] * size}
        ).encode(),
    ),
    "keys": (read_body, lambda size: json.dumps({"type": "realtime", **{f"k{n}": n for n in range(size)}}).encode()),
    "depth": (read_body, lambda size: b'{"type":"realtime","tools":[{"type":"function","name":"f","parameters":'
              + b'{"a":' * (size // 20) + b"1" + b"}" * (size // 20) + b"}]}"),
}  # fmt: skip


def seconds(read: Callable[[bytes], None], data: bytes) -> float:
    """The least of several runs, in seconds of the processor."""
    runs = []
    for _ in range(REPEATS):
        started = time.thread_time()
        read(data)
        runs.append(time.thread_time() - started)
    return min(runs)


@pytest.mark.parametrize("family", FAMILIES)
def test_reading_takes_time_in_proportion(family: str) -> None:
    read, build = FAMILIES[family]
    small, large = seconds(read, build(PIECES)), seconds(read, build(4 * PIECES))
    assert large < max(NOTHING, ROOM * small), f"{small * 1e3:.2f} ms, and {large * 1e3:.2f} ms for four times as much"


@pytest.mark.parametrize("family", FAMILIES)
def test_largest_datagram_is_read_in_a_moment(family: str) -> None:
    """What a peer may send at once holds nobody up: 20 ms is the tick of all media."""
    read, build = FAMILIES[family]
    size = PIECES
    while len(data := build(size)) > 4 * MESSAGE_LIMIT:
        size //= 2
    assert seconds(read, data) < 0.15
