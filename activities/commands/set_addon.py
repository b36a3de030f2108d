"""Set the quantity of an add-on, from today on or with the next paid cycle (Rules 3.4, 9)."""

from activities.changes import change, record
from activities.command_checks import check_sku
from core.domain.catalog import SkuKind
from core.domain.commands.changes import When
from core.domain.commands.set_addon import SetAddon, SetAddonResult
from core.domain.contents import Coming, Item
from core.domain.events import Event
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import Subscription
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def set_addon(work: Work, command: SetAddon, subscription: Subscription) -> CommandResult:
    """Another quantity. From today on, more of them cost the prorated difference."""
    sku, quantity, most = command.sku, command.quantity, work.policy.max_licences
    check_sku(work, sku, (SkuKind.ADDON,), "is no add-on")
    if quantity < 0:
        raise Refused(Rule.LICENCES, f"{quantity} licences of {sku}: at least 0")
    if quantity > most:
        raise Refused(Rule.LICENCES, f"{quantity} licences of {sku}: at most {most}")
    wanted = Coming(item=Item.ADDON, name=sku, amount=quantity)
    changed, prorated = change(work, command, subscription, wanted)
    result = SetAddonResult(
        subscription=subscription.id,
        sku=sku,
        quantity=quantity,
        amount=prorated.amount,
        currency=work.account.currency,
        at_renewal=command.when is When.RENEWAL,
        external_invoice=command.invoice_number,
    )
    return record(
        work,
        command,
        Event.ADDON_CHANGED,
        changed,
        result,
        prorated,
        sku=sku,
        quantity=quantity,
        when=command.when,
    )
