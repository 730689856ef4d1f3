"""Python programs written for api.openai.com meet the emulator unchanged, by their environment alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import missing
from integration.redirect.stand_in import StandIn

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
    status, out, err = await stand_in.run(sys.executable, str(script))
    assert (status, err) == (0, "")
    assert "from-ringback" in out
    assert stand_in.seen == stand_in.once


@pytest.mark.parametrize("name", PYTHON_WEBSOCKETS)
async def test_python_websocket_reaches_emulator(stand_in: StandIn, name: str) -> None:
    status, out, err = await stand_in.run(sys.executable, "-c", PREAMBLE + PYTHON_WEBSOCKETS[name])
    assert (status, out, err) == (0, "echo hello\n", "")
    assert stand_in.seen == stand_in.once


@pytest.mark.parametrize("stand_in", ["::1"], indirect=True)
@pytest.mark.parametrize("name", ["requests", "requests without trust_env"])
async def test_python_client_reaches_emulator_when_it_listens_on_ipv6(stand_in: StandIn, name: str) -> None:
    status, out, err = await stand_in.run(sys.executable, "-c", PREAMBLE + PYTHON_CLIENTS[name])
    assert (status, err) == (0, "")
    assert "from-ringback" in out
    assert stand_in.seen == stand_in.once


# Python packages that stay out of the test environment: they would change what the others do there
OTHER_PACKAGES = ("aiodns", "gevent", "trio", "uvloop", "websockets==13.1")
OTHER_CLIENTS = {
    "aiohttp with aiodns": """
import aiohttp, aiohttp.resolver, asyncio
async def main():
    connector = aiohttp.TCPConnector(resolver=aiohttp.resolver.AsyncResolver())
    async with (aiohttp.ClientSession(connector=connector) as s,
                s.get('https://api.openai.com/v1/models', headers=H) as r):
        print(await r.text())
asyncio.run(main())""",
    "aiohttp with uvloop": """
import aiohttp, asyncio, uvloop
async def main():
    resolver = aiohttp.ThreadedResolver()
    async with (aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver)) as s,
                s.get('https://api.openai.com/v1/models', headers=H) as r):
        print(await r.text())
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner: runner.run(main())""",
    "httpx with uvloop": """
import asyncio, httpx, uvloop
async def main():
    async with httpx.AsyncClient(trust_env=False) as client:
        print((await client.get('https://api.openai.com/v1/models', headers=H)).text)
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner: runner.run(main())""",
    "httpx with trio": """
import httpx, trio
async def main():
    async with httpx.AsyncClient(trust_env=False) as client:
        print((await client.get('https://api.openai.com/v1/models', headers=H)).text)
trio.run(main)""",
    "streams with uvloop": """
import asyncio, ssl, uvloop
async def main():
    reader, writer = await asyncio.open_connection('api.openai.com', 443, ssl=True)
    writer.write(('GET /v1/models HTTP/1.0\\r\\nHost: api.openai.com\\r\\nAuthorization: '
                  + H['Authorization'] + '\\r\\n\\r\\n').encode())
    print(await reader.read())
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner: runner.run(main())""",
    "requests with gevent": """
from gevent import monkey; monkey.patch_all()
import requests
session = requests.Session(); session.trust_env = False
print(session.get('https://api.openai.com/v1/models', headers=H).text)""",
    "websockets 13": """
import asyncio, json, websockets
assert websockets.__version__ == '13.1'
async def main():
    async with websockets.connect('wss://api.openai.com/v1/realtime', extra_headers=H) as socket:
        await socket.send('from-ringback'); print(await socket.recv())
asyncio.run(main())""",
    "websockets 13 with uvloop": """
import asyncio, uvloop
from websockets.asyncio.client import connect
async def main():
    async with connect('wss://api.openai.com/v1/realtime', additional_headers=H) as socket:
        await socket.send('from-ringback'); print(await socket.recv())
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner: runner.run(main())""",
}


@pytest.fixture(scope="session")
def other_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), *OTHER_PACKAGES]
    if subprocess.run(command, capture_output=True, timeout=50).returncode != 0:
        missing("pip's way to " + ", ".join(OTHER_PACKAGES))
    return folder


@pytest.mark.parametrize("name", OTHER_CLIENTS)
async def test_python_client_with_other_packages_reaches_emulator(
    stand_in: StandIn, other_packages: Path, name: str
) -> None:
    variables = {
        "PYTHONPATH": stand_in.environment["PYTHONPATH"] + os.pathsep + str(other_packages),
        "PYTHONWARNINGS": "ignore",
    }
    status, out, err = await stand_in.run(sys.executable, "-c", PREAMBLE + OTHER_CLIENTS[name], **variables)
    assert (status, err) == (0, "")
    assert "from-ringback" in out
    assert stand_in.seen == stand_in.once
