"""Changes of owner in the database: locks, races, turns, card charges, and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.domain import policy
from core.domain.commands.change_owner import ChangeOwner
from core.domain.commands.change_plan import ChangePlan
from core.domain.commands.extend import Extend
from core.domain.commands.recover import Recover
from core.domain.commands.suspend import Suspend
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.steps import StepKind, of_subscription
from core.ledger import stored_terms
from core.ledger.account_reading import Moved
from core.ledger.ledger import unless_moved
from core.protocol.activity_messages import (
    ChargeOutcome,
    ChargeRequest,
    ChargeResult,
    CommandRequest,
    CommandResult,
    Outcome,
    Passed,
    StepRequest,
    StepResult,
)
from core.protocol.call_sequences import run_step
from doors.application.previews import preview
from tests.ledger.conftest import DAY, PRO, Shop

RENEWAL = datetime(2021, 3, 24, tzinfo=UTC)
Several = Callable[[list[Callable[[], Any]]], list[Any]]


def give(shop: Shop, id_: str, account: str, now: datetime = DAY, **values: Any) -> CommandResult:
    return shop.do(ChangeOwner(subscription=id_, account=account, **values), now)


def owner(shop: Shop, id_: str = "s1") -> str:
    account: str = shop.value(f"SELECT account FROM subscriptions WHERE id = '{id_}'")
    return account


def holds(shop: Shop) -> None:
    """What is true after any changes of owner: nothing of a subscription is elsewhere."""
    assert not shop.rows(
        "SELECT 1 FROM subscriptions s JOIN steps n ON n.subject = s.id AND n.account <> s.account"
    )
    assert not shop.rows(
        "SELECT 1 FROM subscriptions s JOIN messages m ON m.subscription = s.id "
        "AND m.state = 'planned' AND m.account <> s.account"
    )
    assert shop.value("SELECT sum(amount) FROM postings") == 0
    assert not shop.rows(
        "SELECT 1 FROM accounts a WHERE balance <> (SELECT coalesce(sum(amount), 0) "
        "FROM postings p WHERE p.account = a.id AND p.book = 'wallet')"
    )


# --- what is written ------------------------------------------------------------------------------


def test_both_accounts_have_it_in_their_history_and_the_step_moves(shop: Shop) -> None:
    shop.open("a")
    shop.open("b")
    shop.buy("s1", "a")
    result = give(shop, "s1", "b", actor="ann")
    assert result.result is not None
    assert result.result.sentence() == (
        "s1 belongs to b, which pays from now on; it belonged to a."
    )
    assert result.snapshot is not None
    assert result.snapshot.account == "b"
    assert shop.rows("SELECT account, event, actor, facts FROM history ORDER BY seq OFFSET 1") == [
        ("a", "given_away", "ann", {"to": "b"}),
        ("b", "owner_changed", "ann", {"before": "a"}),
    ]
    assert shop.rows("SELECT account, kind, version FROM steps") == [("b", "renew", 2)]
    assert shop.rows("SELECT DISTINCT account FROM messages") == [("b",)]
    holds(shop)


def test_an_account_of_another_seller_is_not_there_and_one_on_another_clock_is_refused(
    shop: Shop,
) -> None:
    shop.run("INSERT INTO sellers (id, policy_version) VALUES ('rival', 0)")
    shop.run("INSERT INTO clocks (id, now) VALUES ('c', '2021-03-01')")
    shop.open("a")
    shop.open("theirs", "0", seller="rival")
    shop.open("tested", clock="c")
    shop.buy("s1", "a")
    found = [give(shop, "s1", name).refusal for name in ("theirs", "nobody", "tested")]
    assert [str(refusal) for refusal in found] == [
        "there is no account theirs (rule 4.1)",
        "there is no account nobody (rule 4.1)",
        "accounts a and tested do not live by the same clock; only an account on the same test "
        "clock, or both on none, can have the subscription (rule 9)",
    ]
    assert owner(shop) == "a"


# --- races ----------------------------------------------------------------------------------------


def test_two_owners_at_once_get_one_order_and_the_second_is_judged_by_the_new_state(
    shop: Shop, at_once: Several
) -> None:
    for name in ("a", "b", "c"):
        shop.open(name)
    for n in range(8):
        shop.buy(f"s{n}", "a")
    work = [lambda n=n, to=to: give(shop, f"s{n}", to) for n in range(8) for to in ("b", "b", "c")]
    results = at_once(work)
    assert all(isinstance(result, CommandResult) for result in results), results
    for n in range(8):
        mine = results[3 * n : 3 * n + 3]
        done = [r.result for r in mine if r.result is not None]
        assert [r.refusal.rule for r in mine if r.refusal] in ([], ["9"])
        # Each begins where the one before has ended.
        befores = sorted(r.before for r in done)
        assert befores[0] == "a"
        assert len(done) >= 2
    holds(shop)


def test_rings_of_changes_do_not_block_each_other(shop: Shop, at_once: Several) -> None:
    names = ("a", "b", "c")
    for name in names:
        shop.open(name)
        for n in range(6):
            shop.buy(f"{name}{n}", name)
    ring = {"a": "b", "b": "c", "c": "a"}
    back = {"a": "c", "b": "a", "c": "b"}
    work = [
        lambda name=name, n=n, to=to: give(shop, f"{name}{n}", to[name])
        for n in range(6)
        for name in names
        for to in [ring if n % 2 else back]
    ]
    results = at_once(work)
    assert all(isinstance(r, CommandResult) and r.refusal is None for r in results), results
    assert {owner(shop, f"{n}{i}") for n in names for i in (1, 3, 5) if ring[n] == "b"} == {"b"}
    assert shop.rows("SELECT account, count(*) FROM subscriptions GROUP BY 1 ORDER BY 1") == [
        ("a", 6),
        ("b", 6),
        ("c", 6),
    ]
    holds(shop)


def test_a_change_of_owner_against_terminations_renewals_and_top_ups(
    shop: Shop, at_once: Several
) -> None:
    shop.open("a")
    shop.open("b")
    for n in range(6):
        shop.buy(f"s{n}", "a")
    work: list[Callable[[], Any]] = []
    for n in range(6):
        id_ = f"s{n}"
        work += [
            lambda id_=id_: give(shop, id_, "b"),
            lambda id_=id_: shop.do(Terminate(subscription=id_, reason="closed")),
            lambda id_=id_: shop.do(Extend(subscription=id_, cycles=1)),
        ]
    work += [lambda to=to: shop.do(TopUp(account=to, amount=Decimal(5))) for to in ("a", "b")]
    results = at_once(work)
    assert all(isinstance(result, CommandResult) for result in results), results
    assert shop.value("SELECT count(*) FROM subscriptions WHERE status = 'TERMINATED'") == 6
    # Everything was paid today and is given back to the account that paid it.
    assert shop.rows("SELECT id, balance FROM accounts ORDER BY id") == [
        ("a", Decimal("1005.00000")),
        ("b", Decimal("1005.00000")),
    ]
    holds(shop)


def test_a_step_that_waits_for_the_old_account_runs_in_the_new_one(
    shop: Shop, at_once: Several
) -> None:
    """The renewal has looked its account up before the change of owner commits."""
    shop.open("a")
    shop.open("b")
    for n in range(5):
        shop.buy(f"s{n}", "a")
    renewals = [
        lambda n=n: shop.engine._drive(
            run_step(StepKind.RENEW, of_subscription(f"s{n}"), 1, RENEWAL)
        )
        for n in range(5)
    ]
    changes = [lambda n=n: give(shop, f"s{n}", "b", RENEWAL) for n in range(5)]
    results = at_once([*renewals, *changes])
    assert not [result for result in results if isinstance(result, Exception)]
    assert shop.value("SELECT count(*) FROM history WHERE event = 'renewed'") == 5
    assert {owner(shop, f"s{n}") for n in range(5)} == {"b"}
    holds(shop)


def test_an_attempt_that_has_locked_the_wrong_account_is_made_again(shop: Shop) -> None:
    shop.open("a")
    shop.open("b")
    shop.buy("s1", "a")
    with shop.ledger.work(DAY, account="b") as work, pytest.raises(Moved):
        work.subscription("s1")
    tries: list[int] = []

    def attempt() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise Moved("s1")
        return "done"

    assert unless_moved(attempt) == "done"
    with shop.ledger.work_on_several(DAY, subscription="s1", also=["b"], payers=False) as several:
        assert several.of("a") is several
        assert several.of("b").account.id == "b"
        with pytest.raises(Moved):
            several.of("c")


# --- Rule 1.6: what is due in both accounts comes first -------------------------------------------


def test_what_is_due_in_both_accounts_is_done_before_rule_1_6(shop: Shop) -> None:
    shop.open("a", "150.00")
    shop.open("b", "50.00")
    shop.buy("s1", "a")
    shop.buy("s2", "a")
    shop.buy("s3", "b")
    give(shop, "s1", "b", RENEWAL + timedelta(hours=1))
    assert shop.rows("SELECT account, subscription, event FROM history ORDER BY seq OFFSET 3") == [
        ("a", "s1", "renewal_failed"),
        ("a", "s2", "renewal_failed"),
        ("b", "s3", "renewal_failed"),
        ("a", "s1", "given_away"),
        ("b", "s1", "owner_changed"),
    ]


def test_a_refund_comes_after_what_is_due_of_the_payer_rule_1_6(shop: Shop) -> None:
    shop.open("a", "100.00")
    shop.open("b")
    shop.buy("s1", "a")
    shop.buy("s2", "a")
    give(shop, "s2", "b")
    shop.do(Extend(subscription="s2", cycles=2), DAY)
    late = RENEWAL + timedelta(hours=1)
    shop.do(Terminate(subscription="s2", reason="closed"), late)
    told = shop.rows("SELECT account, subscription, event FROM history ORDER BY seq")
    # The refund of a's own period would be zero on day 23, so only b gets money back.
    assert told[-3:] == [
        ("a", "s1", "renewal_failed"),
        ("b", "s2", "terminated"),
        ("b", "s2", "refunded"),
    ]


def test_attempts_of_one_account_that_are_skipped_do_not_skip_those_of_the_other(
    shop: Shop,
) -> None:
    shop.open("a")
    shop.open("b")
    shop.buy("s1", "a")
    shop.buy("s2", "b")
    on = RENEWAL.date()
    skipped = (Passed(subject=of_subscription("s1"), by_date=on, account="a"),)
    result = shop.engine._activities.call(
        "change_owner",
        CommandRequest(
            command=ChangeOwner(subscription="s1", account="b"), now=RENEWAL, past=skipped
        ),
    )
    assert result.before is not None
    assert shop.rows("SELECT subscription FROM history WHERE event = 'renewed'") == [("s2",)]


# --- previews -------------------------------------------------------------------------------------


def test_a_preview_of_a_termination_shows_what_each_payer_gets_back(shop: Shop) -> None:
    shop.open("a")
    shop.open("b")
    shop.buy("s1", "a")
    give(shop, "s1", "b")
    shop.do(Extend(subscription="s1", cycles=1))
    told = preview(shop.ledger, Terminate(subscription="s1", reason="closed"), DAY)
    assert [(it.account, it.event, it.amount) for it in told.events] == [
        ("b", "terminated", None),
        ("a", "refunded", 50),
        ("b", "refunded", 50),
    ]
    assert [(it.account, it.total) for it in told.invoices] == [("a", -50), ("b", -50)]


def test_rule_8_2_the_fee_comes_off_who_paid_first_whichever_process_wrote_it(shop: Shop) -> None:
    biz = PRO | {"sku": "BIZ", "prices": {"USD": "90.00"}}
    with shop.ledger.engine.begin() as connection:
        stored_terms.add_catalog(connection, "main", [biz])
        fee = {"refund_admin_fee": {"USD": "5.00"}}
        stored_terms.add_policy(connection, "main", policy.load(fee))
    in_an_older_process = shop.by_lower_ids()
    shop.open("z")
    shop.open("b")
    shop.buy("s1", "z")
    in_an_older_process()
    give(shop, "s1", "b")
    shop.do(ChangePlan(subscription="s1", sku="BIZ"))
    told = preview(shop.ledger, Terminate(subscription="s1", reason="closed"), DAY)
    assert [(it.account, it.event, it.amount) for it in told.events] == [
        ("b", "terminated", None),
        ("z", "refunded", 45),
        ("b", "refunded", 40),
    ]


def test_a_preview_of_a_change_of_owner_shows_what_the_new_zone_sets_off(shop: Shop) -> None:
    """Bought on 02-28 in Honolulu. Its renewal date 03-20 has begun in Paris, and not there."""
    shop.open("hon", timezone="Pacific/Honolulu")
    shop.open("par", timezone="Europe/Paris")
    shop.buy("s1", "hon")
    told = preview(
        shop.ledger,
        ChangeOwner(subscription="s1", account="par"),
        datetime(2021, 3, 20, tzinfo=UTC),
    )
    assert [(it.account, it.event) for it in told.events] == [
        ("hon", "given_away"),
        ("par", "owner_changed"),
        ("par", "renewed"),
    ]
    assert owner(shop) == "hon"


# --- a card charge of the former owner ------------------------------------------------------------


def by_card(shop: Shop) -> tuple[StepRequest, str]:
    """s1 needs a card charge of a for its renewal. Returns the step and the key of the charge."""
    shop.open("a", "50.00", card="sim_ok", renew_by_card=True)
    shop.open("b", "500.00")
    shop.buy("s1", "a")
    step = StepRequest(subject=of_subscription("s1"), version=1, now=RENEWAL, past=())
    asked: StepResult = shop.engine._activities.call("renew", step)
    assert asked.outcome is Outcome.NEEDS_CARD
    assert asked.charge is not None
    return step, asked.charge


def change_beside(shop: Shop) -> None:
    """The change of owner does not wait for the charge, as when a gateway does not reply."""
    command = ChangeOwner(subscription="s1", account="b")
    request = CommandRequest(
        command=command, now=RENEWAL, past=(Passed(subject=of_subscription("s1")),)
    )
    result: CommandResult = shop.engine._activities.call("change_owner", request)
    assert result.refusal is None
    assert result.before is None


def test_a_card_that_was_charged_for_a_former_owner_is_credited_to_it(shop: Shop) -> None:
    step, key = by_card(shop)
    charged: ChargeResult = shop.engine._activities.call(
        "charge", ChargeRequest(key=key, asked_by=step)
    )
    assert charged.outcome is ChargeOutcome.CHARGED
    change_beside(shop)
    result: StepResult = shop.engine._activities.call("renew", replace(step, charge=key))
    assert result.outcome is Outcome.STALE
    assert shop.rows("SELECT account, event, amount FROM history WHERE event = 'card_charged'") == [
        ("a", "card_charged", Decimal("50.00000"))
    ]
    assert shop.value("SELECT balance FROM accounts WHERE id = 'a'") == 50
    holds(shop)


def test_a_card_is_not_charged_for_one_that_is_no_longer_its_owners(shop: Shop) -> None:
    step, key = by_card(shop)
    change_beside(shop)
    result: ChargeResult = shop.engine._activities.call(
        "charge", ChargeRequest(key=key, asked_by=step)
    )
    assert result.outcome is ChargeOutcome.WITHDRAWN
    assert shop.value("SELECT count(*) FROM simulated_charges") == 0


def test_a_charge_for_recovering_is_credited_to_the_account_whose_card_it_was(shop: Shop) -> None:
    shop.open("a", "50.00")
    shop.open("b", "500.00")
    shop.buy("s1", "a")
    shop.run("UPDATE accounts SET card = 'sim_ok' WHERE id = 'a'")
    failed = RENEWAL + timedelta(hours=1)
    shop.do(TopUp(account="a", amount=Decimal(1)), failed)
    shop.run("UPDATE accounts SET renew_by_card = true WHERE id = 'a'")
    recover = CommandRequest(command=Recover(subscription="s1"), now=failed, past=())
    asked: CommandResult = shop.engine._activities.call("recover", recover)
    assert asked.needs_charge is not None
    key = asked.needs_charge
    shop.engine._activities.call("charge", ChargeRequest(key=key, asked_by=recover))
    give(shop, "s1", "b", failed)
    done: CommandResult = shop.engine._activities.call("recover", replace(recover, charge=key))
    assert done.refusal is None
    assert shop.rows("SELECT id, balance FROM accounts ORDER BY id") == [
        ("a", Decimal("51.00000")),
        ("b", Decimal("450.00000")),
    ]
    holds(shop)


# --- what the database refuses --------------------------------------------------------------------


@pytest.mark.parametrize("to", ["eur", "idle", "theirs", "tested", "nowhere"])
def test_an_account_that_cannot_have_it_is_refused_by_the_database(shop: Shop, to: str) -> None:
    shop.run("INSERT INTO sellers (id, policy_version) VALUES ('rival', 0)")
    shop.run("INSERT INTO clocks (id, now) VALUES ('c', '2021-03-01')")
    shop.open("a")
    shop.open("eur", "0", currency="EUR")
    shop.open("idle", "0")
    shop.open("theirs", "0", seller="rival")
    shop.open("tested", "0", clock="c")
    shop.do(Suspend(account="idle"))
    shop.buy("s1", "a")
    with pytest.raises(DBAPIError, match="cannot have subscription"):
        shop.run(f"UPDATE subscriptions SET account = '{to}' WHERE id = 's1'")


def test_a_terminated_one_and_a_trial_stay_where_they_are(shop: Shop) -> None:
    shop.open("a")
    shop.open("b")
    shop.buy("s1", "a")
    shop.buy("s2", "a")
    shop.do(Terminate(subscription="s1", reason="closed"))
    shop.force("UPDATE subscriptions SET trial = true WHERE id = 's2'")
    for id_ in ("s1", "s2"):
        with pytest.raises(DBAPIError, match="cannot have another owner"):
            shop.run(f"UPDATE subscriptions SET account = 'b' WHERE id = '{id_}'")


@pytest.mark.parametrize(
    ("also", "why"),
    [
        ("", "is in the order of another account"),
        (
            "; UPDATE steps SET account = 'b' WHERE subject = 's1'",
            "is left in another account",
        ),
    ],
)
def test_what_is_left_behind_is_refused_by_the_database(shop: Shop, also: str, why: str) -> None:
    shop.open("a")
    shop.open("b")
    shop.buy("s1", "a")
    with pytest.raises(IntegrityError, match=why):
        shop.run(f"UPDATE subscriptions SET account = 'b' WHERE id = 's1'{also}")


@pytest.mark.parametrize("change", ["account = 'b'", "due = due + interval '1 day'"])
def test_a_notice_does_not_move_by_itself(shop: Shop, change: str) -> None:
    shop.open("a")
    shop.open("b")
    shop.buy("s1", "a")
    with pytest.raises(DBAPIError, match="moves with its subscription only"):
        shop.run(f"UPDATE messages SET {change}")
