"""Anything that has a base URL: its webhooks come to one receiver here, its capabilities are declared or probed."""

import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from ..budget import Budget, Limits
from ..client.errors import ClientError, UsageError
from ..client.rest import RestClient
from ..client.webhook_receiver import WebhookReceiver
from ..options import Options, WrongOptions
from ..requirement import CAPABILITIES, Requirement
from ..target import Access, TargetUnreachable
from ..tolerance import Tolerances
from . import probes

EXTENSIONS = frozenset({"sip-update", "sip-timer", "sip-100rel", "sip-info", "sip-reconnect"})
MEDIA = frozenset({"srtp", "opus", "g722"})
NEVER_PROBED = frozenset({"clock", "isolation", "mcp", "tonecode"}) | MEDIA | EXTENSIONS
"""What can't be seen from outside without a call: declare it."""
BY_DECLARATION = frozenset({"mcp", "tonecode"}) | MEDIA | EXTENSIONS
OF_SIP = frozenset({"sip", "refer", "dtmf"})
INCOMING = "realtime.call.incoming"
ROUND_TRIPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The ways into a target. `sip` are the URIs to dial, by transport."""

    base_url: str
    api_key: str
    project_id: str | None = None
    sip: Mapping[str, str] = field(default_factory=dict)
    ca_file: str | None = None
    webhook_host: str = "127.0.0.1"
    webhook_port: int | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = None
    may_register: bool = False

    @property
    def offered(self) -> frozenset[str]:
        """Every capability that there is a way to: what a target may turn out to have."""
        found = CAPABILITIES - NEVER_PROBED - {"sip-tls", "sip-tcp", "sip-udp"} - OF_SIP
        if self.sip:
            found |= OF_SIP | {f"sip-{transport}" for transport in self.sip}
        if self.webhook_port is None:
            found -= {"webhooks", "webhook-secret"}
        elif self.webhook_secret is None and not self.may_register:
            found -= {"webhook-secret"}
        return frozenset(found)


class UrlTarget:
    """One project of a running service. Its checks share a receiver and find their webhooks by the SIP Call-ID.

    `capabilities` None are probed when it is opened; until then they are all that there is a way to.
    """

    concurrency = 4

    def __init__(
        self,
        way: Way,
        *,
        name: str = "url",
        capabilities: frozenset[str] | None = None,
        limits: Limits | None = None,
        tolerances: Tolerances | None = None,
    ) -> None:
        self.name = f"{name} {way.base_url}"
        self.way = way
        self.tolerances = tolerances or Tolerances()
        self.capabilities = way.offered if capabilities is None else capabilities
        self.round_trip = 0.0
        self._is_probed = capabilities is None
        self._limits = limits or Limits()
        self._budget = Budget(self._limits, self.tolerances)
        self._receiver: WebhookReceiver | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await self._measure()
            await self._receive(stack)
            if self._is_probed:
                self.capabilities = await self._probe()
            yield

    @asynccontextmanager
    async def access(self, requirement: Requirement) -> AsyncIterator[Access]:
        with self._budget.check() as before_call:
            yield Access(
                base_url=self.way.base_url,
                api_key=self.way.api_key,
                project_id=self.way.project_id,
                sip=dict(self.way.sip),
                ca_file=self.way.ca_file,
                receiver=self._receiver,
                before_call=before_call,
            )

    async def still_there(self) -> None:
        await self._round_trip()

    @property
    def receiver(self) -> WebhookReceiver | None:
        """Where the webhooks come, while it is open and if there is a port for them."""
        return self._receiver

    # Opening

    async def _measure(self) -> None:
        """The slowest of a few exchanges widens every tolerance."""
        times = [await self._round_trip() for _ in range(ROUND_TRIPS)]
        self.round_trip = max(times[1:])  # the first one looks up names and opens connections
        self.tolerances = self.tolerances.scaled(self.round_trip)
        self._budget = Budget(self._limits, self.tolerances)

    async def _round_trip(self) -> float:
        async with self._rest() as rest:
            began = time.monotonic()
            try:
                await rest.request("GET", "/realtime/calls", has_key=False)
            except ClientError as error:
                raise TargetUnreachable(f"{self.way.base_url} does not answer: {error}") from error
            return time.monotonic() - began

    async def _receive(self, stack: AsyncExitStack) -> None:
        way = self.way
        if way.webhook_port is None:
            return
        self._receiver = WebhookReceiver(
            [way.webhook_secret] if way.webhook_secret else [], host=way.webhook_host, port=way.webhook_port
        )
        try:
            await stack.enter_async_context(self._receiver)
        except UsageError as error:
            raise WrongOptions(str(error)) from error
        if way.webhook_url is not None:
            await self._see_that_webhooks_arrive(way.webhook_url, self._receiver)
            if way.may_register:
                await self._register(stack, way.webhook_url, self._receiver)

    async def _see_that_webhooks_arrive(self, url: str, receiver: WebhookReceiver) -> None:
        """Ask the public URL for something that only our own receiver can have seen."""
        nonce = secrets.token_hex(8)
        async with RestClient(url, None, ca_file=self._ca_of(url), timeout=self.tolerances.answer) as client:
            try:
                await client.request("GET", f"?ringback={nonce}")
            except ClientError as error:
                raise TargetUnreachable(f"the webhook URL {url} does not answer: {error}") from error
        probe = next((each for each in receiver.deliveries if nonce in each.path), None)
        if probe is None:
            raise TargetUnreachable(f"the webhook URL {url} does not lead to this receiver, {receiver.url}")
        receiver.deliveries.remove(probe)

    async def _register(self, stack: AsyncExitStack, url: str, receiver: WebhookReceiver) -> None:
        """An endpoint for this run only. Deleting it is tried whatever happens in between."""
        async with self._rest() as rest:
            try:
                answer = await rest.create_webhook_endpoint(url, name="ringback conformance", event_types=(INCOMING,))
                created = answer.json()
                endpoint_id, secret = str(created["id"]), str(created["signing_secret"])
            except (ClientError, KeyError, TypeError) as error:
                raise TargetUnreachable(f"the webhook endpoint could not be registered: {error!r}") from error
        stack.push_async_callback(self._unregister, endpoint_id)
        receiver.secrets.append(secret)

    async def _unregister(self, endpoint_id: str) -> None:
        async with self._rest() as rest:
            try:
                answer = await rest.delete_webhook_endpoint(endpoint_id)
            except ClientError as error:
                raise TargetUnreachable(f"delete the webhook endpoint {endpoint_id} by hand: {error}") from error
        if not answer.is_success:
            raise TargetUnreachable(f"delete the webhook endpoint {endpoint_id} by hand: {answer.status}")

    async def _probe(self) -> frozenset[str]:
        async with self._rest() as rest:
            seen = await probes.probe(rest, self.way.offered, self.tolerances, ca_file=self._ca_of(self.way.base_url))
        if not seen.capabilities:
            raise TargetUnreachable(f"{self.way.base_url} answers, but as none of this: {'; '.join(seen.refusals)}")
        return seen.capabilities

    # Private

    def _rest(self) -> RestClient:
        way = self.way
        return RestClient(way.base_url, way.api_key, ca_file=self._ca_of(way.base_url), timeout=self.tolerances.answer)

    def _ca_of(self, url: str) -> str | None:
        return self.way.ca_file if url.startswith("https") else None


def url_target(options: Options) -> UrlTarget:
    """Raises `WrongOptions`."""
    if options.base_url is None:
        raise WrongOptions("--target url needs --base-url, such as http://127.0.0.1:8080/v1")
    way = way_of(options, base_url=options.base_url, api_key=options.api_key or "", sip_uris=options.sip_uri)
    return UrlTarget(way, capabilities=declared_capabilities(options.capabilities, way), limits=limits_of(options))


def way_of(options: Options, *, base_url: str, api_key: str, sip_uris: tuple[str, ...]) -> Way:
    """Raises `WrongOptions` for what can't be an address."""
    if not base_url.startswith(("http://", "https://")):
        raise WrongOptions(f"--base-url {base_url}: give an http or https URL")
    if options.webhook_url is not None and options.webhook_port is None:
        raise WrongOptions("--webhook-url needs --webhook-port, to which it leads")
    if options.register_webhook and options.webhook_url is None:
        raise WrongOptions("--register-webhook needs --webhook-url, which is registered")
    return Way(
        base_url=base_url.rstrip("/"),
        api_key=api_key,
        project_id=options.project,
        sip=_by_transport(sip_uris),
        ca_file=options.ca_file,
        webhook_host=options.webhook_host,
        webhook_port=options.webhook_port,
        webhook_url=options.webhook_url,
        webhook_secret=options.webhook_secret,
        may_register=options.register_webhook,
    )


def limits_of(options: Options) -> Limits:
    return Limits(calls=options.max_calls, minutes=options.max_minutes, usd=options.max_usd)


def declared_capabilities(text: str | None, way: Way) -> frozenset[str] | None:
    """The names in a list with commas. Raises `WrongOptions` for one that there is not, or that there is no way to."""
    if text is None:
        return None
    names = frozenset(text.replace(",", " ").split())
    if unknown := names - CAPABILITIES:
        known = ", ".join(sorted(CAPABILITIES))
        raise WrongOptions(f"--capabilities: no capability is called {', '.join(sorted(unknown))}; there are {known}")
    if lost := names - way.offered - BY_DECLARATION:
        raise WrongOptions(
            f"--capabilities: there is no way to {', '.join(sorted(lost))}; give --sip-uri for sip…, refer and dtmf, "
            "--webhook-port and --webhook-secret for webhooks…; a clock and isolation only an embedded emulator has"
        )
    return names


def _by_transport(uris: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for uri in uris:
        scheme, _, rest = uri.partition(":")
        if scheme.lower() not in ("sip", "sips") or not rest:
            raise WrongOptions(f"--sip-uri {uri}: give a SIP URI, such as sip:proj_1@127.0.0.1:5061;transport=tls")
        parameters = {part.partition("=")[0].lower(): part.partition("=")[2].lower() for part in rest.split(";")[1:]}
        transport = parameters.get("transport") or ("tls" if scheme.lower() == "sips" else "udp")
        if transport not in ("tls", "tcp", "udp"):
            raise WrongOptions(f"--sip-uri {uri}: the transport is tls, tcp or udp, not {transport}")
        found[transport] = uri
    return found
