import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from ringback.emulator.config import Settings
from ringback.emulator.journal import Journal
from ringback.emulator.run_command import advice, execute, local_host


@dataclass
class Ready:
    ca_file: str
    base_url: str = "http://203.0.113.1:8080/v1"
    https_base_url: str = "https://203.0.113.1:8443/v1"
    api_key: str = "sk-ringback-1"
    webhook_secret: str = "whsec_cmluZ2JhY2s="
    sip: Mapping[str, str] = field(default_factory=lambda: {"tls": "sip:proj_ringback@127.0.0.1:5061;transport=tls"})


@dataclass
class RunningEmulator:
    """What `execute` needs of an emulator, without one."""

    ready: Ready
    settings: Settings = field(default_factory=lambda: Settings(webhook_urls=("http://127.0.0.1:8000/",)))
    journal: Journal = field(default_factory=lambda: Journal(limit=100))

    def add(self, kind: str, **data: Any) -> None:
        self.journal.add(kind, now=0.0, **data)


@pytest.fixture
def emulator(tmp_path: Path) -> RunningEmulator:
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    return RunningEmulator(Ready(str(file)))


NEVER_SPOKE = [
    "no call arrived, and the command never spoke to the API",
    "a phone must dial sip:proj_ringback@127.0.0.1:5061;transport=tls",
    "it may be a program that the redirect does not reach: Python with -E, -I or -S, a program that clears its"
    " environment, Java, some Rust and C clients; give those the base URL (docs/exec.md)",
]


async def test_command_runs_in_environment_of_emulator(emulator: RunningEmulator, tmp_path: Path) -> None:
    code = f"import json, os; json.dump(dict(os.environ), open({str(tmp_path / 'seen.json')!r}, 'w')); exit(7)"
    said: list[str] = []
    status = await execute([sys.executable, "-c", code], emulator, environ={"PATH": "/bin"}, say=said.append)
    assert status == 7
    seen = json.loads(await asyncio.to_thread((tmp_path / "seen.json").read_text))
    # The advertised address is for others: the command is on this machine.
    assert seen["OPENAI_BASE_URL"] == "http://127.0.0.1:8080/v1"
    assert seen["RINGBACK_REDIRECT_TO"] == "127.0.0.1:8443"
    assert seen["OPENAI_API_KEY"] == "sk-ringback-1"
    assert seen["OPENAI_WEBHOOK_SECRET"] == "whsec_cmluZ2JhY2s="
    assert not await asyncio.to_thread(os.path.exists, seen["SSL_CERT_FILE"])
    assert said == NEVER_SPOKE


@pytest.mark.parametrize(("command", "status"), [("no-such-command", 127), ("/", 126)])
async def test_user_is_told_why_command_did_not_start(emulator: RunningEmulator, command: str, status: int) -> None:
    said: list[str] = []
    assert await execute([command], emulator, say=said.append) == status
    assert len(said) == 1
    assert said[0].startswith(f"{command}: ")


async def test_user_is_told_once_of_a_refused_host(emulator: RunningEmulator) -> None:
    code = """
import os, urllib.parse, socket
proxy = urllib.parse.urlsplit(os.environ['HTTPS_PROXY'])
for _ in range(2):
    connection = socket.create_connection((proxy.hostname, proxy.port))
    connection.sendall(b'CONNECT chat.openai.com:443 HTTP/1.1\\r\\n\\r\\n')
    connection.recv(9999)
    connection.close()
"""
    said: list[str] = []
    await execute([sys.executable, "-S", "-c", code], emulator, environ={"PATH": "/bin"}, say=said.append)
    assert said == [
        "ringback does not serve chat.openai.com, only https://api.openai.com, and lets nothing through to openai.com",
        *NEVER_SPOKE,
    ]


async def test_nothing_stays_when_run_is_cancelled(emulator: RunningEmulator, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    run = asyncio.create_task(execute(["sh", "-c", f"echo $SSL_CERT_FILE > {pipe}; sleep 1000"], emulator))
    bundle = Path((await asyncio.to_thread(pipe.read_text)).strip())
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert not await asyncio.to_thread(bundle.exists)


def test_advice_is_silent_when_webhook_of_a_call_was_delivered(emulator: RunningEmulator) -> None:
    emulator.add("call.state", to="undecided")
    emulator.add("webhook.attempt", url="http://127.0.0.1:8000/", status=500)
    emulator.add("webhook.attempt", url="http://127.0.0.1:8000/", status=200)
    emulator.add("webhook.delivered", url="http://127.0.0.1:8000/")
    assert advice(emulator) == []


def test_advice_is_silent_when_call_needed_no_webhook(emulator: RunningEmulator) -> None:
    emulator.add("call.state", to="undecided")
    assert advice(emulator) == []


@pytest.mark.parametrize(
    ("outcome", "words"),
    [({"error": "connection refused"}, "connection refused"), ({"status": 404}, "it answered 404")],
)
def test_advice_names_webhook_that_was_not_delivered(
    emulator: RunningEmulator, outcome: dict[str, Any], words: str
) -> None:
    emulator.add("call.state", to="undecided")
    emulator.add("webhook.attempt", url="http://127.0.0.1:9/", **outcome)
    assert advice(emulator) == [f"a call arrived, but no webhook was delivered: POST http://127.0.0.1:9/: {words}"]


def test_advice_tells_that_nobody_dialled_when_command_spoke_to_api(emulator: RunningEmulator) -> None:
    emulator.add("rest.request", method="GET", path="/v1/models")
    assert advice(emulator) == ["the command spoke to the API, but no call arrived: nobody dialled", NEVER_SPOKE[1]]


def test_advice_tells_of_refused_invite(emulator: RunningEmulator) -> None:
    emulator.add("sip.received", summary="OPTIONS sip:127.0.0.1")
    emulator.add("sip.received", summary="INVITE sip:proj_other@127.0.0.1")
    assert advice(emulator)[0] == "no call began: INVITE sip:proj_other@127.0.0.1 was refused"


def test_advice_tells_that_no_webhook_url_was_given(emulator: RunningEmulator) -> None:
    emulator.settings = Settings()
    assert any("no --webhook-url was given" in sentence for sentence in advice(emulator))
    emulator.settings = Settings(auto_accept=True)
    assert not any("no --webhook-url was given" in sentence for sentence in advice(emulator))


@pytest.mark.parametrize(
    ("bound", "local"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.0.2.1", "192.0.2.1"), ("::1", "::1")]
)
def test_command_reaches_listener_on_this_machine(bound: str, local: str) -> None:
    assert local_host(bound) == local
