"""Reconciliation: finds what is wrong, repairs what is safe to repair, and reports it all.

| found | repair |
|---|---|
| an operation, the ledger or a balance that does not add up | none |
| a living subscription without a next step, a gap in invoice numbers | none |
| invoices without a number | numbered |
| a card charge whose outcome is unknown or not in the ledger | looked up by its key and booked |
| a card charge that was never made and is not waited for | closed as declined |
| a workflow that was never started, or is gone | started from what is committed |
| a workflow that is behind what is committed, or sleeps over an overdue step | told |
| a workflow that cannot go on | none |

What is in progress is left alone: a charge just asked for, a step just due. Accounts on a test
clock are never overdue.
"""

import asyncio
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, func, select, update

from activities.number_invoices import number_invoices
from activities.payments import take_up
from core.domain.findings import Finding, FindingKind, Part, ReconcileRequest, ReconcileResult
from core.domain.money import plain
from core.domain.steps import Subject, SubjectKind, of_account, of_subscription
from core.domain.subscription import Status
from core.gateways.cards import CardGateway, GatewayUnavailable
from core.ledger import failpoints
from core.ledger.clocks import machine_now, virtual_now
from core.ledger.double_entry import Book
from core.ledger.ledger import Ledger
from core.ledger.rows import SUBSCRIPTIONS
from core.ledger.tables import (
    AccountRow,
    CardCharge,
    Invoice,
    InvoiceNumber,
    Operation,
    Posting,
    StepRow,
    SubscriptionRow,
)
from core.protocol.activity_messages import AccountSnapshot, ChargeOutcome, Snapshot

P = ParamSpec("P")
R = TypeVar("R")

#: The reason of a charge that was asked for and never reached the gateway.
NEVER_MADE = "never made"
_DAYS_LOOKED_BACK = timedelta(days=30)
_AT_MOST = 100
_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a workflow is.

    `runs`: whether it runs.
    `idle`: whether it only waits.
    `trouble`: what keeps it from going on, default None.
    """

    runs: bool
    idle: bool
    trouble: str | None = None


class Workflows(Protocol):
    """What reconciliation needs of the workflows of subscriptions and accounts."""

    async def standing(self, subject: Subject) -> Standing:
        """How a workflow is."""
        ...

    async def known(self, subject: Subject) -> Snapshot | None:
        """What it knows. Returns None when it does not answer."""
        ...

    async def start(self, subject: Subject) -> None:
        """Start it from what is committed."""
        ...

    async def tell(self, snapshot: Snapshot | AccountSnapshot) -> None:
        """Tell it what is committed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a reconciliation.

    `grace`: how late a step may be, on top of the jitter. Default 15 minutes.
    `jitter_seconds`: the spread of the steps of one instant. Default 0.
    `batch`: how many subscriptions are looked at in one go. Default 1000.
    `ask_every`: one workflow in so many is asked what it knows. Default 1, all of them.
    `period`: the time between two reconciliations. Default 1 hour.
    """

    grace: timedelta = timedelta(minutes=15)
    jitter_seconds: int = 0
    batch: int = 1000
    ask_every: int = 1
    period: timedelta = timedelta(hours=1)


class Reconciliation:
    """Looks at one part, or at one batch of it."""

    def __init__(
        self, ledger: Ledger, gateway: CardGateway, workflows: Workflows, limits: Limits
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._workflows = workflows
        self._limits = limits

    async def reconcile(self, request: ReconcileRequest) -> ReconcileResult:
        """Look at a part, and repair what is safe to repair."""
        match request.part:
            case Part.BOOKS:
                return await _off(self._books)
            case Part.INVOICES:
                return await _off(self._invoices, request.now)
            case Part.CHARGES:
                return await self._charges(request.now)
            case Part.SUBSCRIPTIONS:
                return await self._subscriptions(request.now, request.after)
            case Part.ACCOUNTS:
                return await self._accounts(request.now, request.after)

    # books and invoices

    def _books(self) -> ReconcileResult:
        with self._ledger.engine.connect() as connection:
            accounts = connection.execute(select(func.count()).select_from(AccountRow)).scalar_one()
            found = [
                *_unbalanced(connection),
                *_ledger_sums(connection),
                *_balances(connection),
                *_without_step(connection),
            ]
        return ReconcileResult(findings=tuple(found), checked=accounts)

    def _invoices(self, now: datetime) -> ReconcileResult:
        late = (
            select(Invoice.seller, func.count().label("n"))
            .join(Operation, Operation.id == Invoice.operation)
            .join(AccountRow, AccountRow.id == Invoice.account)
            .outerjoin(InvoiceNumber, InvoiceNumber.invoice == Invoice.id)
            .where(
                InvoiceNumber.invoice.is_(None),
                AccountRow.clock.is_(None),
                Operation.at < now - self._limits.grace,
            )
            .group_by(Invoice.seller)
        )
        with self._ledger.engine.connect() as connection:
            found = [
                Finding(
                    kind=FindingKind.UNNUMBERED,
                    subject=row.seller,
                    what=f"{row.n} invoices had no number",
                    repaired=True,
                )
                for row in connection.execute(late)
            ]
        numbered = 0
        while new := number_invoices(self._ledger):
            numbered += new
        with self._ledger.engine.connect() as connection:
            found += _gaps(connection)
        return ReconcileResult(findings=tuple(found), checked=numbered)

    # charges

    async def _charges(self, now: datetime) -> ReconcileResult:
        open_charges = await _off(self._open_charges, now)
        found = [await self._charge(row, now) for row in open_charges]
        return ReconcileResult(
            findings=tuple(finding for finding in found if finding), checked=len(open_charges)
        )

    def _open_charges(self, now: datetime) -> Sequence[Any]:
        closed = (CardCharge.reason == NEVER_MADE) & (CardCharge.asked_at > now - _DAYS_LOOKED_BACK)
        query = (
            select(CardCharge.__table__, AccountRow.clock)
            .join(AccountRow, AccountRow.id == CardCharge.account)
            .where(~CardCharge.booked | closed)
            .order_by(CardCharge.key)
        )
        with self._ledger.engine.connect() as connection:
            return connection.execute(query).all()

    async def _charge(self, row: Any, now: datetime) -> Finding | None:
        standing = await self._workflows.standing(of_subscription(row.subscription))
        waited_for = standing.runs and not standing.idle
        grace = self._limits.grace + timedelta(seconds=self._limits.jitter_seconds)
        if waited_for or (row.clock is None and row.asked_at > now - grace):
            return None  # its caller is still working on it
        try:
            answer = (
                None
                if row.outcome == ChargeOutcome.CHARGED
                else await _off(self._gateway.look_up, row.key)
            )
        except GatewayUnavailable as error:
            return _of_charge(row, f"the card gateway does not answer: {error}", repaired=False)
        if row.outcome == ChargeOutcome.PENDING:
            charged, reason = (
                (False, NEVER_MADE) if answer is None else (answer.charged, answer.reason)
            )
            await _off(
                self._book,
                row,
                now,
                ChargeOutcome.CHARGED if charged else ChargeOutcome.DECLINED,
                reason,
            )
            became = "was charged" if charged else f"was not charged: {reason}"
            return _of_charge(row, f"its outcome was unknown; it {became}", repaired=True)
        if not row.booked:
            await _off(self._book, row, now, ChargeOutcome(row.outcome), row.reason)
            return _of_charge(
                row, f"its outcome, {row.outcome}, was not in the ledger", repaired=True
            )
        if answer is not None and answer.charged:
            await _off(self._book, row, now, ChargeOutcome.CHARGED, None)
            return _of_charge(
                row, "it was charged after it had been closed as never made", repaired=True
            )
        return None

    def _book(self, row: Any, now: datetime, outcome: ChargeOutcome, reason: str | None) -> None:
        """Write the outcome down and book it, unless another transaction came first."""
        with self._ledger.engine.connect() as connection:
            virtual = virtual_now(connection, account=row.account)
        with (
            failpoints.inside("reconcile_charge"),
            self._ledger.work(virtual or now, account=row.account) as work,
        ):
            as_seen = (
                getattr(CardCharge, name) == getattr(row, name)
                for name in ("key", "outcome", "booked", "calls")
            )
            settled = (
                update(CardCharge)
                .where(*as_seen)
                .values(outcome=str(outcome), reason=reason, booked=False)
            )
            if work.connection.execute(settled).rowcount:
                take_up(work, row.key)

    # subscriptions and their workflows

    async def _subscriptions(self, now: datetime, after: str) -> ReconcileResult:
        rows = await _off(self._living, after)
        queue = asyncio.Semaphore(_AT_ONCE)
        silent = asyncio.Event()

        async def look(row: Any) -> Finding | None:
            async with queue:
                return await self._subscription(row, now, silent)

        found = [finding for finding in await asyncio.gather(*map(look, rows)) if finding]
        if silent.is_set():
            what = "workflows do not answer queries: is a worker with the role workflows up?"
            found.append(Finding(kind=FindingKind.NO_ANSWER, subject="workers", what=what))
        more = len(rows) == self._limits.batch
        return ReconcileResult(
            findings=tuple(found), checked=len(rows), after=rows[-1].id if more else None
        )

    def _living(self, after: str) -> Sequence[Any]:
        query = (
            SUBSCRIPTIONS.where(
                SubscriptionRow.id > after, SubscriptionRow.status != Status.TERMINATED
            )
            .order_by(SubscriptionRow.id)
            .limit(self._limits.batch)
        )
        with self._ledger.engine.connect() as connection:
            return connection.execute(query).all()

    async def _subscription(self, row: Any, now: datetime, silent: asyncio.Event) -> Finding | None:
        if row.next_due is None:
            return None  # found in the books
        if not row.workflow_started:
            await self._workflows.start(of_subscription(row.id))
            return _of(
                FindingKind.NOT_STARTED, row, "its workflow had not been started", repaired=True
            )
        standing = await self._workflows.standing(of_subscription(row.id))
        if not standing.runs:
            if await _off(self._ended, row.id):
                return None
            await self._workflows.start(of_subscription(row.id))
            return _of(FindingKind.WORKFLOW_MISSING, row, "its workflow was gone", repaired=True)
        late = self._is_overdue(row, now)
        if standing.trouble:
            what = f"{row.next_kind} was due at {row.next_due.isoformat()}; " if late else ""
            return _of(
                FindingKind.OVERDUE if late else FindingKind.STUCK,
                row,
                f"{what}{standing.trouble}",
                repaired=False,
            )
        if late and standing.idle:
            await self._tell(row.id)
            return _of(
                FindingKind.OVERDUE,
                row,
                f"it slept over {row.next_kind}, due at {row.next_due.isoformat()}",
                repaired=True,
            )
        if not standing.idle or silent.is_set() or not self._is_asked(row.id, now):
            return None
        return await self._ask(row, silent)

    async def _ask(self, row: Any, silent: asyncio.Event) -> Finding | None:
        """Whether the workflow's next step is the one that is committed."""
        known = await self._workflows.known(of_subscription(row.id))
        if known is None:
            silent.set()
            return None
        step = known.next_step
        if (
            known.subscription.version >= row.version
            and step is not None
            and (step.kind, step.due) == (row.next_kind, row.next_due)
        ):
            return None
        if known.subscription.version > row.version or not await self._tell(row.id, row.version):
            return None  # it has moved on meanwhile
        return _of(
            FindingKind.WORKFLOW_BEHIND,
            row,
            f"its workflow knew version {known.subscription.version} of {row.version}",
            repaired=True,
        )

    async def _tell(self, subscription: str, version: int | None = None) -> bool:
        """Tell a workflow what is committed, if that is still this version."""
        snapshot = await _off(self._snapshot, subscription)
        if version is not None and snapshot.subscription.version != version:
            return False
        await self._workflows.tell(snapshot)
        return True

    def _snapshot(self, subscription: str) -> Snapshot:
        [(snapshot, _)] = self._ledger.snapshots([subscription], machine_now())
        return snapshot

    def _ended(self, subscription: str) -> bool:
        with self._ledger.engine.connect() as connection:
            status = select(SubscriptionRow.status).where(SubscriptionRow.id == subscription)
            return connection.execute(status).scalar() == Status.TERMINATED

    # the steps of accounts and their workflows

    async def _accounts(self, now: datetime, after: str) -> ReconcileResult:
        rows = await _off(self._account_steps, after)
        found = [await self._account(row, now) for row in rows]
        more = len(rows) == self._limits.batch
        return ReconcileResult(
            findings=tuple(finding for finding in found if finding),
            checked=len(rows),
            after=rows[-1].id if more else None,
        )

    def _account_steps(self, after: str) -> Sequence[Any]:
        query = (
            select(
                StepRow.subject.label("id"),
                StepRow.account,
                StepRow.clock,
                StepRow.kind.label("next_kind"),
                StepRow.due.label("next_due"),
            )
            .where(StepRow.subject_kind == SubjectKind.ACCOUNT, StepRow.subject > after)
            .order_by(StepRow.subject)
            .limit(self._limits.batch)
        )
        with self._ledger.engine.connect() as connection:
            return connection.execute(query).all()

    async def _account(self, row: Any, now: datetime) -> Finding | None:
        subject = of_account(row.id)
        standing = await self._workflows.standing(subject)
        if not standing.runs:
            found = await _off(self._ledger.account_snapshot, row.id, machine_now())
            if found is None or found[0].next_step is None:
                return None  # Its step has run meanwhile, and its workflow has ended.
            await self._workflows.start(subject)
            return _of(FindingKind.WORKFLOW_MISSING, row, "its workflow was gone", repaired=True)
        late = self._is_overdue(row, now)
        if standing.trouble:
            kind = FindingKind.OVERDUE if late else FindingKind.STUCK
            return _of(kind, row, standing.trouble, repaired=False)
        if late and standing.idle:
            found = await _off(self._ledger.account_snapshot, row.id, machine_now())
            if found is not None:
                await self._workflows.tell(found[0])
            what = f"it slept over {row.next_kind}, due at {row.next_due.isoformat()}"
            return _of(FindingKind.OVERDUE, row, what, repaired=True)
        return None

    def _is_overdue(self, row: Any, now: datetime) -> bool:
        if row.clock is not None:
            return False
        spread = (
            zlib.crc32(row.account.encode()) % self._limits.jitter_seconds
            if self._limits.jitter_seconds
            else 0
        )
        return bool(row.next_due + timedelta(seconds=spread) + self._limits.grace < now)

    def _is_asked(self, subscription: str, now: datetime) -> bool:
        turn = int(now.timestamp() // self._limits.period.total_seconds())
        return (
            zlib.crc32(subscription.encode()) % self._limits.ask_every
            == turn % self._limits.ask_every
        )


async def _off(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The database, off the event loop."""
    return await asyncio.to_thread(function, *args, **kwargs)


def _of(kind: FindingKind, row: Any, what: str, *, repaired: bool) -> Finding:
    return Finding(kind=kind, subject=row.id, what=what, repaired=repaired)


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


def _unbalanced(connection: Connection) -> list[Finding]:
    moved = func.sum(Posting.amount)
    query = (
        select(Posting.operation, Posting.currency, moved.label("sum"))
        .group_by(Posting.operation, Posting.currency)
        .having(moved != 0)
    )
    return [
        Finding(
            kind=FindingKind.UNBALANCED,
            subject=str(row.operation),
            what=f"its postings sum to {plain(row.sum, row.currency)} {row.currency}",
        )
        for row in connection.execute(query.order_by(Posting.operation).limit(_AT_MOST))
    ]


def _ledger_sums(connection: Connection) -> list[Finding]:
    moved = func.sum(Posting.amount)
    query = (
        select(Posting.currency, moved.label("sum"))
        .group_by(Posting.currency)
        .having(moved != 0)
        .order_by(Posting.currency)
    )
    return [
        Finding(
            kind=FindingKind.LEDGER_SUM,
            subject=row.currency,
            what=f"all postings sum to {plain(row.sum, row.currency)}",
        )
        for row in connection.execute(query)
    ]


def _balances(connection: Connection) -> list[Finding]:
    wallet = func.coalesce(func.sum(Posting.amount), 0)
    query = (
        select(AccountRow.id, AccountRow.balance, AccountRow.currency, wallet.label("sum"))
        .outerjoin(
            Posting,
            (Posting.account == AccountRow.id)
            & (Posting.book == Book.WALLET)
            & (Posting.currency == AccountRow.currency),
        )
        .group_by(AccountRow.id)
        .having(wallet != AccountRow.balance)
        .order_by(AccountRow.id)
        .limit(_AT_MOST)
    )
    return [
        Finding(
            kind=FindingKind.BALANCE,
            subject=row.id,
            what=(
                f"its balance is {plain(row.balance, row.currency)} {row.currency}, "
                f"its postings sum to {plain(row.sum, row.currency)}"
            ),
        )
        for row in connection.execute(query)
    ]


def _without_step(connection: Connection) -> list[Finding]:
    query = SUBSCRIPTIONS.where(SubscriptionRow.status != Status.TERMINATED, StepRow.kind.is_(None))
    return [
        Finding(
            kind=FindingKind.NO_NEXT_STEP,
            subject=row.id,
            what=f"it is {row.status} and nothing is due, ever",
        )
        for row in connection.execute(query.order_by(SubscriptionRow.id).limit(_AT_MOST))
    ]


def _gaps(connection: Connection) -> list[Finding]:
    last, count = func.max(InvoiceNumber.number), func.count()
    query = (
        select(InvoiceNumber.seller, last.label("last"), count.label("n"))
        .group_by(InvoiceNumber.seller)
        .having(last != count)
        .order_by(InvoiceNumber.seller)
    )
    return [
        Finding(
            kind=FindingKind.NUMBERS,
            subject=row.seller,
            what=f"the last number is {row.last}, but there are {row.n} numbers",
        )
        for row in connection.execute(query)
    ]
