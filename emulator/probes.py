"""Looking at an emulator from outside: who answers at its ports, what its certificate says, what its addresses mean."""

import asyncio
import errno
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from .config import Settings
from .findings import Finding, Level
from .softphones import Addresses

PATIENCE = 3.0
"""For an answer that takes milliseconds where nothing is in its way."""
EXPIRES_SOON = 14
A_YEAR = 366
SOMEWHERE = "192.0.2.1"  # RFC 5737: nobody's; only the routing table is asked
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady(Exception):
    """No emulator answers, for this reason."""

    reason: str
    do: str = "ringback serve --auto-accept\nor --url of the one that runs"


async def fetch_ready(url: str) -> dict[str, Any]:
    """What the emulator says of itself. Raises `NotReady`."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url}/_ringback/ready") as response,
        ):
            if response.content_type != "application/json":
                raise NotReady(reason=f"another program answers at {url}")
            body = await response.json()
    except aiohttp.ClientConnectorError:
        raise NotReady(reason=f"nothing listens at {url}") from None
    except TimeoutError:
        raise NotReady(reason=f"{url} gave no answer within {PATIENCE:.0f} s") from None
    except (aiohttp.ClientError, ValueError) as error:
        raise NotReady(reason=f"another program answers at {url}: {error}") from None
    if response.status == HTTPStatus.FORBIDDEN:
        do = "run the doctor on the emulator's machine, or let others ask: ringback serve --control-anywhere"
        raise NotReady(reason=f"{url} refuses to say where it is: {body['error']['message']}", do=do)
    if not isinstance(body, dict) or "sip" not in body:
        raise NotReady(reason=f"another program answers at {url}")
    return body


def local_ports(settings: Settings) -> list[Finding]:
    """Whether an emulator with these settings could have its ports on this machine, now."""
    wanted = [
        ("HTTP", settings.http_port, "http-port", socket.SOCK_STREAM),
        ("SIP tls", settings.sip_tls_port, "sip-tls-port", socket.SOCK_STREAM),
        ("SIP tcp", settings.sip_tcp_port, "sip-tcp-port", socket.SOCK_STREAM),
        ("SIP udp", settings.sip_udp_port, "sip-udp-port", socket.SOCK_DGRAM),
    ]
    found = []
    for topic, port, option, kind in wanted:
        protocol = "UDP" if kind is socket.SOCK_DGRAM else "TCP"
        error = _bind(settings.host, port, kind)
        if error is None:
            found.append(Finding(topic=topic, level=Level.WELL, says=f"{protocol} {port} is free"))
            continue
        if error.errno == errno.EADDRINUSE:
            says = f"{protocol} {port} at {settings.host} is taken by another program"
            do = f"see which: ss -lp{'u' if protocol == 'UDP' else 't'} 'sport = :{port}'\nor choose: --{option} PORT"
        elif error.errno in (errno.EACCES, errno.EPERM):
            says, do = f"{protocol} {port} is for privileged programs", f"--{option} PORT, above 1023"
        else:
            says = f"{settings.host} can't be bound: {error.strerror}"
            do = "--host 0.0.0.0, or an address of this machine"
        found.append(Finding(topic=topic, level=Level.WRONG, says=says, do=do))
    return found


def rtp_range(settings: Settings) -> list[Finding]:
    """How many calls the settings leave room for, and whether others are in that range."""
    ports = settings.rtp_ports
    if ports is None:
        says = "the system chooses the UDP ports of the sound"
        do = "behind a firewall or in a container give a range and let it in: --rtp-ports 10000-10100"
        return [Finding(topic="RTP", level=Level.WELL, says=says, do=do if in_container() else None)]
    room = ports.high - ports.low + 1
    if room < 2:
        says, do = f"{ports} has room for no call but one", "--rtp-ports 10000-10100"
        return [Finding(topic="RTP", level=Level.NOTE, says=says, do=do)]
    return [Finding(topic="RTP", level=Level.WELL, says=f"the sound has UDP {ports}, {room} ports")]


def address(to: Addresses, settings: Settings) -> list[Finding]:
    """What the address means that the emulator tells its callers."""
    mine = outward_address(":" in to.host)
    elsewhere = mine or "ADDRESS"
    if to.is_loopback and (settings.host in ("0.0.0.0", "::") or in_container()):
        says = f"{to.host} is named to phones, which only this machine{' or container' * in_container()} can reach"
        do = f"ringback serve --host 0.0.0.0 --advertise-ip {'ADDRESS-OF-THE-HOST' if in_container() else elsewhere}"
        if in_container():
            tls, udp = to.ports["tls"], to.ports["udp"]
            do += f" --rtp-ports 10000-10100\nand publish the ports: -p {tls}:{tls} -p {udp}:{udp}/udp"
            do += " -p 10000-10100:10000-10100/udp"
        return [Finding(topic="address", level=Level.NOTE, says=says, do=do)]
    if to.is_loopback:
        says = f"{to.host}: phones on this machine only"
        do = f"for others: ringback serve --host 0.0.0.0 --advertise-ip {elsewhere}"
        return [Finding(topic="address", level=Level.NOTE, says=says, do=do)]
    try:
        bare = ipaddress.ip_address(to.host)
    except ValueError:
        return [Finding(topic="address", level=Level.WELL, says=f"{to.host}, a name that phones have to resolve")]
    if _bind(str(bare), 0, socket.SOCK_DGRAM) is not None:
        says = f"{to.host} is no address of this machine: right if it is another's, a NAT's or a container's outside"
        return [Finding(topic="address", level=Level.NOTE, says=says, do=f"if it is none: --advertise-ip {elsewhere}")]
    says = f"{to.host} is this machine's" + ("" if bare.is_global else "; private, so phones in its network reach it")
    return [Finding(topic="address", level=Level.WELL, says=says)]


async def certificate(to: Addresses, ca_file: str | None) -> list[Finding]:
    """The chain, the name and the days left of what is shown at the TLS port."""
    topic = "certificate"
    try:
        shown = await _shown_certificate(to.host, to.ports["tls"])
    except (OSError, TimeoutError) as error:
        says = f"{to.hostport('tls')} does not begin TLS: {error or 'no answer'}"
        do = "let TCP through to that port; without TLS phones may use UDP and TCP"
        return [Finding(topic=topic, level=Level.WRONG, says=says, do=do)]
    found = []
    if ca_file is None:
        says = f"{to.ca_file} is not on this machine, so the certificate can't be judged"
        found.append(Finding(topic=topic, level=Level.NOTE, says=says, do="copy it here, and name it: --ca-file FILE"))
    else:
        found += await _judged(to, ca_file)
    return [*found, *_days_left(shown)]


async def _judged(to: Addresses, ca_file: str) -> list[Finding]:
    topic = "certificate"
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=ca_file)
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(to.host, to.ports["tls"], ssl=context, server_hostname=to.host)
            writer.close()
            await writer.wait_closed()
    except ssl.SSLCertVerificationError as error:
        about_name = "mismatch" in error.verify_message.lower()
        do = (
            f"ringback serve --advertise-ip {to.host}\nor a certificate of your own with that name (--tls-cert)"
            if about_name
            else f"give the whole chain (--tls-cert), or let phones trust {ca_file}"
        )
        return [Finding(topic=topic, level=Level.WRONG, says=f"phones refuse it: {error.verify_message}", do=do)]
    says = f"is for {to.host}, and signed by who is in {ca_file} or known to this system"
    return [Finding(topic=topic, level=Level.WELL, says=says, do=f"phones must trust {ca_file}, or not verify")]


async def _shown_certificate(host: str, port: int) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with asyncio.timeout(PATIENCE):
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
    shown = connection.getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    assert shown is not None
    return shown


def _days_left(shown: bytes) -> list[Finding]:
    from cryptography.x509 import load_der_x509_certificate

    end = load_der_x509_certificate(shown).not_valid_after_utc
    left = (end - datetime.now(UTC)).days
    if left < 0:
        says = f"expired on {end:%Y-%m-%d}"
        return [Finding(topic="certificate", level=Level.WRONG, says=says, do="renew it (--tls-cert, --tls-key)")]
    level = Level.NOTE if left < EXPIRES_SOON else Level.WELL
    more = f", {left} days more" if left < A_YEAR else ""
    return [Finding(topic="certificate", level=level, says=f"is valid until {end:%Y-%m-%d}{more}")]


def outward_address(is_v6: bool = False) -> str | None:
    """This machine's address towards the rest of the network, None without any. Sends nothing."""
    with socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("2001:db8::1" if is_v6 else SOMEWHERE, 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def in_container() -> bool:
    return any(Path(mark).exists() for mark in CONTAINER_MARKS)


def _bind(host: str, port: int, kind: socket.SocketKind) -> OSError | None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a server does: a past call is no owner
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None
