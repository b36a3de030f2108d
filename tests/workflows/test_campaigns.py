"""Campaigns on real workflows: each row once, whatever is paused, stopped, killed or started again.

Rule 4.2 holds for a campaign as a whole, and for each of its rows.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event as engine_event
from sqlalchemy import select

from activities import registry
from core.domain.campaigns import EACH, CampaignState, Control, RowOutcome
from core.domain.commands.change_plan import ChangePlan
from core.domain.commands.extend import Extend
from core.domain.commands.recover import Recover
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.faults import Faults
from core.domain.findings import FindingKind, Part
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.ledger.campaigns import control
from core.ledger.clocks import machine_now
from core.ledger.tables import History
from core.protocol.campaign_messages import campaign_workflow
from doors.application.campaigns import Campaigns
from doors.application.patience import NotAvailable
from doors.queries.campaigns import find_campaign, list_campaigns, receipt
from doors.service import campaigns as service
from doors.service.reconciliation import reconcile
from doors.service.relay import Relay
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import Shop, until


async def sold(shop: Shop, count: int, opening: str = "1000.00") -> list[str]:
    """So many subscriptions of one account."""
    await shop.account(opening=opening)
    return [await shop.buy(f"s{number}") for number in range(count)]


async def ended(shop: Shop, campaign: str) -> None:
    """Wait until the workflow of a campaign ends."""
    await shop.perennial.temporal.get_workflow_handle(campaign_workflow(campaign)).result()


def outcomes(shop: Shop, campaign: str) -> list[tuple[str, str | None, str | None]]:
    """What the receipt says: subscription, outcome, and the rule that refused."""
    return [
        (row.subscription.partition("-")[0], row.outcome, row.rule)
        for row in receipt(shop.perennial.ledger, campaign)
    ]


def pattern(shop: Shop, **changes: Any) -> Extend:
    return Extend(
        **{"subscription": EACH, "cycles": 1, "request_id": shop.id("july"), "actor": "ann"}
        | changes
    )


async def test_each_row_has_an_outcome_and_the_history_names_who_started_it(shop: Shop) -> None:
    ids = await sold(shop, 3, opening="200.00")
    preview = await shop.perennial.campaigns.preview(pattern(shop), ids)
    assert (preview.done, preview.refused_rows) == (1, 2)
    assert [(one.rule, one.count) for one in preview.refused] == [(Rule.EXTEND, 2)]
    assert [(one.currency, str(one.paid)) for one in preview.money] == [("USD", "50.00")]
    assert shop.balance() == "50.00", "a preview does nothing"

    started = await shop.perennial.campaigns.start(pattern(shop), ids)
    await ended(shop, started.campaign)
    assert outcomes(shop, started.campaign) == [
        ("s0", RowOutcome.DONE, None),
        ("s1", RowOutcome.REFUSED, Rule.EXTEND),
        ("s2", RowOutcome.REFUSED, Rule.EXTEND),
    ]
    view = find_campaign(shop.perennial.ledger, started.campaign)
    assert (view.done, view.refused, view.waiting) == (1, 2, 0)
    assert [(one.currency, str(one.paid)) for one in view.sums] == [("USD", "50.00000")]
    assert view.line.state is CampaignState.FINISHED
    assert (view.line.settled, view.options) == (3, {"cycles": 1})
    with shop.perennial.ledger.engine.connect() as connection:
        actors = connection.execute(select(History.actor).where(History.event == "extended"))
        assert actors.scalars().all() == ["ann"]
    assert shop.balance() == "0.00"


async def test_a_row_of_a_preview_takes_few_statements(shop: Shop) -> None:
    """What is due of the account is read once for each row, by the command itself."""
    ids = await sold(shop, 12, opening="2000.00")
    statements = []

    def seen(*cursor_and_statement: Any) -> None:
        statements.append(cursor_and_statement[2])

    engine_event.listen(shop.perennial.ledger.engine, "before_cursor_execute", seen)
    preview = await shop.perennial.campaigns.preview(pattern(shop), ids)
    assert preview.done == 12
    assert len(statements) <= 6 * 12 + 6
    assert shop.balance() == "1400.00"


async def test_the_same_request_is_one_campaign_and_another_one_is_refused(shop: Shop) -> None:
    """Rule 4.2: started twice by mistake, it is the same campaign. Nothing is done twice."""
    ids = await sold(shop, 2)
    first = await shop.perennial.campaigns.start(pattern(shop), ids)
    again = await shop.perennial.campaigns.start(pattern(shop), ids, rate=5)
    assert (again.campaign, again.repeated) == (first.campaign, True)
    await ended(shop, first.campaign)
    third = await shop.perennial.campaigns.start(pattern(shop), ids)
    assert third == again
    assert shop.balance() == "800.00"
    for other in (ids[:1], ids[::-1]):
        with pytest.raises(Refused, match=r"was used for another campaign.*rule 4\.2"):
            await shop.perennial.campaigns.start(pattern(shop), other)
    with pytest.raises(Refused, match=r"rule 4\.2"):
        await shop.perennial.campaigns.start(pattern(shop, cycles=2), ids)
    assert await shop.perennial.campaigns.started_by(shop.id("july")) == first.campaign
    assert await shop.perennial.campaigns.started_by(shop.id("june")) is None
    assert [line.campaign for line in list_campaigns(shop.perennial.ledger)] == [first.campaign]


async def test_wrong_rows_are_listed_by_line_and_nothing_is_started(shop: Shop) -> None:
    [known] = await sold(shop, 1)
    shop.sql("INSERT INTO sellers (id) VALUES ('other')")
    for ids, told in (
        ([known, known], "line 2: .* stands in line 1 already"),
        ([known, "nowhere"], "line 2: subscription nowhere was never created"),
        ([known, ""], "line 2: "),
        ([], "rows: there are none"),
    ):
        with pytest.raises(Faults, match=told):
            await shop.perennial.campaigns.start(pattern(shop), ids)
        with pytest.raises(Faults, match=told):
            await shop.perennial.campaigns.preview(pattern(shop), ids)
    shop.sql("UPDATE accounts SET seller = 'other'")
    with pytest.raises(Faults, match=r"line 1: subscription .* was never created"):
        await shop.perennial.campaigns.start(pattern(shop), [known])
    assert list_campaigns(shop.perennial.ledger) == []
    for refused in (
        shop.perennial.campaigns.pause("c-0"),
        shop.perennial.campaigns.set_rate("c-0", 5),
    ):
        with pytest.raises(Refused, match="there is no campaign c-0"):
            await refused


async def test_it_is_paused_goes_on_and_is_stopped_between_rows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row at a time. The test pauses after the first, and stops after the second."""
    monkeypatch.setattr(service, "AT_ONCE", 1)
    ids = await sold(shop, 3)
    record = service._Batch._record
    told: list[Callable[[], Any]] = []

    def recorded(self: Any, found: Any) -> None:
        record(self, found)
        told.append(found)
        with shop.perennial.ledger.transaction("campaign_state") as connection:
            what = Control.PAUSE if len(told) == 1 else Control.STOP
            control(connection, self._campaign, what, machine_now())

    monkeypatch.setattr(service._Batch, "_record", recorded)
    started = await shop.perennial.campaigns.start(pattern(shop), ids)
    campaign, workflow = started.campaign, campaign_workflow(started.campaign)
    ledger = shop.perennial.ledger
    await until(
        shop.perennial.temporal,
        workflow,
        lambda: find_campaign(ledger, campaign).line.state is CampaignState.PAUSED,
    )
    assert await shop.perennial.campaigns.pause(campaign) is CampaignState.PAUSED
    view = find_campaign(ledger, campaign)
    assert (view.done, view.waiting) == (1, 2)
    assert await shop.perennial.campaigns.resume(campaign) is CampaignState.RUNNING
    await ended(shop, campaign)
    view = find_campaign(ledger, campaign)
    assert (view.line.state, view.done, view.waiting) == (CampaignState.STOPPED, 2, 1)
    assert view.line.ended_at is not None
    with pytest.raises(Faults, match="is stopped; to resume it, it must be paused or finished"):
        await shop.perennial.campaigns.resume(campaign)
    assert await shop.perennial.campaigns.stop(campaign) is CampaignState.STOPPED
    assert shop.balance() == "750.00", "3 bought, 2 extended"
    assert outcomes(shop, campaign)[2] == ("s2", None, None)


@pytest.mark.parametrize("clock", [True, False], ids=["by its workflow", "in one transaction"])
async def test_a_wave_that_was_not_recorded_runs_again_and_does_nothing_twice(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch, clock: bool
) -> None:
    """Rule 4.2 for each row: the worker dies after the commands and before their record."""
    async with open_shop(clock=clock) as shop:
        await _dies_in_a_wave(shop, monkeypatch)


async def _dies_in_a_wave(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await sold(shop, 3)
    record, tries = service._Batch._record, []

    def fail_once(self: Any, found: Any) -> None:
        tries.append(found)
        if len(tries) == 1:
            raise ConnectionAbortedError("the worker is gone")
        record(self, found)

    monkeypatch.setattr(service._Batch, "_record", fail_once)
    monkeypatch.setattr(service._Batch, "_sql", _once)
    started = await shop.perennial.campaigns.start(pattern(shop), ids)
    await ended(shop, started.campaign)
    assert len(tries) == 2
    found = [outcome for _, outcome, _ in outcomes(shop, started.campaign)]
    assert found == [RowOutcome.REPEATED] * 3
    assert shop.balance() == "700.00"
    view = find_campaign(shop.perennial.ledger, started.campaign)
    assert [str(one.paid) for one in view.sums] == ["150.00000"]


async def _once(_: Any, function: Callable[..., Any], *args: Any) -> Any:
    return await asyncio.to_thread(function, *args)


async def test_a_row_that_cannot_work_is_unknown_and_is_tried_again_on_request(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await sold(shop, 2)
    extend = registry._COMMANDS["extend"]

    def broken(ledger: Any, request: Any) -> Any:
        if request.command.subscription == ids[1]:
            raise ValueError("it never works")
        return extend(ledger, request)

    monkeypatch.setitem(registry._COMMANDS, "extend", broken)
    preview = await shop.perennial.campaigns.preview(pattern(shop), ids)
    assert (preview.done, len(preview.failing)) == (1, 1)
    started = await shop.perennial.campaigns.start(pattern(shop), ids)
    await ended(shop, started.campaign)
    rows = list(receipt(shop.perennial.ledger, started.campaign))
    assert [row.outcome for row in rows] == [RowOutcome.DONE, RowOutcome.UNKNOWN]
    assert "it never works" in (rows[1].sentence or "")
    assert find_campaign(shop.perennial.ledger, started.campaign).line.settled == 2

    monkeypatch.setitem(registry._COMMANDS, "extend", extend)
    await shop.perennial.campaigns.resume(started.campaign)
    await ended(shop, started.campaign)
    found = [outcome for _, outcome, _ in outcomes(shop, started.campaign)]
    assert found == [RowOutcome.DONE, RowOutcome.DONE]
    assert shop.balance() == "800.00"


async def test_rows_that_a_wave_has_no_time_for_are_unknown_and_done_on_request(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So rows of one account that all take long never outlive their batch."""
    ids = await sold(shop, 2)
    with monkeypatch.context() as patched:
        patched.setattr(service, "_WAVE_SECONDS", 0.0)
        patched.setattr(service, "_TRIES", 1)
        started = await shop.perennial.campaigns.start(pattern(shop), ids)
        await ended(shop, started.campaign)
    rows = list(receipt(shop.perennial.ledger, started.campaign))
    assert [row.outcome for row in rows] == [RowOutcome.UNKNOWN] * 2
    assert "not begun" in (rows[1].sentence or "")
    await shop.perennial.campaigns.resume(started.campaign)
    await ended(shop, started.campaign)
    found = [outcome for _, outcome, _ in outcomes(shop, started.campaign)]
    assert found == [RowOutcome.DONE, RowOutcome.DONE]


async def test_a_long_campaign_continues_as_new_and_carries_no_rows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row is a batch of its own here, and each run has two of them."""
    monkeypatch.setattr(service, "AT_ONCE", 1)
    monkeypatch.setattr(service, "_BATCH_SECONDS", 0.0)
    monkeypatch.setattr("workflows.campaign._BATCHES", 2)
    ids = await sold(shop, 5)
    started = await shop.perennial.campaigns.start(pattern(shop), ids, rate=500)
    await ended(shop, started.campaign)
    assert find_campaign(shop.perennial.ledger, started.campaign).done == 5
    handle = shop.perennial.temporal.get_workflow_handle(campaign_workflow(started.campaign))
    assert await (await handle.describe()).memo() == {"seller": shop.config.seller}
    history = (await handle.fetch_history()).to_json()
    assert ids[4] not in history
    assert "continuedExecutionRunId" in history


async def test_a_crash_before_its_workflow_is_started_is_made_good_by_the_relay(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await sold(shop, 1)

    async def away(*_: Any) -> None:
        raise NotAvailable("Temporal is away")

    with monkeypatch.context() as patched:
        patched.setattr(Campaigns, "tell", away)
        started = await shop.perennial.campaigns.start(pattern(shop), ids)
    assert (await Relay(shop.perennial).once()).campaigns == 1
    await ended(shop, started.campaign)
    assert find_campaign(shop.perennial.ledger, started.campaign).done == 1
    assert (await Relay(shop.perennial).once()).campaigns == 0


async def test_a_running_campaign_that_temporal_has_lost_is_started_again(
    open_shop: OpenShop,
) -> None:
    """Reconciliation starts it from its rows (docs/decisions/0023). A paused one needs nothing."""
    async with open_shop(workers=()) as shop:
        ids = await sold(shop, 2)
        started = await shop.perennial.campaigns.start(pattern(shop), ids)
        campaign = started.campaign
        assert await found(shop) == [], "it waits for a worker, and that is not late yet"
        await _lose(shop, campaign)
        await shop.perennial.campaigns.pause(campaign)
        await _lose(shop, campaign)
        assert await found(shop) == []
        shop.sql("UPDATE campaigns SET state = 'running'")
        assert await found(shop) == [(FindingKind.WORKFLOW_MISSING, campaign, True)]
        async with shop.working():
            await ended(shop, campaign)
        assert find_campaign(shop.perennial.ledger, campaign).done == 2
        assert shop.balance() == "800.00"
        assert await found(shop) == []


async def _lose(shop: Shop, campaign: str) -> None:
    await shop.perennial.temporal.get_workflow_handle(campaign_workflow(campaign)).terminate("lost")


async def found(shop: Shop) -> list[tuple[FindingKind, str, bool]]:
    """What a reconciliation finds of campaigns."""
    report = await reconcile(shop.perennial)
    assert report.checked[Part.CAMPAIGNS] <= 1
    return [
        (one.kind, one.subject, one.repaired)
        for one in report.findings
        if one.subject.startswith("c-")
    ]


async def test_rows_on_the_machines_clock_wait_for_no_workflow_and_the_relay_tells_them(
    open_shop: OpenShop,
) -> None:
    """A row is one transaction here. The workflow learns of it, and does not run the command."""
    async with open_shop(clock=False) as shop:
        await shop.account(opening="250.00")
        ids = [await shop.bought(machine_now(), f"s{number}") for number in range(3)]
        started = await shop.perennial.campaigns.start(pattern(shop), ids)
        await ended(shop, started.campaign)
        found = [outcome for _, outcome, _ in outcomes(shop, started.campaign)]
        assert found == [RowOutcome.DONE, RowOutcome.DONE, RowOutcome.REFUSED]
        state = await shop.perennial.state(ids[0])
        assert state.subscription.expiry == shop.row(ids[0]).expiry, "it is told before it is asked"
        assert (await Relay(shop.perennial).once()).told == 1
        assert "ActivityTaskScheduled" not in await shop.history(ids[0])


async def test_a_workflow_that_is_told_of_its_end_ends(open_shop: OpenShop) -> None:
    async with open_shop(clock=False) as shop:
        await shop.account()
        ids = [await shop.bought(machine_now())]
        ending = Terminate(subscription=EACH, reason="over", request_id=shop.id("end"))
        await ended(shop, (await shop.perennial.campaigns.start(ending, ids)).campaign)
        assert (await Relay(shop.perennial).once()).told == 1
        assert (await shop.workflow(ids[0]).result())["next_step"] is None


async def test_rows_on_a_test_clock_give_way_to_the_commands_of_people(shop: Shop) -> None:
    """Priority 4 for what a campaign does, 1 for what a person waits for."""
    [s] = await sold(shop, 1)
    started = await shop.perennial.campaigns.start(pattern(shop), [s])
    await ended(shop, started.campaign)
    await shop.perennial.do(Unsubscribe(subscription=s))
    found = {}
    async for event in shop.workflow(s).fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled = event.activity_task_scheduled_event_attributes
            found[scheduled.activity_type.name] = scheduled.priority.priority_key
    assert found == {"extend": 4, "unsubscribe": 1}


async def test_it_recovers_by_card_and_changes_plans_on_the_machines_clock(
    open_shop: OpenShop,
) -> None:
    """Real accounts, several at once. A trial and an active one are refused by their rules."""
    async with open_shop(clock=False) as shop:
        now = machine_now()
        ids = []
        for number in range(4):
            await shop.account(f"a{number}", card="sim_ok")
            ids.append(await shop.bought(now, f"s{number}", account=f"a{number}"))
        change = ChangePlan(subscription=EACH, sku="BIZ", request_id=shop.id("plan"))
        started = await shop.perennial.campaigns.start(change, ids, rate=500)
        await ended(shop, started.campaign)
        assert find_campaign(shop.perennial.ledger, started.campaign).done == 4
        assert {shop.row(id_).sku for id_ in ids} == {"BIZ"}
        recover = Recover(subscription=EACH, request_id=shop.id("recover"))
        started = await shop.perennial.campaigns.start(recover, ids, rate=500)
        await ended(shop, started.campaign)
        [refused] = find_campaign(shop.perennial.ledger, started.campaign).refused_by
        assert (refused.rule, refused.rows) == (Rule.RECOVER, 4)


async def test_failed_renewals_on_a_test_clock_are_recovered(shop: Shop) -> None:
    """Rule 6.1 as a campaign. What a row sets off at once on the clock is finished with it."""
    ids = await sold(shop, 2, opening="100.00")
    await shop.advance(2021, 2, 8)
    assert shop.row(ids[0]).renewal_failed
    shop.call(
        "top_up",
        TopUp(account=shop.id("acme"), amount=Decimal(60)),
        datetime(2021, 2, 8, tzinfo=UTC),
    )
    recover = Recover(subscription=EACH, request_id=shop.id("r"))
    preview = await shop.perennial.campaigns.preview(recover, ids)
    assert (preview.done, [one.rule for one in preview.refused]) == (1, [Rule.RECOVER])
    started = await shop.perennial.campaigns.start(recover, ids)
    await ended(shop, started.campaign)
    assert [(o, r) for _, o, r in outcomes(shop, started.campaign)] == [
        (RowOutcome.DONE, None),
        (RowOutcome.REFUSED, Rule.RECOVER),
    ]
