"""What is due, in the order of Rule 1.7.

The order is by instant, then accounts by id, then the stored rank and date of a step, then by id.
Notices come last. This module orders the steps of all subjects and knows no kinds.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Row,
    Select,
    Text,
    all_,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.domain.planner.notices import MessageState
from core.domain.steps import NOTICES_RANK, StepKind, Subject, SubjectKind
from core.ledger.tables import AccountRow, Message, StepRow
from core.protocol.activity_messages import DueStep, Passed


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that is due: a step (`kind` and `version`) or a notice (`message`).

    `due`, `account`: the instant (UTC), and the account in whose order it stands.
    `subject`: whose step it is, or the subscription that the notice is about.
    `kind`, `version`: of a step, None for a notice.
    `message`: the id of a notice, None for a step.
    """

    due: datetime
    account: str
    subject: Subject
    kind: StepKind | None
    version: int | None
    message: int | None


def earliest(
    connection: Connection,
    clock: str,
    until: datetime,
    zones: Collection[str] | None = None,
    account: str | None = None,
    past: Collection[str] = (),
) -> list[Due]:
    """Everything on a test clock that is due at the earliest instant up to `until`, in order.

    `zones` and `account` limit it to accounts in these time zones, or to one account. The accounts
    of `past` are skipped.
    """
    return _read(connection, True, clock, until, zones, account, past)


def due_at(
    connection: Connection,
    clock: str,
    instant: datetime,
    zones: Collection[str] | None = None,
    account: str | None = None,
) -> list[Due]:
    """Everything on a test clock that is due at this instant or before, in order."""
    return _read(connection, False, clock, instant, zones, account, ())


def first_of(
    connection: Connection, account: str, until: datetime, past: Collection[Passed]
) -> DueStep | None:
    """The first step of an account that is due at an instant, without those of `past`."""
    row = connection.execute(FIRST, first_values(account, until, past)).one_or_none()
    return first_from(row, account)


def accounts_with_due(
    connection: Connection, accounts: Collection[str], until: datetime
) -> set[str]:
    """Those of the accounts that have a step which is due at an instant."""
    query = select(StepRow.account).where(
        StepRow.account == any_(literal([*accounts], ARRAY(Text))), StepRow.due <= until
    )
    return set(connection.execute(query.distinct()).scalars())


def first_of_each(
    connection: Connection, accounts: Collection[str], until: datetime
) -> dict[str, DueStep]:
    """The first step that is due at an instant, of each account that has one."""
    values = {"accounts": [*accounts], "until": until, "past": [], "past_dates": []}
    rows = connection.execute(_FIRST_OF_EACH, values).all()
    found = {row.id: first_from(row, row.id) for row in rows}
    return {id_: step for id_, step in found.items() if step is not None}


def first_values(account: str, until: datetime, past: Collection[Passed]) -> dict[str, Any]:
    """The parameters of `FIRST`, as those of `first_of`."""
    subjects = [f"{passed.subject.kind}/{passed.subject.id}" for passed in past]
    dates = [
        passed.by_date
        for passed in past
        if passed.by_date is not None and passed.account in (None, account)
    ]
    return {"of": account, "until": until, "past": subjects, "past_dates": dates}


def first_from(row: Row[Any] | None, account: str) -> DueStep | None:
    """The step in a row of `FIRST`. Returns None when there is no row or no step in it."""
    if row is None or row.first_kind is None:
        return None
    subject = Subject(SubjectKind(row.first_subject_kind), row.first_subject)
    return DueStep(
        subject=subject,
        version=row.first_version,
        kind=StepKind(row.first_kind),
        due=row.first_due,
        by_date=row.first_by_date,
        account=account,
    )


def of_numbers(
    connection: Connection, until: datetime, limit: int, past: Collection[str] = ()
) -> list[Due]:
    """The steps of numbers that are due, without those of test clocks, in order.

    `limit`: how many at most.
    `past`: ids of subjects that are skipped.
    """
    values = {"until": until, "limit": limit, "past": list(past)}
    return [_due(row) for row in connection.execute(_OF_NUMBERS, values)]


def monthly_invoices(
    connection: Connection, until: datetime, limit: int, past: Collection[str] = ()
) -> list[Due]:
    """The monthly invoices that are due, without those of test clocks, in order.

    The parameters are those of `of_numbers`.
    """
    values = {"until": until, "limit": limit, "past": list(past)}
    return [_due(row) for row in connection.execute(_MONTHLY_INVOICES, values)]


def overdue_of_numbers(
    connection: Connection, until: datetime, limit: int, after: str
) -> list[Due]:
    """The same by id, from the first one after a subject on."""
    query = _OF_NUMBERS.where(StepRow.subject > after).order_by(None).order_by(StepRow.subject)
    values = {"until": until, "limit": limit, "past": []}
    return [_due(row) for row in connection.execute(query, values)]


def _first(account: Any) -> Any:
    """The first step of an account that is due."""
    return (
        select(
            StepRow.subject_kind.label("first_subject_kind"),
            StepRow.subject.label("first_subject"),
            StepRow.version.label("first_version"),
            StepRow.kind.label("first_kind"),
            StepRow.due.label("first_due"),
            StepRow.by_date.label("first_by_date"),
        )
        .where(
            StepRow.account == account,
            StepRow.due <= bindparam("until"),
            (StepRow.subject_kind + "/" + StepRow.subject)
            != all_(bindparam("past", type_=ARRAY(Text))),
            or_(
                StepRow.by_date.is_(None),
                StepRow.rank != literal_column(str(StepKind.RENEW.rank)),
                StepRow.by_date != all_(bindparam("past_dates", type_=ARRAY(Date))),
            ),
        )
        .order_by(StepRow.due, StepRow.rank, StepRow.by_date, StepRow.subject)
        .limit(1)
    )


#: The first step of an account that is due. Another query may contain it.
FIRST: Any = _first(bindparam("of"))
_EACH: Any = (
    func.unnest(bindparam("accounts", type_=ARRAY(Text)))
    .table_valued("id", name="each")
    .render_derived()
)
_FIRST_OF_EACH: Any = select(_EACH.c.id, _first(_EACH.c.id).lateral("first_due"))


def _of_kinds(*kinds: StepKind) -> Any:
    """The due steps of some kinds by the machine's clock. The kinds are constants for the index."""
    return (
        select(
            StepRow.due,
            StepRow.account,
            StepRow.subject_kind,
            StepRow.subject,
            StepRow.kind,
            StepRow.version,
            null().label("message"),
        )
        .where(
            StepRow.kind.in_(literal_column(f"'{kind}'") for kind in kinds),
            StepRow.clock.is_(None),
            StepRow.due <= bindparam("until"),
            StepRow.subject != all_(bindparam("past", type_=ARRAY(Text))),
        )
        .order_by(StepRow.due, StepRow.account, StepRow.rank, StepRow.subject)
        .limit(bindparam("limit"))
    )


_OF_NUMBERS = _of_kinds(*(kind for kind in StepKind if kind.subject is SubjectKind.NUMBER))
_MONTHLY_INVOICES = _of_kinds(StepKind.MONTHLY_INVOICE)


def _read(
    connection: Connection,
    first: bool,
    clock: str,
    until: datetime,
    zones: Collection[str] | None,
    account: str | None,
    past: Collection[str],
) -> list[Due]:
    query = _query(first, zones is not None, account is not None, bool(past))
    values: dict[str, Any] = {"clock": clock, "until": until}
    if zones is not None:
        values["zones"] = list(zones)
    if account is not None:
        values["account"] = account
    if past:
        values["past"] = list(past)
    return [_due(row) for row in connection.execute(query, values)]


def _due(row: Any) -> Due:
    subject = Subject(SubjectKind(row.subject_kind), row.subject)
    kind = row.kind and StepKind(row.kind)
    return Due(row.due, row.account, subject, kind, row.version, row.message)


@lru_cache
def _query(first: bool, of_zones: bool, of_account: bool, past: bool) -> Select[Any]:
    """What is due until an instant, or at the first instant until then.

    Building the query takes longer than running it, so it is built once.
    """
    which_steps = _which(StepRow, of_zones, of_account, past)
    # The state is a constant. A prepared plan with a parameter could not use the partial index.
    planned = Message.state == literal_column(f"'{MessageState.PLANNED}'")
    which_notices = (planned, *_which(Message, of_zones, of_account, past))
    if first:
        instant = _first_instant(which_steps, which_notices)
        which_steps = (*which_steps, StepRow.due == instant)
        which_notices = (*which_notices, Message.due == instant)
    both: Any = union_all(_steps(which_steps), _notices(which_notices)).subquery()
    c = both.c
    return select(
        c.due, c.account, c.subject_kind, c.subject, c.kind, c.version, c.message
    ).order_by(c.due, c.account, c.rank, c.by_date, c.subject, c.message)


def _first_instant(which_steps: Any, which_notices: Any) -> Any:
    step = select(func.min(StepRow.due)).where(*which_steps).scalar_subquery()
    notice = select(func.min(Message.due)).where(*which_notices).scalar_subquery()
    first = select(func.least(step, notice).label("instant")).cte("first")
    return select(first.c.instant).scalar_subquery()


def _steps(which: tuple[ColumnElement[bool], ...]) -> Any:
    return select(
        StepRow.due,
        StepRow.account,
        StepRow.subject_kind,
        StepRow.subject,
        StepRow.kind,
        StepRow.version,
        null().label("message"),
        StepRow.rank,
        StepRow.by_date,
    ).where(*which)


def _notices(which: tuple[ColumnElement[bool], ...]) -> Any:
    return select(
        Message.due,
        Message.account,
        literal_column(f"'{SubjectKind.SUBSCRIPTION}'"),
        Message.subscription,
        null(),
        null(),
        Message.id,
        literal_column(str(NOTICES_RANK)),
        null(),
    ).where(*which)


def _which(
    table: Any, of_zones: bool, of_account: bool, past: bool
) -> tuple[ColumnElement[bool], ...]:
    conditions: list[ColumnElement[bool]] = [
        table.clock == bindparam("clock"),
        table.due <= bindparam("until"),
    ]
    if of_zones:
        zone = AccountRow.timezone == any_(bindparam("zones", type_=ARRAY(Text)))
        mine = select(AccountRow.id).where(AccountRow.clock == bindparam("clock"), zone)
        conditions.append(table.account.in_(mine))
    if of_account:
        conditions.append(table.account == bindparam("account"))
    if past:
        conditions.append(table.account != all_(bindparam("past", type_=ARRAY(Text))))
    return tuple(conditions)
