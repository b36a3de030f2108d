"""Purchase: the subscription, its first period and the charge in one commit (Rules 3.3, 4.1).

Its workflow is started after the commit.
"""

from activities.command_checks import check_new, check_sku, covered
from activities.numbers import acquire
from activities.payments import Paid, done, pay
from core.domain import lifecycle
from core.domain.activation_fees import fees_of, total_of
from core.domain.catalog import PRIMARY, SkuKind
from core.domain.commands.purchase import MOST_NUMBERS, Pay, Purchase
from core.domain.events import Event
from core.domain.fees import payable, period_lines
from core.domain.number_changes import pays_activation
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def purchase(work: Work, command: Purchase) -> CommandResult:
    """Buy a subscription. After a refusal nothing exists."""
    check_new(work, command)
    _check(work, command)
    acquired = acquire(
        work, command.subscription, command.numbers, command.pick, actor=command.actor
    )
    bought = lifecycle.bought(
        id_=command.subscription,
        account=work.account.id,
        sku=command.sku,
        quantity=command.quantity,
        multiplier=command.multiplier,
        addons=command.addons,
        numbers=acquired.numbers,
        legacy=command.legacy,
        align=command.align,
        discount=command.discount,
        discount_cycles=command.discount_cycles,
        contract=command.contract_kind,
        base_months=work.catalog.months(command.sku),
        today=work.today,
        now=work.now,
        policy_version=work.policy_version,
    )
    period = lifecycle.start(bought)
    currency = work.account.currency
    first = Paid(period, period_lines(bought, period, work.catalog, currency, work.today))
    charged = acquired.with_fee if pays_activation(bought) else {}
    activation = fees_of(charged, work.catalog, currency, work.today)
    if command.pay is not Pay.EXTERNAL_INVOICE:
        covered(work, payable(bought, first.lines) + total_of(activation), Rule.PURCHASE)
    facts = pay(
        work,
        bought,
        [first],
        purpose=Purpose.PURCHASE,
        cycle=bought.anchor,
        event=Event.PURCHASED,
        rule=Rule.PURCHASE,
        command=command,
        external_invoice=command.invoice_number if command.pay is Pay.EXTERNAL_INVOICE else None,
        activation=activation,
        more={"numbers": list(acquired.numbers)} if command.pick else {},
    )
    work.create(bought)
    return done(facts)


def _check(work: Work, command: Purchase) -> None:
    check_sku(work, command.sku, PRIMARY, "cannot be bought by itself")
    for sku in command.addons:
        check_sku(work, sku, (SkuKind.ADDON,), "is no add-on")
    for sku in (*command.pick, *(wanted.sku for wanted in command.numbers)):
        check_sku(work, sku, (SkuKind.NUMBER,), "is no number")
    count = len(command.numbers) + sum(command.pick.values())
    if count > MOST_NUMBERS or any(some < 1 for some in command.pick.values()):
        raise Refused(Rule.LICENCES, f"{count} numbers in one purchase: 1 to {MOST_NUMBERS}")
    most = work.policy.max_licences
    for sku, quantity in ((command.sku, command.quantity), *command.addons.items()):
        if quantity < 1:
            raise Refused(Rule.LICENCES, f"{quantity} licences of {sku}: at least 1")
        if quantity > most:
            raise Refused(Rule.LICENCES, f"{quantity} licences of {sku}: at most {most}")
    if command.multiplier < 1:
        raise Refused(Rule.FEE_LINES, f"multiplier {command.multiplier}: at least 1")
    if (command.pay is Pay.EXTERNAL_INVOICE) != (command.invoice_number is not None):
        raise Refused(
            Rule.INVOICES,
            "an external invoice needs its number, and a number needs an external invoice",
        )
    if command.contract is not None and command.pay is not Pay.CONTRACT:
        raise Refused(Rule.REFUND, "the kind of a contract needs a purchase under a contract")
    months = work.catalog.months(command.sku) * command.multiplier
    if months < work.policy.min_cycle_months:
        raise Refused(
            Rule.FEE_LINES, f"a cycle of {months} months: at least {work.policy.min_cycle_months}"
        )
