"""Why a subscription renewed or did not renew, from what is committed."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice

from core.domain import explain
from core.domain.calendar import local_date
from core.domain.events import Event
from core.domain.planner.notices import PlannedNotice
from core.domain.planner.schedule import schedule
from core.domain.steps import Step
from core.domain.subscription import Status
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.rows import account_from, step_from, subscription_from
from core.ledger.tables import History
from doors.queries.histories import HistoryLine, history_lines
from doors.queries.snapshot import open_snapshot

_LINES_LOOKED_AT = 30
_STEPS_AHEAD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a subscription renewed or did not renew.

    `answer` says it in words with its rules. `because` is the history that led to it. `coming` are
    the steps and notices ahead.
    """

    subscription: str
    status: Status
    answer: str
    because: list[HistoryLine]
    fee: Decimal | None
    usable: Decimal
    currency: str
    timezone: str
    now: datetime
    next_step: Step | None
    coming: list[Step | PlannedNotice] = field(default_factory=list)


def explain_subscription(ledger: Ledger, id_: str) -> Explanation:
    """Why a subscription renewed or not, from what is committed. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        row = snapshot.subscription_row(id_)
        now = row.clock_now or machine_now()
        today = local_date(now, row.timezone)
        subscription = subscription_from(row)
        policy = snapshot.policy(subscription.policy_version)
        ended = subscription.status is Status.TERMINATED
        lines = history_lines(snapshot, History.subscription == id_, _LINES_LOOKED_AT)
        coming = islice(schedule(subscription, policy, row.timezone), _STEPS_AHEAD)
        return Explanation(
            subscription=id_,
            status=subscription.status,
            answer=explain.why_not_renewed(
                subscription, policy, row.timezone, suspended=row.suspended
            ),
            because=since_the_last_payment(lines),
            fee=None if ended else snapshot.fee(subscription, row.currency, today),
            usable=account_from(snapshot.account_row(row.account)).usable(today),
            currency=row.currency,
            timezone=row.timezone,
            now=now,
            next_step=step_from(row),
            coming=[item for item in coming if item.due > now],
        )


def since_the_last_payment(lines: list[HistoryLine]) -> list[HistoryLine]:
    """What led to the present state: the last paid cycle, and everything since."""
    paid = (index for index, line in enumerate(lines) if Event(line.event).pays_cycle)
    return lines[max(paid, default=0) :]
