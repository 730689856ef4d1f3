"""The real service. Nothing here happens by accident: every guard must be lifted by hand, and all are asked at once."""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from ..options import Options, WrongOptions
from .url import UrlTarget, declared_capabilities, limits_of, way_of

BASE_URL = "https://api.openai.com/v1"
SIP_URI = "sip:{project}@sip.api.openai.com;transport=tls"
CAPABILITIES = frozenset(
    {
        "rest",
        "webhooks",
        "webhook-secret",
        "sip",
        "sip-tls",
        "refer",
        "dtmf",
        "sideband",
        "ws",
        "client-secrets",
        "webrtc",
    }
)
"""What the documentation promises. Nothing is probed: a probe could cost money."""


class LiveTarget(UrlTarget):
    """A project of the real service, or of what stands in for it."""

    concurrency = 2


def guards(options: Options, environment: Mapping[str, str]) -> list[str]:
    """What is still missing before anything may be sent: one sentence each, none when all is given."""
    missing = []
    if not options.live:
        missing.append("--live, since real calls cost money")
    if not environment.get("OPENAI_API_KEY"):
        missing.append("OPENAI_API_KEY in the environment")
    if not (options.project or "").startswith("proj_"):
        missing.append("--project proj_…, the project whose agents are called")
    is_stand_in = is_loopback(options.base_url or BASE_URL)
    if not (options.webhook_url or "").startswith("http://" if is_stand_in else "https://"):
        missing.append("--webhook-url, a public https URL that leads to the receiver here")
    if options.webhook_port is None:
        missing.append("--webhook-port, on which the receiver listens")
    if options.webhook_secret is None and not options.register_webhook:
        missing.append("--webhook-secret of the endpoint with that URL, or --register-webhook to make and delete one")
    if options.api_key:
        missing.append("no --api-key: the key of a live run is never an option, which others can read")
    return missing


def live_target(options: Options, *, is_plan: bool = False) -> LiveTarget:
    """Raises `WrongOptions` with everything that is missing. A plan needs none of it, and sends nothing."""
    if not is_plan and (missing := guards(options, os.environ)):
        raise WrongOptions("--target live needs " + "; ".join(missing))
    way = way_of(
        options,
        base_url=options.base_url or BASE_URL,
        api_key=os.environ.get("OPENAI_API_KEY", ""),
        sip_uris=options.sip_uri or (SIP_URI.format(project=options.project or "proj_"),),
    )
    capabilities = declared_capabilities(options.capabilities, way)
    if capabilities is None:
        capabilities = CAPABILITIES | ({"webhook-endpoints"} if options.register_webhook else set())
    return LiveTarget(way, name="live", capabilities=capabilities, limits=limits_of(options))


def is_loopback(url: str) -> bool:
    """Whether it leads to this machine: the service's stand-in."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
