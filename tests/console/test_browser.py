"""The console in a real browser: keys, forms that are sent twice, the way back, WCAG 2.2 AA.

Skipped where Debian's chromium is not installed. `make browser` installs it.
"""

from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import pytest

from doors.console import wall
from doors.console.wall_figures import Figure
from doors.queries.wall.scope import Scope
from tests.console.browser import browsing, found_by_axe, needs_a_browser
from tests.console.conftest import Desk

WIDTHS = (360, 1280)

pytestmark = needs_a_browser


async def test_pages_with_arabic_dates_and_amounts_fit_the_screen(desk: Desk) -> None:
    s, acme = await desk.shop.buy(), desk.shop.id("acme")
    paths = [f"/subscriptions/{s}", f"/accounts/wallet/{acme}", f"/accounts/statement/{acme}"]
    async with browsing(desk, locale="ar") as (page, told):
        for path in paths:
            await page.goto(path)
            assert await found_by_axe(page) == [], path
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 800})
                assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert told == []


async def test_a_caller_is_found_with_the_keyboard_only(desk: Desk) -> None:
    acme = desk.shop.id("acme")
    async with browsing(desk) as (page, told):
        await page.goto("/")
        await page.keyboard.press("/")
        await page.keyboard.type(acme[:-1])
        await page.wait_for_selector("#found [role=option]")
        await page.keyboard.press("ArrowDown")
        assert await page.get_attribute("#q", "aria-activedescendant") == "found-1"
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        assert page.url.endswith(f"/accounts/wallet/{acme}")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
    assert told == []


async def test_a_double_click_and_the_way_back_do_a_command_once(desk: Desk) -> None:
    """Rule 4.2."""
    s = await desk.shop.buy()
    async with browsing(desk) as (page, told):
        await page.goto(f"/do/extend/{s}")
        await page.fill("#f-cycles", "1")
        await page.click("text=Show what it does")
        async with page.expect_navigation(url="**/receipts/**"):
            await page.dblclick(f'form[action="/do/extend/{s}"] button')
        assert "is extended: $50.00 paid" in await page.inner_text("main")
        await page.go_back()
        async with page.expect_navigation(url="**/receipts/**"):
            await page.click(f'form[action="/do/extend/{s}"] button')
    assert desk.shop.balance() == "900.00"
    assert told == []


async def test_without_a_script_everything_can_be_read_and_sent(desk: Desk) -> None:
    s, acme = await desk.shop.buy(), desk.shop.id("acme")
    async with browsing(desk, java_script_enabled=False) as (page, _):
        await page.goto("/")
        await page.fill("#q", acme)
        await page.press("#q", "Enter")
        assert page.url.endswith(f"/accounts/wallet/{acme}")
        await page.click("text=Top up")
        await page.fill("#f-amount", "25.00")
        await page.click("text=Show what it does")
        await page.click(f'form[action="/do/top_up/{acme}"] button')
        assert "$25.00 added" in await page.inner_text("main")
        await page.goto(f"/subscriptions/{s}")
        assert await page.is_visible("svg .period.paid")
    assert desk.shop.balance() == "975.00"


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """The figures of who came and went are counted until this is set."""
    go_on = Event()
    lives = next(it for it in wall.SOURCES if "churn" in it.names)

    def slow(scope: Scope) -> list[Figure]:
        assert go_on.wait(120)
        return lives.read(scope)

    sources = [replace(it, read=slow) if it is lives else it for it in wall.SOURCES]
    monkeypatch.setattr(wall, "SOURCES", sources)
    yield go_on
    go_on.set()


async def test_the_wall_puts_each_figure_in_its_place_when_it_is_counted(
    desk: Desk, counting: Event
) -> None:
    async with browsing(desk) as (page, told):
        await page.goto("/wall")
        await page.wait_for_selector("#figure-renewals:not([data-running])")
        assert "It is being counted." in await page.inner_text("#figure-churn")
        assert await found_by_axe(page) == []
        await page.evaluate("window.stayed = true")
        counting.set()
        await page.wait_for_selector("#figure-churn:not([data-running])")
        await page.wait_for_selector("#counting", state="hidden")
        assert await page.evaluate("window.stayed"), "the page was not loaded anew"
        assert await found_by_axe(page) == []
    assert told == []


async def test_the_wall_shows_its_figures_anew_each_minute_and_leaves_open_what_is_open(
    desk: Desk,
) -> None:
    async with browsing(desk) as (page, told):
        await page.clock.install()
        await page.goto("/wall")
        await page.wait_for_selector("#counting", state="hidden")
        await page.click("#figure-lateness summary")
        await page.click("#figure-churn summary")
        for name in ("lateness", "churn", "waiting"):
            await page.evaluate(f"document.getElementById('figure-{name}').dataset.old = 'yes'")
        await page.clock.fast_forward(61_000)
        await page.wait_for_selector("#figure-lateness:not([data-old]) details[open]")
        await page.wait_for_selector("#figure-waiting:not([data-old])")
        assert await page.query_selector("#figure-churn[data-old]"), "a person is in it"
    assert told == []


async def test_a_page_that_follows_leads_to_the_sign_in_when_the_session_has_ended(
    desk: Desk, counting: Event
) -> None:
    async with browsing(desk) as (page, _):
        await page.goto("/wall?days=7")
        assert "being counted" in await page.inner_text("#counting")
        desk.shop.sql("DELETE FROM sessions")
        await page.wait_for_url("**/sign-in?next=*")
        assert "next=%2Fwall%3Fdays%3D7" in page.url
        counting.set()
