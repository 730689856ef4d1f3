"""The emulator in this process: a project of its own for each check, or an emulator with a clock that can be moved."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ringback.emulator.calls.project import Project
from ringback.emulator.clock import ManualClock
from ringback.emulator.config import Settings
from ringback.emulator.server import Emulator

from ..client.webhook_receiver import WebhookReceiver
from ..requirement import CAPABILITIES, Requirement
from ..target import Access
from ..tolerance import Tolerances

FREE_PORTS: dict[str, Any] = {"http_port": 0, "https_port": 0, "sip_tls_port": 0, "sip_tcp_port": 0, "sip_udp_port": 0}
TALKATIVE: dict[str, Any] = {"codecs": ("PCMU", "PCMA", "opus", "G722")}
"""Every codec, also the one that a caller has to ask for."""
HASTY: dict[str, Any] = {"webrtc_consent_timeout": 3.0, "webrtc_connect_timeout": 6.0}
"""Real time that nobody wants to wait for: until a WebRTC caller is given up."""

AT_ONCE = 0.1
"""Seconds of moved time in which the sockets need no turn: what is due so densely is media, which waits for nobody."""


class MovedClock:
    """The emulator's manual clock. Behind what is due the sockets get their turn, as they would in between."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now()

    async def advance(self, seconds: float) -> None:
        end = self._clock.now() + seconds
        unsettled_since: float | None = None
        while True:
            when = self._clock.next_at
            if unsettled_since is not None and (when is None or when > min(end, unsettled_since + AT_ONCE)):
                await settle()  # which may bring an earlier deadline
                unsettled_since = None
                continue
            if when is None or when > end:
                break
            self._clock.advance_to(max(when, self._clock.now()))
            unsettled_since = self._clock.now() if unsettled_since is None else unsettled_since
        self._clock.advance_to(end)
        await settle()


async def settle() -> None:
    """Let everything that is ready on the loop run, sockets included."""
    for _ in range(10):
        await asyncio.sleep(0)


class EmulatorTarget:
    """One embedded emulator for the whole run. `prepare` may do something to each check's project: a mutant does."""

    name = "emulator"
    capabilities = CAPABILITIES
    """All that there are: what a target may do, the reference does."""
    tolerances = Tolerances()
    concurrency = 8

    def __init__(self, prepare: Callable[[Emulator, Project], None] = lambda emulator, project: None) -> None:
        self._prepare = prepare
        self._emulator: Emulator | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with Emulator(Settings(**FREE_PORTS, **TALKATIVE, **HASTY)) as self._emulator:
            yield

    @asynccontextmanager
    async def access(self, requirement: Requirement) -> AsyncIterator[Access]:
        async with WebhookReceiver() as receiver:
            if "clock" in requirement.needs:
                clock = ManualClock()
                async with Emulator(Settings(**FREE_PORTS, webhook_clock="virtual"), clock=clock) as emulator:
                    yield await self._way_into(emulator, receiver, MovedClock(clock))
                    return
            if self._emulator is None:
                raise AssertionError("the target was not opened")
            yield await self._way_into(self._emulator, receiver, None)

    async def still_there(self) -> None:
        """It is in this process."""

    async def _way_into(self, emulator: Emulator, receiver: WebhookReceiver, clock: MovedClock | None) -> Access:
        project = emulator.add_project(webhook_urls=[receiver.url])
        self._prepare(emulator, project)
        ready = emulator.ready_for(project)
        receiver.secrets.append(ready.webhook_secret)
        return Access(
            base_url=ready.base_url,
            api_key=ready.api_key,
            project_id=project.id,
            sip=ready.sip,
            ca_file=ready.ca_file,
            receiver=receiver,
            clock=clock,
            other_api_key=emulator.ready.api_key,
        )
