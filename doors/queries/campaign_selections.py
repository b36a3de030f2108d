"""Which subscriptions of a work list are meant, by a page or a campaign (docs/campaigns.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

from core.domain.campaigns import MOST_ROWS, Row
from core.domain.faults import Fault, Faults
from core.domain.subscription import Failure
from core.ledger.ledger import Ledger
from doors.queries.list_names import WorkList
from doors.queries.work_lists import ListRow, WorkFilter, work_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Some subscriptions of a work list.

    `account`: only those of this account. `clock`: only those on this test clock.
    `failure`: only those that have failed for this reason.
    `expiry_from`, `expiry_to`: the first and the last expiry date. Each is None for all.
    """

    which: WorkList
    account: str | None = None
    clock: str | None = None
    failure: Failure | None = None
    expiry_from: date | None = None
    expiry_to: date | None = None

    @property
    def words(self) -> str:
        """The selection in words, such as ``all failed of account acme``."""
        parts = [f"all {self.which}"]
        parts += [f"for {self.failure}"] if self.failure else []
        parts += [f"of account {self.account}"] if self.account else []
        parts += [f"on test clock {self.clock}"] if self.clock else []
        parts += [f"from expiry date {self.expiry_from}"] if self.expiry_from else []
        parts += [f"to expiry date {self.expiry_to}"] if self.expiry_to else []
        return " ".join(parts)

    def rows(self, ledger: Ledger, after: str | None = None) -> Iterator[ListRow]:
        """Its lines by account, as `work_rows`. Raises NotFound for an unknown account.

        Accounts on test clocks are left out, unless the clock or the account is named.
        """
        of = WorkFilter(
            account=self.account,
            clock=self.clock,
            test_clocks=False,
            expiry_from=self.expiry_from,
            expiry_to=self.expiry_to,
            failure=self.failure,
        )
        return work_rows(ledger, self.which, of, after=after)


def selected_rows(ledger: Ledger, selection: Selection, place: str) -> list[Row]:
    """The rows that a campaign on a selection has now. Raises NotFound for an unknown account.

    Without a clock, only those on no test clock are taken. Raises `Faults` with this place when
    there are none, or more than a campaign may have.
    """
    fitting = (
        line.subscription for line in selection.rows(ledger) if line.clock == selection.clock
    )
    wanted = list(islice(fitting, MOST_ROWS + 1))
    if not wanted:
        raise Faults([Fault(place, f"there are no subscriptions: {selection.words}")])
    if len(wanted) > MOST_ROWS:
        reason = f"there are more than {MOST_ROWS} subscriptions; name an account"
        raise Faults([Fault(place, reason)])
    return [Row(number, id_) for number, id_ in enumerate(wanted, start=1)]
