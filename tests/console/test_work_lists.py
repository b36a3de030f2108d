"""A list of failures, a command on many of them, its preview, its campaign and its receipt."""

import csv
import io
import re
from datetime import date
from html import unescape

from core.domain.roles import Role
from core.protocol.campaign_messages import campaign_workflow
from tests.console.conftest import Desk, words_of


async def failed(desk: Desk) -> list[str]:
    """Three subscriptions of an account without credits, which have failed on 2021-02-07."""
    shop = desk.shop
    await shop.account("poor", opening="150.00")
    ids = [await shop.buy(name, account="poor") for name in ("a", "b", "c")]
    await shop.advance(2021, 2, 7, 12)
    return ids


def form_of(html: str) -> dict[str, str]:
    """The hidden fields of a page's last form, but its token."""
    form = html.rsplit("<form", 1)[1]
    found = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {unescape(name): unescape(text) for name, text in found if name != "csrf"}


async def test_rule_6_3_many_are_recovered_with_preview_progress_and_receipt(desk: Desk) -> None:
    shop, ids = desk.shop, await failed(desk)
    here = f"/lists/failed?clock={shop.clock}"
    page = await desk.page(here, Role.VIEWER)
    assert all(id_ in page for id_ in ids)
    assert "usable credits do not cover the fee" in page
    assert "Preview" not in page
    listed = list(
        csv.DictReader(io.StringIO((await desk.get(here.replace("/lists/", "/list-csv/"))).text))
    )
    assert [(row["subscription"], row["reason"]) for row in listed] == [
        (id_, "no_credits") for id_ in ids
    ]

    form = {"list": "failed", "clock": str(shop.clock), "do": "recover", "scope": "all"}
    poor = words_of((await desk.send("/list-preview", form)).text)
    assert "No row would be done" in poor
    shop.sql("UPDATE accounts SET credit_limit = 120 WHERE id = :id", id=shop.id("poor"))
    previewed = await desk.send("/list-preview", form, Role.SUPPORT)
    text = words_of(previewed.text)
    assert "Would be done 2 Would be refused 1" in text
    assert "Would be paid in USD $100.00" in text
    assert (await desk.send("/list-start", form, Role.FINANCE)).status_code == 403

    ready = form_of(previewed.text)
    changed = await desk.send("/list-start", ready | {"digest": "other"}, Role.SUPPORT)
    assert "The list has changed since the preview" in words_of(changed.text)
    started = await desk.send("/list-start", ready, Role.SUPPORT)
    assert started.status_code == 303, started.text
    place = started.headers["location"]
    again = await desk.send("/list-start", ready, Role.SUPPORT)
    assert again.headers["location"] == place
    campaign = place.removeprefix("/campaigns/")
    await shop.perennial.temporal.get_workflow_handle(campaign_workflow(campaign)).result()
    told = await desk.page(place)
    assert "3 of 3 rows have an outcome" in told
    assert "Done 2 Refused 1 Unknown 0 Waiting 0" in told
    receipt = await desk.get(f"/campaign-receipts/{campaign}")
    rows = list(csv.DictReader(io.StringIO(receipt.text)))
    assert sorted(row["outcome"] for row in rows) == ["done", "done", "refused"]
    assert {shop.row(id_).expiry for id_ in ids} == {date(2021, 2, 14), date(2021, 3, 14)}
    assert "Recover" in await desk.page("/campaigns")


async def test_picked_rows_only_and_wrong_forms(reading: Desk) -> None:
    subscription = await reading.shop.buy()
    clock = str(reading.shop.clock)
    picked = {"list": "expiring", "clock": clock, "do": "extend", "cycles": "2"}
    page = await reading.send("/list-preview", picked | {f"pick.{subscription}": "on"})
    assert "Would be done 1 Would be refused 0" in words_of(page.text)
    assert form_of(page.text)["cycles"] == "2"
    for wrong, told in (
        ({}, "none is picked"),
        ({"do": "terminate"}, "must be extend or resubscribe"),
        ({"list": "active"}, "must be failed, expiring or expired"),
        ({"cycles": "0", f"pick.{subscription}": "on"}, "cycles"),
        ({"expiry_from": "x"}, "expiry_from"),
        ({"pick.unknown": "on"}, "unknown"),
    ):
        answer = await reading.send("/list-preview", picked | wrong)
        assert answer.status_code == 400, wrong
        assert told in words_of(answer.text).lower().replace("unsubscribe", ""), (wrong, told)


async def test_a_list_with_nothing_says_so(reading: Desk) -> None:
    assert "Nothing is on this list" in await reading.page("/lists/expired")
    assert "No subscription fits" in await reading.page("/lists/expired?expiry_to=2020-01-01")
    assert (await reading.get("/lists/active")).status_code == 400
    assert "No campaign yet" in await reading.page("/campaigns")
