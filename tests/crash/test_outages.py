"""Everything is off for a day across the renewal date, or for 40 days (Rule 13).

The workflows do the same as the direct engine.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.crash.conftest import Machine

#: The renewal date is 01-24 and *E* is 01-31. One subscription renews from the wallet, two renew as
#: a group, and one renews by card. One fails, and one has failed before. One is unsubscribed, one
#: is suspended, and one pays by the year.
SCENARIO = """
catalog:
  - {{sku: APP, application: desk, kind: application, months: 1, prices: {{EUR: "30.00"}}}}
  - {{sku: YEAR, application: fax, kind: application, months: 12, prices: {{EUR: "300.00"}}}}
accounts:
  - {{id: wallet, currency: EUR, timezone: America/Havana, credits: "400.00"}}
  - {{id: group, currency: EUR, timezone: Asia/Kathmandu, credits: "120.00"}}
  - {{id: card, currency: EUR, timezone: UTC, credits: "30.00", card: ok, renew_by_card: true}}
  - {{id: poor, currency: EUR, timezone: UTC, credits: "30.00"}}
  - {{id: failed, currency: EUR, timezone: UTC, credits: "30.00"}}
  - {{id: quit, currency: EUR, timezone: UTC, credits: "60.00"}}
  - {{id: held, currency: EUR, timezone: UTC, credits: "60.00"}}
steps:
  - {{at: "2022-12-30T12:00:00Z", do: purchase, id: f1, account: failed, sku: APP}}
  - {{at: "2023-01-01T12:00:00Z", do: purchase, id: w1, account: wallet, sku: APP}}
  - {{at: "2023-01-01T12:00:00Z", do: purchase, id: w2, account: wallet, sku: YEAR}}
  - {{at: "2023-01-01T12:00:00Z", do: purchase, id: g1, account: group, sku: APP}}
  - {{at: "2023-01-01T12:00:00Z", do: purchase, id: g2, account: group, sku: APP}}
  - {{at: "2023-01-01T12:00:00Z", do: purchase, id: c1, account: card, sku: APP}}
  - {{at: "2023-01-01T12:00:00Z", do: purchase, id: p1, account: poor, sku: APP}}
  - {{at: "2023-01-01T12:00:00Z", do: purchase, id: o1, account: quit, sku: APP}}
  - {{at: "2023-01-01T12:00:00Z", do: purchase, id: h1, account: held, sku: APP}}
  - {{at: "2023-01-01T13:00:00Z", do: unsubscribe, id: o1}}
  - {{at: "2023-01-02T12:00:00Z", do: suspend, account: held}}
  - {{at: "{begin}", do: outage, until: "{end}"}}
until: "{until}"
"""


@pytest.mark.parametrize(
    ("begin", "end", "until"),
    [
        ("2023-01-23T12:00:00Z", "2023-01-24T12:00:00Z", "2023-02-10T00:00:00Z"),
        ("2023-01-23T12:00:00Z", "2023-03-04T12:00:00Z", "2023-04-10T00:00:00Z"),
        ("2023-01-23T12:00:00Z", "2023-02-03T12:00:00Z", "2023-03-10T00:00:00Z"),
    ],
    ids=["a day", "40 days", "11 days, within the days of late renewals"],
)
def test_workflows_do_what_the_direct_engine_does(
    machine: Machine, directly: Callable[[str], Any], begin: str, end: str, until: str
) -> None:
    scenario = SCENARIO.format(begin=begin, end=end, until=until)
    machine.prepare(scenario)
    machine.run("worker", "player")
    outcome, expected = machine.outcome(), directly(scenario)
    for part, rows in expected.items():
        assert outcome[part] == rows, part


def test_a_client_and_a_worker_that_are_killed_while_what_is_overdue_is_made_good(
    machine: Machine, directly: Callable[[str], Any]
) -> None:
    scenario = SCENARIO.format(
        begin="2023-01-23T12:00:00Z", end="2023-03-04T12:00:00Z", until="2023-04-10T00:00:00Z"
    )
    machine.prepare(scenario)
    machine.run(
        "worker",
        "player",
        fail_at=[
            "expire.before_commit",
            "expire.after_commit:3",
            "clock.after_commit:10",
            "clock.before_commit:11",
        ],
    )
    assert machine.killed["worker"] == machine.killed["player"] == 2
    outcome, expected = machine.outcome(), directly(scenario)
    for part, rows in expected.items():
        assert outcome[part] == rows, part
