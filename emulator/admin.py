"""`/_ringback/`: health, readiness and the journal. Never under `/v1`, which belongs to the service."""

from collections.abc import Callable

from aiohttp import web

from .errors import InvalidRequest
from .journal import KINDS, Journal

PAGE = 200
PAGE_LIMIT = 5000


def add_routes(app: web.Application, *, journal: Journal, ready: Callable[[], dict[str, object] | None]) -> None:
    """`ready()` is what `--ready-json` writes, None until every listener is up."""

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "journal_entries": len(journal), "journal_dropped": journal.dropped})

    async def readiness(_: web.Request) -> web.Response:
        information = ready()
        return web.json_response(information or {"status": "starting"}, status=200 if information else 503)

    async def entries(request: web.Request) -> web.Response:
        kind = request.query.get("kind")
        if kind is not None and not any(known == kind or known.startswith(f"{kind}.") for known in KINDS):
            raise InvalidRequest(f"No journal entry has the kind {kind!r}; kinds: {', '.join(KINDS)}", param="kind")
        limit = _whole_number(request, "limit", PAGE)
        page = list(
            journal.entries(
                kind=kind,
                call_id=request.query.get("call_id"),
                project_id=request.query.get("project_id"),
                after=_whole_number(request, "after", 0),
                limit=min(limit, PAGE_LIMIT) + 1,
            )
        )
        has_more, page = len(page) > limit, page[:limit]
        return web.json_response(
            {
                "data": [entry.as_dict() for entry in page],
                "has_more": has_more,
                "next_after": page[-1].sequence if page else _whole_number(request, "after", 0),
                "dropped": journal.dropped,
            }
        )

    app.router.add_get("/_ringback/health", health)
    app.router.add_get("/_ringback/ready", readiness)
    app.router.add_get("/_ringback/journal", entries)


def _whole_number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise InvalidRequest(f"{name}={text!r}: give a whole number", param=name, code="invalid_value")
    return int(text)
