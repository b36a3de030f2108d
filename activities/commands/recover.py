"""Recover: renew a failed subscription now, by card if need be (Rule 6.1)."""

from typing import assert_never

from activities.card_charges import ask_card
from activities.numbers import leave_with_cycle
from activities.payments import Paid, activation_fees, done, pay, renewal_lines
from core.domain import funding, lifecycle
from core.domain.activation_fees import total_of
from core.domain.commands.recover import Recover
from core.domain.events import Event
from core.domain.fees import cost_of, payable
from core.domain.funding import Source
from core.domain.refusal import Refused
from core.domain.subscription import Failure, Subscription
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult

_UNCONFIRMED = (
    "an earlier card charge is still unconfirmed; try again after reconciliation has settled it"
)


def recover(
    work: Work, command: Recover, subscription: Subscription, *, card_allowed: bool
) -> CommandResult:
    """Collect the fee of one cycle, and move *E* by one cycle.

    Returns `needs_charge` if the card must be charged first. The caller then repeats the command
    with the key of the charge.
    """
    lines = renewal_lines(work, subscription)
    activation = activation_fees(work, subscription)
    fee = payable(subscription, lines) + total_of(activation)
    if command.invoice_number is None:
        match funding.fund(work.account, fee, work.today, card_allowed=card_allowed):
            case Source.CARD if not work.seller_covers(cost_of(lines)):
                raise Refused(command.rule, "the seller's own wallet does not cover the cost")
            case Source.CARD:
                if key := ask_card(work, [subscription], fee):
                    return CommandResult(needs_charge=key)
                raise Refused(command.rule, _UNCONFIRMED)
            case Source.WALLET:
                pass
            case Failure():
                raise Refused(command.rule, work.not_covered(fee))
            case unreachable:
                assert_never(unreachable)
    recovered, period = lifecycle.renew(subscription, work.now, work.policy_version)
    facts = pay(
        work,
        recovered,
        [Paid(period, lines)],
        purpose=Purpose.NEXT_CYCLE,
        cycle=subscription.expiry,
        event=Event.RECOVERED,
        rule=command.rule,
        command=command,
        external_invoice=command.invoice_number,
        activation=activation,
    )
    leave_with_cycle(work, subscription, period.start, command.actor)
    return done(facts, work.save(recovered))
