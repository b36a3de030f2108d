"""The order of checks that every command goes through, the first that fails is the answer (Rule 2):

replay of a request id (4.2), account suspended (11.8), subscription never created (4.1), the table, the arguments, a price that is
missing (4.1), funds. The use case itself makes the last three, by raising `Refused` before it writes. What is due of the account is
taken after the replay and before everything else (1.6).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from activities import step_order
from core.domain import state_table
from core.domain.commands import (
    AnyAccountCommand,
    AnyCommand,
    AnySubscriptionCommand,
    Purchase,
    Suspend,
)
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import Subscription
from core.ledger.account_reading import Unknown
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, Operation, SubscriptionRow
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandRequest, CommandResult

log = structlog.get_logger()
S = TypeVar("S", bound=AnySubscriptionCommand)
A = TypeVar("A", bound=AnyAccountCommand | Purchase)

#: Commands that a suspended account still takes: resume, terminate and payments (Rule 11.8).
WHILE_SUSPENDED = ("resume", "terminate", "top_up", "set_card", "set")


def on_subscription(
    ledger: Ledger,
    command: S,
    request: CommandRequest,
    do: Callable[[Work, S, Subscription], CommandResult],
) -> CommandResult:
    """Carry out a command on a subscription, or answer the rule that refuses it."""

    def attempt() -> CommandResult:
        try:
            with ledger.work(request.now, subscription=command.subscription) as work:
                if replayed := replay(work.connection, work.account.seller, command):
                    return _with(replayed, work, [work.subscription(command.subscription)])
                subscription = work.subscription(command.subscription)
                if subscription.terminated_on is None and (
                    first := step_order.before_command(work, request)
                ):
                    return CommandResult(first=first)
                _refuse_suspended(work, command)
                if refusal := state_table.refusal(command.do, subscription):
                    raise Refused(refusal.rule, refusal.reason)
                _check_invoice_number(command)
                return do(work, command, subscription)
        except Unknown:
            return _never_created(ledger, command)

    return _answer(command, attempt)


def on_account(
    ledger: Ledger, command: A, request: CommandRequest, do: Callable[[Work, A], CommandResult]
) -> CommandResult:
    """Carry out a command on an account, or answer the rule that refuses it."""

    def attempt() -> CommandResult:
        try:
            with ledger.work(request.now, account=command.account) as work:
                if replayed := replay(work.connection, work.account.seller, command):
                    return (
                        replayed
                        if isinstance(command, Purchase)
                        else _with(replayed, work, work.living())
                    )
                if first := step_order.before_command(work, request):
                    return CommandResult(first=first)
                _refuse_suspended(work, command)
                _check_invoice_number(command)
                return do(work, command)
        except Unknown:
            raise Refused(Rule.PURCHASE, f"there is no account {command.account}") from None

    return _answer(command, attempt)


def replay(connection: Connection, seller: str, command: AnyCommand) -> CommandResult | None:
    """The first result of a request id that was carried out before; refused when it was another command (Rule 4.2)."""
    if command.request_id is None:
        return None
    query = select(Operation.fingerprint, Operation.result).where(
        Operation.seller == seller, Operation.request_id == command.request_id
    )
    first = connection.execute(query).one_or_none()
    if first is None:
        return None
    if first.fingerprint != command.fingerprint():
        raise Refused(
            Rule.REQUEST_ID, f"request id {command.request_id} was used for something else"
        )
    return CommandResult(facts=first.result, replayed=True)


def _with(
    replayed: CommandResult, work: Work, subscriptions: Iterable[Subscription]
) -> CommandResult:
    """A repetition tells what is committed now: whoever carried it out first may have died before it told the workflows."""
    return replace(replayed, snapshots=tuple(map(work.snapshot, subscriptions)))


def covered(work: Work, amount: Decimal, rule: Rule) -> None:
    """Refuse by the command's own rule when usable credits do not cover an amount (Rule 11.1)."""
    if amount > 0 and work.usable < amount:
        raise Refused(rule, work.not_covered(amount))


def _check_invoice_number(command: AnyCommand) -> None:
    number = getattr(command, "invoice_number", None)
    if number is not None and not number.strip():
        raise Refused(Rule.INVOICES, "an external invoice number must not be blank")


def _refuse_suspended(work: Work, command: AnyCommand) -> None:
    if work.account.suspended and command.do not in WHILE_SUSPENDED:
        already = " already" if isinstance(command, Suspend) else ""
        raise Refused(Rule.SUSPEND_AND_CLOSE, f"account {work.account.id} is suspended{already}")


def _never_created(ledger: Ledger, command: AnySubscriptionCommand) -> CommandResult:
    """The checks that come before "never created", for the account that the command was meant for."""
    with ledger.engine.connect() as connection:
        hint = select(AccountRow.seller, AccountRow.suspended).where(
            AccountRow.id == command.account_hint
        )
        account = connection.execute(hint).one_or_none()
        if replayed := replay(connection, account.seller if account else ledger.seller, command):
            return replayed
    if account and account.suspended and command.do not in WHILE_SUSPENDED:
        raise Refused(Rule.SUSPEND_AND_CLOSE, f"account {command.account_hint} is suspended")
    raise Refused(Rule.PURCHASE, f"subscription {command.subscription} was never created")


def _answer(command: AnyCommand, attempt: Callable[[], CommandResult]) -> CommandResult:
    fields = {
        "operation": command.do,
        "account": getattr(command, "account", None),
        "subscription": getattr(command, "subscription", None),
    }
    try:
        try:
            result = attempt()
        except IntegrityError as error:
            # the same request id, or the same subscription's purchase, was being carried out for another account: now it is there to be found
            if not any(
                name in str(error.orig)
                for name in ("operations_once_per_request", "subscriptions_pkey")
            ):
                raise
            result = attempt()
    except Refused as refused:
        log.info(
            "command_refused", rule=refused.refusal.rule, reason=refused.refusal.reason, **fields
        )
        return CommandResult(refusal=refused.refusal)
    if result.refusal is None and result.needs_charge is None and result.first is None:
        log.info("command_done", replayed=result.replayed, **fields)
    return result


def exists(connection: Connection, subscription: str) -> bool:
    """Whether a subscription was ever created."""
    return (
        connection.execute(
            select(SubscriptionRow.id).where(SubscriptionRow.id == subscription)
        ).first()
        is not None
    )
