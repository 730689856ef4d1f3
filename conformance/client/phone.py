"""A programmable phone: SIP over UDP, TCP or TLS, G.711 both ways, digits, and speech that can be asserted.

::

    async with Phone(transport="tls", ca_file="ca.pem") as phone:
        call = await phone.dial("sip:proj_1@127.0.0.1:5061", from_="+14255550112", headers=[("X-Account", "42")])
        await call.answered()
        await call.say("hello")
        assert await call.wait_for_heard() == "hello"
        await call.hang_up()
"""

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from . import sdp
from .call import Call, CallState
from .codecs import CodecName
from .errors import ClientError, ConnectionFailed, ProtocolViolation, TransactionTimeout, UsageError, swallow_far_end
from .media import MediaSession
from .messages import ALLOW, Request, Response, bracketed, host_and_port, named_address, new_request, parse, response_to
from .records import MessageLog, ReferPlan, SipRecord, call_id_of
from .sip_transport import (
    DEFAULT_PORTS,
    Link,
    TransportName,
    UdpEndpoint,
    accept_streams,
    connect_stream,
    local_address_of,
    local_address_towards,
)
from .srtp import KeyRing
from .tls import TlsVersion, tls_context
from .transactions import (
    AckReceived,
    RequestReceived,
    ResponseReceived,
    StrayResponse,
    Timers,
    Transaction,
    TransactionFailed,
    TransactionLayer,
)
from .watch import FINAL_RESPONSE, Watch

USER_AGENT = "ringback-phone"
CLOSING = 5.0  # a far end that is alive answers the last BYE at once; nobody waits 32 s for one that is not

Outcome = ResponseReceived | TransactionFailed


class Phone:
    """A phone. One event loop, any number of calls at once; use it as `async with`.

    `transport` None takes what the dialled URI says. `bind` is the local address of SIP and RTP, None the one that
    leads to the first far end; `advertise_ip` is what Via, Contact and SDP say instead. `rtp_ports` are the first and
    the last RTP port, `proxy` a SIP URI through which everything goes. `rewrites` may change each message on its way
    out, behind the back of the transactions. A seeded `rng` makes tags, branches and RTP
    numbers repeatable.
    """

    def __init__(
        self,
        *,
        transport: TransportName | None = None,
        ca_file: str | None = None,
        verify: bool = True,
        tls_version: TlsVersion | None = None,
        server_name: str | None = None,
        bind: str | None = None,
        port: int = 0,
        advertise_ip: str | None = None,
        rtp_ports: tuple[int, int] | None = None,
        proxy: str | None = None,
        user: str = "phone",
        timers: Timers | None = None,
        rewrites: Callable[[bytes], bytes] = lambda message: message,
        rng: random.Random | None = None,
    ) -> None:
        self._transport: TransportName | None = transport
        self._ca_file = ca_file
        self._verify = verify
        self._tls_version = tls_version
        self._server_name = server_name
        self._bind = bind
        self._port = port
        self._advertise_ip = advertise_ip
        self._rtp_ports = rtp_ports
        self._proxy = proxy
        self._user = user
        self._rewrites = rewrites
        self._rng = rng or random.SystemRandom()
        self._layer = TransactionLayer(timers)
        self._udp: UdpEndpoint | None = None
        self._tls: ssl.SSLContext | None = None
        self._links: dict[int, Link] = {}
        self._servers: dict[TransportName, asyncio.Server] = {}
        self._outcomes: dict[tuple[str, ...], Callable[[Outcome], None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._offset = 0.0
        self.calls: list[Call] = []
        self.messages = MessageLog()
        self.violations: list[ProtocolViolation] = []

    # -- life

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._offset = time.time() - self._loop.time()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up what is still up, then let go of every socket. Nothing of the phone is left on the loop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await asyncio.gather(*(self._hang_up(call) for call in self.calls if not call.is_over))
        for call in self.calls:
            call.end("caller")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
        links, self._links = list(self._links.values()), {}
        for link in links:
            link.close()
        for server in self._servers.values():
            server.close()
        if self._udp is not None:
            self._udp.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                for link in links:
                    await link.wait_closed()

    # -- calls

    async def dial(
        self,
        uri: str,
        *,
        from_: str | None = None,
        to: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        codecs: Sequence[CodecName] = ("PCMU", "PCMA"),
        offer: bytes | Callable[[bytes], bytes] | None = None,
        has_dtmf: bool = True,
        suites: Sequence[str] = (),
        replace: Mapping[str, str | None] | None = None,
        acknowledges: bool = True,
        on_refer: ReferPlan | None = None,
    ) -> Call:
        """Send an INVITE and return at once.

        `from_` is a number or an address; `offer` replaces the SDP or rewrites the phone's, `b""` sends none; `suites`
        (RFC 4568 6.2) make it one of SRTP; `replace` overrides headers that the phone would write (None leaves one
        out), for far ends to be tried with nonsense.
        Without `acknowledges` every ACK is held back until `Call.acknowledge`. Raises `ConnectionFailed` when the far
        end can't be reached, `UsageError` when the URI can't be dialled.
        """
        link = await self.link_to(uri)
        watch = Watch()
        media = await self.open_media(link, watch.changed)
        media.keys = KeyRing(suites, self._rng)
        if isinstance(offer, bytes):
            body = offer
        else:
            body = sdp.build_offer(
                address=self.media_address(link),
                port=media.port,
                codecs=codecs,
                has_dtmf=has_dtmf,
                session_id=self._rng.getrandbits(31),
                crypto=media.keys.offer(),
            )
            body = body if offer is None else offer(body)
        more = [("Contact", self.contact(link)), ("Allow", ALLOW), ("User-Agent", USER_AGENT), *headers]
        if body:
            more.append(("Content-Type", "application/sdp"))
        invite = self.compose("INVITE", uri, link, from_=from_, to=to, headers=more, body=body, replace=replace)
        call = Call(
            self,
            link=link,
            invite=invite,
            media=media,
            watch=watch,
            codecs=codecs,
            acknowledges=acknowledges,
            refer_plan=on_refer or ReferPlan(),
        )
        self.calls.append(call)
        self._send(invite, link, call.response_received, acknowledges=acknowledges)
        return call

    async def request(
        self,
        method: str,
        uri: str,
        *,
        from_: str | None = None,
        to: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        replace: Mapping[str, str | None] | None = None,
        timeout: float = FINAL_RESPONSE,
    ) -> Response:
        """A request outside of a call (OPTIONS, REGISTER …), and its final response."""
        link = await self.link_to(uri)
        more = [("Contact", self.contact(link)), ("User-Agent", USER_AGENT), *headers]
        request = self.compose(method, uri, link, from_=from_, to=to, headers=more, body=body, replace=replace)
        return await self.transact(request, link, timeout=timeout)

    async def send_raw(self, uri: str, data: bytes) -> Link:
        """Send bytes as they are to where `uri` leads; what comes back is in `messages`."""
        link = await self.link_to(uri)
        self._write(link, data)
        return link

    async def open_media(self, link: Link, changed: Callable[[], None]) -> MediaSession:
        """The sound of a call that is about to be dialled. Raises `UsageError` when no port is free."""
        return await MediaSession.open(
            self._bind or link.local[0], port_range=self._rtp_ports, rng=self._rng, changed=changed
        )

    def now(self) -> float:
        """Unix time that never goes back."""
        return self._offset + self._loop.time()

    async def listen(self, transport: TransportName, tls: ssl.SSLContext | None = None) -> None:
        """Take connections too: from now on the Contact of calls by that transport names a port that listens."""
        self._servers[transport] = await accept_streams(self._bind or "127.0.0.1", 0, self, tls=tls)

    async def drop(self, link: Link) -> None:
        """Close a connection as if the network had: its calls go on, and wait for what comes by another one."""
        self._links.pop(link.id, None)
        link.close()
        await link.wait_closed()

    # -- what a call needs

    def compose(
        self,
        method: str,
        uri: str,
        link: Link,
        *,
        from_: str | None = None,
        to: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        replace: Mapping[str, str | None] | None = None,
    ) -> Request:
        """A request outside of dialogs, which nobody sends yet: `transact` or `link.send` do."""
        host = bracketed(self.media_address(link))
        caller = named_address(from_ or self._user, host)
        ordered = [
            ("Via", self.via(link)),
            ("Max-Forwards", "70"),
            ("From", f"{caller};tag={self._rng.getrandbits(64):016x}"),
            ("To", named_address(to, host) if to is not None else f"<{uri.split('?', 1)[0]}>"),
            ("Call-ID", f"{self._rng.getrandbits(96):024x}"),
            ("CSeq", f"{1 + self._rng.getrandbits(16)} {method}"),
            *headers,
        ]
        if self._proxy is not None:
            ordered.insert(2, ("Route", f"<{self._proxy};lr>"))
        return new_request(method, uri, ordered, body=body, replace=replace)

    def via(self, link: Link) -> str:
        """A Via with a new branch."""
        host = bracketed(self.media_address(link))
        branch = f"z9hG4bK{self._rng.getrandbits(80):020x}"
        return f"SIP/2.0/{link.transport.upper()} {host}:{link.local[1]};rport;branch={branch}"

    def contact(self, link: Link) -> str:
        host = bracketed(self.media_address(link))
        server = self._servers.get(link.transport)
        port = link.local[1] if server is None else server.sockets[0].getsockname()[1]
        return f"<sip:{self._user}@{host}:{port};transport={link.transport}>"

    def media_address(self, link: Link) -> str:
        """The address that the far end is told."""
        if self._advertise_ip is not None:
            return self._advertise_ip
        return local_address_of(link)

    async def transact(
        self, request: Request, link: Link, *, timeout: float, succeeded: Callable[[Response], None] = lambda _: None
    ) -> Response:
        """Send a request and return its final response. Raises `TransactionTimeout`, `ConnectionFailed`.

        `succeeded` is called at once with each 2xx, the repeated ones of an INVITE included.
        """
        future: asyncio.Future[Response] = self._loop.create_future()

        def outcome(event: Outcome) -> None:
            if isinstance(event, ResponseReceived) and 200 <= event.response.code < 300:
                succeeded(event.response)
            if future.done():
                return
            if isinstance(event, TransactionFailed):
                is_lost = link.id not in self._links
                future.set_exception((ConnectionFailed if is_lost else TransactionTimeout)(event.reason))
            elif event.response.code >= 200:
                future.set_result(event.response)

        self._send(request, link, outcome)
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise TransactionTimeout(f"no final response to {request.method} within {timeout:g} s") from None

    def forget(self, request: Request, link: Link) -> None:
        """Send a request whose response changes nothing."""
        self._send(request, link, lambda event: None)

    def send_ack(self, ack: Request, link: Link) -> None:
        self._layer.send_ack(ack, link.id)
        self._pump()

    def respond(
        self, transaction: Transaction, status: int, *, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> None:
        response = response_to(
            transaction.request, status, to_tag=f"{self._rng.getrandbits(64):016x}", headers=headers, body=body
        )
        self._layer.send_response(transaction, response, self._loop.time())
        self._pump()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that goes on by itself; `close` ends it. A far end that spoils it is in the call's record."""
        task = asyncio.ensure_future(swallow_far_end(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- what links tell us

    def message_arrived(self, link: Link, data: bytes) -> None:
        call = self._record("received", link, data)
        self._links.setdefault(link.id, link)
        try:
            message = parse(data)
        except ProtocolViolation as error:
            self.violations.append(error)
            for each in [call] if call is not None else [each for each in self.calls if each.link is link]:
                each.violations.append(error)
            if call is not None:
                call.fail(error)
            return
        self._layer.receive(message, link.id, self._loop.time(), is_reliable=link.is_reliable)
        self._pump()

    def link_failed(self, link: Link, error: ConnectionFailed | ProtocolViolation) -> None:
        self._links.pop(link.id, None)
        if isinstance(error, ProtocolViolation):
            self.violations.append(error)
        for call in self.calls:
            if call.link is link:
                call.fail(error)
        self._layer.link_lost(link.id, str(error))
        self._pump()

    # -- private

    def _send(
        self, request: Request, link: Link, outcome: Callable[[Outcome], None], *, acknowledges: bool = True
    ) -> None:
        if link.id not in self._links:
            raise ConnectionFailed(f"{link} is gone")
        transaction = self._layer.send_request(
            request, link.id, self._loop.time(), is_reliable=link.is_reliable, acknowledges=acknowledges
        )
        self._outcomes[transaction.key] = outcome
        self._pump()

    async def link_to(self, uri: str) -> Link:
        """The connection by which requests to that URI go; opened if there is none."""
        host, port, named = host_and_port(self._proxy or uri)
        transport = self._transport or named or "udp"
        if transport not in DEFAULT_PORTS:
            raise UsageError(f"transport {transport!r} is not one of {', '.join(DEFAULT_PORTS)}")
        port = port or DEFAULT_PORTS[transport]
        if self._bind is None:
            self._bind = await local_address_towards(host, port)
        if transport == "udp":
            if self._udp is None:
                self._udp = UdpEndpoint(self)
                await self._udp.open(self._bind, self._port)
            link = await self._udp.connect(host, port)
        else:
            open_links = [each for each in self._links.values() if each.transport == transport and each.is_open]
            found = next((each for each in open_links if each.target == (host, port)), None)
            link = found or await self._connect(transport, host, port)
        self._links[link.id] = link
        return link

    async def _connect(self, transport: TransportName, host: str, port: int) -> Link:
        if transport == "tls" and self._tls is None:
            self._tls = tls_context(self._ca_file, is_verified=self._verify, version=self._tls_version)
        link = await connect_stream(
            transport,
            host,
            port,
            self,
            local_host=self._bind,
            tls=self._tls if transport == "tls" else None,
            server_name=self._server_name,
        )
        link.target = (host, port)
        return link

    def _pump(self) -> None:
        """Hand out what the transactions have to say, then arm their next timer."""
        self._flush()
        while (event := self._layer.next_event()) is not None:
            if isinstance(event, ResponseReceived | TransactionFailed):
                outcome = self._outcomes.get(event.transaction.key)
                if outcome is not None:
                    outcome(event)
            elif isinstance(event, RequestReceived):
                self._request_received(event.transaction)
            elif isinstance(event, StrayResponse | AckReceived):
                pass  # in `messages` for whoever looks; a phone does nothing about either
            self._flush()
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._layer.next_deadline()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._timer_due)

    def _timer_due(self) -> None:
        self._timer = None
        self._layer.handle_timer(self._loop.time())
        self._pump()

    def _flush(self) -> None:
        for link_id, data in self._layer.data_to_send():
            link = self._links.get(link_id)
            if link is not None:
                self._write(link, data)

    def _write(self, link: Link, data: bytes) -> None:
        data = self._rewrites(data)
        self._record("sent", link, data)
        link.send(data)

    def _request_received(self, transaction: Transaction) -> None:
        request = transaction.request
        for call in self.calls:
            if call.dialog is not None and call.dialog.matches(request):
                if call.is_over and request.method != "BYE":
                    break
                call.request_received(transaction)
                return
        if request.method == "OPTIONS":
            self.respond(transaction, 200, headers=[("Allow", ALLOW)])
        elif request.method == "INVITE":
            self.respond(transaction, 486)  # this phone only calls
        else:
            self.respond(transaction, 481)

    def _record(self, direction: Any, link: Link, data: bytes) -> Call | None:
        record = SipRecord(at=self.now(), direction=direction, raw=data, local=link.local, remote=link.remote)
        self.messages.add(record)
        call_id = call_id_of(data)
        for call in self.calls:
            if call.id == call_id:
                call.messages.add(record)
                return call
        return None

    async def _hang_up(self, call: Call) -> None:
        if call.state is CallState.CALLING and not call.responses:
            return  # RFC 3261 9.1: nothing can be cancelled before the far end has said anything
        with contextlib.suppress(ClientError):
            await call.hang_up(CLOSING)


__all__ = ["Call", "Phone", "ReferPlan"]
