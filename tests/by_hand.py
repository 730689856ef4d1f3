"""SIP and HTTP by hand-written bytes on bare sockets, each message with the kernel's receive time stamp.

Everything blocks, with a time-out: call it in a thread. It shares no code with either half, and builds what those
refuse to build.
"""

import itertools
import json
import re
import socket
import struct
from dataclasses import dataclass, field
from typing import Any, Self

PATIENCE = 30.0
SO_TIMESTAMPNS = 35
"""From Linux's asm-generic/socket.h; Python has no name for it. The ancillary message has the same number."""
TIMESPEC = struct.Struct("@ll")
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Stamped:
    """What one `recvmsg` gave. `at` is the kernel's time in nanoseconds; on TCP that of the last segment in `data`."""

    at: int
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode("latin-1")

    @property
    def status(self) -> int:
        """Of a SIP or HTTP response; 0 for a request."""
        found = re.match(r"(?:SIP/2\.0|HTTP/1\.1) (\d{3})", self.text)
        return int(found[1]) if found else 0

    def header(self, name: str) -> str:
        found = re.search(rf"^{name}:[ \t]*(.*?)\r$", self.text, re.IGNORECASE | re.MULTILINE)
        assert found is not None, f"no {name} in {self.text}"
        return found[1]


def stamp(sock: socket.socket) -> None:
    """From now on the kernel notes when something arrives at `sock`."""
    sock.settimeout(PATIENCE)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def receive(sock: socket.socket) -> Stamped:
    """The next datagram, or what a stream has."""
    data, ancillary, _, _ = sock.recvmsg(65536, socket.CMSG_SPACE(TIMESPEC.size))
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = TIMESPEC.unpack(value)
            return Stamped(seconds * 1_000_000_000 + nanoseconds, data)
    return Stamped(0, data)


@dataclass
class HandCall:
    """One INVITE over UDP and what follows. `seen` has every message in order of its arrival."""

    address: tuple[str, int]
    project: str = "proj_ringback"
    seen: list[Stamped] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.number = next(_numbers)
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # nobody reads it: what fills up is dropped
        self.sip.bind(("127.0.0.1", 0))
        self.rtp.bind(("127.0.0.1", 0))
        stamp(self.sip)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sip.close()
        self.rtp.close()

    @property
    def sip_call_id(self) -> str:
        return f"by-hand-{self.number}@127.0.0.1"

    def invite(self) -> None:
        """Send the INVITE, and wait for the 100."""
        self.send(self.request("INVITE", 1, body=SDP.format(port=self.rtp.getsockname()[1])))
        self.wait_for(100)

    def request(self, method: str, cseq: int, *, to_tag: str = "", branch: str | None = None, body: str = "") -> bytes:
        port = self.sip.getsockname()[1]
        branch = branch or f"z9hG4bK-{self.number}-{method}-{cseq}"
        head = (
            f"{method} sip:{self.project}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch={branch}\r\n"
            f"From: <sip:+14255550112@127.0.0.1>;tag=h{self.number}\r\nTo: <sip:{self.project}@127.0.0.1>{to_tag}\r\n"
            f"Call-ID: {self.sip_call_id}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:hand@127.0.0.1:{port}>\r\n"
        )
        if body:
            head += "Content-Type: application/sdp\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def acknowledge(self, response: Stamped) -> None:
        """ACK: that of a refusal belongs to the INVITE's transaction, that of a 2xx is its own (RFC 3261 13.2.2.4)."""
        branch = f"z9hG4bK-{self.number}-INVITE-1" if response.status >= 300 else None
        self.send(self.request("ACK", 1, to_tag=_tag(response), branch=branch))

    def answer(self, request: Stamped, status: str) -> None:
        """Respond to a request of theirs."""
        names = ("Via", "From", "To", "Call-ID", "CSeq")
        lines = [f"{name}: {request.header(name)}" for name in names]
        self.send("\r\n".join([f"SIP/2.0 {status}", *lines, "Content-Length: 0", "", ""]).encode())

    def bye(self, response: Stamped) -> None:
        """Hang up, and wait for the 200. `response` was the one that answered."""
        self.send(self.request("BYE", 2, to_tag=_tag(response)))
        self.wait_for(200, "BYE")

    def send(self, data: bytes) -> None:
        self.sip.sendto(data, self.address)

    def wait_for(self, what: int | str, method: str = "INVITE") -> Stamped:
        """The first response with a status, to a request of `method`, or the first request with a method."""
        while True:
            for message in self.seen:
                if message.data.startswith(f"{what} ".encode()):
                    return message
                if message.status == what and message.header("CSeq").endswith(f" {method}"):
                    return message
            self.seen.append(receive(self.sip))


def _tag(response: Stamped) -> str:
    return ";tag=" + response.header("To").partition(";tag=")[2]


class HandHttp:
    """One HTTP connection that is kept. `post` sends, `answer` waits: something else may happen between them."""

    def __init__(self, address: tuple[str, int], api_key: str) -> None:
        self.api_key = api_key
        self.socket = socket.create_connection(address, PATIENCE)
        stamp(self.socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def post(self, path: str, body: Any = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: emulator\r\nAuthorization: Bearer {self.api_key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + content)

    def answer(self) -> Stamped:
        """The head and body of one answer, if they come at once; those of the verbs have no body."""
        return receive(self.socket)
