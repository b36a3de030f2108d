"""Two forecasts of one account side by side: what changes between them.

Worked example: without assumptions s1 is renewed on 03-08. With a card that is declined from 03-01
its renewal fails on that day. Both are one row, because they are about s1 on one day.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest
from typing import Any

from core.domain.forecast import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What happens to one subject on one day, in each of two forecasts.

    `at`, `date`: the earlier instant (UTC) of the two, and the account's local date.
    `subscription`: the id, None for the account itself.
    `without`, `assumed`: the events of the two forecasts. One of them may be None.
    `same`: both forecasts have the same event at the same instant, with the same amount.
    """

    at: datetime
    date: date
    subscription: str | None
    without: Entry | None
    assumed: Entry | None
    same: bool


def side_by_side(without: Sequence[Entry], assumed: Sequence[Entry]) -> list[Pair]:
    """The events of two forecasts, in order of time. Equal events are one pair.

    Events of one subject on one day that differ are put side by side in their order.
    """
    waiting: dict[Any, list[Entry]] = defaultdict(list)
    for entry in reversed(assumed):
        waiting[_what(entry)].append(entry)
    pairs, left = [], []
    for entry in without:
        if found := waiting[_what(entry)]:
            pairs.append(_pair(entry, found.pop(), same=True))
        else:
            left.append(entry)
    added = {id(entry) for entries in waiting.values() for entry in entries}
    differing: dict[Any, tuple[list[Entry], list[Entry]]] = defaultdict(lambda: ([], []))
    for entry in left:
        differing[_about(entry)][0].append(entry)
    for entry in assumed:
        if id(entry) in added:
            differing[_about(entry)][1].append(entry)
    for one, other in differing.values():
        pairs += [_pair(before, after, same=False) for before, after in zip_longest(one, other)]
    return sorted(pairs, key=lambda pair: pair.at)


def _what(entry: Entry) -> tuple[Any, ...]:
    return entry.at, entry.event, entry.subscription, entry.amount, entry.reason, entry.number


def _about(entry: Entry) -> tuple[Any, ...]:
    return entry.date, entry.subscription, entry.number


def _pair(without: Entry | None, assumed: Entry | None, *, same: bool) -> Pair:
    first = min((it for it in (without, assumed) if it is not None), key=lambda it: it.at)
    return Pair(
        at=first.at,
        date=first.date,
        subscription=first.subscription,
        without=without,
        assumed=assumed,
        same=same,
    )
