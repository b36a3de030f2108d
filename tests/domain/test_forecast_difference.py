"""Two forecasts of one account side by side."""

from decimal import Decimal
from typing import Any

from core.domain.events import Event
from core.domain.forecast import Entry
from core.domain.forecast_difference import Pair, side_by_side
from core.domain.rules import Rule
from tests.domain.made import at


def entry(on: str, event: Event, subscription: str | None = "s1", **more: Any) -> Entry:
    """An entry at 00:00 UTC of a day of 2021."""
    instant = at(f"2021-{on}T00:00")
    values = {"amount": None, "balance": Decimal(0), "rule": Rule.RENEWAL, "why": ""} | more
    return Entry(at=instant, date=instant.date(), event=event, subscription=subscription, **values)


def short(pair: Pair) -> str:
    sides = [side.event.value if side else "-" for side in (pair.without, pair.assumed)]
    return f"{str(pair.date)[5:]} {pair.subscription} {' / '.join(sides)}{' =' * pair.same}"


def test_equal_events_are_one_pair_whatever_the_balance() -> None:
    without = [entry("03-08", Event.RENEWED, amount=Decimal(-50))]
    assumed = [entry("03-08", Event.RENEWED, amount=Decimal(-50), balance=Decimal(7), why="x")]
    assert [short(pair) for pair in side_by_side(without, assumed)] == [
        "03-08 s1 renewed / renewed ="
    ]


def test_what_happens_to_one_subscription_on_one_day_stands_side_by_side() -> None:
    without = [
        entry("03-08", Event.CARD_CHARGED, None),
        entry("03-08", Event.RENEWED),
        entry("03-08", Event.RENEWED, "s2"),
    ]
    assumed = [
        entry("03-08", Event.CARD_DECLINED, None),
        entry("03-08", Event.RENEWAL_FAILED),
        entry("03-08", Event.RENEWED, "s2"),
        entry("03-10", Event.RENEWAL_FAILED),
    ]
    assert sorted(short(pair) for pair in side_by_side(without, assumed)) == [
        "03-08 None card_charged / card_declined",
        "03-08 s1 renewed / renewal_failed",
        "03-08 s2 renewed / renewed =",
        "03-10 s1 - / renewal_failed",
    ]


def test_pairs_are_in_order_of_time_and_keep_what_only_one_side_has() -> None:
    without = [entry("03-09", Event.EXPIRED), entry("03-11", Event.TERMINATED)]
    assumed = [entry("03-08", Event.RENEWED)]
    assert [short(pair) for pair in side_by_side(without, assumed)] == [
        "03-08 s1 - / renewed",
        "03-09 s1 expired / -",
        "03-11 s1 terminated / -",
    ]


def test_the_same_event_twice_is_two_pairs() -> None:
    twice = [entry("03-08", Event.RENEWAL_FAILED), entry("03-08", Event.RENEWAL_FAILED)]
    assert [short(pair) for pair in side_by_side(twice, twice[:1])] == [
        "03-08 s1 renewal_failed / renewal_failed =",
        "03-08 s1 renewal_failed / -",
    ]
    assert side_by_side([], []) == []
