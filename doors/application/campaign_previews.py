"""What a campaign would do: how many rows are done, how many refused by which rule, and the money.

Each row runs the very use case in a rehearsal (docs/decisions/0015), with what it sets off at once.
The rows of one account run one after the other in one transaction, so that the second sees what
the first has spent. Such a transaction has at most `PART` rows, because it holds the account. Each
part of a larger account begins with what is usable now. The preview counts such accounts.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import select

from core.domain.campaigns import NewCampaign, Row, on_each
from core.domain.refusal import Refusal
from core.ledger.bulk_write import one_of
from core.ledger.clocks import virtual_now
from core.ledger.ledger import Ledger
from core.ledger.rehearsal import rehearsal
from core.ledger.tables import AccountRow, SubscriptionRow
from core.protocol.activity_messages import CommandResult
from doors.application.patience import first_line, is_passing
from doors.application.rehearsing import Rehearsing

PART = 200
"""The most rows of one transaction. It holds the account for a second."""
_CHUNK = 5_000

Progress = Callable[[int, int], None]
"""Is called with the rows that are done and the rows that there are."""


@dataclass(slots=True)
class RefusedRows:
    """How many rows a rule refuses, with the first of them and its reason."""

    rule: str
    count: int
    subscription: str
    reason: str


@dataclass(slots=True)
class Money:
    """Sums in one currency. `paid` and `given_back` by the rows, `card`: charged to cards."""

    currency: str
    paid: Decimal = Decimal(0)
    given_back: Decimal = Decimal(0)
    card: Decimal = Decimal(0)


@dataclass(slots=True)
class CampaignPreview:
    """What a campaign would do now.

    `rows`: how many there are.
    `done`: how many would be done.
    `refused`: the rules that would refuse some, the most frequent first.
    `failing`: rows whose outcome cannot be told, because the rehearsal raises an error.
    `money`: by currency.
    `large`: accounts with more than `PART` rows. Their sums may be too high.
    """

    do: str
    rows: int
    done: int = 0
    refused: list[RefusedRows] = field(default_factory=list)
    failing: list[tuple[str, str]] = field(default_factory=list)
    money: list[Money] = field(default_factory=list)
    large: int = 0

    @property
    def refused_rows(self) -> int:
        """How many rows would be refused."""
        return sum(one.count for one in self.refused)


def preview_of(
    ledger: Ledger, new: NewCampaign, progress: Progress | None = None
) -> CampaignPreview:
    """Rehearse a campaign. Nothing is done."""
    found = GrowingPreview(ledger, new, progress)
    for part in found.parts():
        found.add(part, found.rehearse(part))
    return found.result


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one account that are rehearsed in one transaction, and the account's currency."""

    account: str
    currency: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    """The outcome of a row. `error`: the rehearsal has raised it."""

    subscription: str
    result: CommandResult | None = None
    card: Decimal | None = None
    error: str = ""


class GrowingPreview:
    """A preview that grows part by part. `rehearse` may be repeated, `add` may not."""

    def __init__(self, ledger: Ledger, new: NewCampaign, progress: Progress | None) -> None:
        self.result = CampaignPreview(do=new.pattern.do, rows=len(new.rows))
        self._ledger = ledger
        self._new = new
        self._progress = progress
        self._seen = 0

    def parts(self) -> list[Part]:
        """The parts, account by account."""
        # A row that gives money back may lock other accounts: alone, it waits for none of them.
        size = 1 if self._new.pattern.pays_back else PART
        groups = _by_account(self._ledger, self._new.rows)
        self.result.large = sum(size > 1 and len(rows) > size for *_, rows in groups)
        return [
            Part(account, currency, rows[first : first + size])
            for account, currency, rows in groups
            for first in range(0, len(rows), size)
        ]

    def rehearse(self, part: Part) -> list[_Rehearsed]:
        """Rehearse the rows of a part, one after the other."""
        with rehearsal(self._ledger) as on:
            now = virtual_now(on.connection, account=part.account) or on.machine_now()
            calls = Rehearsing(on, now)
            return [self._row(calls, row.subscription) for row in part.rows]

    def _row(self, calls: Rehearsing, subscription: str) -> _Rehearsed:
        """Rehearse a row. Each begins with what is due, and so with what the last has set off."""
        calls.forget_charges()
        try:
            result = calls.command(on_each(self._new.pattern, subscription))
        except Exception as error:
            if is_passing(error):
                raise
            told = f"{type(error).__name__}: {first_line(error)}"
            return _Rehearsed(subscription, error=told)
        return _Rehearsed(subscription, result, calls.by_commands)

    def add(self, part: Part, rehearsed: Sequence[_Rehearsed]) -> None:
        """Add what was rehearsed to the result, and report the progress."""
        for row in rehearsed:
            if row.result is None:
                self.result.failing.append((row.subscription, row.error))
            elif row.result.refusal:
                self._refused(row.subscription, row.result.refusal)
            else:
                paid = row.result.result.paid() if row.result.result else None
                self._done(part.currency, paid, row.card)
        self.result.refused.sort(key=lambda one: (-one.count, one.rule))
        self._seen += len(rehearsed)
        if self._progress:
            self._progress(self._seen, self.result.rows)

    def _done(self, currency: str, paid: Decimal | None, card: Decimal | None) -> None:
        self.result.done += 1
        if not paid and not card:
            return
        found = next((one for one in self.result.money if one.currency == currency), None)
        if found is None:
            found = Money(currency)
            self.result.money.append(found)
        found.paid += max(paid or Decimal(0), Decimal(0))
        found.given_back -= min(paid or Decimal(0), Decimal(0))
        found.card += card or Decimal(0)

    def _refused(self, subscription: str, refusal: Refusal) -> None:
        for one in self.result.refused:
            if one.rule == refusal.rule:
                one.count += 1
                return
        self.result.refused.append(RefusedRows(refusal.rule, 1, subscription, refusal.reason))


def _by_account(ledger: Ledger, rows: Sequence[Row]) -> list[tuple[str, str, list[Row]]]:
    """The accounts in the order of their first rows, each with its currency and its rows.

    Worked size: 50,000 rows are ten statements.
    """
    owners: dict[str, tuple[str, str]] = {}
    with ledger.read() as connection:
        for first in range(0, len(rows), _CHUNK):
            ids = [row.subscription for row in rows[first : first + _CHUNK]]
            query = (
                select(SubscriptionRow.id, AccountRow.id.label("account"), AccountRow.currency)
                .join(AccountRow, AccountRow.id == SubscriptionRow.account)
                .where(one_of(SubscriptionRow.id, ids))
            )
            owners |= {row.id: (row.account, row.currency) for row in connection.execute(query)}
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[owners[row.subscription]].append(row)
    return [(account, currency, group) for (account, currency), group in groups.items()]
