"""Rule 9: to whom a subscription is assigned, and with whom it is shared."""

import pytest

from core.domain.commands.assign import AssignResult
from core.domain.people import MOST_MEMBERS, People, assign, share, unshare
from core.domain.refusal import Refused
from core.domain.rules import Rule

ANN, BEN = "ann@example.com", "ben@example.com"


def refused(change: object, *arguments: object) -> str:
    with pytest.raises(Refused) as raised:
        change(*arguments)  # type: ignore[operator]
    assert raised.value.refusal.rule is Rule.CHANGES
    return raised.value.refusal.reason


def test_rule_9_a_new_subscription_is_assigned_to_the_owner_and_shared_with_no_member() -> None:
    assert People() == People(assigned_to=None, members=())


def test_rule_9_it_is_assigned_to_a_person_and_back_to_the_owner() -> None:
    anns = assign(People(members=(BEN,)), "ann@EXAMPLE.com")
    assert anns == People(ANN, (BEN,))
    assert assign(anns, None) == People(None, (BEN,))
    assert refused(assign, anns, "Ann@example.com") == "it is assigned to Ann@example.com already"
    assert refused(assign, People(), None) == "it is assigned to the owner already"


def test_rule_9_members_come_and_go() -> None:
    both = share(share(People(ANN), ANN), BEN)
    assert both == People(ANN, (ANN, BEN))
    assert refused(share, both, "BEN@example.com") == "it is shared with BEN@example.com already"
    assert unshare(both, "ANN@example.com") == People(ANN, (BEN,))
    assert refused(unshare, People(), ANN) == "it is not shared with ann@example.com"


def test_rule_9_there_are_at_most_100_members() -> None:
    full = People(members=tuple(f"m{n}@example.com" for n in range(MOST_MEMBERS - 1)))
    full = share(full, ANN)
    assert len(full.members) == 100
    assert refused(share, full, BEN) == "it is shared with 100 members, and no more are allowed"


@pytest.mark.parametrize("change", [assign, share, unshare])
def test_rule_9_what_is_no_address_is_refused(change: object) -> None:
    assert refused(change, People(), "nobody") == (
        "an assignee or a member must be an e-mail address such as ann@example.com, not 'nobody'"
    )


def test_the_result_says_who_it_is_assigned_to() -> None:
    assert AssignResult(subscription="s1", assignee=ANN).sentence() == (
        "s1 is assigned to ann@example.com."
    )
    assert AssignResult(subscription="s1").sentence() == (
        "s1 is assigned to the owner of its account."
    )
