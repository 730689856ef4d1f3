"""`ringback doctor`: finds from outside what stops a softphone, with a call of its own where an emulator runs."""

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from . import probes
from .config import Settings
from .findings import Finding, Level
from .softphones import Addresses

SAYS = "ringback doctor"
KEY = "1"
ANSWERED_BY_ITSELF = 3.0
"""How long an application may take to accept before the doctor does."""
LISTENING = 6.0
NOT_ACCEPTABLE = 488
SUITES = ("AES_CM_128_HMAC_SHA1_80",)
SESSION = {"type": "realtime", "model": "gpt-realtime"}
TRANSPORTS = ("tls", "tcp", "udp")
NEEDS = {"tls": "TCP", "tcp": "TCP", "udp": "UDP"}


@dataclass(slots=True)
class Doctor:
    """One examination. `phone_class` is the reference client's, `phone_error` what it raises."""

    url: str
    settings: Settings
    phone_class: Any
    phone_error: type[Exception]
    ca_file: str | None = None
    findings: list[Finding] = field(default_factory=list)
    _since: int = 0
    """The journal's last entry before the call."""

    async def examine(self) -> list[Finding]:
        """Everything that can be looked at, in the order in which a call needs it."""
        try:
            ready = await probes.fetch_ready(self.url)
        except probes.NotReady as error:
            self._find("emulator", Level.WRONG, error.reason, error.do)
            if self._is_here:
                self.findings += probes.local_ports(self.settings) + probes.rtp_range(self.settings)
            return self.findings
        self._find("emulator", Level.WELL, f"answers at {self.url}, project {ready['project_id']}")
        to = self._named_from_here(Addresses.of(ready))
        ca_file = self.ca_file or (to.ca_file if to.authority_is_here else None)
        self.findings += await probes.certificate(to, ca_file)
        async with self.phone_class(ca_file=ca_file, verify=False) as phone:
            reached = [transport for transport in TRANSPORTS if await self._options(phone, to, transport)]
        self.findings += probes.rtp_range(self.settings)
        if reached:
            async with self.phone_class(ca_file=ca_file, verify=False) as phone:
                await self._call(phone, to, reached[0], ready)
        return self.findings

    # Private

    @property
    def _is_here(self) -> bool:
        """Whether it is this machine that is asked for an emulator."""
        host = urlsplit(self.url).hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.")

    def _named_from_here(self, to: Addresses) -> Addresses:
        """With the address at which the emulator was reached, where it names one that means another machine here."""
        if not to.is_loopback or self._is_here:
            self.findings += probes.address(to, self.settings)
            return to
        host = urlsplit(self.url).hostname or ""
        says = f"the emulator names {to.host} to phones, which for them is their own machine; going on with {host}"
        self._find("address", Level.WRONG, says, f"ringback serve --host 0.0.0.0 --advertise-ip {host}")
        return replace(to, host=host)

    def _find(self, topic: str, level: Level, says: str, do: str | None = None) -> None:
        self.findings.append(Finding(topic=topic, level=level, says=says, do=do))

    async def _options(self, phone: Any, to: Addresses, transport: str) -> bool:
        """Whether SIP answers there."""
        topic, where = f"SIP {transport}", to.hostport(transport)
        try:
            response = await phone.request("OPTIONS", to.uri(transport), timeout=probes.PATIENCE)
        except self.phone_error as error:
            port = f"{NEEDS[transport]} {to.ports[transport]}"
            do = f"let {port} through firewalls; in a container publish it: -p {to.ports[transport]}"
            do += f":{to.ports[transport]}{'/udp' * (transport == 'udp')}"
            self._find(topic, Level.WRONG, f"no answer at {where}: {error}", do)
            return False
        self._find(topic, Level.WELL, f"{where} answers OPTIONS: {response.code}; dial {to.uri(transport)}")
        return True

    async def _call(self, phone: Any, to: Addresses, transport: str, ready: dict[str, Any]) -> None:
        """A call as a softphone's, with sound and a key, and what the emulator made of it."""
        topic, uri = "test call", to.uri(transport)
        health = await self._get("health")
        self._since = health["journal_entries"] + health["journal_dropped"]
        try:
            call, accepted_by = await self._connected(phone, uri, ready)
        except self.phone_error as error:
            do = f"see what happened: {self.url}/_ringback/journal?kind=sip"
            self._find(topic, Level.WRONG, f"{uri}: {error}", do)
            return
        answer = call.answer
        self._find(topic, Level.WELL, f"{uri} is answered; {accepted_by}")
        self._judge_answer(answer, to)
        try:
            await call.press(KEY)
            await call.say(SAYS)
            await call.wait_for_heard(timeout=LISTENING)
        except self.phone_error:
            pass  # what was not heard is seen below
        received = 0 if call.media.receiver is None else len(call.media.receiver.packets)
        heard = list(call.heard)
        try:
            await call.hang_up()
        except self.phone_error as error:
            self._find(topic, Level.WRONG, f"hanging up failed: {error}")
        self._judge_sound(await self._statistics(call.id), received, heard, answer)

    async def _connected(self, phone: Any, uri: str, ready: dict[str, Any]) -> tuple[Any, str]:
        """A call that was answered, and by whom; with SRTP where plain RTP is refused. Raises what the phone does."""
        call = await phone.dial(uri)
        try:
            return call, await self._accept(call, ready)
        except self.phone_error as error:
            if getattr(error, "status", None) != NOT_ACCEPTABLE:
                raise
        call = await phone.dial(uri, suites=SUITES)
        return call, await self._accept(call, ready)

    async def _accept(self, call: Any, ready: dict[str, Any]) -> str:
        """Who accepted the call: an application, else the doctor itself. Raises what the phone does."""
        try:
            await call.answered(ANSWERED_BY_ITSELF)
        except TimeoutError:
            call_id = await self._call_id(call.id)
            headers = {"Authorization": f"Bearer {ready['api_key']}"}
            url = f"{self.url}/v1/realtime/calls/{call_id}/accept"
            async with (
                aiohttp.ClientSession(headers=headers) as session,
                session.post(url, json=SESSION) as response,
            ):
                accepted = response.status == HTTPStatus.OK
            await call.answered(probes.PATIENCE)
            return "no application did, so the doctor accepted it" if accepted else "an application accepted it"
        return "an application or --auto-accept took it"

    def _judge_answer(self, answer: Any, to: Addresses) -> None:
        keys = "keys as RFC 4733 events" if answer.dtmf_payload_type is not None else "no keys"
        secure = "" if answer.crypto is None else "; only with SRTP, which phones must be set to"
        self._find("codecs", Level.WELL, f"{answer.codec}, {answer.ptime_ms} ms, {keys}{secure}")
        where = f"{answer.address}:{answer.port}"
        if answer.address != to.host and answer.address.startswith("127."):
            says = f"the answer wants the sound at {where}, but the call went to {to.host}"
            self._find("sound", Level.WRONG, says, f"ringback serve --advertise-ip {to.host}")
        ports = self.settings.rtp_ports
        if ports is not None and not ports.low <= answer.port <= ports.high:
            says = f"the answer wants the sound at port {answer.port}, outside of {ports}"
            self._find("RTP", Level.NOTE, says, "the emulator runs with other settings than the doctor read")

    def _judge_sound(self, statistics: dict[str, Any], received: int, heard: list[str], answer: Any) -> None:
        where = f"UDP {answer.address}:{answer.port}"
        if statistics.get("received"):
            says = f"the emulator got {statistics['received']} packets of the caller's, {statistics['lost']} lost"
            says += ", and the key" if statistics.get("dtmf_digits") else ", but no key"
            self._find("sound in", Level.WELL if statistics.get("dtmf_digits") else Level.WRONG, says)
        else:
            do = "let the UDP ports in: --rtp-ports 10000-10100, and in a container -p 10000-10100:10000-10100/udp"
            self._find("sound in", Level.WRONG, f"none of the caller's packets came to {where}", do)
        if heard:
            self._find("sound out", Level.WELL, f"heard {', '.join(f'“{text}”' for text in heard)}")
        elif received:
            self._find("sound out", Level.WELL, f"{received} packets came back; nothing was said in them")
        else:
            do = "let UDP out, and let the emulator reach the phone's address"
            self._find("sound out", Level.WRONG, f"no packet came from {where}", do)

    async def _call_id(self, sip_call_id: str) -> str | None:
        """`rtc_…` of a call that has begun."""
        for entry in await self._journal("call.state"):
            if entry["sip_call_id"] == sip_call_id:
                return str(entry["call_id"])
        return None

    async def _statistics(self, sip_call_id: str) -> dict[str, Any]:
        """What the emulator counted in a call that has ended; empty if it does not say."""
        call_id = await self._call_id(sip_call_id)
        for entry in await self._journal("call.ended", call_id=str(call_id)):
            return dict(entry["data"]["statistics"])
        return {}

    async def _journal(self, kind: str, **where: str) -> list[dict[str, Any]]:
        """Entries that came since the call began."""
        page = await self._get("journal", kind=kind, limit="5000", after=str(self._since), **where)
        return list(page["data"])

    async def _get(self, what: str, **parameters: str) -> dict[str, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/_ringback/{what}", params=parameters) as response,
        ):
            return dict(await response.json())
