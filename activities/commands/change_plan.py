"""Change the plan, from today on or with the next paid cycle (Rules 3.4, 9)."""

from activities.changes import change, record
from activities.command_checks import check_sku
from core.domain import changes
from core.domain.catalog import PRIMARY
from core.domain.commands.change_plan import ChangePlan, ChangePlanResult
from core.domain.commands.changes import When
from core.domain.contents import Coming, Item
from core.domain.events import Event
from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def change_plan(work: Work, command: ChangePlan, subscription: Subscription) -> CommandResult:
    """Another plan. From today on, a dearer one costs the prorated difference."""
    catalog, sku = work.catalog, command.sku
    check_sku(work, sku, PRIMARY, "is no plan")
    if command.when is When.NOW:
        changes.check_plan_from_today(subscription, sku, catalog)
    wanted = Coming(item=Item.PLAN, sku=sku, amount=catalog.months(sku))
    changed, prorated = change(work, command, subscription, wanted)
    result = ChangePlanResult(
        subscription=subscription.id,
        sku=sku,
        amount=prorated.amount,
        currency=work.account.currency,
        at_renewal=command.when is When.RENEWAL,
        external_invoice=command.invoice_number,
    )
    return record(
        work,
        command,
        Event.PLAN_CHANGED,
        changed,
        result,
        prorated,
        sku=sku,
        when=command.when,
    )
