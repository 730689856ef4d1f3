"""`/_ringback/phone`: a page to call the emulator from a browser, and the key that it calls with.

The page is plain files in `pages/phone`. Its key is a client secret of the first project, made for whoever shows that
it is this page, on this machine: other sites that a browser has open, names that were pointed at this machine, and
other machines get none.
"""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from .config import Settings
from .errors import Forbidden
from .sessions.client_secrets import parse_secret_request, secret_body
from .transports.client_secrets_api import body_of, make_secret
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


def add_routes(app: web.Application) -> None:
    app.router.add_get(PATH, _page)
    app.router.add_get(f"{PATH}/{{name}}", _page)
    app.router.add_post(f"{PATH}/secret", _secret)


async def _page(request: web.Request) -> web.Response:
    name = request.match_info.get("name", "index.html")
    file = next((file for file in PAGES.iterdir() if file.name == name and file.suffix in _TYPES), None)
    if file is None:
        raise web.HTTPNotFound
    return web.Response(body=file.read_bytes(), content_type=_TYPES[file.suffix], charset="utf-8", headers=_HEADERS)


async def _secret(request: web.Request) -> web.Response:
    """What `POST /v1/realtime/client_secrets` answers, without an API key."""
    check_sender(request, request.app[SERVICES].settings)
    services = request.app[SERVICES]
    asked = parse_secret_request(await body_of(request))
    project = services.projects[services.settings.project]
    secret = make_secret(services, asked, project=project, safety_identifier=None)
    return web.json_response(secret_body(secret), headers={"Cache-Control": "no-store"})


def check_sender(request: web.Request, settings: Settings) -> None:
    """Raises `Forbidden` unless the page itself asks, from this machine or, if a setting says so, from any."""
    if not settings.phone_anywhere and not _is_loopback(request.remote or ""):
        raise Forbidden(f"The phone page has a key for this machine only, not for {request.remote}: --phone-anywhere")
    host = urlsplit(f"//{request.host}").hostname or ""
    if host != "localhost" and not _is_loopback(host) and host not in (settings.host, settings.advertise_ip):
        # A name of somebody else's that resolves to this machine: its page would be of the same origin.
        raise Forbidden(f"The phone page has a key at localhost or the emulator's own address, not at {host!r}")
    origin = request.headers.get("Origin", "")
    if origin not in (f"http://{request.host}", f"https://{request.host}"):
        raise Forbidden(f"The phone page has a key for itself only, not for the origin {origin!r}")


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
