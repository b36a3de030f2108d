"""Reconciliation finds what is wrong and repairs what is safe. The next one finds nothing."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from activities.open_account import NewAccount, open_account
from activities.reconciliation.reconcile import Reconciliation
from activities.reconciliation.workflow_port import Limits, Standing
from activities.registry import Activities
from core.domain.campaigns import EACH
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.extend import Extend
from core.domain.commands.top_up import TopUp
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.findings import (
    Finding,
    FindingKind,
    Part,
    ReconcileRequest,
    ReconcileResult,
    ReconciliationReport,
)
from core.domain.numbers import Cause, HoldKind, Wanted
from core.domain.steps import Subject, of_account, of_subscription
from core.gateways.cards import GatewayUnavailable
from core.ledger import numbers
from core.ledger.clocks import machine_now
from core.protocol.activity_messages import ChargeRequest, StepRequest
from doors.service.reconciliation import (
    OnTemporal,
    ensure_schedule,
    reconcile,
    schedule_id,
    trouble,
)
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import FEBRUARY, JANUARY, Shop
from workflows.reconciliation import ReconciliationInput

LONG_AGO = timedelta(days=28)
"""A monthly subscription bought so long ago is due, and not expired."""


@pytest.fixture
async def real(open_shop: OpenShop) -> Any:
    """A shop by the machine's clock, with all workers."""
    async with open_shop(clock=False) as shop:
        await shop.account()
        yield shop


@pytest.fixture
async def asleep(open_shop: OpenShop) -> Any:
    """A shop by the machine's clock, without workers. Only the test itself does something."""
    async with open_shop(clock=False, workers=()) as shop:
        await shop.account("acme", opening="50.00", card="sim_ok")
        yield shop


def told(report: ReconciliationReport) -> list[tuple[FindingKind, str, bool]]:
    """The kind and subject of each finding, and whether it was repaired."""
    return [(finding.kind, finding.subject, finding.repaired) for finding in report.findings]


async def found(shop: Shop) -> list[tuple[FindingKind, str, bool]]:
    """What a reconciliation finds."""
    return told(await reconcile(shop.perennial, full=True))


class NoWorkflows:
    """Workflows whose state a test sets. They remember each call."""

    def __init__(self, standing: Standing) -> None:
        self.now = standing
        self.started: list[str] = []
        self.heard: list[Any] = []

    async def standing(self, subject: Subject) -> Standing:
        """The state that the test has set."""
        return self.now

    async def known(self, subject: Subject) -> None:
        """Return None, as if no worker responded."""

    async def start(self, subject: Subject) -> None:
        """Remember the subject."""
        self.started.append(subject.id)

    async def campaign_standing(self, campaign: str) -> Standing:
        """The state that the test has set."""
        return self.now

    async def start_campaign(self, campaign: str) -> None:
        """Remember the campaign."""
        self.started.append(campaign)

    async def tell(self, snapshot: Any) -> None:
        """Remember the snapshot."""
        self.heard.append(snapshot)


async def look(
    shop: Shop, part: Part, standing: Standing, **limits: Any
) -> tuple[tuple[Finding, ...], NoWorkflows]:
    """Run an incremental pass over one part, with workflows whose state is `standing`.

    All accounts and subscriptions are in its slice, if `limits` do not say otherwise.
    """
    workflows = NoWorkflows(standing)
    reconciliation = Reconciliation(
        shop.perennial.ledger, shop.gateway, workflows, Limits(**limits)
    )
    return tuple([f for batch in await batches(reconciliation, part) for f in batch.findings]), (
        workflows
    )


async def batches(
    reconciliation: Reconciliation, part: Part, *, full: bool = False
) -> list[ReconcileResult]:
    """The results of a pass over a part, batch by batch."""
    found, after = [], ""
    while True:
        request = ReconcileRequest(part=part, now=machine_now(), after=after, full=full)
        found.append(await reconciliation.reconcile(request))
        if found[-1].after is None:
            return found
        after = found[-1].after


IDLE = Standing(runs=True, idle=True)


async def test_where_all_is_well_everything_is_checked_and_nothing_is_found(real: Shop) -> None:
    subscriptions = [await real.bought(machine_now(), f"s{n}") for n in range(3)]
    report = await reconcile(real.perennial, full=True)
    assert report.findings == ()
    assert report.checked == {
        "books": 1,
        "invoices": 3,
        "charges": 0,
        "subscriptions": 3,
        "accounts": 0,
        "numbers": 0,
        "seller wallets": 0,
        "campaigns": 0,
    }
    # This proves that the database and the workflow have the same next step, with an instant.
    for s in subscriptions:
        step, row = await real.perennial.next_step(s), real.row(s)
        assert step is not None
        assert (step.kind, step.due) == (row.next_kind, row.next_due)


async def test_a_workflow_that_was_never_started_is_started(real: Shop) -> None:
    s = await real.bought(machine_now(), start=False)
    assert await found(real) == [(FindingKind.NOT_STARTED, s, True)]
    assert (await real.perennial.state(s)).subscription.id == s
    assert await found(real) == []


async def test_a_workflow_that_is_gone_is_started_again_and_continues(real: Shop) -> None:
    await real.account("late")
    s = await real.bought(machine_now() - LONG_AGO, account="late", start=False)
    # The database of Temporal was lost.
    real.sql("UPDATE subscriptions SET workflow_started = true")
    assert (FindingKind.WORKFLOW_MISSING, s, True) in await found(real)
    await real.until(s, lambda: "renewed" in real.events(s))
    assert await found(real) == []


async def test_a_workflow_that_was_terminated_by_mistake_is_started_again(real: Shop) -> None:
    s = await real.bought(machine_now())
    await real.workflow(s).terminate("by mistake")
    assert await found(real) == [(FindingKind.WORKFLOW_MISSING, s, True)]
    assert (await real.perennial.do(Unsubscribe(subscription=s, request_id="u"))).refusal is None


async def test_a_command_finds_its_workflow_gone_and_starts_it_again(real: Shop) -> None:
    s = await real.bought(machine_now())
    await real.workflow(s).terminate("by mistake")
    assert (await real.perennial.do(Unsubscribe(subscription=s, request_id="u"))).refusal is None
    assert not (await real.perennial.state(s)).subscription.auto_renew


async def test_a_workflow_that_knows_less_than_is_committed_is_told(real: Shop) -> None:
    s = await real.bought(machine_now())
    await real.perennial.state(s)
    real.call("unsubscribe", Unsubscribe(subscription=s), machine_now())
    assert await found(real) == [(FindingKind.WORKFLOW_BEHIND, s, True)]
    assert not (await real.perennial.state(s)).subscription.auto_renew
    assert await found(real) == []


async def test_a_workflow_that_is_to_be_told_soon_is_told_by_reconciliation_too(real: Shop) -> None:
    """The relay may be away. One that finds out in time by itself is left to it."""
    s = await real.bought(machine_now())
    await real.perennial.state(s)
    real.call("unsubscribe", Unsubscribe(subscription=s), machine_now())
    put = "INSERT INTO tellings (subject_kind, subject, version, soon) VALUES (:k, :s, 1, false)"
    real.sql(put, k="subscription", s=s)
    assert await found(real) == []
    real.sql("UPDATE tellings SET soon = true")
    assert await found(real) == [(FindingKind.WORKFLOW_BEHIND, s, True)]


async def test_a_workflow_that_sleeps_over_an_overdue_step_is_told(asleep: Shop) -> None:
    s = await asleep.bought(machine_now() - LONG_AGO, start=False)
    asleep.sql("UPDATE subscriptions SET workflow_started = true")
    findings, workflows = await look(asleep, Part.SUBSCRIPTIONS, IDLE)
    assert [(f.kind, f.subject, f.repaired) for f in findings] == [(FindingKind.OVERDUE, s, True)]
    assert [snapshot.subscription.id for snapshot in workflows.heard] == [s]


async def test_a_step_that_is_late_by_its_spread_and_the_grace_is_not_overdue(asleep: Shop) -> None:
    await asleep.bought(machine_now() - LONG_AGO, start=False)
    asleep.sql("UPDATE subscriptions SET workflow_started = true")
    asleep.sql("UPDATE steps SET due = :due", due=machine_now() - timedelta(minutes=14))
    findings, workflows = await look(asleep, Part.SUBSCRIPTIONS, IDLE)
    assert [f.kind for f in findings] == [FindingKind.NO_ANSWER]
    assert workflows.heard == []


async def test_a_test_clock_is_never_overdue(closed: Shop) -> None:
    await closed.account()
    await closed.bought(JANUARY, start=False)
    closed.sql("UPDATE subscriptions SET workflow_started = true")
    findings, _ = await look(closed, Part.SUBSCRIPTIONS, IDLE)
    assert [f.kind for f in findings] == [FindingKind.NO_ANSWER]


async def test_a_workflow_that_cannot_continue_is_reported_with_the_reason(asleep: Shop) -> None:
    s = await asleep.bought(machine_now() - LONG_AGO, start=False)
    asleep.sql("UPDATE subscriptions SET workflow_started = true")
    stuck = Standing(runs=True, idle=False, trouble="renew fails: a price is missing (attempt 9)")
    findings, workflows = await look(asleep, Part.SUBSCRIPTIONS, stuck)
    assert [(f.kind, f.subject, f.repaired) for f in findings] == [(FindingKind.OVERDUE, s, False)]
    assert findings[0].what.endswith("; renew fails: a price is missing (attempt 9)")
    assert workflows.heard == []


async def test_it_continues_from_batch_to_batch(asleep: Shop) -> None:
    await asleep.account("rich")
    names = [
        await asleep.bought(machine_now(), f"s{n}", account="rich", start=False) for n in range(5)
    ]
    workflows = NoWorkflows(IDLE)
    reconciliation = Reconciliation(
        asleep.perennial.ledger, asleep.gateway, workflows, Limits(batch=2)
    )
    every = await batches(reconciliation, Part.SUBSCRIPTIONS, full=True)
    assert [batch.checked for batch in every] == [2, 2, 1]
    assert sorted(workflows.started) == sorted(names)


async def test_so_many_passes_ask_every_workflow_once(asleep: Shop) -> None:
    await asleep.account("rich")
    names = [
        await asleep.bought(machine_now(), f"s{n}", account="rich", start=False) for n in range(6)
    ]
    asleep.sql("UPDATE subscriptions SET workflow_started = true")
    workflows = NoWorkflows(IDLE)
    looked_at: list[str] = []

    async def standing(subject: Subject) -> Standing:
        looked_at.append(subject.id)
        return IDLE

    workflows.standing = standing  # type: ignore[method-assign]
    reconciliation = Reconciliation(
        asleep.perennial.ledger, asleep.gateway, workflows, Limits(batch=2, passes=3)
    )
    for _ in range(3):
        before = len(looked_at)
        await batches(reconciliation, Part.SUBSCRIPTIONS)
        assert len(looked_at) - before == 2
    assert sorted(looked_at) == sorted(names)


async def test_the_reason_why_a_workflow_does_not_continue_is_read_from_the_server() -> None:
    now, patience = machine_now(), timedelta(minutes=15)
    raw = DescribeWorkflowExecutionResponse()
    assert trouble(raw, patience) is None
    raw.pending_workflow_task.original_scheduled_time.FromDatetime(now)
    raw.pending_workflow_task.attempt = 1
    assert trouble(raw, patience) is None
    raw.pending_workflow_task.original_scheduled_time.FromDatetime(now - timedelta(hours=1))
    assert trouble(raw, patience) == "it waits for a worker with the role workflows"
    raw.pending_workflow_task.attempt = 7
    assert "its workflow task fails (attempt 7)" in str(trouble(raw, patience))
    pending = raw.pending_activities.add()
    pending.activity_type.name, pending.attempt, pending.state = "charge", 1, 1
    pending.scheduled_time.FromDatetime(now - timedelta(hours=1))
    assert trouble(raw, patience) == "charge waits for a worker"
    pending.attempt = 6
    pending.last_failure.message = "the gateway is down"
    assert trouble(raw, patience) == "charge fails: the gateway is down (attempt 6)"


async def test_without_workers_a_workflow_runs_and_is_not_idle(asleep: Shop) -> None:
    await asleep.bought(machine_now())
    workflows = OnTemporal(asleep.perennial)
    standing = await workflows.standing(of_subscription(asleep.id("s")))
    assert (standing.runs, standing.idle) == (True, False)  # Its first task waits for a worker.
    assert not (await workflows.standing(of_subscription("never"))).runs


# charges


async def ask(
    shop: Shop, card: str = "sim_ok", ago: timedelta = timedelta(hours=1)
) -> tuple[str, str]:
    """Ask for the card of a renewal and stop. Returns the subscription and the charge's key."""
    s = await shop.bought(machine_now() - LONG_AGO, start=False)
    shop.sql("UPDATE accounts SET card = :card", card=card)
    asked = shop.step(
        "renew", StepRequest(subject=of_subscription(s), version=1, now=machine_now() - ago)
    )
    assert asked.charge is not None
    return s, asked.charge


def charge_row(shop: Shop) -> tuple[str, bool, str | None]:
    """Outcome, booked and reason of the only charge."""
    row = shop.sql("SELECT outcome, booked, reason FROM card_charges").one()
    return row.outcome, row.booked, row.reason


async def test_a_charge_of_unknown_outcome_is_looked_up_and_becomes_credits(asleep: Shop) -> None:
    _, key = await ask(asleep, "sim_timeout_charged")
    with pytest.raises(GatewayUnavailable):
        # The card is charged. The response is lost, and so is the worker.
        asleep.gateway.charge(key, "sim_timeout_charged", Decimal(50), "USD")
    findings, _ = await look(asleep, Part.CHARGES, IDLE)
    assert [(f.kind, f.subject, f.repaired) for f in findings] == [
        (FindingKind.CHARGE_UNKNOWN, key, True)
    ]
    assert charge_row(asleep) == ("charged", True, None)
    assert asleep.balance() == "50.00"
    assert asleep.charges() == [(1, True)]
    assert (await look(asleep, Part.CHARGES, IDLE))[0] == ()


async def test_a_charge_that_was_declined_is_put_on_record(asleep: Shop) -> None:
    _, key = await ask(asleep, "sim_declined")
    asleep.gateway.charge(key, "sim_declined", Decimal(50), "USD")
    findings, _ = await look(asleep, Part.CHARGES, IDLE)
    assert findings[0].what == (
        "card charge over 50.00 USD: its outcome was unknown; it was not charged: card declined"
    )
    assert charge_row(asleep) == ("declined", True, "card declined")
    assert asleep.events()[-1] == "card_declined"


async def test_a_charge_that_was_never_made_and_is_not_waited_for_is_closed(asleep: Shop) -> None:
    s, key = await ask(asleep)
    findings, _ = await look(asleep, Part.CHARGES, IDLE)
    assert [(f.kind, f.subject, f.repaired) for f in findings] == [
        (FindingKind.CHARGE_UNKNOWN, key, True)
    ]
    assert charge_row(asleep) == ("declined", True, "never made")
    # A worker that wakes up late does not make it.
    late = activity_charge(asleep, key)
    assert late.outcome == "declined"
    assert asleep.charges() == []
    assert asleep.step(
        "renew", StepRequest(subject=of_subscription(s), version=1, now=machine_now())
    ).charge not in (None, key)


def activity_charge(shop: Shop, key: str) -> Any:
    """Run the activity `charge`."""
    step = StepRequest(subject=of_subscription(key.split("/")[0]), version=1, now=machine_now())
    activities = Activities(shop.perennial.ledger, shop.gateway)
    return activities.call("charge", ChargeRequest(key=key, asked_by=step))


async def test_a_charge_that_was_made_after_it_had_been_closed_is_booked(
    asleep: Shop,
) -> None:
    _, key = await ask(asleep)
    await look(asleep, Part.CHARGES, IDLE)
    # A slow worker had read the charge before it was closed.
    asleep.gateway.charge(key, "sim_ok", Decimal(50), "USD")
    findings, _ = await look(asleep, Part.CHARGES, IDLE)
    assert findings[0].what.endswith("it was charged after it had been closed as never made")
    assert charge_row(asleep) == ("charged", True, None)
    assert asleep.balance() == "50.00"
    assert (await look(asleep, Part.CHARGES, IDLE))[0] == ()


async def test_a_charge_that_is_waited_for_or_is_fresh_is_left_alone(
    asleep: Shop,
) -> None:
    await ask(asleep)
    assert (await look(asleep, Part.CHARGES, Standing(runs=True, idle=False)))[0] == ()
    assert (await look(asleep, Part.CHARGES, IDLE, grace=timedelta(hours=2)))[0] == ()
    assert charge_row(asleep) == ("pending", False, None)


async def test_a_charge_whose_outcome_is_known_but_not_booked_is_booked(asleep: Shop) -> None:
    _, key = await ask(asleep)
    activity_charge(asleep, key)
    assert charge_row(asleep) == ("charged", False, None)
    findings, _ = await look(asleep, Part.CHARGES, Standing(runs=False, idle=True))
    assert [(f.kind, f.repaired) for f in findings] == [(FindingKind.CHARGE_NOT_BOOKED, True)]
    assert asleep.balance() == "50.00"


async def test_while_the_gateway_is_down_a_charge_stays_unknown(asleep: Shop) -> None:
    _, key = await ask(asleep)
    asleep.gateway.set_down(True)
    findings, _ = await look(asleep, Part.CHARGES, IDLE)
    assert [(f.kind, f.subject, f.repaired) for f in findings] == [
        (FindingKind.CHARGE_UNKNOWN, key, False)
    ]
    assert charge_row(asleep) == ("pending", False, None)


async def test_a_charge_of_a_test_clock_is_booked_at_its_virtual_now(closed: Shop) -> None:
    await closed.account(opening="50.00", card="sim_ok")
    s = await closed.bought(JANUARY, start=False)
    closed.set_clock(FEBRUARY)
    asked = closed.step("renew", StepRequest(subject=of_subscription(s), version=1, now=FEBRUARY))
    assert asked.charge is not None
    closed.gateway.charge(asked.charge, "sim_ok", Decimal(50), "USD")
    await look(closed, Part.CHARGES, IDLE)
    assert (
        closed.sql("SELECT at FROM history WHERE event = 'card_charged'").scalar_one() == FEBRUARY
    )


# books


async def test_books_that_do_not_add_up_are_reported(asleep: Shop) -> None:
    s = await asleep.bought(machine_now(), start=False)
    [operation] = asleep.sql("SELECT id FROM operations WHERE purpose = 'purchase'").scalars()
    asleep.sql(
        "UPDATE postings SET amount = amount + 1 WHERE operation = :o AND book = 'wallet'",
        o=operation,
    )
    asleep.sql("DELETE FROM steps")
    asleep.sql("UPDATE subscriptions SET workflow_started = true")
    findings, _ = await look(asleep, Part.BOOKS, IDLE)
    assert [(f.kind, f.subject, f.repaired) for f in findings] == [
        (FindingKind.UNBALANCED, str(operation), False),
        (FindingKind.BALANCE, asleep.id("acme"), False),
    ]
    assert findings[1].what == "its balance is 0.00 USD, its postings sum to 1.00"
    findings, _ = await look(asleep, Part.SUBSCRIPTIONS, IDLE)
    assert [(f.kind, f.subject, f.repaired) for f in findings] == [
        (FindingKind.NO_NEXT_STEP, s, False)
    ]


async def test_invoices_without_numbers_are_numbered_and_gaps_reported(asleep: Shop) -> None:
    await asleep.bought(machine_now() - timedelta(days=1), start=False)
    findings, _ = await look(asleep, Part.INVOICES, IDLE)
    assert [(f.kind, f.subject, f.what, f.repaired) for f in findings] == [
        (FindingKind.UNNUMBERED, "main", "1 invoices had no number", True)
    ]
    asleep.sql("UPDATE invoices SET number = 7")
    findings, _ = await look(asleep, Part.INVOICES, IDLE)
    assert [(f.kind, f.what, f.repaired) for f in findings] == [
        (FindingKind.NUMBERS, "number 2 is missing, the next one is 7", False)
    ]


def test_a_report_keeps_500_findings_and_counts_the_others() -> None:
    many = tuple(Finding(kind=FindingKind.STUCK, subject=str(n), what="") for n in range(600))
    report = ReconciliationReport().plus(Part.BOOKS, many, 600).plus(Part.BOOKS, many, 600)
    assert (len(report.findings), report.left_out, report.checked) == (500, 700, {"books": 1200})


# on its schedule


async def test_what_the_schedule_starts_is_the_whole_reconciliation(real: Shop) -> None:
    s = await real.bought(machine_now() - timedelta(days=1), start=False)
    temporal = real.perennial.temporal
    await ensure_schedule(real.perennial)
    handle = temporal.get_schedule_handle(schedule_id(real.config.task_queue))
    action: Any = (await handle.describe()).schedule.action
    await handle.delete()
    [start] = await temporal.data_converter.decode(action.args, [ReconciliationInput])
    assert start == ReconciliationInput()
    report: ReconciliationReport = await temporal.execute_workflow(
        action.workflow,
        start,
        id=action.id,
        task_queue=action.task_queue,
        result_type=ReconciliationReport,
    )
    assert told(report) == [
        (FindingKind.UNNUMBERED, "main", True),
        (FindingKind.NOT_STARTED, s, True),
    ]
    assert report.checked == {
        "books": 2,  # Once as new, and once in the slice.
        "invoices": 1,
        "charges": 0,
        "subscriptions": 2,
        "accounts": 0,
        "numbers": 0,
        "seller wallets": 0,
        "campaigns": 0,
    }
    assert (await real.perennial.state(s)).subscription.id == s


async def test_top_ups_are_no_findings(asleep: Shop) -> None:
    asleep.call("top_up", TopUp(account=asleep.id("acme"), amount=Decimal(5)), machine_now())
    assert (await look(asleep, Part.BOOKS, IDLE))[0] == ()


async def closing(shop: Shop) -> str:
    """An account that was closed 60 days ago, whose closing for good is overdue."""
    acme = shop.id("shut")
    opened = NewAccount(id=acme, seller=shop.config.seller, currency="USD", timezone="UTC")
    long_ago = machine_now() - timedelta(days=60)
    open_account(shop.perennial.ledger, opened, long_ago)
    shop.call("close_account", CloseAccount(account=acme), long_ago)
    return acme


async def test_the_workflow_of_an_account_with_a_step_that_is_gone_is_started(
    asleep: Shop,
) -> None:
    acme = await closing(asleep)
    findings, workflows = await look(asleep, Part.ACCOUNTS, Standing(runs=False, idle=True))
    assert [(f.kind, f.subject, f.repaired) for f in findings] == [
        (FindingKind.WORKFLOW_MISSING, acme, True)
    ]
    assert workflows.started == [acme]


async def test_an_incremental_pass_looks_only_at_accounts_whose_step_is_overdue(
    asleep: Shop,
) -> None:
    """Many accounts wait for the end of the month."""
    opened = NewAccount(
        id=asleep.id("soon"), seller=asleep.config.seller, currency="USD", timezone="UTC"
    )
    open_account(asleep.perennial.ledger, opened, machine_now())
    asleep.call("close_account", CloseAccount(account=opened.id), machine_now())
    findings, workflows = await look(asleep, Part.ACCOUNTS, Standing(runs=False, idle=True))
    assert (findings, workflows.started) == ((), [])


async def test_an_account_that_sleeps_over_its_step_is_told(asleep: Shop) -> None:
    acme = await closing(asleep)
    findings, workflows = await look(asleep, Part.ACCOUNTS, IDLE)
    assert [(f.kind, f.subject, f.repaired) for f in findings] == [
        (FindingKind.OVERDUE, acme, True)
    ]
    assert [snapshot.subject for snapshot in workflows.heard] == [of_account(acme)]


async def test_an_account_whose_workflow_is_stuck_is_reported(asleep: Shop) -> None:
    await closing(asleep)
    stuck = Standing(runs=True, idle=False, trouble="close_for_good fails")
    findings, _ = await look(asleep, Part.ACCOUNTS, stuck)
    assert [(f.kind, f.what, f.repaired) for f in findings] == [
        (FindingKind.OVERDUE, "close_for_good fails", False)
    ]


async def test_reconciliation_starts_what_was_lost_and_it_does_its_step(shop: Shop) -> None:
    acme = await shop.account(opening="0.00")
    await shop.perennial.do(CloseAccount(account=acme))
    await shop.account_workflow().terminate("lost")
    report = await reconcile(shop.perennial, full=True)
    assert [(f.kind, f.subject) for f in report.findings] == [(FindingKind.WORKFLOW_MISSING, acme)]
    await shop.advance(2021, 3, 1)
    assert shop.events() == ["account_closed", "account_closed_for_good"]


def number_in_use(
    shop: Shop, subscription: str, now: Any, hold: HoldKind = HoldKind.NORMAL
) -> None:
    """Take a number into use for which the subscription is not priced."""
    ledger = shop._activities(now).ledger
    with ledger.work(now, subscription=subscription) as work:
        numbers.take(work, subscription, [Wanted(number="+491", sku="DID", hold=hold)])


async def test_an_overdue_step_of_a_number_is_reported(asleep: Shop) -> None:
    long_ago = machine_now() - timedelta(days=2)
    s = await asleep.bought(long_ago, start=False)
    number_in_use(asleep, s, long_ago)
    ledger = asleep._activities(long_ago).ledger
    with ledger.work(long_ago, subscription=s) as work:
        numbers.give_back(work, s, Cause.SWAPPED, ["+491"])
    findings, _ = await look(asleep, Part.NUMBERS, IDLE, grace=timedelta(days=9))
    assert findings == ()
    asleep.sql("UPDATE steps SET due = due - interval '1 hour' WHERE subject_kind = 'number'")
    asleep.sql("UPDATE steps SET clock = 'c' WHERE subject_kind = 'number'")
    assert (await look(asleep, Part.NUMBERS, IDLE))[0] == ()
    asleep.sql("UPDATE steps SET clock = NULL, due = due - interval '1 day'")
    [finding], _ = await look(asleep, Part.NUMBERS, IDLE, batch=1)
    assert (finding.kind, finding.subject, finding.repaired) == (
        FindingKind.OVERDUE,
        "main/+491",
        False,
    )
    assert finding.what.startswith("release was due at ")


async def test_numbers_that_are_not_those_of_the_subscription_are_reported(asleep: Shop) -> None:
    s = await asleep.bought(machine_now(), start=False)
    asleep.sql("UPDATE subscriptions SET workflow_started = true")

    async def found_in_inventory() -> list[str]:
        findings, _ = await look(asleep, Part.SUBSCRIPTIONS, IDLE)
        return [f.what for f in findings if f.kind is FindingKind.INVENTORY]

    assert await found_in_inventory() == []
    number_in_use(asleep, s, machine_now())
    assert await found_in_inventory() == ["+491 is in use by it but not priced for"]
    asleep.sql("UPDATE subscriptions SET numbers = :numbers", numbers='{"+491": "DID"}')
    assert await found_in_inventory() == []
    asleep.sql("UPDATE subscriptions SET numbers = :n", n='{"+491": "DID", "+492": "DID"}')
    assert await found_in_inventory() == ["+492 is priced for but not in use by it"]
    asleep.sql("UPDATE subscriptions SET status = 'EXPIRED'")
    assert await found_in_inventory() == ["+491 is in use by it although it is EXPIRED"]
    asleep.sql("UPDATE numbers SET hold = 'byoi'")
    assert await found_in_inventory() == []


@pytest.mark.parametrize(
    ("told_of", "standing", "kind", "repaired"),
    [
        (False, Standing(runs=False, idle=True), FindingKind.NOT_STARTED, True),
        (True, Standing(runs=False, idle=True), FindingKind.WORKFLOW_MISSING, True),
        (True, Standing(runs=True, idle=True), FindingKind.WORKFLOW_BEHIND, True),
        (True, Standing(runs=True, idle=False), None, False),
        (True, Standing(runs=True, idle=False, trouble="it fails"), FindingKind.STUCK, False),
    ],
)
async def test_the_workflow_of_a_running_campaign_is_started_or_woken_up(
    asleep: Shop, told_of: bool, standing: Standing, kind: FindingKind | None, repaired: bool
) -> None:
    s = await asleep.bought(machine_now(), start=False)
    pattern = Extend(subscription=EACH, cycles=1, request_id=asleep.id("july"), actor="ann")
    campaign = (await asleep.perennial.campaigns.start(pattern, [s])).campaign
    asleep.sql("UPDATE campaigns SET told = :told", told=told_of)
    findings, workflows = await look(asleep, Part.CAMPAIGNS, standing)
    assert [(f.kind, f.subject, f.repaired) for f in findings] == (
        [(kind, campaign, repaired)] if kind else []
    )
    assert workflows.started == [campaign] * repaired
    asleep.sql("UPDATE campaigns SET state = 'paused'")
    assert (await look(asleep, Part.CAMPAIGNS, standing))[0] == ()
