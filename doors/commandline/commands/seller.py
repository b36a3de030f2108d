"""`seller`: its own wallet (rule 11.5), its profile on documents, its taxes (rule 11.4)."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import (
    By,
    City,
    Country,
    Json,
    Listing,
    NameOnDocuments,
    PostalCode,
    ProfileHistory,
    Street,
    TaxNumber,
)

group("seller", "The seller's own wallet, its profile on documents, and its taxes.")


class Lines(StrEnum):
    """How the lines of a document are shown."""

    INCLUSIVE = "inclusive"
    EXCLUSIVE = "exclusive"


@command("seller top-up", "seller top-up USD 1000.00 --request-id bank-2021-0042")
def top_up(
    currency: Annotated[str, typer.Argument(metavar="CODE", help="The currency, such as USD.")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="How much, such as 50.00.")],
    request_id: Annotated[
        str,
        typer.Option(metavar="ID", help="Idempotency key. The same key puts money in only once."),
    ],
    by: By = "command line",
    json: Json = False,
) -> None:
    """Put money into the wallet. Costs are paid from it under the policy `seller_wallet`."""
    from doors.application.dates_and_money import money
    from doors.commandline import inputs, setup
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    code = inputs.currency("CODE", currency)
    added = inputs.positive_amount("AMOUNT", amount)
    with ledger() as opened:
        anew, holds = setup.top_up_seller(
            opened,
            code,
            added,
            request_id=inputs.name("--request-id", request_id),
            actor=inputs.name("--by", by),
        )
    done = f"{money(added, code)} put in" if anew else "It had been put in before"
    values = {"currency": code, "amount": added, "replayed": not anew, "balance": holds}
    show(values, f"{done}; the wallet holds {money(holds, code)}.", json=json, currency=code)


@command("seller show", "seller show")
def show_wallets(json: Json = False) -> None:
    """Show what the seller's own wallet holds, by currency."""
    from core.domain.money import plain
    from core.ledger import seller_wallets
    from doors.application.dates_and_money import money
    from doors.commandline import tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    with ledger() as opened, opened.read() as connection:
        found = seller_wallets.balances(connection, opened.seller)
    made = tables.table("The seller's own wallet", "Currency", "Balance", right=("Balance",))
    for currency, amount in found.items():
        tables.add_row(made, currency, money(amount, currency))
    show({code: plain(amount, code) for code, amount in found.items()}, made, json=json)


@command(
    "seller profile",
    "seller profile --name 'Northwind Telecom' --street 'Harbour Road 12' --city Hamburg "
    "--postal-code 20457 --country DE --tax-number DE123456789 --logo logo.png",
    "seller profile --history",
)
def profile(
    name: NameOnDocuments = None,
    street: Street = None,
    postal_code: PostalCode = None,
    city: City = None,
    country: Country = None,
    tax_number: TaxNumber = None,
    registration: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Number in the register of companies.")
    ] = None,
    email: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where customers ask.")
    ] = None,
    payment: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="How and by when an amount that is due is paid."),
    ] = None,
    logo: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A PNG or JPEG picture, up to 200 kB.")
    ] = None,
    no_logo: Annotated[bool, typer.Option("--no-logo", help="Remove the logo.")] = False,
    history: ProfileHistory = False,
    by: By = "command line",
    json: Json = False,
) -> None:
    """Show or change what documents show of the seller. Empty text removes a value.

    A change holds for invoices that get their number after it.
    """
    from core.ledger import profiles
    from doors.commandline import document_tables, inputs, setup
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    lines = {
        "name": inputs.line("--name", name),
        "street": inputs.line("--street", street),
        "postal_code": inputs.line("--postal-code", postal_code),
        "city": inputs.line("--city", city),
        "country": inputs.country("--country", country) if country else country,
        "tax_number": inputs.line("--tax-number", tax_number),
        "registration": inputs.line("--registration", registration),
        "email": inputs.email("--email", email) if email else email,
        "payment": inputs.line("--payment", payment),
    }
    changes: dict[str, str | bytes | None] = {
        key: value for key, value in lines.items() if value is not None
    }
    if logo is not None and no_logo:
        inputs.wrong("--no-logo", "removes the logo that --logo sets; name one of them")
    if logo is not None or no_logo:
        changes["logo"] = None if logo is None else inputs.logo("--logo", logo)
    with ledger() as opened:
        if changes:
            setup.set_seller_profile(opened, changes, inputs.name("--by", by))
        with opened.read() as connection:
            now = profiles.seller_profile(connection, opened.seller)
            versions = profiles.seller_versions(connection, opened.seller) if history else []
    parts = document_tables.profile("Seller", now, versions)
    show(document_tables.profile_data(now, versions), parts, json=json)


@command(
    "seller tax",
    "seller tax DE 19 --since 2026-01-01 --name USt.",
    "seller tax SG 9 --since 2024-01-01 --name GST --lines exclusive",
)
def tax(
    country: Annotated[
        str, typer.Argument(metavar="COUNTRY", help="Of the customer: ISO 3166 code, such as DE.")
    ],
    percent: Annotated[str, typer.Argument(metavar="PERCENT", help="0 to 100.")],
    since: Annotated[
        str, typer.Option(metavar="DATE", help="The first day, by the date of an invoice.")
    ],
    name: Annotated[
        str, typer.Option(metavar="TEXT", help="What documents call it, such as VAT.")
    ] = "VAT",
    lines: Annotated[
        Lines, typer.Option(help="Whether lines are shown with the tax that they hold.")
    ] = Lines.INCLUSIVE,
    by: By = "command line",
    json: Json = False,
) -> None:
    """Set the tax that documents show. What is charged stays the same: it holds the tax already.

    A customer without a country has the seller's. An invoice that has its number keeps its tax.
    """
    from core.domain.taxes import Shown, TaxRate
    from doors.commandline import inputs, setup
    from doors.commandline.connection import ledger

    rate = TaxRate(
        country=inputs.country("COUNTRY", country),
        since=inputs.day("--since", since),
        percent=inputs.percent("PERCENT", percent),
        name=inputs.text("--name", name, 40),
        shown=Shown(lines.value),
    )
    with ledger() as opened:
        setup.add_tax_rate(opened, rate, inputs.name("--by", by))
    taxes(Listing(limit=None, after=None, csv=None, bom=False, json=json))


@command("seller taxes", "seller taxes")
def taxes(listing: Listing) -> None:
    """Show the taxes, at most 1000. Of two with one country and day, the last counts."""
    from dataclasses import fields

    from core.domain.taxes import TaxRate
    from core.ledger import profiles
    from doors.commandline import document_tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list

    with ledger() as opened, opened.read() as connection:
        found = profiles.tax_rates(connection, opened.seller)
    show_list(
        List(
            rows=iter(found),
            table=document_tables.taxes,
            columns=[field.name for field in fields(TaxRate)],
        ),
        listing,
    )
