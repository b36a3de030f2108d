"""The transactions and statements of an account, in pages (Rule 11.7)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise
from typing import Any

import pytest

from core.domain import policy
from core.domain.commands.adjust import Adjust
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.pay_invoice import PayInvoice
from core.domain.commands.purchase import Pay
from core.domain.commands.recover import Recover
from core.domain.commands.set_account import SetAccount
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.transfer import Transfer
from core.domain.commands.usage import Usage
from core.domain.events import Event
from core.domain.subscription import Mode
from core.domain.transactions import TransactionKind
from core.ledger import stored_terms
from doors.queries import transactions as queries
from doors.queries.snapshot import NotFound
from doors.queries.statements import Statement, movements, statement
from doors.queries.transactions import TransactionLine, Wanted, transactions
from tests.ledger.conftest import DAY, Shop

KIND = TransactionKind


def read(shop: Shop, account: str = "acme", **wanted: Any) -> list[TransactionLine]:
    """The transactions, oldest first. Newest first they are the same."""
    of = Wanted(account=account, **wanted)
    found = list(transactions(shop.ledger, of, newest_first=False))
    assert list(transactions(shop.ledger, of)) == found[::-1]
    return found


def told(lines: list[TransactionLine]) -> list[tuple[str, Decimal, Decimal]]:
    return [(line.kind.value, line.amount, line.balance) for line in lines]


def holds(shop: Shop, of: Statement) -> None:
    """Opening balance and movements make the closing balance."""
    moved = sum((line.amount for line in movements(shop.ledger, of)), Decimal(0))
    assert of.opening.balance + moved == of.closing.balance


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """An account with a transaction of many kinds, a day apart from each other."""
    terms = policy.load({"refund_admin_fee": {"USD": "5.00"}})
    with shop.ledger.engine.begin() as connection:
        stored_terms.add_policy(connection, "main", terms)
    shop.open()
    shop.open("other", "0")
    commands = [
        Usage(account="acme", amount=Decimal("0.12345"), text="calls"),
        Transfer(account="acme", to="other", amount=Decimal(20)),
        Adjust(account="acme", amount=Decimal(-3), reason="=cmd()"),
        TopUp(account="acme", amount=Decimal(40)),
        Recover(subscription="s1", invoice_number="EXT-7"),
        Terminate(subscription="s1", reason="moved"),
    ]
    shop.buy()
    for day, command in enumerate(commands, start=1):
        result = shop.do(command, now=DAY + timedelta(days=day))
        assert result.refusal is None or isinstance(command, Recover)
    return shop


def test_every_movement_is_a_transaction_with_the_balance_after_it_by_rule_11_7(
    busy: Shop,
) -> None:
    """50.00 back for the period, less 5.00."""
    assert told(read(busy)) == [
        ("opening", Decimal(1000), Decimal(1000)),
        ("activation", Decimal(-50), Decimal(950)),
        ("usage", Decimal("-0.12345"), Decimal("949.87655")),
        ("transfer", Decimal(-20), Decimal("929.87655")),
        ("adjustment", Decimal(-3), Decimal("926.87655")),
        ("top-up", Decimal(40), Decimal("966.87655")),
        ("refund", Decimal(45), Decimal("1011.87655")),
    ]
    assert told(read(busy, "other")) == [("transfer", Decimal(20), Decimal(20))]
    assert read(busy)[-1].admin_fee == 5
    assert {line.currency for line in read(busy)} == {"USD"}


@pytest.mark.parametrize("kind", TransactionKind)
def test_a_kind_is_a_part_of_all_by_rule_11_7(busy: Shop, kind: TransactionKind) -> None:
    assert read(busy, kind=kind) == [line for line in read(busy) if line.kind is kind]


def test_a_subscription_has_its_own_transactions_by_rule_11_7(busy: Shop) -> None:
    mine = read(busy, subscription="s1")
    assert [line.kind for line in mine] == [KIND.ACTIVATION, KIND.REFUND]
    assert read(busy, subscription="s1", kind=KIND.REFUND) == mine[1:]
    with pytest.raises(NotFound):
        read(busy, subscription="s9")
    with pytest.raises(NotFound):
        read(busy, "nowhere")


def test_days_are_local_dates_of_the_account_and_inclusive_by_rules_1_1_and_11_7(
    busy: Shop,
) -> None:
    assert [line.kind for line in read(busy, first_day=date(2021, 3, 2))] == [
        *(KIND.USAGE, KIND.TRANSFER, KIND.ADJUSTMENT, KIND.TOP_UP, KIND.REFUND)
    ]
    day = date(2021, 3, 4)
    assert [line.kind for line in read(busy, first_day=day, last_day=day)] == [KIND.ADJUSTMENT]
    assert read(busy, last_day=date(2021, 2, 28)) == []
    assert len(read(busy, last_day=date(2021, 3, 1))) == 2


def test_a_day_begins_at_its_first_instant_in_the_zone_by_rule_1_4(shop: Shop) -> None:
    """In Havana 2024-03-10 begins at 05:00Z, an hour after what would be midnight."""
    shop.open("havana", "0", timezone="America/Havana")
    for hour, minute in ((4, 59), (5, 0)):
        at = datetime(2024, 3, 10, hour, minute, tzinfo=UTC)
        shop.do(TopUp(account="havana", amount=Decimal(hour)), now=at)
    day = date(2024, 3, 10)
    assert [line.amount for line in read(shop, "havana", first_day=day)] == [5]
    assert statement(shop.ledger, "havana", day, day).opening.balance == 4


@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("looked_at", [1, 2, 5, 2000])
def test_pages_of_any_size_hold_each_transaction_once(
    busy: Shop, monkeypatch: pytest.MonkeyPatch, page: int, looked_at: int
) -> None:
    everything = read(busy)
    refunds = read(busy, subscription="s1")
    monkeypatch.setattr(queries, "_PAGE", page)
    monkeypatch.setattr(queries, "_LOOKED_AT", looked_at)
    assert read(busy) == everything
    assert read(busy, subscription="s1") == refunds
    assert read(busy, kind=KIND.RENEWAL) == []
    assert read(busy, kind=KIND.ACTIVATION) == everything[1:2]
    for newest_first in (False, True):
        found: list[TransactionLine] = []
        after: int | None = None
        while rows := list(
            islice(
                transactions(
                    busy.ledger, Wanted(account="acme"), after=after, newest_first=newest_first
                ),
                page,
            )
        ):
            found += rows
            after = rows[-1].position
        assert found == (everything[::-1] if newest_first else everything)


def test_a_page_is_the_same_whatever_is_written_after_the_first_one(busy: Shop) -> None:
    everything = read(busy)
    rows = transactions(busy.ledger, Wanted(account="acme"))
    first = [next(rows)]
    busy.do(TopUp(account="acme", amount=Decimal(7)), now=DAY + timedelta(days=9))
    assert first + list(rows) == everything[::-1]
    again = transactions(busy.ledger, Wanted(account="acme"), after=everything[3].position)
    assert list(again) == everything[:3][::-1]


def test_statements_of_neighbouring_days_fit_together(busy: Shop) -> None:
    days = [date(2021, 2, 27) + timedelta(days=n) for n in range(14)]
    statements = [statement(busy.ledger, "acme", day, day) for day in days]
    for before, after in pairwise(statements):
        assert before.closing == after.opening
    lines = [line for one in statements for line in movements(busy.ledger, one)]
    assert lines == read(busy)
    whole = statement(busy.ledger, "acme", days[0], days[-1])
    assert list(movements(busy.ledger, whole)) == lines
    assert (whole.opening.balance, whole.closing.balance) == (0, Decimal("1011.87655"))
    for one in (*statements, whole):
        holds(busy, one)
    past = movements(busy.ledger, whole, after=lines[2].position)
    assert list(past) == lines[3:]


def test_what_is_written_after_a_statement_was_asked_for_is_not_in_it(busy: Shop) -> None:
    """Its last day is not over yet."""
    made = statement(busy.ledger, "acme", date(2021, 3, 1), date(2999, 12, 31))
    assert not made.complete
    busy.do(TopUp(account="acme", amount=Decimal(7)), now=DAY + timedelta(days=9))
    holds(busy, made)


def test_a_postpaid_account_shows_what_is_unbilled_and_owed_by_rule_11_6(shop: Shop) -> None:
    """A debt of 50 becomes unbilled; 30 of usage; the invoice moves 80 to what is owed."""
    shop.open("post", "0", credit_limit=Decimal(100))
    shop.buy(account="post")
    shop.do(SetAccount(account="post", mode=Mode.POSTPAID), now=DAY + timedelta(days=1))
    shop.do(Usage(account="post", amount=Decimal(30), text="calls"), now=DAY + timedelta(days=2))
    shop.do(PayInvoice(account="post", amount=Decimal(60)), now=DAY + timedelta(days=3))
    lines = read(shop, "post")
    assert lines[1].event is Event.BROUGHT_FORWARD
    assert [
        (line.kind, line.balance, line.unbilled, line.receivable, line.overpayment)
        for line in lines
    ] == [
        (KIND.ACTIVATION, -50, None, None, None),
        (KIND.INVOICE, -50, 50, 0, 0),
        (KIND.USAGE, -80, 80, 0, 0),
        (KIND.PAYMENT, -20, 80, 0, 60),
    ]
    made = statement(shop.ledger, "post", date(2021, 3, 2), date(2021, 3, 3))
    assert (made.opening.unbilled, made.closing.unbilled) == (None, 80)
    holds(shop, made)


def test_a_transfer_out_of_a_postpaid_account_is_unbilled_in_its_own_line_by_rule_11_6(
    shop: Shop,
) -> None:
    shop.open("post", "0", credit_limit=Decimal(100), mode=Mode.POSTPAID)
    shop.open("other", "0")
    shop.do(Transfer(account="post", to="other", amount=Decimal(10)))
    [line] = read(shop, "post")
    assert (line.amount, line.balance, line.unbilled) == (-10, -10, 10)


def test_an_external_invoice_is_listed_with_its_number_by_rule_11_4(shop: Shop) -> None:
    shop.open()
    shop.buy(pay=Pay.EXTERNAL_INVOICE, invoice_number="EXT-7")
    assert [(line.amount, line.external_invoice) for line in read(shop)][1:] == [(0, "EXT-7")]


def test_a_closed_account_keeps_its_statement_by_rule_11_8(shop: Shop) -> None:
    shop.open()
    shop.do(Adjust(account="acme", amount=Decimal(-1000), reason="paid out"))
    assert shop.do(CloseAccount(account="acme")).refusal is None
    made = statement(shop.ledger, "acme", date(2021, 3, 1), date(2021, 3, 1))
    assert (made.opening.balance, made.closing.balance) == (0, 0)
    assert len(list(movements(shop.ledger, made))) == 2
    holds(shop, made)


def test_a_statement_of_another_seller_is_not_to_be_had(busy: Shop) -> None:
    busy.ledger.seller = "another"
    with pytest.raises(NotFound):
        statement(busy.ledger, "acme", date(2021, 3, 1), date(2021, 3, 1))
