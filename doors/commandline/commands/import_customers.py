"""`import`: take over customers of another system."""

from pathlib import Path
from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Json


@command(
    "import",
    "import customers.csv --dry-run --faults faults.csv",
    "import examples/telco-customers.csv --mapping examples/telco-mapping.yaml --clock spring",
)
def import_customers(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV with a header (docs/import.md).")
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML: what its columns mean. Default: by their names."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and write nothing.")
    ] = False,
    clock: Annotated[
        str | None, typer.Option(metavar="CLOCK", help="Attach the accounts to this test clock.")
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV for the faulty rows, with reasons. Default: FILE-faults.csv here.",
        ),
    ] = None,
    prefix: Annotated[
        str, typer.Option(metavar="TEXT", help="Put this before every id of the file.")
    ] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="Import the first rows only.")] = None,
    json: Json = False,
) -> None:
    """Take over customers of another system.

    They may be in the middle of their cycles. After an interruption, run the import again. No row
    is imported twice.
    """
    from doors.commandline import import_run, inputs, tables
    from doors.commandline.async_run import run
    from doors.commandline.exit_codes import Code, Ended
    from doors.commandline.output import show

    wanted = import_run.Import(
        file=file,
        mapping=mapping,
        dry_run=dry_run,
        clock=inputs.optional_name("--clock", clock),
        prefix=inputs.name("--prefix", prefix) if prefix else "",
        limit=limit,
    )
    report = run(import_run.import_with_fault_file(wanted, faults))
    show(report, tables.import_report(report), json=json)
    if report.faulty:
        listed = faults or import_run.fault_file_of(file)
        raise Ended(
            f"{report.faulty} rows are faulty. {listed} lists them. "
            "The other rows are not affected.",
            Code.BAD_INPUT,
        )
