"""`/_ringback/phone`: a page to call the emulator from a browser, and the key that it calls with.

The page is plain files in `pages/phone`. Its key is a client secret of the first project, made for whoever shows that
it is this page: what `strangers.py` lets by must show an `Origin` too, so that no program gets one in passing.
"""

from pathlib import Path

from aiohttp import web

from .errors import Forbidden, ResourceNotFound
from .routes import Api, Asked, Route
from .sessions.client_secrets import parse_secret_request, secret_body
from .strangers import own_origins
from .transports.client_secrets_api import make_secret
from .transports.services import SERVICES

PATH = "/_ringback/phone"
PAGES = Path(__file__).parent / "pages" / "phone"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {
    # Nothing from elsewhere, nothing inline: what the page says was said by whoever called.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def routes() -> Api:
    return Api(
        routes=[
            Route(
                method="GET",
                path=PATH,
                name="phone",
                says="A phone in the browser.",
                handler=_page,
                answer_types=["text/html"],
            ),
            Route(
                method="GET",
                path=f"{PATH}/{{name}}",
                name="phone_file",
                says="A file of the phone.",
                handler=_page,
                answer_types=tuple(_TYPES.values()),
                errors=[404],
            ),
            Route(
                method="POST",
                path=f"{PATH}/secret",
                name="phone_secret",
                says="A client secret for the phone, and for nobody else.",
                handler=_secret,
                body={"type": "object", "description": "What `POST /v1/realtime/client_secrets` takes."},
                answer={"type": "object"},
            ),
        ]
    )


async def _page(asked: Asked) -> web.Response:
    name = asked.request.match_info.get("name", "index.html")
    file = next((file for file in PAGES.iterdir() if file.name == name and file.suffix in _TYPES), None)
    if file is None:
        raise ResourceNotFound(f"The phone has no file {name!r}")
    return web.Response(body=file.read_bytes(), content_type=_TYPES[file.suffix], charset="utf-8", headers=_HEADERS)


async def _secret(asked: Asked) -> web.Response:
    """What `POST /v1/realtime/client_secrets` answers, without an API key."""
    request = asked.request
    if (origin := request.headers.get("Origin")) not in own_origins(request):
        raise Forbidden(f"The phone page has a key for itself only, not for the origin {origin!r}")
    services = request.app[SERVICES]
    wanted = parse_secret_request(asked.body)
    project = services.projects[services.settings.project]
    secret = make_secret(services, wanted, project=project, safety_identifier=None)
    return web.json_response(secret_body(secret), headers={"Cache-Control": "no-store"})
