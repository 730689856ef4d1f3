"""A webhook sender with its project and a clock to move, and a server that answers as it is told."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from ringback.emulator.calls.project import Project
from ringback.emulator.clock import ManualClock
from ringback.emulator.ids import Ids
from ringback.emulator.journal import Entry, Journal
from ringback.emulator.transports.webhook_sender import WebhookSender
from ringback.emulator.webhooks.endpoints import Endpoint
from ringback.emulator.webhooks.envelope import INCOMING_CALL, incoming_call_event

SECRET = "whsec_c2VjcmV0IG9mIHRoZSBwcm9qZWN0"
PATIENCE = 30.0

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Delivery:
    raw_headers: tuple[tuple[bytes, bytes], ...]
    headers: dict[str, str]
    path: str
    body: bytes


class Receiver:
    """Keeps what arrives, and gives one answer after the other; then 200."""

    def __init__(self) -> None:
        self.answers: list[Answer | int] = []
        self.deliveries: list[Delivery] = []
        self._arrived: asyncio.Queue[Delivery] = asyncio.Queue()
        self.port = 0

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=tls).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def next(self) -> Delivery:
        return await asyncio.wait_for(self._arrived.get(), PATIENCE)

    def url(self, path: str = "", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/{path}"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        delivery = Delivery(request.raw_headers, dict(request.headers), request.path, body)
        self.deliveries.append(delivery)
        self._arrived.put_nowait(delivery)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, int):
            return web.Response(status=answer)
        return await answer(request)


@dataclass
class Post:
    """A sender with its project, clock and journal."""

    clock: ManualClock
    journal: Journal
    sender: WebhookSender
    project: Project
    ids: Ids
    _entries: asyncio.Queue[Entry] = field(default_factory=asyncio.Queue)

    def send(self, call_id: str = "rtc_1") -> int:
        event = incoming_call_event(
            event_id=self.ids.webhook_event(),
            created_at=int(self.clock.now()),
            call_id=call_id,
            sip_headers=[("Via", "SIP/2.0/TLS a"), ("Via", "SIP/2.0/TLS b"), ("Authorization", "secret")],
            sip_media_security="rtp",
        )
        return self.sender.post(event, project=self.project, call_id=call_id)

    def subscribe(self, url: str) -> Endpoint:
        return self.project.endpoints.add_static(url, secret=SECRET, event_types=[INCOMING_CALL], now=self.clock.now())

    async def entry(self, kind: str) -> Entry:
        """The next journal entry, which has to be of this kind."""
        entry = await asyncio.wait_for(self._entries.get(), PATIENCE)
        assert entry.kind == kind
        return entry


StartPost = Callable[..., Awaitable[Post]]
