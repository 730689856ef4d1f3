"""The command `ringback`: serve, exec, dial, doctor … The only module that may import the other half, lazily: its
phone, and the control API, which has one."""

import asyncio
import json
import logging
import shlex
import shutil
import signal
import sys
import tomllib
import types
from collections.abc import Callable, Collection, Coroutine
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

import click

from .config import PortRange, Settings
from .errors import UsageError
from .loops import LoopKind, loop_factory
from .scenario_command import scenario
from .softphones import KINDS, Addresses

if TYPE_CHECKING:
    from ringback.conformance.control.manual_time import ManualTime

CONFIG_FILE = "ringback.toml"


METAVARS = {
    "rtp_ports": "LO-HI",
    "advertise_ip": "ADDRESS",
    "host": "ADDRESS",
    "webhook_urls": "URL",
    "webrtc_addresses": "ADDRESS",
    "tls_cert": "FILE",
    "tls_key": "FILE",
    "tls_keylog": "FILE",
    "journal_folder": "FOLDER",
}
SINGULAR = {"webhook_urls": "webhook_url", "webrtc_addresses": "webrtc_address", "codecs": "codec"}
"""Options that may be given several times."""
_FILE = click.Path(exists=True, dir_okay=False)
_FOLDER = click.Path(exists=True, file_okay=False, writable=True)
PATHS = {"tls_cert": _FILE, "tls_key": _FILE, "journal_folder": _FOLDER}
EPILOG = (
    "Times are seconds, sizes bytes; a port of 0 means any free one. Each option is also a variable (--http-port is"
    f" RINGBACK_HTTP_PORT) and a key of {CONFIG_FILE} (http-port = 8080). CHOICE marks a behaviour that nobody knows of"
    " the real service."
)


ALL_SETTINGS = frozenset(field.name for field in fields(Settings))
DOCTORS_SETTINGS = ("host", "http_port", "sip_tls_port", "sip_tcp_port", "sip_udp_port", "rtp_ports")


def settings_options(command: Callable[..., Any], names: Collection[str] = ALL_SETTINGS) -> Callable[..., Any]:
    """Every field of `Settings` as an option; also `RINGBACK_…` in the environment and a key of `ringback.toml`."""
    hints = get_type_hints(Settings)
    for field in reversed([each for each in fields(Settings) if each.name in names]):
        name = SINGULAR.get(field.name, field.name)
        text = field.metadata["text"]
        option = click.option(
            f"--{name.replace('_', '-')}",
            field.name,
            help=text if field.metadata["tag"] is None else f"{text} [{field.metadata['tag']}]",
            envvar=f"RINGBACK_{name.upper()}",
            default=field.default,
            show_default=field.default not in (None, (), False),
            metavar=METAVARS.get(field.name),
            **_option_kind(field.name, hints[field.name]),
        )
        command = option(command)
    return command


def _option_kind(name: str, hint: Any) -> dict[str, Any]:
    if name in PATHS:
        return {"type": PATHS[name]}
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(arm for arm in get_args(hint) if arm is not types.NoneType)
    if hint is bool:
        return {"is_flag": True}
    if get_origin(hint) is Literal:
        return {"type": click.Choice(get_args(hint))}
    if hint is PortRange:
        return {"callback": _read_ports}
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return {"multiple": True, **({"type": click.Choice(get_args(item))} if get_origin(item) is Literal else {})}
    return {"type": hint}


def _read_ports(ctx: click.Context, param: click.Parameter, value: str | None) -> PortRange | None:
    try:
        return None if value is None else PortRange.parse(value)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


def _read_config(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """`ringback.toml` gives every command its defaults; an unknown key is a mistake, not a comment."""
    path = Path(value or CONFIG_FILE)
    if value is None and not path.exists():
        return
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{path}: {error}") from error
    known = {field.name for field in fields(Settings)} | {"ready_json", "clock", "loop"}
    defaults: dict[str, Any] = {}
    for key, content in table.items():
        name = key.replace("-", "_")
        name = next((several for several, one in SINGULAR.items() if name == one), name)
        if name not in known:
            raise click.BadParameter(f"{path}: unknown key {key!r}; `ringback serve --help` lists them without dashes")
        defaults[name] = [content] if name in SINGULAR and isinstance(content, str) else content
    of_programs = {name: each for name, each in defaults.items() if name not in ("clock", "loop")}
    ctx.default_map = {"serve": defaults, "exec": of_programs, "doctor": defaults}


_config_option = click.option(
    "--config",
    callback=_read_config,
    expose_value=False,
    is_eager=True,
    metavar="FILE",
    help=f"Settings of serve and exec.  [default: {CONFIG_FILE}, if there is one]",
)
_ready_option = click.option(
    "--ready-json",
    envvar="RINGBACK_READY_JSON",
    metavar="FILE",
    help="File that gets the addresses as JSON once every listener is up.",
)
_verbose_option = click.option(
    "-v", "--verbose", is_flag=True, help="Log everything that happens to stderr, as it happens."
)
_patience_option = click.option(
    "--patience",
    type=click.FloatRange(min=0, min_open=True),
    envvar="RINGBACK_PATIENCE",
    default=1.0,
    show_default=True,
    metavar="FACTOR",
    help="By which the control API multiplies every `within`: for slow machines.",
)


class _Commands(click.Group):
    """`conformance` belongs to the other half, and is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), "conformance"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "conformance":
            from ringback.conformance.command import conformance

            return conformance
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="ringback")
@_config_option
def main() -> None:
    """A local emulator of OpenAI's Realtime call APIs: SIP, webhooks, REST and sideband WebSockets."""


@main.command(epilog=EPILOG)
@settings_options
@_ready_option
@_verbose_option
@_patience_option
@click.option(
    "--clock",
    type=click.Choice(["system", "manual"]),
    envvar="RINGBACK_CLOCK",
    default="system",
    show_default=True,
    help="With manual, time stands still until a request under /_ringback/ waits for something or advances it.",
)
@click.option(
    "--loop",
    type=click.Choice(["auto", "asyncio", "uvloop"]),
    envvar="RINGBACK_LOOP",
    default="asyncio",
    show_default=True,
    help="Event loop; auto is uvloop where it is installed (ringback[fast]), else asyncio's.",
)
def serve(ready_json: str | None, verbose: bool, patience: float, clock: str, loop: LoopKind, **options: Any) -> None:
    """Run the emulator until Ctrl-C."""
    settings = _settings(options)
    _log(verbose)
    if clock == "system":
        try:
            make_loop = loop_factory(loop)
        except UsageError as error:
            raise click.UsageError(str(error)) from error
        _run(_serve(settings, ready_json, patience), make_loop)
    from ringback.conformance.control.manual_time import ManualTime

    time = ManualTime()
    _run(_serve(settings, ready_json, patience, time), lambda: time.loop)


@main.command("exec", context_settings={"allow_interspersed_args": False}, epilog=EPILOG)
@settings_options
@_ready_option
@_verbose_option
@_patience_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(command: tuple[str, ...], ready_json: str | None, verbose: bool, patience: float, **options: Any) -> None:
    """Run COMMAND against an emulator of its own, and exit with its status.

    Programs that go to https://api.openai.com reach the emulator instead, unchanged:

    \b
        ringback exec --webhook-url http://127.0.0.1:8000/ -- python app.py
    """
    settings = _settings(options)
    _log(verbose)
    _run(_exec(settings, ready_json, patience, command))


@main.command()
@click.option("--transport", type=click.Choice(["tls", "tcp", "udp"]), default="tls", show_default=True)
def demo(transport: str) -> None:
    """Show one complete call: caller, emulator and a little application."""
    _run(_demo(transport))


@main.command()
@click.argument("uri")
@click.option("--say", multiple=True, metavar="TEXT", help="Say a text as tonecode, once answered; several in turn.")
@click.option("--play", multiple=True, type=_FILE, metavar="WAV", help="Play a WAV file of 16-bit samples.")
@click.option("--press", default="", metavar="DIGITS", help="Press keys (RFC 4733); a comma is a pause.")
@click.option("--record", metavar="WAV", help="Write what was heard.")
@click.option("--from", "from_", metavar="NUMBER", help="Who calls: a number or an address.")
@click.option("--ca-file", type=_FILE, metavar="FILE", help="The certificate authority that `ringback serve` prints.")
@click.option("--insecure", is_flag=True, help="Take any certificate.")
@click.option(
    "--codec",
    "codecs",
    multiple=True,
    type=click.Choice(["PCMU", "PCMA", "G722", "opus"], case_sensitive=False),
    default=["PCMU", "PCMA"],
    show_default=True,
    help="What to offer; several in their order.",
)
@click.option("--srtp", is_flag=True, help="Offer SRTP alone, with keys in the SDP.")
@click.option("--listen", default=5.0, show_default=True, metavar="SECONDS", help="Patience for each answer.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def dial(uri: str, insecure: bool, as_json: bool, **options: Any) -> None:
    """Place one call, say or play or press something, listen, hang up, and tell what happened.

    Exits with 0 if the call was answered, 1 if not.
    """
    _run(_dial(uri, as_json, verify=not insecure, **options))


@main.command()
@partial(settings_options, names=DOCTORS_SETTINGS)
@click.option("--url", metavar="URL", help="Where the emulator's HTTP is.  [default: of the settings, on this machine]")
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    metavar="FILE",
    help="Its certificate authority, if it runs elsewhere.",
)
@click.option(
    "--config", "kind", type=click.Choice(list(KINDS)), help="Print a ready configuration for the running emulator."
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(url: str | None, ca_file: str | None, kind: str | None, as_json: bool, **options: Any) -> None:
    """Find what stops a softphone: ports, certificate, addresses, codecs, and a call of its own.

    Exits with 1 if something is wrong. An application that gets webhooks is told of the call, as of any other.
    """
    settings = _settings(options)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    url = url or f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}"
    url = url.rstrip("/").removesuffix("/v1")
    _run(_doctor(url, settings, ca_file, as_json) if kind is None else _configuration(kind, url, ca_file))


main.add_command(scenario)


# What they run


async def _serve(settings: Settings, ready_json: str | None, patience: float, time: "ManualTime | None" = None) -> int:
    from ringback.conformance.control import Control

    from .clock import LoopClock, SystemClock
    from .collector import settle
    from .server import Emulator

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    clock = SystemClock() if time is None else LoopClock(SystemClock().now())
    async with Emulator(settings, clock=clock, control=Control(time, patience)) as emulator:
        if ready_json is not None:
            _write_ready(ready_json, emulator.ready.as_dict())
        click.echo(_banner(emulator.ready.as_dict(), settings))
        settle()
        if time is not None:
            time.stand()
        await stop.wait()
        if time is not None:
            time.pass_again()
        click.echo("\nringback stops: BYE to every call")
    return 0


async def _exec(settings: Settings, ready_json: str | None, patience: float, command: tuple[str, ...]) -> int:
    from ringback.conformance.control import Control

    from .collector import settle
    from .run_command import execute, to_stderr
    from .server import Emulator

    async with Emulator(settings, control=Control(patience=patience)) as emulator:
        ready = emulator.ready
        if ready_json is not None:
            _write_ready(ready_json, ready.as_dict())
        to_stderr(f"a phone may dial {ready.sip['tls']}")
        to_stderr(f"its certificate authority is {ready.ca_file}")
        settle()
        return await execute(command, emulator)


async def _demo(transport: str) -> int:
    from ringback.conformance.client import Phone
    from ringback.conformance.client.errors import ClientError

    from . import demo as demonstration

    return await demonstration.run(Phone, transport, phone_error=ClientError)


async def _dial(uri: str, as_json: bool, **options: Any) -> int:
    from ringback.conformance.client import dial as client
    from ringback.conformance.client.errors import UsageError as DialledWrong

    try:
        report = await client.dial(uri, **options)
    except DialledWrong as error:
        raise click.UsageError(str(error)) from error
    click.echo(report.as_json() if as_json else report.as_text(), nl=as_json)
    return report.exit_code


async def _doctor(url: str, settings: Settings, ca_file: str | None, as_json: bool) -> int:
    from ringback.conformance.client import Phone
    from ringback.conformance.client.errors import ClientError

    from . import findings
    from .doctor import Doctor

    found = await Doctor(url, settings, Phone, ClientError, ca_file).examine()
    if as_json:
        click.echo(findings.as_json(url, found))
    else:
        for line in findings.as_lines(found, width=shutil.get_terminal_size().columns):
            click.echo(click.style(line.head, fg=line.colour) + line.rest)
        click.echo(f"\n{findings.summary(found)}")
    return 0 if findings.is_well(found) else 1


async def _configuration(kind: str, url: str, ca_file: str | None) -> int:
    from .probes import NotReady, fetch_ready

    try:
        ready = await fetch_ready(url)
    except NotReady as error:
        raise UsageError(f"{error.reason}: a configuration is for an emulator that runs; ringback serve") from error
    to = Addresses.of(ready if ca_file is None else {**ready, "ca_file": ca_file})
    click.echo(KINDS[kind](to).as_text(), nl=False)
    return 0


def _run(
    coroutine: Coroutine[Any, Any, int], make_loop: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> NoReturn:
    try:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            status = runner.run(coroutine)
    except UsageError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _settings(options: dict[str, Any]) -> Settings:
    from .webhooks.signature import parse_secret

    try:
        if options.get("webhook_secret") is not None:
            parse_secret(options["webhook_secret"])
        return Settings(**{**options, **{name: tuple(options[name]) for name in SINGULAR if name in options}})
    except UsageError as error:
        raise click.UsageError(str(error)) from error


def _log(verbose: bool) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        format="%(asctime)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _write_ready(file: str, information: dict[str, object]) -> None:
    """Whole or not at all: whoever waits for the file may read it the moment it exists."""
    target = Path(file)
    part = target.with_name(target.name + ".part")
    try:
        part.write_text(json.dumps(information, indent=2) + "\n", encoding="utf-8")
        part.replace(target)
    except OSError as error:
        raise UsageError(f"--ready-json {file} can't be written: {error.strerror or error}") from error


def _banner(ready: dict[str, Any], settings: Settings) -> str:
    """Shell: it may be pasted as a whole into the terminal of the application."""
    notes = [f"webhooks go to {url}" for url in settings.webhook_urls]
    if settings.auto_accept:
        notes.append("every call is accepted and greeted")
    if not notes:
        notes.append("no webhook is sent unless an application makes an endpoint: --webhook-url URL gives one,")
        notes.append("--auto-accept needs none")
    phone = ["ringback", "dial", ready["sip"]["tls"], "--ca-file", ready["ca_file"]]
    return "\n".join(
        [
            "# ringback is ready; Ctrl-C ends it",
            "",
            "# your application",
            f"export OPENAI_BASE_URL={shlex.quote(ready['base_url'])}",
            f"export OPENAI_API_KEY={shlex.quote(ready['api_key'])}",
            f"export OPENAI_WEBHOOK_SECRET={shlex.quote(ready['webhook_secret'])}",
            "",
            "# your phone",
            *(f"#   {uri}" for uri in ready["sip"].values()),
            f"#   certificate authority: {ready['ca_file']}",
            "# or the one that comes along",
            f"#   {shlex.join(phone)}",
            "",
            *(f"# {note}" for note in notes),
            f"# phone in the browser: {ready['admin_url']}/phone",
            f"# control: {ready['admin_url']}/openapi.json",
            f"# journal: {ready['admin_url']}/journal",
        ]
    )
