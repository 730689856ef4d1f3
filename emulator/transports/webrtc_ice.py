"""ICE (RFC 8445) by aioice, on addresses and ports of our own choice, and without ever calling on anybody.

aioice offers neither loopback addresses nor a range of ports, and asks a public STUN server unless told otherwise. The
connection here binds what it is told. It is given no candidate of the peer's: like the service, which is ICE-lite
[OBS], it sends to those only who sent to it.
"""

import asyncio
import ipaddress
import random
import socket
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import ifaddr
from aioice import Candidate
from aioice.candidate import candidate_priority
from aioice.ice import Connection, StunProtocol
from aioice.stun import TransactionError
from aiortc.rtcicetransport import RTCIceGatherer

from ..config import PortRange
from ..errors import RingbackError

CONSENT_CHECKS = 6
"""In the time after which a silent peer is gone: RFC 7675 5.1 has one in 5 s, and 30 s."""


class NoAddress(RingbackError):
    """No UDP port could be bound on any address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IceSettings:
    """`addresses` are bound, `advertised` is what the peer is told in place of them (NAT, containers)."""

    addresses: tuple[str, ...]
    advertised: str | None
    ports: PortRange | None
    consent_timeout: float


def addresses_of(host: str) -> tuple[str, ...]:
    """The addresses that `host` stands for: itself, or every one of this machine for a wildcard."""
    try:
        wildcard = ipaddress.ip_address(host)
    except ValueError:  # a name: the address that the listeners get for it
        return (str(socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0][4][0]),)
    if not wildcard.is_unspecified:
        return (host,)
    found = []
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            if isinstance(each.ip, str):
                found.append(each.ip)
            elif wildcard.version == 6 and each.ip[2] == 0:  # no link-local ones: they need a scope
                found.append(each.ip[0])
    return tuple(found)


class HostConnection(Connection):
    """One component, host candidates only. `on_lost` hears that the peer is silent for too long."""

    def __init__(self, settings: IceSettings, *, ufrag: str, password: str, on_lost: Callable[[], None]) -> None:
        super().__init__(ice_controlling=False, local_username=ufrag, local_password=password)
        self._host_settings = settings
        self._on_lost = on_lost

    async def get_component_candidates(self, component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        """Bind each address. Raises `NoAddress` when none can be."""
        settings = self._host_settings
        loop = asyncio.get_running_loop()
        for address in settings.addresses:
            bound = _bind(address, settings.ports)
            if bound is None:
                continue
            _, protocol = await loop.create_datagram_endpoint(lambda: StunProtocol(self), sock=bound)
            shown = settings.advertised or address
            protocol.local_candidate = Candidate(
                foundation=str(zlib.crc32(f"host udp {shown}".encode())),  # OBS: a number
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=shown,
                port=bound.getsockname()[1],
                type="host",
            )
            self._protocols.append(protocol)
        if not self._protocols:
            raise NoAddress(f"no UDP port is free on {', '.join(settings.addresses)}; widen --rtp-ports, or end calls")
        return [protocol.local_candidate for protocol in self._protocols]

    async def query_consent(self) -> None:
        """RFC 7675, with a time of our own."""
        timeout = self._host_settings.consent_timeout
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while loop.time() - heard < timeout:
            await asyncio.sleep(timeout / CONSENT_CHECKS * (0.8 + 0.4 * random.random()))
            for pair in tuple(self._nominated.values()):
                try:
                    await pair.protocol.request(
                        self.build_request(pair, nominate=False),
                        pair.remote_addr,
                        integrity_key=(self.remote_password or "").encode(),
                        retransmissions=0,
                    )
                    heard = loop.time()
                except TransactionError:
                    pass  # once is nothing
        self._on_lost()


class HostGatherer(RTCIceGatherer):
    """aiortc's gatherer around a connection of ours."""

    def __init__(self, connection: HostConnection) -> None:
        super().__init__(iceServers=[])
        self._connection = connection


def _bind(address: str, ports: PortRange | None) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    numbers = [0] if ports is None else random.sample(range(ports.low, ports.high + 1), ports.high - ports.low + 1)
    for port in numbers:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.bind((address, port))
        except OSError:
            sock.close()
            continue
        sock.setblocking(False)
        return sock
    return None
