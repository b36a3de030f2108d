"""Rows in bulk: their order, and what names may hold."""

from decimal import Decimal

import pytest

from core.domain.commands.set_account import SetAccount
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.faults import Faults
from core.ledger.bulk_write import insert_all
from core.ledger.tables import Clock, History
from tests.ledger.conftest import DAY

NAMES = [
    "Robert'); DROP TABLE accounts; --",
    'a "quoted" name',
    "back\\slash",
    "per%cent %s %(id)s :id",
    "ключ 鍵 🔑",
    "line\nbreak",
    "{brace} $1",
    "null",
    "",
]


def test_rows_keep_their_order(shop):
    same = {
        "at": DAY,
        "account": "acme",
        "subscription": None,
        "amount": None,
        "rule": "12",
        "actor": "test",
        "operation": None,
    }
    rows = [same | {"event": "renewed", "facts": {"n": n}} for n in range(5000)]
    with shop.ledger.engine.begin() as connection:
        insert_all(connection, History, rows)
    assert shop.rows("SELECT (facts->>'n')::int FROM history ORDER BY seq") == [
        (n,) for n in range(5000)
    ]


#: Commands refuse these: an id is text on one line and not empty.
NO_IDS = ("line\nbreak", "")
IDS = [name for name in NAMES if name not in NO_IDS]


@pytest.mark.parametrize("name", IDS)
def test_a_name_is_data_wherever_it_goes(shop, name):
    shop.open(name, owner=name)
    assert shop.buy(name, name, request_id=name).refusal is None
    assert shop.buy(name, name, request_id=name).replayed
    assert shop.buy(name, name).refusal.rule == "4.1"
    assert shop.do(SetAccount(account=name, renew_by_card=True, actor=name)).refusal is None
    assert shop.do(Terminate(subscription=name, reason=name, actor=name)).refusal is None
    assert shop.rows("SELECT id, owner, balance FROM accounts") == [(name, name, 1000)]
    assert shop.rows("SELECT id, status FROM subscriptions") == [(name, "TERMINATED")]
    assert shop.value("SELECT facts->>'reason' FROM history WHERE event = 'terminated'") == name


def test_a_table_s_columns_may_be_few(shop):
    with shop.ledger.engine.begin() as connection:
        insert_all(connection, Clock, [{"now": DAY, "id": name} for name in NAMES])
    assert sorted(row[0] for row in shop.rows("SELECT id FROM clocks")) == sorted(NAMES)


def test_an_unknown_account_with_any_name_is_refused(shop):
    for name in NO_IDS:
        with pytest.raises(Faults, match="account: "):
            TopUp(account=name, amount=Decimal(1))
    for name in IDS:
        assert shop.do(TopUp(account=name, amount=Decimal(1))).refusal.rule == "4.1"
