"""Documents of the ledger: what they show is fixed with the number, and a file is made once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from activities import documents
from activities.documents import invoice_document, receipt_document
from activities.number_invoices import number_invoices
from core.documents.render import render
from core.domain.commands.pay_invoice import PayInvoice
from core.domain.commands.set_billing import SetBilling
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.transfer import Transfer
from core.domain.commands.usage import Usage
from core.domain.documents import Format, How, InvoiceFacts, NoSuchDocument, NotOffered
from core.domain.languages import Language
from core.domain.profiles import SellerProfile
from core.domain.subscription import Mode
from core.domain.taxes import TaxRate
from core.ledger import profiles
from core.ledger.invoice_facts import invoice_facts
from core.ledger.ledger import Ledger
from doors.application import test_clocks as clocks
from doors.queries.invoices import find_invoice, invoices, invoices_of, receipts_of
from doors.queries.profiles import customer_on_documents
from doors.queries.snapshot import NotFound
from doors.queries.statements import statement, statement_facts
from tests.ledger.conftest import DAY, LONG_AGO, Shop

APRIL = datetime(2021, 4, 1, tzinfo=UTC)


def seller(shop: Shop, **values: Any) -> None:
    with shop.ledger.engine.begin() as connection:
        profile = SellerProfile(**values)
        profiles.add_seller_profile(connection, "main", profile, at=LONG_AGO, actor="ann")


def tax(shop: Shop, country: str, since: date, percent: str) -> None:
    rate = TaxRate(country=country, since=since, percent=Decimal(percent), name="VAT")
    with shop.ledger.engine.begin() as connection:
        profiles.add_tax_rate(connection, "main", rate, at=LONG_AGO, actor="ann")


def facts(shop: Shop, number: int) -> InvoiceFacts:
    with shop.ledger.engine.connect() as connection:
        id_ = shop.value(f"SELECT id FROM invoices WHERE number = {number}")
        return invoice_facts(connection, id_)


def test_an_invoice_shows_what_held_when_it_got_its_number(shop: Shop) -> None:
    shop.open()
    seller(shop, name="Northwind", country="DE")
    shop.do(SetBilling(account="acme", name="Acme AG", language=Language.GERMAN, country="DE"))
    shop.buy()
    with pytest.raises(NoSuchDocument):
        invoice_document(shop.ledger, 1, Format.PDF)
    number_invoices(shop.ledger)
    first = invoice_document(shop.ledger, 1, Format.HTML)
    seller(shop, name="Southwind", country="DE")
    shop.do(SetBilling(account="acme", name="Acme SE", language=Language.ENGLISH))
    shop.buy("s2")
    number_invoices(shop.ledger)
    assert invoice_document(shop.ledger, 1, Format.HTML) == first
    assert render(facts(shop, 1), Format.HTML) == first.content
    assert sha256(first.content).hexdigest() == first.sha256
    shown, later = facts(shop, 1).parties, facts(shop, 2).parties
    assert (shown.seller.name, shown.customer.name, shown.customer.language) == (
        "Northwind",
        "Acme AG",
        Language.GERMAN,
    )
    assert (later.seller.name, later.customer.name, later.customer.country) == (
        "Southwind",
        "Acme SE",
        "DE",
    )


def test_a_file_is_made_once_whoever_asks_first(
    shop: Shop, at_once: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later version of the templates makes other bytes. What was given out stays."""
    shop.open()
    shop.buy()
    number_invoices(shop.ledger)
    made = at_once([lambda: invoice_document(shop.ledger, 1, Format.PDF)] * 4)
    assert {each.sha256 for each in made} == {made[0].sha256}
    assert shop.value("SELECT count(*) FROM documents") == 1
    monkeypatch.setattr("core.documents.render.render", lambda *_: b"another")
    assert invoice_document(shop.ledger, 1, Format.PDF) == made[0]
    assert invoice_document(shop.ledger, 1, Format.HTML).content == b"another"


def test_a_sellers_own_template_is_for_what_was_not_made_before(shop: Shop, tmp_path: Path) -> None:
    shop.open()
    shop.buy()
    shop.buy("t")
    number_invoices(shop.ledger)
    before = invoice_document(shop.ledger, 1, Format.HTML)
    (tmp_path / "invoice.html").write_text("Ours {{ page.title }}")
    assert invoice_document(shop.ledger, 1, Format.HTML, tmp_path) == before
    own = invoice_document(shop.ledger, 2, Format.HTML, tmp_path)
    assert own.content == b"Ours Invoice 000002"
    assert invoice_document(shop.ledger, 2, Format.HTML) == own


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE documents SET content = 'x', sha256 = encode(sha256('x'), 'hex')",
        "DELETE FROM documents",
        "INSERT INTO documents VALUES ('invoice', 99, 'pdf', 'x', 'not its hash', now())",
        "INSERT INTO documents VALUES ('poem', 99, 'pdf', 'x', encode(sha256('x'), 'hex'), now())",
        "UPDATE invoices SET tax = (SELECT min(id) FROM tax_rates)",
        "UPDATE invoices SET seller_profile = 1",
        "UPDATE invoices SET customer_profile = 1",
        "UPDATE invoices SET due = 5",
        "UPDATE tax_rates SET percent = 5",
        "INSERT INTO tax_rates (seller, country, since, percent, name, shown, at, actor) "
        "VALUES ('main', 'DE', '2020-01-01', 101, 'VAT', 'inclusive', now(), 'ann')",
        "UPDATE seller_profiles SET document = '{}'",
        "DELETE FROM customer_profiles",
    ],
)
def test_the_database_refuses_to_change_what_a_document_shows(shop: Shop, statement: str) -> None:
    shop.open()
    shop.buy()
    number_invoices(shop.ledger)
    invoice_document(shop.ledger, 1, Format.HTML)
    seller(shop, name="Northwind")
    shop.do(SetBilling(account="acme", name="Acme AG"))
    tax(shop, "DE", date(2020, 1, 1), "19")
    with pytest.raises(DBAPIError):
        shop.run(statement.replace("%", "%%"))


def test_the_tax_is_that_of_the_customers_country_on_the_date_of_the_invoice(shop: Shop) -> None:
    seller(shop, name="Northwind", country="DE")
    tax(shop, "DE", date(2020, 1, 1), "19")
    tax(shop, "DE", date(2021, 3, 2), "16")
    tax(shop, "SG", date(2020, 1, 1), "7")
    tax(shop, "SG", date(2020, 1, 1), "9")
    for account, country in (("home", None), ("away", "SG"), ("none", "US")):
        shop.open(account)
        if country:
            shop.do(SetBilling(account=account, country=country))
        shop.buy(f"s-{account}", account)
    number_invoices(shop.ledger)
    rates = [facts(shop, number).tax for number in (1, 2, 3)]
    assert [rate and rate.percent for rate in rates] == [19, 9, None]


def test_a_rate_that_is_set_later_for_an_earlier_day_leaves_numbered_invoices_alone(
    shop: Shop,
) -> None:
    seller(shop, name="Northwind", country="DE")
    shop.open()
    shop.buy()
    number_invoices(shop.ledger)
    tax(shop, "DE", date(2020, 1, 1), "19")
    assert facts(shop, 1).tax is None


def test_a_credit_note_has_the_tax_of_the_day_of_the_charge(shop: Shop) -> None:
    seller(shop, name="Northwind", country="DE")
    tax(shop, "DE", date(2020, 1, 1), "19")
    tax(shop, "DE", date(2021, 3, 3), "16")
    shop.open()
    shop.buy()
    shop.do(Terminate(subscription="s1", reason="moved"), datetime(2021, 3, 5, tzinfo=UTC))
    number_invoices(shop.ledger)
    note = facts(shop, 2)
    assert (note.credit_note, note.credits, note.tax and note.tax.percent) == (
        True,
        ("000001",),
        19,
    )
    assert (note.total, note.taxes, note.due) == (Decimal("-50.00"), Decimal("-7.98"), 0)


def test_money_that_moves_holds_no_tax(shop: Shop) -> None:
    seller(shop, name="Northwind", country="DE")
    tax(shop, "DE", date(2020, 1, 1), "19")
    shop.open()
    shop.do(TopUp(account="acme", amount=Decimal("119.00")))
    number_invoices(shop.ledger)
    top_up = facts(shop, 1)
    assert (top_up.how, top_up.total, top_up.taxes) == (How.BANK, Decimal("119.00"), 0)


async def test_a_consolidated_invoice_says_what_an_overpayment_paid_and_what_is_due(
    shop: Shop,
) -> None:
    """50 bought, 11.90 used, 5 transferred, 50 renewed. An overpayment of 20 pays a part."""
    seller(shop, name="Northwind", country="DE")
    tax(shop, "DE", date(2020, 1, 1), "19")
    shop.open("other", "0.00")
    shop.open("acme", "20.00", mode=Mode.POSTPAID, credit_limit=Decimal("500.00"))
    shop.buy()
    shop.do(Usage(account="acme", amount=Decimal("11.90"), text="Deposit refund"))
    shop.do(Transfer(account="acme", to="other", amount=Decimal("5.00")))
    shop.put_on_clock()
    await clocks.advance(shop.ledger, shop.engine, "c", APRIL)
    number_invoices(shop.ledger)
    made = facts(shop, 1)
    assert [(line.text, line.taxed) for line in made.lines] == [
        ("s1 primary PRO", True),
        ("Deposit refund", True),
        ("Transfer to other", False),
        ("s1 primary PRO", True),
    ]
    assert [line.text for line in made.lines if line.own_text] == ["Deposit refund"]
    assert b"Deposit refund" in render(made, Format.HTML)
    assert (made.monthly, made.how, made.total) == (True, How.OVERPAYMENT, Decimal("116.90"))
    assert (made.paid, made.due, made.taxes) == (20, Decimal("96.90"), Decimal("17.86"))
    shop.do(PayInvoice(account="acme", amount=Decimal("96.90")), APRIL)
    receipt = next(receipts_of(shop.ledger, "acme"))
    assert (receipt.how, receipt.amount) == (How.BANK, Decimal("96.90"))
    assert b"96.90" in receipt_document(shop.ledger, receipt.receipt, Format.HTML).content


def test_another_seller_does_not_get_the_documents(shop: Shop) -> None:
    shop.open()
    shop.do(TopUp(account="acme", amount=Decimal("5.00")))
    number_invoices(shop.ledger)
    receipt = next(receipts_of(shop.ledger, "acme")).receipt
    invoice_document(shop.ledger, 1, Format.PDF)
    receipt_document(shop.ledger, receipt, Format.PDF)
    other = Ledger(shop.ledger.engine, "another")
    for ask in (
        lambda: invoice_document(other, 1, Format.PDF),
        lambda: receipt_document(other, receipt, Format.PDF),
    ):
        with pytest.raises(NoSuchDocument):
            ask()
    for look in (
        lambda: find_invoice(other, 1),
        lambda: receipts_of(other, "acme"),
        lambda: customer_on_documents(other, "acme"),
    ):
        with pytest.raises(NotFound):
            look()


def test_a_purchase_has_no_receipt(shop: Shop) -> None:
    shop.open()
    shop.buy()
    operation = shop.value("SELECT id FROM operations WHERE purpose = 'purchase'")
    with pytest.raises(NoSuchDocument, match="no top-up, card charge or payment"):
        receipt_document(shop.ledger, operation, Format.PDF)


def test_the_profile_of_a_customer_is_a_version_with_its_history(shop: Shop) -> None:
    shop.open()
    first = SetBilling(account="acme", name="Acme", city="Berlin", request_id="1", actor="ann")
    assert shop.do(first).refusal is None
    assert shop.do(first).replayed
    shop.do(SetBilling(account="acme", city="", request_id="2"))
    shop.do(SetBilling(account="acme", name="Acme", request_id="3"))
    refused = shop.do(SetBilling(account="acme", country="XX")).refusal
    assert refused is not None
    assert "ISO 3166" in refused.reason
    now, versions = customer_on_documents(shop.ledger, "acme")
    assert (now.name, now.city) == ("Acme", "")
    assert [(each.version, each.actor) for each in versions] == [(2, "platform"), (1, "ann")]


def test_the_profile_of_a_seller_in_force_is_not_stored_again(shop: Shop) -> None:
    for _ in range(2):
        seller(shop, name="Northwind", logo=b"\x89PNG\r\n\x1a\n")
    seller(shop, name="Southwind")
    with shop.ledger.engine.connect() as connection:
        versions = profiles.seller_versions(connection, "main")
        assert profiles.seller_profile(connection, "another").name == "another"
    assert [each.version for each in versions] == [2, 1]


def test_invoices_are_listed_page_by_page(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.open()
    for number in range(5):
        shop.do(TopUp(account="acme", amount=Decimal(number + 1)))
    number_invoices(shop.ledger)
    newest = invoices_of(shop.ledger, "acme", 2)
    assert [each.number for each in newest] == ["000004", "000005"]
    monkeypatch.setattr("doors.queries.invoices._PAGE", 2)
    everything = [each.number for each in invoices(shop.ledger, "acme", newest_first=False)]
    assert everything == [f"{number:06}" for number in range(1, 6)]
    rest = [each.number for each in invoices(shop.ledger, "acme", after=newest[0].position)]
    assert rest == ["000003", "000002", "000001"]
    amounts = [each.amount for each in receipts_of(shop.ledger, "acme", newest_first=False)]
    assert amounts == [1, 2, 3, 4, 5]
    first = next(receipts_of(shop.ledger, "acme"))
    assert next(receipts_of(shop.ledger, "acme", after=first.receipt)).amount == 4


def test_a_statement_as_a_document_goes_from_opening_to_closing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.open()
    shop.do(SetBilling(account="acme", name="Acme", language=Language.GERMAN))
    shop.buy()
    march = statement(shop.ledger, "acme", date(2021, 3, 1), date(2021, 3, 31))
    made = statement_facts(shop.ledger, march)
    sum_ = sum((movement.amount for movement in made.movements), made.opening)
    assert (sum_, made.complete) == (made.closing, True)
    assert "Kontoauszug" in render(made, Format.HTML).decode()
    monkeypatch.setattr("doors.queries.statements.MOST_ON_DOCUMENT", 1)
    with pytest.raises(NotOffered, match="Choose fewer days"):
        statement_facts(shop.ledger, march)


def test_what_a_query_says_is_what_the_document_says(shop: Shop) -> None:
    shop.open()
    shop.buy()
    number_invoices(shop.ledger)
    view = find_invoice(shop.ledger, 1)
    assert view.period == (date(2021, 3, 1), date(2021, 3, 31))
    assert (view.customer, view.how, view.due) == ("acme", How.CREDITS, 0)
    assert view.lines == [("s1 primary PRO", Decimal("50.00"), Decimal(0))]
    assert replace(facts(shop, 1), tax=None) == facts(shop, 1)
    assert documents.DocumentKind.INVOICE == "invoice"
    assert DAY.date() == view.date
