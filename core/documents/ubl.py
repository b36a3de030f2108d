"""An invoice or a credit note as an electronic invoice: UBL 2.1 by EN 16931.

It is given out only when the official schema and rules find nothing wrong. So an invoice with more
decimals than the rules allow, or a seller without a country, has none.
"""

from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from core.documents.languages import words_of
from core.documents.line_texts import in_language
from core.documents.official_rules import violations
from core.domain.documents import InvoiceFacts, Line
from core.domain.money import plain, without_currency
from core.domain.profiles import Profile, SellerProfile
from core.domain.subscription import ZERO

_NAMES = "urn:oasis:names:specification:ubl:schema:xsd:"
_CBC, _CAC = f"{{{_NAMES}CommonBasicComponents-2}}", f"{{{_NAMES}CommonAggregateComponents-2}}"
_EN_16931 = "urn:cen.eu:en16931:2017"
#: Codes of UNTDID 1001: a commercial invoice, a credit note.
_INVOICE, _CREDIT_NOTE = "380", "381"
#: Codes of UNTDID 5305: standard rate, zero rate, exempt, and not subject to tax.
_STANDARD, _ZERO_RATE, _EXEMPT, _OUTSIDE = "S", "Z", "E", "O"
_PIECE = "C62"

register_namespace("cbc", _CBC[1:-1])
register_namespace("cac", _CAC[1:-1])


class NotValid(Exception):
    """The official rules refuse the electronic invoice. The message names the first of them."""


def checked(facts: InvoiceFacts) -> bytes:
    """The electronic invoice, found valid. Raises `NotValid`."""
    xml = build(facts)
    if wrong := violations(xml):
        more = f" There are {len(wrong) - 1} more." if len(wrong) > 1 else ""
        raise NotValid(
            f"invoice {facts.number} has no electronic invoice. The rules of EN 16931 refuse it: "
            f"{wrong[0].rstrip('.')}.{more} `seller profile`, `seller tax` and `account billing` "
            "set what later invoices say. Ask for the PDF."
        )
    return xml


def build(facts: InvoiceFacts) -> bytes:
    """The electronic invoice, unchecked."""
    return _Builder(facts).xml()


class _Builder:
    """Builds the document in the order that the schema asks for."""

    def __init__(self, facts: InvoiceFacts) -> None:
        self.facts = facts
        self.words = words_of(facts.parties.customer.language)
        #: A credit note has positive amounts.
        self.sign = -1 if facts.credit_note else 1

    def xml(self) -> bytes:
        """The whole document, in UTF-8."""
        facts, name = self.facts, "CreditNote" if self.facts.credit_note else "Invoice"
        root = Element(f"{{{_NAMES}{name}-2}}{name}")
        _basic(root, "CustomizationID", _EN_16931)
        _basic(root, "ID", facts.number)
        _basic(root, "IssueDate", facts.date.isoformat())
        _basic(root, f"{name}TypeCode", _CREDIT_NOTE if facts.credit_note else _INVOICE)
        _basic(root, "DocumentCurrencyCode", facts.currency)
        _basic(root, "BuyerReference", facts.parties.account)
        if facts.period:
            period = _group(root, "InvoicePeriod")
            _basic(period, "StartDate", facts.period[0].isoformat())
            _basic(period, "EndDate", facts.period[1].isoformat())
        for number in facts.credits:
            reference = _group(_group(root, "BillingReference"), "InvoiceDocumentReference")
            _basic(reference, "ID", number)
        self._seller(_group(_group(root, "AccountingSupplierParty"), "Party"))
        self._customer(_group(_group(root, "AccountingCustomerParty"), "Party"))
        if facts.due > 0:
            note = facts.parties.seller.payment or self.words.say(
                "Please pay the amount that is still to be paid."
            )
            _basic(_group(root, "PaymentTerms"), "Note", note)
        self._taxes(root)
        self._totals(root)
        for position, line in enumerate(facts.lines, start=1):
            self._line(_group(root, f"{name}Line"), position, line)
        indent(root)
        made: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
        return made

    def _seller(self, party: Element) -> None:
        seller: SellerProfile = self.facts.parties.seller
        self._address(party, seller)
        if seller.tax_number:
            scheme = _group(party, "PartyTaxScheme")
            _basic(scheme, "CompanyID", seller.tax_number)
            _basic(_group(scheme, "TaxScheme"), "ID", "VAT" if self.facts.tax else "TAX")
        entity = _group(party, "PartyLegalEntity")
        _basic(entity, "RegistrationName", seller.name)
        if seller.registration or seller.tax_number:
            _basic(entity, "CompanyID", seller.registration or seller.tax_number)
        if seller.email:
            _basic(_group(party, "Contact"), "ElectronicMail", seller.email)

    def _customer(self, party: Element) -> None:
        customer, account = self.facts.parties.customer, self.facts.parties.account
        self._address(party, customer)
        if customer.tax_number and self.facts.tax:
            scheme = _group(party, "PartyTaxScheme")
            _basic(scheme, "CompanyID", customer.tax_number)
            _basic(_group(scheme, "TaxScheme"), "ID", "VAT")
        _basic(_group(party, "PartyLegalEntity"), "RegistrationName", customer.name or account)

    def _address(self, party: Element, profile: Profile) -> None:
        address = _group(party, "PostalAddress")
        for name, value in (
            ("StreetName", profile.street),
            ("CityName", profile.city),
            ("PostalZone", profile.postal_code),
        ):
            if value:
                _basic(address, name, value)
        if profile.country:
            _basic(_group(address, "Country"), "IdentificationCode", profile.country)

    def _taxes(self, root: Element) -> None:
        """The sum of the taxes, and a part for each category."""
        total = _group(root, "TaxTotal")
        self._amount(total, "TaxAmount", self.facts.taxes)
        for category in sorted({self._category(line) for line in self.facts.lines}):
            lines = [line for line in self.facts.lines if self._category(line) == category]
            taxes = sum(map(self.facts.tax_of, lines), ZERO)
            part = _group(total, "TaxSubtotal")
            self._amount(part, "TaxableAmount", sum((each.amount for each in lines), -taxes))
            self._amount(part, "TaxAmount", taxes)
            kind = self._tax_category(part, "TaxCategory", category)
            if category in (_EXEMPT, _OUTSIDE):
                _basic(kind, "TaxExemptionReason", self.words.say("Not subject to tax"))
            _basic(_group(kind, "TaxScheme"), "ID", "VAT")

    def _totals(self, root: Element) -> None:
        facts, totals = self.facts, _group(root, "LegalMonetaryTotal")
        net = facts.total - facts.taxes
        self._amount(totals, "LineExtensionAmount", net)
        self._amount(totals, "TaxExclusiveAmount", net)
        self._amount(totals, "TaxInclusiveAmount", facts.total)
        self._amount(totals, "PrepaidAmount", facts.paid)
        self._amount(totals, "PayableAmount", facts.due)

    def _line(self, element: Element, position: int, line: Line) -> None:
        """A line of one piece. A price is never negative, so a negative line is minus one piece."""
        net = (line.amount - self.facts.tax_of(line)) * self.sign
        _basic(element, "ID", str(position))
        name = "CreditedQuantity" if self.facts.credit_note else "InvoicedQuantity"
        _basic(element, name, "-1" if net < 0 else "1", unitCode=_PIECE)
        self._amount(element, "LineExtensionAmount", net * self.sign)
        item = _group(element, "Item")
        _basic(item, "Name", in_language(line, self.words))
        kind = self._tax_category(item, "ClassifiedTaxCategory", self._category(line))
        _basic(_group(kind, "TaxScheme"), "ID", "VAT")
        self._amount(_group(element, "Price"), "PriceAmount", abs(net) * self.sign)

    def _category(self, line: Line) -> str:
        if self.facts.tax is None:
            return _OUTSIDE
        if not line.taxed:
            return _EXEMPT
        return _STANDARD if self.facts.tax.percent else _ZERO_RATE

    def _tax_category(self, parent: Element, name: str, category: str) -> Element:
        kind = _group(parent, name)
        _basic(kind, "ID", category)
        if category != _OUTSIDE:
            rate = self.facts.tax.percent if self.facts.tax and category == _STANDARD else ZERO
            _basic(kind, "Percent", without_currency(rate))
        return kind

    def _amount(self, parent: Element, name: str, amount: Decimal) -> None:
        """An amount, in the sign of the document."""
        currency = self.facts.currency
        _basic(parent, name, plain(amount * self.sign, currency), currencyID=currency)


def _basic(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(parent, f"{_CBC}{name}", attributes).text = text


def _group(parent: Element, name: str) -> Element:
    return SubElement(parent, f"{_CAC}{name}")
