"""Invoices, receipts and profiles as tables."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from rich.table import Table

from core.domain.money import plain, without_currency
from core.domain.profiles import Profile
from core.domain.taxes import TaxRate
from core.ledger.profiles import Version
from doors.application.dates_and_money import day, moment, money
from doors.commandline import plain_data
from doors.commandline.tables import Printed, add_row, pairs, table
from doors.queries.invoices import InvoiceDetails, InvoiceView, ReceiptView

#: The columns of the CSV of invoices and of receipts.
INVOICE_COLUMNS = ("number", "date", "kind", "account", "total", "due", "currency", "lines")
RECEIPT_COLUMNS = ("receipt", "at", "how", "account", "amount", "currency")


def invoice_cells(found: InvoiceView) -> dict[str, Any]:
    """Return the cells of an invoice in a CSV. Its lines share one cell."""
    lines = "; ".join(f"{text}: {plain(amount, found.currency)}" for text, amount in found.lines)
    return {**plain_data.data(found), "lines": lines}


def taxes(found: Sequence[TaxRate]) -> list[Printed]:
    """Return taxes by country and first day."""
    made = table("Taxes", "Country", "Since", "Name", "Percent", "Lines", right=("Percent",))
    for rate in found:
        percent = without_currency(rate.percent)
        add_row(made, rate.country, day(rate.since), rate.name, percent, rate.shown)
    return [made]


def invoice(found: InvoiceDetails) -> list[Printed]:
    """Return what the document of an invoice or a credit note says."""
    currency, lines = found.currency, []
    said = [
        ("Date", day(found.date)),
        ("Account", found.account),
        ("Customer", found.customer),
        ("Language", found.language),
        *([("Period", " to ".join(map(day, found.period)))] if found.period else []),
        *([("Credits invoice", ", ".join(found.credits))] if found.credits else []),
    ]
    made = table("Lines", "Line", "Tax in it", "Amount", right=("Tax in it", "Amount"))
    for text, amount, tax in found.lines:
        add_row(made, text, money(tax, currency), money(amount, currency))
    lines.append(("Total", money(found.total, currency)))
    if found.tax:
        name, percent = found.tax
        lines.append((f"{name} {without_currency(percent)} % in it", money(found.taxes, currency)))
    paid = "Given back to" if found.credit_note else "Paid by"
    lines.append((f"{paid} {found.how}", money(abs(found.paid), currency)))
    lines.append(("Due when issued", money(found.due, currency)))
    kind = "Credit note" if found.credit_note else "Invoice"
    return [pairs(f"{kind} {found.number}", said), made, pairs("Totals", lines)]


def profile_values(profile: Profile) -> dict[str, str]:
    """Return what documents show of a seller or a customer. A logo shows its size."""
    values = {each.name: getattr(profile, each.name) for each in fields(profile)}
    return {
        name: f"{len(value):,} bytes" if isinstance(value, bytes) else str(value)
        for name, value in values.items()
        if value
    }


def profile_data(profile: Profile, versions: Sequence[Version[Any]]) -> dict[str, Any]:
    """Return a profile and its versions, newest first, for programs."""
    history = [
        {"version": each.version, "at": each.at, "by": each.actor, **profile_values(each.profile)}
        for each in versions
    ]
    return {**profile_values(profile), **({"history": history} if history else {})}


def profile(title: str, profile: Profile, versions: Sequence[Version[Any]]) -> list[Printed]:
    """Return a profile, and a table of its versions, newest first, if there are any."""
    shown = [(name.replace("_", " "), value) for name, value in profile_values(profile).items()]
    parts: list[Printed] = [pairs(title, shown or [("name", "")])]
    if versions:
        made = table("Versions", "Version", "When (UTC)", "By", "Shows", right=("Version",))
        for each in versions:
            values = profile_values(each.profile).items()
            shows = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values)
            add_row(made, str(each.version), moment(each.at, "UTC"), each.actor, shows)
        parts.append(made)
    return parts


def receipts(found: Sequence[ReceiptView]) -> Table:
    """Return money that came in."""
    made = table("Receipts", "Number", "When (UTC)", "By", "Amount", right=("Amount",))
    for each in found:
        amount = money(each.amount, each.currency)
        add_row(made, str(each.receipt), moment(each.at, "UTC"), each.how, amount)
    return made
