"""`catalog` and `policy`: what is sold, and on which terms."""

from pathlib import Path
from typing import Annotated, Any

import typer

from doors.commandline.app import command, group
from doors.commandline.options import DryRun, FaultFile, Json

group("catalog", "What is sold: load it from a file, show it.")
group("policy", "The terms: load them from a file, show them.")


@command("catalog load", "catalog load catalog.yaml")
def catalog_load(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="YAML or JSON: a list of SKUs, or a mapping with `catalog`."
        ),
    ],
    json: Json = False,
) -> None:
    """Add SKUs, or later versions of SKUs with new prices. Known entries stay (rule 3.5)."""
    from doors.commandline import setup
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    entries = _values_of(file, "catalog")
    with ledger() as opened:
        new = setup.load_catalog(opened, entries)
    show({"new": new}, f"{new} new entries are in the catalogue.", json=json)


@command("catalog import", "catalog import prices.csv --dry-run --faults faults.csv")
def catalog_import(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV with the columns sku, currency, price and more."),
    ],
    dry_run: DryRun = False,
    faults: FaultFile = None,
    json: Json = False,
) -> None:
    """Add SKUs and prices from a table: a row for each SKU, currency and day (rule 3.5).

    The columns are sku, kind, application, months, currency, price, cost, activation_fee,
    trial_days, refundable and from. Entries that are there already stay as they are.
    """
    from doors.commandline import import_run, import_tables
    from doors.commandline.output import show

    report = import_run.import_catalog_with_fault_file(file, faults, dry_run=dry_run)
    show(report, import_tables.number_report(report), json=json)
    import_run.end_if_faulty(report.faulty, file, faults, "SKUs")


@command("catalog show", "catalog show")
def catalog_show(json: Json = False) -> None:
    """Show what is sold, with every version of the prices."""
    from core.domain import catalog
    from doors.commandline import tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import show
    from doors.queries.terms_in_force import catalog_in_force

    with ledger() as opened:
        found = catalog_in_force(opened)
    show(catalog.entries(found), tables.catalog(found), json=json)


@command("policy load", "policy load policy.yaml")
def policy_load(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="YAML or JSON: what differs from the defaults, or a mapping with `policy`.",
        ),
    ],
    json: Json = False,
) -> None:
    """Put a new version of the terms in force. Running steps keep theirs (rule 14)."""
    from doors.commandline import setup
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    values = _values_of(file, "policy")
    with ledger() as opened:
        version = setup.load_policy(opened, values)
    show({"version": version}, f"Version {version} is in force.", json=json)


@command("policy show", "policy show")
def policy_show(json: Json = False) -> None:
    """Show the terms in force."""
    from core.domain import policy
    from doors.commandline import tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import show
    from doors.queries.terms_in_force import policy_in_force

    with ledger() as opened:
        version, found = policy_in_force(opened)
    settings = policy.document(found)
    values = {"version": version, "policy": settings}
    show(values, tables.policy(version, settings), json=json)


def _values_of(file: Path, key: str) -> Any:
    """Return the values of a YAML or JSON file, or of one key of it, as in a scenario file."""
    from core.domain.faults import Faults
    from doors.commandline import inputs
    from doors.simulation import document

    values, faults = document.read(inputs.content("FILE", file))
    if faults:
        raise Faults(faults)
    return values[key] if isinstance(values, dict) and key in values else values
