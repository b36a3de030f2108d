"""Why a subscription has not renewed, in words with the rule."""

from dataclasses import replace

import pytest

from core.domain import lifecycle
from core.domain.calendar import first_instant
from core.domain.contents import Coming, Item
from core.domain.explain import why_not_renewed
from core.domain.planner.next_step import next_step
from core.domain.policy import DEFAULT
from core.domain.subscription import Failure, Subscription
from tests.domain.made import ZONE, at, day, expired, subscription

BOUGHT = subscription()  # 2020-11-16..2020-12-15
YEARLY = Coming(item=Item.PLAN, sku="PRO-Y", amount=12)
SEATS = Coming(item=Item.ADDON, name="SEAT", amount=4)
FAILED = lifecycle.fail(BOUGHT, first_instant(day("12-08"), ZONE), Failure.NO_CREDITS)


@pytest.mark.parametrize(
    ("state", "suspended", "words"),
    [
        (
            BOUGHT,
            False,
            "It is not due: it is paid until 2020-12-15 and renews on 2020-12-08 (rule 5.1).",
        ),
        (
            BOUGHT,
            True,
            "(rule 5.1). The account is suspended: "
            "the attempt will fail unless it is resumed (rule 5.6).",
        ),
        (
            replace(BOUGHT, coming=(YEARLY, replace(SEATS, since=day("12-16")), SEATS)),
            False,
            "(rule 5.1). The next paid cycle brings the plan PRO-Y, 4 × SEAT (rule 9).",
        ),
        (
            replace(BOUGHT, auto_renew=False),
            False,
            "Auto-renewal is off (rule 8.1): it runs until 2020-12-15.",
        ),
        (
            FAILED,
            False,
            "The renewal failed: the usable credits did not cover the fee (rule 5.3). "
            "The next retry is on 2020-12-10 (rule 5.4).",
        ),
        (
            lifecycle.fail(FAILED, at("2020-12-14T03:00"), Failure.CARD_DECLINED),
            False,
            "The renewal failed: the card was declined (rule 5.3). No retry is left (rule 5.4).",
        ),
        (
            lifecycle.expire(
                lifecycle.fail(FAILED, at("2020-12-14T03:00"), Failure.SUSPENDED),
                day("12-16"),
                "UTC",
            ),
            False,
            "It expired after 2020-12-15 because the renewal failed: "
            "the account was suspended (rule 5.6). It can be reactivated",
        ),
        (
            expired(day("12-16"), auto_renew=False),
            False,
            "because auto-renewal was off (rule 8.1).",
        ),
        (
            expired(day("12-16")),
            False,
            "because no attempt to renew could be made in time (rule 13).",
        ),
        (
            lifecycle.terminate(BOUGHT, day("12-01")),
            False,
            "It was terminated on 2020-12-01 and never renews (rule 2).",
        ),
    ],
)
def test_why_not_renewed_says_the_reason_and_its_rule(
    state: Subscription, suspended: bool, words: str
) -> None:
    step = next_step(state, DEFAULT, ZONE)
    assert words in why_not_renewed(state, step, ZONE, suspended=suspended)
