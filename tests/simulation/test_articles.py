"""The ten articles of docs/features.md: each has a story, and each story its exact result.

A story is a file in examples/scenarios/, with its numbers worked out by hand in comments. What it
must come to is in `articles/`: every event, invoice, refusal, subscription and account. An event
that is not expected fails the test. `test_direct_equals_temporal.py` checks that both engines come
to the same.
"""

from pathlib import Path

import pytest

from settings import PROJECT
from tests.stories.story import Story, tell

STORIES = PROJECT / "examples" / "scenarios"
EXPECTED = Path(__file__).parent / "articles"
NAMES = sorted(path.stem for path in STORIES.glob("*.yaml"))


def test_each_of_the_ten_articles_has_a_story_and_its_result() -> None:
    assert len(NAMES) == 10
    assert sorted(path.stem for path in EXPECTED.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_story_of_an_article_comes_to_what_was_worked_out_by_hand(
    name: str, database: str
) -> None:
    told = tell((STORIES / f"{name}.yaml").read_text(), database)
    assert summary(told) == (EXPECTED / f"{name}.txt").read_text().splitlines()


def summary(told: Story) -> list[str]:
    """The whole result of a story, one line for each thing."""
    result = told.result
    subscriptions = sorted(result["subscriptions"])
    return [
        *("# events", *told.timeline),
        *("# invoices", *told.invoices),
        *("# refused", *told.refused),
        *("# subscriptions", *(_subscription(told, id_) for id_ in subscriptions)),
        *("# accounts", *(_account(told, id_) for id_ in sorted(result["accounts"]))),
    ]


def _subscription(told: Story, id_: str) -> str:
    """Such as ``s1 ACTIVE acme PRO-M anchor … period … renewal … fee … paid 4 unsubscribed``."""
    one = told.result["subscriptions"][id_]
    flags = {
        "failed": one["renewal_failed"],
        "trial": one["trial"],
        "unsubscribed": not one["auto_renew"],
    }
    return " ".join(
        [
            f"{id_} {one['status']} {one['account']} {one['sku']} anchor {one['anchor']}",
            f"period {one['period_start']}..{one['expiry']} renewal {one['renewal_date'] or '-'}",
            f"fee {one['fee'] or '-'} paid {one['cycles_paid']}",
            *(flag for flag, is_on in flags.items() if is_on),
        ]
    )


def _account(told: Story, id_: str) -> str:
    """Such as ``acme balance 9.00 usable 9.00``, with what is reserved or unbilled if anything."""
    one = told.result["accounts"][id_]
    more = [f"{key} {one[key]}" for key in ("reserved", "unbilled") if float(one[key])]
    mode = [] if one["mode"] == "prepaid" else [one["mode"]]
    return " ".join([id_, *mode, f"balance {one['balance']} usable {one['usable']}", *more])
