"""People at a real browser: their sessions, their keyboards, what axe finds, and pictures.

With the environment variable PICTURES, those of docs/console.md are written into this folder.
"""

import os
import shutil
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from core.domain.roles import Role
from doors.console.application import application
from doors.console.visitors import COOKIE
from doors.http.server import listen, serving
from tests.console.conftest import Desk

CHROMIUM = next(
    (found for name in ("chromium-headless-shell", "chromium") if (found := shutil.which(name))),
    None,
)
"""Debian's chromium. That without windows of its own needs a third of the CPU for a page."""
_ONE_OF_WHAT_PASSES = {"resultTypes": ["violations"]}
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]},
    **_ONE_OF_WHAT_PASSES,
}
"""What axe looks for."""
RULES_OF_COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    **_ONE_OF_WHAT_PASSES,
}
"""What may differ when a page that axe has seen changes its colours."""
PICTURES = os.environ.get("PICTURES")
PATIENT_MILLISECONDS = 300_000
"""The browser waits for a page so long. No test waits for it to run out."""
QUALITY = 75
"""Of a picture as WebP. Each has less than 60 kB."""

needs_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed; run: make browser"
)

_FOCUS = """() => {
  const it = document.activeElement, label = it.labels && it.labels[0];
  return (it.getAttribute("aria-label") || (label || it).innerText || "").trim();
}"""


@dataclass
class Person:
    """A person of the staff at a page of a browser. `told`: what the browser complains about."""

    page: Page
    told: list[str] = field(default_factory=list)

    def hears(self, text: str) -> None:
        """Keep a complaint. A form that is refused has a status of its own, which is none."""
        if "the server responded with a status of 4" not in text:
            self.told.append(text)

    async def to(self, name: str) -> None:
        """Go by the Tab key to what is called so, or begins so."""
        passed: list[str] = []
        for _ in range(150):
            await self.page.keyboard.press("Tab")
            at = str(await self.page.evaluate(_FOCUS))
            if at.startswith(name):
                return
            passed.append(at)
        raise AssertionError(f"Tab never comes to {name!r} on {self.page.url}: {passed}")

    async def press(self, name: str, times: int = 1) -> None:
        """Go there by Tab, and follow it by Enter. `times`: how often Enter is pressed."""
        await self.to(name)
        async with self.page.expect_navigation():
            for _ in range(times):
                await self.page.keyboard.press("Enter")

    async def write(self, label: str, text: str) -> None:
        """Go to a field by Tab, and type."""
        await self.to(label)
        await self.page.keyboard.press("Control+a")
        await self.page.keyboard.type(text)

    async def choose(self, label: str, text: str) -> None:
        """Go to a choice by Tab, and type how its value begins."""
        await self.to(label)
        await self.page.keyboard.type(text)

    async def find(self, text: str) -> None:
        """Look for something from anywhere, and open the first result."""
        await self.page.keyboard.press("/")
        await self.page.keyboard.type(text)
        await self.page.wait_for_selector("#found [role=option]")
        await self.page.keyboard.press("ArrowDown")
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")

    async def reads(self, *texts: str) -> None:
        """Check that the page says so, that axe finds nothing, and that it is not too wide."""
        said = " ".join((await self.page.inner_text("main")).split())
        for text in texts:
            assert text in said, (text, said)
        assert await found_by_axe(self.page) == [], self.page.url
        wide = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, (self.page.url, wide)

    async def picture(self, name: str) -> None:
        """Take a picture for the docs, if they are to be taken."""
        if PICTURES is None:
            return
        await self.page.evaluate("document.activeElement.blur()")
        session = await self.page.context.new_cdp_session(self.page)
        how = {"format": "webp", "quality": QUALITY}
        taken = await session.send("Page.captureScreenshot", how)
        folder = Path(PICTURES)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.webp").write_bytes(b64decode(taken["data"]))


@dataclass
class Office:
    """A browser in which people of a desk work, each with a session."""

    desk: Desk
    browser: Browser
    address: str

    async def person(self, role: Role = Role.ADMIN, **options: Any) -> Person:
        """A person of a role, signed in, on no page yet. `options`: of the browser's context."""
        context = await self.browser.new_context(base_url=self.address, **options)
        token = self.desk.token(role)
        await context.add_cookies([{"name": COOKIE, "value": token, "url": self.address}])
        context.set_default_timeout(PATIENT_MILLISECONDS)
        person = Person(await context.new_page())
        person.page.on("console", lambda message: person.hears(message.text))
        person.page.on("pageerror", lambda error: person.told.append(str(error)))
        return person


@asynccontextmanager
async def office(desk: Desk) -> AsyncIterator[Office]:
    """The console of a desk, served on this machine, and a browser."""
    at = listen("console", "127.0.0.1", 0, 5)
    async with serving(application(desk.shop.perennial), at) as address, async_playwright() as play:
        browser = await play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield Office(desk, browser, address)
        await browser.close()


@asynccontextmanager
async def browsing(desk: Desk, **options: Any) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page of an admin who has signed in, and what the browser complains about."""
    async with office(desk) as here:
        person = await here.person(**options)
        yield person.page, person.told


async def found_by_axe(page: Page, rules: dict[str, Any] = RULES) -> list[str]:
    """The rules of WCAG that a page breaks, and where."""
    has_it = await page.evaluate("'axe' in window")
    results = await (Axe("") if has_it else Axe()).run(page, options=rules)
    assert results.response["passes"], "no rule was looked at"
    broken = results.response["violations"]
    return [f"{it['id']}: {node['html'][:150]}" for it in broken for node in it["nodes"]]
