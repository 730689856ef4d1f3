"""How long one INVITE takes to read: `python tests/benchmarks/bench_sip_parse.py`. Prints medians in microseconds."""

import statistics
import timeit

from ringback.emulator.sip.message import Request
from ringback.emulator.sip.parser import StreamParser, parse_datagram

RUNS = 9
READINGS = 5000
GOAL = 15.0
"""Microseconds, on an idle machine."""

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


def read_datagram() -> None:
    parse_datagram(INVITE)


def read_from_stream(parser: StreamParser) -> None:
    parser.feed(INVITE)
    parser.next_message()


def read_and_use() -> None:
    """What the transaction and dialog layers ask of a new INVITE."""
    request = parse_datagram(INVITE)
    if not isinstance(request, Request) or request.contact is None:
        raise AssertionError("this is an INVITE")
    _ = request.via.branch, request.call_id, request.cseq, request.from_.tag, request.to.tag
    _ = request.uri.user, request.contact.uri, request.record_routes, request.require


def main() -> None:
    parser = StreamParser()
    cases = {
        "one INVITE of a datagram, checked": read_datagram,
        "one INVITE of a stream, checked": lambda: read_from_stream(parser),
        "the same, and what a dialog asks of it": read_and_use,
    }
    for name, read in cases.items():
        runs = [seconds / READINGS * 1e6 for seconds in timeit.repeat(read, number=READINGS, repeat=RUNS)]
        print(f"{name:40} median {statistics.median(runs):6.2f} µs, best {min(runs):6.2f} of {RUNS} runs (goal {GOAL})")


if __name__ == "__main__":
    main()
