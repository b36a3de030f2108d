"""The editors of the policy and the catalogue: faults, what a draft changes, once, two at once."""

import asyncio
import re
from typing import Any

import pytest

from core.domain import policy as policies
from core.domain.policy import DEFAULT
from core.domain.roles import Role
from core.ledger import stored_terms
from doors.console.policy_fields import read_policy, texts_of
from doors.queries.terms_in_force import catalog_in_force, policy_in_force
from tests.console.conftest import Desk, words_of
from tests.workflows.shop import CATALOG

POLICY, SKUS = "/terms/policy", "/terms/catalog"


def fields_of(html: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent to an address, but the token."""
    [form] = re.findall(rf'<form[^>]*action="{action}"[^>]*>(.*?)</form>', html, re.DOTALL)
    found = dict(re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', form))
    return {name: unquoted(value) for name, value in found.items() if name != "csrf"}


def unquoted(value: str) -> str:
    """A value of HTML as text."""
    return value.replace("&#34;", '"').replace("&#39;", "'")


def form(changes: dict[str, str], seen: int = 1) -> dict[str, str]:
    """The form of a policy with these changes of the defaults."""
    return texts_of(DEFAULT) | changes | {"seen": str(seen)}


async def checked(desk: Desk, changes: dict[str, str], seen: int = 1) -> str:
    """The page that shows what a draft changes."""
    answer = await desk.send(f"{POLICY}/check", form(changes, seen))
    assert answer.status_code == 200, words_of(answer.text)
    return answer.text


def in_force(desk: Desk) -> tuple[int, policies.Policy]:
    """The version of the policy in force, and the policy."""
    return policy_in_force(desk.shop.perennial.ledger)


def test_rule_14_every_setting_has_a_field_and_comes_back_as_it_was() -> None:
    own = policies.load(
        {
            "retry_days": [],
            "refund_admin_fee": {"USD": "2.00", "EUR": "1.5"},
            "trial_end": "convert",
            "seller_wallet": True,
            "number_hold_days": {"ported_in": {"expired": 90, "terminated": 1, "swapped": 0}},
        }
    )
    assert read_policy(texts_of(DEFAULT)) == DEFAULT
    assert read_policy(texts_of(own)) == own


async def test_rule_14_a_draft_is_checked_then_put_in_force_once_and_is_in_the_audit(
    reading: Desk,
) -> None:
    page = await reading.page(f"{POLICY}/edit")
    assert "The form has the values of version 1, which is in force" in page
    text = await checked(reading, {"renewal_lead_days": "10", "retry_days": "1,5"})
    assert "Renewal lead days 7 10" in words_of(text)
    assert "Retry days 2, 4, 6 1, 5" in words_of(text)
    assert in_force(reading)[0] == 1
    draft = fields_of(text, f"{POLICY}/put")
    twice = await asyncio.gather(*(reading.send(f"{POLICY}/put", draft) for _ in range(2)))
    assert {it.headers.get("location") for it in twice} == {f"{POLICY}?put=2"}
    version, policy = in_force(reading)
    assert (version, policy.renewal_lead_days, policy.retry_days) == (2, 10, (1, 5))
    told = await reading.page(f"{POLICY}?put=2")
    assert "Version 2 is in force." in told
    assert "By admin person <admin@main.example.com>" in told
    records = reading.shop.sql(
        "SELECT act, before, after FROM audit WHERE subject = 'policy/2'"
    ).all()
    assert [(it.act, it.before["retry_days"], it.after["retry_days"]) for it in records] == [
        ("set_policy", [2, 4, 6], [1, 5])
    ]
    other = await reading.send(f"{POLICY}/put", draft | {"renewal_lead_days": "11"})
    assert (other.status_code, "was used for something else" in other.text) == (422, True)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"renewal_lead_days": "28"}, "Renewal lead days must be"),
        ({"renewal_lead_days": ""}, "Renewal lead days"),
        ({"retry_days": "2, 2"}, "Retry days entry 2: 2 does not rise"),
        ({"retry_days": "2, 9"}, "Retry days entry 2: 9 exceeds the smaller lead"),
        ({"retry_days": "soon"}, "Retry days must be a whole number"),
        ({"refund_admin_fee": "5 USD 3"}, "Refund admin fee must have a currency and an amount"),
        ({"refund_admin_fee": "USD 5, USD 6"}, "Refund admin fee has USD twice"),
        ({"refund_admin_fee": "USD -5"}, "Refund admin fee USD:"),
        ({"number_hold_days.normal.expired": "x"}, "Normal number, expired must be"),
        ({"notify": "all"}, "Notify"),
        ({"seller_wallet": "maybe"}, "Seller wallet must be yes or no"),
    ],
)
async def test_rule_14_each_fault_is_told_beside_its_field_and_the_text_stays(
    reading: Desk, changes: dict[str, str], told: str
) -> None:
    answer = await reading.send(f"{POLICY}/check", form(changes))
    assert answer.status_code == 400
    [name], [value] = changes.keys(), changes.values()
    field = answer.text.split(f'id="f-{name}"')[1].split("</div>")[0]
    if name not in ("notify", "seller_wallet"):
        assert f'value="{value}"' in field
    assert 'aria-invalid="true"' in field
    assert f'href="#f-{name}"' in answer.text
    assert told in words_of(answer.text)


async def test_two_who_edit_the_policy_at_once_are_told_and_can_keep_both(reading: Desk) -> None:
    mine = fields_of(await checked(reading, {"max_licences": "400"}), f"{POLICY}/put")
    theirs = fields_of(await checked(reading, {"refund_window_days": "20"}), f"{POLICY}/put")
    assert (await reading.send(f"{POLICY}/put", theirs)).status_code == 303
    late = await reading.send(f"{POLICY}/put", mine)
    page = words_of(late.text)
    assert late.status_code == 409
    assert "Version 2 is in force since you began with version 1" in page
    assert "Your draft was not put in force" in page
    assert "Refund window days 14 20" in page
    assert "Refund window days 20 14" in page, "the draft would take it back"
    assert in_force(reading)[0] == 2
    kept = fields_of(late.text, f"{POLICY}/check")
    both = await reading.send(f"{POLICY}/check", kept)
    assert "Max licences 500 400" in words_of(both.text)
    assert "Refund window days" not in words_of(both.text)
    draft = fields_of(both.text, f"{POLICY}/put")
    assert (await reading.send(f"{POLICY}/put", draft)).status_code == 303
    version, policy = in_force(reading)
    assert (version, policy.max_licences, policy.refund_window_days) == (3, 400, 20)


async def test_an_older_version_can_be_put_in_force_again(reading: Desk) -> None:
    with reading.shop.perennial.ledger.engine.begin() as connection:
        stored_terms.add_policy(connection, "main", policies.load({"max_licences": 9}))
    page = await reading.get(f"{POLICY}/edit?version=1")
    assert "The form has the values of version 1. Version 2 is in force." in words_of(page.text)
    text = await checked(reading, {}, seen=2)
    assert "Max licences 9 500" in words_of(text)
    assert (await reading.get(f"{POLICY}/edit?version=7")).status_code == 404
    same = await reading.send(f"{POLICY}/check", form({"max_licences": "9"}, 2))
    assert "Nothing differs from what is in force" in words_of(same.text)
    assert f'action="{POLICY}/put"' not in same.text


async def test_only_an_admin_edits_terms(reading: Desk) -> None:
    for role in (Role.VIEWER, Role.SUPPORT, Role.FINANCE):
        for path in (POLICY, SKUS):
            assert (await reading.get(f"{path}/edit", role)).status_code == 403
            assert f"{path}/edit" not in (await reading.get(path, role)).text


async def later(desk: Desk, sku: str = "PRO", **changes: str) -> Any:
    """The answer to the form of a later version of a SKU with these changes."""
    page = await desk.get(f"{SKUS}/edit?sku={sku}")
    hidden = fields_of(page.text, f"{SKUS}/check")
    given = {"from": "2021-03-01", "prices": "USD 50.00", "trial_days": "7", "refundable": "yes"}
    return await desk.send(f"{SKUS}/check", hidden | given | changes)


async def test_rule_3_5_a_new_version_names_only_what_was_changed(reading: Desk) -> None:
    answer = await later(reading, prices="usd 60.00; EUR 45")
    assert answer.status_code == 200, words_of(answer.text)
    page = words_of(answer.text)
    assert "PRO from 2021-03-01" in page
    assert "Prices, USD 50.00 60.00" in page
    assert "Prices, EUR none 45" in page
    assert "Trial days" not in page
    assert "is past" in page
    draft = fields_of(answer.text, f"{SKUS}/put")
    twice = await asyncio.gather(*(reading.send(f"{SKUS}/put", draft) for _ in range(2)))
    assert {it.headers.get("location") for it in twice} == {f"{SKUS}?put=PRO"}
    stored = reading.shop.sql("SELECT document FROM catalog_entries ORDER BY id DESC LIMIT 1")
    assert stored.scalar() == {
        "sku": "PRO",
        "from": "2021-03-01",
        "prices": {"USD": "60.00", "EUR": "45"},
    }
    assert "PRO is in the catalogue with what you have changed." in await reading.page(
        f"{SKUS}?put=PRO"
    )
    [record] = reading.shop.sql("SELECT act, after FROM audit WHERE subject LIKE 'catalog/%'").all()
    assert record.act == "add_catalog_entries"
    assert record.after["entries"][0]["prices"]["USD"] == "60.00"


@pytest.mark.parametrize(
    ("changes", "name", "told"),
    [
        ({}, "prices", "are as they were, and so is all else; change something"),
        ({"prices": ""}, "prices", "USD cannot be left out"),
        ({"prices": "USD fifty"}, "prices", "USD:"),
        ({"prices": "EURO 3, USD 1"}, "prices", "EURO:"),
        ({"from": ""}, "from", "is missing; a new version has a first day"),
        ({"from": "soon"}, "from", "must be a date"),
        ({"trial_days": "0"}, "trial_days", "0"),
    ],
)
async def test_rule_3_5_what_is_wrong_with_a_version_is_told_beside_its_field(
    reading: Desk, changes: dict[str, str], name: str, told: str
) -> None:
    answer = await later(reading, **changes)
    assert answer.status_code == 400
    field = answer.text.split(f'id="f-{name}"')[1].split("</div>")[0]
    assert 'aria-invalid="true"' in field
    assert told in words_of(field)


async def test_a_new_sku_is_added_and_one_that_exists_is_told(reading: Desk) -> None:
    seen = str(len(CATALOG))
    new = {"seen": seen, "sku": "TEAM", "kind": "application", "application": "suite"}
    new |= {"months": "1", "prices": "USD 12.00", "refundable": "no"}
    known = await reading.send(f"{SKUS}/check", new | {"sku": "PRO"})
    assert (known.status_code, "PRO" in known.text) == (400, True)
    assert "is in the catalogue; make a new version of it" in words_of(known.text)
    wrong = await reading.send(f"{SKUS}/check", new | {"kind": "boat", "months": "0", "sku": ""})
    assert (wrong.status_code, wrong.text.count('aria-invalid="true"')) == (400, 3)
    answer = await reading.send(f"{SKUS}/check", new)
    page = words_of(answer.text)
    assert "Prices, USD none 12.00" in page
    assert "Refundable none no" in page
    done = await reading.send(f"{SKUS}/put", fields_of(answer.text, f"{SKUS}/put"))
    assert done.status_code == 303
    assert "TEAM" in catalog_in_force(reading.shop.perennial.ledger)
    assert (await reading.get(f"{SKUS}/edit?sku=NONE")).status_code == 404


async def test_two_who_edit_the_catalogue_at_once_are_told(reading: Desk) -> None:
    mine = await later(reading, prices="USD 60.00")
    theirs = await later(reading, prices="USD 55.00", **{"from": "2021-02-01"})
    same_day = await later(reading, prices="USD 61.00")
    put = f"{SKUS}/put"
    assert (await reading.send(put, fields_of(theirs.text, put))).status_code == 303
    late = await reading.send(put, fields_of(mine.text, put))
    page = words_of(late.text)
    assert late.status_code == 409
    assert "The catalogue has changed since you began" in page
    assert "PRO from 2021-02-01, USD 55.00" in page
    assert "Prices, USD 55.00 60.00" in page
    assert (await reading.send(put, fields_of(late.text, put))).status_code == 303
    clash = await reading.send(put, fields_of(same_day.text, put))
    assert clash.status_code == 400
    assert "one version a day is allowed" in words_of(clash.text)
    forged = fields_of(mine.text, put) | {"entry": '{"sku": "PRO", "from": 5}', "seen": "7"}
    assert (await reading.send(put, forged | {"request_id": "console/x"})).status_code == 400
