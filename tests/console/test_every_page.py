"""Every page of the console in a real browser: what axe finds, and how wide it is.

Skipped where Debian's chromium is not installed. `make browser` installs it.
"""

import re

from starlette.routing import Match

from activities.number_invoices import number_invoices
from core.domain.commands.purchase import Purchase
from core.domain.deliveries import DeliveryState
from core.domain.numbers import Wanted
from core.gateways.derived_secrets import DerivedSecrets
from core.ledger import endpoints
from core.ledger.clocks import machine_now
from tests.console.browser import (
    RULES,
    RULES_OF_COLOURS,
    browsing,
    found_by_axe,
    needs_a_browser,
)
from tests.console.conftest import Desk
from tests.console.test_access import routes

WIDTHS = (360, 1280)
NUMBER = "+6561234567"
FILES = {
    *("/find/rows", "/wall/work/{figure}", "/wall/money/{figure}", "/list-csv/{which}"),
    *("/invoices/{format_}/{number}", "/receipts-of-money/{format_}/{number}"),
    *("/personal-data/{account:path}", "/campaign-receipts/{campaign:path}"),
    *("/terms/effect-csv/{effect:path}", "/admin/template-mails/{kind}/{language}"),
    "/admin/template-documents/{format_}/{kind}/{language}",
}
"""What is read at these paths is a file, or a part of a page."""
IN_STORIES = {
    *("/receipts/{request_id:path}", "/campaigns/{campaign:path}", "/approvals/{approval:path}"),
    "/terms/effects/{effect:path}",
}
"""Pages that axe sees in the stories of test_working_day.py and test_browser_terms.py."""
FORMS = ("extend", "change_plan", "set_addon", "add_number", "terminate")
ACCOUNT_FORMS = ("set_account", "set_billing", "purchase", "top_up", "usage")
"""Forms of commands. They are made of the same few kinds of fields."""


def paths(acme: str, s: str, message: int, invoice: str) -> list[str]:
    """A path of every page, and of some that say what is wrong."""
    parts = ("wallet", "balance", "subscriptions", "numbers", "transactions", "statement")
    more = ("invoices", "messages", "history", "what_if")
    return [
        *("/", f"/find?q={acme[:6]}", "/find?q=nothing-like-it", "/accounts?test_clocks=on"),
        *(f"/accounts/{part}/{acme}" for part in (*parts, *more)),
        *(f"/subscriptions/{s}", f"/subscription-history/{s}"),
        *(f"/do/{do}/{s}" for do in FORMS),
        *(f"/do/{do}/{acme}" for do in ACCOUNT_FORMS),
        *(f"/invoices/{invoice}", f"/messages/{message}", f"/numbers/{NUMBER}"),
        *("/wall", "/lists/failed", "/lists/expiring", "/lists/expired", "/campaigns"),
        *("/terms/policy", "/terms/policy/edit", "/terms/catalog", "/terms/catalog/edit?sku=PRO"),
        *("/webhooks", "/webhooks/crm", "/webhooks/crm?state=failed", "/approvals?state=all"),
        *("/admin/audit", "/admin/chains", "/admin/staff", "/admin/keys"),
        *("/admin/staff/admin@main.example.com", "/admin/templates", "/admin/templates/renewed/ar"),
        "/no-such-page",
    ]


def test_a_path_of_every_page_is_among_those_that_are_looked_at() -> None:
    seen = {it.partition("?")[0] for it in paths("acme", "s", 1, "000001")}
    left_out = set()
    for route in routes():
        if "GET" in route.methods and not route.path.startswith("/do/"):
            scopes = ({"type": "http", "method": "GET", "path": path} for path in seen)
            if not any(route.matches(scope)[0] is Match.FULL for scope in scopes):
                left_out.add(route.path)
    assert left_out == FILES | IN_STORIES


@needs_a_browser
async def test_axe_finds_nothing_and_no_page_is_wider_than_the_screen(reading: Desk) -> None:
    """In light and dark colours, from left to right and from right to left."""
    shop = reading.shop
    acme, s = shop.id("acme"), shop.id("s")
    engine = shop.perennial.ledger.engine
    with engine.begin() as connection:
        endpoints.add(
            connection,
            "main",
            "crm",
            url=f"https://example.com/{'long' * 50}",
            events=["renewed"],
            test_clocks=True,
            sealed=DerivedSecrets(["k" * 32], "test", "TEST").new(),
            now=machine_now(),
            actor="test",
        )
    numbers = (Wanted(number=NUMBER, sku="DID"),)
    bought = Purchase(subscription=s, account=acme, sku="PRO", numbers=numbers)
    assert (await shop.perennial.do(bought)).refusal is None
    shop.sql(
        "INSERT INTO deliveries (endpoint, event, account, subject, state, attempts, error)"
        f" SELECT e.id, h.seq, h.account, h.account, '{DeliveryState.FAILED}', 9, 'no response'"
        " FROM endpoints e, history h LIMIT 1"
    )
    message = shop.sql("SELECT id FROM deliveries").scalars().one()
    number_invoices(shop.perennial.ledger)
    listed = (await reading.get(f"/accounts/invoices/{acme}")).text
    invoice = re.findall(r'href="/invoices/([^/"]+)"', listed)[0]
    wrong: list[str] = []
    async with browsing(reading, reduced_motion="reduce") as (page, told):
        for path in paths(acme, s, message, invoice):
            response = await page.goto(path)
            assert response is not None
            wrong += [f"{path} {response.status}"] if response.status not in (200, 202) else []
            for scheme, rules in (("light", RULES), ("dark", RULES_OF_COLOURS)):
                await page.emulate_media(color_scheme=scheme)
                wrong += [f"{path} {scheme} {it}" for it in await found_by_axe(page, rules)]
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 800})
                for direction in ("ltr", "rtl"):
                    script = "(it) => { document.documentElement.dir = it }"
                    await page.evaluate(script, direction)
                    wide = await page.evaluate("document.documentElement.scrollWidth")
                    wrong += [f"{path} is {wide} wide"] if wide > width else []
    assert wrong == ["/no-such-page 404"]
    assert told == []
