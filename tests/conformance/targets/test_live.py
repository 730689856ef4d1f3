"""The guards of live runs, and a whole run against what stands in for the service: an emulator far away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from ringback.conformance.options import Options, WrongOptions
from ringback.conformance.requirement import load_checks
from ringback.conformance.runner import run
from ringback.conformance.target import TargetUnreachable
from ringback.conformance.targets.live import BASE_URL, LiveTarget, guards, live_target
from ringback.conformance.targets.url import UrlTarget, Way
from ringback.conformance.tolerance import Tolerances
from ringback.conformance.verdict import Outcome
from ringback.emulator.config import Settings
from ringback.emulator.server import Emulator

FREE_PORTS: dict[str, Any] = {"http_port": 0, "https_port": 0, "sip_tls_port": 0, "sip_tcp_port": 0, "sip_udp_port": 0}
ENVIRONMENT = {"OPENAI_API_KEY": "sk-live-key"}
ALLOWED: dict[str, Any] = {
    "target": "live",
    "live": True,
    "project": "proj_1",
    "webhook_url": "https://hooks.example.com/x",
    "webhook_port": 8443,
    "webhook_secret": "whsec_aGVsbG8=",
}
DELAY = 0.02
SOME = ["CALL-REJECT-01", "CALL-ACCEPT-01", "CALL-HANGUP-01", "WEBHOOK-SIGN-01", "AUTH-KEY-01"]


# Guards


def test_nothing_is_missing_when_everything_is_given() -> None:
    assert guards(Options(**ALLOWED), ENVIRONMENT) == []


@pytest.mark.parametrize(
    ("change", "environment", "missing"),
    [
        ({"live": False}, ENVIRONMENT, "--live"),
        ({}, {}, "OPENAI_API_KEY"),
        ({}, {"OPENAI_API_KEY": ""}, "OPENAI_API_KEY"),
        ({"project": None}, ENVIRONMENT, "--project"),
        ({"project": "default"}, ENVIRONMENT, "--project"),
        ({"webhook_url": None}, ENVIRONMENT, "--webhook-url"),
        ({"webhook_url": "http://hooks.example.com/x"}, ENVIRONMENT, "--webhook-url"),
        ({"webhook_port": None}, ENVIRONMENT, "--webhook-port"),
        ({"webhook_secret": None}, ENVIRONMENT, "--register-webhook"),
        ({"api_key": "sk-on-the-command-line"}, ENVIRONMENT, "no --api-key"),
    ],
)
def test_guard_stops_a_live_run_when_one_thing_is_missing(
    change: dict[str, Any], environment: dict[str, str], missing: str
) -> None:
    (sentence,) = guards(Options(**{**ALLOWED, **change}), environment)
    assert missing in sentence


def test_live_run_is_refused_with_all_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(WrongOptions) as refused:
        live_target(Options(target="live"))
    assert str(refused.value).count(";") == 5


def test_permission_to_register_stands_for_the_secret() -> None:
    options = Options(**{**ALLOWED, "webhook_secret": None, "register_webhook": True})
    assert guards(options, ENVIRONMENT) == []


def test_live_target_leads_to_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-live-key")
    target = live_target(Options(**ALLOWED))
    assert target.way.base_url == BASE_URL
    assert target.way.sip == {"tls": "sip:proj_1@sip.api.openai.com;transport=tls"}
    assert target.way.api_key == "sk-live-key"
    assert target.capabilities.isdisjoint({"clock", "tonecode", "isolation", "webhook-endpoints"})


def test_plan_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert live_target(Options(target="live"), is_plan=True).name == f"live {BASE_URL}"


# The stand-in


class Tunnel:
    """A public URL that leads to the receiver, wherever that is by now; it loses the first `loses` webhooks."""

    def __init__(self) -> None:
        self.loses = 0
        self.lost = 0
        self.target: UrlTarget | None = None

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.method == "POST" and self.lost < self.loses:
            self.lost += 1
            return web.Response(status=502)
        if self.target is None or self.target.receiver is None:
            return web.Response(status=503)
        headers = {name: value for name, value in request.headers.items() if name.lower().startswith(("webhook", "c"))}
        url = self.target.receiver.url + request.path_qs
        async with (
            aiohttp.ClientSession() as session,
            session.request(request.method, url, data=body, headers=headers) as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read())


@asynccontextmanager
async def tunnel() -> AsyncIterator[tuple[Tunnel, str]]:
    relay = Tunnel()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", relay.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield relay, f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    finally:
        await runner.cleanup()


class StandIn:
    """The service far away, and the target that leads to it."""

    def __init__(self, service: Emulator, relay: Tunnel, target: LiveTarget) -> None:
        self.service = service
        self.tunnel = relay
        self.target = target

    @property
    def endpoints(self) -> int:
        """How many are registered at the service."""
        return len(self.service.project.endpoints.list(after=None, limit=100).as_dict()["data"])


@pytest.fixture
async def stand_in(start_relay: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """`stand_in(max_calls=2)` is a `StandIn` with those options besides the usual ones."""
    async with Emulator(Settings(**FREE_PORTS)) as service, tunnel() as (relay, url):
        ready = service.ready
        monkeypatch.setenv("OPENAI_API_KEY", ready.api_key)
        https = await start_relay(_port(ready.https_base_url), delay=DELAY)
        sips = await start_relay(int(ready.sip["tls"].partition(";")[0].rpartition(":")[2]), delay=DELAY)

        def make(**more: Any) -> StandIn:
            given: dict[str, Any] = {
                "target": "live",
                "live": True,
                "project": ready.project_id,
                "base_url": f"https://127.0.0.1:{https}/v1",
                "sip_uri": (f"sip:{ready.project_id}@127.0.0.1:{sips};transport=tls",),
                "ca_file": ready.ca_file,
                "webhook_port": 0,
                "webhook_url": url,
                "register_webhook": True,
            }
            relay.target = live_target(Options(**{**given, **more}))
            return StandIn(service, relay, relay.target)

        yield make


def _port(url: str) -> int:
    return int(url.partition("//")[2].partition("/")[0].rpartition(":")[2])


async def test_stand_in_is_judged_as_the_service_would_be(stand_in: Any) -> None:
    far = stand_in()
    result = await run(far.target, load_checks().only(SOME))
    assert {verdict.requirement.id: verdict.actual for verdict in result.failures} == {}
    assert [verdict.outcome for verdict in result.verdicts].count(Outcome.PASSED) == len(SOME)
    assert far.target.round_trip > 2 * DELAY
    assert far.target.tolerances.answer > Tolerances().answer
    assert far.endpoints == 0


async def test_stand_in_is_judged_when_a_webhook_is_lost(stand_in: Any) -> None:
    far = stand_in()
    far.tunnel.loses = 1
    result = await run(far.target, load_checks().only(["CALL-REJECT-01"]))
    assert far.tunnel.lost == 1
    assert result.is_successful


async def test_run_stops_before_there_are_more_calls_than_allowed(stand_in: Any) -> None:
    far = stand_in(max_calls=1)
    result = await run(far.target, load_checks().only(["CALL-REJECT-01", "CALL-REJECT-02", "CALL-ACCEPT-01"]))
    assert result.stopped == "--max-calls 1 is reached"
    assert [verdict.outcome for verdict in result.verdicts].count(Outcome.NOT_RUN) == 2
    incoming = list(far.service.journal.entries(kind="call.incoming"))
    assert len(incoming) <= 1
    assert not result.is_successful
    assert far.endpoints == 0


@pytest.mark.parametrize("limit", [{"max_minutes": 0.01}, {"max_usd": 0.01}])
async def test_run_stops_before_a_call_that_could_cost_too_much(stand_in: Any, limit: dict[str, float]) -> None:
    far = stand_in(**limit)
    result = await run(far.target, load_checks().only(["CALL-REJECT-01"]))
    assert result.stopped.startswith("--max-")
    assert far.service.performer.open_calls == 0


async def test_endpoint_is_deleted_when_checks_fail(stand_in: Any, declare: Any, catalogue: Any, fails: Any) -> None:
    declare("A-B-01", fails)
    far = stand_in()
    result = await run(far.target, catalogue)
    assert len(result.failures) == 1
    assert far.endpoints == 0


async def test_run_does_not_begin_when_the_public_url_leads_elsewhere(stand_in: Any) -> None:
    far = stand_in(webhook_url="http://127.0.0.1:9/elsewhere")
    with pytest.raises(TargetUnreachable, match=r"the webhook URL .* does not answer"):
        await run(far.target, load_checks().only(["CALL-REJECT-01"]))
    far = stand_in()
    async with tunnel() as (_, url):
        far = stand_in(webhook_url=url)
        far.tunnel.target = None
        with pytest.raises(TargetUnreachable, match="does not lead to this receiver"):
            await run(far.target, load_checks().only(["CALL-REJECT-01"]))
    assert far.endpoints == 0


async def test_run_does_not_begin_when_registering_is_refused(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody")
    far = stand_in()
    with pytest.raises(TargetUnreachable, match="could not be registered"):
        await run(far.target, load_checks().only(["CALL-REJECT-01"]))


# The same by url


async def test_running_emulator_is_probed_and_judged_by_url(hasty: Tolerances) -> None:
    async with Emulator(Settings(**FREE_PORTS)) as service:
        ready = service.ready
        way = Way(
            base_url=ready.base_url,
            api_key=ready.api_key,
            sip=ready.sip,
            ca_file=ready.ca_file,
            webhook_port=0,
            webhook_secret=ready.webhook_secret,
        )
        target = UrlTarget(way)
        result = await run(target, load_checks().only(["AUTH-KEY-01"]))
    assert {"rest", "sideband", "webhook-endpoints", "sip-tls", "sip-udp", "refer"} <= target.capabilities
    assert target.capabilities.isdisjoint({"clock", "tonecode", "isolation"})
    assert result.verdicts[0].outcome is Outcome.PASSED


def test_signatures_are_not_judged_when_the_secret_is_unknown() -> None:
    way = Way(base_url="http://h/v1", api_key="k", webhook_port=0)
    assert "webhooks" in way.offered
    assert "webhook-secret" not in way.offered
    assert "sip" not in way.offered
