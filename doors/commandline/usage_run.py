"""A file of usage from the command line: its receipt, its progress bar, its errors.

`doors.intake.usage_file` does the work.
"""

from pathlib import Path

from core.domain.counted import counted
from doors.application.dates_and_money import money
from doors.application.patience import OutcomeUnknown
from doors.commandline import connection, tables
from doors.commandline.async_run import run
from doors.commandline.exit_codes import Code, Ended, Unavailable
from doors.commandline.inputs import wrong
from doors.commandline.options import Request
from doors.commandline.output import show
from doors.commandline.progress_bars import counting
from doors.commandline.recording import recorded_work
from doors.intake.csv_rows import digest_of
from doors.intake.usage_file import UsageReport, charge_file


def charge_file_with_receipt(file: Path, receipt: Path | None, request: Request) -> None:
    """Charge a file and print what became of it.

    Raises `Ended` when rows were not charged: `Code.REFUSED` by a rule, `Code.BAD_INPUT` when rows
    are faulty, `Code.UNAVAILABLE` when the outcome of rows is unknown.
    """
    written = receipt or Path(f"{file.stem}-receipt.csv")
    if written.exists() and file.exists() and written.samefile(file):
        wrong("--receipt", f"{written} is the file of usage itself; name another file")
    report = run(_charge(file, written, request.actor))
    show(report, _told(report), json=request.json)
    left = report.refused + report.faulty + report.unknown
    if not left:
        return
    not_charged = counted(left, "row was", "rows were")
    told = f"{not_charged} not charged. {written} has the outcome of each row."
    if report.unknown:
        raise Unavailable(f"{told}\nRepeat the file to find out about {report.unknown:,} of them.")
    raise Ended(told, Code.BAD_INPUT if report.faulty else Code.REFUSED)


def _told(report: UsageReport) -> list[tables.Printed]:
    """What became of a file, for a person."""
    rate = report.rows / report.seconds if report.seconds else 0
    told = (
        f"{counted(report.rows, 'row')}: {report.charged:,} charged, "
        f"{report.repeated:,} charged before, {report.refused:,} refused, "
        f"{report.faulty:,} faulty, {report.unknown:,} unknown "
        f"({report.seconds:.1f} s, {rate:,.0f} rows/s)."
    )
    parts: list[tables.Printed] = [told]
    if report.amounts:
        sums = (money(amount, currency) for currency, amount in sorted(report.amounts.items()))
        parts.append(f"Charged: {', '.join(sums)}.")
    if report.not_charged:
        title = "The first rows that were not charged"
        made = tables.table(title, "Line", "Id", "Outcome", "Why")
        for row in report.not_charged:
            tables.add_row(made, str(row.line), row.request_id, row.outcome, row.reason)
        parts.append(made)
    return parts


async def _charge(file: Path, receipt: Path, actor: str) -> UsageReport:
    config = connection.configured()
    again = "What was charged stays. Run the same command again: no row is charged twice."
    with counting(file.name, again=again) as progress:
        try:
            async with connection.perennial(config) as perennial:
                await connection.require_workers(perennial, config)
                charge = perennial.charge_usage_batch
                digest = digest_of(file)
                with recorded_work(perennial.ledger, "charge_usage_batch", digest=digest) as done:
                    report = await charge_file(
                        file, receipt, charge, actor=actor, progress=progress
                    )
                    done.update({"charged": report.charged, "refused": report.refused})
                return report
        except OSError as error:
            place = str(error.filename or file)
            wrong(place, f"cannot be read or written: {error.strerror or error}")
        except OutcomeUnknown as error:
            raise Unavailable(
                f"The file was not charged to its end: {error.reason}.\n"
                f"{receipt} has the outcome of each row before. Repeat the file: "
                "no row is charged twice."
            ) from None
