"""Why a subscription renewed or did not renew, from what is committed."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice

from core.domain import explain
from core.domain.events import Event
from core.domain.planner.notices import PlannedNotice
from core.domain.planner.schedule import schedule
from core.domain.reasons import Reason
from core.domain.steps import Step
from core.domain.subscription import Mode, Status
from core.ledger.ledger import Ledger
from core.ledger.rows import account_from, step_from
from core.ledger.tables import History
from doors.queries.histories import HistoryLine, history_lines
from doors.queries.refusals import newest_refusals, of_subscription
from doors.queries.snapshot import open_snapshot

_LINES_LOOKED_AT = 30
_STEPS_AHEAD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a subscription renewed or did not renew.

    `answer` says it in words with its rules. `because` is the history that led to it. `coming` are
    the steps and notices ahead. `refused` are the newest commands that a rule has refused, and
    `refused_left_out` counts the others.
    """

    subscription: str
    status: Status
    answer: str
    because: list[HistoryLine]
    fee: Decimal | None
    usable: Decimal
    mode: Mode
    currency: str
    timezone: str
    now: datetime
    next_step: Step | None
    coming: list[Step | PlannedNotice] = field(default_factory=list)
    refused: list[Reason] = field(default_factory=list)
    refused_left_out: int = 0


def explain_subscription(ledger: Ledger, id_: str) -> Explanation:
    """Why a subscription renewed or not, from what is committed. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        found = snapshot.subscription(id_)
        row, subscription = found.row, found.subscription
        lines = history_lines(snapshot, History.subscription == id_, _LINES_LOOKED_AT)
        refused, left_out = newest_refusals(snapshot, of_subscription(id_))
        coming = islice(schedule(subscription, found.policy, row.timezone), _STEPS_AHEAD)
        account = account_from(snapshot.account_row(row.account))
        return Explanation(
            subscription=id_,
            status=subscription.status,
            answer=explain.why_not_renewed(
                subscription, step_from(row), row.timezone, suspended=row.suspended
            ),
            because=since_the_last_payment(lines),
            fee=found.fee,
            usable=account.usable(found.today),
            mode=account.mode,
            currency=row.currency,
            timezone=row.timezone,
            now=found.now,
            next_step=step_from(row),
            coming=[item for item in coming if item.due > found.now],
            refused=refused,
            refused_left_out=left_out,
        )


def since_the_last_payment(lines: list[HistoryLine]) -> list[HistoryLine]:
    """What led to the present state: the last paid cycle, and everything since."""
    paid = (index for index, line in enumerate(lines) if Event(line.event).pays_cycle)
    return lines[max(paid, default=0) :]
