"""Documents as files: the same facts are the same bytes, and what they show."""

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256

import pytest

from core.documents import pages
from core.documents.pdf import BadLogo, check_logo, pictures
from core.documents.render import render
from core.domain.documents import Format, InvoiceFacts, NotOffered
from core.domain.taxes import Shown
from settings import PROJECT
from tests.documents.made import ADA, SELLER, cases, invoice, logo

CASES = cases()
AGAIN = """
import sys
from hashlib import sha256
from core.documents.render import render
from core.domain.documents import Format
from tests.documents.made import cases
for name, facts in cases().items():
    for format_ in (Format.PDF, Format.HTML):
        print(sha256(render(facts, format_)).hexdigest())
print(sha256(render(cases()["english"], Format.XML)).hexdigest())
"""


def test_another_process_makes_the_same_bytes() -> None:
    here = [
        sha256(render(facts, format_)).hexdigest()
        for facts in CASES.values()
        for format_ in (Format.PDF, Format.HTML)
    ]
    here.append(sha256(render(CASES["english"], Format.XML)).hexdigest())
    # Another seed of hashes, another time zone and another directory must not matter.
    there = subprocess.run(
        [sys.executable, "-c", AGAIN],
        env={"PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert there.stdout.split() == here


@pytest.mark.parametrize("name", CASES)
def test_each_document_is_a_pdf_and_a_page_of_html(name: str) -> None:
    assert render(CASES[name], Format.PDF).startswith(b"%PDF-")
    text = render(CASES[name], Format.HTML).decode()
    page = pages.page(CASES[name])
    assert f'<html lang="{page.language}" dir="{page.direction}">' in text
    assert page.title in text
    assert all(total.amount in text for total in page.totals)


def test_sixty_lines_need_a_second_page_and_one_line_does_not() -> None:
    assert len(pictures(pages.page(CASES["sixty lines"]), None)) >= 2
    assert len(pictures(pages.page(CASES["english"]), None)) == 1


def test_the_sum_of_the_lines_is_the_total_whether_tax_is_shown_in_them_or_below() -> None:
    """60 × 12.34 = 740.40. Each line holds 12.34 × 19 / 119 = 1.97, together 118.20."""
    exclusive = CASES["sixty lines"]
    assert isinstance(exclusive, InvoiceFacts)
    assert exclusive.tax is not None
    inclusive = replace(exclusive, tax=replace(exclusive.tax, shown=Shown.INCLUSIVE))
    assert (exclusive.total, exclusive.taxes) == (Decimal("740.40"), Decimal("118.20"))
    assert [(total.label, total.amount) for total in pages.page(exclusive).totals] == [
        ("Summe netto", "622,20\xa0€"),
        ("USt. 19 %", "118,20\xa0€"),
        ("Summe", "740,40\xa0€"),
        ("Mit einer Überzahlung verrechnet", "100,00\xa0€"),
        ("Noch zu zahlen", "640,40\xa0€"),
    ]
    assert [(total.label, total.amount) for total in pages.page(inclusive).totals] == [
        ("Summe", "740,40\xa0€"),
        ("Darin enthalten: USt. 19 %", "118,20\xa0€"),
        ("Mit einer Überzahlung verrechnet", "100,00\xa0€"),
        ("Noch zu zahlen", "640,40\xa0€"),
    ]
    assert pages.page(exclusive).rows[0][1] == "10,37\xa0€"
    assert pages.page(inclusive).rows[0][1] == "12,34\xa0€"
    assert pages.page(exclusive).notes[-1] == SELLER.payment


def test_what_a_credit_note_gives_back_is_said_without_a_sign() -> None:
    totals = pages.page(CASES["credit note"]).totals
    assert (totals[-1].label, totals[-1].amount) == ("Dem Konto gutgeschrieben", "45,00\xa0€")
    assert ("Zu Rechnung", "000007") in pages.page(CASES["credit note"]).facts


def test_texts_of_people_are_no_markup_in_any_format() -> None:
    text = "<b>*bold* #let x = 1 $x$ \\ @ref [x] {{ 7 * 7 }}"
    facts = invoice(replace(ADA, name=text), "USD", (text, "5.00"))
    told = render(facts, Format.HTML).decode()
    assert "<b>" not in told
    assert "&lt;b&gt;*bold*" in told
    assert "{{ 7 * 7 }}" in told
    assert render(facts, Format.PDF).startswith(b"%PDF-")


def test_a_logo_is_drawn_and_one_that_cannot_be_is_refused() -> None:
    with_logo = render(CASES["with a logo"], Format.HTML)
    assert b"data:image/png;base64," in with_logo
    check_logo(logo())
    check_logo(logo(2000, 10))
    with pytest.raises(BadLogo):
        check_logo(logo()[:60])


@pytest.mark.parametrize("name", ["receipt", "statement"])
def test_what_is_no_invoice_has_no_electronic_invoice(name: str) -> None:
    with pytest.raises(NotOffered, match="no XML"):
        render(CASES[name], Format.XML)


def test_a_statement_goes_from_its_opening_to_its_closing_balance() -> None:
    page = pages.page(CASES["statement"])
    assert "100.00" in page.rows[0][-1]
    assert "95.00" in page.totals[-1].amount
    assert len(page.notes) == 1


@pytest.mark.parametrize("name", ["株式会社", "บริษัท", "Acme \N{PARTY POPPER}"])
def test_a_pdf_with_letters_that_no_font_has_is_refused_and_html_shows_them(name: str) -> None:
    """Otherwise a customer would get boxes in place of its name."""
    customer = replace(ADA, name=name)
    parties = replace(CASES["english"].parties, customer=customer)
    facts = replace(CASES["english"], parties=parties)
    with pytest.raises(NotOffered, match="Ask for HTML"):
        render(facts, Format.PDF)
    assert name in render(facts, Format.HTML).decode()


@pytest.mark.parametrize("name", ["Ελλάδα", "Привет", "שלום", "Việt Nam", "Ñandú ₹ ₿ €"])
def test_a_pdf_has_the_letters_of_other_scripts(name: str) -> None:
    parties = replace(CASES["english"].parties, customer=replace(ADA, name=name))
    assert render(replace(CASES["english"], parties=parties), Format.PDF).startswith(b"%PDF-")
