"""The accounts that rows share: what all rows of an account must agree about (docs/import.md)."""

from dataclasses import dataclass, field
from decimal import Decimal

from activities.import_customers import Customer
from core.domain.money import plain
from core.domain.rules import Rule
from core.domain.subscription import ZERO


@dataclass(slots=True)
class AccountsOfFile:
    """The accounts of the rows that were added. A few values are kept for each."""

    _first: dict[str, tuple[str, str, Decimal, int]] = field(default_factory=dict)
    _brought: dict[str, Decimal] = field(default_factory=dict)

    def add(self, customer: Customer, line: int) -> None:
        """Add a row. Raises ValueError if it cannot share the account with the rows before it.

        The first row opens the account, with its credit limit. The rows together must not leave the
        account below that limit (Rule 11.1).
        """
        id_ = customer.account
        own = (customer.currency, customer.timezone, customer.credit_limit, line)
        currency, zone, limit, first = self._first.get(id_, own)
        for name, there, here in (
            ("currency", currency, customer.currency),
            ("timezone", zone, customer.timezone),
        ):
            if there != here:
                raise ValueError(f"{name}: account {id_} has {there} in line {first}, not {here}")
        brought = self._brought.get(id_, ZERO) + customer.credits - customer.debt
        if customer.debt and -brought > limit:
            short = plain(-brought - limit, currency)
            rows = "" if first == line else f" with the rows of line {first} and later"
            raise ValueError(
                f"debt: an account cannot begin with {short} {currency} less than its credit limit "
                f"allows{rows} (rule {Rule.USABLE}); collect the debt first, or map credit_limit"
            )
        self._first.setdefault(id_, own)
        if brought:
            self._brought[id_] = brought
