"""How the contents of a subscription change: from today on, or with the next paid cycle (Rule 9).

A later change of the same item replaces a pending one. One that holds from today on also replaces
those that are paid for a later period already: from today on every period holds the same.
"""

from dataclasses import replace
from datetime import date

from core.domain.catalog import Catalog, SkuKind
from core.domain.contents import Coming, Item
from core.domain.lifecycle import LAST_YEAR
from core.domain.policy import Policy
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import Subscription


def from_today(subscription: Subscription, change: Coming, today: date) -> Subscription:
    """The subscription with a change that holds from today on.

    Raises `Refused` 9 when it changes nothing.
    """
    settled = subscription.settled(today)
    others = tuple(it for it in settled.coming if it.changes != change.changes)
    contents = settled.contents_on(today).with_change(change)
    return _changed(settled, settled.holding(contents, others))


def at_renewal(subscription: Subscription, change: Coming) -> Subscription:
    """The subscription with a change that holds from the first day of the next paid cycle.

    A change back to what the next cycle would hold anyway only withdraws the pending one. Raises
    `Refused` 9 when it changes nothing.
    """
    if change in subscription.coming:
        raise _no_change()
    kept = tuple(
        it for it in subscription.coming if it.since is not None or it.changes != change.changes
    )
    without = replace(subscription, coming=kept)
    after = replace(subscription, coming=(*kept, change))
    changes = after.next_contents != without.next_contents
    return _changed(subscription, after if changes else without)


def withdraw(subscription: Subscription) -> Subscription:
    """The subscription without the changes that are pending. Those that are paid for stay.

    Raises `Refused` 9 when nothing is pending.
    """
    if not subscription.pending:
        raise Refused(Rule.CHANGES, "no change is pending")
    paid = tuple(it for it in subscription.coming if it.since is not None)
    return replace(subscription, coming=paid, version=subscription.version + 1)


def check_plan_from_today(subscription: Subscription, sku: str, catalog: Catalog) -> None:
    """Refuse a plan that may only change at renewal (Rule 9).

    From today on needs the kind `application`, and the same base months in the period under way and
    in the later ones that are paid.
    """
    plans = [subscription.sku]
    plans += [it.sku for it in subscription.coming if it.sku and it.item is Item.PLAN and it.since]
    for plan in (*plans, sku):
        if catalog.kind(plan) is not SkuKind.APPLICATION:
            raise Refused(
                Rule.CHANGES,
                f"{plan} is of kind {catalog.kind(plan)}; only an application changes from today "
                "on, the others change at renewal",
            )
        if catalog.months(plan) != catalog.months(sku):
            raise Refused(
                Rule.CHANGES,
                f"{plan} has a base cycle of {_months(catalog.months(plan))} and {sku} one of "
                f"{_months(catalog.months(sku))}; such a change is possible at renewal",
            )


def cycle_change(
    subscription: Subscription, *, multiplier: int | None, months: int | None
) -> Coming:
    """The change to a cycle of so many base cycles of the next plan, or of so many months.

    Raises `Refused` 9 when not exactly one of them is given, and for a number that cannot be.
    """
    if (multiplier is None) == (months is None):
        raise Refused(Rule.CHANGES, "either a multiplier or a number of months, not both")
    if multiplier is None:
        assert months is not None
        base = subscription.next_contents.base_months
        multiplier, rest = divmod(months, base)
        if rest:
            sku = subscription.next_contents.sku
            raise Refused(
                Rule.CHANGES,
                f"a cycle of {_months(months)} is not a multiple of the {_months(base)} of {sku}",
            )
    if multiplier < 1:
        raise Refused(Rule.CHANGES, f"a cycle of {multiplier} base cycles: at least 1")
    return Coming(item=Item.CYCLE, amount=multiplier)


def check_cycle(subscription: Subscription, policy: Policy) -> None:
    """Refuse a next cycle that is shorter than the policy allows, or ends beyond the calendar."""
    months = subscription.next_contents.cycle_months
    if months < policy.min_cycle_months:
        raise Refused(
            Rule.CHANGES, f"a cycle of {_months(months)}: at least {policy.min_cycle_months}"
        )
    if subscription.expiry.year + months // 12 > LAST_YEAR:
        raise Refused(Rule.CHANGES, f"a cycle of {months} months ends after the year {LAST_YEAR}")


def _changed(before: Subscription, after: Subscription) -> Subscription:
    if after == before:
        raise _no_change()
    return replace(after, version=before.version + 1)


def _months(months: int) -> str:
    return "1 month" if months == 1 else f"{months} months"


def _no_change() -> Refused:
    return Refused(Rule.CHANGES, "it is so already; nothing would change")
