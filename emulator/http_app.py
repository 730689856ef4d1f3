"""What is served over HTTP: `/v1` as the service has it, and the emulator's own `/_ringback/`."""

from collections.abc import Callable, Iterable

from aiohttp import web

from . import admin, phone_page, scenario_api
from .routes import Api, mount
from .scenarios import Scenarios
from .strangers import refuse_strangers
from .transports import calls_api, client_secrets_api, http_api, http_faults, realtime_ws, webhook_api
from .transports.services import SERVICES, Services
from .transports.webhook_sender import WebhookSender


def make_app(
    services: Services,
    *,
    webhooks: WebhookSender,
    scenarios: Scenarios,
    ready: Callable[[], dict[str, object] | None],
    more: Iterable[Api],
) -> web.Application:
    """`ready()` is what `--ready-json` writes; `more` are routes under `/_ringback/` of others."""
    app = web.Application(
        client_max_size=services.settings.http_body_limit,
        middlewares=[
            http_faults.strike_answers,
            http_api.answer_errors,
            refuse_strangers,
            http_api.journal_requests,
            http_api.authenticate,
        ],
    )
    app[SERVICES] = services
    for api in (http_api, calls_api, realtime_ws, client_secrets_api):
        api.add_routes(app)
    webhook_api.add_routes(app, sender=webhooks, clock=services.clock)
    own = [
        admin.routes(journal=services.journal, ready=ready),
        scenario_api.routes(scenarios=scenarios, journal=services.journal, projects=services.projects),
        phone_page.routes(),
    ]
    mount(app, [*own, *more])
    return app
