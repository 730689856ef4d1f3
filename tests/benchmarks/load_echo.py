"""What asyncio alone can do under the same load: an answer to each request, by its text. `load_echo.py FILE`.

No transaction, dialog, timer, journal or check: a bound for whatever is written in Python on asyncio's datagrams.
"""

import asyncio
import re
import signal
import sys
from pathlib import Path
from typing import cast

from ready import HOST, PROJECT, write

_COPIED = re.compile(rb"(?:Via|From|To|Call-ID|CSeq): [^\r\n]*\r\n")
_BODY = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data.startswith(b"INVITE"):
            copied = _COPIED.findall(data)
            self._answer(b"100 Trying", copied, addr)
            copied = [line[:-2] + b";tag=echo\r\n" if line.startswith(b"To:") else line for line in copied]
            self._answer(b"180 Ringing", copied, addr)
            contact = b"Contact: <sip:echo@127.0.0.1>\r\nContent-Type: application/sdp\r\n"
            self._answer(b"200 OK", [*copied, contact], addr, _BODY)
        elif data.startswith(b"BYE"):
            self._answer(b"200 OK", _COPIED.findall(data), addr)

    def _answer(self, status: bytes, lines: list[bytes], addr: tuple[str, int], body: bytes = b"") -> None:
        head = b"SIP/2.0 %s\r\n%sContent-Length: %d\r\n\r\n" % (status, b"".join(lines), len(body))
        self._transport.sendto(head + body, addr)


async def main(file: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=(HOST, 0))
    port = transport.get_extra_info("sockname")[1]
    write(file, {"sip": {"udp": f"sip:{PROJECT}@{HOST}:{port};transport=udp"}})
    await stop.wait()
    transport.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
