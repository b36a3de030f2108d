"""The commands on an account: top up, card, settings, suspend, resume (Rules 5.4, 11.1, 11.8); and opening one."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from sqlalchemy import insert

from activities.command_checks import on_account
from activities.payments import renew_all, renewal_lines
from core.domain import calendar, funding, money
from core.domain.commands import AnyAccountCommand, Resume, SetAccount, SetCard, Suspend, TopUp
from core.domain.events import Event
from core.domain.fees import Line, total
from core.domain.funding import Source
from core.domain.planner.outage import may_attempt
from core.domain.planner.renewals import renewal_date
from core.domain.policy import GroupRenewal
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Subscription
from core.ledger import double_entry
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandRequest, CommandResult, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to be opened. `credits` are what it brings along, no top-up (Rule 11.2); `clock` attaches it to a test clock."""

    id: str
    seller: str
    currency: str
    timezone: str
    credits: Decimal = ZERO
    credit_limit: Decimal = ZERO
    card: str | None = None
    renew_by_card: bool = False
    owner: str | None = None
    billing_email: str | None = None
    clock: str | None = None
    facts: dict[str, str] = field(default_factory=dict)


def open_account(ledger: Ledger, account: NewAccount, now: datetime) -> None:
    """Open an account with its credits. Raises ValueError for an unknown currency or zone and for negative amounts, `sqlalchemy.exc.IntegrityError`
    where the id exists."""
    calendar.zone(account.timezone)
    money.minor_units(account.currency)
    if any(
        amount < 0 or not money.is_amount(amount)
        for amount in (account.credits, account.credit_limit)
    ):
        raise ValueError(
            f"credits and credit limit of {account.id} must be amounts that are not negative"
        )
    values = {
        "id": account.id,
        "seller": account.seller,
        "currency": account.currency,
        "timezone": account.timezone,
        "credit_limit": account.credit_limit,
        "card": account.card,
        "renew_by_card": account.renew_by_card,
        "owner": account.owner,
        "billing_email": account.billing_email,
        "clock": account.clock,
    }
    with ledger.transaction("open_account") as connection:
        connection.execute(insert(AccountRow), values)
        if account.credits:
            [work] = ledger.works(connection, now, [account.id]).values()
            operation = work.operation(Purpose.OPENING_CREDITS, {"amount": str(account.credits)})
            work.post(operation, double_entry.opening_credits(account.credits))
            work.flush()


def top_up(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """Add credits, with an invoice; each failed group that they cover is renewed at once, oldest first (Rule 5.4)."""

    def carry_out(work: Work, command: TopUp) -> CommandResult:
        _check_amount(command.amount, "a top-up", Rule.INVOICES)
        if command.amount <= 0:
            raise Refused(Rule.INVOICES, f"a top-up of {command.amount:f} is not positive")
        facts = {
            "account": work.account.id,
            "amount": str(command.amount),
            "currency": work.account.currency,
        }
        operation = work.operation(Purpose.TOP_UP, facts, command=command)
        work.post(operation, double_entry.top_up(command.amount))
        lines = [Line("Top-up", command.amount)]
        work.invoice(operation, InvoiceKind.INDIVIDUAL, lines, command.amount)
        work.event(
            Event.TOPPED_UP,
            Rule.RETRY,
            amount=command.amount,
            actor=command.actor,
            operation=operation,
        )
        return CommandResult(facts=facts, snapshots=tuple(heal(work)))

    assert isinstance(request.command, TopUp)
    return on_account(ledger, request.command, request, carry_out)


def _check_amount(amount: Decimal, what: str, rule: Rule) -> None:
    """What the ledger could not keep to the last decimal is refused (Rule 3.2: at most 5 decimals)."""
    if not money.is_amount(amount):
        raise Refused(
            rule, f"{what} of {amount} is no amount: at most 5 decimals, below {money.LARGEST:f}"
        )


def heal(work: Work) -> list[Snapshot]:
    """After a top-up: renew each failed group that usable covers, oldest first; no card, and no event when it is not enough (Rule 5.4)."""
    if not work.policy.retry_on_top_up or work.account.suspended:
        return []
    snapshots: list[Snapshot] = []
    for members in failed_groups(work):
        try:
            lines = {member.id: renewal_lines(work, member) for member in members}
        except Refused:
            continue  # a price is missing: the group stays failed, the top-up is good
        amount = sum(map(total, lines.values()), ZERO)
        if funding.fund(work.account, amount, work.today, card_allowed=False) is Source.WALLET:
            snapshots += renew_all(work, members, lines, Rule.RETRY)
    return snapshots


def failed_groups(work: Work) -> list[list[Subscription]]:
    """The failed groups of the account, oldest renewal date first; under `independent` each alone, by id (Rules 1.7, 5.2, 5.4). No attempt
    is made after *E*, also where the step that marks it EXPIRED is still to come (Rule 1.5)."""
    failed = [
        s
        for s in work.failed()
        if may_attempt(s, work.policy_of(s), work.zone, work.now, suspended=work.account.suspended)
    ]
    if work.policy.group_renewal is GroupRenewal.INDEPENDENT:
        return [[subscription] for subscription in failed]
    return [
        list(group)
        for _, group in groupby(failed, key=lambda s: renewal_date(s, work.policy_of(s)))
    ]


def set_card(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """Store a card, or remove it; it sets off no retry (Rule 5.4)."""

    def carry_out(work: Work, command: SetCard) -> CommandResult:
        return _setting(work, command, {"card": command.card})

    assert isinstance(request.command, SetCard)
    return on_account(ledger, request.command, request, carry_out)


def set_account(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """Change the credit limit or the switch *renew by card*; it sets off no retry (Rules 5.3, 5.4, 11.1)."""

    def carry_out(work: Work, command: SetAccount) -> CommandResult:
        values: dict[str, object] = {}
        if command.credit_limit is not None:
            _check_amount(command.credit_limit, "a credit limit", Rule.USABLE)
            if command.credit_limit < 0:
                raise Refused(
                    Rule.USABLE, f"a credit limit of {command.credit_limit:f} is negative"
                )
            values |= {
                "credit_limit": command.credit_limit,
                "credit_limit_until": command.credit_limit_until,
            }
        elif command.credit_limit_until is not None:
            values |= {"credit_limit_until": command.credit_limit_until}
        if command.renew_by_card is not None:
            values |= {"renew_by_card": command.renew_by_card}
        return _setting(work, command, values)

    assert isinstance(request.command, SetAccount)
    return on_account(ledger, request.command, request, carry_out)


def suspend(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """No service, no renewals, no commands but resume, terminate and payments (Rule 11.8)."""

    def carry_out(work: Work, command: Suspend) -> CommandResult:
        return _setting(work, command, {"suspended": True}, Event.ACCOUNT_SUSPENDED)

    assert isinstance(request.command, Suspend)
    return on_account(ledger, request.command, request, carry_out)


def resume(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """Back to normal; it starts no retry (Rules 5.6, 11.8)."""

    def carry_out(work: Work, command: Resume) -> CommandResult:
        if not work.account.suspended:
            raise Refused(Rule.SUSPEND_AND_CLOSE, f"account {work.account.id} is not suspended")
        return _setting(work, command, {"suspended": False}, Event.ACCOUNT_RESUMED)

    assert isinstance(request.command, Resume)
    return on_account(ledger, request.command, request, carry_out)


def _setting(
    work: Work, command: AnyAccountCommand, values: dict[str, object], event: Event | None = None
) -> CommandResult:
    if values:
        work.settings(**values)
    facts = {"account": work.account.id} | {
        key: str(value) for key, value in values.items() if key != "card"
    }
    operation = work.operation(Purpose(command.do), facts, command=command)
    if event:
        work.event(event, Rule.SUSPEND_AND_CLOSE, actor=command.actor, operation=operation)
    snapshots = [work.snapshot(s) for s in work.living()] if event else []
    return CommandResult(facts=facts, snapshots=tuple(snapshots))
