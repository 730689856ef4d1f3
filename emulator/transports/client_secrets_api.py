"""The REST API of client secrets, in its present shape and in those of the beta."""

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from ..calls.project import Project
from ..redaction import redacted_key
from ..sessions.client_secrets import ClientSecret, SecretRequest, parse_secret_request, secret_body
from ..sessions.legacy_sessions import (
    LegacyRequest,
    legacy_session_body,
    legacy_transcription_body,
    parse_legacy_session,
    parse_legacy_transcription,
)
from ..sessions.translations import parse_translation_request, translation_body
from .http_api import json_of
from .services import PROJECT, SAFETY_HEADER, SERVICES, Services

# OBS: what its answers carry, recorded. The rest of them is the web server's.
_HEADERS = {"openai-version": "2020-10-01", "access-control-expose-headers": "CF-Ray"}


def add_routes(app: web.Application) -> None:
    app.router.add_post("/v1/realtime/client_secrets", _create)
    app.router.add_post("/v1/realtime/sessions", _legacy(parse_legacy_session, legacy_session_body))
    app.router.add_post(
        "/v1/realtime/transcription_sessions", _legacy(parse_legacy_transcription, legacy_transcription_body)
    )
    app.router.add_post("/v1/realtime/translations/client_secrets", _create_translation)


async def _create(request: web.Request) -> web.Response:
    started = request.app[SERVICES].clock.now()
    return _answer(request, secret_body(_made(request, parse_secret_request(await body_of(request)))), started)


def _legacy(
    parse: Callable[[object], LegacyRequest], shown: Callable[[LegacyRequest, ClientSecret], dict[str, Any]]
) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        started = request.app[SERVICES].clock.now()
        asked = parse(await body_of(request))
        return _answer(request, shown(asked, _made(request, asked.secret)), started)

    return handle


async def _create_translation(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    now = services.clock.now()
    asked = parse_translation_request(await body_of(request))
    return _answer(request, translation_body(asked, ids=services.ids, now=now), now)


def _made(request: web.Request, asked: SecretRequest) -> ClientSecret:
    return make_secret(
        request.app[SERVICES],
        asked,
        project=request[PROJECT],
        safety_identifier=request.headers.get(SAFETY_HEADER),
    )


def make_secret(
    services: Services, asked: SecretRequest, *, project: Project, safety_identifier: str | None
) -> ClientSecret:
    """A new client secret of that project, and its journal entry."""
    now = services.clock.now()
    secret = services.client_secrets.create(asked, project_id=project.id, safety_identifier=safety_identifier, now=now)
    services.journal.add(
        "client_secret.created",
        now=now,
        project_id=project.id,
        value=redacted_key(secret.value),
        session_type=secret.config.type,
        expires_at=secret.expires_at,
        safety_identifier=secret.safety_identifier,
    )
    return secret


async def body_of(request: web.Request) -> Any:
    """The JSON of a request; no body at all asks for nothing in particular."""
    body = await request.read()
    return json_of(body) if body.strip() else {}


def _answer(request: web.Request, body: dict[str, Any], started: float) -> web.Response:
    took = request.app[SERVICES].clock.now() - started
    return web.Response(
        body=json.dumps(body, ensure_ascii=False).encode(),
        content_type="application/json",
        headers={**_HEADERS, "openai-processing-ms": str(int(took * 1000))},
    )
