"""What a seller is told of its own business: once, and only if it is still true (Rule 12)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import text

from activities.reconciliation.alarms import raise_alarms
from core.domain.alarms import Alarm
from core.domain.commands.top_up import TopUp
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.findings import Finding, FindingKind, Part, ReconcileResult
from core.ledger import endpoints
from doors.queries.deliveries import find_message, list_messages
from doors.service.messages import Messages
from settings import Settings
from tests.ledger.conftest import DAY, Shop
from tests.messages.conftest import Time
from tests.messages.mailbox import deliver, take_due, text_of
from tests.messages.servers import platform, status

SwitchOn = Callable[..., None]
SELLER = "ops@example.com"


def alarms(shop: Shop) -> list[tuple[str, str]]:
    """The alarms that were told or not, the oldest first: the kind and its state."""
    lines = reversed(list_messages(shop.ledger, endpoint="alarms"))
    return [(line.event, str(line.state)) for line in lines]


async def day_passes(shop: Shop, day: int, until: int | None = None) -> None:
    """What is due on a day of March runs, on the test clock."""
    await take_due(shop, datetime(2021, 3, day, tzinfo=UTC))
    shop.run(f"UPDATE clocks SET now = '2021-03-{until or day}'")


async def test_failed_renewals_of_an_account_are_told_at_first_sight_and_once(
    shop: Shop, switch_on: SwitchOn, tmp_path: Path
) -> None:
    """Two renew on 03-24 for 50.00 each, and 20.00 are left. The retry of 03-26 is not told."""
    shop.open(credits_="120.00")
    shop.buy("s1")
    shop.buy("s2")
    shop.put_on_clock()
    switch_on(seller_address=SELLER, test_clocks=True)
    await day_passes(shop, 24)
    [mail] = await deliver(shop, tmp_path, datetime.now(UTC))
    assert mail["To"] == SELLER
    assert mail["Subject"] == "Renewals of acme failed"
    told = text_of(mail)
    assert "2 subscriptions of account acme could not be renewed." in told
    assert "s1, PRO, paid until March 31, 2021: usable credits do not cover the fee." in told
    await day_passes(shop, 26)
    assert len(await deliver(shop, tmp_path, datetime.now(UTC))) == 1
    assert alarms(shop) == [("alarm_renewals_failed", "delivered")]


async def test_an_alarm_of_renewals_that_are_paid_meanwhile_is_not_sent(
    shop: Shop, switch_on: SwitchOn, tmp_path: Path
) -> None:
    shop.open(credits_="50.00")
    shop.buy()
    shop.put_on_clock()
    switch_on(seller_address=SELLER, test_clocks=True)
    await day_passes(shop, 24)
    top_up = TopUp(account="acme", amount=shop.value("SELECT 50.00"))
    shop.do(top_up, DAY + timedelta(days=23, hours=1))
    assert await deliver(shop, tmp_path, datetime.now(UTC)) == []
    assert alarms(shop) == [("alarm_renewals_failed", "dropped")]


async def test_accounts_on_test_clocks_raise_alarms_only_where_asked_for(
    shop: Shop, switch_on: SwitchOn
) -> None:
    shop.open(credits_="50.00")
    shop.buy()
    shop.put_on_clock()
    switch_on(seller_address=SELLER)
    await day_passes(shop, 24)
    assert shop.value("SELECT count(*) FROM alarms") == 0


async def test_without_an_address_of_the_seller_nothing_is_raised(
    shop: Shop, switch_on: SwitchOn
) -> None:
    shop.open(credits_="50.00")
    shop.buy()
    shop.put_on_clock()
    switch_on(seller_address=SELLER)
    switch_on(test_clocks=True)
    await day_passes(shop, 24)
    assert shop.value("SELECT count(*) FROM alarms") == 0


def tomorrow(hour: int, days: int = 1) -> datetime:
    at = datetime.now(UTC) + timedelta(days=days)
    return at.replace(hour=hour, minute=0, second=0, microsecond=0)


async def test_the_work_lists_are_told_once_a_day(
    shop: Shop, switch_on: SwitchOn, tmp_path: Path
) -> None:
    """At 06:00 UTC. One is failed, and one ends tomorrow without auto-renewal."""
    shop.open(credits_="120.00", owner="ann")
    shop.buy("s1")
    shop.buy("s2")
    shop.do(Unsubscribe(subscription="s2"))
    switch_on(seller_address=SELLER)
    shop.force(
        "UPDATE subscriptions SET renewal_failed = true, failure = 'no_credits' WHERE id = 's1'"
    )
    ends = tomorrow(0, 2)
    shop.force(f"UPDATE subscriptions SET expiry = '{ends.date()}' WHERE id = 's2'")
    shop.force(
        f"UPDATE steps SET kind = 'expire', due = '{ends + timedelta(days=1)}' WHERE subject = 's2'"
    )
    assert await deliver(shop, tmp_path, tomorrow(5)) == []
    for hour in (6, 7, 23):
        [mail] = await run_at(shop, tmp_path, tomorrow(hour))
    assert mail["Subject"] == "Failed to renew: 1 subscription. Expiring soon: 1 subscription"
    assert "s1, PRO of account acme, paid until March 31, 2021" in text_of(mail)
    assert f"s2, PRO of account acme, paid until {ends:%B} {ends.day}, {ends.year}." in text_of(
        mail
    )


async def run_at(shop: Shop, folder: Path, now: datetime) -> list[Any]:
    """Two looks of the role: the first raises what is due, the second one sends it."""
    await deliver(shop, folder, now)
    return await deliver(shop, folder, now)


async def test_empty_work_lists_are_not_told_and_an_outage_is_told_once(
    shop: Shop, switch_on: SwitchOn, tmp_path: Path
) -> None:
    """Two days without a mail server: the digest of the first one is dropped."""
    switch_on(seller_address=SELLER)
    for at in (tomorrow(8), tomorrow(8, 2)):
        now = partial(datetime.fromtimestamp, at.timestamp(), UTC)
        await Messages(shop.ledger, Settings(), now=now).once()
    shop.open(credits_="50.00")
    shop.buy()
    shop.force("UPDATE subscriptions SET renewal_failed = true, failure = 'no_credits'")
    [_] = await run_at(shop, tmp_path, tomorrow(9, 2))
    assert alarms(shop) == [("alarm_work_lists", "dropped"), ("alarm_work_lists", "delivered")]
    shop.force("UPDATE subscriptions SET renewal_failed = false")
    [_] = await run_at(shop, tmp_path, tomorrow(9, 3))
    assert alarms(shop)[2:] == [("alarm_work_lists", "dropped")]


async def test_a_digest_is_not_sent_of_a_day_before_alarms_were_on(
    shop: Shop, switch_on: SwitchOn, tmp_path: Path
) -> None:
    switch_on(seller_address=SELLER)
    now = datetime.now(UTC) + timedelta(seconds=1)
    await run_at(shop, tmp_path, now)
    late = now.replace(hour=6, minute=0, second=0, microsecond=0) > now
    assert shop.value("SELECT count(*) FROM alarms") == 0 or late


def ends_on(day: datetime) -> str:
    return f"paid until {day:%B} {day.day}, {day.year}."


def finding(kind: FindingKind, subject: str, *, repaired: bool = False) -> Finding:
    return Finding(kind=kind, subject=subject, what="it is wrong", repaired=repaired)


STUCK = ReconcileResult(findings=(finding(FindingKind.STUCK, "s"),))


async def test_a_charge_of_unknown_outcome_is_told_until_it_is_known(
    shop: Shop, switch_on: SwitchOn, tmp_path: Path
) -> None:
    shop.open()
    switch_on(seller_address=SELLER)
    shop.run(
        "INSERT INTO card_charges (key, account, card, amount, currency, asked_at) VALUES "
        "('k1', 'acme', 'sim_ok', 12.5, 'USD', '2021-03-01 10:00Z')"
    )
    found = ReconcileResult(findings=(finding(FindingKind.CHARGE_UNKNOWN, "k1"),))
    now = datetime.now(UTC)
    raise_alarms(shop.ledger, now, Part.CHARGES, found)
    raise_alarms(shop.ledger, now, Part.CHARGES, found)
    [mail] = await deliver(shop, tmp_path, now)
    assert mail["Subject"] == "1 charge unconfirmed"
    assert "12.50 USD of account acme, asked for at 2021-03-01 10:00 UTC, k1" in text_of(mail)
    raise_alarms(shop.ledger, now + timedelta(days=1), Part.CHARGES, found)
    shop.run("UPDATE card_charges SET outcome = 'declined', booked = true")
    assert len(await deliver(shop, tmp_path, now)) == 1
    assert alarms(shop)[1:] == [("alarm_charges_unknown", "dropped")]


async def test_findings_that_are_not_repaired_are_told_once_a_day_for_each_kind(
    shop: Shop, switch_on: SwitchOn, tmp_path: Path
) -> None:
    switch_on(seller_address=SELLER)
    now = datetime.now(UTC)
    found = ReconcileResult(
        findings=(*(finding(FindingKind.BALANCE, f"a{number}") for number in range(100)),),
        left_out=4,
    )
    repaired = finding(FindingKind.WORKFLOW_MISSING, "s2", repaired=True)
    of_workflows = ReconcileResult(findings=(finding(FindingKind.STUCK, "s1"), repaired))
    for _ in range(2):
        raise_alarms(shop.ledger, now, Part.BOOKS, found)
        raise_alarms(shop.ledger, now, Part.SUBSCRIPTIONS, of_workflows)
    mails = await deliver(shop, tmp_path, now)
    subjects = [mail["Subject"] for mail in mails]
    assert subjects == ["Reconciliation found: 104 findings", "Reconciliation found: 1 finding"]
    assert "balance: a0: it is wrong" in text_of(mails[0])
    assert "and 84 more" in text_of(mails[0])
    raise_alarms(shop.ledger, now, Part.SUBSCRIPTIONS, ReconcileResult(findings=(repaired,)))
    assert len(alarms(shop)) == 2


def test_a_finding_is_told_to_the_seller_whose_rows_it_is_about(
    shop: Shop, switch_on: SwitchOn
) -> None:
    """Rule 12. What is about the installation is told to the seller of its settings."""
    shop.open()
    shop.buy("s1")
    shop.run("INSERT INTO sellers (id) VALUES ('other')")
    for seller in ("main", "other"):
        switch_on(seller=seller, seller_address=SELLER)
    operation = shop.value("SELECT max(id) FROM operations")
    about_rows = {
        Part.BOOKS: (
            finding(FindingKind.BALANCE, "acme"),
            finding(FindingKind.UNBALANCED, str(operation)),
        ),
        Part.SUBSCRIPTIONS: (finding(FindingKind.STUCK, "s1"),),
        Part.INVOICES: (finding(FindingKind.NUMBERS, "main"),),
    }
    about_workers = finding(FindingKind.NO_ANSWER, "workers")
    installation = replace(shop.ledger, seller="other")
    for part, findings in about_rows.items():
        found = ReconcileResult(findings=(*findings, about_workers))
        raise_alarms(installation, DAY, part, found)
    with shop.ledger.engine.connect() as connection:
        told = text("SELECT seller, facts->'lines'->>0 FROM alarms ORDER BY seller, key")
        lines = [tuple(row) for row in connection.execute(told)]
    assert lines == [
        ("main", "balance: acme: it is wrong"),
        ("main", "invoice numbers: main: it is wrong"),
        ("main", "stuck: s1: it is wrong"),
        ("main", f"unbalanced operation: {operation}: it is wrong"),
        ("other", "no answer: workers: it is wrong"),
    ]


async def test_an_endpoint_that_was_switched_off_is_told_unless_it_is_on_again(
    shop: Shop, switch_on: SwitchOn, add_endpoint: Any, role: Any, time: Time, tmp_path: Path
) -> None:
    switch_on(seller_address=SELLER)
    shop.open()
    async with platform(reply=status(410)) as got:
        add_endpoint(got.url)
        shop.do(TopUp(account="acme", amount=shop.value("SELECT 1.00")))
        await role().once()
    [mail] = await deliver(shop, tmp_path, time())
    assert mail["Subject"] == "Endpoint crm is switched off"
    assert "the status 410" in text_of(mail)
    assert "starter.py webhook on crm" in text_of(mail)
    [line] = list_messages(shop.ledger, endpoint="alarms")
    assert find_message(shop.ledger, line.id).body["endpoint"] == "crm"
    shop.run("UPDATE deliveries SET state = 'pending'")
    with shop.ledger.engine.begin() as connection:
        endpoints.switch_on(connection, "main", "crm")
    await deliver(shop, tmp_path, time())
    assert alarms(shop)[-1] == (str(Alarm.ENDPOINT_OFF), "dropped")


async def test_alarms_stay_on_when_no_mail_server_is_there_for_long(
    shop: Shop, switch_on: SwitchOn, time: Time
) -> None:
    """Others are switched off after five days. The seller would not be told of this one."""
    switch_on(seller_address=SELLER)
    role = Messages(shop.ledger, Settings(mail="smtp", smtp_port=1), now=time)
    for _ in range(8):
        raise_alarms(
            shop.ledger,
            time(),
            Part.SUBSCRIPTIONS,
            ReconcileResult(findings=(finding(FindingKind.STUCK, "s"),)),
        )
        await role.once()
        time.pass_(days=1)
    assert shop.value("SELECT off_at FROM endpoints WHERE kind = 'alarms'") is None
    assert shop.value("SELECT failing_since FROM endpoints WHERE kind = 'alarms'") is not None


async def test_old_alarms_are_forgotten(shop: Shop, switch_on: SwitchOn, time: Time) -> None:
    switch_on(seller_address=SELLER)
    raise_alarms(shop.ledger, time(), Part.SUBSCRIPTIONS, STUCK)
    shop.run("UPDATE deliveries SET state = 'delivered', done_at = now()")
    for days, left in ((29, 1), (3, 0)):
        time.pass_(days=days)
        await Messages(shop.ledger, Settings(), now=time).once()
        assert shop.value("SELECT count(*) FROM alarms WHERE kind = 'alarm_findings'") == left
