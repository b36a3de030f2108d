"""Tables for people about imports: reports, what will become of the rows, rehearsals, undoing."""

from collections.abc import Sequence
from decimal import Decimal

from rich.table import Table

from core.domain.counted import counted
from core.ledger.imports import ImportLine
from doors.application.dates_and_money import day, money
from doors.commandline.tables import Printed, add_row, pairs, table
from doors.intake.import_outlook import (
    Comparison,
    DayOfRenewals,
    ExpectedRow,
    OutlookReport,
)
from doors.intake.import_report import ImportReport, NumberReport, RowFault
from doors.intake.import_undo import UndoReport
from doors.simulation.import_rehearsal import DayPlayed, RehearsalReport

_SHOWN_DAYS = 100


def import_or_rehearsal(report: ImportReport | RehearsalReport) -> list[Printed]:
    """Return what an import or a rehearsal did."""
    return rehearsal(report) if isinstance(report, RehearsalReport) else import_report(report)


def import_report(report: ImportReport) -> list[Printed]:
    """Return what an import did with a file of customers."""
    would = "would be " if report.dry_run else ""
    rate = report.rows / report.seconds if report.seconds else 0
    parts: list[Printed] = [
        f"{counted(report.rows, 'row')}: {report.imported:,} {would}imported, "
        f"{report.there:,} there already, {report.faulty:,} faulty "
        f"({report.seconds:.1f} s, {rate:,.0f} rows/s)."
    ]
    if report.skipped:
        other = counted(report.skipped, "row")
        parts.append(f"{other} replaced by newer ones or added to others, as the mapping says.")
    parts.append(f"Read as {report.read_as}.")
    if not report.dry_run:
        parts.append(f"{counted(report.started, 'workflow')} started.")
    if report.import_id is not None and report.imported:
        parts.append(
            f"This is import {report.import_id}. "
            f"`starter.py import undo {report.import_id}` takes it back while nothing has happened."
        )
    if report.outlook:
        parts += outlook(report.outlook)
    if report.unstarted:
        unstarted = counted(report.unstarted, "workflow")
        parts.append(f"{unstarted} could not be started. The relay tries again.")
    return [*parts, *_left_out(report), *_faulty_rows(report.faults)]


def _left_out(report: ImportReport) -> list[Printed]:
    if not report.left_out:
        return []
    made = table("Not brought in, as the mapping says", "Line", "Id", "Because", right=("Line",))
    for row in report.not_brought_in:
        add_row(made, str(row.line), row.id, row.reason)
    told = f"{counted(report.left_out, 'row is', 'rows are')} not brought in."
    more = report.left_out - len(report.not_brought_in)
    return [made, f"{told} --left-out FILE writes all." if more else told]


def _faulty_rows(faults: Sequence[RowFault]) -> list[Printed]:
    if not faults:
        return []
    made = table("Faulty rows", "Line", "Id", "Why", right=("Line",))
    for fault in faults:
        add_row(made, str(fault.line), fault.id, fault.reason)
    return [made]


def outlook(report: OutlookReport) -> list[Printed]:
    """Return what will become of the rows of an import."""
    if not report.expected:
        return []
    when = "today" if report.as_of is None else f"on {day(report.as_of)}"
    counts = [(what, f"{count:,}") for what, count in report.expected.items()]
    parts: list[Printed] = [pairs(f"As they will be {when}", counts)]
    if report.renewals:
        parts.append(_renewals(report.renewals))
    if report.comparison:
        parts += _comparison(report.comparison)
    parts.append(expected_rows("Some of them, as they will be", report.sample))
    if report.odd:
        parts += ["Look at this before you import:", *(f"  * {odd}" for odd in report.odd)]
    return parts


def _renewals(days: Sequence[DayOfRenewals]) -> Table:
    made = table(
        "Renewals of the next 30 days, if each is paid",
        "Day",
        "Renewals",
        "Amount",
        right=("Renewals", "Amount"),
    )
    for one in days:
        add_row(made, day(one.day), f"{one.renewals:,}", money(one.amount, one.currency))
    return made


def _comparison(found: Comparison) -> list[Printed]:
    told = (
        f"The next charge of the other system, held against the first day that is not paid here: "
        f"{counted(found.agree, 'agrees', 'agree')}, "
        f"{counted(found.a_day, 'is', 'are')} a day apart, "
        f"{counted(found.more, 'is', 'are')} more apart."
    )
    if not found.first:
        return [told]
    made = table("Apart", "Subscription", "Paid up to", "Charged there", "Days", right=("Days",))
    for row in found.first:
        add_row(
            made,
            row.subscription,
            day(row.paid_until),
            day(row.charged_there_on),
            f"{row.days_apart:+d}",
        )
    more = found.a_day + found.more - len(found.first)
    return [told, made, *([f"{more:,} more: --report FILE writes all."] if more else [])]


def expected_rows(title: str, rows: Sequence[ExpectedRow]) -> Table:
    """Return subscriptions as they will be."""
    columns = ("Account", "Subscription", "Status", "Paid up to", "Renews on", "Next fee")
    made = table(title, *columns, right=("Next fee",))
    for row in rows:
        add_row(
            made,
            row.account,
            row.subscription,
            row.status,
            day(row.paid_until),
            day(row.renews_on),
            money(row.next_fee, row.currency),
        )
    return made


def rehearsal(report: RehearsalReport) -> list[Printed]:
    """Return what happened in the rehearsal of an import."""
    done = report.imported
    told = (
        f"{done.imported:,} of {counted(done.rows, 'row')} lived from {report.begin:%Y-%m-%d} to "
        f"{report.until:%Y-%m-%d} in a temporary database. Nothing real was changed."
    )
    columns = ("Day", "Renewed", "Amount", "Failed", "By card", "Expired", "Terminated")
    made = table("What happened", *columns, right=columns[1:])
    for one in report.days[:_SHOWN_DAYS]:
        add_row(
            made,
            day(one.day),
            f"{one.renewed:,}",
            money(one.amount, one.currency),
            f"{one.failed:,}",
            money(one.by_card, one.currency),
            f"{one.expired:,}",
            f"{one.ended:,}",
        )
    parts: list[Printed] = [told, made]
    if len(report.days) > _SHOWN_DAYS:
        parts.append(f"{counted(len(report.days) - _SHOWN_DAYS, 'further day')}: --json shows all.")
    sums = _sums(report.days)
    parts += [f"Sum: {text}" for text in sums]
    if report.there:
        exist = counted(report.there, "account exists", "accounts exist")
        parts.append(f"{exist} already. The rehearsal plays the file without what they have.")
    parts += [f"Account {account} was left behind: {why}" for account, why in report.left.items()]
    return [*parts, *_faulty_rows(done.faults)]


def _sums(days: Sequence[DayPlayed]) -> list[str]:
    currencies = sorted({one.currency for one in days})
    found = []
    for currency in currencies:
        own = [one for one in days if one.currency == currency]
        amount = money(sum((one.amount for one in own), Decimal(0)), currency)
        renewed, failed = sum(one.renewed for one in own), sum(one.failed for one in own)
        expired = sum(one.expired for one in own)
        found.append(f"{renewed:,} renewed for {amount}, {failed:,} failed, {expired:,} expired.")
    return found


def takeover_table(
    line: ImportLine, first: Sequence[ExpectedRow], count: int, file: object
) -> list[Printed]:
    """Return subscriptions of an import as they are now."""
    made = expected_rows(
        f"Import {line.id} of {line.file}: {counted(count, 'subscription')}", first
    )
    written = f"{file} has all of them." if file else "--csv FILE writes all of them."
    return [made, written] if file or count > len(first) else [made]


def imports(lines: Sequence[ImportLine]) -> Printed:
    """Return the imports of files."""
    if not lines:
        return "Nothing was imported yet."
    columns = ("Id", "When (UTC)", "What", "File", "Prefix", "As of", "By", "Came", "Undone")
    made = table("Imports", *columns, right=("Came", "Undone"))
    for line in lines:
        add_row(
            made,
            str(line.id),
            f"{line.at:%Y-%m-%d %H:%M}",
            line.kind,
            line.file,
            line.prefix,
            "" if line.as_of is None else day(line.as_of),
            line.actor,
            f"{line.rows:,}",
            f"{line.undone:,}",
        )
    return made


def undo_report(report: UndoReport) -> list[Printed]:
    """Return what the undoing of imports did, or would do."""
    ids = ", ".join(map(str, report.imports))
    were = "was" if report.undone == 1 else "were"
    would = "would be taken back" if report.dry_run else f"{were} taken back"
    told = f"Import {ids}: {report.undone:,} {would}, {counted(report.kept, 'stays', 'stay')}."
    if not report.first_kept:
        return [told]
    made = table("What stays", "Account", "Why")
    for one in report.first_kept:
        add_row(made, one.subject, one.why)
    return [told, made]


def number_report(report: NumberReport) -> list[Printed]:
    """Return what an import did with a file of numbers."""
    would = "would be " if report.dry_run else ""
    rate = report.rows / report.seconds if report.seconds else 0
    told = (
        f"{counted(report.rows, 'row')}: {report.imported:,} {would}imported, "
        f"{report.there:,} there already, {report.faulty:,} faulty "
        f"({report.seconds:.1f} s, {rate:,.0f} rows/s)."
    )
    undo = (
        [f"This is import {report.import_id}."]
        if report.import_id is not None and report.imported
        else []
    )
    return [told, f"Read as {report.read_as}.", *undo, *_faulty_rows(report.faults)]
