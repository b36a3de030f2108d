"""Card charges whose outcome is unknown, not in the ledger, or other than it was thought to be."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, tuple_, update

from activities.card_charges import put_on_record
from activities.reconciliation.batches import off, result
from activities.reconciliation.workflow_port import Limits, Workflows
from core.domain.findings import Finding, FindingKind, ReconcileRequest, ReconcileResult
from core.domain.money import plain
from core.domain.steps import of_account, of_subscription
from core.gateways.cards import CardGateway, GatewayUnavailable
from core.ledger import failpoints
from core.ledger.clocks import virtual_now
from core.ledger.ledger import Ledger
from core.ledger.tables import NEVER_MADE, AccountRow, CardCharge
from core.protocol.activity_messages import ChargeOutcome

_DAYS_LOOKED_BACK = timedelta(days=30)
#: Each charge may wait for the gateway, so a batch is small.
_BATCH = 50
_OPEN = "open after account "
_CLOSED = "closed after "
_CHARGES = select(CardCharge.__table__, AccountRow.clock).join(
    AccountRow, AccountRow.id == CardCharge.account
)


class Charges:
    """Looks at open card charges, and at those that were closed as never made."""

    def __init__(
        self, ledger: Ledger, gateway: CardGateway, workflows: Workflows, limits: Limits
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._workflows = workflows
        self._limits = limits

    async def look(self, request: ReconcileRequest) -> ReconcileResult:
        """Look at a batch."""
        after = request.after or _OPEN
        closed = after.startswith(_CLOSED)
        if closed:
            rows = await off(self._closed, after.removeprefix(_CLOSED), request.now)
        else:
            rows = await off(self._open, after.removeprefix(_OPEN))
        found = [await self._charge(row, request.now) for row in rows]
        if len(rows) == _BATCH:
            last = rows[-1]
            place = f"{last.asked_at.isoformat()} {last.key}" if closed else last.account
            next_after: str | None = (_CLOSED if closed else _OPEN) + place
        else:
            next_after = None if closed else _CLOSED
        return result([finding for finding in found if finding], len(rows), next_after)

    def _open(self, account: str) -> Sequence[Any]:
        query = _CHARGES.where(~CardCharge.booked, CardCharge.account > account)
        with self._ledger.read() as connection:
            return connection.execute(query.order_by(CardCharge.account).limit(_BATCH)).all()

    def _closed(self, after: str, now: datetime) -> Sequence[Any]:
        since, _, key = after.partition(" ")
        at = datetime.fromisoformat(since) if since else now - _DAYS_LOOKED_BACK
        order = (CardCharge.asked_at, CardCharge.key)
        query = _CHARGES.where(CardCharge.reason == NEVER_MADE, tuple_(*order) > tuple_(at, key))
        with self._ledger.read() as connection:
            return connection.execute(query.order_by(*order).limit(_BATCH)).all()

    async def _charge(self, row: Any, now: datetime) -> Finding | None:
        asker = of_subscription(row.subscription) if row.subscription else of_account(row.account)
        standing = await self._workflows.standing(asker)
        waited_for = standing.runs and not standing.idle
        grace = self._limits.grace + timedelta(seconds=self._limits.jitter_seconds)
        if waited_for or (row.clock is None and row.asked_at > now - grace):
            return None  # its caller is still working on it
        try:
            answer = (
                None
                if row.outcome == ChargeOutcome.CHARGED
                else await off(self._gateway.look_up, row.key)
            )
        except GatewayUnavailable as error:
            return _of_charge(row, f"the card gateway does not answer: {error}", repaired=False)
        if row.outcome == ChargeOutcome.PENDING:
            charged, reason = (
                (False, NEVER_MADE) if answer is None else (answer.charged, answer.reason)
            )
            outcome = ChargeOutcome.CHARGED if charged else ChargeOutcome.DECLINED
            await off(self._book, row, now, outcome, reason)
            became = "was charged" if charged else f"was not charged: {reason}"
            return _of_charge(row, f"its outcome was unknown; it {became}", repaired=True)
        if not row.booked:
            await off(self._book, row, now, ChargeOutcome(row.outcome), row.reason)
            return _of_charge(
                row, f"its outcome, {row.outcome}, was not in the ledger", repaired=True
            )
        if answer is not None and answer.charged:
            await off(self._book, row, now, ChargeOutcome.CHARGED, None)
            return _of_charge(
                row, "it was charged after it had been closed as never made", repaired=True
            )
        return None

    def _book(self, row: Any, now: datetime, outcome: ChargeOutcome, reason: str | None) -> None:
        """Book the outcome, unless another transaction has changed the charge meanwhile."""
        with self._ledger.read() as connection:
            virtual = virtual_now(connection, account=row.account)
        with (
            failpoints.inside("reconcile_charge"),
            self._ledger.work(virtual or now, account=row.account) as work,
        ):
            as_seen = (
                getattr(CardCharge, name) == getattr(row, name)
                for name in ("key", "outcome", "booked", "calls")
            )
            booked = (
                update(CardCharge)
                .where(*as_seen)
                .values(outcome=str(outcome), reason=reason, booked=True)
                .returning(CardCharge.__table__)
            )
            if charge := work.connection.execute(booked).one_or_none():
                put_on_record(work, charge)


def _of_charge(row: Any, what: str, *, repaired: bool) -> Finding:
    kind = (
        FindingKind.CHARGE_UNKNOWN
        if row.outcome == ChargeOutcome.PENDING
        else FindingKind.CHARGE_NOT_BOOKED
    )
    return Finding(
        kind=kind,
        subject=row.key,
        what=f"card charge over {plain(row.amount, row.currency)} {row.currency}: {what}",
        repaired=repaired,
    )
