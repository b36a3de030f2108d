"""`show`, `history`, `forecast`: look at a subscription."""

from pathlib import Path
from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Listing, SubscriptionId


@command("show", "show s1", "show s1 --csv periods.csv")
def show_subscription(subscription: SubscriptionId, listing: Listing) -> None:
    """Show a subscription with its periods. This includes the next fee and the next step.

    The newest periods are shown, in the order of time. The CSV has the periods.
    """
    from dataclasses import fields

    from doors.commandline import inputs, plain_data, tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import Head, List, show_list
    from doors.queries.subscriptions import PeriodView, find_subscription, period_rows

    id_ = inputs.name("ID", subscription)
    after = inputs.optional_day("--after", listing.after)
    with ledger() as opened:
        view = find_subscription(opened, id_, with_periods=False)
        values = plain_data.data(view)
        del values["periods"]
        show_list(
            List(
                rows=period_rows(opened, id_, after=after),
                oldest_first=period_rows(opened, id_, newest_first=False),
                table=lambda rows: [tables.periods(rows, view.currency)],
                key=lambda row: row.expiry.isoformat(),
                columns=[field.name for field in fields(PeriodView)],
                cells=lambda row: plain_data.data(row, view.currency),
                value=lambda row: plain_data.data(row, view.currency),
                head=Head(parts=tables.subscription(view), values=values, rows="periods"),
            ),
            listing,
        )


@command("history", "history s1", "history acme --account")
def history(
    subscription: Annotated[
        str, typer.Argument(metavar="ID", help="The subscription; with --account, the account.")
    ],
    listing: Listing,
    of_account: Annotated[
        bool, typer.Option("--account", help="Show the history of a whole account.")
    ] = False,
) -> None:
    """Show who did what, and by which rule. Changes of the balance are included.

    The newest lines are shown, in the order of time.
    """
    from dataclasses import fields

    from doors.commandline import inputs, tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.queries.histories import HistoryLine, account_lines, subscription_lines

    id_ = inputs.name("ID", subscription)
    read = account_lines if of_account else subscription_lines
    after = inputs.optional_position("--after", listing.after)
    with ledger() as opened:
        show_list(
            List(
                rows=read(opened, id_, after=after),
                oldest_first=read(opened, id_, newest_first=False),
                table=lambda lines: [tables.history(f"History of {id_}", lines, whose=of_account)],
                key=lambda line: str(line.seq),
                columns=[field.name for field in fields(HistoryLine)],
            ),
            listing,
        )


@command("forecast", "forecast s1 --months 24", "forecast acme --assume card-dies.yaml")
def forecast(
    asked: Annotated[
        str, typer.Argument(metavar="ID", help="The account, or one of its subscriptions.")
    ],
    listing: Listing,
    months: Annotated[int, typer.Option(min=1, max=240, help="How many months to look.")] = 12,
    card_declines: Annotated[
        bool, typer.Option("--card-declines", help="Assume that the stored card is declined.")
    ] = False,
    assume: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Show what these assumptions change (docs/what-if.md)."),
    ] = None,
) -> None:
    """Show what happens without any command, or if assumptions come true.

    All subscriptions of the account are included, because they share its wallet. Nothing is
    changed: assumptions are played on a copy. With --assume, --all also shows what stays the same.
    """
    from dataclasses import fields

    from core.domain.forecast import Entry
    from doors.application.dates_and_money import money
    from doors.commandline import inputs, plain_data, tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.commandline.output import say
    from doors.queries.forecasts import forecast_account

    id_ = inputs.name("ID", asked)
    if assume is not None:
        content = inputs.content("FILE", assume)
        _show_what_if(id_, content, months, not card_declines, listing)
        return
    with ledger() as opened:
        view, entries = forecast_account(opened, id_, months, card_charges=not card_declines)
    show_list(
        List(
            rows=iter(entries),
            table=lambda rows: [tables.forecast(id_, view, rows, months)],
            columns=[field.name for field in fields(Entry)],
            cells=lambda row: plain_data.data(row, view.currency),
            value=lambda row: plain_data.data(row, view.currency),
        ),
        listing,
    )
    if not listing.json and listing.csv is None:
        balance = money(view.balance, view.currency)
        say(f"This happens without any command. The balance now is {balance}.")


def _show_what_if(
    id_: str, content: bytes, months: int, card_charges: bool, listing: Listing
) -> None:
    """Play the assumptions of a file, and show what they change."""
    from doors.application.what_if import what_if
    from doors.commandline import what_if_tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.commandline.output import console, print_json, print_parts
    from doors.queries.forecasts import known_of
    from doors.scenarios import assumptions

    with ledger() as opened:
        known = known_of(opened, id_, months)
        assumed = assumptions.read(
            content,
            account=known.account,
            zone=known.zone,
            until=known.until,
            subscriptions=known.subscriptions,
            catalog=known.catalog,
        )
        found = what_if(opened, known.account, assumed, months, card_charges=card_charges)
    if listing.json:
        print_json(found, found.currency)
        return
    show_list(
        List(
            rows=what_if_tables.rows(found, everything=listing.limit is None),
            table=lambda rows: [what_if_tables.events(found, rows, months)],
            columns=what_if_tables.COLUMNS,
            cells=lambda row: what_if_tables.cells(row, found.currency),
        ),
        listing,
    )
    if listing.csv is None:
        print_parts(what_if_tables.ends(found, everything=listing.limit is None), console())
