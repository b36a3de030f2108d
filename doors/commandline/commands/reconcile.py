"""`reconcile`: find differences between the database, the workflows and the card gateway."""

from typing import TYPE_CHECKING, Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Json

if TYPE_CHECKING:
    from core.domain.findings import ReconciliationReport


@command("reconcile", "reconcile", "reconcile --full")
def reconcile(
    full: Annotated[
        bool, typer.Option("--full", help="Check everything. This can take many minutes.")
    ] = False,
    json: Json = False,
) -> None:
    """Find differences and repair those that are safe.

    Database, workflows and card gateway are compared. Without --full it checks what the schedule
    checks every hour: what is new, what is late, and a 24th of the rest. The exit code is 1 when a
    person has to check something.
    """
    from doors.commandline import tables
    from doors.commandline.async_run import run
    from doors.commandline.exit_codes import Code, Ended
    from doors.commandline.output import show

    report = run(_reconcile(full))
    show(report, tables.reconciliation(report), json=json)
    if left := sum(not finding.repaired for finding in report.findings):
        raise Ended(f"A person has to check {left} findings.", Code.REFUSED)


async def _reconcile(full: bool) -> "ReconciliationReport":
    from doors.commandline import connection
    from doors.commandline.recording import recorded_work
    from doors.service.reconciliation import reconcile as find_differences

    async with connection.perennial() as perennial:
        with recorded_work(perennial.ledger, "reconcile", full=full) as done:
            report = await find_differences(perennial, full=full)
            repaired = sum(finding.repaired for finding in report.findings)
            done.update({"findings": len(report.findings), "repaired": repaired})
        return report
