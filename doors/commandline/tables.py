"""Tables for people: subscriptions, accounts, histories, lists, forecasts, reports.

Cells are text as it is, with control characters escaped. Ids are never broken into two lines.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from core.domain.events import Event
from core.domain.forecast import Entry
from core.domain.money import is_currency, plain
from core.domain.numbers import Cause, Happened, HoldKind, NumberState
from core.domain.rules import Rule
from core.domain.steps import Step
from core.domain.subscription import Mode, Status
from core.ledger.double_entry import Book
from doors.application.dates_and_money import cycle, day, days_in_words, moment, money, signed
from doors.application.safe_text import printable, without_passwords
from doors.queries.account_list import AccountLine
from doors.queries.accounts import AccountView
from doors.queries.clocks import ClockLine
from doors.queries.explanations import Explanation
from doors.queries.histories import HistoryLine
from doors.queries.invoices import InvoiceView
from doors.queries.list_names import WorkList
from doors.queries.numbers import NumberHistoryLine, NumberLine, NumberView
from doors.queries.sentences import (
    change,
    closed,
    event,
    next_step,
    numbers_in_words,
    reason,
    state,
    terms,
    waiting,
)
from doors.queries.subscriptions import PeriodView, SubscriptionView
from doors.queries.totals import RETRY_FAILED, Totals
from doors.queries.work_lists import ListRow

if TYPE_CHECKING:
    from core.domain.findings import ReconciliationReport
    from doors.commandline.connection import Role
    from doors.commandline.embedded_stack import Part

#: What `output.show` prints: tables, and lines of text between them.
Printed = Table | str

_NEVER_WRAPPED = frozenset(
    {
        *("Subscription", "Account", "SKU", "Number", "Clock", "Id", "Setting", "Rule"),
        *("Task queue", "Worker", "About", "Invoice", "Operation"),
    }
)


def table(title: str, *columns: str, right: Sequence[str] = ()) -> Table:
    """Return an empty table. Columns in `right` hold numbers, columns of ids do not wrap."""
    made = _titled(title, box.SIMPLE_HEAD)
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=column in _NEVER_WRAPPED or column in right,
            overflow="fold",
        )
    return made


def add_row(made: Table, *cells: str, style: str | None = None) -> None:
    """Add a row. Text of people is no markup, and it cannot control the terminal."""
    made.add_row(*(Text(printable(cell)) for cell in cells), style=style)


def pairs(title: str, found: Iterable[tuple[str, str]]) -> Table:
    """Return a table of labels and values."""
    made = _titled(title, None)
    made.show_header = False
    made.padding = (0, 2, 0, 0)
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for label, value in found:
        add_row(made, label, value)
    return made


def _titled(title: str, lines: box.Box | None) -> Table:
    return Table(
        title=Text(printable(title)),
        title_justify="left",
        title_style="bold",
        box=lines,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def subscription(view: SubscriptionView) -> list[Printed]:
    """Return a subscription without its periods."""
    addons = ", ".join(f"{quantity} × {sku}" for sku, quantity in view.addons.items())
    cycles = f"{view.cycles_paid} cycle{'s' * (view.cycles_paid != 1)} paid"
    found = [
        ("Status", state(view)),
        ("Account", f"{view.account}" + (f", {view.owner}" if view.owner else "")),
        ("Assigned to", view.assigned_to or "the owner"),
        *([("Shared with", ", ".join(view.members))] if view.members else []),
        ("Bought", f"{view.quantity} × {view.sku}" + (f", with {addons}" if addons else "")),
        *([("Numbers", numbers_in_words(view.numbers))] if view.numbers else []),
        ("Cycle", cycle(view.cycle_months)),
        *(("Comes", change(it)) for it in view.coming),
        *(("Terms", term) for term in terms(view)),
        ("Next fee", _next_fee(view)),
        (last_day(view.trial), f"{day(view.expiry)} ({cycles})"),
        ("Renews on", _renews_on(view)),
        ("Next step", next_step(view.next_step, view.timezone)),
        ("Time zone", view.timezone),
    ]
    if view.clock:
        found.append(("Test clock", f"{view.clock}, {moment(view.now, view.timezone)}"))
    return [pairs(f"Subscription {view.subscription}", found)]


def last_day(trial: bool) -> str:
    """Return what the last day of a subscription is called."""
    return "Trial until" if trial else "Paid up to"


def _next_fee(view: SubscriptionView) -> str:
    return "–" if view.fee is None else f"{money(view.fee, view.currency)} at today's prices"


def _renews_on(view: SubscriptionView) -> str:
    if view.trial:
        return "a trial does not renew (rule 4.3)"
    return day(view.renewal_date) if view.auto_renew else "does not renew by itself"


def periods(found: Sequence[PeriodView], currency: str) -> Table:
    """Return periods of a subscription, with what was paid and given back."""
    made = table("Periods", "From", "To", "Paid", "Refunded", right=("Paid", "Refunded"))
    for period in found:
        refunded = money(period.refunded, currency) if period.refunded else ""
        paid = money(period.paid, currency)
        add_row(made, day(period.start), day(period.expiry), paid, refunded)
    return made


def account(view: AccountView) -> list[Printed]:
    """Return an account and its wallet."""
    until = f" until {day(view.credit_limit_until)}" if view.credit_limit_until else ""
    counts = ", ".join(f"{n} {status}" for status, n in sorted(view.subscriptions.items()))
    failed = f"; {view.failed} with a failed renewal" if view.failed else ""
    card = f"stored; renewals {'may' if view.renew_by_card else 'do not'} use it"
    found = [
        ("Owner", view.owner or "–"),
        ("Billing e-mail", view.billing_email or "–"),
        ("Mode", view.mode),
        ("Balance", money(view.balance, view.currency)),
        *(_postpaid(view) if view.mode is Mode.POSTPAID else []),
        ("Usable", f"{money(view.usable, view.currency)} (rule {view.mode.usable_rule})"),
        ("Credit limit", money(view.credit_limit, view.currency) + until),
        *([("Monthly invoice", waiting(view))] if view.waiting else []),
        ("Card", card if view.card else "none"),
        ("Automatic top-up", "on (rule 11.2)" if view.auto_top_up else "off"),
        ("Suspended", "yes: nothing renews (rule 11.8)" if view.suspended else "no"),
        *([("Closed", closed(view))] if view.closed_on else []),
        ("Subscriptions", (counts or "none") + failed),
        ("Time zone", view.timezone),
    ]
    if view.clock:
        found.append(("Test clock", f"{view.clock}, {moment(view.now, view.timezone)}"))
    return [pairs(f"Account {view.account}", found)]


def accounts(found: Sequence[AccountLine]) -> list[Printed]:
    """Return a page of the accounts of the seller."""
    if not found:
        return ["There are no accounts."]
    made = table("Accounts", "Account", "Owner", "Balance", "Note", right=("Balance",))
    for line in found:
        notes = [
            Mode.POSTPAID.value if line.mode == Mode.POSTPAID else "",
            "a renewal has failed" if line.failed else "",
            "suspended" if line.suspended else "",
            f"closed on {day(line.closed_on)}" if line.closed_on else "",
            on_clock(line.clock),
        ]
        whose = "\n".join(filter(None, (line.owner, line.billing_email)))
        balance = money(line.balance, line.currency)
        add_row(made, line.account, whose, balance, "; ".join(filter(None, notes)))
    return [made]


def _postpaid(view: AccountView) -> list[tuple[str, str]]:
    amounts = {
        "Unbilled": view.unbilled,
        "Receivable": view.receivable,
        "Overpayment": view.overpayment,
    }
    return [(label, money(amount, view.currency)) for label, amount in amounts.items()]


def invoices(found: Sequence[InvoiceView]) -> Table:
    """Return invoices and credit notes."""
    made = table("Invoices", "Number", "Date", "Kind", "Lines", "Total", right=("Total",))
    for invoice in found:
        currency = invoice.currency
        add_row(
            made,
            invoice.number or "not yet",
            day(invoice.date),
            invoice.kind.replace("_", " "),
            "\n".join(f"{text}: {money(amount, currency)}" for text, amount in invoice.lines),
            money(invoice.total, currency),
        )
    return made


def history(title: str, lines: Sequence[HistoryLine], *, whose: bool = False) -> Table:
    """Return what happened, oldest first. `whose` adds a column for the subscription."""
    columns = ["When", *["Subscription"] * whose, "What", "Amount", "Rule", "By"]
    made = table(title, *columns, right=("Amount",))
    for line in lines:
        add_row(
            made,
            moment(line.at, line.timezone),
            *[line.subscription or "(account)"] * whose,
            event(line),
            signed(line.amount, line.currency),
            line.rule,
            line.actor,
            style="red" if Event(line.event).bad_news else None,
        )
    return made


def work_list(which: str, rows: Sequence[ListRow]) -> list[Printed]:
    """Return a page of a work list, grouped by account."""
    if not rows:
        return [f"{which.capitalize()}: there are none."]
    columns = ("Account", "Subscription", "SKU", "Paid up to", "Renews on", "Note", "Balance")
    made = table(which.capitalize(), *columns, right=("Balance",))
    for _, group in groupby(rows, key=lambda row: row.account):
        for index, row in enumerate(group):
            _list_row(made, row, first_of_account=index == 0)
    return [made]


def _list_row(made: Table, row: ListRow, *, first_of_account: bool) -> None:
    clock = on_clock(row.clock)
    whose = "\n".join(filter(None, (row.account, row.owner, row.billing_email, clock)))
    add_row(
        made,
        whose if first_of_account else "",
        row.subscription,
        f"{row.quantity} × {row.sku}",
        day(row.expiry),
        day(row.renewal_date) if row.auto_renew and not row.trial else "–",
        _note(row),
        money(row.balance, row.currency) if first_of_account else "",
    )


def _note(row: ListRow) -> str:
    notes = ["trial"] if row.trial else []
    if row.status is Status.EXPIRED:
        what = "conversion" if row.trial else "renewal"
        notes += [f"{what} had failed: {reason(row.reason)}"] if row.reason else []
    else:
        notes += [f"failed on {day(row.failed_on)}: {reason(row.reason)}"] if row.reason else []
        notes += [] if row.auto_renew else ["auto-renewal off"]
    return "; ".join(notes)


def explanation(found: Explanation, answer: str, asked: str) -> list[Printed]:
    """Return why a subscription renewed or not, what led to it, and what comes next."""
    title = f"Subscription {found.subscription}: {found.status}"
    parts: list[Printed] = [pairs(title, [("Answer", days_in_words(answer)), ("Source", asked)])]
    if found.fee is not None:
        fee, usable = (money(amount, found.currency) for amount in (found.fee, found.usable))
        rule = found.mode.usable_rule
        parts.append(f"The next cycle costs {fee}. Usable is {usable} (rule {rule}).")
    parts.append(history("What led to it", found.because))
    if found.coming:
        coming = table("What comes next", "When", "What", "Rule", "Why")
        for item in found.coming:
            rule, why = (item.rule, item.why) if isinstance(item, Step) else (Rule.MESSAGES, "")
            when, why = moment(item.due, found.timezone), days_in_words(why)
            add_row(coming, when, item.kind.words, rule, why)
        parts.append(coming)
    return parts


def forecast(subscription: str, view: AccountView, entries: Sequence[Entry], months: int) -> Table:
    """Return what will happen to an account without any command, with its balance."""
    columns = ("When", "Subscription", "What", "Amount", "Balance", "Rule")
    title = f"Forecast for {view.account}: the next {cycle(months)}"
    made = table(title, *columns, right=("Amount", "Balance"))
    for entry in entries:
        add_row(
            made,
            moment(entry.at, view.timezone),
            entry.subscription or "(account)",
            event(entry),
            signed(entry.amount, view.currency),
            money(entry.balance, view.currency),
            entry.rule,
            style="dim" if entry.subscription not in (None, subscription) else None,
        )
    return made


def totals(found: Totals) -> list[Printed]:
    """Return sums over many subscriptions: what happened, their status, and the money."""
    columns = ("What", "How often", "Money")
    happened = table(f"What happened ({found.currency})", *columns, right=("How often", "Money"))
    for name, (count, amount) in sorted(found.events.items(), key=lambda item: _order(item[0])):
        words = "renewal failed, tried again" if name == RETRY_FAILED else Event(name).words
        add_row(happened, words, f"{count:,}", signed(amount or None, found.currency))
    now = table("Where they stand", "Status", "Subscriptions", right=("Subscriptions",))
    for status, count in sorted(found.statuses.items()):
        add_row(
            now, "ACTIVE, renewal failed" if status == WorkList.FAILED else status, f"{count:,}"
        )
    return [happened, now, _money_table(found)]


def _order(name: str) -> tuple[int, bool]:
    """Return the place of an event in the totals. A repeated failure follows the first one."""
    again = name == RETRY_FAILED
    return list(Event).index(Event.RENEWAL_FAILED if again else Event(name)), again


def _money_table(found: Totals) -> Table:
    """Return where the money in the wallets came from and went to, and the ledger's proof."""
    made = table("Money in and out of the customers' wallets", "What", "Sum", right=("Sum",))
    for name, amount in sorted(
        found.books.items(), key=lambda item: list(Book).index(Book(item[0]))
    ):
        if name != Book.WALLET:
            add_row(made, Book(name).words, signed(-amount, found.currency))
    in_wallets = money(found.books.get(Book.WALLET), found.currency)
    add_row(made, f"= {Book.WALLET.words}", in_wallets, style="bold")
    ledger_sum = plain(found.ledger_sum, found.currency)
    add_row(made, "sum of all postings in the ledger", ledger_sum, style="bold")
    return made


_AMOUNTS = ("prices", "activation_fee", "costs")
CATALOG_COLUMNS = (
    *("sku", "application", "kind", "months", "from", *_AMOUNTS, "trial_days", "refundable"),
)
"""The columns of the CSV of the catalogue."""


def catalog(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Return entries of the catalogue: what is sold, with every version of the prices."""
    made = table("Catalogue", "SKU", "Kind", "Cycle", "From", "Price")
    for entry in entries:
        prices = ", ".join(
            money(Decimal(price), currency)
            for currency, price in sorted(entry.get("prices", {}).items())
            if is_currency(currency)
        )
        kind = (entry["kind"], cycle(entry["months"])) if "kind" in entry else ("", "")
        since = day(date.fromisoformat(entry["from"])) if "from" in entry else "always"
        add_row(made, entry["sku"], *kind, since, prices or "–")
    return made


def catalog_cells(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of an entry of the catalogue in a CSV. Its amounts share one cell each."""
    cells = {name: entry.get(name) for name in CATALOG_COLUMNS}
    for name in _AMOUNTS:
        amounts = sorted(entry.get(name, {}).items())
        cells[name] = "; ".join(f"{currency} {amount}" for currency, amount in amounts)
    return cells


def policy(version: int | None, settings: Mapping[str, Any]) -> Table:
    """Return the terms in force."""
    title = f"Policy, version {version}" if version else "Policy: the defaults"
    made = table(title, "Setting", "Value")
    for key, value in settings.items():
        add_row(made, key, json.dumps(value))
    return made


def clocks(found: Sequence[ClockLine]) -> list[Printed]:
    """Return test clocks and their current instants."""
    if not found:
        return ["There is no test clock."]
    made = table("Test clocks", "Clock", "Now (UTC)", "Accounts", right=("Accounts",))
    for line in found:
        add_row(made, line.clock, moment(line.now, "UTC"), str(line.accounts))
    return [made]


def stack(parts: "Sequence[Part]") -> Table:
    """Return the servers of the stack. Passwords are left out."""
    made = table("Stack", "Part", "From", "State", "Address", "Process", "Details")
    for part in parts:
        files = [
            f"{kind} {file}" for kind, file in (("data", part.data), ("log", part.log)) if file
        ]
        add_row(
            made,
            part.name,
            part.source,
            part.state,
            without_passwords(part.address) or "–",
            str(part.pid or "–"),
            without_passwords("\n".join(filter(None, (part.detail, *files)))),
        )
    return made


def workers(roles: "Sequence[Role]") -> Table:
    """Return the roles of workers and the processes that serve them."""
    made = table("Workers", "Role", "Task queue", "Worker", "Last polled (UTC)")
    for role in roles:
        for poller in role.pollers:
            add_row(made, role.role, role.queue, poller.identity, f"{poller.last_seen:%H:%M:%S}")
        if not role.pollers:
            add_row(made, role.role, role.queue, "none", "", style="red")
    return made


def numbers(lines: Sequence[NumberLine]) -> list[Printed]:
    """Return a page of the inventory."""
    if not lines:
        return ["There is no such number in the inventory."]
    columns = ("Number", "SKU", "State", "Account", "Subscription", "Until", "Why")
    made = table("Numbers", *columns)
    for line in lines:
        add_row(
            made,
            line.number,
            line.sku,
            NumberState(line.state).words,
            line.account or "",
            line.subscription or "",
            "" if line.until is None else day(line.until),
            "; ".join(filter(None, (_why(line), on_clock(line.clock)))),
        )
    return [made]


def _why(line: NumberLine) -> str:
    why = "" if line.cause is None else Cause(line.cause).words
    return f"{why}: {line.remark}" if line.remark else why


def instant(at: datetime | None) -> str:
    """Return an instant in its own zone, to the minute, or never."""
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M}"


def on_clock(clock: str | None) -> str:
    """Return the mark of an account on a test clock, or an empty text."""
    return f"test clock {clock}" if clock else ""


def number(view: NumberView) -> list[Printed]:
    """Return a number without its history."""
    line, zone = view.line, view.timezone
    until = "" if line.until is None else f", until {day(line.until)}"
    found = [
        ("State", f"{NumberState(line.state).words} since {day(line.since)}{until}"),
        ("SKU", line.sku),
        ("Hold", HoldKind(line.hold).words),
        *([("Account", line.account)] if line.account else []),
        *([("Subscription", line.subscription)] if line.subscription else []),
        *([("Why", _why(line))] if line.cause else []),
    ]
    if view.returned_at and view.returned_by:
        found.append(("Given back", f"{moment(view.returned_at, zone)} by {view.returned_by}"))
    if view.next_step:
        found.append(("Next step", next_step(view.next_step, zone)))
    found.append(("Time zone", zone))
    return [pairs(f"Number {line.number}", found)]


def number_history(found: Sequence[NumberHistoryLine], zone: str) -> Table:
    """Return lines of the history of a number."""
    made = table("History", "When", "What", "Account", "Subscription", "Until", "Remark", "By")
    for one in found:
        add_row(
            made,
            moment(one.at, zone),
            Happened(one.what).words,
            one.account or "",
            one.subscription or "",
            "" if one.until is None else day(one.until),
            one.remark or "",
            one.actor,
        )
    return made


def reconciliation(report: "ReconciliationReport") -> list[Printed]:
    """Return what a reconciliation found and what it repaired."""
    checked = ", ".join(f"{part} {n:,}" for part, n in report.checked.items())
    if not report.findings and not report.left_out:
        return [f"Everything is as it should be (checked: {checked})."]
    made = table(f"Found (checked: {checked})", "What", "About", "Words", "Repaired")
    for finding in report.findings:
        add_row(
            made,
            finding.kind.value,
            finding.subject,
            finding.what,
            "yes" if finding.repaired else "no: check it",
            style=None if finding.repaired else "red",
        )
    return [made, *([f"… and {report.left_out} more."] if report.left_out else [])]


def simulation(report: Mapping[str, Any]) -> list[Printed]:
    """Return the result of a scenario, as docs/scenario.md describes it."""
    refused = [_refused_steps(report["refused"])] if report["refused"] else []
    return [
        _timeline(report),
        _final_subscriptions(report),
        _final_accounts(report),
        *refused,
        f"Invoices and credit notes: {len(report['invoices'])}; ledger sum {report['ledger_sum']}.",
    ]


def _timeline(report: Mapping[str, Any]) -> Table:
    columns = ("Date", "Account", "Subscription", "What", "Amount")
    made = table("What happened", *columns, right=("Amount",))
    for line in report["timeline"]:
        happened = Event(line["event"])
        amount = Decimal(line["amount"]) if "amount" in line else None
        add_row(
            made,
            line["date"],
            line["account"],
            line.get("id", ""),
            happened.words
            + (f": {reason(line['reason'])}" if "reason" in line else "")
            + (f", {line['number']}" if "number" in line else ""),
            signed(amount, _currency(report, line["account"])),
            style="red" if happened.bad_news else None,
        )
    return made


def _final_subscriptions(report: Mapping[str, Any]) -> Table:
    columns = ("Subscription", "Account", "Status", "Paid up to", "Renews on", "Next fee")
    made = table("How it ends", *columns, right=("Next fee",))
    for id_, found in report["subscriptions"].items():
        trial = " (trial)" if found["trial"] else ""
        failed = " (failed)" if found["renewal_failed"] else ""
        off = "" if found["auto_renew"] else " (auto-renewal off)"
        fee = None if found["fee"] is None else Decimal(found["fee"])
        add_row(
            made,
            id_,
            found["account"],
            found["status"] + trial + failed + off,
            found["expiry"],
            (found["auto_renew"] and found["renewal_date"]) or "–",
            money(fee, _currency(report, found["account"])),
        )
    return made


def _final_accounts(report: Mapping[str, Any]) -> Table:
    made = table("Accounts", "Account", "Balance", "Usable", right=("Balance", "Usable"))
    for id_, found in report["accounts"].items():
        amounts = (money(Decimal(found[key]), found["currency"]) for key in ("balance", "usable"))
        add_row(made, id_, *amounts)
    return made


def _refused_steps(refused: Sequence[Mapping[str, Any]]) -> Table:
    made = table("Refused", "Step", "Command", "Rule", "Why")
    for found in refused:
        add_row(made, str(found["step"]), found["do"], found["rule"], found["reason"])
    return made


def _currency(report: Mapping[str, Any], account: str) -> str:
    return str(report["accounts"][account]["currency"])
