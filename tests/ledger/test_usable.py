"""Usable is the same in SQL and in Python (Rule 11.1)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.exc import DBAPIError

from core.domain.calendar import first_instant, local_date
from core.domain.commands.set_account import SetAccount
from core.domain.commands.usage import Usage
from core.domain.rules import Rule
from core.domain.subscription import Mode
from core.ledger.rows import account_from
from core.ledger.tables import AccountRow
from core.protocol.activity_messages import CommandResult
from tests.ledger.conftest import Shop

ZONES = ("UTC", "America/Havana", "Asia/Singapore", "Pacific/Apia", "America/St_Johns")
USABLE = text("SELECT usable(a, :at) FROM accounts a WHERE id = :id")


def test_usable_in_sql_is_usable_in_python_for_made_up_accounts(shop: Shop) -> None:
    made = Random(11)

    def amount() -> Decimal:
        return Decimal(made.randrange(0, 10**7)).scaleb(-5)

    for number in range(60):
        zone = made.choice(ZONES)
        until = made.choice([None, date(2021, 3, 10) + timedelta(days=made.randrange(5))])
        ends = until and first_instant(until + timedelta(days=1), zone)
        with shop.ledger.engine.begin() as connection:
            connection.execute(
                insert(AccountRow).values(
                    id=f"a{number}",
                    seller="main",
                    currency="USD",
                    timezone=zone,
                    mode=made.choice(list(Mode)),
                    reserved=amount(),
                    liability=amount(),
                    credit_limit=amount(),
                    credit_limit_until=until,
                    credit_limit_ends=ends,
                )
            )
        balance, unbilled = amount() - amount(), amount()
        shop.force(
            f"UPDATE accounts SET balance = {balance}, unbilled = CASE mode "
            f"WHEN '{Mode.POSTPAID}' THEN {unbilled} ELSE 0 END WHERE id = 'a{number}'"
        )
        moment = datetime(2021, 3, 9, tzinfo=UTC) + timedelta(minutes=made.randrange(8 * 24 * 60))
        for at in filter(None, (moment, ends, ends and ends - timedelta(microseconds=1))):
            in_sql, in_python = both(shop, f"a{number}", at)
            assert in_sql == in_python, (zone, until, at)


def both(shop: Shop, id_: str, at: datetime) -> tuple[Decimal, Decimal]:
    with shop.ledger.engine.connect() as connection:
        in_sql = connection.execute(USABLE, {"at": at, "id": id_}).scalar_one()
        query = select(AccountRow.__table__).where(AccountRow.id == bindparam("id"))
        row = connection.execute(query, {"id": id_}).one()
    return in_sql, account_from(row).usable(local_date(at, row.timezone))


def test_the_list_of_accounts_shows_usable_by_the_account_s_clock(shop: Shop) -> None:
    shop.open(credits_="50.00", credit_limit=Decimal("20.00"))
    assert shop.value("SELECT usable FROM account_list") == 70


def test_what_is_unbilled_is_the_sum_of_the_amounts_that_wait(shop: Shop) -> None:
    """Only the guard changes it, and never beyond usable (Rule 11.6)."""
    shop.open(credits_="0", credit_limit=Decimal("20.00"), mode=Mode.POSTPAID)
    for amount in ("12.50", "7.5"):
        used = Usage(account="acme", amount=Decimal(amount), text="calls")
        assert shop.do(used).refusal is None
    waiting = "SELECT sum(amount) FROM monthly_amounts WHERE consolidated AND invoice IS NULL"
    assert shop.value("SELECT unbilled FROM accounts") == shop.value(waiting) == 20
    with pytest.raises(DBAPIError, match="by monthly amounts alone"):
        shop.run("UPDATE accounts SET unbilled = 0")
    shop.force("UPDATE accounts SET balance = -30")  # so that nothing is overpaid
    with pytest.raises(DBAPIError, match=r"beyond usable \(rule 11.6\)"):
        shop.run(
            "INSERT INTO monthly_amounts SELECT operation, 2, account, month, true, 'x', 0.01, "
            "NULL FROM monthly_amounts LIMIT 1"
        )


def test_rule_11_6_a_switch_to_postpaid_needs_a_credit_limit_that_has_not_ended(shop: Shop) -> None:
    """In Singapore the last day, 2021-03-01, ends at 16:00Z."""
    shop.open(credits_="0.00", timezone="Asia/Singapore")
    limit = {"credit_limit": Decimal("20.00"), "credit_limit_until": date(2021, 3, 1)}
    ends = datetime(2021, 3, 1, 16, tzinfo=UTC)
    switch = SetAccount(account="acme", mode=Mode.POSTPAID)
    with_limit = SetAccount(account="acme", mode=Mode.POSTPAID, **limit)
    assert refused(shop.do(switch, ends)) == Rule.POSTPAID  # It has none.
    assert refused(shop.do(SetAccount(account="acme", **limit), ends - timedelta(hours=1))) is None
    assert refused(shop.do(switch, ends)) == Rule.POSTPAID
    assert refused(shop.do(with_limit, ends)) == Rule.POSTPAID
    assert refused(shop.do(switch, ends - timedelta(seconds=1))) is None


def refused(result: CommandResult) -> Rule | None:
    return result.refusal and result.refusal.rule
