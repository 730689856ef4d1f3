"""The phone page in Chromium: whole calls by mouse and keyboard, and what it says when there is none."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from conftest import missing
from desk import StartEmulator, wait_for_entry
from interop.browser import PATIENCE, microphone
from interop.conftest import StartChromium
from interop.launch import FIND_ORDER
from interop.phone_page import TURN, PhonePage
from playwright.async_api import Route, expect
from ringback.conformance.client import RestClient, Sideband
from ringback.emulator.model.builtin import GREETING
from ringback.emulator.server import Emulator

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]

CALLER_SAYS = "Is this the emulator?"


def heard(emulator: Emulator) -> list[str]:
    return [entry.data["text"] for entry in emulator.journal.entries(kind="media.heard")]


async def test_page_calls_with_the_microphone_and_hangs_up_by_keyboard(
    emulator: Emulator, start_chromium: StartChromium, tmp_path: Path
) -> None:
    caller = microphone(tmp_path / "caller.wav", CALLER_SAYS, lead=6.0)  # the greeting is over by then
    async with start_chromium(says=caller) as context:
        phone = await PhonePage.open(context, emulator)
        await phone.press_until_focused("Call")
        await phone.page.keyboard.press("Enter")
        await phone.shows("emulator", GREETING)
        await phone.shows("you", CALLER_SAYS)
        await phone.shows("emulator", CALLER_SAYS)
        await phone.ears.wait_for(GREETING)
        await phone.ears.wait_for(CALLER_SAYS)
        assert await phone.ears.loudest() > 0.1
        assert heard(emulator) == [CALLER_SAYS]
        link = await phone.page.get_by_role("link", name="everything about this call").get_attribute("href")
        await phone.page.keyboard.press("Enter")  # Call has become Hang up, and kept the focus
        await expect(phone.status).to_contain_text("You hung up")
        await wait_for_entry(emulator, "call.ended")
        async with aiohttp.ClientSession() as http, http.get(f"{emulator.ready.admin_url}/{link}") as response:
            kinds = {entry["kind"] for entry in (await response.json())["data"]}
        assert {"event.client", "event.server", "media.heard", "call.ended"} <= kinds
        assert phone.complaints == []
        assert all(url.startswith(emulator.ready.base_url.removesuffix("/v1")) for url in phone.requests)


async def test_page_speaks_typed_words_unless_muted(emulator: Emulator, start_chromium: StartChromium) -> None:
    async with start_chromium() as context:
        phone = await PhonePage.open(context, emulator)
        await phone.call("Tones")
        await phone.shows("emulator", GREETING)
        await phone.press_until_focused("Mute")
        await phone.page.keyboard.press("Space")
        muted = phone.button("Muted")
        await expect(muted).to_have_attribute("aria-pressed", "true")
        await phone.says("nobody hears this")
        await expect(phone.page.locator("#composer")).to_have_attribute("aria-busy", "false", timeout=TURN)
        await muted.click()
        await phone.says("Grüße, 世界")
        await phone.shows("you", "Grüße, 世界")
        await phone.shows("emulator", "Grüße, 世界")
        assert heard(emulator) == ["Grüße, 世界"]
        await phone.says("and this is text", "Send as text")
        await phone.shows("you", "and this is text")
        await phone.shows("emulator", "and this is text")
        assert phone.complaints == []


async def test_page_sends_keys_as_sound(emulator: Emulator, start_chromium: StartChromium) -> None:
    async with start_chromium() as context:
        phone = await PhonePage.open(context, emulator)
        await phone.call("Tones")
        await phone.shows("emulator", GREETING)
        keypad = phone.button("Keypad")
        await expect(keypad).to_have_attribute("aria-expanded", "false")
        await keypad.click()
        await expect(phone.button("1")).to_be_focused()
        await expect(phone.page.get_by_role("group", name="Keypad")).to_contain_text("as sound")
        await phone.page.keyboard.press("5")
        await phone.shows("remark", "Key 5, sent as sound")
        await phone.button("#").click()
        await phone.shows("remark", "Key #, sent as sound")
        await wait_for_entry(emulator, "event.server", lambda entry: "speech_started" in entry.data["event"]["type"])
        assert list(emulator.journal.entries(kind="media.dtmf")) == []


async def test_page_shows_every_event_raw(emulator: Emulator, start_chromium: StartChromium) -> None:
    async with start_chromium() as context:
        phone = await PhonePage.open(context, emulator)
        await phone.call("Tones")
        await phone.shows("emulator", GREETING)
        await phone.page.get_by_text("Everything on the data channel").click()
        rows = phone.page.locator("#events > li")
        await expect(rows.filter(has_text="session.created")).to_have_count(1)
        await phone.page.get_by_label("Filter").fill("response.done")
        row = phone.page.locator("#events > li:visible")
        await expect(row).to_have_count(1, timeout=TURN)
        await row.locator("summary").click()
        await expect(row.locator("pre")).to_contain_text('"status": "completed"')


async def test_page_shows_what_a_sideband_does(
    start_emulator: StartEmulator, start_chromium: StartChromium, artefacts: Path
) -> None:
    """A function call in the middle of a conversation, answered by an application."""
    emulator = await start_emulator(scenario=str(FIND_ORDER))
    ready = emulator.ready
    async with start_chromium(viewport={"width": 1280, "height": 860}) as context:
        phone = await PhonePage.open(context, emulator)
        await phone.call("Tones")
        call_id = await phone.page.inner_text("#call-id")
        async with await Sideband.open(ready.base_url, call_id=call_id, api_key=ready.api_key) as sideband:
            await phone.shows("emulator", GREETING)
            await expect(phone.page.locator("#speaking")).to_be_empty(timeout=TURN)
            await phone.says("Where is my order 4711?")
            asked = await sideband.wait_for("response.function_call_arguments.done", timeout=PATIENCE)
            await sideband.wait_for("response.done")
            found = {"type": "function_call_output", "call_id": asked["call_id"], "output": "it is on its way"}
            await sideband.send({"type": "conversation.item.create", "item": found})
            await sideband.send({"type": "response.create"})
            await phone.shows("you", "Where is my order 4711?")
            await phone.shows("call", '"number": "4711"')
            await phone.shows("output", "it is on its way")
            await phone.shows("emulator", "I see, it is on its way.")
            await sideband.wait_for("output_audio_buffer.started")
            await phone.picture(artefacts / "phone-function-call.png")


async def test_page_says_that_the_emulator_hung_up(emulator: Emulator, start_chromium: StartChromium) -> None:
    async with start_chromium() as context:
        phone = await PhonePage.open(context, emulator)
        await phone.call("Tones")
        call_id = await phone.page.inner_text("#call-id")
        async with RestClient(emulator.ready.base_url, emulator.ready.api_key) as rest:
            assert (await rest.hangup(call_id)).status == 200
        await expect(phone.status).to_contain_text("The emulator hung up", timeout=TURN)
        await expect(phone.button("Call")).to_be_enabled()


async def test_page_without_a_microphone_offers_tones(emulator: Emulator, start_chromium: StartChromium) -> None:
    async with start_chromium(microphone=False) as context:
        phone = await PhonePage.open(context, emulator)
        await phone.button("Call").click()
        problem = phone.page.get_by_role("alert")
        await expect(problem).to_contain_text("No microphone")
        await problem.get_by_role("button", name="Call with tones instead").click()
        await expect(phone.status).to_contain_text("Connected", timeout=TURN)
        await expect(problem).to_be_hidden()


async def test_page_says_what_to_do_when_the_microphone_fails(
    emulator: Emulator, start_chromium: StartChromium
) -> None:
    async with start_chromium() as context:
        phone = await PhonePage.open(context, emulator)
        for error, told in {
            "NotAllowedError": "The microphone is not allowed",
            "NotReadableError": "The microphone is busy",
            "AbortError": "Something went wrong: AbortError",
        }.items():
            await phone.page.evaluate(
                "(name) => (navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', name) })",
                error,
            )
            await phone.button("Call").click()
            problem = phone.page.get_by_role("alert")
            await expect(problem).to_contain_text(told)
            await expect(problem.get_by_role("button", name="Call with tones instead")).to_be_enabled()
        assert phone.complaints == []


async def test_page_leaves_no_microphone_open_when_user_hangs_up_early(
    emulator: Emulator, start_chromium: StartChromium
) -> None:
    async with start_chromium() as context:
        phone = await PhonePage.open(context, emulator)
        await phone.page.evaluate("""() => {
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          const granted = new Promise((resolve) => (window.grant = resolve));
          navigator.mediaDevices.getUserMedia = async (wanted) => {
            await granted;
            return (window.opened = await ask(wanted));
          };
        }""")
        await phone.button("Call").click()
        await phone.button("Hang up").click()
        await expect(phone.status).to_contain_text("You hung up")
        await phone.page.evaluate("grant()")
        await phone.page.wait_for_selector("#call:not(.hang-up)")
        closed = "async () => { while (window.opened?.getTracks()[0].readyState !== 'ended') await null; return true }"
        assert await phone.page.evaluate(closed)
        await expect(phone.page.get_by_role("alert")).to_be_hidden()
        assert phone.complaints == []
    assert list(emulator.journal.entries(kind="client_secret")) == []


async def test_page_says_what_to_do_when_no_sound_gets_through(
    emulator: Emulator, start_chromium: StartChromium
) -> None:
    async def answer_without_an_address(route: Route) -> None:
        answer = await route.fetch()
        lines = (await answer.text()).splitlines(keepends=True)
        await route.fulfill(response=answer, body="".join(x for x in lines if not x.startswith("a=candidate")))

    async with start_chromium() as context:
        await context.route("**/v1/realtime/calls", answer_without_an_address)
        phone = PhonePage(await context.new_page())
        await phone.page.clock.install()
        await phone.page.goto(f"{emulator.ready.admin_url}/phone")
        await phone.page.get_by_role("radio", name="Tones").check(force=True)
        await phone.button("Call").click()
        await expect(phone.status).to_contain_text("Connecting")
        await phone.page.clock.fast_forward(16_000)
        problem = phone.page.get_by_role("alert")
        await expect(problem).to_contain_text("No way through for the sound")
        await expect(problem).to_contain_text("--advertise-ip")


async def test_page_says_what_to_do_when_nobody_answers(emulator: Emulator, start_chromium: StartChromium) -> None:
    async with start_chromium() as context:
        phone = await PhonePage.open(context, emulator)
        await emulator.stop()
        await phone.button("Call").click()
        problem = phone.page.get_by_role("alert")
        await expect(problem).to_contain_text("The emulator does not answer")
        await expect(problem).to_contain_text("ringback serve")
        await expect(problem.get_by_role("button", name="Try again")).to_be_enabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("shape", "size"), [("wide", (1280, 860)), ("narrow", (390, 844))])
async def test_page_is_accessible_and_fits(
    emulator: Emulator,
    start_chromium: StartChromium,
    artefacts: Path,
    rules: Callable[[PhonePage], Any],
    scheme: str,
    shape: str,
    size: tuple[int, int],
) -> None:
    """By axe's rules, contrast included. The pictures are for people."""
    width, height = size
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": height}, "reduced_motion": "reduce"}
    async with start_chromium(**options) as context:
        phone = await PhonePage.open(context, emulator)

        async def look(at: str) -> None:
            assert await rules(phone) == []
            assert await phone.page.evaluate("document.documentElement.scrollWidth") <= width
            await phone.picture(artefacts / f"phone-{at}-{shape}-{scheme}.png")

        await look("idle")
        await phone.call("Tones")
        await phone.shows("emulator", GREETING)
        await phone.says(CALLER_SAYS)
        await phone.shows("you", CALLER_SAYS)
        await phone.shows("emulator", CALLER_SAYS)
        await look("talking")
        await phone.button("Keypad").click()
        await phone.button("5").click()
        await phone.page.get_by_text("Everything on the data channel").click()
        await phone.page.locator("#events summary").first.click()
        await look("events")
        await phone.button("Hang up").click()
        await expect(phone.status).to_contain_text("You hung up")
        await look("ended")


@pytest.fixture
def rules() -> Callable[[PhonePage], Any]:
    """What axe has to say against a page."""
    file = Path(os.environ.get("RINGBACK_NODE_MODULES", "node_modules")) / "axe-core" / "axe.min.js"
    if not file.is_file():
        missing("the npm package axe-core in RINGBACK_NODE_MODULES")
    axe = file.read_text(encoding="utf-8")

    async def run(phone: PhonePage) -> list[str]:
        await phone.page.evaluate(axe)
        found = await phone.page.evaluate("axe.run()")
        return [
            f"{rule['id']}: {node['html']} {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    return run
