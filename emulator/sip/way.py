"""Where a new connection for a dialog would go when the old one is closed (RFC 3261 18.1, RFC 3263 4)."""

from dataclasses import dataclass
from typing import Literal, cast, get_args

from ..errors import FlowGone
from .events import Flow
from .uri import Uri

Transport = Literal["udp", "tcp", "tls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """An address to connect to. An IPv6 `host` has no brackets."""

    transport: Transport
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport} {host}:{self.port}"


def way_to(next_hop: str, lost: Flow) -> Way:
    """Where `next_hop` says, in place of `lost`. Raises `FlowGone` where nobody could be reached by a connection of
    ours."""
    if lost.in_memory:
        raise FlowGone("the caller in this process is gone")
    uri = Uri.parse(next_hop)
    if uri.scheme not in ("sip", "sips"):
        raise FlowGone(f"{next_hop} is no address to connect to")
    if uri.has_parameter("ob"):
        # RFC 5626 4.3 and 5.3: it is to be reached by the flow that it opened, and by no other
        raise FlowGone(f"{next_hop} can be reached by its own connection alone, and that is closed")
    named = (uri.parameter("transport") or "").lower()
    if uri.scheme == "sips":
        transport: Transport = "tls"  # RFC 3261 26.2.2
    elif named in get_args(Transport):
        transport = cast(Transport, named)
    elif named:
        raise FlowGone(f"{next_hop} wants the transport {named[:20]}, which we do not speak")
    else:
        # RFC 3263 4.1 says UDP. A contact without a transport, of who called by TLS or TCP, is most of the time that of
        # a phone which leaves it out, so the lost connection's is taken.
        transport = lost.transport
    port = uri.port or (5061 if transport == "tls" else 5060)
    return Way(transport=transport, host=uri.host.strip("[]"), port=port)
