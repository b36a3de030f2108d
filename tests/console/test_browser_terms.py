"""The editors of terms in a real browser: the keyboard, WCAG 2.2 AA, narrow and wide screens.

Skipped where Debian's chromium is not installed. `make browser` installs it.
"""

import pytest
from playwright.async_api import Page

from core.domain.roles import Role
from tests.console.browser import office
from tests.console.conftest import Desk, OpenConsole
from tests.console.test_browser import WIDTHS, browsing, found_by_axe, pytestmark

__all__ = ["pytestmark"]


async def looked_at(page: Page, name: str) -> list[str]:
    """What is wrong with a page: by axe, and where it is wider than the screen."""
    wrong = [f"{name}: {it}" for it in await found_by_axe(page)]
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        for direction in ("ltr", "rtl"):
            await page.evaluate("(it) => { document.documentElement.dir = it }", direction)
            wide = await page.evaluate("document.documentElement.scrollWidth")
            wrong += [f"{name} is {wide} wide"] if wide > width else []
    await page.evaluate("document.documentElement.dir = 'ltr'")
    return wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_policy_is_corrected_looked_at_and_put_in_force_with_the_keyboard(
    desk: Desk, scheme: str
) -> None:
    """Rule 14."""
    await desk.shop.buy()
    wrong: list[str] = []
    async with browsing(desk, color_scheme=scheme) as (page, told):
        await page.goto("/terms/policy")
        await page.focus("text=Change the policy")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#f-retry_days")
        wrong += await looked_at(page, "the form")
        await page.fill("#f-renewal_lead_days", "40")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("[role=alert]")
        wrong += await looked_at(page, "the faults")
        await page.focus("[role=alert] a")
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "f-renewal_lead_days"
        await page.keyboard.press("ControlOrMeta+A")
        await page.keyboard.type("10")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=What your draft changes")
        wrong += await looked_at(page, "the draft")
        await page.select_option("#clock", str(desk.shop.clock))
        await page.focus("text=Show who")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=4 March 2021", timeout=120_000)
        wrong += await looked_at(page, "the effect")
        await page.click("text=What the draft changes, to put it in force")
        await page.focus("text=Put it in force")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("[role=status]")
        assert "Version 2 is in force." in await page.inner_text("main")
        wrong += await looked_at(page, "the versions")
    assert wrong == []
    assert [it for it in told if "400" not in it] == []


async def test_a_price_is_changed_once_by_a_double_click_and_a_second_person_is_told(
    desk: Desk,
) -> None:
    """Rule 3.5."""
    wrong: list[str] = []
    async with browsing(desk) as (page, told):
        other = await page.context.new_page()
        for one, price in ((other, "USD 55.00"), (page, "USD 60.00")):
            await one.goto("/terms/catalog")
            await one.click('a[href="/terms/catalog/edit?sku=PRO"]')
            wrong += await looked_at(one, "the form")
            await one.fill("#f-from", "2031-03-01" if one is page else "2031-02-01")
            await one.fill("#f-prices", price)
            await one.click("text=Show what it changes")
            await one.wait_for_selector("text=Put it in force")
            wrong += await looked_at(one, "the draft")
        async with other.expect_navigation(url="**/terms/catalog?put=PRO"):
            await other.dblclick("text=Put it in force")
        await page.click("text=Put it in force")
        await page.wait_for_selector("text=The catalogue has changed since you began")
        wrong += await looked_at(page, "the conflict")
        await page.click("text=Put it in force")
        await page.wait_for_selector("[role=status]")
    entries = desk.shop.sql("SELECT document FROM catalog_entries ORDER BY id").scalars().all()
    assert [it["prices"] for it in entries[-2:]] == [{"USD": "55.00"}, {"USD": "60.00"}]
    assert wrong == []
    assert [it for it in told if "409" not in it] == []


async def test_an_endpoint_is_added_with_the_keyboard_and_its_secret_is_shown(
    open_console: OpenConsole,
) -> None:
    """Rule 12."""
    async with open_console(workers=(), webhook_keys="k" * 40) as desk, office(desk) as here:
        ann = await here.person(Role.ADMIN)
        await ann.page.goto("/webhooks")
        await ann.reads("No endpoint yet")
        await ann.write("Name", "crm")
        await ann.write("Address", "https://example.com/perennial")
        await ann.press("Add it", times=2)
        await ann.reads("Endpoint crm is added", "It is shown this once")
        assert (await ann.page.input_value("#secret")).startswith("whsec_")
        await ann.press("It is kept")
        await ann.reads("State works", "Events all")
        await ann.press("Switch off")
        await ann.reads("off since", "What happens while it is off is not sent")
        assert ann.told == []
