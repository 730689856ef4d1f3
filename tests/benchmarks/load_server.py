"""The emulator under load, in a process of its own: `load_server.py acceptor|emulator FILE [WEBHOOK-URL]`.

`acceptor` is the SIP side alone: endpoint, sockets, offer/answer and journal, and a few lines that accept each call.
`emulator` is all of it; without a URL it accepts the calls itself. FILE gets what `--ready-json` would write.
"""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from ready import HOST, PROJECT, write
from ringback.emulator.clock import SystemClock
from ringback.emulator.collector import settle
from ringback.emulator.config import Settings
from ringback.emulator.faults.plan import Faults
from ringback.emulator.ids import Ids
from ringback.emulator.journal import Journal
from ringback.emulator.loops import loop_factory
from ringback.emulator.sdp import description
from ringback.emulator.sdp.offer_answer import build_answer, negotiate
from ringback.emulator.sip import events as sip
from ringback.emulator.sip.endpoint import SipEndpoint
from ringback.emulator.sip.timers import Timers
from ringback.emulator.transports.deadlines import Deadlines
from ringback.emulator.transports.sip_net import SipNet
from ringback.emulator.transports.sip_record import record_message
from ringback.emulator.transports.tls import Authority

JOURNAL = 50_000


class Acceptor:
    """Accepts every call: 180, then 200 with an answer to its offer."""

    def __init__(self) -> None:
        ids = Ids(random.SystemRandom())
        self.clock = SystemClock()
        self.deadlines = Deadlines(self.clock)
        self.journal = Journal(limit=JOURNAL)
        self.endpoint = SipEndpoint(
            ids=ids,
            timers=Timers(),
            contact=lambda flow: f"sip:OAI@{flow.local[0]}:{flow.local[1]};transport={flow.transport}",
        )
        self.net = SipNet(
            self.endpoint,
            now=self.clock.now,
            on_input=self.pump,
            on_bug=print,
            faults=Faults(lambda *_: None),
            flow_limit=10_000,
            connection_limit=10_000,
            connect_timeout=5.0,
        )

    def pump(self) -> None:
        endpoint = self.endpoint
        while (event := endpoint.next_event()) is not None:
            match event:
                case sip.MessageReceived() | sip.MessageSent():
                    record_message(self.journal, event, self.clock.now())
                case sip.InviteReceived():
                    self.accept(event)
        self.net.flush()
        self.deadlines.arm(endpoint, endpoint.next_deadline(), self.handle_timer)

    def accept(self, event: sip.InviteReceived) -> None:
        now = self.clock.now()
        offer = description.parse(event.request.body)
        body = build_answer(offer, negotiate(offer), address=HOST, port=4000, session_id=1, version=1)
        self.endpoint.respond(event.invite, 180, now=now)
        self.endpoint.respond(event.invite, 200, body=body.encode(), content_type="application/sdp", now=now)

    def handle_timer(self, now: float) -> None:
        self.endpoint.handle_timer(now)
        self.pump()


async def run_acceptor(file: Path, stop: asyncio.Event) -> None:
    acceptor = Acceptor()
    with Authority() as authority:
        ports = {
            "udp": await acceptor.net.listen_udp(HOST, 0),
            "tcp": await acceptor.net.listen_stream(HOST, 0, None),
            "tls": await acceptor.net.listen_stream(HOST, 0, authority.server_context([HOST])),
        }
        settle()
        write(file, {"sip": {kind: f"sip:{PROJECT}@{HOST}:{port};transport={kind}" for kind, port in ports.items()}})
        await stop.wait()
        await acceptor.net.stop()
    acceptor.deadlines.close()


async def run_emulator(file: Path, stop: asyncio.Event, urls: tuple[str, ...]) -> None:
    from ringback.emulator.server import Emulator

    free: dict[str, Any] = {f"{name}_port": 0 for name in ("http", "https", "sip_tls", "sip_tcp", "sip_udp")}
    settings = Settings(project=PROJECT, auto_accept=not urls, webhook_urls=urls, **free)
    async with Emulator(settings) as emulator:
        settle()
        write(file, emulator.ready.as_dict())
        await stop.wait()


async def main(kind: str, file: str, *urls: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await (run_acceptor(Path(file), stop) if kind == "acceptor" else run_emulator(Path(file), stop, urls))


if __name__ == "__main__":
    # As `ringback serve --loop` does; the figures of the two are rows of their own.
    with asyncio.Runner(
        loop_factory=loop_factory("uvloop" if os.environ.get("LOAD_LOOP") == "uvloop" else "asyncio")
    ) as runner:
        runner.run(main(*sys.argv[1:]))
