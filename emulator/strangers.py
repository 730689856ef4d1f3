"""Who may use what lies under `/_ringback/`: programs on this machine, and the emulator's own pages.

Three kinds of stranger are kept out: other machines, other sites that a browser here has open, and names of somebody
else's that resolve to this machine (whose pages would be of the same origin).
"""

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web

from .config import Settings
from .errors import Forbidden
from .routes import PREFIX
from .transports.http_api import Handler
from .transports.services import SERVICES

HEALTH = f"{PREFIX}/health"
PHONE = f"{PREFIX}/phone"


@web.middleware
async def refuse_strangers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """For every path under `/_ringback/`; what is under `/v1` has keys."""
    if request.path == PREFIX or request.path.startswith(f"{PREFIX}/"):
        check_sender(request, request.app[SERVICES].settings)
    return await handler(request)


def check_sender(request: web.Request, settings: Settings) -> None:
    """Raises `Forbidden` for a stranger. Only `/_ringback/health` is for every machine: it says nothing."""
    is_open = settings.control_anywhere or (
        settings.phone_anywhere and (request.path == PHONE or request.path.startswith(f"{PHONE}/"))
    )
    if not is_open and request.path != HEALTH and not is_loopback(request.remote or ""):
        option = "--phone-anywhere" if request.path.startswith(PHONE) else "--control-anywhere"
        raise Forbidden(f"{PREFIX}/ is for this machine only, not for {request.remote}: start with {option}")
    host = urlsplit(f"//{request.host}").hostname or ""
    if not _is_own_name(host, settings) and request.path != HEALTH:
        raise Forbidden(f"{PREFIX}/ is at localhost or an IP address, not at {host!r}: use one of them as the host")
    origin = request.headers.get("Origin")
    if origin is not None and origin not in own_origins(request):
        raise Forbidden(f"{PREFIX}/ is not for pages of the origin {origin!r}: call it from a program")
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and not _is_navigation(request):
        # A request without Origin, as of an image or a form that only reads.
        raise Forbidden(f"{PREFIX}/ is not for pages of other sites: call it from a program")


def own_origins(request: web.Request) -> tuple[str, str]:
    """Of the emulator's own pages, as this request reached them."""
    return f"http://{request.host}", f"https://{request.host}"


def is_loopback(address: str) -> bool:
    parsed = _address(address)
    if parsed is None:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def _is_own_name(host: str, settings: Settings) -> bool:
    """A name that nobody else can give to this machine: an address is no name, and those below are nobody's."""
    if _address(host) is not None or host in (settings.host, settings.advertise_ip):
        return True
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 6.3
        return True
    # In a network of containers; no such names exist in the public DNS (`internal` is reserved by ICANN for this).
    return settings.control_anywhere and bool(host) and ("." not in host or host.endswith(".internal"))


def _is_navigation(request: web.Request) -> bool:
    """A link that somebody followed: whoever made it does not see what it leads to."""
    return request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
