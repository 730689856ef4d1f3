"""Routes under `/_ringback/` as declarations: what is mounted, what is checked, and what the OpenAPI document says.

A declaration says what a request may hold; handlers get it checked, and no handler is reached by anything else.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import web

from .errors import InvalidRequest, PayloadTooLarge

Schema: TypeAlias = Mapping[str, Any]
"""JSON Schema, draft 2020-12, as OpenAPI 3.1 has it."""

PREFIX = "/_ringback"
OPENAPI_PATH = f"{PREFIX}/openapi.json"
ERROR: Schema = {
    "description": "What went wrong, in the envelope of the service; `message` says what to do instead.",
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
            "required": ["message", "type", "param", "code"],
        }
    },
    "required": ["error"],
}
_MEANINGS = {
    400: "The request can't be understood.",
    403: "It comes from another site or another machine.",
    404: "There is no such thing.",
    409: "Not in this state.",
    417: "What was expected did not happen.",
}
_PLAIN = {"integer": re.compile(r"-?\d+"), "number": re.compile(r"-?\d+(\.\d+)?")}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is as its route declares it."""

    request: web.Request
    query: Mapping[str, Any]
    body: Any
    """The JSON, `{}` where none was sent. Bytes where the route takes other things than JSON."""

    def name(self, part: str) -> str:
        """A part of the path."""
        return self.request.match_info[part]


Handler: TypeAlias = Callable[[Asked], Awaitable[Any]]
"""Returns what is answered as JSON, None for an empty answer, or a response of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path. `answer` is the schema of its JSON, or the name of a component; `answer_types` what it
    sends besides or instead. `body_types` are content types that the handler reads by itself, JSON as well."""

    method: str
    path: str
    name: str
    """`operationId`: what generated clients call it."""
    says: str
    handler: Handler
    query: Mapping[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    needs_body: bool = False
    body_types: Sequence[str] = ()
    status: int = 200
    answer: Schema | str | None = None
    answer_types: Sequence[str] = ()
    errors: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Routes, and the schemas that their answers name."""

    routes: Sequence[Route]
    components: Mapping[str, Schema] = field(default_factory=dict)


def mount(app: web.Application, apis: Iterable[Api]) -> None:
    """Serve them all, and the document that describes them."""
    apis = list(apis)

    async def openapi(_: Asked) -> dict[str, Any]:
        return document([*apis, described])

    described = Api(
        routes=[
            Route(
                method="GET",
                path=OPENAPI_PATH,
                name="describe",
                says="This document: OpenAPI 3.1 of everything under `/_ringback/`.",
                handler=openapi,
                answer={"type": "object"},
            )
        ]
    )
    for api in [*apis, described]:
        for route in api.routes:
            app.router.add_route(route.method, route.path, _handler_of(route))


def document(apis: Sequence[Api]) -> dict[str, Any]:
    """OpenAPI 3.1 of these routes."""
    paths: dict[str, dict[str, Any]] = {}
    components: dict[str, Schema] = {"Error": ERROR}
    for api in apis:
        components.update(api.components)
        for route in api.routes:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ringback control API",
            "version": "1",
            "description": "Place and steer calls to an application, and see what it did. `docs/control.md` explains.",
        },
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": components},
    }


# The document


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": route.name, "summary": route.says}
    parts = re.findall(r"{(\w+)}", route.path)
    parameters = [{"name": part, "in": "path", "required": True, "schema": {"type": "string"}} for part in parts]
    for name, schema in route.query.items():
        plain = {key: value for key, value in schema.items() if key != "description"}
        shown = {"description": schema["description"]} if "description" in schema else {}
        parameters.append({"name": name, "in": "query", **shown, "schema": plain})
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None or route.body_types:
        content: dict[str, Any] = {} if route.body is None else {"application/json": {"schema": route.body}}
        content |= {kind: {} for kind in route.body_types}
        operation["requestBody"] = {"content": content, "required": route.needs_body}
    operation["responses"] = dict(_responses(route))
    return operation


def _responses(route: Route) -> Iterator[tuple[str, Any]]:
    content: dict[str, Any] = {}
    if route.answer is not None:
        named = isinstance(route.answer, str)
        content["application/json"] = {
            "schema": {"$ref": f"#/components/schemas/{route.answer}"} if named else route.answer
        }
    content |= {kind: {} for kind in route.answer_types}
    yield str(route.status), {"description": "Done." if route.status < 300 else "…", **_if("content", content)}
    for status in sorted({400, 403, *route.errors}):
        yield (
            str(status),
            {
                "description": _MEANINGS[status],
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        )


def _if(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {name: value} if value else {}


# The requests


def _handler_of(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        query = dict(_query(route, request))
        done = await route.handler(Asked(request, query, await _body(route, request)))
        if isinstance(done, web.StreamResponse):
            return done
        if done is None:
            return web.Response(status=204 if route.status == 200 else route.status)
        return web.json_response(done, status=route.status)

    return handle


def _query(route: Route, request: web.Request) -> Iterator[tuple[str, Any]]:
    for name, text in request.query.items():
        if name not in route.query:
            known = ", ".join(route.query) or "none"
            raise InvalidRequest(
                f"Unknown query parameter {name!r}; known: {known}", param=name, code="unknown_parameter"
            )
        schema = route.query[name]
        value: Any = text
        if schema["type"] in _PLAIN:
            if not _PLAIN[schema["type"]].fullmatch(text):
                raise InvalidRequest(f"{name}={text!r}: give {_a(schema['type'])}", param=name, code="invalid_value")
            value = int(text) if schema["type"] == "integer" else float(text)
        _check(value, schema, name)
        yield name, value


async def _body(route: Route, request: web.Request) -> Any:
    if route.body is None and not route.body_types:
        return {}
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise PayloadTooLarge("The body of the request is larger than http-body-limit") from error
    if route.body_types:
        return raw
    try:
        body = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"The body must be JSON: {error}", code="invalid_json") from error
    assert route.body is not None
    _check(body, route.body, "")
    return body


def _check(value: Any, schema: Schema, where: str) -> None:
    """Raises `InvalidRequest` that names the field."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(dict(schema)).iter_errors(value))
    if error is None:
        return
    path = ".".join(filter(None, [where, *map(str, error.absolute_path)]))
    raise InvalidRequest(f"{path or 'The body'}: {error.message}", param=path or None, code="invalid_value")


def _a(kind: str) -> str:
    return "a whole number" if kind == "integer" else "a number"
