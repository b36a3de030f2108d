"""`seller`: the seller's own wallet, which pays the costs (rule 11.5)."""

from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import Json

group("seller", "The seller's own wallet, which pays the costs of what is sold.")


@command("seller top-up", "seller top-up USD 1000.00 --request-id bank-2021-0042")
def top_up(
    currency: Annotated[str, typer.Argument(metavar="CODE", help="The currency, such as USD.")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="How much, such as 50.00.")],
    request_id: Annotated[
        str,
        typer.Option(metavar="ID", help="Idempotency key. The same key puts money in only once."),
    ],
    by: Annotated[
        str, typer.Option(metavar="NAME", help="Who asks, for the record.")
    ] = "command line",
    json: Json = False,
) -> None:
    """Put money into the wallet. Costs are paid from it under the policy `seller_wallet`."""
    from doors.commandline import inputs, setup
    from doors.commandline.connection import ledger
    from doors.commandline.dates_and_money import money
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
    from doors.commandline import tables
    from doors.commandline.connection import ledger
    from doors.commandline.dates_and_money import money
    from doors.commandline.output import show

    with ledger() as opened, opened.read() as connection:
        found = seller_wallets.balances(connection, opened.seller)
    made = tables.table("The seller's own wallet", "Currency", "Balance", right=("Balance",))
    for currency, amount in found.items():
        tables.add_row(made, currency, money(amount, currency))
    show({code: plain(amount, code) for code, amount in found.items()}, made, json=json)
