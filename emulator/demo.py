"""`ringback demo`: one complete call on loopback, with an application and a caller of its own, shown as it happened."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from .config import Settings
from .server import Emulator
from .timeline import ladder

GREETING = "Thank you for calling, how can I help you?"
CALLER_SAYS = "I would like to talk to a human"
TARGET = "tel:+14155550123"
PATIENCE = 15.0
"""Seconds that the whole call may take before the demo says that something is wrong."""


@dataclass(slots=True)
class Application:
    """What a user of the API writes: it accepts the call, greets, listens, and transfers when asked for a human."""

    emulator: Emulator
    events: list[dict[str, Any]] = field(default_factory=list)
    transferred: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def webhook(self, request: web.Request) -> web.Response:
        """`realtime.call.incoming`. (A real application verifies the signature: `client.webhooks.unwrap`.)"""
        event = await request.json()
        self.tasks.add(asyncio.create_task(self.converse(event["data"]["call_id"])))
        return web.Response()

    async def converse(self, call_id: str) -> None:
        """Accept, attach a sideband, greet, and transfer the caller who asks for a human."""
        ready = self.emulator.ready
        call = f"{ready.base_url}/realtime/calls/{call_id}"
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {ready.api_key}"}) as session:
            await self._post(session, f"{call}/accept", _SESSION)
            async with session.ws_connect(f"{ready.base_url}/realtime?call_id={call_id}") as sideband:
                await sideband.send_json(
                    {"type": "response.create", "response": {"instructions": f"Say to the user '{GREETING}'"}}
                )
                async for message in sideband:
                    event = json.loads(message.data)
                    self.events.append(event)
                    if "human" in event.get("transcript", ""):
                        await self._post(session, f"{call}/refer", {"target_uri": TARGET})
                        self.transferred.set()

    @staticmethod
    async def _post(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> None:
        async with session.post(url, json=body) as response:
            response.raise_for_status()


_SESSION = {
    "type": "realtime",
    "model": "gpt-realtime",
    "instructions": "You are a receptionist.",
    "audio": {
        "input": {
            "transcription": {"model": "gpt-realtime-whisper"},
            "turn_detection": {"type": "server_vad", "create_response": False},
        }
    },
}


async def run(phone_class: Any, transport: str, *, phone_error: type[Exception]) -> int:
    """Make the call and print it. 0 only if every step of it happened.

    `phone_class` is the reference client's, and `phone_error` what it raises when the call does not go as it should.
    """
    async with _application() as (application, emulator):
        try:
            failure = await _attempt(phone_class, transport, application, emulator)
        except TimeoutError as error:  # the client's own say what was waited for
            failure = str(error) or f"the call did not finish within {PATIENCE:.0f} s"
        except phone_error as error:
            failure = str(error)
        # The application's own trouble is what the caller saw the effects of.
        failure = _task_failure(application) or failure
        await emulator.stop()
        print("\n".join(ladder(emulator.journal.entries())))
        print()
        if failure is not None:
            print(f"the demo failed: {failure}")
            return 1
        print(f"The caller heard “{GREETING}”, asked for a human, and was transferred to {TARGET}.")
        print("Next: `ringback serve --auto-accept` and dial it with a softphone.")
    return 0


@asynccontextmanager
async def _application() -> AsyncIterator[tuple[Application, Emulator]]:
    app = web.Application()
    runner = web.AppRunner(app, access_log=None)
    try:
        # The emulator wants the webhook's URL, the application the emulator: the port comes first.
        holder: list[Application] = []

        async def webhook(request: web.Request) -> web.Response:
            return await holder[0].webhook(request)

        app.router.add_post("/", webhook)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        settings = Settings(
            http_port=0,
            sip_tls_port=0,
            sip_tcp_port=0,
            sip_udp_port=0,
            webhook_urls=(f"http://127.0.0.1:{runner.addresses[0][1]}/",),
        )
        async with Emulator(settings) as emulator:
            holder.append(Application(emulator))
            yield holder[0], emulator
        for task in holder[0].tasks:
            task.cancel()
        await asyncio.gather(*holder[0].tasks, return_exceptions=True)
    finally:
        await runner.cleanup()


async def _attempt(phone_class: Any, transport: str, application: Application, emulator: Emulator) -> str | None:
    """What went wrong, None if nothing did. Raises `TimeoutError`, and what the phone raises."""
    async with asyncio.timeout(PATIENCE), phone_class(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip[transport], from_="+14255550112")
        await call.answered()
        await call.wait_for_heard(GREETING)
        await call.say(CALLER_SAYS)
        target = await call.wait_for_refer()
        await application.transferred.wait()
        await call.ended()
    return None if target == TARGET else f"the caller was to be transferred to {TARGET}, but was to {target}"


def _task_failure(application: Application) -> str | None:
    for task in application.tasks:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            return f"the application: {error}"
    return None
