"""Commands as updates and signals: each is refused at once or runs once."""

import asyncio
import itertools
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError

from core.domain.commands import RESULTS, SUBSCRIPTION_COMMANDS, AnyCommand
from core.domain.commands.extend import Extend
from core.domain.commands.purchase import Purchase
from core.domain.commands.reactivate import Reactivate
from core.domain.commands.recover import Recover
from core.domain.commands.resubscribe import Resubscribe
from core.domain.commands.resume import Resume
from core.domain.commands.set_account import SetAccount
from core.domain.commands.set_card import SetCard
from core.domain.commands.suspend import Suspend
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp, TopUpResult
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.refusal import Refused
from core.domain.steps import of_subscription
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import AccountSnapshot, CommandResult, StepRequest
from core.protocol.workflow_messages import (
    SCHEMA,
    AccountInput,
    SubscriptionInput,
    SubscriptionMessage,
    Tick,
    account_workflow,
    subscription_workflow,
)
from doors.application.perennial import Perennial
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import FEBRUARY, JANUARY, Shop, kinds

SUBSCRIPTION_RESULTS = tuple(RESULTS[do] for do in SUBSCRIPTION_COMMANDS)


def rule(result: CommandResult) -> str | None:
    """The rule that refused the command, or None."""
    return result.refusal and result.refusal.rule


# refused at once


async def test_what_the_table_refuses_is_refused_at_once_and_leaves_no_trace(shop: Shop) -> None:
    await shop.account()
    s = await shop.buy()
    before = await shop.settled(s)
    assert rule(await shop.perennial.do(Recover(subscription=s, request_id="a"))) == "6.1"
    assert rule(await shop.perennial.do(Reactivate(subscription=s, request_id="b"))) == "7"
    assert rule(await shop.perennial.do(Resubscribe(subscription=s, request_id="c"))) == "8.1"
    assert await shop.history(s) == before
    assert shop.events(s) == ["purchased"]


async def test_what_only_the_database_knows_is_refused_by_the_use_case(shop: Shop) -> None:
    await shop.account(opening="60.00")
    s = await shop.buy()
    refused = await shop.perennial.do(Extend(subscription=s, cycles=1, request_id="a"))
    assert refused.refusal is not None
    assert (refused.refusal.rule, refused.refusal.reason) == (
        "6.2",
        "usable 10.00 USD does not cover 50.00",
    )


async def test_a_snapshot_that_is_behind_never_refuses(shop: Shop) -> None:
    """The workflow does not know yet that the renewal has failed. It must not refuse to recover."""
    await shop.account(opening="50.00")
    s = await shop.buy()
    shop.set_clock(FEBRUARY)
    shop.step("renew", StepRequest(subject=of_subscription(s), version=1, now=FEBRUARY))
    shop.call("top_up", TopUp(account=shop.id("acme"), amount=Decimal(49)), FEBRUARY)
    assert not (await shop.perennial.state(s)).subscription.renewal_failed
    assert (
        rule(await shop.perennial.command(Recover(subscription=s, request_id="a"), FEBRUARY))
        == "6.1"
    )  # by the use case: 49 < 50
    shop.call("top_up", TopUp(account=shop.id("acme"), amount=Decimal(1)), FEBRUARY)
    assert shop.events(s)[-1] == "renewed"


async def test_a_suspension_refuses_commands_although_the_workflow_knows_nothing_of_it(
    shop: Shop,
) -> None:
    await shop.account()
    s = await shop.buy()
    shop.call("suspend", Suspend(account=shop.id("acme")), JANUARY)
    assert rule(await shop.perennial.do(Unsubscribe(subscription=s, request_id="a"))) == "11.8"
    shop.call("resume", Resume(account=shop.id("acme")), JANUARY)
    assert rule(await shop.perennial.do(Unsubscribe(subscription=s, request_id="c"))) is None


async def test_a_terminated_subscription_refuses_commands_and_still_replays_old_requests(
    shop: Shop,
) -> None:
    await shop.account()
    s = await shop.buy()
    extend = Extend(subscription=s, cycles=1, request_id="e")
    extended = await shop.perennial.do(extend)
    ended = await shop.perennial.do(Terminate(subscription=s, reason="moved away", request_id="t"))
    await shop.workflow(s).result()
    for command in (
        Recover(subscription=s, request_id="x"),
        Extend(subscription=s, cycles=1, request_id="y"),
    ):
        assert rule(await shop.perennial.do(command)) == "2"
    assert await shop.perennial.do(extend) == replace(extended, replayed=True, snapshot=None)
    again = await shop.perennial.do(Terminate(subscription=s, reason="moved away", request_id="t"))
    assert (again.result, again.replayed) == (ended.result, True)
    assert rule(await shop.perennial.do(Extend(subscription=s, cycles=2, request_id="e"))) == "4.2"
    assert shop.events(s) == ["purchased", "extended", "terminated", "refunded"]


async def test_what_was_never_created_is_refused(shop: Shop) -> None:
    await shop.account()
    assert (
        rule(await shop.perennial.do(Recover(subscription=shop.id("unknown"), request_id="x")))
        == "4.1"
    )
    assert (
        rule(
            await shop.perennial.do(
                TopUp(account=shop.id("unknown"), amount=Decimal(1), request_id="y")
            )
        )
        == "4.1"
    )
    assert (
        rule(
            await shop.perennial.do(
                Purchase(
                    subscription=shop.id("s"), account=shop.id("acme"), sku="NIX", request_id="z"
                )
            )
        )
        == "4.1"
    )


# account


async def test_suspend_and_resume_are_refused_at_once_when_they_change_nothing(shop: Shop) -> None:
    await shop.account()
    s = await shop.buy()
    assert rule(await shop.perennial.do(Resume(account=shop.id("acme"), request_id="a"))) == "11.8"
    suspended = await shop.perennial.do(Suspend(account=shop.id("acme"), request_id="b"))
    assert "The account is suspended" in await shop.perennial.why_not_renewed(s)
    assert rule(await shop.perennial.do(Suspend(account=shop.id("acme"), request_id="c"))) == "11.8"
    assert (
        await shop.perennial.do(Suspend(account=shop.id("acme"), request_id="b"))
    ).result == suspended.result
    await shop.perennial.do(Resume(account=shop.id("acme"), request_id="d"))
    assert "suspended" not in await shop.perennial.why_not_renewed(s)
    assert shop.events() == ["purchased", "account_suspended", "account_resumed"]


async def test_a_suspended_account_does_not_renew_and_recovers_after_it_has_resumed(
    shop: Shop,
) -> None:
    await shop.account()
    s = await shop.buy()
    await shop.perennial.do(Suspend(account=shop.id("acme"), request_id="a"))
    await shop.advance(2021, 2, 7)
    assert "the account was suspended" in await shop.perennial.why_not_renewed(s)
    await shop.perennial.do(Resume(account=shop.id("acme"), request_id="b"))
    assert rule(await shop.perennial.do(Recover(subscription=s, request_id="c"))) is None
    assert shop.events(s) == ["purchased", "renewal_failed", "recovered"]


async def test_settings_of_an_account_are_updates_too(shop: Shop) -> None:
    await shop.account(opening="50.00")
    s = await shop.buy()
    await shop.perennial.do(SetCard(account=shop.id("acme"), card="sim_ok", request_id="a"))
    await shop.perennial.do(SetAccount(account=shop.id("acme"), renew_by_card=True, request_id="b"))
    await shop.advance(2021, 2, 7)
    assert shop.events(s)[-1] == "renewed"
    assert shop.charges() == [(1, True)]


async def test_many_top_ups_at_once_are_all_there(open_shop: OpenShop) -> None:
    async with open_shop(clock=False) as shop:
        await shop.account(opening="0.00")
        commands = [
            TopUp(account=shop.id("acme"), amount=Decimal(n), request_id=shop.id(f"t{n}"))
            for n in range(1, 31)
        ]
        results = await asyncio.gather(*(shop.perennial.do(command) for command in commands * 2))
        assert [result.result for result in results] == [
            TopUpResult(account=command.account, amount=command.amount, currency="USD")
            for command in commands
        ] * 2
        assert shop.balance() == "465.00"


# signals


async def test_signals_are_accepted_while_no_worker_is_up_and_run_once(
    open_shop: OpenShop,
) -> None:
    async with open_shop(workers=(), rules={"retry_on_top_up": False}) as shop:
        await shop.account(opening="50.00")
        s = await shop.buy()
        shop.set_clock(FEBRUARY)
        shop.step("renew", StepRequest(subject=of_subscription(s), version=1, now=FEBRUARY))
        shop.call("top_up", TopUp(account=shop.id("acme"), amount=Decimal(80)), FEBRUARY)
        recover, refund = (
            Recover(subscription=s, request_id=shop.id("r")),
            Terminate(subscription=s, reason="r", request_id=shop.id("t")),
        )
        for command in (recover, recover, refund, recover, refund):
            await shop.perennial.send(command)
        async with shop.working():
            await shop.workflow(s).result()
        assert shop.events(s) == [
            "purchased",
            "renewal_failed",
            "recovered",
            "terminated",
            "refunded",
        ]
        assert shop.row(s).terminated_on == date(2021, 2, 7)  # of the test clock
        # 80 − 50 for the cycle that has not begun, and 50 back for it. The current one gives none.
        assert shop.balance() == "80.00"


async def test_the_same_signal_twice_is_done_once(shop: Shop) -> None:
    await shop.account(opening="50.00")
    s = await shop.buy()
    await shop.advance(2021, 2, 7)
    await shop.perennial.do(
        SetAccount(account=shop.id("acme"), credit_limit=Decimal(500), request_id="limit")
    )
    command = Recover(subscription=s, request_id=shop.id("r"))
    await shop.perennial.send(command)
    await shop.until(s, lambda: shop.events(s)[-1] == "recovered")
    await shop.perennial.send(command)
    # This command is behind the signal in the queue.
    await shop.perennial.do(Unsubscribe(subscription=s, request_id=shop.id("after")))
    assert shop.events(s)[-2:] == ["recovered", "unsubscribed"]
    assert (await shop.perennial.state(s)).subscription.version == shop.row(s).version


async def test_a_signal_without_a_request_id_or_for_another_subscription_is_dropped(
    shop: Shop,
) -> None:
    await shop.account()
    s = await shop.buy()
    with pytest.raises(ValueError, match="needs a request id"):
        await shop.perennial.send(Terminate(subscription=s, reason="r"))
    handle = shop.workflow(s)
    await handle.signal(
        "terminate", SubscriptionMessage(command=Terminate(subscription=s, reason="r"))
    )
    await handle.signal(
        "terminate",
        SubscriptionMessage(command=Terminate(subscription="other", reason="r", request_id="a")),
    )
    await handle.signal(
        "terminate", SubscriptionMessage(command=Recover(subscription=s, request_id="b"))
    )
    await handle.signal(
        "recover",
        SubscriptionMessage(command=Terminate(subscription=s, reason="r", request_id="c")),
    )
    await shop.perennial.do(Unsubscribe(subscription=s, request_id=shop.id("after")))
    assert shop.events(s) == ["purchased", "unsubscribed"]


# invalid messages


async def not_stopped(shop: Shop, subscription: str) -> None:
    """No workflow task has failed, and the workflow still runs commands."""
    await shop.perennial.do(
        Unsubscribe(subscription=subscription, request_id=shop.id("still there"))
    )
    assert await shop.faulty_tasks(subscription) == []
    assert shop.events(subscription) == ["purchased", "unsubscribed"]


@pytest.mark.parametrize("name", ["recover", "terminate", "moved", "unknown"])
@pytest.mark.parametrize(
    "values",
    [
        [],
        [None],
        ["rubbish"],
        [b"\x00\xff"],
        [1, 2, 3],
        [{"command": {"do": "recover"}}],
        [{"subscription": {}}],
    ],
)
async def test_no_signal_stops_a_workflow(shop: Shop, name: str, values: list[Any]) -> None:
    await shop.account()
    s = await shop.buy()
    await shop.workflow(s).signal(name, args=values)
    await not_stopped(shop, s)


@pytest.mark.parametrize("name", ["recover", "terminate", "tick", "unknown"])
@pytest.mark.parametrize(
    "values",
    [
        [],
        [None],
        ["rubbish"],
        [1, 2, 3],
        [{"command": {"do": "recover"}}],
        [{"now": "2021-02-07T00:00:00", "version": 1}],
    ],
)
async def test_no_update_stops_a_workflow(shop: Shop, name: str, values: list[Any]) -> None:
    await shop.account()
    s = await shop.buy()
    before = await shop.settled(s)
    with pytest.raises(WorkflowUpdateFailedError):
        await shop.workflow(s).execute_update(name, args=values)
    assert await shop.history(s) == before
    await not_stopped(shop, s)


async def test_a_subscription_by_the_machines_clock_ignores_instants_that_callers_name(
    open_shop: OpenShop,
) -> None:
    async with open_shop(clock=False) as shop:
        await shop.account()
        s = await shop.bought(machine_now())
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await shop.workflow(s).execute_update(
                "tick", Tick(now=datetime(2031, 1, 1, tzinfo=JANUARY.tzinfo), version=1)
            )
        assert isinstance(failed.value.cause, ApplicationError)
        message = SubscriptionMessage(
            command=Unsubscribe(subscription=s), now=datetime(2031, 1, 1, tzinfo=JANUARY.tzinfo)
        )
        await shop.workflow(s).execute_update("unsubscribe", message)
        last = shop.sql("SELECT at FROM history ORDER BY seq DESC LIMIT 1").scalar_one()
        assert last.year < 2031


async def test_an_input_of_newer_code_waits_for_a_worker_that_reads_it(shop: Shop) -> None:
    """Its workflow task fails and the server retries it. The workflow itself does not fail."""
    await shop.account()
    s = await shop.bought(JANUARY, start=False)
    [(snapshot, *_)] = shop.perennial.ledger.snapshots([s], JANUARY)
    newer = {
        subscription_workflow(s): (
            "Subscription",
            SubscriptionInput(snapshot=snapshot, schema=SCHEMA + 1),
        ),
        account_workflow(shop.id("acme")): (
            "Account",
            AccountInput(
                snapshot=AccountSnapshot(
                    account=shop.id("acme"), version=1, suspended=False, closed=False
                ),
                schema=SCHEMA + 1,
            ),
        ),
    }
    for id_, (name, start) in newer.items():
        handle: WorkflowHandle[Any, Any] = await shop.perennial.temporal.start_workflow(
            name, start, id=id_, task_queue=shop.config.task_queue
        )
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.HasField("workflow_task_failed_event_attributes"):
                assert (
                    f"reads up to {SCHEMA}"
                    in event.workflow_task_failed_event_attributes.failure.message
                )
                break
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        await handle.terminate()


async def test_no_query_stops_a_workflow(shop: Shop) -> None:
    await shop.account()
    s = await shop.buy()
    handle: WorkflowHandle[Any, Any] = shop.workflow(s)
    with pytest.raises(WorkflowQueryFailedError):
        await handle.query("unknown")
    await not_stopped(shop, s)


async def test_a_command_that_can_never_work_fails_and_the_next_one_runs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from activities import registry

    def never(*_: Any) -> Any:
        raise ValueError("it can never work")

    monkeypatch.setitem(registry._COMMANDS, "terminate", never)
    await shop.account()
    s = await shop.buy()
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await shop.perennial.do(Terminate(subscription=s, reason="r", request_id="a"))
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "Impossible"
    await not_stopped(shop, s)


async def test_a_command_without_a_request_id_runs_once_although_its_activity_is_retried(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies after the commit and before it has reported it."""
    from activities import registry

    extend = registry._COMMANDS["extend"]
    tries = itertools.count()

    def lose_the_first(*arguments: Any) -> Any:
        result = extend(*arguments)
        if next(tries) == 0:
            raise ConnectionError("lost")
        return result

    monkeypatch.setitem(registry._COMMANDS, "extend", lose_the_first)
    await shop.account()
    s = await shop.buy()
    await shop.perennial.do(Extend(subscription=s, cycles=1))
    assert shop.events(s) == ["purchased", "extended"]
    # The workflow knows what its lost activity did.
    state = await shop.perennial.state(s)
    assert (state.subscription.version, str(state.subscription.expiry)) == (2, "2021-03-14")


# queries


async def test_a_workflow_says_what_it_is_what_is_next_and_why(shop: Shop) -> None:
    await shop.account(opening="50.00")
    s = await shop.buy()
    state, step = await shop.perennial.state(s), await shop.perennial.next_step(s)
    assert state.subscription.expiry == date(2021, 2, 14)
    assert step is not None
    assert (step.kind, step.due, step.rule) == ("renew", FEBRUARY, "5.1")
    assert await shop.perennial.why_not_renewed(s) == (
        "It is not due: it is paid until 2021-02-14 and renews on 2021-02-07 (rule 5.1)."
    )
    await shop.advance(2021, 2, 7)
    assert await shop.perennial.why_not_renewed(s) == (
        "The renewal failed: the usable credits did not cover the fee (rule 5.3). "
        "The next retry is on 2021-02-09 (rule 5.4)."
    )
    await shop.advance(2021, 2, 20)
    assert (
        "It can be reactivated until it is terminated (rule 7)."
        in await shop.perennial.why_not_renewed(s)
    )


# at once


async def test_50_equal_purchases_at_once_are_one_subscription_and_one_charge(
    open_shop: OpenShop,
) -> None:
    async with open_shop(clock=False) as shop:
        await shop.account(opening="1000.00")
        command = Purchase(
            subscription=shop.id("s"),
            account=shop.id("acme"),
            sku="PRO",
            request_id=shop.id("order"),
        )
        results = await asyncio.gather(*(shop.perennial.do(command) for _ in range(50)))
        assert all(
            result.refusal is None and result.result == results[0].result for result in results
        )
        assert sorted(result.replayed for result in results) == [False] + [True] * 49
        assert shop.balance() == "950.00"
        assert shop.events() == ["purchased"]
        assert (await shop.history(command.subscription)).count("WorkflowExecutionStarted") == 1


def twenty(subscription: str, ids: str) -> list[AnyCommand]:
    """Twenty different commands, some of which exclude others."""
    s = subscription
    commands: list[AnyCommand] = [
        *(Extend(subscription=s, cycles=n) for n in range(1, 7)),
        *(Extend(subscription=s, to=date(2027 + n, 1, 31)) for n in range(4)),
        Unsubscribe(subscription=s, actor="a"),
        Unsubscribe(subscription=s, actor="b"),
        Unsubscribe(subscription=s, actor="c"),
        Resubscribe(subscription=s, actor="a"),
        Resubscribe(subscription=s, actor="b"),
        Recover(subscription=s),
        Reactivate(subscription=s),
        Terminate(subscription=s, reason="a"),
        Terminate(subscription=s, reason="b"),
        Extend(subscription=s, cycles=0),
    ]
    return [replace(command, request_id=f"{ids}-{n}") for n, command in enumerate(commands)]


async def test_the_result_of_20_different_commands_at_once_is_that_of_some_order_of_them(
    open_shop: OpenShop,
) -> None:
    async with open_shop(clock=False) as shop:
        await shop.account("acme", opening="4000.00")
        await shop.account("twin", opening="4000.00")
        now = machine_now()
        s, twin = (
            await shop.bought(now, "s"),
            await shop.bought(now, "t", account="twin", start=False),
        )
        commands = twenty(s, shop.id("s"))
        results = await asyncio.gather(*(shop.perennial.do(command) for command in commands))
        order = {
            row.request_id: row.id
            for row in shop.sql(
                "SELECT request_id, id FROM operations WHERE request_id IS NOT NULL"
            )
        }
        done = sorted(
            (n for n, result in enumerate(results) if result.refusal is None),
            key=lambda n: order[commands[n].request_id],
        )
        assert done
        # The same commands run on a twin, one after the other. In each state the test collects
        # the rules that would refuse the commands that were refused.
        same = twenty(twin, shop.id("t"))
        refusing: dict[int, set[str]] = {n: set() for n in range(len(same)) if n not in done}
        for n in [*done, None]:
            for m, rules in refusing.items():
                rules |= {rule(shop.rehearse(same[m].do, same[m], now)) or ""}
            if n is not None:
                result = shop.call(same[n].do, same[n], now)
                assert result.refusal is None
                assert isinstance(result.result, SUBSCRIPTION_RESULTS)
                assert replace(result.result, subscription=s) == results[n].result
        for n, rules in refusing.items():
            assert rule(results[n]) in rules, commands[n]
        assert shop.balance("acme") == shop.balance("twin")
        a, b = shop.row(s), shop.row(twin)
        assert (a.status, a.expiry, a.auto_renew, a.version) == (
            b.status,
            b.expiry,
            b.auto_renew,
            b.version,
        )


async def test_commands_of_many_subscriptions_do_not_wait_for_each_other(
    open_shop: OpenShop,
) -> None:
    async with open_shop(clock=False) as shop:
        await shop.account(opening="5000.00")
        subscriptions = [await shop.bought(machine_now(), f"s{n}") for n in range(20)]
        results = await asyncio.gather(
            *(
                shop.perennial.do(Extend(subscription=s, cycles=1, request_id=f"e{s}"))
                for s in subscriptions
            )
        )
        assert all(result.refusal is None for result in results)
        assert shop.balance() == "3000.00"
        assert "WorkflowExecutionUpdateCompleted" in kinds(
            await shop.workflow(subscriptions[0]).fetch_history()
        )


async def test_the_accounts_and_subscriptions_of_another_seller_are_not_found(shop: Shop) -> None:
    account, subscription = await shop.account(), await shop.buy()
    other = Perennial(
        Ledger(shop.perennial.ledger.engine, "other"), shop.perennial.temporal, shop.config
    )
    for command in (
        TopUp(account=account, amount=Decimal(1)),
        Terminate(subscription=subscription, reason="none of theirs"),
    ):
        result = await other.do(command)
        assert result.refusal is not None
        assert result.refusal.rule == "4.1"
    terminate = Terminate(subscription=subscription, reason="none of theirs", request_id="r")
    for attempt in (
        other.send(terminate),
        other.state(subscription),
        other.next_step(subscription),
        other.why_not_renewed(subscription),
    ):
        with pytest.raises(Refused, match=r"was never created \(rule 4.1\)"):
            await attempt
    shown = await other.preview(terminate)
    assert shown.refusal is not None
    assert shown.refusal.rule == "4.1"
    assert shown.result is None
    assert shop.row(subscription).status == "ACTIVE"
    assert shop.balance() == "950.00"


async def test_workflows_carry_their_seller_also_in_their_next_run(open_shop: OpenShop) -> None:
    async with open_shop(cycles_per_run=1) as shop:
        account, subscription = await shop.account(), await shop.buy()
        workflow = shop.workflow(subscription)
        first = await workflow.describe()
        await shop.advance(2021, 3, 10)
        assert await shop.perennial.do(TopUp(account=account, amount=Decimal(1)))
        of_account = shop.perennial.temporal.get_workflow_handle(account_workflow(account))
        later, told = await workflow.describe(), await of_account.describe()
        assert first.run_id != later.run_id
        for described in (first, later, told):
            assert await described.memo() == {"seller": shop.config.seller}
