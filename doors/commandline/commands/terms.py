"""`catalog` and `policy`: what is sold, and on which terms."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from doors.commandline.app import command, group
from doors.commandline.options import DryRun, FaultFile, Json, Listing

if TYPE_CHECKING:
    from doors.application.terms_effect import NewTerms, Sampling

Accounts = Annotated[
    int, typer.Option(min=1, max=500, help="The most accounts that are drawn by chance.")
]
Months = Annotated[int, typer.Option(min=1, max=12, help="How many months to look.")]
Draw = Annotated[int, typer.Option(min=1, max=1000, help="Another number draws other accounts.")]
Clock = Annotated[
    str | None,
    typer.Option(metavar="CLOCK", help="Accounts on this test clock. Default: real ones."),
]
_MOST_SECONDS = 600.0
"""After so long no further account is played."""

group("catalog", "What is sold: load it from a file, show it.")
group("policy", "The terms: load them from a file, show them.")


@command("catalog load", "catalog load examples/catalog.yaml")
def catalog_load(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="YAML or JSON: a list of SKUs, or a mapping with `catalog`."
        ),
    ],
    json: Json = False,
) -> None:
    """Add SKUs, or later versions of SKUs with new prices. Known entries stay (rule 3.5).

    An entry has sku, kind (application, service, hardware, addon or number), application, months,
    prices, costs, activation_fee, trial_days, refundable and from. Its prices are amounts by
    currency. examples/catalog.yaml says what each field means.
    """
    from doors.commandline import setup
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    entries = _values_of(file, "catalog")
    with ledger() as opened:
        new = setup.load_catalog(opened, entries)
    entries_are = "entry is" if new == 1 else "entries are"
    show({"new": new}, f"{new} new {entries_are} in the catalogue.", json=json)


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


@command("catalog effect", "catalog effect prices.yaml --months 3")
def catalog_effect(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="YAML or JSON: a list of SKUs, or a mapping with `catalog`."
        ),
    ],
    listing: Listing,
    accounts: Accounts = 50,
    months: Months = 2,
    draw: Draw = 1,
    clock: Clock = None,
) -> None:
    """Show who would renew differently if SKUs or prices were added (rule 3.5).

    A sample of accounts is played on copies, and nothing is changed. With --all, subscriptions that
    renew as before are shown too.
    """
    from doors.application.new_terms import new_entries
    from doors.application.terms_effect import NewTerms, Sampling
    from doors.commandline.connection import ledger
    from doors.commandline.inputs import wrong
    from doors.queries.terms_in_force import catalog_entries

    entries = _values_of(file, "catalog")
    if not isinstance(entries, list):
        wrong("catalog", "must be a list of SKUs, or a mapping with the key catalog")
    with ledger() as opened:
        new = new_entries(entries, [line.entry for line in catalog_entries(opened)])
    sampling = Sampling(accounts=accounts, months=months, draw=draw, clock=clock)
    _show_effect(NewTerms(entries=tuple(new)), sampling, listing)


@command("catalog show", "catalog show")
def catalog_show(listing: Listing) -> None:
    """Show what is sold, with every version of the prices."""
    from core.domain import catalog
    from doors.commandline import tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.queries.terms_in_force import catalog_in_force

    with ledger() as opened:
        found = catalog_in_force(opened)
    show_list(
        List(
            rows=iter(catalog.entries(found)),
            table=lambda entries: [tables.catalog(entries)],
            columns=tables.CATALOG_COLUMNS,
            cells=tables.catalog_cells,
        ),
        listing,
    )


@command("policy load", "policy load examples/policy.yaml")
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
    """Put a new version of the terms in force. Running steps keep theirs (rule 14).

    `policy show` lists the settings, and rule 14 of docs/rules.md says what they mean.
    """
    from doors.commandline import setup
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    values = _values_of(file, "policy")
    with ledger() as opened:
        version = setup.load_policy(opened, values)
    show({"version": version}, f"Version {version} is in force.", json=json)


@command("policy effect", "policy effect policy.yaml --accounts 100")
def policy_effect(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="YAML or JSON: what differs from the defaults, or a mapping with `policy`.",
        ),
    ],
    listing: Listing,
    accounts: Accounts = 50,
    months: Months = 2,
    draw: Draw = 1,
    clock: Clock = None,
) -> None:
    """Show who would renew differently if a policy were put in force now (rule 14).

    A sample of accounts is played on copies, and nothing is changed. A policy holds for expiry
    dates that are set from now on, so it shows from the second renewal of a subscription on. With
    --all, subscriptions that renew as before are shown too.
    """
    from core.domain import policy
    from doors.application.terms_effect import NewTerms, Sampling

    new = policy.load(_values_of(file, "policy") or {})
    sampling = Sampling(accounts=accounts, months=months, draw=draw, clock=clock)
    _show_effect(NewTerms(policy=new), sampling, listing)


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


def _show_effect(terms: "NewTerms", sampling: "Sampling", listing: Listing) -> None:
    """Play a sample under new terms, and show who would renew differently."""
    from doors.application.effect_words import COLUMNS, lines
    from doors.application.terms_effect import effect_of
    from doors.commandline import effect_tables, inputs
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.commandline.output import console, print_json, print_parts
    from doors.commandline.progress_bars import counting
    from doors.queries.clocks import find_clock

    with ledger() as opened, counting("accounts") as progress:
        if sampling.clock is not None:
            find_clock(opened, inputs.name("--clock", sampling.clock))
        found = effect_of(opened, terms, sampling, seconds=_MOST_SECONDS, progress=progress)
    everything = listing.limit is None
    if listing.json:
        print_json(effect_tables.as_data(found, everything=everything))
    elif listing.csv is not None:
        show_list(
            List(
                rows=lines(found),
                table=lambda _: [],
                columns=COLUMNS,
                cells=lambda line: line,
            ),
            listing,
        )
    else:
        show_list(
            List(
                rows=effect_tables.rows(found, everything=everything),
                table=lambda rows: [effect_tables.subscriptions(found, rows)],
                columns=COLUMNS,
            ),
            listing,
        )
        print_parts(effect_tables.ends(found), console())


def _values_of(file: Path, key: str) -> Any:
    """Return the values of a YAML or JSON file, or of one key of it, as in a scenario file."""
    from core.domain.faults import Faults
    from doors.commandline import inputs
    from doors.scenarios import document

    values, faults = document.read(inputs.content("FILE", file))
    if faults:
        raise Faults(faults)
    return values[key] if isinstance(values, dict) and key in values else values
