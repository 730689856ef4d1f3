"""What stands on loopback for programs that were told to use a proxy: CONNECT to api.openai.com ends at the emulator.

Other hosts under openai.com are refused with a sentence, all the rest is passed on as it is: directly, or by the
proxy that the user already had.
"""

import asyncio
import base64
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self
from urllib.parse import unquote, urlsplit

from ..errors import UsageError
from .supervisor import Supervisor
from .tls import SERVED_NAME

ZONE = "openai.com"
HTTPS_PORT = 443
_HEAD_LIMIT = 64 * 1024
_HEAD_TIMEOUT = 30.0  # a proxy request is written in one piece: this only bounds idle connections
_CONNECT_TIMEOUT = 30.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Serve = Callable[[Streams], Awaitable[None]]


class Place(Enum):
    """Where a host name leads for a redirected program."""

    EMULATOR = "emulator"
    NOWHERE = "nowhere"
    ELSEWHERE = "elsewhere"

    @classmethod
    def of(cls, host: str) -> Self:
        """The shims under `emulator/shims` decide by the same rule."""
        name = host.rstrip(".").lower()
        if name == SERVED_NAME:
            return cls("emulator")
        if name == ZONE or name.endswith("." + ZONE):
            return cls("nowhere")
        return cls("elsewhere")


def refusal(host: str) -> str:
    """What a program is told that asks for a host which the emulator must not let through and does not serve."""
    return f"ringback does not serve {host}, only https://{SERVED_NAME}, and lets nothing through to {ZONE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The proxy that the user's own environment names for HTTPS, and the hosts that it is not for."""

    scheme: str
    host: str
    port: int
    authorization: str | None
    exceptions: str

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self | None:
        """None where there is no such proxy. Lower case wins, as in curl and Python."""
        url = next((environ[n] for n in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY") if environ.get(n)), "")
        if not url:
            return None
        parts = urlsplit(url if "://" in url else "http://" + url)
        authorization = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
        return cls(
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=parts.port or (443 if parts.scheme == "https" else 80),
            authorization=authorization,
            exceptions=environ.get("no_proxy") or environ.get("NO_PROXY") or "",
        )

    def is_for(self, host: str) -> bool:
        """Whether a connection to `host` goes by this proxy."""
        from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

        if host == "localhost" or _is_loopback(host):
            return False
        return not proxy_bypass_environment(host, {"no": self.exceptions})


class Redirect:
    """The listeners of one redirection, all on 127.0.0.1: the CONNECT proxy, and a plain relay where it is needed.

    `https` is the emulator's HTTPS listener. `on_refused` gets the sentence when a host under openai.com is refused.
    """

    def __init__(
        self,
        *,
        https: tuple[str, int],
        upstream: Upstream | None = None,
        on_refused: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._https = https
        self._upstream = upstream
        self._on_refused = on_refused
        self._supervisor = Supervisor()
        self._servers: list[asyncio.Server] = []
        self.proxy_port = 0
        self.target = https
        """An IPv4 address that leads to the emulator's HTTPS listener, for the shims."""

    async def start(self) -> None:
        """Open the listeners; `proxy_port` and `target` hold from now on."""
        self.proxy_port = await self._listen(self._serve_proxy)
        if ":" in self._https[0]:  # the shims connect sockets of AF_INET
            self.target = ("127.0.0.1", await self._listen(self._serve_relay))

    async def stop(self) -> None:
        """Close the listeners and every connection."""
        for server in self._servers:
            server.close()
        await self._supervisor.stop()
        for server in self._servers:
            await server.wait_closed()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._supervisor)

    async def _listen(self, serve: Serve) -> int:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                self._supervisor.spawn(self._guard(serve, (reader, writer)), name="redirected connection")
            except UsageError:  # accepted while we stop
                writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _guard(self, serve: Serve, client: Streams) -> None:
        """Run one connection. A broken connection ends itself and nothing else."""
        try:
            await serve(client)
        except* (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass
        finally:
            client[1].close()

    async def _serve_relay(self, client: Streams) -> None:
        await _relay(client, await asyncio.open_connection(*self._https))

    async def _serve_proxy(self, client: Streams) -> None:
        reader, writer = client
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_TIMEOUT)
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        authority = rest.partition(" ")[0]
        if method != "CONNECT":
            return await _answer(writer, 405, f"ringback's proxy is for HTTPS: CONNECT, not {method} {authority}")
        try:
            host, port = parse_authority(authority)
        except ValueError:
            return await _answer(writer, 400, f"CONNECT wants host:port, not {authority!r}")
        match Place.of(host):
            case Place.EMULATOR if port == HTTPS_PORT:
                return await self._tunnel(client, *self._https)
            case Place.ELSEWHERE:
                return await self._pass_on(client, host, port)
            case _:
                sentence = refusal(host if port == HTTPS_PORT else f"{host}:{port}")
                self._on_refused(sentence)
                return await _answer(writer, 403, sentence)

    async def _pass_on(self, client: Streams, host: str, port: int) -> None:
        upstream = self._upstream
        if upstream is None or not upstream.is_for(host):
            return await self._tunnel(client, host, port)
        if upstream.scheme not in ("http", "https"):
            sentence = f"ringback can't chain to a {upstream.scheme} proxy; give an http one, or {host} in NO_PROXY"
            self._on_refused(sentence)
            return await _answer(client[1], 502, sentence)
        secure = ssl.create_default_context() if upstream.scheme == "https" else None
        remote = await self._open(client, upstream.host, upstream.port, secure)
        if remote is None:
            return None
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if upstream.authorization is not None:
            lines.append(f"Proxy-Authorization: {upstream.authorization}")
        remote[1].write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        await _relay(client, remote)  # its answer, good or bad, is the client's to read
        return None

    async def _tunnel(self, client: Streams, host: str, port: int) -> None:
        remote = await self._open(client, host, port)
        if remote is not None:
            client[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _relay(client, remote)

    async def _open(
        self, client: Streams, host: str, port: int, secure: ssl.SSLContext | None = None
    ) -> Streams | None:
        """Connect, or tell the client why not."""
        try:
            return await asyncio.wait_for(asyncio.open_connection(host, port, ssl=secure), _CONNECT_TIMEOUT)
        except (OSError, TimeoutError) as error:
            await _answer(client[1], 502, f"no connection to {host}:{port}: {error or 'timed out'}")
            return None


def parse_authority(text: str) -> tuple[str, int]:
    """`host:port` with both present; brackets around IPv6 addresses are taken off. Raises `ValueError`."""
    host, colon, digits = text.rpartition(":")
    if not (host and colon and digits.isdecimal() and 0 < int(digits) < 65536):
        raise ValueError(text)
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], int(digits)
    if ":" in host:
        raise ValueError(text)
    return host, int(digits)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _answer(writer: asyncio.StreamWriter, status: int, sentence: str) -> None:
    """The sentence is the reason phrase, since most clients show that alone, and it is the body too."""
    reason = sentence.encode("ascii", "replace").decode().replace("\r", " ").replace("\n", " ")
    body = sentence.encode() + b"\n"
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode("ascii") + body)
    await writer.drain()


async def _relay(client: Streams, remote: Streams) -> None:
    """Copy both ways until both have ended, or either broke."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(client[0], remote[1]))
            group.create_task(_copy(remote[0], client[1]))
    finally:
        remote[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:  # TLS knows no half-open connection
        writer.close()
