"""The direct engine does exactly what the forecast has said, to the cent and to the instant.

The forecast is made at a moment in the middle of a story.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import select

from activities.registry import Activities
from core.domain import policy as policies
from core.domain.forecast import Entry, forecast
from core.domain.numbers import Number
from core.domain.renewal_attempt import Terms
from core.domain.steps import Step
from core.domain.subscription import Account, Subscription
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import seller_wallets, stored_terms
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.rows import NUMBERS, SUBSCRIPTIONS, number_from, step_from
from core.ledger.tables import History, NumberRow, SubscriptionRow
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from doors.scenarios.scenario import parse
from doors.simulation.player import CLOCK, play
from tests.simulation.how_many import scenarios_in_ci

Event = tuple[datetime, str, str | None, Decimal | None, str | None]


class Stories:
    """Plays a story up to a moment, forecasts from there, lets time pass, and compares."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.engine = Direct(Activities(ledger, SimulatedCards(ledger.engine)))

    def play(self, story: dict[str, Any], moment: datetime) -> list[str]:
        """Play the steps of a story up to a moment. Returns the ids of the accounts."""
        scenario = replace(parse(json.dumps({**story, "until": moment.isoformat()})), until=moment)
        asyncio.run(play(scenario, self.ledger, self.engine))
        return [account.id for account in scenario.accounts]

    def change_policy(self, document: dict[str, Any]) -> None:
        """Put another policy in force. Running steps keep the old one (Rule 14)."""
        with self.ledger.engine.begin() as connection:
            stored_terms.add_policy(connection, self.ledger.seller, policies.load(document))

    def state(self, account: str, moment: datetime) -> tuple[Account, list[Subscription], Terms]:
        """The account, its subscriptions and its terms: the input of a forecast."""
        with self.ledger.work(moment, account=account) as work:
            of_account = SUBSCRIPTIONS.where(SubscriptionRow.account == account)
            rows = work.connection.execute(of_account.order_by(SubscriptionRow.id))
            subscriptions = [work.add(row) for row in rows]
            return work.account, subscriptions, work.terms(subscriptions)

    def forecast(self, account: str, moment: datetime, end: datetime) -> list[Entry]:
        """The forecast. It knows that the simulated card "declined" is declined."""
        state, numbers = self.state(account, moment), self.numbers(account)
        charges = state[0].card == "sim_ok"
        return forecast(
            *state,
            moment,
            end,
            numbers=numbers,
            card_charges=charges,
            seller_wallet=self.seller_wallet(state[0]),
        )

    def seller_wallet(self, account: Account) -> Decimal:
        """What the seller's own wallet holds in the currency of an account."""
        with self.ledger.read() as connection:
            return seller_wallets.balance(connection, account.seller, account.currency)

    def numbers(self, account: str) -> list[tuple[Number, Step | None]]:
        """The numbers of an account, each with its next step."""
        with self.ledger.read() as connection:
            rows = connection.execute(NUMBERS.where(NumberRow.account == account))
            return [(number_from(row), step_from(row)) for row in rows]

    def advance(self, end: datetime, *, outage: bool = False) -> None:
        """Let time pass. In an outage nothing runs until its end."""
        asyncio.run(test_clocks.advance(self.ledger, self.engine, CLOCK, end, outage=outage))

    def happened(self, account: str, moment: datetime) -> list[Event]:
        """The events of the account after the moment."""
        query = (
            select(History.__table__)
            .where(History.account == account, History.at > moment)
            .order_by(History.seq)
        )
        with self.ledger.engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            (
                row.at,
                row.event,
                row.subscription,
                row.amount,
                row.facts.get("reason") if row.subscription else None,
            )
            for row in rows
        ]


def foretold(entries: list[Entry]) -> list[Event]:
    return [(e.at, e.event, e.subscription, e.amount, e.reason and str(e.reason)) for e in entries]


def check(
    ledger: Ledger,
    story: dict[str, Any],
    moment: datetime,
    end: datetime,
    next_policy: dict[str, Any] | None = None,
) -> dict[str, list[Entry]]:
    """Check the forecast of each account of a story against the engine. Returns the forecasts."""
    stories = Stories(ledger)
    accounts = stories.play(story, moment)
    if next_policy is not None:
        stories.change_policy(next_policy)
    forecasts = {account: stories.forecast(account, moment, end) for account in accounts}
    stories.advance(end)
    for account, entries in forecasts.items():
        assert foretold(entries) == stories.happened(account, moment)
        balance = stories.state(account, end)[0].balance
        assert entries == [] or entries[-1].balance == balance
    return forecasts


# --- stories by hand. The forecast shows what each is about ---------------------------------------

CATALOG = [
    {
        "sku": "A",
        "application": "phone",
        "kind": "application",
        "months": 1,
        "prices": {"USD": "50.00", "JPY": "5000"},
        "trial_days": 20,
    },
    {"sku": "A", "prices": {"USD": "60.00"}, "from": "2021-03-01"},
    {
        "sku": "B",
        "application": "desk",
        "kind": "application",
        "months": 1,
        "prices": {"USD": "40.00"},
    },
    {
        "sku": "Y",
        "application": "desk",
        "kind": "application",
        "months": 12,
        "prices": {"USD": "100.00"},
    },
    {"sku": "SEAT", "kind": "addon", "months": 3, "prices": {"USD": "10.00"}},
    {"sku": "DID", "kind": "number", "months": 1, "prices": {"USD": "1.00"}},
]


def story(
    *steps: dict[str, Any], policy: dict[str, Any] | None = None, **account: Any
) -> dict[str, Any]:
    settings = {"id": "acme", "currency": "USD", "timezone": "Asia/Singapore"} | account
    return {
        "policy": policy or {},
        "catalog": CATALOG,
        "accounts": [settings],
        "steps": list(steps),
    }


def buy(id_: str, sku: str = "A", at: str = "2020-11-16", **more: Any) -> dict[str, Any]:
    external = {"pay": "external_invoice", "invoice_number": f"X-{id_}"}
    return {"at": at, "do": "purchase", "id": id_, "account": "acme", "sku": sku} | external | more


def events(
    url: str, told: dict[str, Any], moment: str, end: str, next_policy: dict[str, Any] | None = None
) -> list[str]:
    """Check a story. Returns the forecast's events as short texts.

    A text has the date, the event, the subscription, the amount and the reason.
    """
    at, until = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (moment, end))
    ledger = Ledger(connect(url))
    try:
        entries = check(ledger, told, at, until, next_policy)["acme"]
    finally:
        ledger.engine.dispose()
    parts = (
        (str(e.date)[5:], e.event, e.subscription, e.amount and f"{e.amount:+.2f}", e.reason)
        for e in entries
    )
    return [" ".join(str(part) for part in line if part) for line in parts]


def test_a_renewal_is_charged_at_the_price_in_force_on_its_renewal_date(database: str) -> None:
    assert events(database, story(buy("s1"), credits="210.00"), "2021-01-20", "2021-03-20") == [
        "02-01 notice_renewal s1",
        "02-08 renewed s1 -50.00",
        "03-01 notice_renewal s1",
        "03-08 renewed s1 -60.00",
    ]


def test_a_group_fails_as_a_whole_is_retried_and_expires(database: str) -> None:
    assert events(
        database, story(buy("s1"), buy("s2", "B"), credits="89.99"), "2020-12-05", "2021-01-20"
    ) == [
        "12-08 renewal_failed s1 no_credits",
        "12-08 renewal_failed s2 no_credits",
        "12-10 renewal_failed s1 no_credits",
        "12-10 renewal_failed s2 no_credits",
        "12-12 renewal_failed s1 no_credits",
        "12-12 renewal_failed s2 no_credits",
        "12-14 renewal_failed s1 no_credits",
        "12-14 renewal_failed s2 no_credits",
        "12-16 expired s1",
        "12-16 expired s2",
        "01-13 terminated s1",
        "01-13 terminated s2",
    ]


def test_under_independent_the_first_by_id_takes_what_there_is(database: str) -> None:
    told = story(
        buy("s1"),
        buy("s2", "B"),
        credits="89.99",
        policy={"group_renewal": "independent", "retry_days": []},
    )
    assert events(database, told, "2020-12-05", "2020-12-20") == [
        "12-08 renewed s1 -50.00",
        "12-08 renewal_failed s2 no_credits",
        "12-16 expired s2",
    ]


def test_a_card_pays_the_whole_sum_of_the_group(database: str) -> None:
    told = story(buy("s1"), buy("s2", "B"), credits="89.99", card="ok", renew_by_card=True)
    assert events(database, told, "2020-12-05", "2020-12-20") == [
        "12-08 card_charged +90.00",
        "12-08 renewed s1 -50.00",
        "12-08 renewed s2 -40.00",
    ]


def test_a_declined_card_is_tried_once_an_attempt(database: str) -> None:
    told = story(buy("s1"), card="declined", renew_by_card=True, policy={"retry_days": [2]})
    assert events(database, told, "2020-12-05", "2020-12-20") == [
        "12-08 card_declined",
        "12-08 renewal_failed s1 card_declined",
        "12-10 card_declined",
        "12-10 renewal_failed s1 card_declined",
        "12-16 expired s1",
    ]


def test_a_suspended_account_fails_without_its_card_and_without_a_notice(database: str) -> None:
    steps = (buy("s1"), {"at": "2020-11-20", "do": "suspend", "account": "acme"})
    told = story(*steps, credits="500.00", card="ok", renew_by_card=True, policy={"retry_days": []})
    assert events(database, told, "2020-11-25", "2020-12-20") == [
        "12-08 renewal_failed s1 suspended",
        "12-16 expired s1",
    ]


def test_an_unsubscribed_one_is_told_that_it_expires(database: str) -> None:
    told = story(buy("s1"), {"at": "2020-11-20", "do": "unsubscribe", "id": "s1"}, credits="500.00")
    assert events(database, told, "2020-11-25", "2021-01-20") == [
        "12-12 notice_expiring s1",
        "12-16 expired s1",
        "01-13 terminated s1",
    ]


def test_numbers_are_held_after_an_expiry_each_by_how_it_came(database: str) -> None:
    """The termination on day 29 starts no new hold (Rule 10.2)."""
    numbers = [
        {"number": "+65", "sku": "DID"},
        {"number": "+66", "sku": "DID", "hold": "ported_in"},
        {"number": "+67", "sku": "DID", "hold": "byoi"},
    ]
    unsubscribed = {"at": "2020-11-20", "do": "unsubscribe", "id": "s1"}
    told = story(buy("s1", numbers=numbers), unsubscribed, credits="0.00")
    assert events(database, told, "2020-12-13", "2021-03-20") == [
        "12-16 expired s1",
        "01-13 terminated s1",
        "02-02 number_hold_ending s1",  # 12-15 + 49
        "02-10 number_released s1",  # 12-15 + 57
        "03-02 number_hold_ending s1",  # 12-15 + 77
        "03-10 number_released s1",  # 12-15 + 85
    ]


def test_a_number_that_was_removed_at_renewal_is_held_from_the_first_day_of_the_cycle(
    database: str,
) -> None:
    numbers = [{"number": "+65", "sku": "DID"}, {"number": "+66", "sku": "DID"}]
    told = story(
        buy("s1", numbers=numbers),
        {"at": "2020-11-20", "do": "remove_number", "id": "s1", "number": "+65", "when": "renewal"},
        {"at": "2020-11-21", "do": "remove_number", "id": "s1", "number": "+66"},
        credits="500.00",
    )
    assert events(database, told, "2020-12-05", "2021-01-20") == [
        "12-08 renewed s1 -50.00",
        "12-12 number_hold_ending s1",  # 11-21 + 21
        "12-20 number_released s1",  # 11-21 + 29
        "01-01 notice_renewal s1",
        "01-06 number_hold_ending s1",  # 12-16 + 21
        "01-08 renewed s1 -50.00",
        "01-14 number_released s1",  # 12-16 + 29
    ]


def test_a_legacy_subscription_is_a_day_earlier_and_in_no_group_with_the_others(
    database: str,
) -> None:
    told = story(buy("s1"), buy("s2", "B", legacy=True), credits="50.00", policy={"retry_days": []})
    assert events(database, told, "2020-11-20", "2020-12-20") == [
        "11-30 notice_renewal s2",
        "12-01 notice_renewal s1",
        "12-07 renewed s2 -40.00",
        "12-08 renewal_failed s1 no_credits",
        "12-16 expired s1",
    ]


def test_cycles_of_different_length_and_add_ons_are_priced_each_by_its_own(database: str) -> None:
    told = story(
        buy("s1", "A", multiplier=2, quantity=3, addons={"SEAT": 2}),
        buy("y1", "Y", at="2020-01-31"),
        credits="900.00",
    )
    told["steps"].sort(key=lambda step: step["at"])
    # two months of A: 50 × 3 × 2 = 300; of SEAT: 10 × 2 × 2/3 = 13.33
    assert events(database, told, "2020-12-30", "2021-02-01") == [
        "01-01 notice_renewal s1",
        "01-08 renewed s1 -313.33",
        "01-16 notice_renewal y1",
        "01-23 renewed y1 -100.00",
    ]


def test_running_steps_follow_the_policy_of_their_expiry_date_the_next_ones_the_policy_in_force(
    database: str,
) -> None:
    told = story(buy("s1"), credits="100.00", policy={"retry_days": []})
    assert events(
        database, told, "2020-11-20", "2021-01-20", {"renewal_lead_days": 10, "retry_days": [4]}
    ) == [
        "12-01 notice_renewal s1",
        "12-08 renewed s1 -50.00",
        "12-29 notice_renewal s1",
        "01-05 renewed s1 -50.00",
    ]


def test_the_middle_of_the_retries_is_a_moment_like_any_other(database: str) -> None:
    told = story(
        buy("s1"),
        {"at": "2020-12-11", "do": "set_card", "account": "acme", "card": "ok"},
        renew_by_card=True,
    )
    assert events(database, told, "2020-12-11", "2020-12-20") == [
        "12-12 card_charged +50.00",
        "12-12 renewed s1 -50.00",
    ]


def test_an_expired_one_is_terminated_on_day_29(database: str) -> None:
    told = story(buy("s1"), policy={"retry_days": []})
    assert events(database, told, "2020-12-20", "2022-01-01") == ["01-13 terminated s1"]


def test_changes_that_are_pending_come_with_the_next_cycle_and_it_is_aligned_and_discounted(
    database: str,
) -> None:
    """Two months of B, aligned: 40 × (2 + 16/31) = 100.645…, 10 % off: 90.58. 2 seats for as long:
    10 × 2 × (2 + 16/31) ÷ 3 = 16.774…, 15.10. Then 80.00 and 13.33, without a discount.
    """
    told = story(
        buy("s1", align=True, discount=10, discount_cycles=2),
        {"at": "2020-11-20", "do": "change_plan", "id": "s1", "sku": "B", "when": "renewal"},
        {"at": "2020-11-20", "do": "change_cycle", "id": "s1", "months": 2},
        {
            "at": "2020-11-20",
            "do": "set_addon",
            "id": "s1",
            "sku": "SEAT",
            "quantity": 2,
            "when": "renewal",
        },
        credits="500.00",
    )
    assert events(database, told, "2020-12-01", "2021-05-01") == [
        "12-08 renewed s1 -105.68",
        "02-14 notice_renewal s1",
        "02-21 renewed s1 -93.33",
        "04-16 notice_renewal s1",
        "04-23 renewed s1 -93.33",
    ]


def test_rule_4_3_a_trial_is_told_and_converts_by_card_and_then_renews(database: str) -> None:
    tried = {"at": "2020-11-16", "do": "trial", "id": "t1", "account": "acme", "sku": "A"}
    told = story(tried, policy={"trial_end": "convert"}, card="ok", renew_by_card=True)
    assert events(database, told, "2020-11-16", "2021-01-10") == [
        "12-02 notice_trial_ending t1",  # E 12-05 − 3
        "12-06 card_charged +50.00",
        "12-06 converted t1 -50.00",
        "12-22 notice_renewal t1",
        "12-29 card_charged +50.00",
        "12-29 renewed t1 -50.00",
    ]


def test_rule_4_3_a_trial_that_cannot_be_funded_expires_with_its_reason(database: str) -> None:
    tried = {"at": "2020-11-16", "do": "trial", "id": "t1", "account": "acme", "sku": "A"}
    told = story(tried, policy={"trial_end": "convert"}, card="declined", renew_by_card=True)
    assert events(database, told, "2020-12-05", "2021-01-10") == [
        "12-06 card_declined",
        "12-06 expired t1 card_declined",
        "01-03 terminated t1",
    ]


def test_rule_11_5_the_sellers_wallet_pays_the_costs_until_it_is_empty(database: str) -> None:
    """The wallet holds 100.00, and each cycle costs 45.00, the first one too."""
    told = story(buy("s1"), policy={"seller_wallet": True, "retry_days": [2]}, credits="500.00")
    told["seller"] = {"credits": {"USD": "100.00"}}
    told["catalog"] = [{**CATALOG[0], "costs": {"USD": "45.00"}}]
    assert events(database, told, "2020-12-05", "2021-01-20") == [
        "12-08 renewed s1 -50.00",
        "01-01 notice_renewal s1",
        "01-08 renewal_failed s1 no_credits",
        "01-10 renewal_failed s1 no_credits",
        "01-16 expired s1",
    ]


# --- generated stories ----------------------------------------------------------------------------

ZONES = [
    "Asia/Singapore",
    "America/Havana",
    "Pacific/Apia",
    "UTC",
    "Asia/Kathmandu",
    "America/New_York",
    "Pacific/Kiritimati",
]
BEGIN = datetime(2020, 11, 16, 12, tzinfo=UTC)
DECIMALS = {"USD": "", "JPY": "", "KWD": ".125"}

COMMANDS = [
    *("unsubscribe", "resubscribe", "recover", "reactivate", "extend", "extend_to"),
    *("terminate", "top_up", "set_card", "set", "suspend", "resume", "convert"),
    *("change_plan", "change_plan", "set_addon", "set_addon", "change_cycle", "change_owner"),
    *("add_number", "add_number", "remove_number", "remove_number", "swap_number"),
    *("usage", "usage", "adjust", "pay_invoice", "mode"),
]

mode = st.sampled_from([{"mode": "prepaid"}, {"mode": "postpaid", "credit_limit": "150"}])
price = st.sampled_from(["0", "10", "33", "50", "90"])
EXTERNAL = {"pay": "external_invoice", "invoice_number": "X"}
#: Numbers that the subscriptions of a story share. One in use by another is refused.
number = st.sampled_from([f"+{n}" for n in range(1, 7)])
hold = st.sampled_from(["normal", "normal", "ported_in", "byoi"])
when = st.sampled_from(["now", "renewal"])
wanted = st.fixed_dictionaries({"number": number, "sku": st.just("DID"), "hold": hold})
wanted_once = st.lists(wanted, max_size=2, unique_by=lambda one: one["number"])
few_days = st.sampled_from([0, 0, 0, 1, 2, 15, 31])


def holds(draw: st.DrawFn) -> dict[str, int]:
    days = st.sampled_from([0, 1, 7, 8, 28, 56])
    return {cause: draw(days) for cause in ("expired", "terminated", "swapped")}


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    leads = draw(st.integers(1, 27)), draw(st.integers(1, 27))
    if draw(st.booleans()):
        leads = 7, 8
    return {
        "renewal_lead_days": leads[0],
        "legacy_renewal_lead_days": leads[1],
        "retry_days": sorted(draw(st.sets(st.integers(1, min(leads)), max_size=4))),
        "renewal_notice_days": draw(st.integers(1, 9)),
        "expiring_notice_days": draw(st.integers(1, 5)),
        "reactivation_days": draw(st.sampled_from([0, 1, 28])),
        "group_renewal": draw(st.sampled_from(["together", "independent"])),
        "retry_on_top_up": draw(st.booleans()),
        "number_hold_days": {kind: holds(draw) for kind in ("normal", "ported_in")},
        "trial_end": draw(st.sampled_from(["convert", "expire"])),
        "auto_top_up_daily_cap": {"USD": draw(st.sampled_from(["60", "200", "1000"]))},
        "seller_wallet": draw(st.booleans()),
    }


def for_accounts(number: int, policy: dict[str, Any]) -> dict[str, Any]:
    """A policy for a story. A forecast does not know what other accounts cost the seller."""
    return policy if number == 1 else policy | {"seller_wallet": False}


def catalog(draw: st.DrawFn, currency: str) -> list[dict[str, Any]]:
    def prices() -> dict[str, str]:
        return {currency: draw(price) + DECIMALS[currency]}

    def sku(name: str, application: str, kind: str, months: int) -> dict[str, Any]:
        tried = {"trial_days": draw(st.sampled_from([2, 20, 45, 90]))}
        costs = draw(st.sampled_from([{}, {currency: "8"}, {currency: "30"}]))
        sold = {"kind": kind, "months": months, "prices": prices(), "costs": costs}
        return {"sku": name, "application": application} | sold | tried

    entries: list[dict[str, Any]] = [
        sku("M", "a", "application", 1),
        sku("N", "a", "application", 1),
        sku("Q", "b", "service", 3),
        {"sku": "SEAT", "kind": "addon", "months": 12, "prices": prices(), "costs": prices()},
        {
            "sku": "DID",
            "kind": "number",
            "months": 1,
            "prices": prices(),
            "activation_fee": draw(st.sampled_from([{}, {currency: "7"}])),
        },
    ]
    for name in ("M", "Q", "SEAT"):
        for month in draw(st.lists(st.integers(1, 9), max_size=2, unique=True)):
            entries.append({"sku": name, "prices": prices(), "from": f"2021-0{month}-05"})
    return entries


def command(draw: st.DrawFn, account: str, ids: list[str], accounts: list[str]) -> dict[str, Any]:
    do = draw(st.sampled_from(COMMANDS))
    match do:
        case "change_owner":
            to = draw(st.sampled_from(accounts))
            return {"do": do, "id": draw(st.sampled_from(ids)), "account": to}
        case "top_up":
            return {
                "do": do,
                "account": account,
                "amount": draw(st.sampled_from(["1", "50", "200"])),
            }
        case "set_card":
            return {
                "do": do,
                "account": account,
                "card": draw(st.sampled_from(["none", "ok", "declined"])),
            }
        case "set":
            limit = draw(st.sampled_from(["0", "100"]))
            return {
                "do": do,
                "account": account,
                "renew_by_card": draw(st.booleans()),
                "credit_limit": limit,
                "auto_top_up": draw(st.booleans()),
            }
        case "usage":
            used = draw(st.sampled_from(["1", "60"]))
            return {"do": do, "account": account, "amount": used, "text": "calls"}
        case "adjust":
            amount = draw(st.sampled_from(["-45", "45"]))
            return {"do": do, "account": account, "amount": amount, "reason": "agreed"}
        case "pay_invoice":
            return {"do": do, "account": account, "amount": draw(st.sampled_from(["20", "90"]))}
        case "mode":
            return {"do": "set", "account": account} | draw(mode)
        case "suspend" | "resume":
            return {"do": do, "account": account}
        case "extend_to":
            return {
                "do": "extend",
                "id": draw(st.sampled_from(ids)),
                "to": f"2021-0{draw(st.integers(1, 9))}-10",
            }
        case "extend":
            return {"do": do, "id": draw(st.sampled_from(ids)), "cycles": draw(st.integers(1, 2))}
        case "change_plan":
            return {
                "do": do,
                "id": draw(st.sampled_from(ids)),
                "sku": draw(st.sampled_from(["M", "N", "Q"])),
                "when": draw(st.sampled_from(["now", "renewal", "renewal"])),
            }
        case "set_addon":
            return {
                "do": do,
                "id": draw(st.sampled_from(ids)),
                "sku": "SEAT",
                "quantity": draw(st.integers(0, 3)),
                "when": draw(st.sampled_from(["now", "renewal", "renewal"])),
            }
        case "add_number":
            bought = {"number": draw(number), "sku": "DID", "hold": draw(hold)}
            return {"do": do, "id": draw(st.sampled_from(ids)), **bought, "when": draw(when)}
        case "remove_number":
            removed = {"number": draw(number), "when": draw(when)}
            return {"do": do, "id": draw(st.sampled_from(ids)), **removed}
        case "swap_number":
            swapped = {"number": draw(number), "to": draw(number)}
            return {"do": do, "id": draw(st.sampled_from(ids)), **swapped}
        case "change_cycle":
            return {
                "do": do,
                "id": draw(st.sampled_from(ids)),
                "multiplier": draw(st.integers(1, 3)),
            }
        case "terminate":
            return {"do": do, "id": draw(st.sampled_from(ids)), "reason": "closed shop"}
        case _:
            return {"do": do, "id": draw(st.sampled_from(ids))}


@st.composite
def stories(draw: st.DrawFn) -> tuple[dict[str, Any], datetime, datetime]:
    """A story with one or two accounts, a moment after its last step, and an end."""
    currency = draw(st.sampled_from(list(DECIMALS)))
    accounts = [
        {
            "id": id_,
            "currency": currency,
            "timezone": draw(st.sampled_from(ZONES)),
            "credits": draw(st.sampled_from(["0", "99", "300", "1000", "5000"])),
            "card": draw(st.sampled_from(["none", "ok", "declined"])),
            "renew_by_card": draw(st.booleans()),
            "auto_top_up": draw(st.booleans()),
            **draw(st.sampled_from([{}, {}, {"mode": "postpaid", "credit_limit": "400"}])),
        }
        for id_ in draw(st.sampled_from([["b1"], ["b1", "a1"]]))
    ]
    dated: list[tuple[float, dict[str, Any]]] = []
    for account in accounts:
        ids = [f"{account['id']}-{n}" for n in range(draw(st.integers(1, 4)))]
        for id_ in ids:
            bought = {
                "sku": draw(st.sampled_from(["M", "M", "Q"])),
                "multiplier": draw(st.integers(1, 2)),
                "legacy": draw(st.booleans()),
            }
            bought |= {
                "quantity": draw(st.integers(1, 3)),
                "addons": draw(st.sampled_from([{}, {"SEAT": 1}])),
                "align": draw(st.booleans()),
                "discount": draw(st.sampled_from([0, 0, 12.5, 100])),
                "discount_cycles": draw(st.integers(1, 4)),
                "numbers": draw(wanted_once),
            }
            paid = draw(st.sampled_from([EXTERNAL, EXTERNAL, {}]))
            step = {"do": "purchase", "id": id_, "account": account["id"], **bought, **paid}
            if draw(st.integers(0, 3)) == 0:
                step = {"do": "trial", "id": id_, "account": account["id"], "sku": bought["sku"]}
            dated.append((draw(few_days), step))
        for _ in range(draw(st.integers(0, 4))):
            dated.append(
                (
                    32 + draw(st.integers(0, 40)) + draw(st.sampled_from([0, 0.3])),
                    command(draw, account["id"], ids, [each["id"] for each in accounts]),
                )
            )
    dated.sort(key=lambda step: step[0])
    steps = [{"at": (BEGIN + timedelta(days=day)).isoformat(), **step} for day, step in dated]
    moment = BEGIN + timedelta(
        days=dated[-1][0] + draw(st.integers(0, 40)), hours=draw(st.integers(0, 23))
    )
    # A forecast does not know that a notice was sent whose instant lies ahead in the new zone.
    changes = [day for day, step in dated if step["do"] == "change_owner"]
    if changes:
        moment = max(moment, BEGIN + timedelta(days=max(changes) + 2))
    if moment > BEGIN + timedelta(days=dated[-1][0]) and draw(st.booleans()):
        last = BEGIN + timedelta(days=dated[-1][0], seconds=1)
        steps.append({"at": last.isoformat(), "do": "outage", "until": moment.isoformat()})
    told = {
        "policy": for_accounts(len(accounts), draw(rules())),
        "seller": {"credits": {currency: draw(st.sampled_from(["0", "90", "500", "9000"]))}},
        "catalog": catalog(draw, currency),
        "accounts": accounts,
        "steps": steps,
    }
    return told, moment, moment + timedelta(days=draw(st.sampled_from([60, 100, 400])))


SLOW = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.function_scoped_fixture,
]


@settings(max_examples=scenarios_in_ci(50), deadline=None, suppress_health_check=SLOW)
@given(stories(), st.none() | rules())
def test_the_forecast_is_what_the_clock_then_shows(
    new_ledger: Callable[[], Ledger],
    told: tuple[dict[str, Any], datetime, datetime],
    next_policy: dict[str, Any] | None,
) -> None:
    story, moment, end = told
    note(json.dumps(story, indent=1))
    note(f"from {moment} to {end}")
    if next_policy is not None:
        next_policy = for_accounts(len(story["accounts"]), next_policy)
    forecasts = check(new_ledger(), story, moment, end, next_policy)
    for told_of in {entry.event for entries in forecasts.values() for entry in entries} or {
        "nothing"
    }:
        event(told_of)


@settings(max_examples=scenarios_in_ci(25), deadline=None, suppress_health_check=SLOW)
@given(stories(), st.integers(1, 45))
def test_rule_13_a_forecast_at_the_end_of_an_outage_begins_with_what_is_overdue(
    new_ledger: Callable[[], Ledger], told: tuple[dict[str, Any], datetime, datetime], days: int
) -> None:
    story, moment, end = told
    resumed = moment + timedelta(days=days)
    note(json.dumps(story, indent=1))
    note(f"nothing runs from {moment} to {resumed}, then until {end}")
    overdue(new_ledger(), story, moment, resumed, max(end, resumed))


def overdue(
    ledger: Ledger, story: dict[str, Any], moment: datetime, resumed: datetime, end: datetime
) -> None:
    """Check the forecast for the end of an outage and the time after it against the engine.

    The forecast starts from the state at the first instant of the outage. It does not know the
    notices that were due in the outage. A subscription does not record whether they were sent.
    """
    stories = Stories(ledger)
    accounts = stories.play(story, moment)
    forecasts = {}
    for account in accounts:
        state = stories.state(account, moment)
        numbers, charges = stories.numbers(account), state[0].card == "sim_ok"
        forecasts[account] = forecast(
            *state,
            resumed,
            end,
            numbers=numbers,
            card_charges=charges,
            seller_wallet=stories.seller_wallet(state[0]),
        )
    stories.advance(resumed, outage=True)
    stories.advance(end)
    for account, entries in forecasts.items():
        happened = stories.happened(account, moment)
        late_notices = [e for e in happened if e[0] == resumed and e[1].startswith("notice_")]
        assert foretold(entries) == [e for e in happened if e not in late_notices]
        for told in entries:
            event(f"{told.event} at its end" if told.at == resumed else told.event)
