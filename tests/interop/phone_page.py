"""The phone page in a browser, as somebody at it sees it."""

from pathlib import Path
from typing import Any

from interop.browser import Ears
from playwright.async_api import BrowserContext, Page, expect
from ringback.emulator.server import Emulator

TURN = 15_000
"""Milliseconds for a turn of the conversation, which sounds for a few seconds."""


class PhonePage:
    """Made by `PhonePage.open`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.ears = Ears(page)
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self.requests.append(request.url))
        self.requests: list[str] = []
        self.status = page.get_by_role("status")

    @classmethod
    async def open(cls, context: BrowserContext, emulator: Emulator) -> "PhonePage":
        phone = cls(await context.new_page())
        await phone.page.goto(f"{emulator.ready.admin_url}/phone")
        return phone

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    async def call(self, source: str = "Microphone") -> None:
        """Press Call, and wait until the emulator is there."""
        await self.page.get_by_role("radio", name=source).check(force=True)
        await self.button("Call").click()
        await expect(self.status).to_contain_text("Connected", timeout=TURN)

    async def shows(self, who: str, text: str) -> None:
        """Until somebody has finished saying that, on the page."""
        entry = self.page.locator(f".entry.{who}.done", has_text=text)
        await expect(entry.last).to_be_visible(timeout=TURN)

    async def says(self, text: str, how: str = "Say in tones") -> None:
        await self.page.get_by_label("Words to say or send").fill(text)
        await self.button(how).click()

    async def press_until_focused(self, name: str, key: str = "Tab") -> None:
        """Go there by keyboard alone."""
        for _ in range(40):
            if await self.button(name).evaluate("(button) => button === document.activeElement"):
                return
            await self.page.keyboard.press(key)
        raise AssertionError(f"no way by {key} to the button {name}")

    async def picture(self, file: Path) -> None:
        await self.page.screenshot(path=file, full_page=True, animations="disabled")
