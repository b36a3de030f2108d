"""Recover: renew a failed subscription now (Rule 6.1)."""

from activities.command_checks import on_subscription
from activities.payments import Paid, ask_card, done, pay, renewal_lines, take_up
from core.domain import funding, lifecycle
from core.domain.commands import Recover
from core.domain.events import Event
from core.domain.fees import total
from core.domain.funding import Source
from core.domain.refusal import Refusal, Refused
from core.domain.rules import Rule
from core.domain.subscription import Subscription
from core.ledger.double_entry import Purpose
from core.ledger.ledger import Ledger
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import ChargeOutcome, CommandRequest, CommandResult


def recover(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """Collect one cycle's fee, by card if need be, and move *E* by one cycle. Answers `needs_charge` when the card must be charged first:
    give the same command again with its key. A declined card refuses it, and is on record."""
    command = request.command
    assert isinstance(command, Recover)
    if (
        request.charge
        and _settle(ledger, command, request, request.charge) is ChargeOutcome.DECLINED
    ):
        return CommandResult(refusal=Refusal(Rule.RECOVER, "the card was declined"))

    def carry_out(work: Work, command: Recover, subscription: Subscription) -> CommandResult:
        lines = renewal_lines(work, subscription)
        fee = total(lines)
        if command.invoice_number is None:
            match funding.fund(work.account, fee, work.today, card_allowed=request.charge is None):
                case Source.CARD:
                    if key := ask_card(work, [subscription], fee):
                        return CommandResult(needs_charge=key)
                    raise Refused(
                        Rule.RECOVER,
                        "nobody knows yet what became of an earlier card charge; reconciliation finds it out",
                    )
                case Source.WALLET:
                    pass
                case _:
                    raise Refused(Rule.RECOVER, work.not_covered(fee))
        recovered, period = lifecycle.renew(subscription, work.now, work.policy_version)
        facts = pay(
            work,
            recovered,
            [Paid(period, lines)],
            purpose=Purpose.NEXT_CYCLE,
            cycle=subscription.expiry,
            event=Event.RECOVERED,
            rule=Rule.RECOVER,
            command=command,
            external_invoice=command.invoice_number,
        )
        return done(facts, work.save(recovered))

    return on_subscription(ledger, command, request, carry_out)


def _settle(ledger: Ledger, command: Recover, request: CommandRequest, key: str) -> ChargeOutcome:
    """The charge's outcome goes into the ledger in a transaction of its own: it stands, whatever becomes of the command."""
    with ledger.work(request.now, subscription=command.subscription) as work:
        return take_up(work, key)
