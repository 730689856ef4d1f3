"""The webhook endpoint API: `/v1/webhook_endpoints…` and `/v1/webhook_event_types` [SDK resources/webhooks].

Handlers find the project in `request[PROJECT]`; errors are raised as `ApiError`, and a middleware writes them.
"""

from typing import Any

from aiohttp import web

from ..calls.project import Project
from ..webhooks.envelope import EVENT_TYPES
from ..webhooks.requests import parse_create, parse_limit, parse_rotate, parse_test, parse_update
from .deadlines import Clock
from .http_api import json_of
from .services import PROJECT
from .webhook_sender import WebhookSender


def add_routes(app: web.Application, *, sender: WebhookSender, clock: Clock) -> None:
    """Serve the API of every project's endpoints."""
    api = _WebhookApi(sender, clock)
    collection, one = "/v1/webhook_endpoints", "/v1/webhook_endpoints/{endpoint_id}"
    app.router.add_post(collection, api.create)
    app.router.add_get(collection, api.list, allow_head=False)
    app.router.add_get(one, api.retrieve, allow_head=False)
    app.router.add_post(one, api.update)
    app.router.add_delete(one, api.delete)
    app.router.add_post(f"{one}/rotate_secret", api.rotate_secret)
    app.router.add_post(f"{one}/test", api.test)
    app.router.add_get("/v1/webhook_event_types", api.event_types, allow_head=False)


class _WebhookApi:
    def __init__(self, sender: WebhookSender, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock

    async def create(self, request: web.Request) -> web.Response:
        new = parse_create(await _json(request))
        endpoint = _project(request).endpoints.create(new, now=self._clock.now())
        return web.json_response(endpoint.as_dict(with_secret=True))

    async def list(self, request: web.Request) -> web.Response:
        limit = parse_limit(request.query.get("limit"))
        page = _project(request).endpoints.list(after=request.query.get("after"), limit=limit)
        return web.json_response(page.as_dict())

    async def retrieve(self, request: web.Request) -> web.Response:
        endpoint = _project(request).endpoints.get(_endpoint_id(request))
        return web.json_response(endpoint.as_dict())

    async def update(self, request: web.Request) -> web.Response:
        endpoints = _project(request).endpoints
        endpoint_id = endpoints.get(_endpoint_id(request)).id
        endpoint = endpoints.update(endpoint_id, parse_update(await _json(request)), now=self._clock.now())
        return web.json_response(endpoint.as_dict())

    async def delete(self, request: web.Request) -> web.Response:
        endpoint_id = _endpoint_id(request)
        _project(request).endpoints.delete(endpoint_id)
        self._sender.endpoint_deleted(endpoint_id)
        return web.json_response({"id": endpoint_id, "object": "webhook_endpoint.deleted", "deleted": True})

    async def rotate_secret(self, request: web.Request) -> web.Response:
        endpoints = _project(request).endpoints
        endpoint_id = endpoints.get(_endpoint_id(request)).id
        keep_old = parse_rotate(await _json(request, default={}))
        endpoint = endpoints.rotate_secret(endpoint_id, keep_old=keep_old, now=self._clock.now())
        return web.json_response(endpoint.as_dict(with_secret=True))

    async def test(self, request: web.Request) -> web.Response:
        project = _project(request)
        endpoint = project.endpoints.get(_endpoint_id(request))
        event_type = parse_test(await _json(request))
        status = await self._sender.test(event_type, endpoint=endpoint, project=project)
        return web.json_response(
            {
                "object": "webhook_endpoint.test",
                "event_type": event_type,
                "status_code": status,
                "success": True,
                "webhook_endpoint_id": endpoint.id,
            }
        )

    async def event_types(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": EVENT_TYPES})


def _project(request: web.Request) -> Project:
    return request[PROJECT]


def _endpoint_id(request: web.Request) -> str:
    return request.match_info["endpoint_id"]


async def _json(request: web.Request, *, default: Any = None) -> Any:
    body = await request.read()
    return json_of(body) if body.strip() or default is None else default
