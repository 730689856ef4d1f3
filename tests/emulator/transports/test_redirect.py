import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from ringback.emulator.transports.redirect import Place, Redirect, Upstream, parse_authority

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Server = Callable[[Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]], Awaitable[int]]
SENTENCE = "ringback does not serve {}, only https://api.openai.com, and lets nothing through to openai.com"


@pytest.fixture
async def serve() -> AsyncIterator[Server]:
    """`await serve(handler)` is the port of a TCP server on loopback."""
    servers = []

    async def start(handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> int:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await handler(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads to the end, then says it all: works only if one half can be closed before the other."""
    writer.write(b"echo " + await reader.read())


@pytest.fixture
async def connect() -> AsyncIterator[Callable[[int], Awaitable[Streams]]]:
    opened: list[asyncio.StreamWriter] = []

    async def open_one(port: int) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        opened.append(writer)
        return reader, writer

    yield open_one
    for writer in opened:
        writer.close()


class Proxy:
    """A client of the proxy under test."""

    def __init__(self, redirect: Redirect, refused: list[str]) -> None:
        self.redirect = redirect
        self.refused = refused

    async def say(self, data: bytes) -> bytes:
        """Send, end, and read everything."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.redirect.proxy_port)
        writer.write(data)
        writer.write_eof()
        try:
            return await reader.read()
        finally:
            writer.close()

    async def tunnel(self, authority: str, data: bytes = b"") -> bytes:
        head = f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n"
        return await self.say(head.encode() + data)


@pytest.fixture
async def make_proxy() -> AsyncIterator[Callable[..., Awaitable[Proxy]]]:
    started: list[Redirect] = []

    async def make(https_port: int = 9, host: str = "127.0.0.1", upstream: Upstream | None = None) -> Proxy:
        refused: list[str] = []
        redirect = Redirect(https=(host, https_port), upstream=upstream, on_refused=refused.append)
        await redirect.start()
        started.append(redirect)
        return Proxy(redirect, refused)

    yield make
    for redirect in started:
        await redirect.stop()


def upstream_at(port: int, **given: str) -> Upstream:
    upstream = Upstream.of({"https_proxy": f"http://user:p%40ss@127.0.0.1:{port}", **given})
    assert upstream is not None
    return upstream


MakeProxy = Callable[..., Awaitable[Proxy]]


@pytest.mark.parametrize("authority", ["api.openai.com:443", "API.OpenAI.com.:443"])
async def test_proxy_leads_served_host_to_emulator(serve: Server, make_proxy: MakeProxy, authority: str) -> None:
    proxy = await make_proxy(await serve(echo))
    answer = await proxy.tunnel(authority, b"hello")
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\necho hello"


@pytest.mark.parametrize(
    ("authority", "named"),
    [
        ("chat.openai.com:443", "chat.openai.com"),
        ("openai.com:443", "openai.com"),
        ("api.openai.com:80", "api.openai.com:80"),
        ("sip.api.openai.com:5061", "sip.api.openai.com:5061"),
    ],
)
async def test_proxy_refuses_unserved_host_with_a_sentence(make_proxy: MakeProxy, authority: str, named: str) -> None:
    proxy = await make_proxy()
    answer = await proxy.tunnel(authority)
    sentence = SENTENCE.format(named)
    assert answer.startswith(f"HTTP/1.1 403 {sentence}\r\n".encode())
    assert answer.endswith(f"\r\n\r\n{sentence}\n".encode())
    assert proxy.refused == [sentence]


async def test_proxy_passes_other_hosts_on(serve: Server, make_proxy: MakeProxy) -> None:
    proxy = await make_proxy()
    answer = await proxy.tunnel(f"127.0.0.1:{await serve(echo)}", b"hello")
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\necho hello"
    assert proxy.refused == []


@pytest.mark.parametrize("host", ["notopenai.com", "openai.com.example", "api.openai.com.example"])
async def test_proxy_leaves_hosts_alone_whose_name_only_resembles(host: str) -> None:
    assert Place.of(host) is Place.ELSEWHERE


async def test_proxy_says_why_other_host_is_not_reached(make_proxy: MakeProxy) -> None:
    proxy = await make_proxy()
    answer = await proxy.tunnel("127.0.0.1:9")
    assert answer.startswith(b"HTTP/1.1 502 no connection to 127.0.0.1:9: ")


async def test_proxy_refuses_what_is_not_connect(make_proxy: MakeProxy) -> None:
    proxy = await make_proxy()
    answer = await proxy.say(b"GET http://example.com/ HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405 ringback's proxy is for HTTPS: CONNECT, not GET http://example.com/\r\n")


@pytest.mark.parametrize("authority", ["example.com", "example.com:", ":443", "::1:443", "a:0", "a:65536", "a:x"])
async def test_proxy_refuses_authority_without_host_or_port(make_proxy: MakeProxy, authority: str) -> None:
    proxy = await make_proxy()
    assert (await proxy.tunnel(authority)).startswith(b"HTTP/1.1 400 CONNECT wants host:port")


@pytest.mark.parametrize(
    ("text", "parsed"),
    [("a.example:443", ("a.example", 443)), ("[::1]:8443", ("::1", 8443)), ("10.0.0.1:1", ("10.0.0.1", 1))],
)
def test_authority_is_parsed(text: str, parsed: tuple[str, int]) -> None:
    assert parse_authority(text) == parsed


async def test_proxy_drops_client_that_sends_no_request(make_proxy: MakeProxy) -> None:
    proxy = await make_proxy()
    assert await proxy.say(b"") == b""
    assert await proxy.say(b"x" * 100) == b""


async def test_proxy_drops_client_whose_head_is_too_long(
    make_proxy: MakeProxy, connect: Callable[[int], Awaitable[Streams]]
) -> None:
    proxy = await make_proxy()
    reader, writer = await connect(proxy.redirect.proxy_port)
    writer.write(b"CONNECT " + b"x" * 200_000)
    with contextlib.suppress(ConnectionResetError):  # bytes that nobody read can make it a reset
        assert await reader.read() == b""


async def test_stop_ends_open_tunnels(
    serve: Server, make_proxy: MakeProxy, connect: Callable[[int], Awaitable[Streams]]
) -> None:
    proxy = await make_proxy(await serve(echo))
    reader, writer = await connect(proxy.redirect.proxy_port)
    writer.write(b"CONNECT api.openai.com:443 HTTP/1.1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    assert proxy.redirect.connections == 1
    await proxy.redirect.stop()
    assert proxy.redirect.connections == 0
    assert await reader.read() == b""
    with pytest.raises(ConnectionRefusedError):
        await connect(proxy.redirect.proxy_port)


async def test_broken_connection_ends_tunnel(
    serve: Server, make_proxy: MakeProxy, connect: Callable[[int], Awaitable[Streams]]
) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.transport.abort()

    proxy = await make_proxy(await serve(reset))
    reader, writer = await connect(proxy.redirect.proxy_port)
    writer.write(b"CONNECT api.openai.com:443 HTTP/1.1\r\n\r\nx")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert await reader.read() == b""


# The user's own proxy


async def test_proxy_chains_to_users_proxy(serve: Server, make_proxy: MakeProxy) -> None:
    heads: list[bytes] = []

    async def users_proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 fine\r\n\r\n")
        await echo(reader, writer)

    proxy = await make_proxy(upstream=upstream_at(await serve(users_proxy)))
    assert await proxy.tunnel("far.example:443", b"hello") == b"HTTP/1.1 200 fine\r\n\r\necho hello"
    assert await proxy.tunnel("[2001:db8::1]:443", b"hello") == b"HTTP/1.1 200 fine\r\n\r\necho hello"
    credentials = base64.b64encode(b"user:p@ss").decode()
    assert heads == [
        f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\nProxy-Authorization: Basic {credentials}\r\n\r\n".encode()
        for name in ("far.example:443", "[2001:db8::1]:443")
    ]


async def test_client_reads_refusal_of_users_proxy(serve: Server, make_proxy: MakeProxy) -> None:
    async def users_proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 who are you\r\nContent-Length: 0\r\n\r\n")

    proxy = await make_proxy(upstream=upstream_at(await serve(users_proxy)))
    assert (await proxy.tunnel("far.example:443")).startswith(b"HTTP/1.1 407 who are you")


async def test_served_host_never_goes_to_users_proxy(serve: Server, make_proxy: MakeProxy) -> None:
    proxy = await make_proxy(await serve(echo), upstream=upstream_at(9))
    assert (await proxy.tunnel("api.openai.com:443", b"hello")).endswith(b"echo hello")
    assert (await proxy.tunnel("chat.openai.com:443")).startswith(b"HTTP/1.1 403")


async def test_proxy_goes_directly_where_user_wants_no_proxy(serve: Server, make_proxy: MakeProxy) -> None:
    port = await serve(echo)
    proxy = await make_proxy(upstream=upstream_at(9, no_proxy="internal.example"))
    assert (await proxy.tunnel(f"127.0.0.1:{port}", b"hello")).endswith(b"echo hello")
    assert (await proxy.tunnel("far.example:443")).startswith(b"HTTP/1.1 502 no connection to 127.0.0.1:9")


async def test_user_is_told_that_socks_proxy_is_no_link_of_a_chain(make_proxy: MakeProxy) -> None:
    upstream = Upstream.of({"ALL_PROXY": "socks5://127.0.0.1:1080"})
    proxy = await make_proxy(upstream=upstream)
    sentence = "ringback can't chain to a socks5 proxy; give an http one, or far.example in NO_PROXY"
    assert (await proxy.tunnel("far.example:443")).startswith(f"HTTP/1.1 502 {sentence}\r\n".encode())
    assert proxy.refused == [sentence]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://proxy:1"}, None),
        ({"HTTPS_PROXY": ""}, None),
        ({"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:2"}, ("http", "lower", 2, None)),
        ({"ALL_PROXY": "http://all:1", "HTTPS_PROXY": "http://upper:2"}, ("http", "upper", 2, None)),
        ({"all_proxy": "proxy:3128"}, ("http", "proxy", 3128, None)),
        ({"https_proxy": "http://proxy"}, ("http", "proxy", 80, None)),
        ({"https_proxy": "https://me@proxy/"}, ("https", "proxy", 443, "Basic bWU6")),
    ],
)
def test_users_proxy_is_read_from_environment(
    environ: dict[str, str], expected: tuple[str, str, int, str | None] | None
) -> None:
    upstream = Upstream.of(environ)
    found = upstream and (upstream.scheme, upstream.host, upstream.port, upstream.authorization)
    assert found == expected


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "in.example", "a.corp.example"])
def test_users_proxy_is_not_for_loopback_and_exceptions(host: str) -> None:
    assert not upstream_at(1, NO_PROXY="in.example, .corp.example").is_for(host)
    assert upstream_at(1, NO_PROXY="in.example, .corp.example").is_for("out.example")


# The relay for shims that connect over IPv4


async def test_target_is_emulators_listener_when_it_has_an_ipv4_address(serve: Server, make_proxy: MakeProxy) -> None:
    port = await serve(echo)
    proxy = await make_proxy(port)
    assert proxy.redirect.target == ("127.0.0.1", port)


async def test_target_is_a_relay_when_emulator_listens_on_ipv6(
    make_proxy: MakeProxy, connect: Callable[[int], Awaitable[Streams]]
) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(reader, writer)
        writer.close()

    async with await asyncio.start_server(handle, "::1", 0) as server:
        proxy = await make_proxy(server.sockets[0].getsockname()[1], "::1")
        host, port = proxy.redirect.target
        assert host == "127.0.0.1"
        reader, writer = await connect(port)
        writer.write(b"hello")
        writer.write_eof()
        assert await reader.read() == b"echo hello"
