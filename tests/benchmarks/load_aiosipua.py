"""A UAS of aiosipua (PyPI), another SIP library on asyncio, under the same load: `load_aiosipua.py FILE`."""

import asyncio
import logging
import signal
import socket
import sys
from pathlib import Path

from aiosipua import IncomingCall, SipUAS, UdpSipTransport, negotiate_sdp
from ready import HOST, PROJECT, write


def answer(call: IncomingCall) -> None:
    """180, then 200 with an answer to the offer; the library has sent 100."""
    call.ringing()
    if call.sdp_offer is None:
        raise AssertionError("every call of the load has an offer")
    described, _ = negotiate_sdp(call.sdp_offer, HOST, 4000)
    call.accept(described)


async def main(file: Path) -> None:
    logging.disable()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    uas = SipUAS(UdpSipTransport(local_addr=(HOST, port)))
    uas.on_invite = answer
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    await uas.start()
    write(file, {"sip": {"udp": f"sip:{PROJECT}@{HOST}:{port};transport=udp"}})
    await stop.wait()
    await uas.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
