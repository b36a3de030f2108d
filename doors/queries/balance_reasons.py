"""Why the balance of an account is what it is: its movements by purpose (Rules 11.1, 11.3)."""

from dataclasses import replace
from typing import Any

from core.domain.calendar import local_date
from core.domain.money import in_words
from core.domain.reasons import Reason
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Account, Mode
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.movements import Movement, MovementSum, sums_of
from core.ledger.movements import newest as newest_of
from core.ledger.rows import account_from
from doors.queries.reasons import Reasons, at_most
from doors.queries.refusals import newest_refusals, of_account
from doors.queries.snapshot import open_snapshot

_NEWEST = 20
"""So many movements are named one by one."""


def balance_of(ledger: Ledger, id_: str) -> Reasons:
    """What the balance is made of, its newest movements and refusals. Raises NotFound.

    It returns one sum for each purpose. It reads the movements that are not verified yet.
    """
    with open_snapshot(ledger) as snapshot:
        row = snapshot.account_row(id_)
        account = account_from(row)
        today = local_date(row.clock_now or machine_now(), row.timezone)
        sums = sums_of(snapshot.connection, account.id)
        moved = sum((it.amount for it in sums), ZERO)
        reasons = [_of_purpose(it, account.currency) for it in sums]
        newest = [_of(it, account.currency) for it in newest_of(snapshot.connection, id_, _NEWEST)]
        left_out = sum(it.times for it in sums) - len(newest)
        refused, refused_left_out = newest_refusals(snapshot, of_account(id_))
    balance = in_words(account.balance, account.currency)
    answer = f"The balance is {balance}, the sum of its movements. {_usable(account, today)}"
    if moved != account.balance:
        summed = in_words(moved, account.currency)
        answer = f"The balance is {balance}, but its movements sum to {summed}. Run reconcile."
    found = at_most(f"account {id_}", answer, row.timezone, [*reasons, *newest], left_out)
    return replace(found, refused=refused, refused_left_out=refused_left_out)


def _of_purpose(moved: MovementSum, currency: str) -> Reason:
    times = "once" if moved.times == 1 else f"{moved.times:,} times"
    text = f"{moved.purpose.words}, {times}: {_signed(moved.amount, currency)} together."
    rows = (f"last operation {moved.last}",)
    return Reason(at=None, text=text, rule=Rule.DOUBLE_ENTRY, rows=rows)


def _of(moved: Movement, currency: str) -> Reason:
    of = f" of {moved.subscription}" if moved.subscription else ""
    return Reason(
        at=moved.at,
        text=f"{moved.purpose.words}{of}: {_signed(moved.amount, currency)}.",
        rule=Rule.DOUBLE_ENTRY,
        rows=(f"operation {moved.operation}", f"posting {moved.operation}/{moved.line}"),
    )


def _usable(account: Account, today: Any) -> str:
    usable = in_words(account.usable(today), account.currency)
    limit = in_words(account.credit_limit, account.currency)
    if account.mode is Mode.POSTPAID:
        unbilled = in_words(account.unbilled, account.currency)
        return f"Usable is {usable}: credit limit {limit}, unbilled {unbilled} (rule 11.6)."
    reserved = in_words(account.reserved + account.liability, account.currency)
    return (
        f"Usable is {usable}: reserved and liability {reserved}, credit limit {limit} (rule 11.1)."
    )


def _signed(amount: Any, currency: str) -> str:
    return f"{'+' if amount > 0 else ''}{in_words(amount, currency)}"
