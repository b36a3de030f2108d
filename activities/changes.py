"""What the commands that change the contents of a subscription share (Rules 3.4, 9)."""

from dataclasses import replace

from activities.command_checks import covered
from core.domain import changes, commands, proration
from core.domain.commands.base import Result, SubscriptionCommand
from core.domain.commands.change_plan import ChangePlan
from core.domain.commands.changes import When
from core.domain.commands.set_addon import SetAddon
from core.domain.contents import Coming, Item
from core.domain.events import Event
from core.domain.fees import parts_of
from core.domain.proration import Prorated
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Contract, Subscription
from core.ledger import double_entry
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.period_amounts import periods_not_over
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult

NO_CHARGE = Prorated("", {})
"""A change that costs nothing now."""


def change(
    work: Work, command: ChangePlan | SetAddon, subscription: Subscription, wanted: Coming
) -> tuple[Subscription, Prorated]:
    """The subscription with a change, from today on or at renewal, and what the change costs now.

    Raises `Refused` 9 when it changes nothing, 4.1 when a price is missing, and the command's own
    rule when usable does not cover the cost.
    """
    if command.when is When.RENEWAL:
        changed = changes.at_renewal(subscription, wanted)
        if wanted.item is Item.PLAN:
            changes.check_cycle(changed, work.policy)
        check_new_prices(work, subscription, changed)
        return changed, NO_CHARGE
    changed = changes.from_today(subscription, wanted, work.today)
    prorated = prorate(work, subscription, wanted)
    if command.invoice_number is None:
        covered(work, prorated.amount, command.rule)
    return changed, prorated


def prorate(work: Work, subscription: Subscription, wanted: Coming) -> Prorated:
    """What a change that holds from today on costs in the paid periods that are not over.

    `subscription`: as it is before the change. Under a milestone contract nothing is charged (8.3).
    """
    periods = periods_not_over(work.connection, subscription.id, work.today)
    currency = work.account.currency
    prorated = proration.prorate(subscription, wanted, periods, work.catalog, currency, work.today)
    milestone = subscription.contract is Contract.MILESTONE
    return replace(prorated, charges={}) if milestone else prorated


def record(
    work: Work,
    command: SubscriptionCommand,
    event: Event,
    changed: Subscription,
    result: Result,
    prorated: Prorated = NO_CHARGE,
    **facts: object,
) -> CommandResult:
    """Save a changed subscription, with its operation, its charge and its line of the history.

    `event`: what happened.
    `changed`: the subscription with the change.
    `result`: what the command did.
    `prorated`: what it costs, default nothing. The caller has checked that usable covers it. When
    the command names an external invoice, that pays instead of the wallet.
    `facts`: more to tell in the history.
    """
    external_invoice = getattr(command, "invoice_number", None)
    charges = prorated.charges if external_invoice is None else {}
    fee = sum(charges.values(), ZERO)
    operation = work.operation(
        Purpose.PRORATED if fee else Purpose.CHANGE,
        commands.stored(result),
        subscription=changed.id,
        command=command,
        external_invoice=external_invoice,
    )
    work.post_cost(operation, prorated.cost, command.rule)
    if fee:
        work.post(operation, double_entry.fee(fee))
        for period, amount in charges.items():
            work.charge_period(operation, period, amount)
        work.invoice(operation, InvoiceKind.INDIVIDUAL, [prorated.line], fee)
    work.event(
        event,
        command.rule,
        subscription=changed.id,
        amount=-fee,
        actor=command.actor,
        operation=operation,
        external_invoice=external_invoice,
        **facts,
    )
    return CommandResult(result=result, snapshot=work.save(changed))


def check_new_prices(work: Work, before: Subscription, after: Subscription) -> None:
    """Refuse what the next cycle holds anew if it has no price today (Rule 4.1)."""
    currency, today = work.account.currency, work.today
    for part in set(parts_of(after.next_contents)) - set(parts_of(before.next_contents)):
        if work.catalog.price(part.sku, currency, today) is None:
            raise Refused(Rule.PURCHASE, f"{part.sku} has no price in {currency} on {today}")
