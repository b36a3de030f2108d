"""How a sum is funded, and who is in it (Rules 5.2, 5.3)."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.domain.planner import Kind, next_step, renewal_date
from core.domain.policy import GroupRenewal, Policy
from core.domain.subscription import Account, Failure, Status, Subscription


class Source(StrEnum):
    """Where the money comes from."""

    WALLET = "wallet"
    CARD = "card"


def fund(
    account: Account, amount: Decimal, today: date, *, card_allowed: bool = True
) -> Source | Failure:
    """Usable credits first; else the card for the **whole** amount, if usable is not negative, the switch is on and a card is stored
    (Rule 5.3); a suspended account cannot (Rule 5.6)."""
    if account.suspended:
        return Failure.SUSPENDED
    usable = account.usable(today)
    if usable >= amount or amount == 0:
        return Source.WALLET
    if card_allowed and usable >= 0 and account.renew_by_card and account.card is not None:
        return Source.CARD
    return Failure.NO_CREDITS


def group(
    leader: Subscription,
    kind: Kind,
    siblings: Iterable[Subscription],
    policies: Mapping[int, Policy],
    current: Policy,
    zone: str,
) -> tuple[Subscription, ...]:
    """Who is funded together with `leader`, by id: the leader and, under `together`, those of the same account and renewal date whose
    first attempt is due (for a retry: that failed); an attempt of Rule 5.7 is made alone (Rules 5.2, 5.7).

    `policies` maps policy versions to policies; `current` decides whether groups exist at all.
    """
    if current.group_renewal is GroupRenewal.INDEPENDENT or kind is Kind.ATTEMPT:
        return (leader,)
    on = renewal_date(leader, policies[leader.policy_version])

    def belongs(other: Subscription) -> bool:
        if (
            other.id == leader.id
            or other.account != leader.account
            or other.status is not Status.ACTIVE
            or not other.auto_renew
        ):
            return False
        policy = policies[other.policy_version]
        if renewal_date(other, policy) != on:
            return False
        if kind is Kind.RETRY:
            return other.renewal_failed
        step = next_step(other, policy, zone)
        return step is not None and step.kind is Kind.RENEW

    return tuple(sorted([leader, *filter(belongs, siblings)], key=lambda s: s.id))
