"""Numbers: their steps are taken, and they agree with what subscriptions are priced for."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from activities.reconciliation.batches import off, result
from activities.reconciliation.workflow_port import Limits
from core.domain.calendar import local_date
from core.domain.findings import Finding, FindingKind, ReconcileRequest, ReconcileResult
from core.domain.numbers import HoldKind, NumberState, numbers_in_use
from core.domain.subscription import Status
from core.ledger import due_steps
from core.ledger.bulk_write import one_of
from core.ledger.clocks import machine_now
from core.ledger.due_steps import Due
from core.ledger.ledger import Ledger
from core.ledger.rows import subscription_from
from core.ledger.tables import AccountRow, Clock, NumberRow, SubscriptionRow

_DAY = timedelta(days=1)
_IN_USE = and_(
    NumberRow.subscription == SubscriptionRow.id,
    NumberRow.state == literal_column(f"'{NumberState.IN_USE}'"),
)
#: Subscriptions with numbers, each with those that are in use by it: all, and those to be held.
_WITH_NUMBERS: Any = (
    select(
        SubscriptionRow.__table__,
        AccountRow.timezone,
        Clock.now.label("clock_now"),
        func.array_agg(aggregate_order_by(NumberRow.number, NumberRow.number)).label("used"),
        func.array_agg(NumberRow.number).filter(NumberRow.hold != HoldKind.BYOI).label("to_hold"),
    )
    .join(AccountRow, AccountRow.id == SubscriptionRow.account)
    .outerjoin(Clock, Clock.id == AccountRow.clock)
    .outerjoin(NumberRow, _IN_USE)
    .where(SubscriptionRow.status != Status.TERMINATED)
    .where(or_(SubscriptionRow.numbers.is_not(None), NumberRow.number.is_not(None)))
    .group_by(SubscriptionRow.id, AccountRow.timezone, Clock.now)
    .order_by(SubscriptionRow.id)
)


class Numbers:
    """Looks at the steps of numbers that are overdue. The relay has not taken them."""

    def __init__(self, ledger: Ledger, limits: Limits) -> None:
        self._ledger = ledger
        self._limits = limits

    async def look(self, request: ReconcileRequest) -> ReconcileResult:
        """Look at a batch."""
        due = await off(self._overdue, request.now, request.after)
        found = [
            Finding(
                kind=FindingKind.OVERDUE,
                subject=item.subject.id,
                what=f"{item.kind} was due at {item.due.isoformat()}; "
                "the log of the worker with the role relay says why it was not done",
            )
            for item in due
        ]
        more = len(due) == self._limits.batch
        return result(found, len(due), due[-1].subject.id if more else None)

    def _overdue(self, now: datetime, after: str) -> Sequence[Due]:
        late = now - self._limits.grace
        with self._ledger.read() as connection:
            return due_steps.overdue_of_numbers(connection, late, self._limits.batch, after)


def that_disagree(ledger: Ledger, ids: Iterable[str]) -> list[Finding]:
    """Subscriptions whose numbers in the inventory are not those that they are priced for."""
    with ledger.read() as connection:
        rows = connection.execute(_WITH_NUMBERS.where(one_of(SubscriptionRow.id, list(ids))))
        return [finding for row in rows if (finding := _disagreement(row)) is not None]


def _disagreement(row: Any) -> Finding | None:
    subscription = subscription_from(row)
    if subscription.status is Status.EXPIRED:
        missing, beyond = set[str](), set(row.to_hold or ())
    else:
        used = set(row.used) - {None}
        today = local_date(row.clock_now or machine_now(), row.timezone)
        # What leaves today may still be on its way: its step runs within the grace.
        now, before = (numbers_in_use(subscription, day) for day in (today, today - _DAY))
        missing, beyond = (now & before) - used, used - (now | before)
    if not missing and not beyond:
        return None
    words = [f"{number} is priced for but not in use by it" for number in sorted(missing)]
    expired = subscription.status is Status.EXPIRED
    but = f"although it is {subscription.status}" if expired else "but not priced for"
    words += [f"{number} is in use by it {but}" for number in sorted(beyond)]
    what = "; ".join(words)
    return Finding(kind=FindingKind.INVENTORY, subject=subscription.id, what=what)
