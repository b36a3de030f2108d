"""A row of an import as a customer, with the checks that need the catalogue and today's date."""

from datetime import MAXYEAR, date, datetime
from decimal import Decimal
from typing import Any

from activities.import_customers import Customer
from core.domain.calendar import last_paid_day, local_date
from core.domain.imported_subscription import anchor_by_tenure, judged_at, months_under_way
from core.domain.money import LARGEST, MOST_DIGITS, round_half_up
from core.domain.rules import Rule
from core.domain.subscription import ZERO
from doors.intake.imported_skus import ImportedSkus


def customer_of(
    values: dict[str, Any],
    skus: ImportedSkus,
    now: datetime,
    prefix: str,
    as_of: date | None = None,
) -> Customer:
    """A row as a customer. Raises ValueError with what is wrong with it.

    `values`: the values of the row by field.
    `skus`: the SKUs that the row may name. A new one is added.
    `now`: the instant of the import (UTC).
    `prefix`: is put before every id.
    `as_of`: the day on which Perennial takes over, as of which the row is judged. Default: today.
    """
    id_, currency, zone = values["id"], values["currency"], values["timezone"]
    quantity = values.get("quantity", 1)
    if quantity > skus.policy.max_licences:
        most = f"at most {skus.policy.max_licences} licences are allowed"
        raise ValueError(f"quantity: {most}, not {quantity} (rule {Rule.LICENCES})")
    today = local_date(judged_at(now, as_of, zone), zone)
    anchor = _anchor(values, today)
    offer = skus.offer(values, today)
    _check_end(anchor, offer.months, today)
    return Customer(
        id=prefix + id_,
        account=prefix + values.get("account", id_),
        currency=currency,
        timezone=zone,
        sku=offer.sku,
        months=offer.months,
        anchor=anchor,
        quantity=quantity,
        legacy=values.get("legacy", False),
        auto_renew=values.get("auto_renew", True),
        credits=_credits(values, offer.price * quantity, currency),
        card=values.get("card"),
        renew_by_card=values.get("renew_by_card", False),
        owner=values.get("owner"),
        billing_email=values.get("billing_email"),
        charged_there_on=values.get("next_charge"),
    )


def _anchor(values: dict[str, Any], today: date) -> date:
    if "anchor" not in values:
        return anchor_by_tenure(values["id"], values["tenure_months"], today)
    anchor: date = values["anchor"]
    if anchor > today:
        raise ValueError(f"anchor: {anchor} is after today, {today}")
    return anchor


def _check_end(anchor: date, months: int, today: date) -> None:
    """Raises ValueError if the cycle under way ends after the last year of the calendar."""
    try:
        last_paid_day(anchor, months_under_way(anchor, months, today))
    except OverflowError:
        cycle = f"the cycle under way, of {months} months since {anchor}"
        raise ValueError(f"months: {cycle}, ends after the year {MAXYEAR}") from None


def _credits(values: dict[str, Any], price: Decimal, currency: str) -> Decimal:
    brought: Decimal = values.get("credits", ZERO)
    if cycles := values.get("credit_cycles", 0):
        brought = round_half_up(price, currency) * cycles
    if brought >= LARGEST:
        raise ValueError(
            f"credits: {brought:f} are too many; allowed is less than 10^{MOST_DIGITS}"
        )
    return brought
