"""Forty writers of all kinds on few accounts. No deadlock, no lost command, and all sums hold."""

import random
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from activities.card_charges import AccountBusy
from activities.import_customers import Customer, take_over
from activities.number_invoices import number_invoices
from core.domain.commands import AnyCommand
from core.domain.commands.extend import Extend
from core.domain.commands.purchase import Purchase
from core.domain.commands.recover import Recover
from core.domain.commands.resume import Resume
from core.domain.commands.set_account import SetAccount
from core.domain.commands.suspend import Suspend
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.protocol.activity_messages import CommandResult
from tests.ledger.conftest import DAY, Shop
from tests.ledger.test_at_once import ONE_DAY

WRITERS, EACH, ACCOUNTS = 40, 6, 3
RENEWAL = DAY + 23 * ONE_DAY


def commands(seed: int) -> list[AnyCommand]:
    """The commands of one writer, each with a request id of its own."""
    chance = random.Random(seed)

    def one(number: int) -> AnyCommand:
        account = f"a{chance.randrange(ACCOUNTS)}"
        subscription, request = f"{account}-{chance.randrange(4)}", f"{seed}/{number}"
        return chance.choice(
            [
                Purchase(
                    subscription=f"new-{seed}-{number}",
                    account=account,
                    sku="PRO",
                    request_id=request,
                ),
                *[TopUp(account=account, amount=Decimal(60), request_id=request)] * 2,
                *[Recover(subscription=subscription, request_id=request)] * 4,
                Extend(subscription=subscription, cycles=1, request_id=request),
                Terminate(subscription=subscription, reason="moved", request_id=request),
                Suspend(account=account, request_id=request),
                *[Resume(account=account, request_id=request)] * 4,
                SetAccount(account=account, credit_limit=Decimal(20), request_id=request),
            ]
        )

    return [one(number) for number in range(EACH)]


def imported(number: int) -> Customer:
    """A customer that joins one of the accounts."""
    return Customer(
        id=f"imported-{number}",
        account=f"a{number % ACCOUNTS}",
        currency="USD",
        timezone="UTC",
        sku="PRO",
        months=1,
        anchor=date(2021, 1, 1),
        credits=Decimal(10),
    )


@pytest.fixture
def failed(shop: Shop) -> Shop:
    """A shop in which each account has four subscriptions that have failed to renew."""
    for account in (f"a{n}" for n in range(ACCOUNTS)):
        shop.open(account, "200.00", card="sim_ok", renew_by_card=False)
        for n in range(4):
            shop.buy(f"{account}-{n}", account)
        # A command runs what is due of its account first (Rule 1.6).
        shop.do(SetAccount(account=account, renew_by_card=True), RENEWAL)
    return shop


@pytest.mark.parametrize("seed", [1, 2])
def test_forty_writers(
    failed: Shop, at_once: Callable[[list[Callable[[], Any]]], list[Any]], seed: int
) -> None:
    shop = failed
    assert shop.value("SELECT count(*) FROM subscriptions WHERE renewal_failed") == 4 * ACCOUNTS
    done: dict[str, CommandResult] = {}

    def do(command: AnyCommand) -> None:
        while True:
            try:
                done[str(command.request_id)] = shop.do(command, RENEWAL)
                return
            except AccountBusy:
                continue  # As a worker does, until the open charge is booked.

    def write(writer: int) -> None:
        for command in commands(1000 * seed + writer):
            do(command)

    def work_in_bulk() -> None:
        # The accounts are named in another order each time.
        for number in range(3):
            some = [imported(3 * number + n) for n in range(3)]
            random.Random(seed + number).shuffle(some)
            take_over(shop.ledger, some, RENEWAL)
            number_invoices(shop.ledger, batch=5)

    results = at_once([lambda n=n: write(n) for n in range(WRITERS)] + [work_in_bulk] * 3)
    assert [result for result in results if result is not None] == []
    assert len(done) == WRITERS * EACH
    kept = {row[0] for row in shop.rows("SELECT request_id FROM operations")} - {None}
    assert {id_ for id_, result in done.items() if result.refusal is None} == {
        id_ for id_ in kept if re.fullmatch(r"\d+/\d+", id_)
    }
    for sums in (
        "SELECT 1 FROM postings GROUP BY operation, currency HAVING sum(amount) <> 0",
        "SELECT 1 FROM accounts a WHERE balance <> (SELECT coalesce(sum(amount), 0) "
        "FROM postings p WHERE p.account = a.id AND book = 'wallet')",
        "SELECT 1 FROM accounts a WHERE balance - (SELECT coalesce(sum(amount), 0) FROM history h "
        "WHERE h.account = a.id) NOT IN (200)",
        "SELECT 1 FROM card_charges WHERE NOT booked",
        # Two callers at once may both call with one key. The gateway then charges once.
        "SELECT 1 FROM simulated_charges s WHERE charged AND (SELECT count(*) FROM operations o "
        "WHERE o.charge = s.key) <> 1",
    ):
        assert not shop.rows(sums), sums
    assert shop.value("SELECT count(*) FROM operations WHERE purpose = 'import'") == 9
