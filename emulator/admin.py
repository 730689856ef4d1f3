"""`/_ringback/`: health, readiness and the journal. Never under `/v1`, which belongs to the service."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from .errors import InvalidRequest
from .journal import KINDS, Journal
from .routes import Api, Asked, Route

PAGE = 200
PAGE_LIMIT = 5000
ENTRY = {
    "type": "object",
    "properties": {
        "sequence": {"type": "integer"},
        "at": {"type": "number", "description": "Unix time by the emulator's clock."},
        "kind": {"enum": list(KINDS)},
        "project_id": {"type": ["string", "null"]},
        "call_id": {"type": ["string", "null"]},
        "sip_call_id": {"type": ["string", "null"]},
        "data": {"type": "object", "description": "What the kind says."},
    },
}


def routes(*, journal: Journal, ready: Callable[[], dict[str, object] | None]) -> Api:
    """`ready()` is what `--ready-json` writes, None until every listener is up."""

    async def health(_: Asked) -> dict[str, Any]:
        return {"status": "ok", "journal_entries": len(journal), "journal_dropped": journal.dropped}

    async def readiness(_: Asked) -> web.Response:
        information = ready()
        return web.json_response(information or {"status": "starting"}, status=200 if information else 503)

    async def entries(asked: Asked) -> dict[str, Any]:
        query = asked.query
        kind = query.get("kind")
        if kind is not None and not any(known == kind or known.startswith(f"{kind}.") for known in KINDS):
            raise InvalidRequest(f"No journal entry has the kind {kind!r}; kinds: {', '.join(KINDS)}", param="kind")
        limit = query.get("limit", PAGE)
        page = list(
            journal.entries(
                kind=kind,
                call_id=query.get("call_id"),
                project_id=query.get("project_id"),
                after=query.get("after", 0),
                limit=min(limit, PAGE_LIMIT) + 1,
            )
        )
        has_more, page = len(page) > limit, page[:limit]
        return {
            "data": [entry.as_dict() for entry in page],
            "has_more": has_more,
            "next_after": page[-1].sequence if page else query.get("after", 0),
            "dropped": journal.dropped,
        }

    return Api(
        routes=[
            Route(
                method="GET",
                path="/_ringback/health",
                name="health",
                says="Whether the emulator serves. The only path that every machine may ask.",
                handler=health,
                answer={"type": "object", "properties": {"status": {"const": "ok"}}},
            ),
            Route(
                method="GET",
                path="/_ringback/ready",
                name="ready",
                says="The addresses, key and secret of the first project, as `--ready-json` writes them.",
                handler=readiness,
                answer={"type": "object"},
            ),
            Route(
                method="GET",
                path="/_ringback/journal",
                name="journal",
                says="What happened, oldest first, in pages: `after` takes the `next_after` of the page before.",
                handler=entries,
                query={
                    "kind": {"type": "string", "description": "A kind, or its first word: `sip` has `sip.sent`."},
                    "project_id": {"type": "string"},
                    "call_id": {"type": "string"},
                    "after": {"type": "integer", "minimum": 0},
                    "limit": {"type": "integer", "minimum": 0},
                },
                answer={
                    "type": "object",
                    "properties": {
                        "data": {"type": "array", "items": {"$ref": "#/components/schemas/Entry"}},
                        "has_more": {"type": "boolean"},
                        "next_after": {"type": "integer"},
                        "dropped": {"type": "integer"},
                    },
                },
            ),
        ],
        components={"Entry": ENTRY},
    )
