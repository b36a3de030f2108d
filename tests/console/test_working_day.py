"""The stories of a working day at the desk, each with the keyboard only, in a real browser.

axe looks at every page of a story.
"""

from datetime import date
from decimal import Decimal

from activities.open_account import NewAccount
from activities.registry import Activities
from core.domain.campaigns import FASTEST
from core.domain.commands.purchase import Purchase
from core.domain.roles import Role
from core.domain.second_person import MoneyLimit
from core.ledger import campaigns, money_limits, stored_terms
from core.protocol.campaign_messages import campaign_workflow
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from tests.console.browser import needs_a_browser, office
from tests.console.conftest import PASSWORD, Desk
from tests.workflows.shop import CATALOG, FEBRUARY, JANUARY

pytestmark = needs_a_browser

LARGER = {**CATALOG[0], "sku": "MAX", "prices": {"USD": "80.00"}}
"""A dearer plan of the same application as PRO."""


async def customer(desk: Desk, name: str, owner: str, opening: str = "1000.00") -> str:
    """An account with an owner who can call."""
    shop = desk.shop
    account = NewAccount(
        id=shop.id(name),
        seller=shop.config.seller,
        currency="USD",
        timezone="UTC",
        credits=Decimal(opening),
        owner=owner,
        billing_email=f"accounts@{name}.example.com",
        clock=shop.clock,
    )
    await shop.perennial.open_account(account)
    return account.id


async def test_a_caller_asks_why_was_i_not_renewed(desk: Desk) -> None:
    """Rule 6.1. Support explains, finance takes the payment, and it heals by itself (Rule 6.2)."""
    shop = desk.shop
    await customer(desk, "bakery", "Harbour Bakery", opening="60.00")
    s = await shop.buy("line", account="bakery")
    await shop.advance(2021, 2, 7, 9)
    async with office(desk) as here:
        ann = await here.person(Role.SUPPORT)
        await ann.page.goto("/")
        await ann.find("harb bak")
        await ann.reads("Harbour Bakery", "1 failed to renew")
        await ann.press("Subscriptions")
        await ann.reads("renewal failed")
        await ann.press(s)
        await ann.reads("Why it was not renewed", "usable credits do not cover the fee")
        await ann.picture("why-not-renewed")
        await ann.press("Recover")
        await ann.press("Show what it does")
        await ann.reads("It is refused", "Nothing was done")

        bob = await here.person(Role.FINANCE)
        await bob.page.goto("/")
        await bob.find("harbour")
        await bob.press("Top up")
        await bob.write("Amount", "100.00")
        await bob.press("Show what it does")
        await bob.reads("Lines", "$50.00")
        await bob.press("Top up")
        await bob.reads("Done", "$100.00 added")

        await ann.page.goto(f"/subscriptions/{s}")
        await ann.reads("Why it stands as it does")
        assert (ann.told, bob.told) == ([], [])
    assert shop.row(s).expiry == date(2021, 3, 14)
    assert shop.balance("bakery") == "60.00"


async def test_three_hundred_are_recovered_at_once_and_paused_on_the_way(desk: Desk) -> None:
    """Rules 6.1 and 6.3. Support starts it: the role may recover each of them."""
    shop = desk.shop
    owners = {"north": "North Clinics", "south": "South Clinics", "west": "West Clinics"}
    ids = []
    for name, owner in owners.items():
        await customer(desk, name, owner, opening="5000.00")
        for number in range(100):
            buy = Purchase(
                subscription=shop.id(f"{name}{number:02}"), account=shop.id(name), sku="PRO"
            )
            assert shop.call("purchase", buy, JANUARY).refusal is None
            ids.append(buy.subscription)
    engine = Direct(Activities(shop.perennial.ledger, shop.gateway))
    await test_clocks.advance(shop.perennial.ledger, engine, str(shop.clock), FEBRUARY)
    assert sum(shop.row(id_).renewal_failed for id_ in ids) == 300
    shop.sql("UPDATE accounts SET credit_limit = 5000 WHERE owner LIKE '% Clinics'")
    async with office(desk) as here:
        ann = await here.person(Role.SUPPORT)
        await ann.page.goto(f"/lists/failed?clock={shop.clock}")
        await ann.reads("North Clinics", "usable credits do not cover the fee")
        await ann.picture("work-list")
        await ann.choose("Command", "Recover")
        await ann.choose("Rows", "all of the list")
        await ann.press("Preview")
        await ann.reads("Recover 300 subscriptions", "Would be done 300", "refused 0", "$15,000.00")
        await ann.picture("bulk-preview")
        await ann.press("Start", times=2)
        await ann.reads("300")
        campaign = ann.page.url.rpartition("/")[2]
        await ann.press("Pause")
        await ann.reads("paused")
        with shop.perennial.ledger.engine.begin() as connection:
            campaigns.set_rate(connection, campaign, FASTEST)
        await ann.press("Resume")
        await shop.perennial.temporal.get_workflow_handle(campaign_workflow(campaign)).result()
        await ann.page.wait_for_selector("[data-running]", state="detached")
        await ann.reads("300 of 300 rows have an outcome", "Done 300", "Paid in USD $15,000.00")
        await ann.picture("campaign")
        assert ann.told == []
    assert {shop.row(id_).expiry for id_ in ids} == {date(2021, 3, 14)}
    assert [shop.balance(name) for name in owners] == ["-5000.00"] * 3


async def test_a_refund_above_the_limit_has_a_second_person(desk: Desk) -> None:
    shop = desk.shop
    limit = MoneyLimit(currency="USD", per_command=Decimal(20), per_day=Decimal(20))
    with shop.perennial.ledger.engine.begin() as connection:
        money_limits.set_limit(connection, "main", Role.SUPPORT, limit)
    s = await shop.buy()
    async with office(desk) as here:
        ann, bob = await here.person(Role.SUPPORT), await here.person(Role.FINANCE)
        await ann.page.goto("/")
        await ann.find(s)
        await ann.press("Terminate")
        await ann.write("Reason", "moved away")
        await ann.press("Show what it does")
        await ann.reads("given back")
        await ann.press("Terminate", times=2)
        await ann.reads("the limit of a command is $20.00", "You have asked for it")
        asked = ann.page.url
        assert shop.row(s).status == "ACTIVE"

        await bob.page.goto("/approvals")
        await bob.reads("Terminate")
        await bob.press("Terminate")
        await bob.reads("moved away", "What it does", "given back")
        await bob.picture("second-person")
        await bob.press("Approve", times=2)
        await bob.reads("done", "Decided by finance person")
        await ann.page.goto(asked)
        await ann.reads("done", "is terminated")
        assert (ann.told, bob.told) == ([], [])
    assert shop.row(s).status == "TERMINATED"
    assert shop.balance() == "1000.00"


async def test_a_plan_is_changed_as_its_preview_has_said(desk: Desk) -> None:
    """Rule 9."""
    shop = desk.shop
    with shop.perennial.ledger.engine.begin() as connection:
        stored_terms.add_catalog(connection, shop.config.seller, [LARGER])
    s = await shop.buy()
    before = shop.balance()
    async with office(desk) as here:
        ann = await here.person(Role.SUPPORT)
        await ann.page.goto(f"/subscriptions/{s}")
        await ann.press("Change plan")
        await ann.choose("SKU", "MAX")
        await ann.press("Show what it does")
        await ann.reads("PRO MAX", "Next fee $50.00 $80.00", "Invoice over $30.00")
        await ann.picture("plan-preview")
        assert shop.balance() == before
        await ann.press("Change plan")
        await ann.reads("Done", "changes to MAX")
        await ann.press("To the subscription")
        await ann.reads("The next fee is $80.00")
        assert ann.told == []
    assert shop.row(s).sku == "MAX"
    assert Decimal(before) - Decimal(shop.balance()) == Decimal(30)


async def test_a_number_is_swapped(desk: Desk) -> None:
    """Rules 9 and 10.2."""
    s = await desk.shop.buy()
    async with office(desk) as here:
        ann = await here.person(Role.SUPPORT)
        await ann.page.goto(f"/subscriptions/{s}")
        await ann.press("Add number")
        await ann.write("Number", "+6561234567")
        await ann.choose("SKU", "DID")
        await ann.press("Show what it does")
        await ann.reads("activation fee $5.00")
        await ann.press("Add number")
        await ann.press("To the subscription")
        await ann.press("Swap number")
        await ann.write("Number", "+6561234567")
        await ann.write("To", "12")
        await ann.press("Show what it does")
        await ann.reads("To ")
        assert await ann.page.get_attribute("#f-to", "aria-invalid") == "true"
        await ann.write("To", "+6567654321")
        await ann.press("Show what it does")
        await ann.press("Swap number")
        await ann.reads("has the number +6567654321 in place of +6561234567")
        await ann.find("+6561234567")
        await ann.reads("+6561234567", "held")
        assert ann.told == []


async def test_a_trial_is_converted(desk: Desk) -> None:
    """Rule 7."""
    shop = desk.shop
    t = await shop.try_out()
    async with office(desk) as here:
        ann = await here.person(Role.SUPPORT)
        await ann.page.goto("/")
        await ann.find(t)
        await ann.reads("trial")
        await ann.press("Convert")
        await ann.press("Show what it does")
        await ann.reads("$50.00")
        await ann.press("Convert")
        await ann.reads("Done", "converted")
        await ann.press("To the subscription")
        await ann.reads("The next fee is $50.00")
        assert ann.told == []
    assert not shop.row(t).trial
    assert shop.balance() == "950.00"


async def test_the_end_of_a_month_on_the_wall_and_in_the_statement(desk: Desk) -> None:
    """Rule 11.7. What the wall says came in and what the statement says are the same."""
    shop = desk.shop
    await customer(desk, "poor", "Corner Shop", opening="60.00")
    await shop.buy()
    await shop.buy("p", account="poor")
    await shop.advance(2021, 2, 28, 23)
    async with office(desk) as here:
        bob = await here.person(Role.FINANCE)
        await bob.page.goto(f"/wall?clock={shop.clock}&days=31")
        await bob.page.wait_for_selector("[data-running]", state="detached")
        await bob.reads("Renewals by day", "Recurring revenue", "Money in and out")
        await bob.picture("wall")
        await bob.press("Work")
        await bob.page.goto(f"/lists/expired?clock={shop.clock}")
        await bob.reads("Corner Shop")
        await bob.find(shop.id("acme"))
        await bob.press("Statement")
        await bob.write("From", "02012021")
        await bob.write("To", "02282021")
        await bob.press("Show")
        await bob.reads("$950.00", "$900.00")
        await bob.picture("statement")
        assert bob.told == []


async def test_two_people_at_the_same_subscription(desk: Desk) -> None:
    """Both see a preview. The second one is shown what it would do now before it is done."""
    shop = desk.shop
    s = await shop.buy()
    async with office(desk) as here:
        ann, bob = await here.person(Role.SUPPORT), await here.person(Role.ADMIN)
        for person in (ann, bob):
            await person.page.goto(f"/do/extend/{s}")
            await person.write("Cycles", "1")
            await person.press("Show what it does")
            await person.reads("14 Feb 2021 14 Mar 2021")
        await ann.press("Extend")
        await ann.reads("Done")
        await bob.press("Extend")
        await bob.reads("Something has happened since the preview", "14 Mar 2021 14 Apr 2021")
        await bob.picture("two-people")
        assert shop.balance() == "900.00"
        await bob.press("Extend")
        await bob.reads("Done")
    assert shop.balance() == "850.00"


async def test_a_session_that_ends_in_the_middle_does_nothing_and_goes_on(desk: Desk) -> None:
    shop = desk.shop
    s = await shop.buy()
    async with office(desk) as here:
        ann = await here.person(Role.SUPPORT)
        await ann.page.goto(f"/do/extend/{s}")
        await ann.write("Cycles", "2")
        await ann.press("Show what it does")
        shop.sql("DELETE FROM sessions")
        await ann.press("Extend")
        await ann.reads("Sign in")
        assert shop.balance() == "950.00"
        await ann.write("E-mail", "support@main.example.com")
        await ann.write("Password", PASSWORD)
        await ann.press("Sign in")
        assert ann.page.url.endswith(f"/do/extend/{s}")
        await ann.write("Cycles", "2")
        await ann.press("Show what it does")
        await ann.press("Extend")
        await ann.reads("Done")
        await ann.page.go_back()
        await ann.reads("What it does")
        await ann.press("Extend")
        await ann.reads("Done")
    assert shop.balance() == "850.00", "the way back does it once"
