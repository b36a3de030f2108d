"""Campaigns and their rows: created at once, carried out row by row, with an outcome for each.

Every write here may be repeated. A campaign is created once for a request id. The outcome of a row
is recorded once, unless it is unknown.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, bindparam, case, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert

from core.domain.campaigns import (
    CampaignState,
    Control,
    NewCampaign,
    RowOutcome,
    after,
    campaign_id,
    options_of,
)
from core.domain.refusal import Refused, used_for_something_else
from core.domain.rules import Rule
from core.ledger.bulk_write import insert_all, one_of
from core.ledger.request_ids import used_by_any
from core.ledger.tables import AccountRow, CampaignItem, CampaignRow, SubscriptionRow
from core.protocol.campaign_messages import Place

_CHUNK = 5_000
_UNTRIED = CampaignItem.outcome.is_(None)
#: The word is a constant, so that the index of open rows is used.
_UNKNOWN = CampaignItem.outcome == literal_column(f"'{RowOutcome.UNKNOWN}'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The outcome of a row, as the ledger records it. `sentence`: what was done, or why not."""

    row: int
    outcome: RowOutcome
    sentence: str
    amount: Decimal | None = None
    currency: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDo:
    """A row that is to be carried out.

    `lane`: rows of one lane are carried out one after the other: those of an account, and all on
    one test clock.
    `at_once`: it lives by the machine's clock and belongs to the seller of the campaign, so its
    command needs no look at that before its transaction.
    """

    row: int
    subscription: str
    lane: tuple[str, str]
    at_once: bool


def of_request(connection: Connection, seller: str, request_id: str) -> Row[Any] | None:
    """The campaign of a request id, or None."""
    return connection.execute(
        select(CampaignRow.__table__).where(
            CampaignRow.seller == seller, CampaignRow.request_id == request_id
        )
    ).one_or_none()


def same(found: Row[Any], new: NewCampaign) -> str:
    """The id of the campaign that a request has started before.

    Raises `Refused` 4.2 if that was another one.
    """
    if found.fingerprint != new.fingerprint():
        reason = f"request id {new.request_id} was used for another campaign, {found.id}"
        raise Refused(Rule.REQUEST_ID, reason)
    found_id: str = found.id
    return found_id


def create(
    connection: Connection, seller: str, new: NewCampaign, now: datetime
) -> tuple[str, bool]:
    """Write a campaign with all its rows. Returns its id, and whether it is new.

    The same request id again is the same campaign. Raises `Refused` 4.2 if it was another one, or
    no campaign at all.
    """
    if used_by_any(connection, seller, [new.request_id]):
        if (found := of_request(connection, seller, new.request_id)) is None:
            raise used_for_something_else(new.request_id)
        return same(found, new), False
    id_ = campaign_id(seller, new.request_id)
    written = connection.execute(
        insert(CampaignRow)
        .values(
            id=id_,
            seller=seller,
            request_id=new.request_id,
            fingerprint=new.fingerprint(),
            do=new.pattern.do,
            options=options_of(new.pattern),
            actor=new.pattern.actor,
            selection=new.about,
            rows=len(new.rows),
            rate=new.rate,
            state=CampaignState.RUNNING,
            started_at=now,
        )
        .on_conflict_do_nothing()
        .returning(CampaignRow.id)
    ).one_or_none()
    if written is None:
        found = of_request(connection, seller, new.request_id)
        assert found is not None
        return same(found, new), False
    rows = [
        {"campaign": id_, "row": number, "line": row.line, "subscription": row.subscription}
        for number, row in enumerate(new.rows, start=1)
    ]
    for first in range(0, len(rows), _CHUNK):
        insert_all(connection, CampaignItem, rows[first : first + _CHUNK])
    return id_, True


def find(connection: Connection, campaign: str) -> Row[Any]:
    """The row of a campaign that exists."""
    return connection.execute(select(CampaignRow.__table__).where(CampaignRow.id == campaign)).one()


def next_rows(connection: Connection, campaign: str, place: Place, most: int) -> list[ToDo]:
    """The next rows to carry out, in their order: the untried ones, or the unknown ones again."""
    wanted = [_UNKNOWN, CampaignItem.row > place.after] if place.again else [_UNTRIED]
    query = (
        select(
            CampaignItem.row,
            CampaignItem.subscription,
            SubscriptionRow.account,
            SubscriptionRow.clock,
            (AccountRow.seller == CampaignRow.seller).label("of_seller"),
        )
        .join(CampaignRow, CampaignRow.id == CampaignItem.campaign)
        .outerjoin(SubscriptionRow, SubscriptionRow.id == CampaignItem.subscription)
        .outerjoin(AccountRow, AccountRow.id == SubscriptionRow.account)
        .where(CampaignItem.campaign == campaign, *wanted)
        .order_by(CampaignItem.row)
        .limit(most)
    )
    return [
        ToDo(
            row=row.row,
            subscription=row.subscription,
            lane=("clock", row.clock) if row.clock else ("account", row.account or ""),
            at_once=row.clock is None and bool(row.of_seller),
        )
        for row in connection.execute(query)
    ]


def record(
    connection: Connection, campaign: str, outcomes: Sequence[Settled], now: datetime
) -> None:
    """Record the outcomes of rows. A row that has a known outcome keeps it.

    The campaign is locked first, so that two batches that overlap count each row once.
    """
    connection.execute(_LOCK, {"campaign": campaign})
    rows = [{**asdict(one), "at": now} for one in outcomes]
    connection.execute(
        _RECORD,
        {
            "campaign": campaign,
            "rows": json.dumps(rows, default=str),
            "numbers": [one.row for one in outcomes],
        },
    )


def finish(connection: Connection, campaign: str, now: datetime) -> CampaignState:
    """Finish a campaign that runs and has no open row. Returns its state."""
    connection.execute(
        update(CampaignRow)
        .where(CampaignRow.id == campaign, CampaignRow.state == CampaignState.RUNNING)
        .values(state=CampaignState.FINISHED, ended_at=now)
    )
    return CampaignState(find(connection, campaign).state)


def control(connection: Connection, campaign: str, what: Control, now: datetime) -> CampaignState:
    """Pause, resume or stop a campaign. Returns its new state. Raises `Faults` if it is over.

    Its workflow is to be told after the commit.
    """
    state = connection.execute(_LOCK, {"campaign": campaign}).scalar_one()
    new = after(what, CampaignState(state), campaign)
    ended = now if new is CampaignState.STOPPED else None
    connection.execute(
        update(CampaignRow)
        .where(CampaignRow.id == campaign)
        .values(
            state=new,
            ended_at=case((CampaignRow.state == new, CampaignRow.ended_at), else_=ended),
            told=False,
        )
    )
    return new


def set_rate(connection: Connection, campaign: str, rate: int) -> None:
    """Change the rate of a campaign. The batch that runs sees it within seconds."""
    connection.execute(update(CampaignRow).where(CampaignRow.id == campaign).values(rate=rate))


def untold(connection: Connection, most: int, past: Sequence[str] = ()) -> list[str]:
    """The campaigns whose workflows are still to be started or told."""
    query = (
        select(CampaignRow.id)
        .where(~CampaignRow.told, ~one_of(CampaignRow.id, list(past)))
        .order_by(CampaignRow.id)
        .limit(most)
    )
    return list(connection.execute(query).scalars())


def told(connection: Connection, campaign: str, state: CampaignState) -> None:
    """Note that the workflow of a campaign knows this state, unless it has changed since."""
    connection.execute(
        update(CampaignRow)
        .where(CampaignRow.id == campaign, CampaignRow.state == state)
        .values(told=True)
    )


_LOCK = select(CampaignRow.state).where(CampaignRow.id == bindparam("campaign")).with_for_update()
#: One statement for all rows. They travel as JSON, like those of `core.ledger.bulk_write`.
_RECORD = text(
    """
WITH fresh AS (
  SELECT count(*) AS rows FROM campaign_rows
   WHERE campaign = :campaign AND "row" = ANY(CAST(:numbers AS integer[])) AND outcome IS NULL
), settled AS (
  UPDATE campaign_rows old
     SET outcome = new.outcome, amount = new.amount, currency = new.currency, rule = new.rule,
         sentence = new.sentence, at = new.at
    FROM json_populate_recordset(NULL::campaign_rows, CAST(:rows AS json)) new
   WHERE old.campaign = :campaign AND old."row" = new."row"
     AND old."row" = ANY(CAST(:numbers AS integer[]))
     AND (old.outcome IS NULL OR old.outcome = 'unknown')
)
UPDATE campaigns SET settled = settled + fresh.rows FROM fresh
 WHERE id = :campaign AND fresh.rows > 0
"""
)
