"""All rows of the ledger, without the values that may differ between two runs.

Left out are ids, the keys of charges, how often our side began a call, and whether a workflow was
started. The direct engine has no workflows.
"""

import re
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from core.gateways.simulated_cards import charges
from core.ledger.ledger import Ledger
from core.ledger.period_amounts import PAID
from core.ledger.rows import SUBSCRIPTIONS
from core.ledger.tables import (
    AccountRow,
    CardCharge,
    History,
    Message,
    MonthlyAmount,
    NumberHistory,
    NumberRow,
    Operation,
    PeriodRow,
    Posting,
    RefundRow,
    RefusalRow,
    StepRow,
    SubscriptionRow,
)
from doors.simulation.report import report
from tests.crash.processes import refused, scenario_of


def outcome(ledger: Ledger, home: Path) -> dict[str, Any]:
    """The report of the scenario that was played, and all rows of the ledger."""
    scenario = scenario_of(home)
    return {"report": report(scenario, ledger, list(refused(scenario, home)))} | everything(ledger)


def everything(ledger: Ledger) -> dict[str, Any]:
    """All rows that tell what happened, in an order that does not depend on ids."""
    behind = Operation.subscription, Operation.cycle, Operation.purpose, Operation.at
    queries = {
        "history": select(
            History.at,
            History.account,
            History.subscription,
            History.event,
            History.amount,
            History.rule,
            History.actor,
            History.facts,
        ),
        "operations": select(Operation.account, *behind, Operation.request_id, Operation.result),
        "postings": select(
            *behind, Posting.account, Posting.book, Posting.currency, Posting.amount
        ).join(Operation, Operation.id == Posting.operation),
        "periods": select(
            PeriodRow.subscription,
            PeriodRow.start,
            PeriodRow.expiry,
            PeriodRow.months,
            PeriodRow.scheduled_start,
            PAID.label("paid"),
        ),
        "refunds": select(*behind, RefundRow.amount).join(
            Operation, Operation.id == RefundRow.operation
        ),
        "monthly": select(
            *behind,
            MonthlyAmount.month,
            MonthlyAmount.description,
            MonthlyAmount.amount,
            MonthlyAmount.invoice.is_not(None).label("invoiced"),
        ).join(Operation, Operation.id == MonthlyAmount.operation),
        "numbers": select(NumberRow.__table__),
        "number_history": select(*(c for c in NumberHistory.__table__.columns if c.name != "seq")),
        "messages": select(
            Message.subscription,
            Message.kind,
            Message.expiry,
            Message.due,
            Message.state,
            Message.done_at,
            Message.why,
        ),
        "asked": select(
            CardCharge.account,
            CardCharge.subscription,
            CardCharge.card,
            CardCharge.amount,
            CardCharge.asked_at,
            CardCharge.outcome,
            CardCharge.reason,
            CardCharge.booked,
        ),
        "charged": select(
            charges.c.key,
            charges.c.card,
            charges.c.amount,
            charges.c.charged,
            charges.c.refunded,
            charges.c.calls,
        ),
        "refusals": select(*(c for c in RefusalRow.__table__.columns if c.name != "id")),
        "subscriptions": select(SubscriptionRow.__table__),
        "steps": select(StepRow.__table__),
        "accounts": select(AccountRow.__table__),
    }
    with ledger.engine.connect() as connection:
        return {
            name: sorted(_plain(row) for row in connection.execute(query))
            for name, query in queries.items()
        }


def _plain(row: Any) -> str:
    """A row as text. The part after the slash of a charge's key is an id and is left out."""
    return re.sub(
        r"/\d+",
        "/…",
        ", ".join(
            f"{key}={value}" for key, value in row._mapping.items() if key != "workflow_started"
        ),
    )


def violations(ledger: Ledger) -> list[str]:
    """The invariants that are violated. They must hold after any kill.

    Money is conserved, nothing is charged twice, and each living subscription has a next step.
    """
    found = []
    wallet = (
        select(Posting.account, func.sum(Posting.amount).label("sum"))
        .where(Posting.book == "wallet")
        .group_by(Posting.account)
        .subquery()
    )
    queries = {
        "an operation that does not sum to zero": select(Posting.operation, Posting.currency)
        .group_by(Posting.operation, Posting.currency)
        .having(func.sum(Posting.amount) != 0),
        "a balance that its postings do not explain": select(AccountRow.id)
        .outerjoin(wallet, wallet.c.account == AccountRow.id)
        .where(AccountRow.balance != func.coalesce(wallet.c.sum, 0)),
        "a subscription without a next step": SUBSCRIPTIONS.where(
            SubscriptionRow.status != "TERMINATED", StepRow.kind.is_(None)
        ),
        "a charge that was not taken into the ledger": select(CardCharge.key).where(
            ~CardCharge.booked
        ),
        "a charge of the gateway that the ledger does not know": select(charges.c.key)
        .outerjoin(CardCharge, CardCharge.key == charges.c.key)
        .where(
            CardCharge.key.is_(None)
            | (charges.c.charged != (CardCharge.outcome == "charged"))
            | (charges.c.amount != CardCharge.amount)
        ),
    }
    with ledger.engine.connect() as connection:
        for what, query in queries.items():
            found += [f"{what}: {tuple(row)}" for row in connection.execute(query)]
    return found
