"""Set account: the credit limit, the switch *renew by card*, the mode (Rules 5.3, 11.1, 11.6)."""

from dataclasses import replace
from datetime import date
from typing import Any

from activities.account_settings import change_settings, check_amount
from core.domain.commands.set_account import SetAccount, SetAccountResult
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.money import plain
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Account, Mode
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def set_account(work: Work, command: SetAccount) -> CommandResult:
    """Change what the command names. This does not retry failed renewals (Rule 5.4)."""
    result = SetAccountResult(
        account=work.account.id,
        currency=work.account.currency,
        credit_limit=command.credit_limit,
        credit_limit_until=command.credit_limit_until,
        renew_by_card=command.renew_by_card,
        auto_top_up=command.auto_top_up,
        mode=command.mode,
    )
    values = _values(command)
    if command.mode is None or command.mode is work.account.mode:
        return change_settings(work, command, result, values)
    _check_switch(replace(work.account, **values), command.mode, work.today)
    debt = max(ZERO, -work.account.balance)

    def becomes_unbilled(operation: int) -> None:
        if command.mode is Mode.POSTPAID and debt:
            work.wait_for_monthly_invoice(operation, Line("Balance brought forward", debt))
            work.event(
                Event.BROUGHT_FORWARD, command.rule, actor=command.actor, operation=operation
            )

    return change_settings(
        work, command, result, values | {"mode": command.mode}, then=becomes_unbilled
    )


def _check_switch(account: Account, mode: Mode, today: date) -> None:
    """Refuse a switch of the mode that is not possible today (Rule 11.6).

    `account`: with its other new settings.
    """
    if mode is Mode.POSTPAID and not account.credit_limit_on(today):
        raise Refused(Rule.POSTPAID, "a postpaid account needs a credit limit")
    for amount, words in ((account.unbilled, "unbilled"), (account.receivable, "receivable")):
        if mode is Mode.PREPAID and amount:
            written = f"{plain(amount, account.currency)} {account.currency}"
            raise Refused(Rule.POSTPAID, f"account {account.id} has {written} {words}")


def _values(command: SetAccount) -> dict[str, Any]:
    """The columns that change. A new credit limit without a last day never ends (Rule 11.1)."""
    values: dict[str, Any] = {}
    if command.credit_limit is not None:
        check_amount(command.credit_limit, "a credit limit", Rule.USABLE)
        if command.credit_limit < 0:
            raise Refused(Rule.USABLE, f"a credit limit of {command.credit_limit:f} is negative")
        values["credit_limit"] = command.credit_limit
    if command.credit_limit is not None or command.credit_limit_until is not None:
        values["credit_limit_until"] = command.credit_limit_until
    if command.renew_by_card is not None:
        values["renew_by_card"] = command.renew_by_card
    if command.auto_top_up is not None:
        values["auto_top_up"] = command.auto_top_up
    return values
