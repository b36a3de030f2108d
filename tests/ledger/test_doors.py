"""What use cases refuse to any caller, and what a step does that is late or overtaken."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from activities.registry import Activities
from core.domain.commands.extend import Extend
from core.domain.commands.purchase import Pay, Purchase
from core.domain.commands.reactivate import Reactivate
from core.domain.commands.recover import Recover
from core.domain.commands.set_account import SetAccount
from core.domain.commands.set_card import SetCard
from core.domain.commands.suspend import Suspend
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.faults import Faults
from core.domain.steps import StepKind, of_subscription
from core.gateways.cards import Answer
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.stored_terms import add_catalog
from core.protocol.activity_messages import (
    ChargeOutcome,
    ChargeRequest,
    CommandRequest,
    Outcome,
    StepRequest,
)
from core.protocol.call_sequences import Call, carry_out, run_step
from tests.ledger.conftest import Shop

# Bought 2021-03-01 for a month: renewal date 03-24, retries 03-26, 03-28, 03-30, E 03-31.
RENEWAL, AFTER_E = datetime(2021, 3, 24, tzinfo=UTC), datetime(2021, 4, 1, 0, 30, tzinfo=UTC)


def take(shop: Shop, name: str, now: datetime = RENEWAL, **values: Any) -> Any:
    version = shop.value("SELECT version FROM subscriptions WHERE id = 's1'")
    return shop.engine._activities.call(
        name, StepRequest(subject=of_subscription("s1"), version=version, now=now, **values)
    )


def charge_of(key: str, version: int = 1) -> ChargeRequest:
    """The request of the charge that the renewal of s1 has asked for."""
    step = StepRequest(subject=of_subscription("s1"), version=version, now=RENEWAL)
    return ChargeRequest(key=key, asked_by=step)


def failed(shop: Shop, **account: Any) -> None:
    shop.open(credits_="50.00", **account)
    shop.buy()
    assert take(shop, "renew").outcome is Outcome.DONE


def test_a_top_up_after_e_renews_nothing_also_before_the_step_that_expires_it_rule_1_5(
    shop: Shop,
) -> None:
    failed(shop)
    shop.do(TopUp(account="acme", amount=Decimal("50.00")), AFTER_E, past=("s1",))
    assert shop.rows("SELECT status, expiry::text, renewal_failed FROM subscriptions") == [
        ("ACTIVE", "2021-03-31", True)
    ]
    assert shop.value("SELECT balance FROM accounts") == Decimal("50.00")


def test_a_top_up_on_the_last_day_still_renews_rule_5_4(shop: Shop) -> None:
    failed(shop)
    shop.do(
        TopUp(account="acme", amount=Decimal("50.00")), datetime(2021, 3, 31, 23, 59, tzinfo=UTC)
    )
    assert shop.rows("SELECT expiry::text, renewal_failed FROM subscriptions") == [
        ("2021-04-30", False)
    ]


@pytest.mark.parametrize("number", ["", "   "])
def test_a_blank_external_invoice_number_is_refused_rule_11_4(shop: Shop, number: str) -> None:
    shop.open()
    shop.buy("s0")
    blank = Purchase(
        subscription="s1",
        account="acme",
        sku="PRO",
        pay=Pay.EXTERNAL_INVOICE,
        invoice_number=number,
    )
    assert shop.do(blank).refusal.rule == "11.4"
    assert (
        shop.do(Extend(subscription="s0", cycles=1, invoice_number=number)).refusal.rule == "11.4"
    )
    assert shop.value("SELECT count(*) FROM operations WHERE purpose <> 'opening credits'") == 1


@pytest.mark.parametrize("command", [Recover, Reactivate])
def test_the_table_of_states_is_checked_before_a_blank_number_rule_2(
    shop: Shop, command: Any
) -> None:
    shop.open()
    shop.buy()
    assert shop.do(command(subscription="s1", invoice_number="")).refusal.rule in ("6.1", "7")


def test_an_amount_that_the_ledger_cannot_keep_is_refused_rule_3_2(shop: Shop) -> None:
    shop.open()
    fine = Decimal("0.000001")
    assert shop.do(TopUp(account="acme", amount=fine)).refusal.rule == "11.4"
    assert shop.do(SetAccount(account="acme", credit_limit=fine)).refusal.rule == "11.1"
    assert shop.value("SELECT balance FROM accounts") == Decimal(1000)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1000000000000"])
def test_a_value_that_is_no_amount_makes_no_command_rule_3_2(amount: str) -> None:
    with pytest.raises(Faults, match="amount: "):
        TopUp(account="acme", amount=Decimal(amount))
    with pytest.raises(Faults, match="credit_limit: "):
        SetAccount(account="acme", credit_limit=Decimal(amount))


def test_a_step_without_a_price_fails_like_an_unfunded_one_and_a_top_up_still_works(
    shop: Shop,
) -> None:
    shop.open(currency="USD")
    shop.buy()
    # A portfolio taken over may name a SKU whose price begins after the renewal date.
    with shop.ledger.engine.begin() as connection:
        add_catalog(
            connection,
            "main",
            [
                {
                    "sku": "LATE",
                    "kind": "application",
                    "months": 1,
                    "prices": {"USD": "9.00"},
                    "from": "2021-12-01",
                }
            ],
        )
    shop.run("UPDATE subscriptions SET sku = 'LATE'")
    assert take(shop, "renew").outcome is Outcome.DONE
    assert shop.rows("SELECT failure, next_kind FROM subscription_list") == [("no_price", "retry")]
    assert shop.do(TopUp(account="acme", amount=Decimal("5.00"))).refusal is None
    assert shop.value("SELECT renewal_failed FROM subscriptions") is True


def test_an_open_charge_is_not_made_to_a_card_that_was_replaced_rule_5_3(shop: Shop) -> None:
    shop.open(credits_="50.00", card="sim_ok", renew_by_card=True)
    shop.buy()
    first = take(shop, "renew")
    assert first.outcome is Outcome.NEEDS_CARD
    assert take(shop, "renew").charge == first.charge  # A repetition finds it.
    shop.do(SetCard(account="acme", card="sim_insufficient"), RENEWAL, past=("s1",))
    assert take(shop, "renew").outcome is Outcome.DONE
    assert shop.rows("SELECT failure, renewal_failed FROM subscriptions") == [("no_credits", True)]
    assert "earlier card charge" in shop.do(Recover(subscription="s1"), RENEWAL).refusal.reason


class Recorded(SimulatedCards):
    """A gateway that remembers its calls. The caller of the first charge dies after it is made."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.asked: list[str] = []

    def charge(self, key: str, card: str, amount: Decimal, currency: str) -> Answer:
        self.asked.append("charge")
        answer = super().charge(key, card, amount, currency)
        if len(self.asked) == 1:
            raise ConnectionError("the worker is dead")
        return answer

    def look_up(self, key: str) -> Answer | None:
        self.asked.append("look_up")
        return super().look_up(key)


def test_a_call_that_may_have_been_made_is_looked_up_before_anything_else_rule_5_3(
    shop: Shop,
) -> None:
    shop.open(credits_="50.00", card="sim_ok", renew_by_card=True)
    shop.buy()
    gateway = Recorded(shop.ledger.engine)
    activities = Activities(shop.ledger, gateway)
    request = charge_of(take(shop, "renew").charge)
    with pytest.raises(ConnectionError):
        activities.call("charge", request)
    assert activities.call("charge", request).outcome is ChargeOutcome.CHARGED
    assert gateway.asked == ["charge", "look_up"]
    assert activities.call("charge", request).outcome is ChargeOutcome.CHARGED
    assert gateway.asked == ["charge", "look_up"]  # It is settled.
    assert shop.rows("SELECT outcome, calls, booked FROM card_charges") == [("charged", 2, False)]


# A charge is asked for again, under the account's lock, before the gateway is called (Rule 5.3).


def credits_come_in(shop: Shop) -> None:
    shop.do(TopUp(account="acme", amount=Decimal(50)), RENEWAL, past=("s1",))


def it_is_terminated(shop: Shop) -> None:
    shop.do(Terminate(subscription="s1", reason="enough"), RENEWAL, past=("s1",))


def the_switch_is_turned_off(shop: Shop) -> None:
    shop.do(SetAccount(account="acme", renew_by_card=False), RENEWAL, past=("s1",))


def another_card_is_stored(shop: Shop) -> None:
    shop.do(SetCard(account="acme", card="sim_insufficient"), RENEWAL, past=("s1",))


def the_account_is_suspended(shop: Shop) -> None:
    shop.do(Suspend(account="acme"), RENEWAL, past=("s1",))


@pytest.mark.parametrize(
    "meanwhile",
    [
        credits_come_in,
        it_is_terminated,
        the_switch_is_turned_off,
        another_card_is_stored,
        the_account_is_suspended,
    ],
    ids=lambda change: change.__name__,
)
def test_a_charge_that_is_no_longer_needed_is_withdrawn_before_the_first_call_rule_5_3(
    shop: Shop, meanwhile: Callable[[Shop], None]
) -> None:
    shop.open(credits_="50.00", card="sim_ok", renew_by_card=True)
    shop.buy()
    gateway = Recorded(shop.ledger.engine)
    activities = Activities(shop.ledger, gateway)
    request = charge_of(take(shop, "renew").charge)
    meanwhile(shop)
    for _ in range(2):
        assert activities.call("charge", request).outcome is ChargeOutcome.WITHDRAWN
    assert gateway.asked == []
    assert shop.rows("SELECT outcome, calls, booked FROM card_charges") == [("withdrawn", 0, True)]
    assert "card" not in str(shop.rows("SELECT event FROM history"))


def test_after_the_first_call_a_charge_is_looked_up_whatever_has_changed(shop: Shop) -> None:
    shop.open(credits_="50.00", card="sim_ok", renew_by_card=True)
    shop.buy()
    gateway = Recorded(shop.ledger.engine)
    activities = Activities(shop.ledger, gateway)
    request = charge_of(take(shop, "renew").charge)
    with pytest.raises(ConnectionError):
        activities.call("charge", request)
    credits_come_in(shop)
    assert activities.call("charge", request).outcome is ChargeOutcome.CHARGED
    assert gateway.asked == ["charge", "look_up"]


def before_the_charge(
    shop: Shop, sequence: Generator[Call, Any, Any], meanwhile: Callable[[], object]
) -> Any:
    """Run a sequence of calls to its end. Something happens before its card charge is made."""
    answer = None
    while True:
        try:
            call = sequence.send(answer)
        except StopIteration as stop:
            return stop.value
        if call.activity == "charge":
            meanwhile()
        answer = shop.engine._activities.call(call.activity, call.request)


def test_a_renewal_whose_charge_was_withdrawn_is_paid_by_the_credits_rule_5_3(shop: Shop) -> None:
    shop.open(credits_="50.00", card="sim_ok", renew_by_card=True)
    shop.buy()
    sequence = run_step(StepKind.RENEW, of_subscription("s1"), 1, RENEWAL)
    result = before_the_charge(shop, sequence, lambda: credits_come_in(shop))
    assert result.outcome is Outcome.DONE
    assert shop.rows("SELECT expiry::text, renewal_failed FROM subscriptions") == [
        ("2021-04-30", False)
    ]
    assert shop.value("SELECT balance FROM accounts") == 0


def test_a_recover_whose_charge_was_withdrawn_is_paid_by_the_credits_rule_6_1(shop: Shop) -> None:
    failed(shop)
    shop.run("UPDATE accounts SET card = 'sim_ok', renew_by_card = true")
    sequence = carry_out(CommandRequest(command=Recover(subscription="s1"), now=RENEWAL))
    limit = SetAccount(account="acme", credit_limit=Decimal(50))
    result = before_the_charge(shop, sequence, lambda: shop.do(limit, RENEWAL))
    assert result.refusal is None
    assert shop.rows("SELECT outcome FROM card_charges") == [("withdrawn",)]
