"""One trial per account and application, ever, and one first cycle for each (Rules 4.3, 11.3).

The trial begins on 2021-03-01 in UTC and has 7 days. It ends on 03-07.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.domain import policy
from core.domain.commands.convert import Convert
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.steps import StepKind, of_subscription
from core.ledger import stored_terms
from core.protocol.activity_messages import (
    ChargeOutcome,
    ChargeRequest,
    CommandResult,
    Outcome,
    StepRequest,
)
from core.protocol.call_sequences import run_step
from tests.ledger.conftest import DAY, Shop

OVER = datetime(2021, 3, 8, tzinfo=UTC)
CARD = {"card": "sim_ok", "renew_by_card": True}
BIZ = {"sku": "BIZ", "application": "phone", "kind": "application", "months": 1} | {
    "prices": {"USD": "90.00"},
    "trial_days": 30,
}


def by_policy(shop: Shop) -> None:
    """Put a policy in force under which trials convert by themselves."""
    with shop.ledger.engine.begin() as connection:
        stored_terms.add_policy(connection, "main", policy.load({"trial_end": "convert"}))


def outcomes(results: list[Any]) -> list[str]:
    """The refusing rules, and what was done as ``None``."""
    assert all(isinstance(result, CommandResult) for result in results), results
    return sorted(str(result.refusal and result.refusal.rule) for result in results)


# one per account and application


def test_rule_4_3_of_fifty_trials_at_once_one_begins(shop: Shop, at_once: Any) -> None:
    shop.open()
    with shop.ledger.engine.begin() as connection:
        stored_terms.add_catalog(connection, "main", [BIZ])
    results = at_once(
        [
            lambda n=n: shop.try_out(f"t{n}", sku=("PRO", "BIZ")[n % 2], request_id=f"r{n}")
            for n in range(50)
        ]
    )
    assert outcomes(results) == ["4.3"] * 49 + ["None"]
    for table in ("subscriptions", "trials", "periods", "operations", "steps"):
        where = " WHERE subscription IS NOT NULL" if table == "operations" else ""
        assert shop.value(f"SELECT count(*) FROM {table}{where}") == 1
    assert shop.value("SELECT tried FROM trials") == "application phone"


def test_rule_4_2_fifty_equal_trials_at_once_are_one(shop: Shop, at_once: Any) -> None:
    shop.open()
    results = at_once([lambda: shop.try_out(request_id="r")] * 50)
    assert outcomes(results) == ["None"] * 50
    assert sum(not result.replayed for result in results) == 1
    assert shop.value("SELECT count(*) FROM subscriptions") == 1


@pytest.mark.parametrize("request_id", [None, "r"])
def test_one_id_that_many_accounts_try_at_once_is_one_trial(
    shop: Shop, at_once: Any, request_id: str | None
) -> None:
    for n in range(20):
        shop.open(f"a{n:02}")
    results = at_once(
        [lambda n=n: shop.try_out("t1", f"a{n:02}", request_id=request_id) for n in range(20)]
    )
    assert outcomes(results) == ["4.2" if request_id else "4.1"] * 19 + ["None"]


def test_rule_4_3_the_database_refuses_a_second_trial_whoever_asks(shop: Shop) -> None:
    shop.open()
    shop.try_out()
    shop.do(Terminate(subscription="t1", reason="enough"))
    shop.buy("s1")
    with pytest.raises(IntegrityError, match="trials_pkey"):
        shop.run("INSERT INTO trials VALUES ('acme', 'application phone', 's1')")
    shop.run("INSERT INTO trials VALUES ('acme', 'SKU phone', 's1')")
    assert shop.try_out("t2").refusal.rule == "4.3"


def test_rule_4_3_the_database_refuses_a_trial_that_is_not_on_record(shop: Shop) -> None:
    shop.open()
    shop.try_out()
    columns = ", ".join(
        name
        for (name,) in shop.rows(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_name = 'subscriptions' AND column_name <> 'id'"
        )
    )
    second = f"INSERT INTO subscriptions (id, {columns}) SELECT 't2', {columns} FROM subscriptions"
    step = (
        "INSERT INTO steps SELECT subject_kind, 't2', account, clock, kind, rank, by_date, due, "
        "rule, why, version FROM steps"
    )
    with pytest.raises(IntegrityError, match="trial t2 is not on record"):
        shop.run(f"{second}; {step}")
    shop.run(f"{second}; {step}; INSERT INTO trials VALUES ('acme', 'application fax', 't2')")


def test_rule_4_3_the_database_refuses_to_make_a_trial_of_what_is_paid(shop: Shop) -> None:
    shop.open()
    shop.try_out()
    shop.do(Convert(subscription="t1"))
    with pytest.raises(DBAPIError, match="a paid one becomes no trial"):
        shop.run("UPDATE subscriptions SET trial = true")


# one first cycle


def test_rule_4_3_of_fifty_conversions_at_once_one_is_charged(shop: Shop, at_once: Any) -> None:
    shop.open()
    shop.try_out()
    results = at_once(
        [lambda n=n: shop.do(Convert(subscription="t1", request_id=f"c{n}")) for n in range(50)]
    )
    assert outcomes(results) == ["4.3"] * 49 + ["None"]
    assert shop.value("SELECT balance FROM accounts") == 950
    assert shop.rows("SELECT start::text, expiry::text, months FROM periods ORDER BY start") == [
        ("2021-03-01", "2021-03-07", 0),
        ("2021-03-08", "2021-04-07", 1),
    ]


def test_the_end_of_a_trial_and_its_conversion_at_once_charge_it_once(
    shop: Shop, at_once: Any
) -> None:
    by_policy(shop)
    shop.open()
    shop.try_out()
    request = StepRequest(subject=of_subscription("t1"), version=1, now=OVER)
    step = lambda: shop.engine._activities.call("convert_trial", request)  # noqa: E731
    command = lambda: shop.do(Convert(subscription="t1"), OVER)  # noqa: E731
    results = at_once([step, command] * 10)
    assert not [result for result in results if isinstance(result, Exception)], results
    assert [r.refusal.rule for r in results if isinstance(r, CommandResult)] == ["4.3"] * 10
    assert shop.value("SELECT balance FROM accounts") == 950
    assert shop.value("SELECT count(*) FROM periods") == 2


def test_rule_11_3_the_database_refuses_a_second_first_cycle(shop: Shop) -> None:
    shop.open()
    shop.try_out()
    shop.do(Convert(subscription="t1"))
    with pytest.raises(IntegrityError, match="operations_once_per_cycle"):
        shop.run(
            "INSERT INTO operations (id, seller, account, subscription, cycle, purpose, at, result)"
            " VALUES (1000000000, 'main', 'acme', 't1', '2021-03-07', 'next cycle', now(), '{}')"
        )


# its card charge


def asked(shop: Shop) -> ChargeRequest:
    """The card charge that the end of the trial asks for."""
    step = StepRequest(subject=of_subscription("t1"), version=1, now=OVER)
    result = shop.engine._activities.call("convert_trial", step)
    assert result.outcome is Outcome.NEEDS_CARD
    return ChargeRequest(key=result.charge, asked_by=step)


@pytest.mark.parametrize("meanwhile", ["credits come in", "it is terminated", "it is converted"])
def test_rule_5_3_a_charge_that_a_trial_no_longer_needs_is_withdrawn(
    shop: Shop, meanwhile: str
) -> None:
    by_policy(shop)
    shop.open(credits_="0", **CARD)
    shop.try_out()
    request = asked(shop)
    commands = {
        "credits come in": TopUp(account="acme", amount=Decimal(50)),
        "it is terminated": Terminate(subscription="t1", reason="enough"),
        "it is converted": Convert(subscription="t1", invoice_number="EXT-1"),
    }
    assert shop.do(commands[meanwhile], OVER, past=("t1",)).refusal is None
    activities = shop.engine._activities
    assert activities.call("charge", request).outcome is ChargeOutcome.WITHDRAWN
    assert shop.rows("SELECT * FROM simulated_charges") == []
    if meanwhile == "credits come in":
        sequence = run_step(StepKind.CONVERT_TRIAL, of_subscription("t1"), 1, OVER)
        assert shop.engine._drive(sequence).outcome is Outcome.DONE
        assert shop.value("SELECT trial FROM subscriptions") is False
        assert shop.value("SELECT balance FROM accounts") == 0


def test_rule_5_3_a_charge_of_another_sum_is_left_alone_and_the_trial_expires(shop: Shop) -> None:
    by_policy(shop)
    shop.open(credits_="0", **CARD)
    shop.try_out()
    asked(shop)
    with shop.ledger.engine.begin() as connection:
        price = {"sku": "PRO", "prices": {"USD": "60.00"}, "from": "2021-03-02"}
        stored_terms.add_catalog(connection, "main", [price])
    step = StepRequest(subject=of_subscription("t1"), version=1, now=OVER)
    assert shop.engine._activities.call("convert_trial", step).outcome is Outcome.DONE
    assert shop.rows("SELECT status, failure FROM subscriptions") == [("EXPIRED", "no_credits")]


def test_a_step_that_has_run_already_or_is_not_due_does_nothing(shop: Shop) -> None:
    by_policy(shop)
    shop.open()
    shop.try_out()
    subject = of_subscription("t1")
    call = shop.engine._activities.call
    early = StepRequest(subject=subject, version=1, now=DAY)
    assert call("convert_trial", early).outcome is Outcome.STALE
    due = StepRequest(subject=subject, version=1, now=OVER)
    assert [call("convert_trial", due).outcome for _ in range(2)] == [Outcome.DONE, Outcome.STALE]
    assert shop.value("SELECT balance FROM accounts") == 950
