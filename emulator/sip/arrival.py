"""A request with the way it came: read once, used by everything that finds its place and answers it."""

from .events import Address, Flow
from .headers import Via
from .message import Request
from .transaction import ServerKey, server_key

DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}


class Arrival:
    """Raises `SipError` (400) when made of a request whose Via, tags, Call-ID or CSeq can't be read.

    `via` is the top Via as responses carry it if that isn't as it came, `destination` where they go over UDP if that
    isn't where the request came from. `key` and `invite_key` name the request's own transaction and that of the
    INVITE that an ACK or CANCEL is about; `merge_key` is the same for all copies of a request outside of dialogs, and
    None inside one.
    """

    __slots__ = ("destination", "flow", "from_tag", "invite_key", "key", "merge_key", "request", "to_tag", "via")

    def __init__(self, flow: Flow, request: Request) -> None:
        method = request.method
        self.flow = flow
        self.request = request
        self.from_tag = request.from_.tag
        self.to_tag = request.to.tag
        via = request.via
        self.via = response_via(via, flow)
        self.destination = response_destination(via, flow)
        self.key = server_key(request, method)
        self.invite_key = server_key(request, "INVITE") if method in ("ACK", "CANCEL") else self.key
        self.merge_key: ServerKey | None = None
        if self.to_tag is None:
            self.merge_key = (request.call_id, request.cseq.number, method, self.from_tag)


def response_via(via: Via, flow: Flow) -> Via | None:
    """The top Via as the response carries it (RFC 3261 18.2.1, RFC 3581 4); None: unchanged."""
    host, port = flow.remote
    if via.has_parameter("rport"):
        via = via.with_parameter("rport", str(port))  # and `received` even if it says nothing new (RFC 3581 4)
    elif _bare(via.host) == host:
        return None
    return via.with_parameter("received", host)


def response_destination(via: Via, flow: Flow) -> Address | None:
    """Where a UDP response goes instead of where the request came from (RFC 3261 18.2.2); None: exactly there.

    maddr is not obeyed [CHOICE]: it would let anybody aim our responses at others.
    """
    if flow.is_reliable or via.has_parameter("rport"):
        return None
    port = via.port or DEFAULT_PORTS[flow.transport]
    return None if port == flow.remote[1] else (flow.remote[0], port)


def _bare(host: str) -> str:
    """An IPv6 address as sockets name it."""
    return host[1:-1] if host.startswith("[") else host
