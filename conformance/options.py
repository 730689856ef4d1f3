"""What a run can be told, declared once: the command line and the pytest plugin make their options from it."""

from dataclasses import dataclass, field, fields
from typing import Any


class WrongOptions(ValueError):
    """The options don't fit together. The message says what to give instead; the command exits with 2."""


def option(default: Any, text: str, *, metavar: str | None = None, env: str | None = None) -> Any:
    """A field of `Options`: its default and one sentence for people."""
    return field(default=default, metadata={"text": text, "metavar": metavar, "env": env})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which target, the ways into it, and what a run may cost. Tuples are options that may be given several times."""

    target: str = option(
        "emulator",
        "What is judged: emulator, url, live, mutant:NAME, mutant:all or recordings:DIR.",
        metavar="TARGET",
    )
    only: tuple[str, ...] = option(
        (), "Only this requirement or area, as CALL-REJECT-01, CALL-REJECT or CALL.", metavar="ID|AREA"
    )
    known_gaps: str | None = option(None, "TOML file of what the target is known to fail.", metavar="FILE")
    capabilities: str | None = option(
        None, "What a url target can do, separated by commas; without it the target is probed.", metavar="LIST"
    )
    base_url: str | None = option(None, "Of the API, ending in /v1.", metavar="URL")
    sip_uri: tuple[str, ...] = option((), "A URI to dial; its transport is what ;transport= says.", metavar="URI")
    api_key: str | None = option(
        None, "Key of the project [live: only OPENAI_API_KEY].", metavar="KEY", env="RINGBACK_API_KEY"
    )
    project: str | None = option(None, "Id of the project, proj_….", metavar="ID", env="RINGBACK_PROJECT")
    webhook_secret: str | None = option(
        None,
        "Its webhook secret; without it signatures are not judged.",
        metavar="SECRET",
        env="RINGBACK_WEBHOOK_SECRET",
    )
    webhook_host: str = option("127.0.0.1", "Address on which webhooks are received.", metavar="HOST")
    webhook_port: int | None = option(None, "Port on which webhooks are received.", metavar="PORT")
    webhook_url: str | None = option(None, "Public URL that leads to that port.", metavar="URL")
    register_webhook: bool = option(
        False, "Allow to register --webhook-url at the target's webhook_endpoints, and to delete it afterwards."
    )
    ca_file: str | None = option(None, "Certificate authority to trust beside the system's.", metavar="FILE")
    live: bool = option(False, "Yes, place real calls that cost money; --target live does nothing without it.")
    max_calls: int | None = option(None, "Stop before more calls than this are placed.", metavar="N")
    max_minutes: float | None = option(None, "Stop before calls may last longer than this together.", metavar="MINUTES")
    max_usd: float | None = option(None, "Stop before calls may cost more than this.", metavar="USD")

    @property
    def wanted(self) -> tuple[str, ...]:
        """The names of `only`, also where several came in one value with commas between them."""
        return tuple(name for value in self.only for name in value.replace(",", " ").split())

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no report may show."""
        return tuple(value for value in (self.api_key, self.webhook_secret) if value)


def described() -> list[tuple[str, Any, str, str | None, str | None]]:
    """`(name, default, text, metavar, environment variable)` of each option, in order."""
    return [
        (each.name, each.default, each.metadata["text"], each.metadata["metavar"], each.metadata["env"])
        for each in fields(Options)
    ]
