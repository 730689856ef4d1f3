"""`OpenAIRealtimeWebRTC` of `@openai/agents-realtime`, bundled, in Chromium, with an application at the sideband."""

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from conftest import missing
from desk import StartEmulator, wait_for_entry
from interop.browser import Ears, microphone
from interop.conftest import StartChromium
from interop.launch import FIND_ORDER, PROGRAMS
from openai import AsyncOpenAI
from playwright.async_api import Page
from ringback.conformance.client import Sideband
from ringback.emulator.server import Emulator

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]

RESULT = "order 4711 is on its way"
ANSWER = "I see, order 4711 is on its way."
PAGE = '<!doctype html><title>Agent</title><script type="module" src="bundle.js"></script>'


@pytest.fixture
async def emulator(start_emulator: StartEmulator) -> Emulator:
    """One whose model asks the tool for whatever number it is told."""
    return await start_emulator(scenario=str(FIND_ORDER))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program and the SDK, for browsers."""
    modules = Path(os.environ.get("RINGBACK_NODE_MODULES", "node_modules"))
    for package in ("@openai/agents-realtime", "esbuild"):
        if not (modules / package).is_dir():
            missing(f"the npm package {package} in RINGBACK_NODE_MODULES")
    folder = tmp_path_factory.mktemp("bundle")
    shutil.copy(PROGRAMS / "agents_webrtc.mjs", folder)
    (folder / "node_modules").symlink_to(modules.resolve())
    esbuild = [str(modules.resolve() / ".bin" / "esbuild"), "agents_webrtc.mjs", "--bundle", "--format=esm"]
    done = subprocess.run(esbuild, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.fixture
async def page(emulator: Emulator, start_chromium: StartChromium, bundle: str, tmp_path: Path) -> AsyncIterator[Page]:
    """One that finds the emulator at api.openai.com, and whose microphone is silent."""

    async def serve(request: web.Request) -> web.Response:
        if request.path == "/bundle.js":
            return web.Response(text=bundle, content_type="text/javascript")
        return web.Response(text=PAGE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/{name:.*}", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = int(emulator.ready.https_base_url.removesuffix("/v1").rpartition(":")[2])
    async with start_chromium(says=microphone(tmp_path / "silence.wav"), served={"api.openai.com": port}) as context:
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        yield page
    await runner.cleanup()


@pytest.mark.parametrize("by_url", [False, True])
async def test_transport_gets_what_a_sideband_says_its_tool_found(emulator: Emulator, page: Page, by_url: bool) -> None:
    ready = emulator.ready
    url = f"{ready.base_url}/realtime/calls" if by_url else None
    async with AsyncOpenAI(base_url=ready.base_url, api_key=ready.api_key) as client:
        secret = await client.realtime.client_secrets.create(session={"type": "realtime", "model": "gpt-realtime"})
    call_id = await page.evaluate("([key, url]) => connect(key, url ?? undefined)", [secret.value, url])
    async with await Sideband.open(ready.base_url, call_id=call_id, api_key=ready.api_key) as sideband:
        await page.evaluate("transport.sendMessage('4711', {})")
        asked = await sideband.wait_for("response.function_call_arguments.done")
        assert (asked["name"], json.loads(asked["arguments"])) == ("find_order", {"number": "4711"})
        await sideband.wait_for("response.done")
        found: dict[str, Any] = {"type": "function_call_output", "call_id": asked["call_id"], "output": RESULT}
        await sideband.send({"type": "conversation.item.create", "item": found})
        await sideband.send({"type": "response.create"})
        await Ears(page).wait_for(ANSWER)
        said = await sideband.wait_for("response.output_audio_transcript.done")
        assert said["transcript"] == ANSWER
        assert "response.output_audio.delta" not in sideband.types
        await sideband.wait_for("output_audio_buffer.stopped")
        seen = await page.evaluate("seen")
        assert (seen["errors"], seen["notUnderstood"]) == ([], [])
        assert seen["calls"] == [{"name": "find_order", "given": asked["arguments"], "callId": asked["call_id"]}]
        assert {"session.created", "session.updated", "output_audio_buffer.started"} <= set(seen["types"])
        await page.evaluate("transport.close()")
        await wait_for_entry(emulator, "call.ended")


async def test_transport_is_told_what_is_wrong_with_its_key(emulator: Emulator, page: Page) -> None:
    """Another site's page may read the refusal, too."""
    told = await page.evaluate("connect('ek_nobody').catch((error) => error.message)")
    assert told.startswith("Realtime call request failed with status 401")
    assert "Incorrect API key provided" in told
