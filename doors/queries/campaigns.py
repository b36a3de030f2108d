"""Campaigns: which there are, how far one is, and what became of each of its rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, tuple_

from core.domain.campaigns import CampaignState, RowOutcome
from core.ledger.ledger import Ledger
from core.ledger.tables import CampaignItem, CampaignRow
from doors.queries.pages import stream
from doors.queries.snapshot import NotFound, open_snapshot

_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLine:
    """A line of the list of campaigns.

    `settled`: the rows that have an outcome. `selection`: what it is about, in words.
    """

    campaign: str
    do: str
    selection: str
    state: CampaignState
    rows: int
    settled: int
    rate: int
    actor: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedBy:
    """How many rows a rule has refused, and the first of their reasons."""

    rule: str
    rows: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What the rows have paid and given back in a currency."""

    currency: str
    paid: Decimal
    given_back: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView:
    """A campaign, with its rows counted by outcome.

    `options`: those of its command. `waiting`: rows without an outcome.
    """

    line: CampaignLine
    options: dict[str, Any]
    done: int
    refused: int
    repeated: int
    unknown: int
    waiting: int
    refused_by: tuple[RefusedBy, ...]
    sums: tuple[Sum, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """What became of a row.

    `row`: its number, from 1. `line`: its line in a file.
    `outcome` is None while the row waits, and for good when the campaign was stopped before it.
    `amount`: what was paid, negative for what was given back. `sentence`: what was done, or why
    not. `request_id`: that of the row's command, as the ledger has it.
    """

    row: int
    line: int
    subscription: str
    outcome: RowOutcome | None
    amount: Decimal | None
    currency: str | None
    rule: str | None
    sentence: str | None
    at: datetime | None
    request_id: str


def list_campaigns(
    ledger: Ledger,
    *,
    state: CampaignState | None = None,
    after: str | None = None,
    most: int = 50,
) -> list[CampaignLine]:
    """Campaigns, the newest first.

    `state`: only those in this state. `after`: the last campaign of the page before.

    Raises NotFound for an unknown `after`.
    """
    key = (CampaignRow.started_at, CampaignRow.id)
    query = select(CampaignRow.__table__).where(CampaignRow.seller == ledger.seller)
    if state is not None:
        query = query.where(CampaignRow.state == state)
    with open_snapshot(ledger) as snapshot:
        if after is not None:
            last = _row(snapshot.connection, ledger.seller, after)
            query = query.where(tuple_(*key) < tuple_(last.started_at, last.id))
        ordered = query.order_by(*(column.desc() for column in key)).limit(most)
        return [_line(row) for row in snapshot.connection.execute(ordered)]


def campaign_rows(
    ledger: Ledger, *, state: CampaignState | None = None, after: str | None = None
) -> Iterator[CampaignLine]:
    """The campaigns of `list_campaigns`, read page by page. Raises NotFound at the first one."""

    def read(last: str | None) -> tuple[list[CampaignLine], str | None]:
        lines = list_campaigns(ledger, state=state, after=last, most=_PAGE)
        return lines, lines[-1].campaign if len(lines) == _PAGE else None

    yield from stream(read, after)


def find_campaign(ledger: Ledger, campaign: str) -> CampaignView:
    """A campaign with its counts and sums. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        run = snapshot.connection.execute
        row = _row(snapshot.connection, ledger.seller, campaign)
        mine = CampaignItem.campaign == campaign
        count = func.count().label("rows")
        by_outcome = run(
            select(CampaignItem.outcome, count).where(mine).group_by(CampaignItem.outcome)
        ).all()
        counts = {one.outcome: one.rows for one in by_outcome}
        refused = run(
            select(CampaignItem.rule, count, func.min(CampaignItem.sentence).label("reason"))
            .where(mine, CampaignItem.outcome == RowOutcome.REFUSED)
            .group_by(CampaignItem.rule)
            .order_by(count.desc(), CampaignItem.rule)
        ).all()
        amount, nothing = CampaignItem.amount, Decimal(0)
        sums = run(
            select(
                CampaignItem.currency,
                func.coalesce(func.sum(amount).filter(amount > 0), nothing).label("taken"),
                func.coalesce(-func.sum(amount).filter(amount < 0), nothing).label("given_back"),
            )
            .where(mine, CampaignItem.currency.is_not(None))
            .group_by(CampaignItem.currency)
            .order_by(CampaignItem.currency)
        ).all()
    return CampaignView(
        line=_line(row),
        options=row.options,
        done=counts.get(RowOutcome.DONE, 0),
        refused=counts.get(RowOutcome.REFUSED, 0),
        repeated=counts.get(RowOutcome.REPEATED, 0),
        unknown=counts.get(RowOutcome.UNKNOWN, 0),
        waiting=counts.get(None, 0),
        refused_by=tuple(
            RefusedBy(rule=one.rule, rows=one.rows, reason=one.reason) for one in refused
        ),
        sums=tuple(
            Sum(currency=one.currency, paid=one.taken, given_back=one.given_back) for one in sums
        ),
    )


def progress_of(ledger: Ledger, campaign: str) -> CampaignLine:
    """How far a campaign is. One row is read. Raises NotFound."""
    with ledger.read() as connection:
        return _line(_row(connection, ledger.seller, campaign))


def receipt(ledger: Ledger, campaign: str, *, after: int = 0) -> Iterator[ReceiptRow]:
    """What became of each row, in the order of the rows. Raises NotFound.

    `after`: only rows with a larger number. Default: all.

    The rows are read in pages of 1000, each as it is then.
    """
    progress_of(ledger, campaign)
    while True:
        query = (
            select(CampaignItem.__table__)
            .where(CampaignItem.campaign == campaign, CampaignItem.row > after)
            .order_by(CampaignItem.row)
            .limit(_PAGE)
        )
        with ledger.read() as connection:
            page = connection.execute(query).all()
        for row in page:
            yield ReceiptRow(
                row=row.row,
                line=row.line,
                subscription=row.subscription,
                outcome=None if row.outcome is None else RowOutcome(row.outcome),
                amount=row.amount,
                currency=row.currency,
                rule=row.rule,
                sentence=row.sentence,
                at=row.at,
                request_id=f"{campaign}/{row.row}",
            )
        if len(page) < _PAGE:
            return
        after = page[-1].row


def _row(connection: Any, seller: str, campaign: str) -> Any:
    query = select(CampaignRow.__table__).where(
        CampaignRow.id == campaign, CampaignRow.seller == seller
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no campaign {campaign}")
    return row


def _line(row: Any) -> CampaignLine:
    return CampaignLine(
        campaign=row.id,
        do=row.do,
        selection=row.selection,
        state=CampaignState(row.state),
        rows=row.rows,
        settled=row.settled,
        rate=row.rate,
        actor=row.actor,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
