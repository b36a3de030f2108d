"""Electronic invoices by EN 16931, checked by the official schema and rules."""

from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from core.documents import ubl
from core.documents.official_rules import violations
from core.documents.render import render
from core.domain.documents import Format, InvoiceFacts, Line, NotOffered
from core.domain.profiles import SellerProfile
from tests.documents.made import LONG, TAX, cases, invoice

CASES = {name: facts for name, facts in cases().items() if isinstance(facts, InvoiceFacts)}
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


@pytest.mark.parametrize("name", ["english", "sixty lines", "no minor unit", "credit note"])
def test_the_official_rules_find_nothing_wrong(name: str) -> None:
    assert violations(render(CASES[name], Format.XML)) == []


def test_a_tax_of_zero_and_lines_without_tax_are_valid() -> None:
    facts = invoice(LONG, "EUR", ("s1 primary PRO", "50.00"), tax=TAX)
    free = replace(facts, tax=replace(TAX, percent=Decimal(0)))
    transfer = Line(text="Transfer to other", amount=Decimal("5.00"), taxed=False)
    mixed = replace(facts, lines=(*facts.lines, transfer), paid=Decimal(0))
    for each in (free, mixed):
        assert violations(render(each, Format.XML)) == []


def test_amounts_are_those_of_the_ledger() -> None:
    root = ElementTree.fromstring(render(CASES["sixty lines"], Format.XML))
    amounts = {name: root.findtext(f".//{CBC}{name}") for name in ("PayableAmount", "TaxAmount")}
    assert amounts == {"PayableAmount": "640.40", "TaxAmount": "118.20"}
    assert root.findtext(f".//{CBC}TaxInclusiveAmount") == "740.40"
    back = ElementTree.fromstring(render(CASES["credit note"], Format.XML))
    assert back.tag.endswith("}CreditNote")
    assert back.findtext(f".//{CBC}TaxInclusiveAmount") == "45.00"


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (CASES["three decimals"], "BR-DEC-"),
        (CASES["arabic"], "BR-"),
        (
            replace(
                CASES["english"],
                parties=replace(CASES["english"].parties, seller=SellerProfile(name="main")),
            ),
            "BR-",
        ),
    ],
)
def test_what_the_rules_refuse_is_not_given_out(facts: InvoiceFacts, rule: str) -> None:
    """Three decimals, a tax number without a country's prefix, a seller without an address."""
    assert any(rule in each for each in violations(ubl.build(facts)))
    with pytest.raises(NotOffered, match="rules of EN 16931 refuse it"):
        render(facts, Format.XML)


def test_a_document_that_is_not_in_the_order_of_the_schema_is_found() -> None:
    good = ubl.build(CASES["english"])
    bad = good.replace(b"cbc:IssueDate>", b"cbc:Note>")
    assert violations(good) == []
    assert "IssueDate" in violations(bad)[0]
