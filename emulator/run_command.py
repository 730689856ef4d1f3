"""`ringback exec`: one command against a running emulator, in an environment that leads it there."""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from .config import Settings
from .journal import Journal
from .transports.child import Child, CommandNotStarted
from .transports.environment import Redirection, child_environment
from .transports.redirect import Redirect, Upstream


class Ready(Protocol):
    """Of the emulator's addresses, those that a command is told."""

    @property
    def base_url(self) -> str: ...
    @property
    def https_base_url(self) -> str: ...
    @property
    def api_key(self) -> str: ...
    @property
    def webhook_secret(self) -> str: ...
    @property
    def sip(self) -> Mapping[str, str]: ...
    @property
    def ca_file(self) -> str: ...


class RunningEmulator(Protocol):
    """A started `Emulator`."""

    @property
    def settings(self) -> Settings: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def ready(self) -> Ready: ...


def to_stderr(sentence: str) -> None:
    print(f"ringback: {sentence}", file=sys.stderr, flush=True)  # noqa: T201


async def execute(
    command: Sequence[str],
    emulator: RunningEmulator,
    *,
    environ: Mapping[str, str] | None = None,
    say: Callable[[str], None] = to_stderr,
) -> int:
    """Run `command` to its end and return the status to exit with: its own, 128 + n after signal n, 126 or 127 when it
    can't be started. `say` gets what the user should know, a sentence at a time."""
    environ = os.environ if environ is None else environ
    ready = emulator.ready
    host = local_host(emulator.settings.host)
    redirect = Redirect(
        https=(host, port_of(ready.https_base_url)), upstream=Upstream.of(environ), on_refused=_once(say)
    )
    with tempfile.TemporaryDirectory(prefix="ringback-exec-") as name:
        folder = Path(name)
        os.chmod(name, 0o755)  # certificates only: a command that changes its user must read them too
        await redirect.start()
        try:
            redirection = Redirection(
                base_url=f"http://{f'[{host}]' if ':' in host else host}:{port_of(ready.base_url)}/v1",
                api_key=ready.api_key,
                webhook_secret=ready.webhook_secret,
                ca_file=Path(ready.ca_file),
                target=redirect.target,
                proxy_port=redirect.proxy_port,
            )
            status = await Child(command, child_environment(environ, redirection, folder=folder)).run()
        except CommandNotStarted as error:
            say(str(error))
            return error.status
        finally:
            await redirect.stop()
    for sentence in advice(emulator):
        say(sentence)
    return status


def advice(emulator: RunningEmulator) -> list[str]:
    """What to tell a user whose command saw no call: what happened, then what may be the cause. Empty after a call."""
    journal = emulator.journal
    if any(True for _ in journal.entries(kind="call.state")):
        return _webhook_advice(journal)
    invites = [e for e in journal.entries(kind="sip.received") if str(e.data.get("summary")).startswith("INVITE ")]
    spoke = any(True for _ in journal.entries(kind="rest.request")) or any(
        True for _ in journal.entries(kind="channel")
    )
    sentences = []
    if invites:
        sentences.append(f"no call began: {invites[-1].data['summary']} was refused")
    elif spoke:
        sentences.append("the command spoke to the API, but no call arrived: nobody dialled")
    else:
        sentences.append("no call arrived, and the command never spoke to the API")
    sentences.append("a phone must dial " + " or ".join(emulator.ready.sip.values()))
    if not emulator.settings.webhook_urls and not emulator.settings.auto_accept:
        sentences.append("no --webhook-url was given: unless the command makes a webhook endpoint, it hears of no call")
    if not spoke:
        sentences.append(
            "it may be a program that the redirect does not reach: Python with -E, -I or -S, a program that clears its"
            " environment, Java, some Rust and C clients; give those the base URL (docs/exec.md)"
        )
    return sentences


def _webhook_advice(journal: Journal) -> list[str]:
    attempts = list(journal.entries(kind="webhook.attempt"))
    if not attempts or any(True for _ in journal.entries(kind="webhook.delivered")):
        return []
    last = attempts[-1].data
    cause = last.get("error") or f"it answered {last.get('status')}"
    return [f"a call arrived, but no webhook was delivered: POST {last.get('url')}: {cause}"]


def local_host(bound: str) -> str:
    """Where this machine reaches a listener that is bound to `bound`; the advertised address may lead elsewhere."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bound, bound)


def port_of(url: str) -> int:
    port = urlsplit(url).port
    if port is None:
        raise AssertionError(f"the emulator's addresses have ports: {url}")
    return port


def _once(say: Callable[[str], None]) -> Callable[[str], None]:
    """Say each sentence once: clients try again."""
    said: set[str] = set()

    def say_once(sentence: str) -> None:
        if sentence not in said:
            said.add(sentence)
            say(sentence)

    return say_once
