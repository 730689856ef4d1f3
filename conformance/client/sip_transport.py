"""SIP over UDP, TCP and TLS on asyncio: links that carry whole messages. Nothing here knows SIP beyond its framing."""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from typing import Literal, Protocol, cast

from .errors import ConnectionFailed, ProtocolViolation, UsageError
from .watch import Watch

TransportName = Literal["udp", "tcp", "tls"]
DEFAULT_PORTS: dict[TransportName, int] = {"udp": 5060, "tcp": 5060, "tls": 5061}
CONNECT_TIMEOUT = 10.0  # a TCP and TLS handshake with a live service far away takes well below a second
LARGEST_MESSAGE = 1 << 20  # no SIP message is that long; whoever sends more has lost the framing

_CONTENT_LENGTH = re.compile(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$")


class StreamFramer:
    """Cuts a byte stream into SIP messages (RFC 3261 18.3). Sans-IO."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.pongs = 0
        self.pings = 0

    def feed(self, data: bytes) -> list[bytes]:
        """All messages that are complete now. Raises `ProtocolViolation` when the stream can't be framed any more."""
        self._buffer += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> bytes | None:
        self._drop_keepalives()
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LARGEST_MESSAGE:
                raise ProtocolViolation(f"{len(self._buffer)} bytes without the end of a SIP message's headers")
            return None
        length = _CONTENT_LENGTH.search(self._buffer, 0, end + 2)
        if length is None:
            # RFC 3261 18.3: over a stream Content-Length is mandatory, without it the next message can't be found.
            raise ProtocolViolation(f"a SIP message without Content-Length on a stream: {bytes(self._buffer[:80])!r}")
        total = end + 4 + int(length.group(1))
        if total > LARGEST_MESSAGE:
            raise ProtocolViolation(f"a SIP message of {total} bytes")
        if len(self._buffer) < total:
            return None
        message = bytes(self._buffer[:total])
        del self._buffer[:total]
        return message

    def _drop_keepalives(self) -> None:
        while self._buffer.startswith(b"\r\n"):
            if self._buffer.startswith(b"\r\n\r\n"):
                self.pings += 1  # RFC 5626 3.5.1
                del self._buffer[:4]
            else:
                self.pongs += 1
                del self._buffer[:2]


class LinkUser(Protocol):
    """Who uses a link: called on the event loop, never after `close`."""

    def message_arrived(self, link: "Link", data: bytes) -> None: ...

    def link_failed(self, link: "Link", error: ConnectionFailed | ProtocolViolation) -> None: ...


class Link:
    """A UDP socket as seen from one remote address, or one TCP or TLS connection."""

    _count = 0

    def __init__(
        self,
        transport: TransportName,
        local: tuple[str, int],
        remote: tuple[str, int],
        write: Callable[[bytes], None],
        close: Callable[[], None],
    ) -> None:
        Link._count += 1
        self.id = Link._count
        self.transport: TransportName = transport
        self.local = local
        self.remote = remote
        self.is_open = True
        self.target: tuple[str, int] = remote
        self.gone: asyncio.Future[None] | None = None
        self.pongs = 0
        self._watch = Watch()
        self._write = write
        self._close = close

    @property
    def is_reliable(self) -> bool:
        return self.transport != "udp"

    def send(self, data: bytes) -> None:
        """Hand bytes to the operating system; nothing happens on a closed link."""
        if self.is_open:
            self._write(data)

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._close()

    def pong_arrived(self, count: int) -> None:
        self.pongs = count
        self._watch.changed()

    async def wait_for_pong(self, count: int = 1, *, timeout: float) -> None:
        """Return when so many single CRLFs have come (RFC 5626 3.5.1). Raises `WaitTimeout`."""
        await self._watch.until(lambda: self.pongs >= count, timeout=timeout, what="CRLF of the far end")

    async def wait_closed(self) -> None:
        """Return when the operating system has let go of the connection; at once for UDP."""
        if self.gone is not None:
            await self.gone

    def __str__(self) -> str:
        return f"{self.transport} {self.local[0]}:{self.local[1]} -> {self.remote[0]}:{self.remote[1]}"


class _Stream(asyncio.Protocol):
    def __init__(self, name: TransportName, user: LinkUser) -> None:
        self._name: TransportName = name
        self._user = user
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self.link: Link | None = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)  # uvloop's does not inherit from asyncio's
        self._transport = stream
        local, remote = stream.get_extra_info("sockname"), stream.get_extra_info("peername")
        self.link = Link(self._name, local[:2], remote[:2], stream.write, stream.close)
        self.link.gone = self._gone

    def data_received(self, data: bytes) -> None:
        link, transport = self.link, self._transport
        assert link is not None
        assert transport is not None
        if not link.is_open:
            return
        try:
            messages = self._framer.feed(data)
        except ProtocolViolation as error:
            link.close()
            self._user.link_failed(link, error)
            return
        if self._framer.pings:
            transport.write(b"\r\n" * self._framer.pings)
            self._framer.pings = 0
        if self._framer.pongs > link.pongs:
            link.pong_arrived(self._framer.pongs)
        for message in messages:
            self._user.message_arrived(link, message)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._gone.done():
            self._gone.set_result(None)
        link = self.link
        if link is not None and link.is_open:
            link.is_open = False
            self._user.link_failed(link, ConnectionFailed(f"the far end closed {link}{f': {error}' if error else ''}"))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, endpoint: "UdpEndpoint") -> None:
        self._endpoint = endpoint

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        self._endpoint.datagram_received(data, source)

    def error_received(self, error: Exception) -> None:
        # An ICMP error of one datagram, which may have been an old one: the transaction's timers decide.
        self._endpoint.errors.append(error)


class UdpEndpoint:
    """One UDP socket and its links, one for each remote address."""

    def __init__(self, user: LinkUser) -> None:
        self._user = user
        self._links: dict[tuple[str, int], Link] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self.port = 0
        self.errors: list[Exception] = []

    async def open(self, host: str, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(host, port))
        except OSError as error:
            raise UsageError(f"can't bind a SIP socket to {host}:{port}: {error}") from error
        self.port = int(self._transport.get_extra_info("sockname")[1])

    async def connect(self, host: str, port: int) -> Link:
        """The link to a remote address; names are looked up once."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise ConnectionFailed(f"can't find {host}: {error}") from error
        return self._link((str(found[0][4][0]), int(found[0][4][1])))

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        link = self._link(source[:2])
        if data.strip(b"\r\n\0"):
            self._user.message_arrived(link, data)

    def close(self) -> None:
        for link in self._links.values():
            link.is_open = False
        if self._transport is not None:
            self._transport.close()

    def _link(self, remote: tuple[str, int]) -> Link:
        link = self._links.get(remote)
        if link is None:
            transport = self._transport
            assert transport is not None
            link = Link(
                "udp",
                transport.get_extra_info("sockname")[:2],
                remote,
                lambda data: transport.sendto(data, remote),
                lambda: None,
            )
            self._links[remote] = link
        return link


async def connect_stream(
    name: TransportName,
    host: str,
    port: int,
    user: LinkUser,
    *,
    local_host: str | None = None,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
    timeout: float = CONNECT_TIMEOUT,
) -> Link:
    """A TCP or TLS connection. Raises `ConnectionFailed`: refused, unknown name, bad certificate, too slow."""
    loop = asyncio.get_running_loop()
    local = (local_host, 0) if local_host not in (None, "0.0.0.0", "::") else None
    try:
        async with asyncio.timeout(timeout):
            _, stream = await loop.create_connection(
                lambda: _Stream(name, user),
                host,
                port,
                ssl=tls,
                server_hostname=(server_name or host) if tls is not None else None,
                local_addr=local,
            )
    except TimeoutError as error:
        raise ConnectionFailed(f"no {name} connection to {host}:{port} within {timeout:g} s") from error
    except (OSError, ssl.SSLError) as error:
        raise ConnectionFailed(f"no {name} connection to {host}:{port}: {error}") from error
    assert stream.link is not None
    return stream.link


async def accept_streams(host: str, port: int, user: LinkUser, *, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Listen for TCP or TLS connections, each of which becomes a link at its first message."""
    name: TransportName = "tcp" if tls is None else "tls"
    try:
        return await asyncio.get_running_loop().create_server(lambda: _Stream(name, user), host, port, ssl=tls)
    except OSError as error:
        raise UsageError(f"can't listen for SIP on {host}:{port}: {error}") from error


async def local_address_towards(host: str, port: int) -> str:
    """The address of this machine from which packets to `host` leave. Sends nothing."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        with socket.socket(found[0][0], socket.SOCK_DGRAM) as probe:
            probe.connect(found[0][4])
            return str(probe.getsockname()[0])
    except OSError as error:
        raise ConnectionFailed(f"no way to {host}: {error}") from error


def local_address_of(link: Link) -> str:
    """The address by which the far end of a link can reach us."""
    if link.local[0] not in ("0.0.0.0", "::"):
        return link.local[0]
    with socket.socket(socket.AF_INET6 if ":" in link.remote[0] else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(link.remote)  # sends nothing; the routing table chooses the address
        return str(probe.getsockname()[0])
