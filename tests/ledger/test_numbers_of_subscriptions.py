"""Purchases and changes with numbers: what they cost the database, who wins a race (Rule 10)."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from core.domain.commands import AnyCommand
from core.domain.commands.add_number import AddNumber
from core.domain.commands.change_plan import ChangePlan
from core.domain.commands.changes import When
from core.domain.commands.extend import Extend
from core.domain.commands.purchase import Pay, Purchase, PurchaseResult
from core.domain.commands.reactivate import Reactivate
from core.domain.commands.remove_number import RemoveNumber
from core.domain.commands.swap_number import SwapNumber
from core.domain.commands.terminate import Terminate
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.commands.withdraw_changes import WithdrawChanges
from core.domain.numbers import HoldKind, Wanted
from core.domain.subscription import Contract
from core.ledger.stored_terms import add_catalog
from core.protocol.activity_messages import CommandResult
from core.protocol.workflow_messages import SubscriptionInput
from doors.application.payload_converter import data_converter
from tests.ledger.conftest import DAY, PRO, Shop

AtOnce = Callable[[list[Callable[[], Any]]], list[Any]]
DID = {
    "sku": "DID",
    "kind": "number",
    "months": 1,
    "prices": {"USD": "1.00"},
    "activation_fee": {"USD": "0.50"},
}


@pytest.fixture(autouse=True)
def opened(shop: Shop) -> None:
    addons = [
        {"sku": f"ADD{n}", "kind": "addon", "months": 1, "prices": {"USD": "1.00"}}
        for n in range(50)
    ]
    with shop.ledger.engine.begin() as connection:
        add_catalog(connection, "main", [DID, *addons])
    shop.open(credits_="5000.00")
    shop.open("other", credits_="5000.00")


def wanted(*numbers: str, hold: HoldKind = HoldKind.NORMAL) -> tuple[Wanted, ...]:
    return tuple(Wanted(number=number, sku="DID", hold=hold) for number in numbers)


def in_use(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.rows(
        "SELECT number, subscription FROM numbers WHERE state = 'in_use' ORDER BY number"
    )


def free(shop: Shop, *numbers: str) -> None:
    for number in numbers:
        shop.run(
            "INSERT INTO numbers (seller, number, sku, state, hold, since, version) "
            f"VALUES ('main', '{number}', 'DID', 'free', 'normal', '2021-01-01', 1)"
        )


def do(shop: Shop, command: AnyCommand) -> None:
    result = shop.do(command)
    assert result.refusal is None, result.refusal


def refusals(results: list[CommandResult]) -> list[str]:
    return [str(result.refusal) for result in results if result.refusal]


# size


def test_500_numbers_and_50_addons_are_one_transaction_of_few_round_trips(shop: Shop) -> None:
    """The statements do not grow with the numbers, and the input of the workflow stays small."""
    statements: list[str] = []
    event.listen(
        shop.ledger.engine, "before_cursor_execute", lambda *values: statements.append(values[2])
    )
    many = wanted(*(f"+65{n:08}" for n in range(450)))
    free(shop, *(f"+66{n:08}" for n in range(50)))
    statements.clear()
    result = shop.buy(
        addons={f"ADD{n}": 500 for n in range(50)}, numbers=many, pick={"DID": 50}, quantity=1
    )
    assert result.refusal is not None  # 25,550.00 for the add-ons
    statements.clear()
    result = shop.buy(addons={f"ADD{n}": 1 for n in range(50)}, numbers=many, pick={"DID": 50})
    assert result.refusal is None, result.refusal
    assert len(statements) <= 15, statements
    assert len(in_use(shop)) == 500
    assert shop.value("SELECT balance FROM accounts WHERE id = 'acme'") == 5000 - 600 - 250
    assert shop.value("SELECT count(*) FROM monthly_amounts") == 500
    [(snapshot, *_)] = shop.ledger.snapshots(["s1"], DAY)
    [payload] = data_converter.payload_converter.to_payloads([SubscriptionInput(snapshot=snapshot)])
    assert len(payload.data) < 64 * 1024
    assert len(payload.data) < 4_000
    assert json.loads(payload.data)["snapshot"]["subscription"]["sku"] == "PRO"


def test_an_extension_with_200_numbers_takes_no_statement_more(shop: Shop) -> None:
    """It prices each number a line, and it does not look at the inventory."""
    statements: list[str] = []
    shop.buy("s1", numbers=wanted(*(f"+65{n:08}" for n in range(200))))
    shop.buy("s2", "other")
    event.listen(
        shop.ledger.engine, "before_cursor_execute", lambda *values: statements.append(values[2])
    )
    counts = []
    for subscription in ("s1", "s2"):
        statements.clear()
        do(shop, Extend(subscription=subscription, cycles=1))
        counts.append(len(statements))
    assert counts[0] == counts[1]


# picking


def test_picked_numbers_are_told_and_a_repetition_tells_the_same(shop: Shop) -> None:
    free(shop, "+651", "+652", "+653")
    for _ in range(2):
        result = shop.buy(pick={"DID": 2}, request_id="r").result
        assert isinstance(result, PurchaseResult)
        assert result.numbers == ("+651", "+652")
    assert result.sentence() == (
        "s1 is bought: $52.00 paid, $1.00 for the activation of numbers, paid up to 31 March 2021."
    )
    assert len(in_use(shop)) == 2


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"pick": {"DID": 4}}, "only 3 of 4 numbers of SKU DID are free (rule 10.2)"),
        ({"pick": {"DID": 0}}, "0 numbers in one purchase: 1 to 500 (rule 3.3)"),
        ({"pick": {"DID": -1}}, "-1 numbers in one purchase: 1 to 500 (rule 3.3)"),
        ({"pick": {"DID": 501}}, "501 numbers in one purchase: 1 to 500 (rule 3.3)"),
        ({"pick": {"PRO": 1}}, "PRO is no number: it is of kind application (rule 4.1)"),
        ({"pick": {"NONE": 1}}, "there is no SKU NONE (rule 4.1)"),
        (
            {"numbers": (Wanted(number="+65", sku="ADD1"),)},
            "ADD1 is no number: it is of kind addon (rule 4.1)",
        ),
        ({"numbers": wanted(*(f"+65{n}" for n in range(501)))}, "501 numbers in one purchase: "),
    ],
)
def test_what_a_purchase_with_numbers_refuses(
    shop: Shop, values: dict[str, Any], refusal: str
) -> None:
    free(shop, "+651", "+652", "+653")
    result = shop.buy(**values)
    assert str(result.refusal).startswith(refusal)
    assert (in_use(shop), shop.value("SELECT count(*) FROM subscriptions")) == ([], 0)


def test_two_purchases_at_once_pick_different_numbers(shop: Shop, at_once: AtOnce) -> None:
    free(shop, *(f"+65{n}" for n in range(10)))
    for n in range(10):
        shop.open(f"a{n}")
    results = at_once([lambda n=n: shop.buy(f"t{n}", f"a{n}", pick={"DID": 1}) for n in range(10)])
    assert refusals(results) == []
    assert len({number for number, _ in in_use(shop)}) == 10


# races


def test_50_purchases_at_once_for_one_number(shop: Shop, at_once: AtOnce) -> None:
    for n in range(50):
        shop.open(f"a{n}")
    results = at_once(
        [lambda n=n: shop.buy(f"t{n}", f"a{n}", numbers=wanted("+65")) for n in range(50)]
    )
    assert set(refusals(results)) == {"+65 is in use (rule 10.2)"}
    assert len(refusals(results)) == 49
    assert len(in_use(shop)) == 1
    assert shop.value("SELECT count(*) FROM subscriptions") == 1
    assert shop.value("SELECT count(*) FROM monthly_amounts") == 1


def test_swaps_in_a_ring_are_refused_and_no_number_is_lost(shop: Shop, at_once: AtOnce) -> None:
    names = [f"a{n}" for n in range(6)]
    for n, name in enumerate(names):
        shop.open(name)
        shop.buy(f"t{n}", name, numbers=wanted(f"+65{n}"))
    before = in_use(shop)
    results = at_once(
        [
            lambda n=n: shop.do(
                SwapNumber(subscription=f"t{n}", number=f"+65{n}", to=f"+65{(n + 1) % 6}")
            )
            for n in range(6)
        ]
    )
    assert len(refusals(results)) == 6
    assert in_use(shop) == before


def test_a_reactivation_and_a_purchase_race_for_a_held_number(shop: Shop, at_once: AtOnce) -> None:
    """Both are of one account. The number is in one of the two subscriptions afterwards."""
    shop.buy("s1", numbers=wanted("+65"))
    do(shop, Unsubscribe(subscription="s1"))
    expired = DAY + timedelta(days=40)
    shop.do(Unsubscribe(subscription="s1"), expired, past=())
    assert shop.value("SELECT status FROM subscriptions") == "EXPIRED"
    results = at_once(
        [
            lambda: shop.do(Reactivate(subscription="s1"), expired),
            lambda: shop.do(
                Purchase(subscription="s2", account="acme", sku="PRO", numbers=wanted("+65")),
                expired,
            ),
        ]
    )
    [(number, subscription)] = in_use(shop)
    kept = shop.value("SELECT numbers FROM subscriptions WHERE id = 's1'")
    assert number == "+65"
    if subscription == "s1":
        assert (refusals(results), kept) == (["+65 is in use (rule 10.2)"], {"+65": "DID"})
    else:
        assert (refusals(results), kept) == ([], None)


# the row of the subscription and the inventory say the same


def test_an_overtaken_request_adds_a_number_once(shop: Shop, at_once: AtOnce) -> None:
    shop.buy("s1")
    command = AddNumber(subscription="s1", number="+65", sku="DID", request_id="r")
    results = at_once([lambda: shop.do(command) for _ in range(10)])
    assert refusals(results) == []
    assert in_use(shop) == [("+65", "s1")]
    assert shop.value("SELECT count(*) FROM monthly_amounts") == 1
    assert len({str(result.result) for result in results}) == 1


def test_withdrawn_changes_give_back_what_was_added_at_renewal(shop: Shop) -> None:
    """+651 was to leave and stays. +652 and +653 were never priced and are given back."""
    shop.buy("s1", numbers=wanted("+651"))
    do(shop, RemoveNumber(subscription="s1", number="+651", when=When.RENEWAL))
    for number in ("+652", "+653"):
        do(shop, AddNumber(subscription="s1", number=number, sku="DID", when=When.RENEWAL))
    do(shop, RemoveNumber(subscription="s1", number="+653", when=When.RENEWAL))
    do(shop, WithdrawChanges(subscription="s1"))
    assert in_use(shop) == [("+651", "s1")]
    assert shop.value("SELECT numbers FROM subscriptions") == {"+651": "DID"}
    assert shop.value("SELECT coming FROM subscriptions") is None


def test_a_withdrawn_addition_leaves_when_its_removal_was_paid_for(shop: Shop) -> None:
    shop.buy("s1", numbers=wanted("+651"))
    do(shop, RemoveNumber(subscription="s1", number="+651", when=When.RENEWAL))
    do(shop, Extend(subscription="s1", cycles=1))
    leaves = "SELECT until::text FROM numbers WHERE number = '+651'"
    assert shop.value(leaves) == "2021-03-31"
    do(shop, AddNumber(subscription="s1", number="+651", sku="DID", when=When.RENEWAL))
    assert shop.value(leaves) is None
    do(shop, WithdrawChanges(subscription="s1"))
    assert shop.value(leaves) == "2021-03-31"


def test_a_number_that_leaves_can_be_removed_earlier(shop: Shop) -> None:
    shop.buy("s1", numbers=wanted("+651"))
    do(shop, RemoveNumber(subscription="s1", number="+651", when=When.RENEWAL))
    do(shop, Extend(subscription="s1", cycles=1))
    do(shop, RemoveNumber(subscription="s1", number="+651"))
    assert shop.rows("SELECT state, until::text FROM numbers") == [("held", "2021-03-29")]
    assert shop.rows("SELECT kind FROM steps WHERE subject_kind = 'number'") == [("remind",)]


def test_a_number_that_was_brought_along_costs_no_activation_fee(shop: Shop) -> None:
    shop.buy("s1", numbers=wanted("+651", hold=HoldKind.BYOI))
    do(
        shop,
        AddNumber(
            subscription="s1", number="+652", sku="DID", hold=HoldKind.BYOI, when=When.RENEWAL
        ),
    )
    do(shop, AddNumber(subscription="s1", number="+653", sku="DID", hold=HoldKind.BYOI))
    do(shop, Extend(subscription="s1", cycles=1))
    assert shop.value("SELECT count(*) FROM monthly_amounts") == 0


def test_an_external_invoice_pays_an_added_number(shop: Shop) -> None:
    shop.buy("s1")
    before = shop.value("SELECT balance FROM accounts WHERE id = 'acme'")
    do(shop, AddNumber(subscription="s1", number="+651", sku="DID", invoice_number="X-1"))
    assert shop.value("SELECT balance FROM accounts WHERE id = 'acme'") == before
    assert shop.value("SELECT count(*) FROM monthly_amounts") == 0


def test_a_milestone_contract_charges_no_activation_fee(shop: Shop) -> None:
    """Rules 8.3, 10.1: on the purchase, on adding a number, and with the next paid cycle."""
    milestone = {"pay": Pay.CONTRACT, "contract": Contract.MILESTONE}
    assert shop.buy("s1", numbers=wanted("+651"), **milestone).refusal is None
    do(shop, AddNumber(subscription="s1", number="+652", sku="DID"))
    do(shop, AddNumber(subscription="s1", number="+653", sku="DID", when=When.RENEWAL))
    do(shop, Extend(subscription="s1", cycles=1))
    assert shop.value("SELECT balance FROM accounts WHERE id = 'acme'") == 5000
    assert shop.value("SELECT count(*) FROM monthly_amounts") == 0
    assert len(in_use(shop)) == 3


def test_a_change_of_plan_keeps_the_numbers(shop: Shop) -> None:
    with shop.ledger.engine.begin() as connection:
        add_catalog(connection, "main", [PRO | {"sku": "BIZ", "prices": {"USD": "90.00"}}])
    shop.buy("s1", numbers=wanted("+651"))
    do(shop, ChangePlan(subscription="s1", sku="BIZ"))
    assert shop.value("SELECT numbers FROM subscriptions") == {"+651": "DID"}
    do(shop, Terminate(subscription="s1", reason="x"))
    assert shop.value("SELECT state FROM numbers") == "held"
