"""What happens while a card is being charged. Nothing disturbs the charge or waits for it."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from activities.card_charges import AccountBusy
from activities.reconciliation.reconcile import Reconciliation
from activities.reconciliation.workflow_port import Limits
from activities.registry import Activities
from core.domain.commands.purchase import Purchase
from core.domain.commands.recover import Recover
from core.domain.commands.set_account import SetAccount
from core.domain.commands.set_card import SetCard
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.findings import Part, ReconcileRequest
from core.domain.steps import of_subscription
from core.gateways.cards import Answer, GatewayUnavailable
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import ChargeRequest, Outcome, StepRequest, StepResult
from tests.workflows.conftest import OpenShop
from tests.workflows.shop import FEBRUARY, JANUARY, Shop
from tests.workflows.test_reconcile import IDLE, NoWorkflows


def make(ledger: Ledger, gateway: SimulatedCards, key: str, subscription: str) -> None:
    """Make the card charge of a renewal, as a worker does."""
    asked_by = StepRequest(subject=of_subscription(subscription), version=1, now=FEBRUARY)
    Activities(ledger, gateway).call("charge", ChargeRequest(key=key, asked_by=asked_by))


class Overtaken(SimulatedCards):
    """A gateway at which a worker makes the charge just after reconciliation has looked it up."""

    def look_up(self, key: str) -> Answer | None:
        found = super().look_up(key)
        with pytest.raises(GatewayUnavailable):
            make(self.ledger, Lost(self._engine), key, key.split("/")[0])
        return found

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop.perennial.ledger.engine)
        self.ledger = shop.perennial.ledger


class Lost(SimulatedCards):
    """A gateway whose responses are lost, and which does not find its own charges yet."""

    def charge(self, key: str, card: str, amount: Decimal, currency: str) -> Answer:
        super().charge(key, card, amount, currency)
        raise GatewayUnavailable("the response is lost")

    def look_up(self, key: str) -> Answer | None:
        raise GatewayUnavailable("the gateway is busy")


async def test_reconciliation_leaves_a_charge_alone_that_a_worker_has_called_meanwhile(
    closed: Shop,
) -> None:
    """The look-up has found nothing, but by now the card is charged. It must not be closed."""
    await closed.account(opening="50.00", card="sim_ok")
    s = await closed.bought(JANUARY, start=False)
    closed.set_clock(FEBRUARY)
    asked = closed.step("renew", StepRequest(subject=of_subscription(s), version=1, now=FEBRUARY))
    assert asked.charge is not None

    async def reconcile(gateway: SimulatedCards) -> None:
        reconciliation = Reconciliation(
            closed.perennial.ledger, gateway, NoWorkflows(IDLE), Limits()
        )
        await reconciliation.reconcile(ReconcileRequest(part=Part.CHARGES, now=machine_now()))

    def row() -> tuple[Any, ...]:
        return tuple(closed.sql("SELECT calls, outcome, booked FROM card_charges").one())

    await reconcile(Overtaken(closed))
    assert row() == (1, "pending", False)
    assert closed.charges() == [(1, True)]
    await reconcile(closed.gateway)
    assert row() == (1, "charged", True)
    assert closed.balance() == "50.00"


async def test_recover_does_not_ask_the_card_again_when_its_charge_no_longer_covers_the_fee(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the card is charged, a purchase uses the credit limit, which is taken away then."""
    async with open_shop() as shop:
        await shop.account(opening="50.00")
        acme = shop.id("acme")
        s = await shop.buy()
        await shop.advance(2021, 2, 7)
        shop.call("set_card", SetCard(account=acme, card="sim_ok"), FEBRUARY)
        shop.call(
            "set_account",
            SetAccount(account=acme, credit_limit=Decimal(40), renew_by_card=True),
            FEBRUARY,
        )
        make = SimulatedCards.charge

        def meanwhile(gateway: SimulatedCards, *order: Any) -> Answer:
            answer = make(gateway, *order)
            buy = Purchase(subscription=shop.id("t"), account=acme, sku="BIZ", request_id="t")
            assert shop.call("purchase", buy, FEBRUARY).refusal is None
            limit = SetAccount(account=acme, credit_limit=Decimal(0), request_id="l")
            assert shop.call("set_account", limit, FEBRUARY).refusal is None
            return answer

        monkeypatch.setattr(SimulatedCards, "charge", meanwhile)
        result = await shop.perennial.do(Recover(subscription=s, request_id=shop.id("r")))
        assert result.refusal is not None
        assert (result.refusal.rule, result.refusal.reason) == (
            "6.1",
            "usable 10.00 USD does not cover 50.00",
        )
        assert shop.charges() == [(1, True)]
        assert shop.sql("SELECT count(*) FROM card_charges").scalar_one() == 1
        assert (shop.events(s)[-1], shop.balance()) == ("renewal_failed", "10.00")


async def test_a_command_does_not_wait_for_a_step_that_waits_for_another_charge(
    open_shop: OpenShop,
) -> None:
    """A charge of another subscription is open, and no worker makes it. The step fails at once."""
    async with open_shop(
        clock=False, jitter_seconds=80_000, workers=("workflows", "activities")
    ) as shop:
        s = await shop.due_soon(3600.0, opening="90.00", card="sim_ok")
        account = shop.row(s).account
        other = Purchase(
            subscription=shop.id("t"), account=account, sku="BIZ", request_id=shop.id("t")
        )
        assert shop.call("purchase", other, machine_now() - timedelta(days=20)).refusal is None
        await shop.perennial.start(other.subscription)
        shop.sql(
            "INSERT INTO card_charges "
            "(key, account, subscription, card, amount, currency, asked_at) "
            "VALUES ('k', :account, :of, 'sim_ok', 40, 'USD', now())",
            account=account,
            of=other.subscription,
        )
        async with asyncio.timeout(300):
            result = await shop.perennial.do(
                Unsubscribe(subscription=other.subscription, request_id=shop.id("u"))
            )
        assert result.refusal is None
        assert shop.row(s).renewal_failed is False
        assert "ActivityTaskTimedOut" not in await shop.history(other.subscription)


# the key of a charge is good for its own account, its own members and its own amount only


def attempt(shop: Shop, subscription: str, charge: str | None = None) -> StepResult:
    """An attempt to renew on the renewal date, beside other steps that are due."""
    return shop.step(
        "renew",
        StepRequest(
            subject=of_subscription(subscription),
            version=1,
            now=FEBRUARY,
            charge=charge,
            past=None,
        ),
    )


def asked(shop: Shop, subscription: str) -> str:
    """The key of the card charge that an attempt asks for."""
    key = attempt(shop, subscription).charge
    assert key is not None
    return key


async def test_a_charge_that_is_not_made_yet_gives_no_credits(closed: Shop) -> None:
    await closed.account(opening="50.00", card="sim_ok")
    s = await closed.bought(JANUARY, start=False)
    key = asked(closed, s)
    attempt(closed, s, key)
    assert (closed.events(), closed.balance()) == (["purchased", "renewal_failed"], "0.00")


async def test_a_charge_gives_its_credits_to_its_own_account_only(closed: Shop) -> None:
    for name in ("rich", "poor"):
        await closed.account(name, opening="50.00", card="sim_ok")
    rich = await closed.bought(JANUARY, "r", account="rich", start=False)
    poor = await closed.bought(JANUARY, "p", account="poor", start=False)
    key = asked(closed, rich)
    make(closed.perennial.ledger, closed.gateway, key, rich)
    assert attempt(closed, poor, key).outcome is Outcome.NEEDS_CARD
    assert (closed.balance("rich"), closed.balance("poor")) == ("50.00", "0.00")
    assert attempt(closed, rich, key).outcome is Outcome.DONE
    assert closed.events(rich)[-1] == "renewed"


async def test_an_open_charge_of_another_sum_is_never_made_for_this_one(closed: Shop) -> None:
    await closed.account(opening="50.00", card="sim_ok")
    s = await closed.bought(JANUARY, start=False)
    asked(closed, s)
    closed.sql("UPDATE card_charges SET amount = 40")
    assert attempt(closed, s).charge is None


async def test_an_open_charge_is_not_made_for_another_subscription_with_the_same_fee(
    open_shop: OpenShop,
) -> None:
    async with open_shop(workers=(), rules={"group_renewal": "independent"}) as shop:
        await shop.account(opening="100.00", card="sim_ok")
        a, b = [await shop.bought(JANUARY, name, start=False) for name in "ab"]
        key = asked(shop, a)
        with pytest.raises(AccountBusy):
            attempt(shop, b)
        assert asked(shop, a) == key
