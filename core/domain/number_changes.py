"""How the numbers of a subscription change: added, removed, swapped (Rules 9, 10.1).

A number in use is part of the present cycle, or it was added "at renewal" and waits for the next
paid cycle. Which numbers are in use is the inventory's to say (`core.domain.numbers`). Here is what
the cycles hold, what the next paid cycle costs for them, and when a number leaves.

Worked example: a number is added at renewal on 03-02 and removed at renewal on 03-03. It stays in
use until the next paid cycle begins on 04-01, is never priced, and costs no activation fee.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from core.domain.contents import Coming, Item
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import Contract, Subscription

#: `Coming.amount` of a number whose activation fee is charged with the next paid cycle.
FEE_IS_DUE = 1


def has_numbers(subscription: Subscription) -> bool:
    """Whether a subscription has numbers, or has had some since its present cycle began."""
    return bool(subscription.numbers) or any(_is_number(it) for it in subscription.coming)


def coming(subscription: Subscription) -> set[str]:
    """The numbers of which something is to come: priced anew, or removed."""
    return {it.name for it in subscription.coming if _is_number(it)}


def pending(subscription: Subscription) -> list[str]:
    """The numbers that the next paid cycle changes."""
    return [it.name for it in subscription.coming if _is_number(it) and it.since is None]


def priced(number: str, sku: str | None) -> Coming:
    """The change that adds a number to what is priced, or removes it (`sku` is None)."""
    return Coming(item=Item.NUMBER, name=number, sku=sku)


def fee_is_due(subscription: Subscription, number: str) -> bool:
    """Whether the activation fee of a number waits for the next paid cycle (Rule 10.1)."""
    return any(it.amount == FEE_IS_DUE for it in subscription.coming if _pending(it, number))


def pays_activation(subscription: Subscription) -> bool:
    """Whether activation fees are charged: not under a milestone contract (Rule 10.1)."""
    return subscription.contract is not Contract.MILESTONE


def activated_with_next_cycle(subscription: Subscription) -> dict[str, str]:
    """The numbers whose activation fee is charged with the next paid cycle, with their SKUs."""
    if not pays_activation(subscription):
        return {}
    return {
        it.name: it.sku
        for it in subscription.coming
        if _is_number(it) and it.since is None and it.amount == FEE_IS_DUE and it.sku is not None
    }


def leaving(subscription: Subscription) -> list[str]:
    """The numbers that leave with the first day of the next paid cycle (Rule 10.1)."""
    return [
        it.name
        for it in subscription.coming
        if _is_number(it) and it.since is None and it.sku is None
    ]


def leaves_on(subscription: Subscription, number: str) -> date | None:
    """The day on which a number leaves. None when it stays, or leaves with a cycle not yet paid."""
    last = None
    for it in subscription.coming:
        if _is_number(it) and it.name == number:
            last = it
    return last.since if last is not None and last.sku is None else None


def add_at_renewal(
    subscription: Subscription, number: str, sku: str, *, fee_due: bool
) -> Subscription:
    """The number is priced from the next paid cycle on. A pending removal is withdrawn.

    `fee_due`: whether its activation fee is charged with that cycle.

    Raises `Refused` 9 when the next cycle holds it anyway.
    """
    _check_pending(subscription, number, sku)
    without = _without_pending(subscription, number)
    if number in without.next_contents.numbers:
        return _changed(subscription, without)
    return _changed(subscription, _with(without, number, sku, FEE_IS_DUE if fee_due else 0))


def remove_at_renewal(subscription: Subscription, number: str) -> Subscription:
    """The number leaves with the first day of the next paid cycle, or earlier if that is paid for.

    A number that was added at renewal stays in use until then, too. Raises `Refused` 9 when it
    leaves anyway.
    """
    _check_pending(subscription, number, None)
    without = _without_pending(subscription, number)
    if leaves_on(without, number) is not None:
        return _changed(subscription, without)
    amount = FEE_IS_DUE if fee_is_due(subscription, number) else 0
    return _changed(subscription, _with(without, number, None, amount))


def swap(subscription: Subscription, number: str, to: str, sku: str, today: date) -> Subscription:
    """The number `to` takes the place of another one of the same SKU, now and in what is to come.

    One that was added at renewal is given back before its activation fee was charged, and a swap
    costs none. So no fee is due for the new one either (Rule 10.1).
    """
    settled = subscription.settled(today)
    numbers = dict(settled.numbers)
    if numbers.pop(number, None) is not None:
        numbers[to] = sku
    coming = tuple(
        replace(it, name=to, amount=0) if _is_number(it) and it.name == number else it
        for it in settled.coming
    )
    return replace(settled, numbers=numbers, coming=coming, version=subscription.version + 1)


def without_lost(subscription: Subscription, left: Collection[str]) -> Subscription:
    """The subscription with only those of its numbers that are left (Rule 10.2).

    `left`: the numbers that the inventory still has for it.
    """
    if not has_numbers(subscription):
        return subscription
    return replace(
        subscription,
        numbers={number: sku for number, sku in subscription.numbers.items() if number in left},
        coming=tuple(it for it in subscription.coming if not _is_number(it) or it.name in left),
    )


def without_fees_due(subscription: Subscription) -> Subscription:
    """The subscription after its numbers were given back: no activation fee is due (Rule 10.1)."""
    return replace(
        subscription,
        coming=tuple(replace(it, amount=0) if _is_number(it) else it for it in subscription.coming),
    )


def _is_number(change: Coming) -> bool:
    return change.item is Item.NUMBER


def _pending(change: Coming, number: str) -> bool:
    return change.changes == (Item.NUMBER, number) and change.since is None


def _check_pending(subscription: Subscription, number: str, sku: str | None) -> None:
    """Refuse a change that is pending already."""
    if any(_pending(it, number) and it.sku == sku for it in subscription.coming):
        raise _no_change()


def _without_pending(subscription: Subscription, number: str) -> Subscription:
    kept = tuple(it for it in subscription.coming if not _pending(it, number))
    return replace(subscription, coming=kept)


def _with(subscription: Subscription, number: str, sku: str | None, amount: int) -> Subscription:
    change = replace(priced(number, sku), amount=amount)
    return replace(subscription, coming=(*subscription.coming, change))


def _changed(before: Subscription, after: Subscription) -> Subscription:
    if after == before:
        raise _no_change()
    return replace(after, version=before.version + 1)


def _no_change() -> Refused:
    return Refused(Rule.CHANGES, "it is so already; nothing would change")
