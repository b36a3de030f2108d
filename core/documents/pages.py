"""Facts of a document to what stands on its page, in words. Templates only lay it out."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import assert_never

from core.documents.languages import Words, words_of
from core.documents.line_texts import in_language
from core.domain.documents import (
    AnyFacts,
    How,
    InvoiceFacts,
    Party,
    ReceiptFacts,
    StatementFacts,
)
from core.domain.profiles import Profile
from core.domain.subscription import ZERO
from core.domain.transactions import TransactionKind

_PAID_BY = {
    How.CREDITS: "Paid from credits",
    How.BANK: "Paid into the account",
    How.CARD: "Paid by card",
    How.OVERPAYMENT: "Paid by an overpayment",
}
_MOVED_BY = {
    TransactionKind.OPENING: "Credits brought along",
    TransactionKind.ACTIVATION: "Purchase or activation",
    TransactionKind.RENEWAL: "Renewal",
    TransactionKind.CHANGE: "Change",
    TransactionKind.REFUND: "Refund",
    TransactionKind.TOP_UP: "Top-up",
    TransactionKind.USAGE: "Usage",
    TransactionKind.TRANSFER: "Transfer",
    TransactionKind.ADJUSTMENT: "Adjustment",
    TransactionKind.PAYMENT: "Payment",
    TransactionKind.INVOICE: "Monthly invoice",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the table.

    `amounts`: it holds amounts, which stand at the end of the line.
    `wide`: it takes the room that others leave.
    """

    label: str
    amounts: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A line below the table. `strong`: it is what the document is about."""

    label: str
    amount: str
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands on a document. All texts are in its language.

    `template`: the kind of document, which names its template.
    `day`: its date in the form 2021-01-31, for the properties of the file.
    `seller`, `customer`: the lines of their blocks, the name first.
    `facts`: labels and values, such as the number and the date.
    `columns`, `rows`: the table. `totals`: the lines below it. `notes`: sentences at the end.
    `footer`: the seller in one line. `page_of`: the words for ``Page {page} of {pages}``.
    """

    template: str
    language: str
    direction: str
    title: str
    day: str
    seller: list[str]
    customer_label: str
    customer: list[str]
    facts: list[tuple[str, str]]
    columns: list[Column]
    rows: list[list[str]]
    totals: list[Total] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    footer: str
    page_of: str


def page(facts: AnyFacts) -> Page:
    """What stands on a document."""
    words = words_of(facts.parties.customer.language)
    match facts:
        case InvoiceFacts():
            return _invoice(facts, words)
        case ReceiptFacts():
            return _receipt(facts, words)
        case StatementFacts():
            return _statement(facts, words)
    assert_never(facts)


def _invoice(facts: InvoiceFacts, words: Words) -> Page:
    if facts.credit_note:
        template, kind = "credit_note", "Credit note"
    else:
        template, kind = "invoice", "Monthly invoice" if facts.monthly else "Invoice"
    said = [
        (words.say("Number"), facts.number),
        (words.say("Date"), words.long_date(facts.date)),
    ]
    if facts.period:
        said.append((words.say("Service period"), words.days(*facts.period)))
    if facts.credits:
        said.append((words.say("Credits invoice"), ", ".join(facts.credits)))
    columns = [Column(label=words.say("Description"), wide=True)]
    amount = words.say("Net amount" if facts.net else "Amount")
    columns.append(Column(label=amount, amounts=True))
    rows = [
        [
            in_language(line, words),
            words.money(line.amount - (facts.tax_of(line) if facts.net else ZERO), facts.currency),
        ]
        for line in facts.lines
    ]
    return _page(
        facts.parties,
        words,
        template=template,
        title=f"{words.say(kind)} {facts.number}",
        day=facts.date.isoformat(),
        facts=[*said, *_whose(facts.parties, words)],
        columns=columns,
        rows=rows,
        totals=_totals(facts, words),
        notes=_notes(facts, words),
    )


def _totals(facts: InvoiceFacts, words: Words) -> list[Total]:
    """The sum of the lines, with the tax above or below it, and what is paid and still due."""

    def amount(label: str, sum_: Decimal, *, strong: bool = False) -> Total:
        return Total(label=label, amount=words.money(sum_, facts.currency), strong=strong)

    total, taxes = facts.total, facts.taxes
    lines = [amount(words.say("Total"), total, strong=True)]
    if facts.tax is not None:
        tax = f"{facts.tax.name} {words.percent(facts.tax.percent)}"
        if facts.net:
            net = amount(words.say("Net total"), total - taxes)
            lines = [net, amount(tax, taxes), *lines]
        else:
            lines.append(amount(words.say("Including {tax}", tax=tax), taxes))
    if facts.credit_note:
        return [*lines, amount(words.say("Credited to the account"), -total)]
    if facts.paid:
        lines.append(amount(words.say(_PAID_BY[facts.how]), facts.paid))
    return [*lines, amount(words.say("Still to be paid"), facts.due, strong=bool(facts.due))]


def _notes(facts: InvoiceFacts, words: Words) -> list[str]:
    if facts.credit_note:
        return [words.say("The amount was credited to your account.")]
    if not facts.due:
        return [words.say("This invoice is paid. There is nothing left to do.")]
    payment = facts.parties.seller.payment
    return [
        words.say("Please pay the amount that is still to be paid."),
        *[payment] * bool(payment),
    ]


def _receipt(facts: ReceiptFacts, words: Words) -> Page:
    amount = words.money(facts.amount, facts.currency)
    said = [
        (words.say("Number"), facts.reference),
        (words.say("Date"), words.long_date(facts.date)),
        *_whose(facts.parties, words),
    ]
    if facts.invoice:
        said.append((words.say("For invoice"), facts.invoice))
    return _page(
        facts.parties,
        words,
        template="receipt",
        title=f"{words.say('Receipt')} {facts.reference}",
        day=facts.date.isoformat(),
        facts=said,
        columns=[
            Column(label=words.say("Description"), wide=True),
            Column(label=words.say("Amount"), amounts=True),
        ],
        rows=[[words.say(_PAID_BY[facts.how]), amount]],
        totals=[Total(label=words.say("Total received"), amount=amount, strong=True)],
        notes=[words.say("We have received your payment. Thank you.")],
    )


def _statement(facts: StatementFacts, words: Words) -> Page:
    def money(amount: Decimal) -> str:
        return words.money(amount, facts.currency)

    opening, closing = words.say("Opening balance"), words.say("Closing balance")
    rows = [
        [
            words.short_date(movement.day),
            words.say(_MOVED_BY[movement.kind]),
            words.foreign(movement.about),
            money(movement.amount),
            money(movement.balance),
        ]
        for movement in facts.movements
    ]
    later = words.say("The last day is not over. Movements may follow.")
    return _page(
        facts.parties,
        words,
        template="statement",
        title=words.say("Statement"),
        day=facts.days[1].isoformat(),
        facts=[(words.say("Period"), words.days(*facts.days)), *_whose(facts.parties, words)],
        columns=[
            Column(label=words.say("Date")),
            Column(label=words.say("Movement"), wide=True),
            Column(label=words.say("About"), wide=True),
            Column(label=words.say("Amount"), amounts=True),
            Column(label=words.say("Balance"), amounts=True),
        ],
        rows=[["", opening, "", "", money(facts.opening)], *rows],
        totals=[Total(label=closing, amount=money(facts.closing), strong=True)],
        notes=[] if facts.complete else [later],
    )


def _page(
    parties: Party,
    words: Words,
    *,
    template: str,
    title: str,
    day: str,
    facts: list[tuple[str, str]],
    columns: list[Column],
    rows: list[list[str]],
    totals: list[Total],
    notes: list[str],
) -> Page:
    seller = parties.seller
    tax = words.say("Tax number: {number}", number=seller.tax_number) if seller.tax_number else ""
    register = (
        words.say("Register: {number}", number=seller.registration) if seller.registration else ""
    )
    footer = [seller.name, *_address(seller, words), tax, register, seller.email]
    return Page(
        template=template,
        language=str(words.language),
        direction=words.direction,
        title=title,
        day=day,
        seller=[line for line in (seller.name, *_address(seller, words), tax) if line],
        customer_label=words.say("For"),
        customer=[parties.customer.name or parties.account, *_address(parties.customer, words)],
        facts=facts,
        columns=columns,
        rows=rows,
        totals=totals,
        notes=notes,
        footer=" · ".join(words.foreign(part) for part in footer if part),
        page_of=words.say("Page {page} of {pages}"),
    )


def _whose(parties: Party, words: Words) -> list[tuple[str, str]]:
    """The account, and the customer's tax number if it is known."""
    said = [(words.say("Account"), parties.account)]
    if parties.customer.tax_number:
        said.append((words.say("Your tax number"), parties.customer.tax_number))
    return said


def _address(profile: Profile, words: Words) -> list[str]:
    place = " ".join(part for part in (profile.postal_code, profile.city) if part)
    return [line for line in (profile.street, place, words.country(profile.country)) if line]
