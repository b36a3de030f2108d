"""A batch of usage does what its rows would do one by one (Rules 1.6, 3.2, 4.2, 11.1, 11.2)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import event as engine_event

from activities.usage_batch import charge_usage
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.set_account import SetAccount
from core.domain.commands.suspend import Suspend
from core.domain.commands.top_up import TopUp
from core.domain.commands.usage import Usage
from core.domain.faults import Faults
from core.domain.subscription import Mode
from core.domain.usage_batch import MOST_ROWS, ChargedRow, RowOutcome
from core.protocol.activity_messages import CommandResult
from doors.application import usage_batches
from tests.ledger.conftest import DAY, Shop

CHARGED, REPEATED, REFUSED = RowOutcome.CHARGED, RowOutcome.REPEATED, RowOutcome.REFUSED


def row(account: str, number: object, amount: str = "0.12345", text: str = "call") -> Usage:
    return Usage(
        account=account, amount=Decimal(amount), text=text, request_id=f"{account}/{number}"
    )


class Door:
    """The batch door of a shop. It counts the rows that were sent one by one."""

    def __init__(self, shop: Shop, now: datetime = DAY) -> None:
        self.shop, self.now = shop, now
        self.single: list[str] = []

    def __call__(self, rows: Sequence[Usage]) -> list[ChargedRow]:
        self.single.clear()
        return asyncio.run(usage_batches.charge_batch(rows, self._in_bulk, self._one))

    async def _in_bulk(self, waiting: usage_batches.Waiting) -> Any:
        shop = replace(self.shop.ledger, machine_now=lambda: self.now)
        return usage_batches.charge_in_bulk(shop, waiting)

    async def _one(self, command: Usage) -> CommandResult:
        self.single.append(str(command.request_id))
        return self.shop.do(command, self.now)


@pytest.fixture
def door(shop: Shop) -> Door:
    """The door of the shop, at the instant of its other commands."""
    shop.ledger.machine_now = lambda: DAY
    return Door(shop)


def outcomes(rows: Sequence[ChargedRow]) -> list[RowOutcome]:
    return [row.outcome for row in rows]


def balance(shop: Shop, account: str = "acme") -> Decimal:
    found: Decimal = shop.value(f"SELECT balance FROM accounts WHERE id = '{account}'")
    return found


def test_many_accounts_are_charged_with_five_decimals_and_stand_on_their_invoices(
    shop: Shop, door: Door
) -> None:
    """Rules 3.2, 11.4: 1,000 − 2 × 0.12345 = 999.7531."""
    for id_ in ("acme", "beta", "c"):
        shop.open(id_)
    rows = [row(id_, number) for number in (1, 2) for id_ in ("c", "acme", "beta")]
    charged = door(rows)
    assert outcomes(charged) == [CHARGED] * 6
    assert [it.request_id for it in charged] == [it.request_id for it in rows]
    assert door.single == []
    assert shop.rows("SELECT id, balance FROM accounts ORDER BY id") == [
        (id_, Decimal("999.75310")) for id_ in ("acme", "beta", "c")
    ]
    assert shop.value("SELECT count(*) FROM monthly_amounts WHERE month = '2021-03-01'") == 6
    assert shop.value("SELECT count(*) FROM steps WHERE kind = 'monthly_invoice'") == 3
    assert shop.value("SELECT count(*) FROM tellings WHERE subject_kind = 'account'") == 3
    assert shop.value("SELECT count(*) FROM history WHERE event = 'usage' AND rule = '11.1'") == 6
    after = usage_batches.balances_of(shop.ledger, ["acme", "nobody"])
    assert [(it.account, it.balance, it.usable) for it in after] == [
        ("acme", Decimal("999.75310"), Decimal("999.75310"))
    ]


def test_a_row_that_is_refused_does_not_stop_the_others_rule_11_1(shop: Shop, door: Door) -> None:
    shop.open("acme", "1.00")
    shop.open("rival", "5.00")
    shop.run("INSERT INTO sellers (id) VALUES ('rival')")
    shop.force("UPDATE accounts SET seller = 'rival' WHERE id = 'rival'")
    charged = door(
        [
            row("acme", 1, "0.40000"),
            row("acme", 2, "0.60001"),
            row("nobody", 3),
            row("rival", 4),
            row("acme", 5, "0.60000"),
            row("acme", 6, "0.00001"),
        ]
    )
    assert outcomes(charged) == [CHARGED, REFUSED, REFUSED, REFUSED, CHARGED, REFUSED]
    assert [it.rule for it in charged] == [None, "11.1", "4.1", "4.1", None, "11.1"]
    assert charged[1].reason == "usable 0.60 USD does not cover 0.60001"
    assert charged[2].reason == "there is no account nobody"
    assert charged[3].reason == "there is no account rival"
    assert (balance(shop), balance(shop, "rival")) == (0, 5)


def test_a_request_id_is_charged_once_in_a_batch_and_over_batches_rule_4_2(
    shop: Shop, door: Door
) -> None:
    shop.open()
    shop.open("beta")
    rows = [row("acme", 1), row("acme", 1), row("acme", 1, "2.00"), row("beta", 1)]
    assert outcomes(door(rows)) == [CHARGED, REPEATED, REFUSED, CHARGED]
    again = door([*rows, row("acme", 2), replace(row("beta", 1), request_id="acme/1")])
    assert outcomes(again) == [REPEATED, REPEATED, REFUSED, REPEATED, CHARGED, REFUSED]
    assert again[2].rule == "4.2"
    assert balance(shop) == Decimal("999.75310")
    assert shop.do(row("acme", 2)).replayed


def test_a_refused_row_leaves_no_trace_so_its_request_id_may_be_used_again_rule_4_2(
    shop: Shop, door: Door
) -> None:
    shop.open(credits_="0.10")
    assert outcomes(door([row("acme", 1), row("acme", 2, "0.10")])) == [REFUSED, CHARGED]
    shop.do(TopUp(account="acme", amount=Decimal("1.00")))
    assert outcomes(door([row("acme", 1), row("acme", 2, "0.10")])) == [CHARGED, REPEATED]


def test_a_suspended_and_a_closed_account_refuse_their_rows_rule_11_8(
    shop: Shop, door: Door
) -> None:
    for id_ in ("acme", "beta", "c"):
        shop.open(id_, "0.00" if id_ == "c" else "9.00")
    shop.do(Suspend(account="beta"))
    assert shop.do(CloseAccount(account="c")).refusal is None
    charged = door([row("acme", 1), row("beta", 1), row("c", 1)])
    assert [(it.outcome, it.rule) for it in charged] == [
        (CHARGED, None),
        (REFUSED, "11.8"),
        (REFUSED, "11.8"),
    ]


def test_what_is_due_of_the_account_is_done_before_its_rows_rule_1_6(shop: Shop) -> None:
    """The renewal of 50.00 on 03-24 comes first, so that usage of 60.00 is not covered."""
    shop.open(credits_="150.00")
    shop.open("beta")
    shop.buy()
    late = Door(shop, DAY + timedelta(days=24))
    shop.ledger.machine_now = lambda: late.now
    charged = late([row("acme", 1, "60.00"), row("acme", 2, "40.00"), row("beta", 1)])
    assert outcomes(charged) == [REFUSED, CHARGED, CHARGED]
    assert late.single == ["acme/1"]
    assert shop.value("SELECT cycles_paid FROM subscriptions") == 2
    assert balance(shop) == 10


def test_an_automatic_top_up_is_made_before_the_next_row_rule_11_2(shop: Shop, door: Door) -> None:
    """The last top-up was 50.00. At 10.00 the card is charged 50.00, each time before the next."""
    shop.open(credits_="0.00", card="sim_ok", auto_top_up=True)
    shop.do(TopUp(account="acme", amount=Decimal("50.00")))
    rows = [row("acme", number, "25.00") for number in range(8)]
    assert outcomes(door(rows)) == [CHARGED] * 8
    # 50 → 25 → 0, and 50 from the card before the rows 2, 4 and 6. The one after row 7 is to come.
    assert door.single == ["acme/2", "acme/4", "acme/6"]
    assert shop.rows("SELECT outcome, amount FROM card_charges") == [("charged", 50)] * 3
    assert balance(shop) == 0
    assert shop.rows("SELECT kind FROM steps WHERE subject_kind = 'account'") == [("auto_top_up",)]


def test_postpaid_rows_are_unbilled_up_to_the_credit_limit_rule_11_6(
    shop: Shop, door: Door
) -> None:
    shop.open(credits_="0.00", mode=Mode.POSTPAID, credit_limit=Decimal("1.00"))
    charged = door([row("acme", 1, "0.75000"), row("acme", 2, "0.25001"), row("acme", 3, "0.25")])
    assert outcomes(charged) == [CHARGED, REFUSED, CHARGED]
    assert shop.rows("SELECT balance, unbilled FROM accounts") == [(-1, 1)]


def test_a_credit_limit_counts_until_its_last_day_rule_11_1(shop: Shop, door: Door) -> None:
    shop.open(credits_="0.00")
    until = SetAccount(account="acme", credit_limit=Decimal("1.00"), credit_limit_until=DAY.date())
    shop.do(until)
    assert outcomes(door([row("acme", 1, "0.50")])) == [CHARGED]
    door.now = DAY + timedelta(days=1)
    assert outcomes(door([row("acme", 2, "0.50")])) == [REFUSED]


def test_an_account_that_another_transaction_has_is_charged_one_by_one(
    shop: Shop, door: Door
) -> None:
    shop.open()
    shop.open("beta")
    with shop.ledger.work(DAY, account="acme"):
        results = charge_usage(
            shop.ledger, DAY, {"acme": [row("acme", 1)], "beta": [row("beta", 1)]}
        )
    assert list(results) == ["beta"]
    assert outcomes(door([row("acme", 1), row("beta", 1)])) == [CHARGED, REPEATED]


def test_an_account_on_a_test_clock_is_charged_one_by_one(shop: Shop, door: Door) -> None:
    shop.open()
    shop.put_on_clock()
    shop.open("beta")
    assert outcomes(door([row("acme", 1), row("beta", 1), row("acme", 2)])) == [CHARGED] * 3
    assert door.single == ["acme/1", "acme/2"]


def test_a_row_whose_outcome_is_unknown_stops_its_own_account_only(shop: Shop) -> None:
    shop.open()
    shop.open("beta")
    shop.put_on_clock()
    shop.open("c")

    class Broken(Door):
        async def _one(self, command: Usage) -> CommandResult:
            if command.account == "acme":
                raise RuntimeError("the card gateway hangs")
            return await super()._one(command)

    charged = Broken(shop)([row("acme", 1), row("beta", 1), row("acme", 2), row("c", 1)])
    unknown = RowOutcome.UNKNOWN
    assert outcomes(charged) == [unknown, CHARGED, unknown, CHARGED]
    assert (charged[0].reason, charged[2].reason) == (
        "the card gateway hangs",
        "it comes after acme/1",
    )


def test_an_account_that_fails_in_bulk_does_not_stop_the_others(
    shop: Shop, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    import activities.usage_batch

    real = activities.usage_batch.usage

    def fails(work: Any, command: Usage) -> CommandResult:
        if command.account == "acme":
            raise RuntimeError("broken")
        return real(work, command)

    for id_ in ("acme", "beta", "c"):
        shop.open(id_)
    monkeypatch.setattr(activities.usage_batch, "usage", fails)
    charged = door([row("acme", 1), row("acme", 2), row("beta", 1), row("c", 1)])
    assert outcomes(charged) == [CHARGED] * 4
    assert door.single == ["acme/1", "acme/2"]


def test_the_same_batch_many_times_at_once_charges_every_row_once(
    shop: Shop, door: Door, at_once: Callable[[list[Callable[[], Any]]], list[Any]]
) -> None:
    """Rule 4.2: the same requests 8 times at once."""
    ids = [f"a{number}" for number in range(5)]
    for id_ in ids:
        shop.open(id_)
    rows = [row(id_, number, "1.00") for number in range(10) for id_ in ids]
    doors = [Door(shop) for _ in range(8)]
    results = at_once([lambda door=door: door(rows) for door in doors])
    assert [len(result) for result in results] == [50] * 8
    assert sum(outcomes(result).count(CHARGED) for result in results) == 50
    assert sum(outcomes(result).count(REPEATED) for result in results) == 350
    assert shop.rows("SELECT DISTINCT balance FROM accounts") == [(990,)]


@pytest.mark.parametrize("seed", range(12))
def test_a_batch_is_what_its_rows_are_one_by_one(shop: Shop, seed: int) -> None:
    """The same random rows, as a batch on some accounts and as commands on their twins."""
    chance, now = Random(seed), DAY + timedelta(days=24)
    shop.ledger.machine_now = lambda: now
    kinds: list[dict[str, Any]] = [
        {"credits_": "3.00"},
        {"credits_": "0.00", "mode": Mode.POSTPAID, "credit_limit": Decimal("3.00")},
        {"credits_": "60.00"},
        {"credits_": "0.00", "card": "sim_ok", "auto_top_up": True},
        {"credits_": "0.00", "card": "sim_declined", "auto_top_up": True},
    ]
    for number, settings in enumerate(kinds):
        for twin in "ab":
            shop.open(f"{twin}{number}", **settings)
            if "card" in settings:
                shop.do(TopUp(account=f"{twin}{number}", amount=Decimal("4.00")))
        if number == 2:
            shop.buy("sa", "a2")
            shop.buy("sb", "b2")
    amounts = ("0.00001", "0.50000", "1.20000", "2.00000")
    drawn = [
        (chance.randrange(len(kinds)), chance.randrange(25), chance.choice(amounts))
        for _ in range(60)
    ]
    by_batch = [row(f"a{kind}", number, amount) for kind, number, amount in drawn]
    one_by_one = [row(f"b{kind}", number, amount) for kind, number, amount in drawn]
    charged = Door(shop, now)(by_batch)
    results = [shop.do(command, now) for command in one_by_one]
    assert [(it.outcome is REPEATED, it.rule) for it in charged] == [
        (result.replayed, result.refusal and str(result.refusal.rule)) for result in results
    ]
    of = "SELECT substr({}, 2), {} FROM {} WHERE left({}, 1) = '{}' ORDER BY {}"
    for table, key, columns, order in (
        ("accounts", "id", "balance, unbilled, uninvoiced, version, last_top_up", "id"),
        ("history", "account", "event, amount, rule, facts->>'text'", "account, seq"),
        ("monthly_amounts", "account", "month, description, amount", "account, amount"),
        ("steps", "account", "kind, due, version", "account, kind"),
    ):
        rows = [shop.rows(of.format(key, columns, table, key, twin, order)) for twin in "ab"]
        assert rows[0] == rows[1], table
    assert shop.value("SELECT sum(amount) FROM postings") == 0


def test_a_batch_has_bounds_and_every_row_a_request_id(door: Door) -> None:
    for rows in ([], [row("acme", number) for number in range(MOST_ROWS + 1)]):
        with pytest.raises(Faults, match="a batch has 1 to 1000 rows"):
            door(rows)
    nameless = replace(row("acme", 1), request_id=None)
    with pytest.raises(Faults, match="row 2: has no request id"):
        door([row("acme", 1), nameless])


def test_the_month_of_a_row_is_that_of_its_account_rule_11_4(shop: Shop, door: Door) -> None:
    """2021-03-31T15:00Z is April in Tokyo and March in UTC."""
    shop.open("acme", timezone="Asia/Tokyo")
    shop.open("beta")
    door.now = datetime(2021, 3, 31, 15, tzinfo=UTC)
    door([row("acme", 1), row("beta", 1)])
    assert shop.rows("SELECT account, month::text FROM monthly_amounts ORDER BY account") == [
        ("acme", "2021-04-01"),
        ("beta", "2021-03-01"),
    ]


def test_many_accounts_take_few_statements(shop: Shop, door: Door) -> None:
    """One transaction locks 500 accounts in the order of their ids, and charges all their rows."""
    ids = [f"a{number:04}" for number in range(120)]
    for id_ in ids:
        shop.open(id_)
    asked: list[str] = []
    engine_event.listen(
        shop.ledger.engine, "before_cursor_execute", lambda *given: asked.append(given[2])
    )
    charged = door([row(id_, 1) for id_ in reversed(ids)])
    assert outcomes(charged) == [CHARGED] * len(ids)
    assert (len(asked) <= 8, door.single) == (True, []), asked
