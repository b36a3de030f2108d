"""Rule 1.7: steps, their subjects and their ranks."""

from dataclasses import replace

import pytest

from core.domain.planner.next_step import next_step
from core.domain.planner.notices import Notice, PlannedNotice
from core.domain.planner.same_instant_order import place
from core.domain.policy import DEFAULT
from core.domain.steps import (
    NOTICES_RANK,
    RENEWALS,
    Step,
    StepKind,
    Subject,
    SubjectKind,
    of_account,
    of_subscription,
)
from core.domain.subscription import Failure, Status, Subscription
from tests.domain.made import ZONE, at, day, expired, subscription


def test_rule_1_7_each_kind_of_step_has_its_place_at_one_instant() -> None:
    in_order = [
        {StepKind.MONTHLY_INVOICE, StepKind.AUTO_TOP_UP},
        set(RENEWALS),
        {StepKind.CONVERT_TRIAL},
        {StepKind.EXPIRE},
        {StepKind.END},
        {StepKind.RELEASE, StepKind.LEAVE, StepKind.CLOSE_FOR_GOOD},
        {StepKind.REMIND},
    ]
    ranks = range(len(in_order))
    assert [{kind for kind in StepKind if kind.rank == rank} for rank in ranks] == in_order
    assert StepKind.REMIND.rank == NOTICES_RANK


@pytest.mark.parametrize("kind", [*StepKind, *Notice, *Failure])
def test_every_kind_has_words(kind: StepKind | Notice | Failure) -> None:
    assert kind.words
    assert str(kind) == kind.value


def test_a_subject_is_a_kind_and_an_id() -> None:
    assert of_subscription("s1") == Subject(SubjectKind.SUBSCRIPTION, "s1")
    assert of_account("s1") == Subject(SubjectKind.ACCOUNT, "s1")
    assert of_subscription("s1") != of_account("s1")


def test_rule_1_7_the_places_at_one_instant_in_order() -> None:
    older, younger = subscription("b"), subscription("a", anchor=day("11-17"))
    unsubscribed = replace(older, id="c", auto_renew=False)
    over = expired(day("12-16"), id_="d")
    in_order = [older, younger, unsubscribed, over]
    places = [place(step(s), s, DEFAULT) for s in in_order]
    notice = PlannedNotice(Notice.EXPIRING, at("2020-12-12T00:00"))
    places.append(place(notice, subscription("a"), DEFAULT))
    assert places == sorted(places)
    assert next_step(replace(older, status=Status.TERMINATED), DEFAULT, ZONE) is None


def step(of: Subscription) -> Step:
    found = next_step(of, DEFAULT, ZONE)
    assert found is not None
    return found
