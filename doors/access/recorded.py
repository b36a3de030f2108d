"""Commands in the audit: one record when a command begins, and one with its outcome.

The first record says how things stand before it and what is asked for, the second how they stand
after it. Texts about people are not kept, because a record cannot be erased. The history has them.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from sqlalchemy import Connection, select

from core.domain.acts import CommandAct
from core.domain.commands import AnyCommand
from core.domain.commands.base import (
    NOT_VALUES,
    NewSubscriptionCommand,
    SubscriptionCommand,
    fields_of,
)
from core.domain.commands.fields import CardToken, Email, Numbers, PhoneNumber, Text
from core.ledger import audit
from core.ledger.acting import Acting, as_one
from core.ledger.audit import Outcome
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, SubscriptionRow
from core.protocol.activity_messages import CommandResult
from doors.access.second_person import SecondPersonNeeded
from doors.application.patience import NotAvailable, OutcomeUnknown
from doors.application.perennial import Perennial
from doors.application.plain_data import data

log = structlog.get_logger()

_NOT_KEPT = (CardToken, Email, Numbers, PhoneNumber, Text)
"""Kinds of fields that may be about a person. Of a value only that there is one is kept."""
_SUBSCRIPTION: Any = select(
    SubscriptionRow.status,
    SubscriptionRow.sku,
    SubscriptionRow.quantity,
    SubscriptionRow.expiry,
    SubscriptionRow.auto_renew,
    SubscriptionRow.account,
    SubscriptionRow.version,
).join(AccountRow, AccountRow.id == SubscriptionRow.account)
_ACCOUNT: Any = select(
    AccountRow.balance,
    AccountRow.currency,
    AccountRow.credit_limit,
    AccountRow.mode,
    AccountRow.suspended,
    AccountRow.closed_on,
    AccountRow.version,
)


async def recorded(
    perennial: Perennial,
    command: AnyCommand,
    acting: Acting,
    run: Callable[[], Awaitable[CommandResult]],
) -> CommandResult:
    """What `run` returns, with two records of the audit around it.

    `run`: carries the command out. `acting`: who asks. A command that dies with its process has its
    first record, and the second one when it is sent again with the same request id.

    When the second record cannot be written, the caller gets the result all the same. The audit
    then shows the command as asked, and the history shows what it did.

    Raises what `run` raises, and `NotAvailable` when the database is away before it runs.
    """

    async def end(outcome: Outcome, after: dict[str, Any] | None = None) -> None:
        try:
            await perennial.read(_record, command, acting, outcome, after)
        except NotAvailable as away:
            request = command.request_id
            log.error("audit_not_ended", do=command.do, request=request, error=away.reason)

    await perennial.read(_record, command, acting, Outcome.ASKED, None)
    try:
        result = await run()
    except SecondPersonNeeded as needed:
        await end(Outcome.WAITS, {"approval": needed.approval.id})
        raise
    except OutcomeUnknown:
        await end(Outcome.UNKNOWN)
        raise
    if result.refusal is not None:
        await end(Outcome.REFUSED, {"rule": str(result.refusal.rule)})
    else:
        await end(Outcome.DONE, {"replayed": True} if result.replayed else None)
    return result


def _record(
    ledger: Ledger,
    command: AnyCommand,
    acting: Acting,
    outcome: Outcome,
    about: dict[str, Any] | None,
) -> None:
    subscription = isinstance(command, SubscriptionCommand | NewSubscriptionCommand)
    subject = command.subscription if subscription else command.account  # type: ignore[union-attr]
    begins = outcome is Outcome.ASKED
    with as_one(acting), ledger.transaction("audit") as connection:
        stands = None if about is not None else _stands(connection, ledger.seller, command)
        audit.add(
            connection,
            ledger.seller,
            CommandAct(command.do),
            subject=subject,
            request_id=command.request_id,
            outcome=outcome,
            before=stands if begins else None,
            after=kept(command) if begins else about or stands,
        )


def kept(command: AnyCommand) -> dict[str, Any]:
    """The values of a command that are kept, those without a value left out."""
    values = {
        field.name: "(not kept)" if isinstance(field.kind, _NOT_KEPT) else value
        for field in fields_of(type(command))
        if field.name not in NOT_VALUES and (value := getattr(command, field.name)) is not None
    }
    found: dict[str, Any] = data(values)
    return found


def _stands(connection: Connection, seller: str, command: AnyCommand) -> dict[str, Any] | None:
    """How the subscription or the account of a command stands. None: the seller has none."""
    if isinstance(command, SubscriptionCommand | NewSubscriptionCommand):
        query = _SUBSCRIPTION.where(SubscriptionRow.id == command.subscription)
    else:
        query = _ACCOUNT.where(AccountRow.id == command.account)
    row = connection.execute(query.where(AccountRow.seller == seller)).one_or_none()
    if row is None:
        return None
    found: dict[str, Any] = data(row._asdict())
    return found
