"""How long one INVITE takes to read: `python tests/benchmarks/bench_sip_parse.py`."""

import itertools
import timeit
from collections.abc import Callable

import sipmessage
from machine import describe, spread
from ringback.emulator.sip.message import Request
from ringback.emulator.sip.parser import StreamParser, parse_datagram

RUNS = 9
OURS = "ours, a datagram, with everything checked that is acted upon"
TARGETS = {OURS: "≤ 15 where sipmessage takes 17.6"}

BODY = (
    b"v=0\r\no=- 3911 3911 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
)
INVITE = (
    b"INVITE sip:proj_abcdefghijklmnopqrstuvwx@127.0.0.1:5061;transport=tls SIP/2.0\r\n"
    b"Via: SIP/2.0/TLS 192.0.2.10:45678;rport;branch=z9hG4bKPj4f1a2b3c4d5e6f;alias\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Alice" <sip:+15551234567@example.com>;tag=8f3a1b2c\r\n'
    b"To: <sip:proj_abcdefghijklmnopqrstuvwx@127.0.0.1>\r\n"
    b"Contact: <sip:alice@192.0.2.10:45678;transport=TLS;ob>\r\n"
    b"Call-ID: 6b5c1d2e-0f3a-4b8c-9d7e-1a2b3c4d5e6f\r\n"
    b"CSeq: 27205 INVITE\r\n"
    b"Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS\r\n"
    b"Supported: replaces, 100rel, timer, norefersub\r\n"
    b"Session-Expires: 1800\r\n"
    b"User-Agent: PJSUA v2.13\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY


DISTINCT = 3000
"""More callers than any cache of the parser holds."""


def invites() -> list[bytes]:
    """Each from another caller, for another call."""
    return [
        INVITE.replace(b"8f3a1b2c", b"%08x" % number)
        .replace(b"+15551234567", b"+1555%07d" % number)
        .replace(b"Pj4f1a2b3c4d5e6f", b"Pj%014x" % number)
        .replace(b"6b5c1d2e-", b"%08x-" % number)
        .replace(b"192.0.2.10:45678", b"192.0.2.10:%d" % (20000 + number))
        for number in range(DISTINCT)
    ]


def rows(runs: int = RUNS) -> list[tuple[str, float, float, float]]:
    """Name, then smallest, median and largest in microseconds: of another library's parser, and of ours."""
    readers: dict[str, Callable[[bytes], object]] = {
        "sipmessage, which checks nothing": sipmessage.Message.parse,
        OURS: parse_datagram,
        "ours, a stream": _stream_reader(),
        "ours, and what a dialog asks of it": read_and_use,
    }
    found = []
    for name, read in readers.items():
        messages = itertools.cycle(invites())
        times = timeit.repeat(lambda read=read, messages=messages: read(next(messages)), number=DISTINCT, repeat=runs)
        found.append((name, *spread([seconds / DISTINCT * 1e6 for seconds in times])))
    return found


def _stream_reader() -> Callable[[bytes], object]:
    parser = StreamParser()

    def read(data: bytes) -> object:
        parser.feed(data)
        return parser.next_message()

    return read


def read_and_use(data: bytes) -> object:
    """What the transaction and dialog layers ask of a new INVITE."""
    request = parse_datagram(data)
    if not isinstance(request, Request) or request.contact is None:
        raise AssertionError("this is an INVITE")
    _ = request.via.branch, request.call_id, request.cseq, request.from_.tag, request.to.tag
    return request.uri.user, request.contact.uri, request.record_routes, request.require


if __name__ == "__main__":
    print(describe())
    for name, low, median, high in rows():
        print(f"{name:60} {median:6.2f} µs   ({low:.2f} to {high:.2f})   {TARGETS.get(name, '')}")
