"""`show`, `history`, `forecast`: look at a subscription."""

from pathlib import Path
from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Json, Listing, SubscriptionId


@command("show", "show s1")
def show_subscription(subscription: SubscriptionId, json: Json = False) -> None:
    """Show a subscription with its periods. This includes the next fee and the next step."""
    from doors.commandline import inputs, tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import show
    from doors.queries.subscriptions import find_subscription

    with ledger() as opened:
        view = find_subscription(opened, inputs.name("ID", subscription))
    show(view, tables.subscription(view), json=json)


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
    months: Annotated[int, typer.Option(min=1, max=240, help="How many months to look.")] = 12,
    card_declines: Annotated[
        bool, typer.Option("--card-declines", help="Assume that the stored card is declined.")
    ] = False,
    assume: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Show what these assumptions change (docs/what-if.md)."),
    ] = None,
    all_rows: Annotated[
        bool, typer.Option("--all", help="With --assume: also show what stays the same.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what happens without any command, or if assumptions come true.

    All subscriptions of the account are included, because they share its wallet. Nothing is
    changed: assumptions are played on a copy.
    """
    from doors.commandline import inputs, tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import show
    from doors.queries.forecasts import forecast_account

    id_ = inputs.name("ID", asked)
    if assume is not None:
        content = inputs.content("FILE", assume)
        _show_what_if(id_, content, months, not card_declines, all_rows, json)
        return
    if all_rows:
        inputs.wrong("--all", "is allowed with --assume only; a forecast shows everything")
    with ledger() as opened:
        view, entries = forecast_account(opened, id_, months, card_charges=not card_declines)
    parts = tables.forecast(id_, view, entries, months)
    show(entries, parts, json=json, currency=view.currency)


def _show_what_if(
    id_: str, content: bytes, months: int, card_charges: bool, all_rows: bool, json: bool
) -> None:
    """Play the assumptions of a file, and show what they change."""
    from doors.application.what_if import what_if
    from doors.commandline import what_if_tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import show
    from doors.queries.forecasts import known_of
    from doors.simulation import assumptions

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
    parts = [] if json else what_if_tables.what_if(found, months, all_rows=all_rows)
    show(found, parts, json=json, currency=found.currency)
