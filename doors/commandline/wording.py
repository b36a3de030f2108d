"""How things are said: dates, amounts and events in words that a support person understands, tables, and plain data for programs.

Owns no facts. With `--json` the same facts go out as `data`: amounts as text with the currency's decimals, days as 2021-01-31, instants
with an offset.
"""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING, Any

from core.domain.calendar import local_time
from core.domain.catalog import Catalog
from core.domain.forecast import Entry
from core.domain.money import in_words, is_currency, plain
from core.domain.planner.notices import Notice
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind
from core.domain.subscription import Failure, Status
from core.ledger.double_entry import Book
from core.protocol.activity_messages import CommandResult
from doors.application.quotes import ExtensionQuote, RefundQuote
from doors.queries.reading import (
    AccountView,
    Explanation,
    HistoryLine,
    InvoiceView,
    ListRow,
    SubscriptionView,
    Totals,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from core.domain.findings import Report as Findings
    from doors.intake.customer_import import Report

EVENTS = {
    "purchased": "bought",
    "imported": "taken over from another system",
    "renewed": "renewed",
    "renewal_failed": "renewal failed",
    "retry_failed": "renewal failed, tried again",
    "recovered": "recovered",
    "extended": "extended",
    "reactivated": "reactivated",
    "expired": "expired",
    "terminated": "terminated",
    "refunded": "refunded",
    "unsubscribed": "auto-renewal switched off",
    "resubscribed": "auto-renewal switched on",
    "notice_renewal": "told: renews soon",
    "notice_expiring": "told: expires soon",
    "topped_up": "topped up",
    "card_charged": "card charged",
    "card_declined": "card declined",
    "account_suspended": "account suspended",
    "account_resumed": "account resumed",
}
PAID = ("purchased", "imported", "renewed", "recovered", "extended", "reactivated")


# words ----------------------------------------------------------------------------------------------------------------


def day(value: date | None) -> str:
    """``31 January 2021``; a dash for none."""
    return "–" if value is None else f"{value.day} {value:%B} {value.year}"


def moment(at: datetime, zone: str) -> str:
    """``31 January 2021, 08:00`` in the account's time zone."""
    local = local_time(at, zone)
    return f"{day(local.date())}, {local:%H:%M}"


def money(amount: Decimal | None, currency: str) -> str:
    """``$1,200.00``; a dash for none."""
    return "–" if amount is None else in_words(amount, currency)


def signed(amount: Decimal | None, currency: str) -> str:
    """``+$50.00`` or ``-$50.00``; nothing for none."""
    return "" if amount is None else ("+" if amount > 0 else "") + in_words(amount, currency)


def reason(failure: str | None) -> str:
    """Why a renewal failed, in words."""
    if failure is None:
        return ""
    return Failure(failure).words if failure in list(Failure) else failure


def event(line: HistoryLine | Entry) -> str:
    """What happened, in words."""
    words = EVENTS.get(line.event, line.event.replace("_", " "))
    if isinstance(line, Entry):
        return f"{words}: {reason(line.reason)}" if line.reason else words
    facts = line.facts
    if "reason" in facts:
        return f"{words}: {reason(facts['reason'])}"
    details = (
        [f"paid up to {day(date.fromisoformat(facts['expiry']))}"]
        if "expiry" in facts and line.event in PAID
        else []
    )
    details += (
        [f"on external invoice {facts['external_invoice']}"] if "external_invoice" in facts else []
    )
    return f"{words}, {', '.join(details)}" if details else words


def state(view: SubscriptionView) -> str:
    """A subscription's status in words."""
    match view.status:
        case Status.TERMINATED:
            return f"TERMINATED on {day(view.terminated_on)}"
        case Status.EXPIRED:
            return f"EXPIRED on {day(view.expired_on)}"
        case _:
            notes = [f"renewal failed: {reason(view.failure)}"] if view.renewal_failed else []
            notes += [] if view.auto_renew else ["auto-renewal off"]
            notes += ["account suspended"] if view.suspended else []
            return f"ACTIVE ({'; '.join(notes)})" if notes else "ACTIVE"


def next_step(step: Step | None, zone: str) -> str:
    """What comes next, when, why."""
    if step is None:
        return "nothing: it has ended for good"
    return f"{step.kind.words} on {moment(step.due, zone)} (rule {step.rule}): {step.why}"


def step_words(kind: str) -> str:
    """What a step or a notice of this kind does."""
    return Notice(kind).words if kind in list(Notice) else StepKind(kind).words


def cycle(months: int) -> str:
    """``1 month``, ``12 months``."""
    return "1 month" if months == 1 else f"{months} months"


def result(outcome: CommandResult) -> str:
    """What a command did, in a sentence."""
    again = " (it had been done before; nothing was done again)" if outcome.replayed else ""
    return (outcome.result.sentence() if outcome.result else "") + again


def facts(outcome: CommandResult) -> dict[str, Any]:
    """What a command did, as data."""
    return outcome.result.data() if outcome.result else {}


def refund_question(quote: RefundQuote) -> str:
    """What terminating means, before it is asked."""
    fee = f", after a fee of {money(quote.admin_fee, quote.currency)}" if quote.admin_fee else ""
    return (
        f"{quote.subscription} of {quote.account} is paid up to {day(quote.paid_until)}. Terminating ends it at once, for good.\n"
        f"Refund to the wallet: {money(quote.refund, quote.currency)}{fee} (rule 8.2)."
    )


def cost_question(quote: ExtensionQuote, external: str | None) -> str:
    """What extending costs, before it is asked."""
    payer = (
        f"on external invoice {external}"
        if external
        else f"from usable credits of {money(quote.usable, quote.currency)}"
    )
    return (
        f"{quote.subscription} of {quote.account} is paid up to {day(quote.expiry)}; it would be paid up to {day(quote.new_expiry)}.\n"
        f"Cost: {money(quote.cost, quote.currency)}, {payer} (rule 6.2)."
    )


# tables ---------------------------------------------------------------------------------------------------------------


def table(title: str, *columns: str, right: Sequence[str] = ()) -> "Table":
    """An empty table with these columns; those in `right` are numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        title=Text(title),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        title_style="bold",
        pad_edge=False,
    )
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def _pairs(title: str, pairs: Iterable[tuple[str, str]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    made = Table(
        title=Text(title),
        title_justify="left",
        title_style="bold",
        box=None,
        show_header=False,
        pad_edge=False,
    )
    made.add_column(style="dim")
    made.add_column(overflow="fold")
    for label, value in pairs:
        made.add_row(label, Text(value))
    return made


def _row(made: "Table", *cells: str, style: str | None = None) -> None:
    """Cells are text as it is: what people write is no markup."""
    from rich.text import Text

    made.add_row(*(Text(cell) for cell in cells), style=style)


def subscription(view: SubscriptionView) -> "list[RenderableType]":
    """A subscription with its periods."""
    addons = ", ".join(f"{quantity} × {sku}" for sku, quantity in view.addons.items())
    pairs = [
        ("Status", state(view)),
        ("Account", f"{view.account}" + (f", {view.owner}" if view.owner else "")),
        ("Bought", f"{view.quantity} × {view.sku}" + (f", with {addons}" if addons else "")),
        (
            "Cycle",
            f"{cycle(view.cycle_months)}, {money(view.fee, view.currency)} for the next one at today's prices",
        ),
        (
            "Paid up to",
            f"{day(view.expiry)} ({view.cycles_paid} cycle{'s' * (view.cycles_paid != 1)} paid)",
        ),
        ("Renews on", day(view.renewal_date) if view.auto_renew else "it does not renew by itself"),
        ("Next", next_step(view.next_step, view.timezone)),
        ("Time zone", view.timezone),
    ]
    if view.clock:
        pairs.append(("Test clock", f"{view.clock}, {moment(view.now, view.timezone)}"))
    periods = table("Periods", "From", "To", "Paid", "Given back", right=("Paid", "Given back"))
    for period in view.periods:
        back = money(period.refunded, view.currency) if period.refunded else ""
        _row(
            periods, day(period.start), day(period.expiry), money(period.paid, view.currency), back
        )
    return [_pairs(f"Subscription {view.subscription}", pairs), "", periods]


def account(view: AccountView) -> "list[RenderableType]":
    """An account and its wallet."""
    until = f" until {day(view.credit_limit_until)}" if view.credit_limit_until else ""
    counts = (
        ", ".join(f"{n} {status}" for status, n in sorted(view.subscriptions.items())) or "none"
    )
    pairs = [
        ("Owner", view.owner or "–"),
        ("Billing e-mail", view.billing_email or "–"),
        ("Balance", money(view.balance, view.currency)),
        ("Usable", f"{money(view.usable, view.currency)} (rule 11.1)"),
        ("Credit limit", money(view.credit_limit, view.currency) + until),
        (
            "Card",
            f"stored; renewals {'may' if view.renew_by_card else 'do not'} use it"
            if view.card
            else "none",
        ),
        ("Suspended", "yes: nothing renews (rule 11.8)" if view.suspended else "no"),
        ("Subscriptions", counts + (f"; {view.failed} failed to renew" if view.failed else "")),
        ("Time zone", view.timezone),
    ]
    if view.clock:
        pairs.append(("Test clock", f"{view.clock}, {moment(view.now, view.timezone)}"))
    return [_pairs(f"Account {view.account}", pairs)]


def invoices(found: Sequence[InvoiceView]) -> "Table":
    """Invoices and credit notes."""
    made = table("Invoices", "Number", "Date", "Kind", "Lines", "Total", right=("Total",))
    for invoice in found:
        lines = "\n".join(
            f"{text}: {money(amount, invoice.currency)}" for text, amount in invoice.lines
        )
        kind = invoice.kind.replace("_", " ")
        _row(
            made,
            invoice.number or "not yet",
            day(invoice.date),
            kind,
            lines,
            money(invoice.total, invoice.currency),
        )
    return made


def history(title: str, lines: Sequence[HistoryLine], *, whose: bool = False) -> "Table":
    """A life story; with `whose`, of several subscriptions."""
    columns = ["When", *["Subscription"] * whose, "What", "Amount", "Rule", "By"]
    made = table(title, *columns, right=("Amount",))
    for line in lines:
        cells = [
            moment(line.at, line.timezone),
            *[line.subscription or "(account)"] * whose,
            event(line),
        ]
        style = (
            "red"
            if line.event in ("renewal_failed", "card_declined", "expired", "terminated")
            else None
        )
        _row(made, *cells, signed(line.amount, line.currency), line.rule, line.actor, style=style)
    return made


def work_list(which: str, rows: Sequence[ListRow], most: int) -> "list[RenderableType]":
    """A work list, grouped by account."""
    columns = ("Account", "Subscription", "SKU", "Paid up to", "Renews on", "Note", "Balance")
    made = table(f"{which.capitalize()} ({len(rows)})", *columns, right=("Balance",))
    for _, group in groupby(rows[:most], key=lambda row: row.account):
        for index, row in enumerate(group):
            whose = (
                ""
                if index
                else "\n".join(filter(None, (row.account, row.owner, row.billing_email)))
            )
            renews = day(row.renewal_date) if row.auto_renew and row.renewal_date else "–"
            balance = "" if index else money(row.balance, row.currency)
            _row(
                made,
                whose,
                row.subscription,
                f"{row.quantity} × {row.sku}",
                day(row.expiry),
                renews,
                _note(row),
                balance,
            )
    left = len(rows) - most
    return [
        made,
        *([f"… and {left} more: narrow it down, or use --csv or --json."] if left > 0 else []),
    ]


def _note(row: ListRow) -> str:
    if row.status is Status.EXPIRED:
        return f"renewal had failed: {reason(row.reason)}" if row.reason else ""
    notes = [f"failed on {day(row.failed_on)}: {reason(row.reason)}"] if row.reason else []
    return "; ".join(notes + ([] if row.auto_renew else ["auto-renewal off"]))


def as_csv(rows: Sequence[ListRow]) -> str:
    """A work list for a spreadsheet, with owner and billing e-mail (Rule 6.3). What a spreadsheet would take for a formula is written as text."""
    out = StringIO()
    names = [f.name for f in fields(ListRow)]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in data(rows):
        writer.writerow(["" if row[name] is None else _cell(row[name], name) for name in names])
    return out.getvalue()


def _cell(value: object, name: str) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}" if name != "balance" and text[:1] in ("=", "+", "-", "@", "\t") else text


def last_paid(lines: Sequence[HistoryLine]) -> str:
    """How the cycle under way came to be paid: the other half of why it renewed, or not."""
    line = next((line for line in lines if line.event in PAID), None)
    if line is None:
        return ""
    paid = f" for {money(-line.amount, line.currency)}" if line.amount and line.amount < 0 else ""
    return f"It was {EVENTS[line.event]} on {day(line.date)}{paid} (rule {line.rule}). "


def explanation(found: Explanation, answer: str, asked: str) -> "list[RenderableType]":
    """Why, what led to it, what comes."""
    fee = f"The next cycle costs {money(found.fee, found.currency)}; usable are {money(found.usable, found.currency)} (rule 11.1)."
    coming = table("What comes", "When", "What", "Rule", "Why")
    for item in found.coming:
        rule, why = (item.rule, item.why) if isinstance(item, Step) else (Rule.MESSAGES, "")
        _row(coming, moment(item.due, found.timezone), item.kind.words, rule, why)
    parts: list[RenderableType] = [
        _pairs(
            f"Subscription {found.subscription}: {found.status}",
            [("Answer", answer), ("Asked", asked)],
        )
    ]
    parts += (
        [""]
        + ([f"{fee}"] if found.fee is not None else [])
        + ["", history("What led to it", found.because)]
    )
    return parts + ([coming] if found.coming else [])


def forecast(
    subscription: str, view: AccountView, entries: Sequence[Entry], months: int
) -> "Table":
    """What comes by itself."""
    title = f"The next {cycle(months)} of {view.account}, if nobody does anything (balance now {money(view.balance, view.currency)})"
    made = table(
        title,
        "When",
        "Subscription",
        "What",
        "Amount",
        "Balance",
        "Rule",
        right=("Amount", "Balance"),
    )
    for entry in entries:
        whose = entry.subscription or "(account)"
        amounts = (signed(entry.amount, view.currency), money(entry.balance, view.currency))
        other = "dim" if entry.subscription not in (None, subscription) else None
        _row(
            made,
            moment(entry.at, view.timezone),
            whose,
            event(entry),
            *amounts,
            entry.rule,
            style=other,
        )
    return made


def totals(found: Totals) -> "list[RenderableType]":
    """What became of many subscriptions, and where the money is."""
    happened = table(
        f"What happened ({found.currency})",
        "What",
        "How often",
        "Money",
        right=("How often", "Money"),
    )
    for name, (count, amount) in sorted(
        found.events.items(),
        key=lambda item: list(EVENTS).index(item[0]) if item[0] in EVENTS else 99,
    ):
        _row(
            happened,
            EVENTS.get(name, name.replace("_", " ")),
            f"{count:,}",
            signed(amount, found.currency) if amount else "",
        )
    now = table("Where they stand", "Status", "Subscriptions", right=("Subscriptions",))
    for status, count in sorted(found.statuses.items()):
        _row(now, "ACTIVE, renewal failed" if status == "failed" else status, f"{count:,}")
    return [happened, now, _money_table(found)]


def _money_table(found: Totals) -> "Table":
    """Where the money in the wallets came from and went, and the ledger's proof that nothing is missing."""
    made = table("Money in and out of the customers' wallets", "What", "Sum", right=("Sum",))
    for book, amount in sorted(
        found.books.items(), key=lambda item: list(Book).index(Book(item[0]))
    ):
        if book != Book.WALLET:
            _row(made, Book(book).words, signed(-amount, found.currency))
    _row(
        made,
        f"= {Book.WALLET.words}",
        money(found.books.get(Book.WALLET), found.currency),
        style="bold",
    )
    _row(
        made,
        "sum of all postings in the ledger",
        plain(found.ledger_sum, found.currency),
        style="bold",
    )
    return made


def catalog(found: Catalog) -> "Table":
    """What is sold, version by version."""
    made = table("Catalogue", "SKU", "Kind", "Cycle", "From", "Price")
    for sku in found.skus:
        for index, version in enumerate(sku.versions):
            prices = (
                ", ".join(
                    money(price, currency)
                    for currency, price in sorted(version.prices.items())
                    if is_currency(currency)
                )
                or "–"
            )
            first = (sku.sku, str(sku.kind), cycle(sku.months)) if index == 0 else ("", "", "")
            _row(made, *first, day(version.since) if version.since else "always", prices)
    return made


def import_report(report: "Report") -> "list[RenderableType]":
    """What became of a file of customers."""
    would = "would be " if report.dry_run else ""
    said = [
        f"{report.rows:,} rows: {report.imported:,} {would}imported, {report.there:,} there already, {report.faulty:,} faulty "
        f"({report.seconds:.1f} s, {report.rows / report.seconds if report.seconds else 0:,.0f} rows/s)."
    ]
    if not report.dry_run:
        said.append(f"{report.started:,} workflows started.")
    if report.faulty:
        made = table("Faulty rows", "Line", "Id", "Why", right=("Line",))
        for fault in report.faults:
            _row(made, str(fault.line), fault.id, fault.reason)
        return [*said, made]
    return [*said]


def reconciliation(report: "Findings") -> "list[RenderableType]":
    """What was not as it should be."""
    looked = ", ".join(f"{part} {n:,}" for part, n in report.checked.items())
    if not report.findings:
        return [f"Everything is as it should be (looked at: {looked})."]
    made = table(f"Found (looked at: {looked})", "What", "About", "Words", "Put right")
    for finding in report.findings:
        style = None if finding.repaired else "red"
        _row(
            made,
            finding.kind.value,
            finding.subject,
            finding.what,
            "yes" if finding.repaired else "no: look at it",
            style=style,
        )
    return [made, *([f"… and {report.left_out} more."] if report.left_out else [])]


def simulation(report: Mapping[str, Any]) -> "list[RenderableType]":
    """The result of a scenario for a person."""
    currencies = {id_: account["currency"] for id_, account in report["accounts"].items()}

    def amount(text: str | None, account: str) -> str:
        return "" if text is None else signed(Decimal(text), currencies[account])

    story = table(
        "What happened", "Date", "Account", "Subscription", "What", "Amount", right=("Amount",)
    )
    for line in report["timeline"]:
        words = EVENTS.get(line["event"], line["event"].replace("_", " ")) + (
            f": {reason(line['reason'])}" if "reason" in line else ""
        )
        _row(
            story,
            line["date"],
            line["account"],
            line.get("id", ""),
            words,
            amount(line.get("amount"), line["account"]),
        )
    end = table(
        "How it ends",
        "Subscription",
        "Account",
        "Status",
        "Paid up to",
        "Renews on",
        "Next cycle",
        right=("Next cycle",),
    )
    for id_, found in report["subscriptions"].items():
        status = (
            found["status"]
            + (" (failed)" if found["renewal_failed"] else "")
            + ("" if found["auto_renew"] else " (auto-renewal off)")
        )
        fee = (
            "–"
            if found["fee"] is None
            else money(Decimal(found["fee"]), currencies[found["account"]])
        )
        _row(end, id_, found["account"], status, found["expiry"], found["renewal_date"] or "–", fee)
    wallets = table("Accounts", "Account", "Balance", "Usable", right=("Balance", "Usable"))
    for id_, found in report["accounts"].items():
        _row(
            wallets,
            id_,
            *(money(Decimal(found[key]), found["currency"]) for key in ("balance", "usable")),
        )
    parts: list[RenderableType] = [story, end, wallets]
    if report["refused"]:
        refused = table("Refused", "Step", "Command", "Rule", "Why")
        for found in report["refused"]:
            _row(refused, str(found["step"]), found["do"], found["rule"], found["reason"])
        parts.append(refused)
    return [
        *parts,
        f"{len(report['invoices'])} invoices and credit notes; ledger sum {report['ledger_sum']}.",
    ]


# for programs ---------------------------------------------------------------------------------------------------------


def data(value: Any, currency: str | None = None) -> Any:
    """A value as plain data. Amounts get the decimals of the currency that stands beside them, or of the value they are part of."""
    if is_dataclass(value) and not isinstance(value, type):
        own = getattr(value, "currency", None) or currency
        return {f.name: data(getattr(value, f.name), own) for f in fields(value)}
    match value:
        case Enum():
            return value.value
        case Decimal():
            return plain(value, currency) if currency else format(value, "f")
        case datetime():
            return value.isoformat()
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): data(item, currency) for key, item in value.items()}
        case str() | None | bool() | int() | float():
            return value
        case Iterable():
            return [data(item, currency) for item in value]
    return str(value)


def as_json(value: Any, currency: str | None = None) -> str:
    """A value as JSON text."""
    return json.dumps(data(value, currency), ensure_ascii=False, indent=2)
