"""The personal data of an account is erased, and its books stay (docs/decisions/0038).

A person's data is put into every column that can hold it. After the erasing no byte of it is found
in any table, but what the law keeps, and that is gone when its years are over.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.exc import DBAPIError

from activities.documents import invoice_document, receipt_document
from activities.number_invoices import number_invoices
from activities.registry import Activities
from core.domain.commands import AnyCommand
from core.domain.commands.adjust import Adjust
from core.domain.commands.assign import Assign
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.erase_account import EraseAccount, EraseAccountResult
from core.domain.commands.purchase import Purchase
from core.domain.commands.reopen_account import ReopenAccount
from core.domain.commands.reserve_number import ReserveNumber
from core.domain.commands.set_billing import SetBilling
from core.domain.commands.set_card import SetCard
from core.domain.commands.share import Share
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.unreserve_number import UnreserveNumber
from core.domain.commands.usage import Usage
from core.domain.documents import Format
from core.domain.refusal import Refused
from core.domain.roles import Role
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import api_requests, approvals, audit, erasures, personal_data
from core.ledger.api_requests import Asked
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.stored_terms import add_catalog
from core.ledger.tables import Base
from doors.application.direct_engine import Direct
from doors.queries import personal_data as export
from doors.queries.snapshot import NotFound
from tests.ledger.conftest import DAY, LONG_AGO, Shop
from tests.shared_database import of_workers

TABLES = {table.name: table for table in Base.metadata.sorted_tables}
TEXTS = (Text, JSONB, ARRAY, LargeBinary)

LATER = datetime(2021, 4, 2, tzinfo=UTC)
"""After the month in which everything happens."""
OWNER = "Zebulon Quux"
MAIL = "zebulon@quux.example"
MEMBER, USER = "member@quux.example", "user@quux.example"
PROFILE = {"name": "Quux Traders", "street": "Quuxweg 7", "tax_number": "QX-4711"}
CARD = "tok_quux_4242"
NUMBER = "+658812347"
NOTE = "Zebulon called"
PERSON = (OWNER, MAIL, MEMBER, USER, *PROFILE.values(), CARD, NUMBER, NOTE, "quux", "zebulon")

BY_LAW = ("customer_profiles", "documents", "invoices", "monthly_amounts")
"""What the law keeps for some years."""
OF_SELLER = ("numbers", "number_history")
"""The inventory of the seller. It has the number, but not who had it."""
BOOKS = ("postings", "operations", "periods", "period_charges", "refunds", "invoices", "history")


@pytest.fixture
def owner(database: str, shop: Shop) -> Iterator[Shop]:
    """What the owner of the tables sees and does."""
    ledger = Ledger(connect(database), every_seller=True)
    yield replace(shop, ledger=ledger)
    ledger.engine.dispose()


@pytest.fixture
def shop(shop: Shop, database: str) -> Iterator[Shop]:
    """A shop that acts by the role of the workers."""
    with shop.ledger.engine.begin() as connection:
        add_catalog(
            connection,
            "main",
            [{"sku": "DID", "kind": "number", "months": 1, "prices": {"USD": "1.00"}}],
        )
    shop.run(
        "INSERT INTO numbers (seller, number, sku, state, hold, since, version) "
        f"VALUES ('main', '{NUMBER}', 'DID', 'free', 'normal', '2021-01-01', 1); "
        "INSERT INTO endpoints (seller, name, kind, url, salt, key, added_at, added_by) "
        "VALUES ('main', 'hook', 'webhook', 'https://x.example', 'x', 'y', now(), 'main')"
    )
    ledger = Ledger(connect(of_workers(database)), "main", lambda: LONG_AGO)
    yield replace(
        shop, ledger=ledger, engine=Direct(Activities(ledger, SimulatedCards(ledger.engine)))
    )
    ledger.engine.dispose()


def fill(shop: Shop, account: str = "acme") -> None:
    """An account with a person's data everywhere, closed, its invoices numbered."""
    shop.open(account, "0", owner=OWNER, billing_email=MAIL)
    asked = {"account": account, "owner": OWNER, "billing_email": MAIL}
    api_requests.once(
        shop.ledger,
        Asked(request_id=f"{account}-open", do="open_account", values=asked, actor="key"),
        lambda _: {"account": account},
    )

    def do(command: AnyCommand) -> None:
        result = shop.do(replace(command, actor=OWNER, request_id=f"{account}-{command.do}"))
        assert result.refusal is None, result.refusal

    one = f"{account}-s1"
    do(TopUp(account=account, amount=Decimal(100)))
    do(SetBilling(account=account, **PROFILE))
    do(SetCard(account=account, card=CARD))
    do(Purchase(subscription=one, account=account, sku="PRO"))
    do(Assign(subscription=one, assignee=USER))
    do(Share(subscription=one, member=MEMBER))
    do(ReserveNumber(account=account, number=NUMBER, remark=NOTE))
    do(UnreserveNumber(account=account, number=NUMBER))
    do(Usage(account=account, amount=Decimal(1), text=NOTE))
    refused = shop.do(Share(subscription=one, member=MEMBER, actor=OWNER))
    assert refused.refusal is not None
    asked_for = {"account": account, "amount": "-1", "reason": NOTE}
    new = approvals.NewApproval(
        do="adjust",
        values=asked_for,
        request_id=f"{account}-approval",
        fingerprint="f",
        who="ann",
        actor="Ann",
        role=Role.SUPPORT,
        amount=Decimal(1),
        currency="USD",
        why=NOTE,
    )
    approvals.ask(shop.ledger, new, DAY)
    do(Terminate(subscription=one, reason=NOTE))
    balance = shop.value(f"SELECT balance FROM accounts WHERE id = '{account}'")
    do(Adjust(account=account, amount=-balance, reason=NOTE))
    assert number_invoices(shop.ledger) >= 2
    first = shop.value(f"SELECT min(number) FROM invoices WHERE account = '{account}'")
    invoice_document(shop.ledger, first, Format.HTML)
    top_up = shop.value(
        f"SELECT id FROM operations WHERE account = '{account}' AND purpose = 'top_up'"
    )
    receipt_document(shop.ledger, top_up, Format.HTML)
    shop.run(
        "INSERT INTO card_charges (key, account, card, amount, currency, asked_at) "
        f"VALUES ('{account}-charge', '{account}', '{CARD}', 1, 'USD', now()); "
        "UPDATE card_charges SET outcome = 'declined', booked = true; "
        f"UPDATE deliveries SET error = 'no mailbox {MAIL}' WHERE account = '{account}'"
    )


def close(shop: Shop, account: str = "acme") -> None:
    """Close the account after its monthly invoice."""
    closed = shop.do(CloseAccount(account=account), LATER)
    assert closed.refusal is None, closed.refusal
    number_invoices(shop.ledger)


def erase(shop: Shop, account: str = "acme") -> EraseAccountResult:
    """Close the account, mark it, and erase all its pages."""
    close(shop, account)
    done = shop.do(EraseAccount(account=account, actor="Ann"), LATER)
    assert done.refusal is None, done.refusal
    pages(shop.ledger, account)
    assert isinstance(done.result, EraseAccountResult)
    return done.result


def pages(ledger: Ledger, account: str) -> None:
    for erasing in erasures.unfinished(ledger, account):
        for part in erasures.PARTS:
            page = erasures.erase_page(ledger, erasing, part, None)
            while page.last is not None:
                page = erasures.erase_page(ledger, erasing, part, page.last)
        erasures.end(ledger, erasing)


def found(owner: Shop) -> dict[str, list[str]]:
    """For each table, what of the person's data its rows hold, in whatever case."""
    held = {}
    for name, table in TABLES.items():
        binary = [c.name for c in table.columns if isinstance(c.type, LargeBinary)]
        text = " || ".join(["t::text", *(f"coalesce(encode({c}, 'escape'), '')" for c in binary)])
        rows = " ".join(str(row[0]) for row in owner.rows(f"SELECT {text} FROM {name} AS t"))
        there = [word for word in PERSON if word.lower() in rows.lower()]
        if there:
            held[name] = there
    return held


def sums(shop: Shop) -> Any:
    return shop.rows(
        "SELECT book, account, currency, sum(amount), count(*) FROM postings GROUP BY 1, 2, 3 "
        "ORDER BY 1, 2, 3"
    ), shop.rows("SELECT id, number, date, total, kind FROM invoices ORDER BY id")


def test_every_text_column_is_covered_or_free() -> None:
    for name, table in TABLES.items():
        texts = {column.name for column in table.columns if isinstance(column.type, TEXTS)}
        said = [
            column
            for declared in (
                personal_data.COVERED,
                personal_data.DELETED,
                personal_data.OF_STAFF,
                personal_data.FREE,
            )
            for column in declared.get(name, ())
        ]
        assert sorted(said) == sorted(texts), f"see core/ledger/personal_data.py: {name}"


def test_the_guard_erases_the_columns_that_are_covered(shop: Shop) -> None:
    guard = {name: tuple(columns) for name, columns in shop.rows("SELECT * FROM erasable()")}
    assert guard == personal_data.COVERED


@pytest.mark.parametrize("name", personal_data.COVERED)
def test_an_erased_row_differs_in_the_covered_columns_only(shop: Shop, name: str) -> None:
    table = TABLES[name]
    full = {
        column.name: [{"x": "quux"}]
        if column.name == "lines"
        else {"x": "quux"}
        if isinstance(column.type, JSONB)
        else "quux"
        for column in table.columns
    }
    with shop.ledger.read() as connection:
        row = connection.exec_driver_sql(
            "SELECT erased_row(%s, %s::jsonb)", (name, json.dumps(full))
        ).scalar_one()
    changed = {column for column, value in row.items() if full[column] != value}
    assert changed == set(personal_data.COVERED[name])
    assert "quux" not in json.dumps([row[column] for column in changed])


def test_after_the_erasing_no_byte_of_the_person_is_left_but_what_the_law_keeps(
    shop: Shop, owner: Shop
) -> None:
    fill(shop)
    before = found(owner)
    assert set(before) >= set(personal_data.COVERED) - {"api_requests", "invoices"}
    close(shop)
    books = sums(owner)
    done = shop.do(EraseAccount(account="acme"), LATER)
    assert isinstance(result := done.result, EraseAccountResult), done.refusal
    pages(shop.ledger, "acme")
    assert result.kept_invoices == owner.value("SELECT count(*) FROM invoices")
    assert str(result.kept_until) == "2031-12-31"
    after = found(owner)
    assert {"customer_profiles", "documents", *OF_SELLER} <= set(after)
    assert set(after) <= {*BY_LAW, *OF_SELLER}
    assert {word for name in OF_SELLER for word in after[name]} == {NUMBER}
    assert owner.value("SELECT count(*) FROM number_history WHERE account IS NOT NULL") == 0
    assert sums(owner) == books
    with shop.ledger.read() as connection:
        assert audit.verify(connection, "main").findings == ()
    # The years of the invoices are over.
    later = replace(shop.ledger, machine_now=lambda: datetime(2032, 1, 1, tzinfo=UTC))
    assert erasures.unfinished(replace(later, machine_now=lambda: DAY), "acme") == []
    pages(later, "acme")
    assert set(found(owner)) == set(OF_SELLER)
    assert sums(owner) == books
    assert erasures.unfinished(later) == []


@pytest.mark.parametrize("page", [1, 200])
def test_the_export_has_everything_with_pages_of_any_size(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(export, "_PAGE", page)
    fill(shop, "other")
    fill(shop)
    text = "".join(export.personal_data(shop.ledger, "acme"))
    document = json.loads(text)
    assert set(document) >= {*personal_data.COVERED, "documents", "receipts", "refusals", "audit"}
    for word in (OWNER, MAIL, MEMBER, USER, *PROFILE.values(), NUMBER, NOTE):
        assert word in text
    assert CARD not in text
    assert document["accounts"][0]["card"] == "…4242"
    assert len(document["history"]) == shop.value(
        "SELECT count(*) FROM history WHERE account = 'acme'"
    )
    assert "other-s1" not in text
    assert document["deliveries"][0]["payload"]["data"]["account"] == "acme"
    assert len(document["documents"]) == len(document["receipts"]) == 1
    assert b"Quux Traders" in base64.b64decode(document["documents"][0]["content"])
    assert [row["do"] for row in document["api_requests"]] == ["open_account"]
    with pytest.raises(NotFound, match="there is no account nobody"):
        export.personal_data(shop.ledger, "nobody")
    erase(shop)
    after = json.loads("".join(export.personal_data(shop.ledger, "acme")))
    assert after["accounts"][0]["erased_on"] == "2021-04-02"
    assert after.pop("customer_profiles")
    for word in (OWNER, MAIL, MEMBER, USER, NUMBER):
        assert word not in json.dumps(after)


def test_another_account_keeps_what_it_has(shop: Shop) -> None:
    """Requests with the same texts, of another account and of another seller, are not touched."""
    fill(shop)
    fill(shop, "other")
    count = (
        "SELECT count(*) FROM history WHERE account = 'other' AND strpos(facts::text, 'quux') > 0"
    )
    before = shop.value(count)
    assert before > 0
    erase(shop)
    assert shop.value(count) == before
    assert shop.rows("SELECT owner, erased_on FROM accounts WHERE id = 'other'") == [(OWNER, None)]


def test_rule_11_8_an_account_that_has_something_left_is_not_erased(
    shop: Shop, owner: Shop
) -> None:
    shop.open(credits_="50.00")

    def refused(words: str) -> None:
        refusal = shop.do(EraseAccount(account="acme")).refusal
        assert refusal is not None
        assert words in refusal.reason
        assert shop.value("SELECT count(*) FROM erasures") == 0

    refused("account acme is open; close it first")
    shop.buy()
    refused("account acme is open; close it first")
    owner.force("UPDATE accounts SET closed_on = '2021-03-01'")
    refused("s1 of account acme is ACTIVE; erase the account when it is TERMINATED")
    owner.force("UPDATE subscriptions SET status = 'TERMINATED'")
    refused("an invoice of account acme has no number yet; try again in a minute")
    number_invoices(shop.ledger)
    owner.force("UPDATE accounts SET balance = 5")
    refused("account acme has a balance of 5.00 USD; settle it first")
    owner.force("UPDATE accounts SET balance = 0")
    assert shop.do(EraseAccount(account="acme")).refusal is None


def test_rule_11_8_an_erased_account_takes_no_command(shop: Shop) -> None:
    fill(shop)
    erase(shop)
    for command in (
        ReopenAccount(account="acme"),
        TopUp(account="acme", amount=Decimal(1)),
        SetBilling(account="acme", name="Zebulon"),
        EraseAccount(account="acme"),
        Share(subscription="acme-s1", member=MEMBER),
    ):
        refusal = shop.do(command).refusal
        assert refusal is not None
        assert "the personal data of account acme was erased on 2021-04-02" in refusal.reason
    again = shop.do(Share(subscription="acme-s1", member=MEMBER, request_id="acme-share"))
    assert again.refusal is not None
    assert "request id acme-share was used for an account that was erased" in again.refusal.reason


def test_rule_4_2_the_same_request_gets_the_first_receipt(shop: Shop) -> None:
    fill(shop)
    close(shop)
    first = shop.do(EraseAccount(account="acme", request_id="gdpr-1"), LATER)
    pages(shop.ledger, "acme")
    again = shop.do(EraseAccount(account="acme", request_id="gdpr-1"), LATER)
    assert again.replayed
    assert again.result == first.result


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT erase_page('acme', 'history', NULL, 10, '2021-01-01')",
        "UPDATE history SET facts = '{}'",
        "UPDATE operations SET result = '{}'",
        "DELETE FROM documents",
        "UPDATE card_charges SET card = 'erased'",
    ],
)
def test_nothing_but_an_erasing_changes_these_rows(shop: Shop, statement: str) -> None:
    """The role of the workers cannot, and its function refuses an account that is not marked."""
    fill(shop)
    with pytest.raises(DBAPIError, match=r"permission denied|is not marked as erased"):
        shop.run(statement)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE history SET amount = 7",
        "UPDATE history SET facts = '{}'",
        "UPDATE history SET actor = 'Zed'",
        "UPDATE operations SET purpose = 'transfer'",
        "UPDATE customer_profiles SET document = '{}'",
        "UPDATE invoices SET lines = '[]'",
        "UPDATE invoices SET total = 1",
        "UPDATE card_charges SET amount = 5",
        "UPDATE postings SET amount = 0",
        "DELETE FROM history",
        "DELETE FROM operations",
    ],
)
def test_even_an_erasing_makes_a_row_its_erased_self_and_nothing_else(
    shop: Shop, owner: Shop, change: str
) -> None:
    """The owner of the tables says that the account is being erased, and lies."""
    fill(shop)
    with shop.ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE accounts SET erased_on = '2021-03-01'")
    lie = "SELECT set_config('perennial.erase', pg_current_xact_id()::text || ' acme', true)"
    with pytest.raises(DBAPIError, match=r"never change|never changed or deleted"):
        owner.run(f"{lie}; {change}")


def test_the_digest_in_the_audit_tells_nothing_without_its_salt(shop: Shop) -> None:
    fill(shop)
    digest = "SELECT after ->> 'digest' FROM audit WHERE act = 'open_account'"
    salted = "SELECT fingerprint FROM api_requests"
    assert shop.value(salted).partition(":")[2] == shop.value(digest)
    erase(shop)
    assert shop.value(salted) == personal_data.ERASED
    asked = Asked(request_id="acme-open", do="open_account", values={}, actor="key")
    with pytest.raises(Refused, match="was used for something else"):
        api_requests.once(shop.ledger, asked, lambda _: {})
