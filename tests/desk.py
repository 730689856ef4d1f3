"""What tests of whole calls begin with: one caller, one application, one emulator."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ringback.conformance.client import Call, Phone, RestClient, Sideband, WebhookReceiver
from ringback.emulator.journal import Entry
from ringback.emulator.server import Emulator

PATIENCE = 30.0
"""For what takes milliseconds on an idle machine."""
SESSION = {"type": "realtime", "model": "gpt-realtime", "instructions": "You are a support agent."}

StartEmulator = Callable[..., Awaitable[Emulator]]


async def wait_for_entry(
    emulator: Emulator, kind: str, accepts: Callable[[Entry], bool] = lambda entry: True, *, timeout: float = PATIENCE
) -> Entry:
    """The first journal entry of that kind that `accepts`, now or when it comes."""
    found: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()

    def look(entry: Entry) -> None:
        if entry.kind == kind and accepts(entry) and not found.done():
            found.set_result(entry)

    stop = emulator.journal.subscribe(look)
    try:
        for entry in emulator.journal.entries(kind=kind):
            look(entry)
        return await asyncio.wait_for(found, timeout)
    finally:
        stop()


@dataclass
class Desk:
    """The fixture `desk` has one."""

    emulator: Emulator
    phone: Phone
    rest: RestClient
    receiver: WebhookReceiver
    attach: Callable[[str], Awaitable[Sideband]]
    calls: int = 0

    async def ring(self, transport: str = "tls", **options: Any) -> tuple[Call, str]:
        """A caller dials, the application is told. The call and its id."""
        call = await self.phone.dial(self.emulator.ready.sip[transport], from_="+14255550112", **options)
        self.calls += 1
        delivery = await self.receiver.wait_for(count=self.calls)
        assert delivery.problem is None
        assert delivery.event is not None
        return call, delivery.event["data"]["call_id"]

    async def connect(self, transport: str = "tls", **options: Any) -> tuple[Call, str]:
        """… and the application accepts."""
        call, call_id = await self.ring(transport, **options)
        answer = await self.rest.accept(call_id, SESSION)
        assert answer.status == 200
        await call.answered()
        return call, call_id

    async def take_a_call(self, transport: str = "tls") -> None:
        """The emulator is as good as before."""
        call, _ = await self.connect(transport)
        await call.hang_up()
