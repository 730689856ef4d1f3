"""The page of the WebRTC guide, byte for byte, in Chromium: both ways to connect, sound and events both ways."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from desk import wait_for_entry
from interop.browser import Ears, microphone
from interop.conftest import StartChromium
from openai import AsyncOpenAI
from playwright.async_api import BrowserContext, Page
from ringback.emulator.server import Emulator

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]

CALLER_SAYS = "My parcel has not arrived, number 4711"
SESSION = {
    "type": "realtime",
    "model": "gpt-realtime",
    "audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}},
}
EVENT = """(type) => document.getElementById("log").textContent.split("\\n").filter(Boolean).map(JSON.parse)
  .find((entry) => entry.type === type || type in entry)"""


@dataclass
class Site:
    """The little server that the guide wants beside the page, with the key that the browser must not see."""

    client: AsyncOpenAI
    page: bytes
    base_url: str | None = None
    """Where the page shall find the API; without it, at api.openai.com."""
    port: int = 0

    async def index(self, _: web.Request) -> web.Response:
        return web.Response(body=self.page, content_type="text/html")

    async def token(self, _: web.Request) -> web.Response:
        secret = await self.client.realtime.client_secrets.create(session=SESSION)  # type: ignore[arg-type]
        place = {} if self.base_url is None else {"base_url": self.base_url.removesuffix("/v1")}
        return web.json_response({"value": secret.value, **place})

    async def session(self, request: web.Request) -> web.Response:
        offer = await request.text()
        answer = await self.client.realtime.calls.create(sdp=offer, session=SESSION)  # type: ignore[arg-type]
        return web.Response(text=answer.text, content_type="application/sdp")


@pytest.fixture
async def site(emulator: Emulator, shared: Path) -> AsyncIterator[Site]:
    ready = emulator.ready
    async with AsyncOpenAI(base_url=ready.base_url, api_key=ready.api_key) as client:
        site = Site(client, (shared / "samples" / "webrtc_page.html").read_bytes())
        app = web.Application()
        app.router.add_get("/", site.index)
        app.router.add_get("/token", site.token)
        app.router.add_post("/session", site.session)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.port = runner.addresses[0][1]
        yield site
        await runner.cleanup()


@pytest.fixture
def caller(tmp_path: Path) -> Path:
    return microphone(tmp_path / "caller.wav", CALLER_SAYS)


async def logged(page: Page, kind: str) -> dict[str, Any]:
    """The first entry of that kind in what the page shows, now or when it comes."""
    handle = await page.wait_for_function(EVENT, arg=kind)
    return await handle.json_value()  # type: ignore[no-any-return]


async def converse(context: BrowserContext, emulator: Emulator, site: Site, button: str) -> None:
    """The page connects, its caller speaks and is understood, and it hears what the emulator says to that."""
    page = await context.new_page()
    await page.goto(f"http://127.0.0.1:{site.port}/")
    await page.click(button)
    added = await logged(page, "conversation.item.added")
    assert added["item"]["content"] == [{"type": "input_text", "text": "hello there!"}]
    completed = await logged(page, "conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == CALLER_SAYS
    ears = Ears(page)
    await ears.wait_for(CALLER_SAYS)
    assert await ears.loudest() > 0.1
    spoken = await logged(page, "response.output_audio_transcript.done")
    assert spoken["transcript"] == CALLER_SAYS
    heard = [entry.data for entry in emulator.journal.entries(kind="media.heard")]
    assert heard == [{"text": CALLER_SAYS, "complete": True}]
    shown = [json.loads(line).get("type", "") for line in (await page.inner_text("#log")).splitlines()]
    assert "output_audio_buffer.started" in shown
    assert "response.output_audio.delta" not in shown  # sound comes as sound
    assert "error" not in shown
    await page.evaluate("window.peers.forEach((peer) => peer.close())")  # the sample itself never ends its call
    await wait_for_entry(emulator, "call.ended")


async def test_sample_connects_with_an_ephemeral_token(
    emulator: Emulator, site: Site, start_chromium: StartChromium, caller: Path
) -> None:
    site.base_url = emulator.ready.base_url
    async with start_chromium(says=caller) as context:
        await converse(context, emulator, site, "#token")


async def test_sample_finds_the_emulator_at_the_service_s_own_address(
    emulator: Emulator, site: Site, start_chromium: StartChromium, caller: Path
) -> None:
    port = int(emulator.ready.https_base_url.removesuffix("/v1").rpartition(":")[2])
    async with start_chromium(says=caller, served={"api.openai.com": port}) as context:
        await converse(context, emulator, site, "#token")


async def test_sample_connects_by_the_unified_interface(
    emulator: Emulator, site: Site, start_chromium: StartChromium, caller: Path
) -> None:
    async with start_chromium(says=caller) as context:
        await converse(context, emulator, site, "#session")
