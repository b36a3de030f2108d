"""The order of the steps and commands of an account (Rules 1.6, 1.7).

A call that comes too early takes what comes first in its own transaction, commits it, and is tried
again. A step that needs a card charge, or that raises, is run by itself.
"""

from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from activities import steps, steps_before
from activities.asked_step import Asked
from activities.card_charges import AccountBusy
from activities.steps import renew
from core.domain import policy
from core.domain.commands.extend import Extend
from core.domain.commands.purchase import Purchase
from core.domain.commands.recover import Recover
from core.domain.commands.resubscribe import Resubscribe
from core.domain.commands.set_account import SetAccount
from core.domain.commands.set_card import SetCard
from core.domain.commands.suspend import Suspend
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.steps import StepKind, of_subscription
from core.ledger.stored_terms import add_policy
from core.ledger.unit_of_work import Work
from core.protocol import call_sequences
from core.protocol.activity_messages import (
    Before,
    CommandRequest,
    DueStep,
    Outcome,
    Passed,
    Snapshot,
    StepRequest,
    StepResult,
)
from core.protocol.call_sequences import Call, carry_out, run_step
from tests.domain import made
from tests.ledger.conftest import DAY, Shop

# s1 is bought on 2021-03-01 for a month. It renews on 03-24, and its retry is on 03-26.
# s2 is bought on 03-03 and renews on 03-26. Both cost 50.00.
LATER = datetime(2021, 3, 3, tzinfo=UTC)
S1_DATE = date(2021, 3, 24)
EXPIRED = datetime(2021, 4, 1, 12, tzinfo=UTC)
FIRST, BOTH = datetime(2021, 3, 24, tzinfo=UTC), datetime(2021, 3, 26, 0, 30, tzinfo=UTC)


def of_two_dates(shop: Shop) -> None:
    """s1 has failed once and is due with s2, which is due for the first time. Credits pay one."""
    shop.open(credits_="100.00")
    shop.buy("s1")
    shop.do(Purchase(subscription="s2", account="acme", sku="PRO"), LATER)
    step(shop, "s1", FIRST)
    shop.do(SetAccount(account="acme", credit_limit=Decimal(50)), FIRST)


def step(shop: Shop, subscription: str, now: datetime) -> StepResult:
    """Run the next step of a subscription, as its workflow does when it wakes."""
    [(kind, version)] = shop.rows(
        f"SELECT kind, version FROM steps WHERE subject = '{subscription}'"
    )
    result: StepResult = shop.engine._drive(
        run_step(StepKind(kind), of_subscription(subscription), version, now)
    )
    return result


def told(shop: Shop, since: str = "2021-03-25") -> list[str]:
    """The subject and the event of each line of history, in order."""
    query = (
        "SELECT coalesce(subscription, account), event FROM history "
        f"WHERE at >= '{since}' ORDER BY seq"
    )
    return [" ".join(row) for row in shop.rows(query)]


def test_of_two_dates_the_older_one_gets_the_credits_in_any_order_of_waking_rule_1_7(
    shop: Shop,
) -> None:
    of_two_dates(shop)
    result = step(shop, "s2", BOTH)
    assert told(shop) == ["s1 renewed", "s2 renewal_failed"]
    assert result.snapshot is not None
    assert result.snapshot.subject.id == "s2"
    assert shop.rows("SELECT id, renewal_failed FROM subscriptions ORDER BY id") == [
        ("s1", False),
        ("s2", True),
    ]


def test_a_step_that_comes_too_early_takes_what_is_first_in_its_own_transaction(
    shop: Shop,
) -> None:
    of_two_dates(shop)
    request = StepRequest(subject=of_subscription("s2"), version=1, now=BOTH, past=())
    assert shop.engine._activities.call("renew", request).outcome is Outcome.DONE
    assert told(shop) == ["s1 renewed", "s2 renewal_failed"]


def test_a_step_with_more_before_it_than_the_bound_takes_these_and_nothing_else(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps_before, "AT_MOST", 1)
    of_two_dates(shop)
    request = StepRequest(subject=of_subscription("s2"), version=1, now=BOTH, past=())
    result = shop.engine._activities.call("renew", request)
    assert (result.outcome, result.before) == (Outcome.NOT_YET, Before(taken=1))
    assert told(shop) == ["s1 renewed"]
    assert shop.engine._activities.call("renew", request).outcome is Outcome.DONE
    assert told(shop) == ["s1 renewed", "s2 renewal_failed"]


def test_a_step_that_raises_writes_nothing_of_those_before_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are left to their own workflows. Then it raises alone."""
    of_two_dates(shop)

    def broken(*_: object) -> None:
        raise KeyError("a fault")

    monkeypatch.setattr(renew, "_fail", broken)
    with pytest.raises(KeyError, match="a fault"):
        step(shop, "s2", BOTH)
    assert told(shop) == []
    monkeypatch.undo()
    assert step(shop, "s1", BOTH).outcome is Outcome.DONE
    assert told(shop) == ["s1 renewed"]


def test_a_step_that_raises_is_run_by_itself_and_holds_up_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step of s1 raises. What was taken before it is not written in that transaction."""
    of_two_dates(shop)

    def broken(work: Work, asked: Asked) -> StepResult | None:
        if asked.subject.id == "s1":
            raise KeyError("a fault")
        return renew.renew(work, asked)

    monkeypatch.setitem(steps.STEPS, "renew", broken)  # type: ignore[arg-type]
    sequence = run_step(StepKind.RENEW, of_subscription("s2"), 1, BOTH)
    asked = next(sequence)
    result = shop.engine._activities.call(asked.activity, asked.request)
    assert result.before.first.subject == of_subscription("s1")
    asked = sequence.send(result)
    assert (asked.request.subject.id, asked.briefly) == ("s1", True)  # type: ignore[union-attr]
    asked = sequence.send(None)
    passed = Passed(subject=of_subscription("s1"), by_date=S1_DATE, account="acme")
    assert asked.request.past == (passed,)  # type: ignore[union-attr]
    assert shop.engine._activities.call(asked.activity, asked.request).outcome is Outcome.DONE
    assert told(shop) == ["s2 renewed"]


def test_what_is_due_is_taken_in_few_transactions(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten expire together. The last of them wakes first, and takes the others along, at most 4."""
    monkeypatch.setattr(steps_before, "AT_MOST", 4)
    shop.open()
    for number in range(10):
        shop.buy(f"s{number}")
        shop.do(Unsubscribe(subscription=f"s{number}"))
    version = version_of(shop, "s9")
    sequence = run_step(StepKind.EXPIRE, of_subscription("s9"), version, EXPIRED)
    calls = [call.request for call in until_done(shop, sequence)]
    assert len(calls) == 3  # 4 before it, 4 more, then the last one with itself.
    assert told(shop, "2021-04-01") == [f"s{number} expired" for number in range(10)]
    for number in range(9):
        asked = StepRequest(subject=of_subscription(f"s{number}"), version=version, now=EXPIRED)
        assert shop.engine._activities.call("expire", asked).outcome is Outcome.STALE


def test_steps_that_wait_for_the_same_charge_are_skipped_together(shop: Shop) -> None:
    """A group of three renews by card. A command waits once for the silent gateway."""
    shop.open(credits_="150.00", card="sim_ok", renew_by_card=True)
    for name in ("s1", "s2", "s3"):
        shop.buy(name)
    steps = carry_out(CommandRequest(command=Suspend(account="acme"), now=FIRST))
    asked, calls = next(steps), []
    while True:
        calls.append(asked.activity)
        silent = asked.activity == "charge"
        try:
            asked = steps.send(
                None if silent else shop.engine._activities.call(asked.activity, asked.request)
            )
        except StopIteration:
            break
    assert calls == ["suspend", "renew", "charge", "suspend"]
    assert told(shop, "2021-03-24") == ["acme account_suspended"]


def test_a_renewal_that_is_being_charged_is_not_marked_as_failed_by_another_caller(
    shop: Shop,
) -> None:
    """Its card was replaced meanwhile. Its own workflow finds that out, not the next command."""
    shop.open(credits_="50.00", card="sim_ok", renew_by_card=True)
    shop.buy("s1")
    request = StepRequest(subject=of_subscription("s1"), version=1, now=FIRST, past=())
    assert shop.engine._activities.call("renew", request).outcome is Outcome.NEEDS_CARD
    shop.do(SetCard(account="acme", card="sim_insufficient"), FIRST, past=("s1",))
    with pytest.raises(AccountBusy):
        shop.engine._activities.call("renew", replace(request, briefly=True))
    assert shop.engine._activities.call("renew", request).outcome is Outcome.DONE
    assert shop.value("SELECT failure FROM subscriptions") == "no_credits"


def test_a_declined_card_fails_the_attempt_in_the_transaction_that_books_it(shop: Shop) -> None:
    """So a caller in between cannot charge the card again."""
    shop.open(credits_="50.00", card="sim_declined", renew_by_card=True)
    shop.buy("s1")
    step(shop, "s1", FIRST)
    assert told(shop, "2021-03-24") == ["acme card_declined", "s1 renewal_failed"]
    assert shop.value("SELECT count(*) FROM card_charges") == 1
    assert shop.value("SELECT failure FROM subscriptions") == "card_declined"


def test_a_group_whose_member_is_first_comes_first_as_a_whole_rule_5_2(shop: Shop) -> None:
    """g comes before a, and a before s. So s runs the step of its group without a deadlock.

    g and s have failed together. g was resubscribed, so its next step is an attempt at once, which
    has not run yet. a has an older date, and its retry is due with that of s.
    """
    shop.open(credits_="150.00")
    # Its renewal date is 03-20, its retries are on 03-22, 24 and 26.
    shop.do(
        Purchase(subscription="a", account="acme", sku="PRO"), datetime(2021, 2, 28, tzinfo=UTC)
    )
    shop.buy("g")
    shop.buy("s")
    for day in (20, 22, 24):
        step(shop, "a", datetime(2021, 3, day, tzinfo=UTC))
    step(shop, "s", FIRST)
    resubscribed = datetime(2021, 3, 25, 15, tzinfo=UTC)
    shop.do(Unsubscribe(subscription="g"), resubscribed)
    shop.do(Resubscribe(subscription="g"), resubscribed)
    order = "SELECT subject, kind FROM steps ORDER BY due, by_date"
    assert shop.rows(order) == [("g", "attempt"), ("a", "retry"), ("s", "retry")]
    calls = [
        call.request.subject.id
        for call in until_done(
            shop, run_step(StepKind.RETRY, of_subscription("s"), version_of(shop, "s"), BOTH)
        )
    ]
    assert calls == ["s"]
    assert told(shop, "2021-03-26") == ["g renewal_failed", "s renewal_failed"]


def snapshot_of(id_: str, version: int) -> Snapshot:
    """A subscription as its workflow knows it."""
    subscription = replace(made.subscription(), id=id_, version=version)
    return Snapshot(subscription=subscription, timezone="UTC")


def version_of(shop: Shop, subscription: str) -> int:
    """The version that is committed."""
    version: int = shop.value(f"SELECT version FROM subscriptions WHERE id = '{subscription}'")
    return version


def until_done(shop: Shop, protocol_: Generator[Call, Any, Any]) -> Iterator[Call]:
    """Yield and execute the calls of a call sequence, at most 20."""
    answer = None
    with suppress(StopIteration):
        for _ in range(20):
            call = protocol_.send(answer)
            yield call
            answer = shop.engine._activities.call(call.activity, call.request)


def test_a_command_runs_at_most_this_number_of_steps_before_itself(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_sequences, "MOST_BEFORE", 2)
    monkeypatch.setattr(steps_before, "AT_MOST", 1)
    with shop.ledger.engine.begin() as connection:
        add_policy(connection, "main", policy.load({"group_renewal": "independent"}))
    shop.open()
    for number in range(1, 6):
        shop.buy(f"s{number}")
    shop.do(Suspend(account="acme"), FIRST)
    assert told(shop, "2021-03-24") == ["s1 renewed", "s2 renewed", "acme account_suspended"]


def test_a_step_that_stays_as_it_was_is_skipped() -> None:
    """The step of s1 is stale, but its version has not changed. It is not asked for again."""
    first = DueStep(subject=of_subscription("s1"), version=1, kind=StepKind.EXPIRE, due=BOTH)
    sequence = run_step(StepKind.RENEW, of_subscription("s2"), 1, BOTH)
    next(sequence)
    asked = sequence.send(StepResult(outcome=Outcome.NOT_YET, before=Before(first=first)))
    assert asked.activity == "expire"
    asked = sequence.send(StepResult(outcome=Outcome.STALE, snapshot=snapshot_of("s1", version=1)))
    assert asked.request.past == (Passed(subject=first.subject),)  # type: ignore[union-attr]


def test_only_so_many_steps_that_do_not_end_are_remembered() -> None:
    """The list travels with each request. When it is full, all that is due is skipped."""
    sequence = run_step(StepKind.EXPIRE, of_subscription("s"), 1, BOTH)
    asked = next(sequence)
    for number in range(call_sequences.MOST_PASSED + 1):
        assert len(asked.request.past or ()) == number  # type: ignore[union-attr]
        subject = of_subscription(f"s{number}")
        first = DueStep(subject=subject, version=1, kind=StepKind.EXPIRE, due=BOTH)
        sequence.send(StepResult(outcome=Outcome.NOT_YET, before=Before(first=first)))
        asked = sequence.send(None)
    assert asked.request.past is None  # type: ignore[union-attr]


@pytest.mark.parametrize("woken", [["s2", "s0"], ["s0"]], ids=" ".join)
def test_renewals_come_before_an_expiry_and_independent_ones_go_by_id_rule_1_7(
    shop: Shop, woken: list[str]
) -> None:
    with shop.ledger.engine.begin() as connection:
        add_policy(connection, "main", policy.load({"group_renewal": "independent"}))
    shop.open(credits_="210.00")
    for name in ("s1", "s2"):
        shop.do(Purchase(subscription=name, account="acme", sku="PRO"), LATER)
    # Its E is 03-25, and it is EXPIRED on 03-26.
    shop.do(
        Purchase(subscription="s0", account="acme", sku="PRO"), datetime(2021, 2, 26, tzinfo=UTC)
    )
    shop.do(Unsubscribe(subscription="s0"), LATER)
    for name in woken:
        step(shop, name, BOTH)
    assert told(shop) == ["s1 renewed", "s2 renewal_failed", "s0 expired"]


def test_members_of_a_group_are_one_step_in_any_order_of_waking_rule_5_2(shop: Shop) -> None:
    shop.open()
    shop.buy("s1")
    shop.buy("s2")
    assert step(shop, "s2", FIRST).outcome is Outcome.DONE
    assert told(shop, "2021-03-24") == ["s1 renewed", "s2 renewed"]
    assert step(shop, "s1", BOTH).outcome is Outcome.STALE


@pytest.mark.parametrize(
    "command",
    [
        Suspend(account="acme"),
        SetCard(account="acme", card=None),
        SetAccount(account="acme", credit_limit=Decimal(0)),
        TopUp(account="acme", amount=Decimal(1)),
        Purchase(subscription="s3", account="acme", sku="PRO"),
        Unsubscribe(subscription="s2"),
        Terminate(subscription="s2", reason="enough"),
        Extend(subscription="s2", cycles=1),
        Recover(subscription="s2"),
    ],
    ids=lambda command: command.do,
)
def test_a_due_step_comes_before_any_command_of_the_account_rule_1_6(
    shop: Shop, command: object
) -> None:
    """s1 is due on 03-24. A command later that day finds it renewed. Its workflow still sleeps."""
    shop.open(credits_="200.00")
    shop.buy("s1")
    shop.do(Purchase(subscription="s2", account="acme", sku="PRO"), LATER)
    result = shop.do(command, datetime(2021, 3, 24, 15, tzinfo=UTC))  # type: ignore[arg-type]
    assert told(shop, "2021-03-24")[0] == "s1 renewed"
    assert result.before is None


def test_a_command_finds_the_credits_that_are_left_rule_1_6(shop: Shop) -> None:
    shop.open(credits_="100.00")
    shop.buy("s1")
    refusal = shop.do(Purchase(subscription="s2", account="acme", sku="PRO"), FIRST).refusal
    assert (refusal.rule, refusal.reason) == ("4.1", "usable 0.00 USD does not cover 50.00")


def test_a_card_is_charged_before_a_command_that_would_remove_it_rule_1_6(shop: Shop) -> None:
    shop.open(credits_="50.00", card="sim_ok", renew_by_card=True)
    shop.buy("s1")
    shop.do(SetCard(account="acme", card=None), FIRST)
    assert told(shop, "2021-03-24") == ["acme card_charged", "s1 renewed"]


def test_a_repetition_and_a_command_on_a_terminated_subscription_wait_for_nothing(
    shop: Shop,
) -> None:
    """The first has its result (Rule 4.2). No step changes the refusal of the second (Rule 2)."""
    shop.open(credits_="500.00")
    shop.buy("s1")
    bought = Purchase(subscription="s2", account="acme", sku="PRO", request_id="buy")
    shop.do(bought)
    shop.do(Terminate(subscription="s2", reason="enough"), DAY)
    assert shop.do(bought, FIRST).replayed
    assert shop.do(Extend(subscription="s2", cycles=1), FIRST).refusal.rule == "2"
    assert told(shop, "2021-03-24") == []
