"""A row of an import as a customer, with the checks that need the catalogue and today's date."""

from datetime import MAXYEAR, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from activities.import_customers import Customer, subscription_of
from core.domain.calendar import local_date
from core.domain.imported_subscription import (
    TakeoverState,
    anchor_by_tenure,
    judged_at,
    schedule_until,
)
from core.domain.lifecycle import LAST_YEAR
from core.domain.money import LARGEST, MOST_DIGITS, round_half_up
from core.domain.policy import Policy
from core.domain.rules import Rule
from core.domain.subscription import ZERO
from doors.intake.imported_skus import ImportedSkus


def customer_of(
    values: dict[str, Any],
    skus: ImportedSkus,
    now: datetime,
    prefix: str,
    as_of: date | None = None,
    *,
    checked: bool = False,
) -> Customer:
    """A row as a customer. Raises ValueError with what is wrong with it.

    `values`: the values of the row by field.
    `skus`: the SKUs that the row may name. A new one is added.
    `now`: the instant of the import (UTC).
    `prefix`: is put before every id.
    `as_of`: the day on which Perennial takes over, as of which the row is judged. Default: today.
    `checked`: whether its schedule was found right before. Default: it is checked.
    """
    id_, currency, zone = values["id"], values["currency"], values["timezone"]
    quantity = values.get("quantity", 1)
    if quantity > skus.policy.max_licences:
        most = f"at most {skus.policy.max_licences} licences are allowed"
        raise ValueError(f"quantity: {most}, not {quantity} (rule {Rule.LICENCES})")
    today = local_date(judged_at(now, as_of, zone), zone)
    anchor = _anchor(values, today)
    offer = skus.offer(values, today)
    customer = Customer(
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
        state=_state(values, today),
        anchor_day=values.get("anchor_day"),
        paid_until=_paid_until(values, today),
        discount=values.get("discount", ZERO),
        discount_cycles=_discount_cycles(values),
        addons=skus.addons(values, today),
        numbers=skus.numbers(values, today),
        had_trial=values.get("had_trial", "trial_until" in values),
        external_id=values.get("external_id"),
        debt=values.get("debt", ZERO),
        credit_limit=values.get("credit_limit", ZERO),
        charged_there_on=values.get("next_charge"),
        credits=_credits(values, offer.price * quantity, currency),
        card=values.get("card"),
        renew_by_card=values.get("renew_by_card", False),
        owner=values.get("owner"),
        billing_email=values.get("billing_email"),
    )
    if not checked:
        _check_schedule(customer, now, as_of, skus.policy)
    return customer


def _anchor(values: dict[str, Any], today: date) -> date | None:
    if "tenure_months" in values:
        return anchor_by_tenure(values["id"], values["tenure_months"], today)
    anchor: date | None = values.get("anchor")
    if anchor is not None and anchor > today:
        raise ValueError(f"anchor: {anchor} is after today, {today}")
    return anchor


def _state(values: dict[str, Any], today: date) -> TakeoverState:
    """What the subscription was. Without a status, one whose trial is not over is a trial."""
    if "status" in values:
        state: TakeoverState = values["status"]
        return state
    if "trial_until" in values and values["trial_until"] >= today:
        return TakeoverState.TRIAL
    return TakeoverState.ACTIVE


def _paid_until(values: dict[str, Any], today: date) -> date | None:
    """The last paid day, which is the day before the next charge. Of a trial its last day."""
    if _state(values, today) is TakeoverState.TRIAL and "trial_until" in values:
        found: date | None = values["trial_until"]
    elif "next_charge" in values and _decides(values):
        found = values["next_charge"] - timedelta(days=1)
    else:
        found = values.get("paid_until")
    if found is not None and found.year > LAST_YEAR:
        raise ValueError(
            f"paid_until: {found} is too late; the years until {LAST_YEAR} are allowed"
        )
    return found


def _decides(values: dict[str, Any]) -> bool:
    """Whether the day before the next charge is the last paid day.

    It is unless the row says so itself. With an anchor, whole months since it must end on that day.
    """
    if {"paid_until", "tenure_months"} & set(values):
        return False
    anchor: date | None = values.get("anchor")
    before: date = values["next_charge"] - timedelta(days=1)
    return anchor is None or schedule_until(before, anchor, None)[0] == anchor


def _discount_cycles(values: dict[str, Any]) -> int:
    cycles: int = values.get("discount_cycles", 0)
    if values.get("discount", ZERO) and not cycles:
        raise ValueError("discount: needs discount_cycles, the number of further cycles with it")
    return cycles


def _check_schedule(customer: Customer, now: datetime, as_of: date | None, policy: Policy) -> None:
    """Raises ValueError if the subscription cannot be what the row says."""
    try:
        subscription_of(customer, now, as_of, policy, 1)
    except OverflowError:
        cycle = f"the cycle under way, of {customer.months} months since {customer.anchor}"
        raise ValueError(f"months: {cycle}, ends after the year {MAXYEAR}") from None
    except ValueError as error:
        raise ValueError(f"status: {error}") from None


def _credits(values: dict[str, Any], price: Decimal, currency: str) -> Decimal:
    brought: Decimal = values.get("credits", ZERO)
    if cycles := values.get("credit_cycles", 0):
        brought = round_half_up(price, currency) * cycles
    if brought >= LARGEST:
        raise ValueError(
            f"credits: {brought:f} are too many; allowed is less than 10^{MOST_DIGITS}"
        )
    return brought
