"""`import`: take over customers of another system, and take an import back."""

from pathlib import Path
from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import DryRun, FaultFile, Json, Listing, Yes

group(
    "import",
    "Take over customers of another system. `import FILE` is short for `import file FILE`.",
    default="file",
)

ActorName = Annotated[str, typer.Option("--by", metavar="NAME", help="Who asks, for the history.")]


@command(
    "import file",
    "import file customers.csv --dry-run --faults faults.csv",
    "import examples/telco-customers.csv --mapping examples/telco-mapping.yaml --clock spring",
    "import customers.csv --as-of 2027-01-01",
    "import customers.csv --rehearse 3 months",
    "import customers.csv --suggest > mapping.yaml",
    "import subscriptions.csv --mapping stripe --set timezone=Europe/Berlin --dry-run",
)
def import_customers(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV with a header (docs/import.md).")
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|NAME",
            help="YAML: what its columns mean, or a ready one such as stripe. "
            "Default: by their names.",
        ),
    ] = None,
    constants: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Beside --mapping: the value of a field in every row. May be repeated.",
        ),
    ] = None,
    dry_run: DryRun = False,
    clock: Annotated[
        str | None, typer.Option(metavar="CLOCK", help="Attach the accounts to this test clock.")
    ] = None,
    faults: FaultFile = None,
    prefix: Annotated[
        str, typer.Option(metavar="TEXT", help="Put this before every id of the file.")
    ] = "",
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="The day on which Perennial takes over. Nothing is charged before it.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Import the first rows only.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="With --dry-run or --rehearse: CSV of all subscriptions as they will be.",
        ),
    ] = None,
    left_out: Annotated[
        Path | None,
        typer.Option(
            "--left-out",
            metavar="FILE",
            help="CSV of the rows that the mapping leaves out, with the reasons.",
        ),
    ] = None,
    rehearse: Annotated[
        tuple[int, str] | None,
        typer.Option(
            metavar="NUMBER months",
            help="Play the next months of these customers in a temporary database.",
        ),
    ] = None,
    suggest: Annotated[
        bool,
        typer.Option("--suggest", help="Print a mapping for the file, with what is not sure."),
    ] = False,
    card_declines: Annotated[
        bool, typer.Option("--card-declines", help="In the rehearsal, decline every card.")
    ] = False,
    by: ActorName = "command line",
    json: Json = False,
) -> None:
    """Take over customers of another system.

    They may be in the middle of their cycles. After an interruption, run the import again. No row
    is imported twice.
    """
    from doors.commandline import import_run, import_tables, inputs
    from doors.commandline.async_run import run
    from doors.commandline.output import show
    from doors.intake.ready_mappings import constants_of

    wanted = import_run.Import(
        file=file,
        mapping=mapping,
        dry_run=dry_run,
        clock=inputs.optional_name("--clock", clock),
        prefix=inputs.name("--prefix", prefix) if prefix else "",
        as_of=inputs.optional_day("--as-of", as_of),
        limit=limit,
        actor=inputs.name("--by", by),
        report=report,
        left_out=left_out,
        months=import_run.months_of("--rehearse", rehearse),
        decline_cards=card_declines,
        constants=constants_of("--set", constants or []),
    )
    for option in (("--dry-run", dry_run), ("--clock", clock)):
        import_run.refuse_together([("--rehearse", rehearse), option])
    import_run.refuse_together([("--rehearse", rehearse), ("--left-out", left_out)])
    import_run.refuse_together([("--suggest", suggest), ("--mapping", mapping), ("--json", json)])
    if suggest:
        typer.echo(import_run.suggestion(file), nl=False)
        return
    done = run(import_run.import_with_fault_file(wanted, faults))
    show(done, import_tables.import_or_rehearsal(done), json=json)
    import_run.end_if_faulty(import_run.faulty_rows(done), file, faults)


@command("import list", "import list")
def import_list(listing: Listing) -> None:
    """Show the imports of files, the newest first, and what is left of each."""
    from dataclasses import fields

    from core.ledger.imports import ImportLine
    from doors.commandline import import_tables, inputs
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.intake.import_undo import import_rows

    with ledger() as opened:
        show_list(
            List(
                rows=import_rows(opened, inputs.optional_position("--after", listing.after)),
                table=lambda lines: [import_tables.imports(lines)],
                key=lambda row: str(row.id),
                columns=[field.name for field in fields(ImportLine)],
            ),
            listing,
        )


@command("import report", "import report 12 --csv perennial.csv")
def import_report(
    which: Annotated[
        str,
        typer.Argument(metavar="IMPORT", help="The id of an import (`import list`), or a prefix."),
    ],
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV of all subscriptions of the import."),
    ] = None,
    json: Json = False,
) -> None:
    """Show what came in as it is now, to be held against the other system.

    The columns are subscription, account, status, auto_renew, paid_until, renews_on, next_fee and
    currency.
    """
    from doors.commandline import import_run, import_tables, inputs
    from doors.commandline.output import show

    line, first, count = import_run.takeover_table(inputs.text("IMPORT", which), csv)
    found = {"import": line.id, "subscriptions": count, "first": first}
    show(found, import_tables.takeover_table(line, first, count, csv), json=json)


@command("import undo", "import undo 12", "import undo trial- --dry-run --kept kept.csv")
def import_undo(
    which: Annotated[
        str,
        typer.Argument(metavar="IMPORT", help="The id of an import (`import list`), or a prefix."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be taken back.")
    ] = False,
    kept: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV for all accounts that stay, with reasons."),
    ] = None,
    by: ActorName = "command line",
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Take an import back. What something has happened to stays (docs/import.md).

    After an interruption, run it again.
    """
    from doors.commandline import import_run, import_tables, inputs
    from doors.commandline.exit_codes import Code, Ended
    from doors.commandline.output import show

    wanted = import_run.Undo(
        which=inputs.text("IMPORT", which),
        dry_run=dry_run,
        kept=kept,
        actor=inputs.name("--by", by),
        yes=yes,
        json=json,
    )
    report = import_run.undo(wanted)
    show(report, import_tables.undo_report(report), json=json)
    if report.kept:
        raise Ended(
            f"{report.kept:,} left alone, because something has happened there. "
            + (f"{kept} lists all." if kept else "--kept FILE lists all."),
            Code.REFUSED,
        )
