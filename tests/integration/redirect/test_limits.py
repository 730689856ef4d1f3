"""What is not Python or Node.js, what is not served, and what the redirection must leave as it is."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from integration.redirect.stand_in import StandIn


async def test_curl_reaches_emulator(stand_in: StandIn, program: Callable[[str], str]) -> None:
    bearer = "Authorization: Bearer " + stand_in.environment["OPENAI_API_KEY"]
    status, out, err = await stand_in.run(program("curl"), "-sS", "https://api.openai.com/v1/models", "-H", bearer)
    assert (status, err) == (0, "")
    assert "from-ringback" in out
    assert stand_in.seen == stand_in.once


async def test_sdk_uses_base_url_when_program_names_no_host(stand_in: StandIn) -> None:
    code = "from openai import OpenAI; print(OpenAI().models.list().data[0].id)"
    status, out, err = await stand_in.run(sys.executable, "-c", code)
    assert (status, out, err) == (0, "from-ringback\n", "")
    assert [seen[:2] for seen in stand_in.seen] == [("http", f"127.0.0.1:{stand_in.http[1]}")]


SENTENCE = "ringback does not serve {}, only https://api.openai.com, and lets nothing through to openai.com"
REFUSED = {
    "requests": "import requests; requests.get('https://{}/v1/models')",
    "urllib": "import urllib.request; urllib.request.urlopen('https://{}/v1/models')",
    "http.client": "from http.client import HTTPSConnection; HTTPSConnection('{}').request('GET', '/v1/models')",
    "http": "import http.client; http.client.HTTPConnection('{}').request('GET', '/v1/models')",
    "gethostbyname": "import socket; socket.gethostbyname('{}')",
    "connect": "import socket; socket.socket().connect(('{}', 443))",
    "aiohttp": """
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession() as session: await session.get('https://{}/v1/models')
asyncio.run(main())""",
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("host", ["chat.openai.com", "openai.com"])
async def test_python_client_is_told_when_host_is_not_served(stand_in: StandIn, name: str, host: str) -> None:
    status, _, err = await stand_in.run(sys.executable, "-c", REFUSED[name].format(host))
    assert status == 1
    assert SENTENCE.format(host) in err
    assert stand_in.seen == []


@pytest.mark.parametrize(
    "code",
    [
        "import http.client; http.client.HTTPConnection('api.openai.com').request('GET', '/')",
        "import socket; socket.create_connection(('api.openai.com', 80))",
        "import socket; socket.socket().connect(('api.openai.com', 80))",
        "import socket; socket.socket().connect((socket.gethostbyname('api.openai.com'), 80))",
    ],
)
async def test_python_client_is_told_when_port_is_not_served(stand_in: StandIn, code: str) -> None:
    status, _, err = await stand_in.run(sys.executable, "-c", code)
    assert status == 1
    assert SENTENCE.format("api.openai.com:80") in err


@pytest.mark.parametrize(
    "code",
    [
        'fetch("https://chat.openai.com/").catch((error) => fail(error.cause));',
        'require("https").get("https://chat.openai.com/").on("error", fail);',
        'require("net").connect(80, "chat.openai.com").on("error", fail);',
    ],
)
async def test_node_client_is_told_when_host_is_not_served(
    stand_in: StandIn, program: Callable[[str], str], code: str
) -> None:
    code = "const fail = (error) => { console.log(error.message); process.exitCode = 1; };" + code
    status, out, err = await stand_in.run(program("node"), "-e", code)
    assert (status, out) == (1, SENTENCE.format("chat.openai.com") + "\n")
    assert err == f"ringback: {out}"


async def test_curl_is_told_when_host_is_not_served(stand_in: StandIn, program: Callable[[str], str]) -> None:
    command = [program("curl"), "-sS", "-v", "https://chat.openai.com/"]
    status, _, err = await stand_in.run(*command)
    assert status == 56  # CURLE_RECV_ERROR: the proxy refused
    assert SENTENCE.format("chat.openai.com") in err
    assert stand_in.refused == [SENTENCE.format("chat.openai.com")]


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-c", "import os, requests; print(requests.get(os.environ['PLAIN']).text)"],
        [sys.executable, "-c", "import os; from urllib.request import *; print(urlopen(os.environ['PLAIN']).read())"],
        ["node", "-e", "fetch(process.env.PLAIN).then((r) => r.text()).then(console.log)"],
        ["sh", "-c", 'curl -sS "$PLAIN"'],
    ],
)
async def test_localhost_stays_direct(stand_in: StandIn, program: Callable[[str], str], command: list[str]) -> None:
    status, out, err = await stand_in.run(program(command[0]), *command[1:])
    assert (status, err) == (0, "")
    assert "from-ringback" in out
    assert [scheme for scheme, _, _ in stand_in.seen] == ["http"]
    assert stand_in.redirect.connections == 0


# What must not change


async def test_python_shim_runs_sitecustomize_that_it_hides(stand_in: StandIn, tmp_path: Path) -> None:
    folder = tmp_path / "users"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("print('mine', __name__, __file__)")
    path = stand_in.environment["PYTHONPATH"] + os.pathsep + str(folder)
    code = "import sitecustomize; print(sitecustomize.__file__)"
    status, out, err = await stand_in.run(sys.executable, "-c", code, PYTHONPATH=path)
    file = folder / "sitecustomize.py"
    assert (status, out, err) == (0, f"mine sitecustomize {file}\n{file}\n", "")


async def test_python_shim_imports_nothing_that_program_does_not(stand_in: StandIn) -> None:
    code = "import sys; print(sorted({'socket', 'ssl', 'asyncio', 'uvloop', 'http.client'} & set(sys.modules)))"
    assert await stand_in.run(sys.executable, "-c", code) == (0, "[]\n", "")


async def test_program_runs_when_emulator_is_gone(stand_in: StandIn, program: Callable[[str], str]) -> None:
    gone = {"RINGBACK_REDIRECT_CA": "/absent", "RINGBACK_REDIRECT_TO": "127.0.0.1:1"}
    code = "import http.client as h\ntry: h.HTTPSConnection('api.openai.com').request('GET', '/')\n"
    code += "except ConnectionRefusedError: print('refused')"
    assert await stand_in.run(sys.executable, "-c", code, **gone) == (0, "refused\n", "")
    code = 'fetch("https://api.openai.com/").catch((error) => console.log(error.cause.code))'
    assert await stand_in.run(program("node"), "-e", code, **gone) == (0, "ECONNREFUSED\n", "")


@pytest.mark.parametrize("to", ["nonsense", "127.0.0.1:", ""])
async def test_program_runs_when_redirection_is_nonsense(
    stand_in: StandIn, program: Callable[[str], str], to: str
) -> None:
    status, out, _ = await stand_in.run(sys.executable, "-c", "import socket; print('runs')", RINGBACK_REDIRECT_TO=to)
    assert (status, out) == (0, "runs\n")
    status, out, _ = await stand_in.run(
        program("node"), "-e", "require('net'); console.log('runs')", RINGBACK_REDIRECT_TO=to
    )
    assert (status, out) == (0, "runs\n")
