"""Subscriptions that are paid in one sum: what each costs, and what they cost together.

This is the one place that prices an attempt to renew, the retry after a top-up and their forecast
(Rules 5.2, 5.4, 10.1, 11.5).

Worked sum: s1 costs 50.00 and brings a number with an activation fee of 5.00, s2 costs 40.00. The
amount of the group is 95.00.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from core.domain import alignment, funding
from core.domain.activation_fees import ActivationFee, total_of
from core.domain.fees import Known, Line, cost_of, payable
from core.domain.funding import Source
from core.domain.price_in_force import activation_fees, renewal_lines
from core.domain.subscription import ZERO, Account, Subscription
from core.domain.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedGroup:
    """Members with the fees of their next cycle.

    `members`: the subscriptions, in the order in which they are renewed.
    `lines`: the fee lines of each member, by id. Empty when a price is missing.
    `activation`: the activation fees that are charged with it, by id (Rule 10.1). Default none.
    """

    members: tuple[Subscription, ...]
    lines: Mapping[str, list[Line]] = field(default_factory=dict)
    activation: Mapping[str, list[ActivationFee]] = field(default_factory=dict)

    @property
    def amount(self) -> Decimal:
        """*S*, what the wallet pays for the members together (Rule 5.2)."""
        paid = (payable(it, self.lines[it.id]) for it in self.members if it.id in self.lines)
        return sum(paid, ZERO) + sum(map(total_of, self.activation.values()), ZERO)

    @property
    def cost(self) -> Decimal:
        """What the seller pays its own supplier for the members together (Rule 11.5)."""
        return sum(map(cost_of, self.lines.values()), ZERO)

    def covered_by(self, account: Account, today: date) -> bool:
        """Whether the usable credits of the account cover the amount. No card is tried."""
        return funding.fund(account, self.amount, today, card_allowed=False) is Source.WALLET


def price(
    members: Iterable[Subscription], account: Account, terms: Terms, today: date
) -> PricedGroup:
    """The next automatic cycle of each member, at the prices of its renewal date (Rule 3.5).

    `today`: the account's local date. Members that align are priced to a month end (Rule 5.5).
    Raises `Refused` 4.1 when a price is missing.
    """
    members, currency, known = tuple(members), account.currency, Known()
    return PricedGroup(
        members=members,
        lines={
            it.id: renewal_lines(
                it, terms, currency, aligned=alignment.aligns(it, today), known=known
            )
            for it in members
        },
        activation={
            it.id: fees for it in members if (fees := activation_fees(it, terms, currency))
        },
    )
