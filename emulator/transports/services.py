"""What the HTTP handlers of one emulator reach, in one value. The composition root fills it."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from ..calls.project import Project
from ..config import Settings
from ..errors import Unauthorized
from ..faults.plan import Faults
from ..ids import Ids
from ..journal import Journal
from ..redaction import redacted_key
from ..sessions.client_secrets import ClientSecret, ClientSecrets
from .deadlines import Clock
from .hosts import Hosts
from .performer import Performer


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    settings: Settings
    clock: Clock
    ids: Ids
    journal: Journal
    projects: Mapping[str, Project]
    performer: Performer
    faults: Faults
    hosts: Hosts
    client_secrets: ClientSecrets


@dataclass(frozen=True, slots=True)
class Caller:
    """Who connects: a project, by an API key of its own or by one of its client secrets."""

    project: Project
    secret: ClientSecret | None


KEY_PROTOCOL = "openai-insecure-api-key."
SAFETY_HEADER = "OpenAI-Safety-Identifier"
SERVICES = web.AppKey("services", Services)
_CALLER = web.RequestKey("caller", Caller)
PROJECT = web.RequestKey("project", Project)
"""Whose key the request carries; set by the middleware `authenticate`, or by the endpoint that does it itself."""


def project_of(request: web.Request) -> Project:
    """The project whose API key the request carries. Raises `Unauthorized`."""
    caller = caller_of(request)
    if caller.secret is not None:  # CHOICE: 401 where an API key is needed
        raise _incorrect(key_of(request))
    return caller.project


def caller_of(request: web.Request) -> Caller:
    """Whose key the request carries, an API key or a client secret; looked up once. Raises `Unauthorized` in the
    service's words [OBS, FACTS 1.3]."""
    known = request.get(_CALLER)
    if known is None:
        known = request[_CALLER] = _caller_of_key(request, key_of(request))
    return known


def _caller_of_key(request: web.Request, key: str) -> Caller:
    services = request.app[SERVICES]
    if not key:
        raise Unauthorized(
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
            "auth (i.e. Authorization: Bearer YOUR_KEY)."
        )
    secret = services.client_secrets.find(key, services.clock.now())
    if secret is not None:
        project = services.projects.get(secret.project_id)
    else:
        project = next((project for project in services.projects.values() if key in project.api_keys), None)
        if project is None and services.settings.any_key:
            project = services.projects[services.settings.project]
    if project is None:
        raise _incorrect(key)
    return Caller(_wanted(request, project), secret)


def _incorrect(key: str) -> Unauthorized:
    return Unauthorized(
        f"Incorrect API key provided: {redacted_key(key)}. You can find your API key at "
        "https://platform.openai.com/account/api-keys."
    )


def _wanted(request: web.Request, project: Project) -> Project:
    """The project, unless the request wants another one."""
    wanted = request.headers.get("OpenAI-Project")
    if wanted is not None and wanted != project.id:
        raise Unauthorized(f"OpenAI-Project header should match project for API key: {wanted!r} does not")
    return project


def safety_identifier_of(request: web.Request, caller: Caller | None) -> str | None:
    """Whose end user asks: as the request says, else as was bound to its `ek_` [DOC]."""
    bound = None if caller is None or caller.secret is None else caller.secret.safety_identifier
    return request.headers.get(SAFETY_HEADER, bound)


def key_of(request: web.Request) -> str:
    """The key of a request or a WebSocket handshake; empty without one."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    # Browsers can't set headers on a WebSocket: the key is one of the subprotocols [SDK].
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    keys = [name.strip() for name in offered if name.strip().startswith(KEY_PROTOCOL)]
    return keys[0].removeprefix(KEY_PROTOCOL) if keys else ""
