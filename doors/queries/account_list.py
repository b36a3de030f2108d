"""The accounts of a seller, as a list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select

from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, SubscriptionRow
from doors.queries.pages import stream
from doors.queries.snapshot import open_snapshot

#: The accounts of one query, whether they are listed or not.
_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """One account of the list. The fields are as in `AccountView`.

    `failed`: whether a subscription of the account has failed to renew.
    """

    account: str
    owner: str | None
    billing_email: str | None
    mode: str
    balance: Decimal
    currency: str
    timezone: str
    failed: bool
    suspended: bool
    closed_on: date | None
    clock: str | None


#: Looked for by the index, account by account. For an EXISTS PostgreSQL would read all that failed.
_FAILED = (
    select(SubscriptionRow.id)
    .where(SubscriptionRow.account == AccountRow.id, SubscriptionRow.renewal_failed)
    .limit(1)
    .scalar_subquery()
    .is_not(None)
)
_COLUMNS = (
    AccountRow.id.label("account"),
    AccountRow.owner,
    AccountRow.billing_email,
    AccountRow.mode,
    AccountRow.balance,
    AccountRow.currency,
    AccountRow.timezone,
    _FAILED.label("failed"),
    AccountRow.suspended,
    AccountRow.closed_on,
    AccountRow.clock,
)


def account_rows(
    ledger: Ledger, *, test_clocks: bool = False, after: str | None = None, page: int = _PAGE
) -> Iterator[AccountLine]:
    """The accounts by id, from the one after `after` on, read in pages of `page` rows.

    `test_clocks`: whether accounts on test clocks are listed. Default: they are left out.
    """

    def read(last: str | None) -> tuple[list[AccountLine], str | None]:
        query = select(*_COLUMNS).where(AccountRow.seller == ledger.seller)
        if last is not None:
            query = query.where(AccountRow.id > last)
        with open_snapshot(ledger) as snapshot:
            rows = snapshot.connection.execute(query.order_by(AccountRow.id).limit(page)).all()
        listed = [AccountLine(**r._mapping) for r in rows if test_clocks or r.clock is None]
        return listed, rows[-1].account if len(rows) == page else None

    return stream(read, after)
