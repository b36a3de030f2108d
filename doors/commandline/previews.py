"""What a command would do, for a person and for a program."""

from typing import Any

from core.domain.subscription import Status
from doors.application.dates_and_money import day, money, signed
from doors.application.previews import Preview, Standing
from doors.commandline import tables
from doors.commandline.plain_data import data
from doors.commandline.tables import Printed
from doors.queries.sentences import event


def parts(preview: Preview) -> list[Printed]:
    """Return the events, the invoices, and how things stand before and after."""
    title = f"This is a preview of {preview.do.replace('_', ' ')}: nothing is done."
    if preview.refusal:
        return [title, f"It would be refused: {preview.refusal}."]
    if preview.replayed or preview.currency is None:
        return [title, "It was done before, so it would not be done again."]
    shown: list[Printed] = [title]
    if preview.events:
        shown.append(_events(preview, preview.currency))
    if preview.left_out:
        shown.append(f"… and {preview.left_out} more.")
    if preview.invoices:
        shown.append(_invoices(preview, preview.currency))
    if preview.card is not None:
        charged = money(preview.card, preview.currency)
        shown.append(f"The stored card would be charged {charged}. It may be declined.")
    if preview.before and preview.after:
        shown.append(_standing(preview.before, preview.after, preview.currency))
    return shown


def as_data(preview: Preview) -> Any:
    """Return a preview as data. `result` is what the command would answer."""
    found: dict[str, Any] = data(preview, preview.currency)
    refusal = found.pop("refusal")
    result = preview.result.data() if preview.result else None
    return {"preview": True, **found, "refused": refusal, "result": result}


def _events(preview: Preview, currency: str) -> Printed:
    columns = ("What", "Subscription", "Amount", "Rule", *_account_column(preview))
    made = tables.table("What it does", *columns, right=("Amount",))
    for it in preview.events:
        row = (
            event(it),
            it.subscription or "(account)",
            signed(it.amount, currency),
            it.rule,
            it.account,
        )
        tables.add_row(made, *row[: len(columns)])
    return made


def _invoices(preview: Preview, currency: str) -> Printed:
    columns = ("Kind", "Lines", "Total", *_account_column(preview))
    made = tables.table("Invoices", *columns, right=("Total",))
    for invoice in preview.invoices:
        lines = "\n".join(f"{text}: {money(amount, currency)}" for text, amount in invoice.lines)
        kind, total = invoice.kind.replace("_", " "), money(invoice.total, currency)
        tables.add_row(made, *(kind, lines, total, invoice.account)[: len(columns)])
    return made


def _account_column(preview: Preview) -> tuple[str, ...]:
    """The column of accounts, which stands there when another account is concerned."""
    concerned = {it.account for it in preview.events} | {it.account for it in preview.invoices}
    return ("Account",) if concerned - {preview.account} else ()


def _standing(before: Standing, after: Standing, currency: str) -> Printed:
    made = tables.table("How it stands", "", "Now", "Then")
    rows = [("Usable", money(before.usable, currency), money(after.usable, currency))]
    if after.status is not None:
        rows += [
            ("Status", before.status or "–", after.status),
            ("SKU", before.sku or "–", after.sku or "–"),
            (tables.last_day(after.trial), day(before.expiry), day(after.expiry)),
            ("Renews on", day(before.renewal_date), day(after.renewal_date)),
            ("Next fee", money(before.fee, currency), money(after.fee, currency)),
        ]
    if after.status is Status.TERMINATED:
        rows = [row for row in rows if row[0] != tables.last_day(after.trial)]
    for row in rows:
        tables.add_row(made, *row)
    return made
