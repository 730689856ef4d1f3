"""Programs written for api.openai.com meet a stand-in of the emulator, unchanged, by their environment alone."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web
from ringback.emulator.transports.environment import Redirection, child_environment
from ringback.emulator.transports.redirect import Redirect, Upstream
from ringback.emulator.transports.tls import Authority, server_contexts

KEY = "sk-ringback-test"


@dataclass
class StandIn:
    """What stands in for the emulator: HTTPS and HTTP, a REST path and a WebSocket that echoes."""

    https: tuple[str, int]
    http: tuple[str, int]
    redirect: Redirect
    environment: dict[str, str]
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    """(scheme, Host, Authorization) of each request."""
    refused: list[str] = field(default_factory=list)


@pytest.fixture(params=["127.0.0.1"])
async def stand_in(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StandIn]:
    seen: list[tuple[str, str, str | None]] = []
    refused: list[str] = []

    def note(request: web.Request) -> None:
        seen.append((request.scheme, request.host, request.headers.get("authorization")))

    async def models(request: web.Request) -> web.Response:
        note(request)
        return web.json_response({"object": "list", "data": [{"id": "from-ringback", "object": "model"}]})

    async def echo(request: web.Request) -> web.WebSocketResponse:
        note(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str("echo " + message.data)
        return socket

    app = web.Application()
    app.add_routes([web.get("/v1/models", models), web.get("/v1/realtime", echo)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    with Authority() as authority:
        secure = web.TCPSite(runner, request.param, 0, ssl_context=server_contexts(authority).https)
        plain = web.TCPSite(runner, "127.0.0.1", 0)
        await secure.start()
        await plain.start()
        https, http = (address[:2] for address in runner.addresses)
        redirect = Redirect(https=https, upstream=Upstream.of(os.environ), on_refused=refused.append)
        await redirect.start()
        redirection = Redirection(
            base_url=f"http://127.0.0.1:{http[1]}/v1",
            api_key=KEY,
            webhook_secret="whsec_cmluZ2JhY2s=",
            ca_file=authority.ca_file,
            target=redirect.target,
            proxy_port=redirect.proxy_port,
        )
        environment = child_environment(os.environ, redirection, folder=tmp_path)
        environment["PLAIN"] = f"http://localhost:{http[1]}/v1/models"
        yield StandIn(https, http, redirect, environment, seen, refused)
        await redirect.stop()
    await runner.cleanup()


async def run(*command: str, env: dict[str, str], cwd: Path | None = None) -> tuple[int | None, str, str]:
    """Run a program to its end: its status, what it printed, what it complained of."""
    process = await asyncio.create_subprocess_exec(
        *command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


ASYNC = "import asyncio\nasync def main():\n{}\nasyncio.run(main())"
PYTHON_CLIENTS = {
    "requests": "import requests; print(requests.get('https://api.openai.com/v1/models', headers=H).text)",
    "requests without trust_env": """
import requests
session = requests.Session(); session.trust_env = False
print(session.get('https://api.openai.com/v1/models', headers=H).text)""",
    "urllib": """
from urllib.request import Request, urlopen
print(urlopen(Request('https://api.openai.com/v1/models', headers=H)).read().decode())""",
    "urllib3": """
import urllib3; print(urllib3.PoolManager().request('GET', 'https://api.openai.com/v1/models', headers=H).data)""",
    "http.client": """
from http.client import HTTPSConnection
connection = HTTPSConnection('api.openai.com'); connection.request('GET', '/v1/models', headers=H)
print(connection.getresponse().read())""",
    "raw ssl": """
import socket, ssl
with ssl.create_default_context().wrap_socket(socket.create_connection(('api.openai.com', 443)),
                                              server_hostname='api.openai.com') as connection:
    connection.sendall(('GET /v1/models HTTP/1.0\\r\\nHost: api.openai.com\\r\\nAuthorization: '
                        + H['Authorization'] + '\\r\\n\\r\\n').encode())
    while data := connection.recv(9999): print(data)""",
    "connect by name": """
import socket, ssl
sock = socket.socket(); sock.connect(('API.openai.com.', 443))
connection = ssl.create_default_context().wrap_socket(sock, server_hostname='api.openai.com')
connection.sendall(('GET /v1/models HTTP/1.0\\r\\nHost: api.openai.com\\r\\nAuthorization: '
                    + H['Authorization'] + '\\r\\n\\r\\n').encode())
while data := connection.recv(9999): print(data)""",
    "httpx": "import httpx; print(httpx.get('https://api.openai.com/v1/models', headers=H).text)",
    "httpx without trust_env": """
import httpx; print(httpx.Client(trust_env=False).get('https://api.openai.com/v1/models', headers=H).text)""",
    "httpx with certifi": """
import certifi, httpx, ssl
context = ssl.create_default_context(cafile=certifi.where())
print(httpx.get('https://api.openai.com/v1/models', headers=H, verify=context, trust_env=False).text)""",
    "httpx async": """
import httpx, asyncio
async def main():
    async with httpx.AsyncClient(trust_env=False) as client:
        print((await client.get('https://api.openai.com/v1/models', headers=H)).text)
asyncio.run(main())""",
    "httpx2": "import httpx2; print(httpx2.get('https://api.openai.com/v1/models', headers=H).text)",
    "openai with a base URL of its own": """
from openai import OpenAI
print(OpenAI(base_url='https://api.openai.com/v1').models.list().data[0].id)""",
    "openai async": """
import asyncio
from openai import AsyncOpenAI
async def main(): print((await AsyncOpenAI(base_url='https://api.openai.com/v1').models.list()).data[0].id)
asyncio.run(main())""",
    "aiohttp": """
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession() as s, s.get('https://api.openai.com/v1/models', headers=H) as r:
        print(await r.text())
asyncio.run(main())""",
    "aiohttp with trust_env": """
import aiohttp, asyncio
async def main():
    async with (aiohttp.ClientSession(trust_env=True) as s,
                s.get('https://api.openai.com/v1/models', headers=H) as r):
        print(await r.text())
asyncio.run(main())""",
    "child process": """
import subprocess, sys
code = "import urllib.request as u, sys; print(u.urlopen(u.Request('https://api.openai.com/v1/models', headers=" + \
       repr(H) + ")).read())"
subprocess.run([sys.executable, '-c', code], check=True)""",
    "multiprocessing": """
import multiprocessing, urllib.request as u
if __name__ == '__main__':
    pool = multiprocessing.get_context('spawn').Pool(1)
    request = u.Request('https://api.openai.com/v1/models', headers=H)
    print(pool.apply(eval, ("__import__('urllib.request').request.urlopen(request).read()", {'request': request})))
    pool.terminate()""",
    "isolated mode by proxy": """
import subprocess, sys
code = "import requests; print(requests.get('https://api.openai.com/v1/models', headers=" + repr(H) + ").text)"
subprocess.run([sys.executable, '-E', '-c', code], check=True)""",
}
PYTHON_WEBSOCKETS = {
    "websockets": """
import asyncio, websockets
async def main():
    async with websockets.connect('wss://api.openai.com/v1/realtime', additional_headers=H) as socket:
        await socket.send('hello'); print(await socket.recv())
asyncio.run(main())""",
    "websockets without proxy": """
import asyncio, websockets
async def main():
    async with websockets.connect('wss://api.openai.com/v1/realtime', additional_headers=H, proxy=None) as socket:
        await socket.send('hello'); print(await socket.recv())
asyncio.run(main())""",
    "websockets sync": """
from websockets.sync.client import connect
with connect('wss://api.openai.com/v1/realtime', additional_headers=H) as socket:
    socket.send('hello'); print(socket.recv())""",
    "aiohttp WebSocket": """
import aiohttp, asyncio
async def main():
    async with (aiohttp.ClientSession() as s,
                s.ws_connect('wss://api.openai.com/v1/realtime', headers=H) as socket):
        await socket.send_str('hello'); print(await socket.receive_str())
asyncio.run(main())""",
}
PREAMBLE = "import os; H = {'Authorization': 'Bearer ' + os.environ['OPENAI_API_KEY']}\n"


@pytest.mark.parametrize("name", PYTHON_CLIENTS)
async def test_python_client_reaches_emulator(stand_in: StandIn, tmp_path: Path, name: str) -> None:
    script = tmp_path / "client.py"
    script.write_text(PREAMBLE + PYTHON_CLIENTS[name])
    status, out, err = await run(sys.executable, str(script), env=stand_in.environment)
    assert (status, err) == (0, "")
    assert "from-ringback" in out
    assert stand_in.seen == [("https", "api.openai.com", f"Bearer {KEY}")]


@pytest.mark.parametrize("name", PYTHON_WEBSOCKETS)
async def test_python_websocket_reaches_emulator(stand_in: StandIn, name: str) -> None:
    status, out, err = await run(sys.executable, "-c", PREAMBLE + PYTHON_WEBSOCKETS[name], env=stand_in.environment)
    assert (status, out, err) == (0, "echo hello\n", "")
    assert stand_in.seen == [("https", "api.openai.com", f"Bearer {KEY}")]
