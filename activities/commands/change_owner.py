"""Change owner: give a subscription to another account, in one transaction on both (Rule 9)."""

from core.domain import commands, ownership
from core.domain.commands.change_owner import ChangeOwner, ChangeOwnerResult
from core.domain.events import Event
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import Subscription
from core.ledger import numbers
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def change_owner(work: Work, command: ChangeOwner, subscription: Subscription) -> CommandResult:
    """Give the subscription to the other account. What was paid stays with those who paid."""
    to = _new_owner(work, command)
    given = ownership.change_owner(
        subscription,
        to.account.id,
        work.policy_of(subscription),
        work.now,
        zone=to.zone,
        old_zone=work.zone,
    )
    result = ChangeOwnerResult(
        subscription=subscription.id, account=to.account.id, before=work.account.id
    )
    operation = to.operation(
        Purpose.CHANGE, commands.stored(result), subscription=subscription.id, command=command
    )
    work.event(
        Event.GIVEN_AWAY,
        command.rule,
        subscription=subscription.id,
        actor=command.actor,
        to=to.account.id,
    )
    to.event(
        Event.OWNER_CHANGED,
        command.rule,
        subscription=subscription.id,
        actor=command.actor,
        operation=operation,
        before=work.account.id,
    )
    numbers.hand_over(work, to, subscription.id, command.actor)
    return CommandResult(result=result, snapshot=work.give(given, to))


def _new_owner(work: Work, command: ChangeOwner) -> Work:
    """The new account. Refuses one that cannot have the subscription."""
    account, name = work.account, command.account
    if name == account.id:
        raise Refused(command.rule, f"{command.subscription} belongs to {name} already")
    to = work.others.get(name)
    if to is None or to.account.seller != account.seller:
        raise Refused(Rule.PURCHASE, f"there is no account {name}")
    if to.account.currency != account.currency:
        raise Refused(
            command.rule,
            f"account {name} has {to.account.currency}; only an account in {account.currency}, "
            f"the currency of {account.id}, can have {command.subscription}",
        )
    if to.clock != work.clock:
        raise Refused(
            command.rule,
            f"accounts {account.id} and {name} do not live by the same clock; "
            "only an account on the same test clock, or both on none, can have the subscription",
        )
    return to
