"""SIP on real sockets: listeners for TLS, TCP and UDP, and one `Flow` per connection or remote address.

Bytes go to `sip.endpoint` and come from it; this page knows addresses and sockets, no SIP.
"""

import asyncio
import itertools
import logging
import socket
import ssl
from collections.abc import Callable
from typing import cast

from ..errors import FlowGone
from ..faults.links import SipLinks
from ..faults.plan import Faults
from ..sip.endpoint import SipEndpoint
from ..sip.events import Flow, Transmission
from ..sip.way import Transport, Way
from .memory_line import MemoryCaller, MemoryLine

log = logging.getLogger("ringback.sip")

MEMORY_ADDRESS = ("127.0.0.1", 5061)
"""What Via and Contact of a caller in this process say: nothing is sent there."""

Address = tuple[str, int]

UNSENT_LIMIT = 1024 * 1024
"""Bytes that may wait for a peer that does not read, before its connection is cut."""
TLS_HANDSHAKE_TIMEOUT = 10.0
TLS_SHUTDOWN_TIMEOUT = 1.0
CLOSE_TIMEOUT = 2.0
"""How long the last bytes may take to leave when the emulator stops."""
DATAGRAM_BATCH = 32
"""Datagrams taken from a socket before the loop gets a turn."""
DATAGRAM_BUFFER = 4 * 1024 * 1024
"""Asked for in both directions: a burst of calls should wait in the kernel, not come again half a second later."""


class SipNet:
    """The listeners of one emulator. `on_input` is called after each time the endpoint was fed, `on_bug` gets what that
    raised: no bytes may end the listener that brought them. `flow_limit` UDP addresses are remembered; above
    `connection_limit` connections are closed as they come."""

    def __init__(
        self,
        endpoint: SipEndpoint,
        *,
        now: Callable[[], float],
        on_input: Callable[[], None],
        on_bug: Callable[[Exception], None],
        faults: Faults,
        flow_limit: int,
        connection_limit: int,
        connect_timeout: float,
    ) -> None:
        self.flow_limit = flow_limit
        self.connection_limit = connection_limit
        self.endpoint = endpoint
        self.now = now
        self.on_input = on_input
        self._on_bug = on_bug
        self._faults = faults
        self._links = SipLinks(faults)
        self._flow_ids = itertools.count(1)
        self.peer_tls: ssl.SSLContext | None = None
        """For connections of ours over TLS."""
        self._connect_timeout = connect_timeout
        self._ports: dict[Transport, int] = {}
        self._ways: dict[Way, Flow] = {}
        self._is_stopping = False
        self._servers: list[asyncio.Server] = []
        self._udp: list[_UdpListener] = []
        self._streams: dict[int, _StreamFlow | MemoryLine] = {}
        self._no_streams = asyncio.Event()
        self._no_streams.set()

    # Construction and end

    async def listen_stream(self, host: str, port: int, context: ssl.SSLContext | None) -> int:
        """Listen for TCP, or TLS with a context. Returns the port."""
        server = await asyncio.get_running_loop().create_server(
            lambda: _StreamFlow(self, "tcp" if context is None else "tls"),
            host,
            port,
            ssl=context,
            ssl_handshake_timeout=None if context is None else TLS_HANDSHAKE_TIMEOUT,
            ssl_shutdown_timeout=None if context is None else TLS_SHUTDOWN_TIMEOUT,
            backlog=1024,
        )
        self._servers.append(server)
        port = int(server.sockets[0].getsockname()[1])
        self._ports["tcp" if context is None else "tls"] = port
        return port

    async def listen_udp(self, host: str, port: int) -> int:
        """Listen for UDP. Returns the port."""
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = addresses[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                sock.setsockopt(socket.SOL_SOCKET, buffer, DATAGRAM_BUFFER)
            sock.bind(address)
        except OSError:
            sock.close()
            raise
        listener = _UdpListener(self, loop, sock)
        self._udp.append(listener)
        return listener.local[1]

    async def stop(self) -> None:
        """Close every listener and connection."""
        self._is_stopping = True
        for server in self._servers:
            server.close()
        for stream in self._streams.values():
            stream.close()
        for listener in self._udp:
            listener.close()
        try:
            await asyncio.wait_for(self._no_streams.wait(), CLOSE_TIMEOUT)
        except TimeoutError:
            for stream in list(self._streams.values()):
                stream.abort()
            await self._no_streams.wait()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        self._udp.clear()

    # Output

    def flush(self) -> None:
        """Hand everything that the endpoint wants sent to the sockets."""
        streams: dict[int, _StreamFlow | MemoryLine] = {}
        for transmission in self.endpoint.data_to_send():
            if not self._faults:
                self._send(transmission, streams)
                continue
            for data in self._links.outgoing(transmission.data):
                self._send(transmission._replace(data=data), streams)
        for stream in streams.values():
            stream.write_queued()

    def _send(self, transmission: Transmission, streams: dict[int, "_StreamFlow | MemoryLine"]) -> None:
        flow = transmission.flow
        if flow.transport == "udp":
            for listener in self._udp:
                if listener.local[1] == flow.local[1]:
                    listener.send(flow, transmission.data, transmission.destination)
                    return
        elif (stream := self._streams.get(flow.id)) is not None:
            stream.queue(transmission.data, close_after=transmission.close_after)
            streams[flow.id] = stream

    # Connections of ours

    async def connect_to(self, way: Way) -> Flow:
        """A flow to a peer that can't be answered by its own any more: an open one of ours, or a new one. Raises
        `FlowGone` where nobody answers."""
        if way.transport == "udp":
            return await self._datagrams_to(way)
        flow = self._ways.get(way)
        if flow is not None and flow.id in self._streams:
            return flow
        loop = asyncio.get_running_loop()
        tls = self.peer_tls if way.transport == "tls" else None
        try:
            async with asyncio.timeout(self._connect_timeout):
                _, stream = await loop.create_connection(
                    lambda: _StreamFlow(self, way.transport, self._ports.get(way.transport)),
                    way.host,
                    way.port,
                    ssl=tls,
                    server_hostname=None if tls is None else way.host,
                    ssl_shutdown_timeout=None if tls is None else TLS_SHUTDOWN_TIMEOUT,
                )
        except TimeoutError as error:
            raise FlowGone(_unreachable(way, f"no answer within {self._connect_timeout:g} s")) from error
        except OSError as error:  # ssl.SSLError is one
            raise FlowGone(_unreachable(way, str(error))) from error
        if self._is_stopping:
            stream.abort()
            raise FlowGone(_unreachable(way, "the emulator stops"))
        if stream.has_ended:
            raise FlowGone(_unreachable(way, "closed as soon as it was open"))
        self._ways[way] = stream.flow
        return stream.flow

    async def _datagrams_to(self, way: Way) -> Flow:
        if not self._udp or self._is_stopping:
            raise FlowGone(_unreachable(way, "no UDP socket is open"))
        listener = self._udp[0]
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                way.host, way.port, type=socket.SOCK_DGRAM, family=listener.family
            )
        except OSError as error:
            raise FlowGone(_unreachable(way, str(error))) from error
        return listener.flow_to((str(found[0][4][0]), int(found[0][4][1])))

    def hang_up(self, flow: Flow) -> None:
        """Close a connection once everything was written that is queued for it."""
        stream = self._streams.get(flow.id)
        if stream is not None:
            self.flush()  # the answer to whoever hung up by it may not have left yet
            stream.close()

    # Queries

    @property
    def connections(self) -> int:
        """How many TCP and TLS connections are open."""
        return len(self._streams)

    # For callers in this process

    def connect(self, caller: MemoryCaller) -> MemoryLine:
        """A connection without a socket, which counts as TLS."""
        flow = self.new_flow("tls", MEMORY_ADDRESS, MEMORY_ADDRESS, in_memory=True)

        def feed(data: bytes) -> None:
            self.received(flow, data)
            self.on_input()

        line = MemoryLine(flow, caller, feed, lambda: self.lost(line))
        self.opened(line)
        return line

    def line_of(self, flow_id: int) -> MemoryLine | None:
        """The caller in this process whose flow that is."""
        stream = self._streams.get(flow_id)
        return stream if isinstance(stream, MemoryLine) else None

    # For the protocols below

    def new_flow(self, transport: Transport, local: Address, remote: Address, *, in_memory: bool = False) -> Flow:
        flow = Flow(id=next(self._flow_ids), transport=transport, local=local, remote=remote, in_memory=in_memory)
        self.endpoint.flow_opened(flow, self.now())
        return flow

    def received(self, flow: Flow, data: bytes) -> None:
        """Feed the endpoint; `on_input` is for the caller, who may have more."""
        try:
            if self._faults or self._links.holds(flow.id):
                for piece in self._links.incoming(data, flow.id if flow.is_reliable else None):
                    self.endpoint.receive_data(flow, piece, self.now())
            else:
                self.endpoint.receive_data(flow, data, self.now())
        except Exception as error:  # noqa: BLE001 — bytes of one peer, and others wait for theirs
            self._on_bug(error)

    def opened(self, stream: "_StreamFlow | MemoryLine") -> None:
        self._streams[stream.flow.id] = stream
        self._no_streams.clear()

    def ends(self, flow: Flow) -> None:
        """Nothing that is written from now on would arrive: what is still to be said looks for another way. The socket
        itself takes its time to close, with TLS up to a second."""
        self._links.closed(flow.id)
        self._ways = {way: other for way, other in self._ways.items() if other is not flow}
        self.endpoint.flow_closed(flow, self.now())
        self.on_input()

    def lost(self, stream: "_StreamFlow | MemoryLine") -> None:
        del self._streams[stream.flow.id]
        if not self._streams:
            self._no_streams.set()
        self.ends(stream.flow)  # which it may have done before


class _StreamFlow(asyncio.Protocol):
    """One TCP or TLS connection. `listens_at`: it is of our making, and that is the port where we can be reached."""

    flow: Flow

    def __init__(self, net: SipNet, kind: Transport, listens_at: int | None = None) -> None:
        self._net = net
        self._kind: Transport = kind
        self._listens_at = listens_at
        self._transport: asyncio.Transport | None = None
        self._queued: list[bytes] = []
        self._closes = False
        self._is_refused = False
        self.has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._listens_at is None and self._net.connections >= self._net.connection_limit:
            log.warning("more than %d connections: one is closed", self._net.connection_limit)
            self._is_refused = True
            self._transport.abort()
            return
        local, remote = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        # RFC 3261 18.1.1: Via and Contact say where we listen, not from which port we happened to connect
        port = local[1] if self._listens_at is None else self._listens_at
        self.flow = self._net.new_flow(self._kind, (local[0], port), (remote[0], remote[1]))
        self._net.opened(self)

    def data_received(self, data: bytes) -> None:
        if not self.has_ended:  # with TLS something may come until the peer knows that we have closed
            self._net.received(self.flow, data)
            self._net.on_input()

    def eof_received(self) -> None:
        """The peer has closed. asyncio closes our side, too."""
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_refused:
            return
        if exc is not None:
            log.debug("= %s connection of %s lost: %s", self._kind, self.flow.remote, exc)
        self._net.lost(self)

    def queue(self, data: bytes, *, close_after: bool) -> None:
        """Have it written by `write_queued`: all that one input caused leaves in one segment, or TLS record."""
        self._queued.append(data)
        self._closes = self._closes or close_after

    def write_queued(self) -> None:
        assert self._transport is not None
        data, self._queued = b"".join(self._queued), []
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > UNSENT_LIMIT:
            log.warning("%s reads nothing and %d bytes wait for it: connection cut", self.flow.remote, UNSENT_LIMIT)
            self.abort()
        elif self._closes:
            self.close()

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()
        self._end()

    def abort(self) -> None:
        assert self._transport is not None
        self._transport.abort()
        self._end()

    def _end(self) -> None:
        if not self.has_ended:
            self.has_ended = True
            self._net.ends(self.flow)


class _UdpListener:
    """One UDP socket. Each remote address is a flow; the oldest are forgotten, since UDP never says goodbye.

    Not a protocol of asyncio's: that has a turn of the loop for each datagram, where a call is seven.
    """

    def __init__(self, net: SipNet, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self._net = net
        self._loop = loop
        self._socket = sock
        self._flows: dict[Address, Flow] = {}
        self.local: Address = sock.getsockname()[:2]
        self.family = sock.family
        loop.add_reader(sock.fileno(), self._readable)

    def send(self, flow: Flow, data: bytes, destination: Address | None) -> None:
        """To whom the flow is with, also if that was forgotten."""
        try:
            self._socket.sendto(data, destination or flow.remote)
        except OSError as error:  # no route, a full buffer, more than a datagram holds: it is sent again, or times out
            log.debug("= udp to %s: %s", destination or flow.remote, error)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(DATAGRAM_BATCH):
            try:
                data, address = self._socket.recvfrom(65536)
            except BlockingIOError:
                break
            except OSError as error:  # an ICMP error of an earlier datagram
                log.debug("= udp error: %s", error)
                continue
            remote = address[:2]
            self._net.received(self.flow_to(remote), data)
        self._net.on_input()

    def flow_to(self, remote: Address) -> Flow:
        return self._flows.get(remote) or self._open(remote)

    def _open(self, remote: Address) -> Flow:
        if len(self._flows) >= self._net.flow_limit:
            del self._flows[next(iter(self._flows))]
        flow = self._net.new_flow("udp", (local_address(self.local[0], remote), self.local[1]), remote)
        self._flows[remote] = flow
        return flow


def _unreachable(way: Way, reason: str) -> str:
    return f"{way}: {reason}. Its own connection is closed, and a phone behind NAT can't be reached by another"


def local_address(bound: str, remote: Address) -> str:
    """The address of ours that `remote` can reach, where a socket is bound to every address at once."""
    if bound not in ("0.0.0.0", "::"):
        return bound
    family = socket.AF_INET6 if ":" in remote[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:  # connect() of a UDP socket only asks the routing table
        try:
            probe.connect(remote)
        except OSError:
            return bound
        return str(probe.getsockname()[0])
