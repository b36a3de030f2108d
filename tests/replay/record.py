"""Records histories. Each path of the workflows runs on a throwaway server. Each run gets a file.

    python -m tests.replay.record              all paths
    python -m tests.replay.record commands     some of them

Run it when a workflow gets a new path. Recorded histories stay as they are. They stand for the
subscriptions that sleep in an installation while its code is upgraded, and the test replays them
with the present code. Record a path again only if no released version can have started it.
"""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog
from temporalio.client import (
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.service import RPCError

from activities import registry
from core.domain.campaigns import EACH
from core.domain.commands.add_number import AddNumber
from core.domain.commands.adjust import Adjust
from core.domain.commands.assign import Assign
from core.domain.commands.change_cycle import ChangeCycle
from core.domain.commands.change_owner import ChangeOwner
from core.domain.commands.change_plan import ChangePlan
from core.domain.commands.changes import When
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.convert import Convert
from core.domain.commands.extend import Extend
from core.domain.commands.pay_invoice import PayInvoice
from core.domain.commands.purchase import Purchase
from core.domain.commands.reactivate import Reactivate
from core.domain.commands.recover import Recover
from core.domain.commands.remove_number import RemoveNumber
from core.domain.commands.reopen_account import ReopenAccount
from core.domain.commands.resubscribe import Resubscribe
from core.domain.commands.resume import Resume
from core.domain.commands.set_account import SetAccount
from core.domain.commands.set_addon import SetAddon
from core.domain.commands.set_card import SetCard
from core.domain.commands.share import Share
from core.domain.commands.suspend import Suspend
from core.domain.commands.swap_number import SwapNumber
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.transfer import Transfer
from core.domain.commands.unshare import Unshare
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.commands.withdraw_changes import WithdrawChanges
from core.domain.steps import of_subscription
from core.domain.subscription import Mode
from core.ledger.clocks import machine_now
from core.ledger.database import migrate
from core.protocol.activity_messages import StepRequest
from core.protocol.campaign_messages import campaign_workflow
from doors.application.perennial import Perennial
from local import stack
from tests.workflows.shop import FEBRUARY, JANUARY, Shop, settings_for
from workflows.reconciliation import ReconciliationInput

HISTORIES = Path(__file__).parent / "histories"


@dataclass
class Recording:
    """The stack on which a path runs, and the name of the path, which is part of all its ids."""

    addresses: stack.Addresses
    path: str

    @asynccontextmanager
    async def shop(
        self, *, clock: bool = True, workers: bool = True, rules: Any = None, **changes: Any
    ) -> AsyncIterator[Shop]:
        """A shop whose ids end with the path's name."""
        config = settings_for(**changes)
        async with Perennial.connect(
            self.addresses.database_url, self.addresses.temporal_address, config
        ) as perennial:
            shop = Shop(perennial, config, unique=self.path)
            await shop.open(JANUARY if clock else None, **(rules or {}))
            if workers:
                async with shop.working():
                    yield shop
                    await _settle(shop)
            else:
                yield shop


async def _settle(shop: Shop) -> None:
    """Wait until no workflow task is open. A history that ends in one cannot be replayed."""
    for name in ("s", "a", "b"):
        description = await _described(shop.workflow(shop.id(name)))
        if description is not None and description.status is WorkflowExecutionStatus.RUNNING:
            await shop.settled(shop.id(name))


async def _described(handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionDescription | None:
    try:
        return await handle.describe()
    except RPCError:
        return None


Path_ = Callable[[Recording], Awaitable[None]]


async def renewals_local(recording: Recording) -> None:
    """Seven months from the wallet by local activities, in runs of three cycles."""
    async with recording.shop(cycles_per_run=3) as shop:
        await shop.account()
        await shop.buy()
        await shop.advance(2021, 8, 20)


async def renewals_regular(recording: Recording) -> None:
    """Three months by regular activities, in runs of one cycle."""
    async with recording.shop(renew_locally=False, cycles_per_run=1) as shop:
        await shop.account()
        await shop.buy()
        await shop.advance(2021, 4, 20)


async def renewal_by_timer(recording: Recording) -> None:
    """A renewal by the machine's clock, between two sleeps."""
    async with recording.shop(clock=False, jitter_seconds=80_000, cycles_per_run=12) as shop:
        s = await shop.due_soon()
        await shop.until_event(s, "MarkerRecorded")


async def renewal_by_timer_regular(recording: Recording) -> None:
    """The same by a regular activity, and then a new run."""
    async with recording.shop(
        clock=False, jitter_seconds=80_000, cycles_per_run=1, renew_locally=False
    ) as shop:
        s = await shop.due_soon()
        await shop.until_event(s, "WorkflowExecutionContinuedAsNew")


async def local_falls_back(recording: Recording) -> None:
    """A local renewal fails and runs again as a regular one."""
    renew, tries = registry._STEPS["renew"], []

    def fail_once(*arguments: Any) -> Any:
        tries.append(arguments)
        if len(tries) == 1:
            raise ConnectionError("the database is away")
        return renew(*arguments)

    registry._STEPS["renew"] = fail_once
    try:
        async with recording.shop() as shop:
            await shop.account()
            await shop.buy()
            await shop.advance(2021, 2, 7)
    finally:
        registry._STEPS["renew"] = renew


async def card(recording: Recording) -> None:
    """A renewal by card. The first response of the gateway is lost."""
    async with recording.shop() as shop:
        await shop.account(opening="50.00", card="sim_timeout_charged")
        await shop.buy()
        await shop.advance(2021, 2, 7)


async def declined_to_the_end(recording: Recording) -> None:
    """The card is declined on the renewal date and at each retry. It ends on day 29."""
    async with recording.shop() as shop:
        await shop.account(opening="50.00", card="sim_declined")
        s = await shop.buy()
        await shop.advance(2021, 4, 1)
        await shop.workflow(s).result()


async def unfunded_then_recovered(recording: Recording) -> None:
    """A renewal fails and is recovered by card. Later it is reactivated and then refunded."""
    async with recording.shop() as shop:
        await shop.account(opening="50.00")
        s = await shop.buy()
        await shop.advance(2021, 2, 10)
        await shop.perennial.do(
            SetCard(account=shop.id("acme"), card="sim_ok", request_id=shop.id("1"))
        )
        await shop.perennial.do(
            SetAccount(account=shop.id("acme"), renew_by_card=True, request_id=shop.id("2"))
        )
        await shop.perennial.do(Recover(subscription=s, request_id=shop.id("3")))
        await shop.perennial.do(
            SetCard(account=shop.id("acme"), card=None, request_id=shop.id("4"))
        )
        await shop.advance(2021, 3, 20)
        await shop.perennial.do(
            TopUp(account=shop.id("acme"), amount=Decimal(60), request_id=shop.id("5"))
        )
        await shop.perennial.do(Reactivate(subscription=s, request_id=shop.id("6")))
        await shop.perennial.do(Terminate(subscription=s, reason="enough", request_id=shop.id("7")))
        await shop.workflow(s).result()


async def commands(recording: Recording) -> None:
    """Commands that work, one that is refused, and one that can never work."""
    async with recording.shop() as shop:
        await shop.account(opening="200.00")
        s = await shop.buy()
        await shop.perennial.do(Extend(subscription=s, cycles=2, request_id=shop.id("1")))
        await shop.perennial.do(Unsubscribe(subscription=s, request_id=shop.id("2")))
        await shop.perennial.do(Resubscribe(subscription=s))
        await shop.perennial.do(Extend(subscription=s, cycles=9, request_id=shop.id("3")))
        terminate = registry._COMMANDS["terminate"]
        registry._COMMANDS["terminate"] = _never
        try:
            await shop.perennial.do(Terminate(subscription=s, reason="r", request_id=shop.id("4")))
        except WorkflowUpdateFailedError:
            await shop.advance(2021, 3, 1)
        finally:
            registry._COMMANDS["terminate"] = terminate


def _never(*_: Any) -> Any:
    raise ValueError("it can never work")


async def signals(recording: Recording) -> None:
    """Signals that arrive without a worker: repeated ones, and invalid ones, which are dropped."""
    async with recording.shop(workers=False, rules={"retry_on_top_up": False}) as shop:
        await shop.account(opening="50.00")
        s = await shop.buy()
        shop.set_clock(FEBRUARY)
        shop.step("renew", StepRequest(subject=of_subscription(s), version=1, now=FEBRUARY))
        shop.call("top_up", TopUp(account=shop.id("acme"), amount=Decimal(80)), FEBRUARY)
        await shop.workflow(s).signal("recover")
        await shop.workflow(s).signal("moved", "rubbish")
        for _ in range(2):
            await shop.perennial.send(Recover(subscription=s, request_id=shop.id("1")))
        async with shop.working():
            await shop.until(s, lambda: shop.events(s)[-1] == "recovered")
            await shop.perennial.send(Recover(subscription=s, request_id=shop.id("1")))
            await shop.perennial.send(
                Terminate(subscription=s, reason="enough", request_id=shop.id("2"))
            )
            await shop.workflow(s).result()


async def group(recording: Recording) -> None:
    """Two subscriptions renew together, fail together, and are healed by a top-up."""
    async with recording.shop() as shop:
        await shop.account(opening="180.00")
        await shop.buy("a", "PRO"), await shop.buy("b", "BIZ")
        await shop.advance(2021, 3, 8)
        await shop.perennial.do(
            TopUp(account=shop.id("acme"), amount=Decimal(90), request_id=shop.id("1"))
        )


async def suspended(recording: Recording) -> None:
    """An account is suspended over a renewal date and resumed. One workflow was not started."""
    async with recording.shop() as shop:
        await shop.account()
        await shop.buy("a")
        await shop.bought(JANUARY, "b", "BIZ", start=False)
        await shop.perennial.do(Suspend(account=shop.id("acme"), request_id=shop.id("1")))
        await shop.advance(2021, 2, 8)
        await shop.perennial.do(Resume(account=shop.id("acme"), request_id=shop.id("2")))


async def closed(recording: Recording) -> None:
    """An account is closed, opened again, closed once more, and then closed for good."""
    async with recording.shop() as shop:
        acme = await shop.account(opening="0.00")
        await shop.perennial.do(CloseAccount(account=acme, request_id=shop.id("1")))
        await shop.perennial.do(ReopenAccount(account=acme, request_id=shop.id("2")))
        await shop.perennial.do(CloseAccount(account=acme, request_id=shop.id("3")))
        await shop.advance(2021, 3, 1)


async def changes(recording: Recording) -> None:
    """Changes from today on, pending ones that are withdrawn, and one that the renewal brings."""
    async with recording.shop() as shop:
        await shop.account()
        s = await shop.buy()
        for number, command in enumerate(
            (
                SetAddon(subscription=s, sku="SEAT", quantity=2),
                ChangePlan(subscription=s, sku="BIZ"),
                ChangePlan(subscription=s, sku="YEAR", when=When.RENEWAL),
                WithdrawChanges(subscription=s),
                WithdrawChanges(subscription=s),
                ChangeCycle(subscription=s, multiplier=2),
            )
        ):
            await shop.perennial.do(replace(command, request_id=shop.id(str(number))))
        await shop.advance(2021, 2, 20)


async def numbers(recording: Recording) -> None:
    """Numbers are added, swapped and removed. The account makes its monthly invoice."""
    async with recording.shop() as shop:
        await shop.account()
        s = await shop.buy()
        for number, command in enumerate(
            (
                AddNumber(subscription=s, number="+651", sku="DID"),
                AddNumber(subscription=s, number="+652", sku="DID", when=When.RENEWAL),
                SwapNumber(subscription=s, number="+651", to="+653"),
                RemoveNumber(subscription=s, number="+653", when=When.RENEWAL),
                RemoveNumber(subscription=s, number="+651"),
            )
        ):
            await shop.perennial.do(replace(command, request_id=shop.id(str(number))))
        await shop.advance(2021, 2, 20)


async def trials(recording: Recording) -> None:
    """One trial is converted by command while it runs, one by card at its end."""
    async with recording.shop(rules={"trial_end": "convert"}) as shop:
        await shop.account()
        await shop.account("beta", opening="0.00", card="sim_ok")
        a, _ = await shop.try_out("a"), await shop.try_out("b", "beta")
        await shop.perennial.do(Convert(subscription=a, request_id=shop.id("1")))
        await shop.advance(2021, 1, 25)


async def owners(recording: Recording) -> None:
    """A subscription is assigned and shared, and then given to an account in another zone."""
    async with recording.shop() as shop:
        await shop.account(opening="50.00", timezone="Pacific/Honolulu")
        paris = await shop.account("paris", opening="50.00", timezone="Europe/Paris")
        s, ann = await shop.buy(), "ann@example.com"
        commands = (
            Assign(subscription=s, assignee=ann, request_id=shop.id("1")),
            Share(subscription=s, member=ann, request_id=shop.id("2")),
            Unshare(subscription=s, member=ann, request_id=shop.id("3")),
            ChangeOwner(subscription=s, account=paris, request_id=shop.id("4")),
        )
        await shop.advance(2021, 2, 7)
        for command in commands:
            await shop.perennial.do(command)
        await shop.until(s, lambda: shop.events(s)[-1] == "renewed")


async def money(recording: Recording) -> None:
    """An account is adjusted, pays another one, is topped up by card, and pays its invoice."""
    async with recording.shop() as shop:
        acme = await shop.account(opening="0.00", card="sim_ok")
        other = await shop.account("other", opening="0.00")
        for number, command in enumerate(
            (
                SetAccount(account=acme, auto_top_up=True),
                TopUp(account=acme, amount=Decimal(50)),
                Adjust(account=acme, amount=Decimal(-10), reason="too much"),
                Transfer(account=acme, to=other, amount=Decimal(30)),
                SetAccount(account=other, mode=Mode.POSTPAID, credit_limit=Decimal(20)),
                PayInvoice(account=other, amount=Decimal(5)),
            )
        ):
            await shop.perennial.do(replace(command, request_id=shop.id(str(number))))
        await shop.advance(2021, 1, 20)


async def turns(recording: Recording) -> None:
    """A subscription is due and sleeps. A purchase and a suspension run its step first."""
    async with recording.shop(clock=False, jitter_seconds=80_000) as shop:
        s = await shop.due_soon(3600.0)
        account = shop.row(s).account
        command = Purchase(
            subscription=shop.id("a"), account=account, sku="BIZ", request_id=shop.id("1")
        )
        await shop.perennial.do(command)
        await shop.perennial.do(Suspend(account=account, request_id=shop.id("2")))
        await shop.until(s, lambda: shop.events(s)[-1] == "renewed")


async def turn_of_another(recording: Recording) -> None:
    """A subscription is due by card and sleeps. A command on another one renews it first."""
    async with recording.shop(clock=False, jitter_seconds=80_000) as shop:
        s = await shop.due_soon(3600.0, opening="550.00", card="sim_ok")
        command = Purchase(
            subscription=shop.id("a"),
            account=shop.row(s).account,
            sku="YEAR",
            request_id=shop.id("1"),
        )
        shop.call("purchase", command, machine_now() - timedelta(days=9))
        await shop.perennial.start(command.subscription)
        await shop.perennial.do(
            Unsubscribe(subscription=command.subscription, request_id=shop.id("2"))
        )


async def silent_gateway(recording: Recording) -> None:
    """A renewal waits for a charge, and no worker makes it. A command ends the wait."""
    jitter = {"jitter_seconds": 80_000}
    async with (
        recording.shop(clock=False, workers=False, **jitter) as shop,
        shop.working("workflows", "activities"),
    ):
        s = await shop.due_soon(opening="50.00", card="sim_ok")
        await shop.until(s, lambda: bool(shop.sql("SELECT key FROM card_charges")))
        await shop.perennial.do(Unsubscribe(subscription=s, request_id=shop.id("1")))
        await _settle(shop)


async def purchase_after_a_charge(recording: Recording) -> None:
    """A renewal by card is due before a purchase. The account's workflow runs it."""
    async with recording.shop(clock=False, jitter_seconds=80_000) as shop:
        s = await shop.due_soon(3600.0, opening="50.00", card="sim_ok")
        account, t = shop.row(s).account, shop.id("t")
        await shop.perennial.do(
            Purchase(subscription=t, account=account, sku="PRO", request_id=shop.id("1"))
        )


async def outage(recording: Recording) -> None:
    """After an outage one subscription is renewed late, and another one has expired."""
    async with recording.shop(clock=False) as shop:
        await shop.account()
        now = machine_now()
        late, too_late = (
            await shop.bought(now - timedelta(days=34), "a"),
            await shop.bought(now - timedelta(days=80), "b"),
        )
        await shop.until(late, lambda: "renewed" in shop.events(late))
        await shop.until(too_late, lambda: "expired" in shop.events(too_late))
        await shop.settled(too_late)


async def flood(recording: Recording) -> None:
    """A run ends while commands wait, and the next one runs them. Only the next one is kept."""
    async with recording.shop(workers=False) as shop:
        await shop.account(opening="50.00")
        s = await shop.buy()
        [(old, _)] = shop.perennial.ledger.snapshots([s], JANUARY)
        gate = asyncio.Semaphore(50)

        async def moved() -> None:
            async with gate:
                await shop.workflow(s).signal("moved", old)

        await asyncio.gather(*(moved() for _ in range(4100)))
        for n in range(3):
            await shop.perennial.send(Recover(subscription=s, request_id=shop.id(f"r{n}")))
        async with shop.working():
            await shop.until_event(s, "WorkflowExecutionContinuedAsNew")
            await shop.settled(s)


async def reconciliation(recording: Recording) -> None:
    """All parts of a reconciliation, with findings in two of them."""
    async with recording.shop(clock=False) as shop:
        await shop.account()
        await shop.bought(machine_now() - timedelta(days=1), start=False)
        await shop.perennial.temporal.execute_workflow(
            "Reconciliation",
            ReconciliationInput(),
            id=f"reconciliation/{recording.path}",
            task_queue=shop.config.task_queue,
        )


async def campaign(recording: Recording) -> None:
    """A campaign is paused before its first batch, resumed, and done."""
    async with recording.shop(workers=False) as shop:
        await shop.account()
        ids = [await shop.buy(name) for name in ("s", "a")]
        pattern = Extend(subscription=EACH, cycles=1, request_id=shop.id("1"))
        campaigns = shop.perennial.campaigns
        id_ = (await campaigns.start(pattern, ids)).campaign
        await campaigns.pause(id_)
        workflow = campaign_workflow(id_)
        handle = shop.perennial.temporal.get_workflow_handle(workflow)
        async with shop.working():
            async for event in handle.fetch_history_events(wait_new_event=True):
                if event.HasField("activity_task_completed_event_attributes"):
                    break
            await campaigns.resume(id_)
            await handle.result()
            await _settle(shop)


PATHS: dict[str, Path_] = {
    path.__name__: path
    for path in (
        renewals_local,
        renewals_regular,
        renewal_by_timer,
        renewal_by_timer_regular,
        local_falls_back,
        card,
        declined_to_the_end,
        unfunded_then_recovered,
        commands,
        signals,
        group,
        suspended,
        closed,
        changes,
        numbers,
        trials,
        owners,
        money,
        turns,
        turn_of_another,
        silent_gateway,
        purchase_after_a_charge,
        outage,
        flood,
        reconciliation,
        campaign,
    )
}
_LONGEST = 1000


async def record(names: list[str]) -> None:
    """Run paths and write their histories."""
    for name in names:
        with stack.throwaway() as addresses:
            migrate(addresses.database_url)
            recording = Recording(addresses, name)
            await PATHS[name](recording)
            async with Perennial.connect(
                addresses.database_url, addresses.temporal_address, settings_for()
            ) as perennial:
                written = await _write(perennial, name)
        print(f"{name}: {written} runs")


async def _write(perennial: Perennial, path: str) -> int:
    written = 0
    for id_ in sorted({execution.id async for execution in perennial.temporal.list_workflows()}):
        for run in await _runs(perennial, id_):
            history = await run.fetch_history()
            if len(history.events) <= _LONGEST:
                written += 1
                kind, _, subject = id_.partition("/")
                name = f"{path}.{kind}-{subject.removesuffix(f'-{path}')}.{written}.json"
                (HISTORIES / name).write_text(
                    json.dumps(_plain(json.loads(history.to_json())), separators=(",", ":")) + "\n"
                )
    return written


async def _runs(perennial: Perennial, id_: str) -> list[WorkflowHandle[Any, Any]]:
    """All runs of a workflow id that the server still has, oldest first."""
    query = f"WorkflowId = '{id_}'"
    found = [execution async for execution in perennial.temporal.list_workflows(query)]
    found.sort(key=lambda execution: execution.start_time)
    return [
        perennial.temporal.get_workflow_handle(execution.id, run_id=execution.run_id)
        for execution in found
    ]


def _plain(value: Any) -> Any:
    """Replace identities and stack traces, which tell about the machine that recorded them."""
    if isinstance(value, dict):
        said = {"identity": "recorder", "stackTrace": "", "buildId": "recorder"}
        return {key: said.get(key, _plain(item)) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def main() -> None:
    """Run the script."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    HISTORIES.mkdir(exist_ok=True)
    names = sys.argv[1:] or list(PATHS)
    for old in [file for name in names for file in HISTORIES.glob(f"{name}.*")]:
        old.unlink()
    asyncio.run(record(names))


if __name__ == "__main__":
    main()
