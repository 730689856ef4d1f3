"""The commands as their users run them: what they print, what they write, and how they end."""

import asyncio
import json
import os
import signal
import socket
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import StartEmulator, wait_for_entry
from integration.command import FREE_PORTS, ringback, run, running, settings
from ringback.conformance.client import Phone
from ringback.conformance.client.errors import ClientError
from ringback.conformance.client.media import read_wav, write_wav
from ringback.emulator import demo
from ringback.emulator.cli import SINGULAR
from ringback.emulator.config import Settings
from ringback.fixtures import tonecode

READY = ("--ready-json", "ready.json")


def is_ready(line: str) -> bool:
    """The last line of what `serve` prints at its start."""
    return line.startswith("# journal: ")


def port_of(uri: str) -> int:
    return int(uri.partition("@")[2].partition(";")[0].rpartition(":")[2])


def listen(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """Bind a port as a server does. Raises `OSError` if somebody has it."""
    sock = socket.socket(socket.AF_INET, kind)
    try:
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as asyncio's servers do
        sock.bind(("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    return sock


@pytest.fixture
def taken_port() -> Iterator[int]:
    with listen(0) as sock:
        sock.listen()
        yield int(sock.getsockname()[1])


# serve


async def test_serve_writes_addresses_once_it_listens(tmp_path: Path) -> None:
    async with ringback("serve", *FREE_PORTS, *READY, folder=tmp_path) as command:
        await command.line(is_ready)
        ready = command.ready()
        assert list(ready) == [
            "base_url",
            "https_base_url",
            "api_key",
            "project_id",
            "webhook_secret",
            "sip",
            "ca_file",
            "admin_url",
            "srtp",
        ]
        assert ready["base_url"].startswith("http://127.0.0.1:")
        assert ready["base_url"].endswith("/v1")
        assert ready["project_id"] == "proj_ringback"
        assert ready["webhook_secret"].startswith("whsec_")
        assert list(ready["sip"]) == ["tls", "tcp", "udp"]
        for transport, uri in ready["sip"].items():
            assert uri == f"sip:proj_ringback@127.0.0.1:{port_of(uri)};transport={transport}"
        assert "BEGIN CERTIFICATE" in await asyncio.to_thread(Path(ready["ca_file"]).read_text)
        assert await command.journal("emulator.started")
        assert os.listdir(tmp_path) == ["ready.json"]
        assert await command.interrupt() == 0
    assert not os.path.exists(ready["ca_file"])  # noqa: ASYNC240


async def test_serve_prints_what_a_shell_can_take(tmp_path: Path) -> None:
    async with ringback("serve", *FREE_PORTS, *READY, "--auto-accept", folder=tmp_path) as command:
        await command.line(is_ready)
        ready, printed = command.ready(), command.text
    script = printed + '\nprintf "%s\\n" "$OPENAI_BASE_URL" "$OPENAI_API_KEY" "$OPENAI_WEBHOOK_SECRET"\n'
    async with running("sh", "-euc", script, folder=tmp_path) as shell:
        assert await shell.status() == 0
    assert shell.lines == [ready["base_url"], ready["api_key"], ready["webhook_secret"]]
    assert all(uri in printed for uri in ready["sip"].values())


@pytest.mark.parametrize("transport", ["tls", "tcp", "udp"])
async def test_caller_receives_bye_when_serve_is_interrupted(tmp_path: Path, transport: str) -> None:
    async with ringback("serve", *FREE_PORTS, *READY, "--auto-accept", folder=tmp_path) as command:
        await command.line(is_ready)
        ready = command.ready()
        async with Phone(ca_file=ready["ca_file"]) as phone:
            call = await phone.dial(ready["sip"][transport])
            await call.answered()
            await call.wait_for_sound()
            assert await command.interrupt() == 0
            assert await call.ended() == "callee"
    assert "BYE to every call" in command.text
    assert "Traceback" not in command.text
    for uri in ready["sip"].values():
        kind = socket.SOCK_DGRAM if uri.endswith("udp") else socket.SOCK_STREAM
        listen(port_of(uri), kind).close()
    for name in ("base_url", "https_base_url"):
        listen(int(ready[name].rpartition(":")[2].partition("/")[0])).close()


async def test_serve_ends_when_no_phone_answers_its_bye(tmp_path: Path) -> None:
    async with ringback("serve", *FREE_PORTS, *READY, "--auto-accept", "-v", folder=tmp_path) as command:
        await command.line(is_ready)
        uri = command.ready()["sip"]["udp"]
        async with ringback("dial", uri, "--listen", "60", folder=tmp_path) as phone:
            await command.line(lambda line: "< ACK" in line)
            phone.process.send_signal(signal.SIGSTOP)
            assert await command.interrupt() == 0
            phone.process.send_signal(signal.SIGKILL)
            phone.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("option", ["http", "https", "sip-tls", "sip-tcp"])
async def test_user_is_told_that_a_port_is_taken(tmp_path: Path, taken_port: int, option: str) -> None:
    status, text = await run("serve", *FREE_PORTS, f"--{option}-port", str(taken_port), folder=tmp_path)
    assert status == 1
    [line] = text.splitlines()
    assert line.startswith("Error: ")
    assert str(taken_port) in line
    assert "address already in use" in line.lower()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--http-port", "99999"], "http-port 99999: give a port from 0 to 65535"),
        (["--rtp-ports", "7"], "RTP ports '7': give LO-HI, for example 10000-10100"),
        (["--tls-cert", "cert.pem"], "give both of tls-cert and tls-key, or neither"),
        (["--project", "ringback"], "project 'ringback': a project id starts with proj_"),
        (["--no-such-option"], "No such option '--no-such-option'"),
    ],
)
async def test_user_is_told_of_a_wrong_option(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    (tmp_path / "cert.pem").touch()
    status, text = await run("serve", *FREE_PORTS, *arguments, folder=tmp_path)
    assert status == 2
    assert complaint in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["--ready-json", "no/such/folder/ready.json"],
        ["--tls-cert", "none.pem", "--tls-key", "none.pem"],
        ["--webhook-secret", "whsec_%"],
        ["--host", "192.0.2.1"],
        ["--tls-keylog", "no/such/folder/keys"],
        ["--journal-folder", "no/such/folder"],
    ],
)
async def test_user_is_told_in_a_sentence_why_serve_can_not_start(tmp_path: Path, arguments: list[str]) -> None:
    status, text = await run("serve", *FREE_PORTS, *arguments, folder=tmp_path)
    assert status in (1, 2)
    assert "Traceback" not in text
    assert text.splitlines()[-1].startswith("Error: ")


# Settings


async def test_serve_takes_settings_from_environment_and_file(tmp_path: Path) -> None:
    file = {
        "http-port": 0,
        "sip_tls_port": 0,
        "sip-tcp-port": 0,
        "sip-udp-port": 0,
        "api-key": "sk-from-file",
        "project": "proj_file",
        "webhook-url": "http://127.0.0.1:9/",
        "auto-accept": True,
        "ready-json": "ready.json",
    }
    text = settings(file)
    assert tomllib.loads(text) == file
    (tmp_path / "ringback.toml").write_text(text)
    async with ringback("serve", folder=tmp_path, RINGBACK_PROJECT="proj_environment") as command:
        await command.line(is_ready)
        ready = command.ready()
    assert (ready["api_key"], ready["project_id"]) == ("sk-from-file", "proj_environment")
    assert "# webhooks go to http://127.0.0.1:9/" in command.lines
    assert "# every call is accepted and greeted" in command.lines


async def test_option_wins_over_environment_and_file(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(settings({"api-key": "sk-from-file"}))
    arguments = ["--config", "other.toml", "serve", *FREE_PORTS, *READY, "--api-key", "sk-from-option"]
    async with ringback(*arguments, folder=tmp_path, RINGBACK_API_KEY="sk-from-environment") as command:
        await command.line(is_ready)
        assert command.ready()["api_key"] == "sk-from-option"


async def test_several_webhook_urls_come_from_one_variable(tmp_path: Path) -> None:
    urls = "http://127.0.0.1:9/a http://127.0.0.1:9/b"
    async with ringback("serve", *FREE_PORTS, folder=tmp_path, RINGBACK_WEBHOOK_URL=urls) as command:
        await command.line(is_ready)
    assert [line for line in command.lines if "webhooks go to" in line] == [
        "# webhooks go to http://127.0.0.1:9/a",
        "# webhooks go to http://127.0.0.1:9/b",
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("http-prot = 1\n", "ringback.toml: unknown key 'http-prot'"),
        ("http-port = \n", "ringback.toml: "),
        ('http-port = "many"\n', "'many' is not a valid integer"),
    ],
)
@pytest.mark.parametrize("command", [["serve"], ["exec", "true"]])
async def test_user_is_told_of_a_mistake_in_the_file(
    tmp_path: Path, command: list[str], content: str, complaint: str
) -> None:
    (tmp_path / "ringback.toml").write_text(content)
    status, text = await run(*command, folder=tmp_path)
    assert status == 2
    assert complaint in text
    assert "Traceback" not in text


async def test_user_is_told_of_a_mistake_in_the_environment(tmp_path: Path) -> None:
    status, text = await run("serve", folder=tmp_path, RINGBACK_HTTP_PORT="many")
    assert status == 2
    assert "'many' is not a valid integer" in text


# exec


@pytest.mark.parametrize("status", [0, 3])
async def test_exec_exits_with_the_status_of_its_command(tmp_path: Path, status: int) -> None:
    code = f"import os; print(os.environ['OPENAI_BASE_URL']); exit({status})"
    arguments = ["exec", *FREE_PORTS, *READY, "--", sys.executable, "-c", code]
    async with ringback(*arguments, folder=tmp_path) as command:
        assert await command.status() == status
    assert command.ready()["base_url"] in command.lines
    assert "ringback: no call arrived, and the command never spoke to the API" in command.lines
    assert any("no --webhook-url was given" in line for line in command.lines)
    assert any(command.ready()["sip"]["tls"] in line for line in command.lines)


async def test_exec_says_that_its_command_does_not_exist(tmp_path: Path) -> None:
    status, text = await run("exec", *FREE_PORTS, "no-such-command", folder=tmp_path)
    assert status == 127
    assert "ringback: no-such-command: command not found" in text


async def test_exec_needs_a_command(tmp_path: Path) -> None:
    status, text = await run("exec", *FREE_PORTS, "--", folder=tmp_path)
    assert status == 2
    assert "COMMAND" in text


async def test_exec_says_nothing_of_missing_calls_when_one_came(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    async with ringback("exec", *FREE_PORTS, *READY, "--auto-accept", "cat", "go", folder=tmp_path) as command:
        await command.line(lambda line: line.startswith("ringback: its certificate authority"))
        async with Phone() as phone:
            call = await phone.dial(command.ready()["sip"]["udp"])
            await call.answered()
            await call.hang_up()
        await asyncio.to_thread((tmp_path / "go").write_text, "gone\n")
        assert await command.status() == 0
    ready = command.ready()
    assert command.lines == [
        f"ringback: a phone may dial {ready['sip']['tls']}",
        f"ringback: its certificate authority is {ready['ca_file']}",
        "gone",
    ]


# demo


@pytest.mark.parametrize("transport", ["tls", "tcp", "udp"])
async def test_demo_shows_a_whole_call(tmp_path: Path, transport: str) -> None:
    status, text = await run("demo", "--transport", transport, folder=tmp_path)
    assert status == 0
    lines = text.splitlines()
    assert lines[0].split() == ["caller", "ringback", "application"]
    assert max(map(len, lines[: lines.index("")])) <= 120
    steps = [
        "─ INVITE sip:proj_ringback@",
        "realtime.call.incoming → 200",
        "POST …/accept",
        "180 Ringing",
        "200 to accept",
        "200 OK",
        "─ ACK ",
        "sideband-1 attached",
        "response.create ",
        f"“{demo.GREETING}”",
        "output_audio_buffer.stopped",
        f"“{demo.CALLER_SAYS}”",
        "POST …/refer",
        "REFER ",
        "200 to refer",
        "─ 202 Accepted",
        "─ NOTIFY ",
        "─ BYE ",
        "call ended",
    ]
    position = 0
    for step in steps:
        position = text.find(step, position)
        assert position >= 0, f"{step!r} is missing, or too early, in\n{text}"


class FailingPhone(Phone):
    """Its call does not go as it should."""

    async def dial(self, uri, **options):  # type: ignore[no-untyped-def,override]
        return await super().dial(uri.replace("proj_ringback", "proj_unknown"), **options)


async def test_demo_says_in_a_sentence_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert await demo.run(FailingPhone, "udp", phone_error=ClientError) == 1
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == "the demo failed: the call was refused: 404 Not Found"
    assert "INVITE sip:proj_unknown@" in printed


# dial


async def test_dial_talks_to_auto_accept(start_emulator: StartEmulator, tmp_path: Path) -> None:
    emulator = await start_emulator(auto_accept=True)
    arguments = ["--ca-file", emulator.ready.ca_file, "--say", "hello there", "--press", "4", "--record", "heard.wav"]
    async with ringback("dial", emulator.ready.sip["tls"], *arguments, "--listen", "2", folder=tmp_path) as command:
        assert await command.status() == 0
    assert "heard: hello there" in command.lines
    assert [heard.text for heard in tonecode.decode(read_wav(tmp_path / "heard.wav"))][-1] == "hello there"
    assert (await wait_for_entry(emulator, "media.dtmf")).data["digit"] == "4"
    assert any("INVITE" in line for line in command.lines)


async def test_dial_plays_a_file_and_reports_as_json(start_emulator: StartEmulator, tmp_path: Path) -> None:
    emulator = await start_emulator(auto_accept=True)
    write_wav(tmp_path / "question.wav", tonecode.encode("what is this"))
    arguments = ["--play", "question.wav", "--json", "--from", "+14255550112"]
    status, text = await run("dial", emulator.ready.sip["udp"], *arguments, folder=tmp_path)
    assert status == 0
    report = json.loads(text)
    assert (report["status"], report["ended_by"]) == (200, "caller")
    heard = await wait_for_entry(emulator, "media.heard")
    assert heard.data["text"] == "what is this"


async def test_dial_offers_the_codec_and_the_keys_that_it_is_told(
    start_emulator: StartEmulator, tmp_path: Path
) -> None:
    emulator = await start_emulator(auto_accept=True, srtp="required")
    arguments = ["--codec", "opus", "--srtp", "--say", "hello there", "--json"]
    status, text = await run("dial", emulator.ready.sip["udp"], *arguments, folder=tmp_path)
    assert (status, json.loads(text)["codec"]) == (0, "opus")
    opened = await wait_for_entry(emulator, "media.opened")
    assert (opened.data["codec"], opened.data["security"]) == ("opus", "srtp")
    assert "hello there" in json.loads(text)["heard"]


async def test_dial_exits_with_1_when_it_is_refused(start_emulator: StartEmulator, tmp_path: Path) -> None:
    emulator = await start_emulator()
    uri = emulator.ready.sip["tcp"].replace("proj_ringback", "proj_unknown")
    status, text = await run("dial", uri, folder=tmp_path)
    assert status == 1
    assert text.splitlines()[-1] == "not answered: 404 Not Found"


async def test_dial_says_that_it_does_not_trust_the_certificate(start_emulator: StartEmulator, tmp_path: Path) -> None:
    emulator = await start_emulator()
    status, text = await run("dial", emulator.ready.sip["tls"], folder=tmp_path)
    assert status == 1
    assert "certificate" in text


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["not a uri"],
        ["mailto:a@b"],
        ["sip:a@127.0.0.1:9;transport=udp", "--play", "no.wav"],
        ["sip:a@127.0.0.1:9;transport=tls", "--ca-file", "no.pem"],
    ],
)
async def test_dial_exits_with_2_when_it_is_used_wrongly(tmp_path: Path, arguments: list[str]) -> None:
    status, text = await run("dial", *arguments, folder=tmp_path)
    assert status == 2
    assert "Error: " in text
    assert "Traceback" not in text


# Help


async def test_help_lists_the_commands(tmp_path: Path) -> None:
    status, text = await run("--help", folder=tmp_path)
    assert status == 0
    commands = {line.split()[0] for line in text.partition("Commands:")[2].splitlines() if line}
    assert commands >= {"demo", "dial", "exec", "serve"}


@pytest.mark.parametrize("command", ["serve", "exec"])
async def test_help_lists_every_setting(tmp_path: Path, command: str) -> None:
    status, text = await run(command, "--help", folder=tmp_path)
    assert status == 0
    for name in Settings.__dataclass_fields__:
        assert f"--{SINGULAR.get(name, name).replace('_', '-')} " in text


async def test_version_is_printed(tmp_path: Path) -> None:
    status, text = await run("--version", folder=tmp_path)
    assert status == 0
    assert text.startswith("ringback, version ") or "version" in text
