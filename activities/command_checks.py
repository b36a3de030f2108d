"""The order of checks that every command goes through. The first that fails is the answer (Rule 2).

1. The replay of a request id (4.2).
2. The account is suspended or closed (11.8).
3. The subscription was never created (4.1).
4. The table of states.
5. The arguments, a price that is missing (4.1), and funds.

The command's own function makes the checks of line 5, by raising `Refused` before it writes. Steps
of the account that are due are taken after the replay and before all other checks (1.6).
"""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from activities.card_charges import take_up_at_home
from activities.steps_before import Broken, take_before
from core.domain import commands, state_table
from core.domain.catalog import SkuKind
from core.domain.commands.base import (
    AccountCommand,
    Command,
    NewSubscriptionCommand,
    SubscriptionCommand,
)
from core.domain.refusal import Refusal, Refused, used_for_something_else
from core.domain.rules import Rule
from core.domain.subscription import Account, Subscription
from core.ledger import refusals, taken_ids
from core.ledger.account_reading import Unknown
from core.ledger.bulk_write import one_of
from core.ledger.ledger import Ledger, unless_moved
from core.ledger.personal_data import ERASED
from core.ledger.request_ids import used_by_any
from core.ledger.rows import ACCOUNT, account_from
from core.ledger.tables import AccountRow
from core.ledger.unit_of_work import AskedBy, Work
from core.protocol.activity_messages import (
    Before,
    ChargeOutcome,
    CommandRequest,
    CommandResult,
    Passed,
)

log = structlog.get_logger()


def on_subscription(
    do: Callable[..., CommandResult], ledger: Ledger, request: CommandRequest
) -> CommandResult:
    """Carry out a command on a subscription, or return the rule that refuses it.

    `do`: the function of the command in activities/commands/.
    """
    command = request.command
    assert isinstance(command, SubscriptionCommand)
    if request.charge and _declined(ledger, request, request.charge):
        return refused_by(ledger, request, Refusal(command.rule, "the card was declined"))
    charging = {"card_allowed": request.charge is None} if command.may_charge_card else {}

    def attempt() -> CommandResult:
        try:
            with _work_on(ledger, command, request) as work:
                subscription = work.subscription(command.subscription)
                if replayed := replay(work.connection, work.account.seller, command):
                    return replace(replayed, snapshot=work.snapshot(subscription))
                if subscription.terminated_on is None and (
                    before := _take_before_all(work, request.past)
                ):
                    return CommandResult(before=before)
                check_states(work, command, subscription)
                _check_invoice_number(command)
                return do(work, command, subscription, **charging)
        except Unknown:
            return _never_created(ledger, command)

    return _answer(ledger, request, lambda: unless_moved(attempt))


def on_account(
    do: Callable[..., CommandResult], ledger: Ledger, request: CommandRequest
) -> CommandResult:
    """Carry out a command on an account, or return the rule that refuses it.

    `do`: the function of the command in activities/commands/.
    """
    command = request.command
    assert isinstance(command, AccountCommand)

    def attempt() -> CommandResult:
        try:
            with _work_on_account(ledger, command, request.now) as work:
                if replayed := replay(work.connection, work.account.seller, command):
                    return replace(replayed, snapshot=work.account_snapshot())
                if before := _take_before_all(work, request.past):
                    return CommandResult(before=before)
                account = work.account
                closed = account.closed_on is not None
                if refusal := command.changes_nothing(
                    account.id, suspended=account.suspended, closed=closed
                ):
                    raise Refused(refusal.rule, refusal.reason)
                check_open(command, account)
                _check_invoice_number(command)
                return replace(do(work, command), snapshot=work.account_snapshot())
        except Unknown:
            raise Refused(Rule.PURCHASE, f"there is no account {command.account}") from None

    return _answer(ledger, request, attempt)


def check_states(work: Work, command: SubscriptionCommand, subscription: Subscription) -> None:
    """Refuse by the accounts (Rule 11.8), then by the table of states (Rule 2)."""
    check_open(command, work.account)
    for other in beside(work):
        if other.account.id in command.other_accounts():
            check_open(command, other.account)
    if refusal := state_table.refusal(command.do, subscription):
        raise Refused(refusal.rule, refusal.reason)


def _work_on(
    ledger: Ledger, command: SubscriptionCommand, request: CommandRequest
) -> AbstractContextManager[Work]:
    """A unit of work on the account of the subscription, and on the others that it is about."""
    others, payers = command.other_accounts(), command.pays_back
    id_, asked_by = command.subscription, AskedBy.ITS_COMMAND
    if not request.by_workflow:
        asked_by = AskedBy.ANOTHER
    if not others and not payers:
        return ledger.work(request.now, subscription=id_, asked_by=asked_by)
    return ledger.work_on_several(
        request.now, subscription=id_, also=others, payers=payers, asked_by=asked_by
    )


def _work_on_account(
    ledger: Ledger, command: AccountCommand, now: datetime
) -> AbstractContextManager[Work]:
    """A unit of work on the account of the command, and on the others that it is about."""
    asked_by = AskedBy.ITS_COMMAND if command.through_workflow else AskedBy.ANOTHER
    if others := command.other_accounts():
        return ledger.work_on_accounts(now, account=command.account, also=others, asked_by=asked_by)
    return ledger.work(now, account=command.account, asked_by=asked_by)


def beside(work: Work) -> list[Work]:
    """The other accounts of the transaction that have the same seller and live by the same clock.

    The transaction has one instant. An account that lives by another clock cannot act at it.
    """
    mine = work.account.seller, work.clock
    return [it for it in work.others.values() if (it.account.seller, it.clock) == mine]


def _take_before_all(work: Work, past: Collection[Passed] | None) -> Before | None:
    """What comes before the command in each of its accounts, one after the other (Rule 1.6)."""
    works = sorted([work, *beside(work)], key=lambda each: each.account.id)
    return next(filter(None, (take_before(each, past) for each in works)), None)


def replay(connection: Connection, seller: str, command: Command) -> CommandResult | None:
    """The first result of a request id that was carried out before (Rule 4.2).

    Returns None for a new request id. Raises `Refused` if the request was something else.
    """
    if command.request_id is None:
        return None
    first = used_by_any(connection, seller, [command.request_id]).get(command.request_id)
    return None if first is None else replay_of(command, *first)


def replay_of(command: Command, fingerprint: str, result: dict[str, Any]) -> CommandResult:
    """The first result of a request id, if the command is the same (Rule 4.2).

    `fingerprint`, `result`: of what the command's request id was used for.

    Raises `Refused` if that was something else.
    """
    if fingerprint == ERASED:
        raise Refused(
            Rule.REQUEST_ID,
            f"request id {command.request_id} was used for an account that was erased",
        )
    if fingerprint != command.fingerprint():
        raise used_for_something_else(command.request_id)
    return CommandResult(result=commands.restored(result), replayed=True)


def card_charge_of(work: Work, do: Callable[..., CommandResult], command: Command) -> str | None:
    """The key of the card charge that a command still needs. None when it needs none.

    `do`: the function of the command. What it writes is for the caller to roll back.
    """
    assert isinstance(command, SubscriptionCommand)
    try:
        subscription = work.subscription(command.subscription)
        check_states(work, command, subscription)
        result: CommandResult = do(work, command, subscription, card_allowed=True)
    except (Refused, Unknown):
        return None
    return result.needs_charge


def covered(work: Work, amount: Decimal, rule: Rule) -> None:
    """Refuse by the command's own rule if usable credits do not cover an amount (Rule 11.1)."""
    if amount > 0 and work.usable < amount:
        raise Refused(rule, work.not_covered(amount))


def check_new(work: Work, command: NewSubscriptionCommand) -> None:
    """Refuse an id that exists (Rule 4.1)."""
    if not taken_ids.subscriptions(work.connection, [command.subscription]):
        return
    # This request may have created it a moment ago. The replay is the first check (Rule 2).
    replay(work.connection, work.account.seller, command)
    raise Refused(Rule.PURCHASE, f"{command.subscription} exists")


def check_sku(work: Work, sku: str, kinds: Collection[SkuKind], otherwise: str) -> None:
    """Refuse a SKU that is unknown or of another kind (Rule 4.1).

    `otherwise`: what is said of a SKU of another kind.
    """
    catalog = work.catalog
    if sku not in catalog:
        raise Refused(Rule.PURCHASE, f"there is no SKU {sku}")
    if catalog.kind(sku) not in kinds:
        raise Refused(Rule.PURCHASE, f"{sku} {otherwise}: it is of kind {catalog.kind(sku)}")


def _declined(ledger: Ledger, request: CommandRequest, key: str) -> bool:
    """Take the outcome of the command's card charge into the ledger, in its own transaction.

    The outcome stands, whatever becomes of the command.
    """
    return take_up_at_home(ledger, request.now, key) is ChargeOutcome.DECLINED


def _check_invoice_number(command: Command) -> None:
    number = getattr(command, "invoice_number", None)
    if number is not None and not number.strip():
        raise Refused(Rule.INVOICES, "an external invoice number must not be blank")


def check_open(command: Command | type[Command], account: Account) -> None:
    """Refuse a command that a suspended or a closed account does not take (Rule 11.8)."""
    if account.suspended and not command.while_suspended:
        raise Refused(Rule.SUSPEND_AND_CLOSE, f"account {account.id} is suspended")
    if account.erased_on is not None:
        raise Refused(
            Rule.SUSPEND_AND_CLOSE,
            f"the personal data of account {account.id} was erased on {account.erased_on}; "
            "nothing can be done with it any longer",
        )
    if account.closed_on is not None and not command.while_closed:
        until = "for good" if account.closed_for_good else f"since {account.closed_on}"
        raise Refused(Rule.SUSPEND_AND_CLOSE, f"account {account.id} is closed {until}")


def _never_created(ledger: Ledger, command: SubscriptionCommand) -> CommandResult:
    """The checks that come before "never created", for the accounts that the caller means."""
    meant = [id_ for id_ in (command.account_hint, *command.other_accounts()) if id_ is not None]
    with ledger.read() as connection:
        named = select(*ACCOUNT).where(
            one_of(AccountRow.id, meant), AccountRow.seller == ledger.seller
        )
        accounts = [account_from(row) for row in connection.execute(named)]
        if replayed := replay(connection, ledger.seller, command):
            return replayed
    for account in sorted(accounts, key=lambda account: meant.index(account.id)):
        check_open(command, account)
    raise Refused(Rule.PURCHASE, f"subscription {command.subscription} was never created")


#: Broken by a concurrent transaction of the same request, or of the same subscription's purchase.
_CONCURRENT = ("operations_once_per_request", "subscriptions_pkey")


def refused_by(ledger: Ledger, request: CommandRequest, refusal: Refusal) -> CommandResult:
    """The refusal of a command as its result. It is kept, so that it can be explained later.

    This is the one place where a refusal becomes a result, except for usage in batches.
    """
    refusals.note(ledger, request.command, refusal, request.now)
    _tell(ledger, "command_refused", request.command, rule=refusal.rule, reason=refusal.reason)
    return CommandResult(refusal=refusal)


def _tell(ledger: Ledger, event: str, command: Command, **fields: object) -> None:
    if not ledger.commits:
        return  # A rehearsal has done nothing that could be told.
    log.info(
        event,
        **fields,
        operation=command.do,
        account=getattr(command, "account", None),
        subscription=getattr(command, "subscription", None),
    )


def _answer(
    ledger: Ledger, request: CommandRequest, attempt: Callable[[], CommandResult]
) -> CommandResult:
    try:
        try:
            result = attempt()
        except IntegrityError as error:
            if not any(name in str(error.orig) for name in _CONCURRENT):
                raise
            result = attempt()  # It is committed by now, so this attempt finds it.
    except Broken as broken:
        return CommandResult(before=broken.before)
    except Refused as refused:
        return refused_by(ledger, request, refused.refusal)
    if result.refusal is None and result.needs_charge is None and result.before is None:
        _tell(ledger, "command_done", request.command, replayed=result.replayed)
    return result
