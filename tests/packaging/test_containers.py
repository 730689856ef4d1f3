"""Dockerfile, compose.yaml and the workflow of the docs name options, variables and ports that there are.

No image is built and no workflow is run here: what they would run is run without them.
"""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import click
import yaml
from integration.command import ringback, running
from ringback.emulator.cli import main
from ringback.emulator.config import PortRange, Settings, describe
from ringback.emulator.webhooks.signature import parse_secret

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "docker.md").read_text(encoding="utf-8")
WORKFLOW = re.search(
    r"```yaml test.yml\n(.*?)```", (ROOT / "docs" / "github-actions.md").read_text(encoding="utf-8"), re.DOTALL
)


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def environment() -> dict[str, str]:
    """What `ENV` gives the emulator."""
    pairs = (pair.split("=", 1) for line in instructions("ENV") for pair in shlex.split(line))
    return {name: value for name, value in pairs if name.startswith("RINGBACK_")}


def exposed() -> set[str]:
    return {port for line in instructions("EXPOSE") for port in line.split()}


def parsed(arguments: list[str]) -> dict[str, Any]:
    """The options of a `ringback …`, as the command reads them. Raises what it refuses."""
    command = main.get_command(click.Context(main), arguments[0])
    assert command is not None
    return command.make_context("ringback", arguments[1:]).params


def settings() -> Settings:
    """What the emulator in the container is told."""
    env = environment()
    return Settings(
        host=env["RINGBACK_HOST"],
        https_port=int(env["RINGBACK_HTTPS_PORT"]),
        rtp_ports=PortRange.parse(env["RINGBACK_RTP_PORTS"]),
    )


def test_image_exposes_the_ports_that_the_emulator_opens() -> None:
    told = settings()
    assert exposed() == {
        f"{told.http_port}/tcp",
        f"{told.https_port}/tcp",
        f"{told.sip_tls_port}/tcp",
        f"{told.sip_tcp_port}/tcp",
        f"{told.sip_udp_port}/udp",
        f"{told.rtp_ports}/udp",
    }


def test_image_sets_variables_that_are_settings_and_runs_without_rights() -> None:
    names = {f"RINGBACK_{name.upper()}" for name, *_ in describe()}
    assert environment().keys() <= names
    assert instructions("USER") == ["ringback"]
    assert [instructions("ENTRYPOINT"), instructions("CMD")] == [['["ringback"]'], ['["serve"]']]
    assert parsed(["serve"])["clock"] == "system"


async def status_of(code: str, folder: Path) -> int:
    async with running(sys.executable, "-c", code, folder=folder) as command:
        return await command.status()


async def test_health_check_of_the_image_tells_health(tmp_path: Path) -> None:
    """Its Python, on another port: the container's may be taken here."""
    (check,) = re.findall(r'CMD \["python", "-c", "(.*)"\]', DOCKERFILE)
    told = settings()
    assert f":{told.http_port}/" in check
    free = (
        "--http-port",
        "0",
        "--https-port",
        "0",
        "--sip-tls-port",
        "0",
        "--sip-tcp-port",
        "0",
        "--sip-udp-port",
        "0",
    )
    serving = ringback("serve", *free, "--ready-json", "ready.json", folder=tmp_path, **environment())
    async with serving as serve:
        await serve.line(lambda line: line.startswith("# journal: "))
        port = serve.ready()["base_url"].rpartition(":")[2].partition("/")[0]
        check = check.replace(f":{told.http_port}/", f":{port}/")
        assert await status_of(check, tmp_path) == 0
        assert await serve.interrupt() == 0
    assert await status_of(check, tmp_path) == 1


def test_context_of_the_image_has_all_that_the_wheel_is_made_of() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    kept = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    folders = re.search(r"^package-dir = \{(.*)\}", project, re.MULTILINE)
    assert folders is not None
    needed = {*re.findall(r'= "(\w+)"', folders[1]), "pyproject.toml", "README.md", "LICENSE"}
    assert kept == needed
    assert all((ROOT / name).exists() for name in kept)


def test_compose_gives_the_command_options_that_it_takes() -> None:
    service = COMPOSE["services"]["ringback"]
    options = parsed(service["command"])
    assert options["control_anywhere"] is True
    assert options["advertise_ip"] == service["networks"]["calls"]["ipv4_address"]
    told, app = service["environment"], COMPOSE["services"]["app"]["environment"]
    assert told["RINGBACK_WEBHOOK_SECRET"] == app["OPENAI_WEBHOOK_SECRET"]
    assert parse_secret(told["RINGBACK_WEBHOOK_SECRET"])
    assert told["RINGBACK_API_KEY"] == app["OPENAI_API_KEY"]
    assert app["OPENAI_BASE_URL"] == f"http://ringback:{settings().http_port}/v1"


def test_compose_publishes_exposed_ports_under_their_own_numbers_to_this_machine() -> None:
    for published in COMPOSE["services"]["ringback"]["ports"]:
        address, outside, inside = published.split(":")
        assert address == "127.0.0.1"
        assert inside in exposed()
        assert inside.partition("/")[0] == outside


def test_page_names_the_ports_and_options_that_there_are() -> None:
    for port in exposed():
        number = port.partition("/")[0].replace("-", "–")
        assert re.search(rf"^\|.*\b{number}/{port[-3:]}", PAGE, re.MULTILINE), port
    names = [name for name, *_ in describe()]
    known = {f"--{name.replace('_', '-')}" for name in names}
    used = set(re.findall(r"(--(?:advertise|auto|control|phone)-\w+)", PAGE))
    assert used
    assert used <= known
    assert set(re.findall(r"RINGBACK_\w+", PAGE)) - {"RINGBACK_ADMIN_URL"} <= {
        f"RINGBACK_{n.upper()}" for n, *_ in describe()
    }


def test_workflow_runs_a_command_that_there_is() -> None:
    assert WORKFLOW is not None
    workflow = yaml.safe_load(WORKFLOW[1])
    runs = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    (ours,) = [line for line in runs if line.startswith("ringback ")]
    assert parsed(shlex.split(ours)[1:])["command"] == ("npm", "test")
    assert all("uses" in step or "run" in step for job in workflow["jobs"].values() for step in job["steps"])
