"""`top-up`, `usage`, `transfer`, `adjust`, `pay-invoice`, `card`: the money of an account."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import AccountId, ByCard, Request

if TYPE_CHECKING:
    from core.domain.commands import AnyCommand
    from core.domain.commands.set_card import SetCard

group("card", "Store or remove the card of an account.")


@command(
    "top-up",
    "top-up acme 50.00",
    "top-up acme 1200 --currency JPY --request-id bank-2021-0042",
)
def top_up(
    account: AccountId,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="How much, such as 50.00.")],
    request: Request,
    currency: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Refuse unless the account has this currency."),
    ] = None,
) -> None:
    """Add credits. Failed renewals that they cover are renewed at once, oldest first (rule 5.4)."""
    from core.domain.commands.top_up import TopUp
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    name, positive = inputs.name("ACCOUNT", account), inputs.positive_amount("AMOUNT", amount)
    if currency is not None:
        _require_currency(name, inputs.currency("--currency", currency))
    added = TopUp(account=name, amount=positive, request_id=request.id, actor=request.actor)
    issue(added, request)


@command("usage", "usage acme 0.12345 --text calls", "usage --file calls.csv")
def usage(
    request: Request,
    account: Annotated[
        str | None, typer.Argument(metavar="ACCOUNT", help="The account. Not with --file.")
    ] = None,
    amount: Annotated[
        str | None, typer.Argument(metavar="AMOUNT", help="How much, such as 0.12345.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What was used, for the invoice.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV of many rows: request_id, account, amount, text. Each row is charged once.",
        ),
    ] = None,
    receipt: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV for the outcome of each row. Default: FILE-receipt.csv here.",
        ),
    ] = None,
) -> None:
    """Charge usage. It stands on the invoice of the month (rules 3.2, 11.4).

    A row of a file that is refused or faulty does not stop the others. After an interruption, run
    the file again. No row is charged twice.
    """
    from core.domain.commands.usage import Usage
    from doors.commandline import inputs, usage_run
    from doors.commandline.issue_commands import issue

    if file is not None:
        if account is not None or text is not None or request.preview:
            inputs.wrong("--file", "goes with --receipt, --by and --json only")
        usage_run.charge_file_with_receipt(file, receipt, request)
        return
    if receipt is not None:
        inputs.wrong("--receipt", "goes with --file only")
    if account is None or amount is None or text is None:
        inputs.wrong("usage", "needs ACCOUNT, AMOUNT and --text, or --file")
    used = Usage(
        account=inputs.name("ACCOUNT", account),
        amount=inputs.positive_amount("AMOUNT", amount),
        text=inputs.text("--text", text),
        request_id=request.id,
        actor=request.actor,
    )
    issue(used, request)


@command("transfer", "transfer acme other 50.00")
def transfer(
    account: AccountId,
    to: Annotated[str, typer.Argument(metavar="TO", help="The account that gets the credits.")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="How much, such as 50.00.")],
    request: Request,
) -> None:
    """Move credits to another account. Renewals that failed there are retried (rule 11.9)."""
    from core.domain.commands.transfer import Transfer
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    moved = Transfer(
        account=inputs.name("ACCOUNT", account),
        to=inputs.name("TO", to),
        amount=inputs.positive_amount("AMOUNT", amount),
        request_id=request.id,
        actor=request.actor,
    )
    issue(moved, request)


@command(
    "adjust", "adjust acme --give 5.00 --reason goodwill", "adjust acme --take 2.50 --reason x"
)
def adjust(
    account: AccountId,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the history.")],
    request: Request,
    give: Annotated[str | None, typer.Option(metavar="AMOUNT", help="Credits to give.")] = None,
    take: Annotated[str | None, typer.Option(metavar="AMOUNT", help="Credits to take.")] = None,
) -> None:
    """Give or take credits, with a reason (rule 11.9)."""
    from core.domain.commands.adjust import Adjust
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    if (give is None) == (take is None):
        inputs.wrong("adjust", "name either --give or --take")
    amount = (
        inputs.positive_amount("--give", give)
        if give is not None
        else -inputs.positive_amount("--take", take or "")
    )
    adjusted = Adjust(
        account=inputs.name("ACCOUNT", account),
        amount=amount,
        reason=inputs.text("--reason", reason),
        request_id=request.id,
        actor=request.actor,
    )
    issue(adjusted, request)


@command("pay-invoice", "pay-invoice acme 50.00")
def pay_invoice(
    account: AccountId,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="How much, such as 50.00.")],
    request: Request,
) -> None:
    """Book a payment of a postpaid account. The excess is overpayment (rule 11.6)."""
    from core.domain.commands.pay_invoice import PayInvoice
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    paid = PayInvoice(
        account=inputs.name("ACCOUNT", account),
        amount=inputs.positive_amount("AMOUNT", amount),
        request_id=request.id,
        actor=request.actor,
    )
    issue(paid, request)


@command("card set", "card set acme sim_ok --renew-by-card")
def card_set(
    account: AccountId,
    token: Annotated[
        str,
        typer.Argument(
            metavar="TOKEN", help="The gateway's token for the card. Never a card number."
        ),
    ],
    request: Request,
    renew_by_card: ByCard = None,
) -> None:
    """Store a card. This does not retry failed renewals (rule 5.4)."""
    from core.domain.commands.set_card import SetCard
    from doors.commandline import inputs

    digits = token.replace(" ", "").replace("-", "")
    if digits.isdigit() and 12 <= len(digits) <= 19:
        inputs.wrong(
            "TOKEN",
            "looks like a card number, which must not be given here; "
            "give the token that the card gateway made for it",
        )
    name, card = inputs.name("ACCOUNT", account), inputs.name("TOKEN", token)
    changed = SetCard(account=name, card=card, request_id=request.id, actor=request.actor)
    _change_card(changed, renew_by_card, request)


@command("card remove", "card remove acme --no-renew-by-card")
def card_remove(account: AccountId, request: Request, renew_by_card: ByCard = None) -> None:
    """Remove the stored card."""
    from core.domain.commands.set_card import SetCard
    from doors.commandline import inputs

    name = inputs.name("ACCOUNT", account)
    removed = SetCard(account=name, card=None, request_id=request.id, actor=request.actor)
    _change_card(removed, renew_by_card, request)


def _change_card(card: "SetCard", renew_by_card: bool | None, request: Request) -> None:
    """Set the card and, if it is given, the switch *renew by card* (Rule 5.3)."""
    from core.domain.commands.set_account import SetAccount
    from doors.commandline import outcome
    from doors.commandline.issue_commands import (
        end_if_refused,
        issue_all,
        outcome_data,
        preview_all,
    )
    from doors.commandline.output import print_json, say

    switch = SetAccount(
        account=card.account,
        renew_by_card=renew_by_card,
        request_id=request.key_of("switch"),
        actor=request.actor,
    )
    commands: list[AnyCommand] = [card] if renew_by_card is None else [card, switch]
    if request.preview:
        preview_all(commands, request)
        return
    results = issue_all(commands, request.id)
    if request.json:
        print_json(
            outcome_data(card, results[0])
            | {key: value for result in results for key, value in outcome.data(result).items()}
        )
    elif not any(result.refusal for result in results):
        say(outcome.sentence(results[0]))
    for result in results:
        end_if_refused(result.refusal)


def _require_currency(account: str, currency: str) -> None:
    from doors.commandline import inputs
    from doors.commandline.connection import ledger
    from doors.queries.accounts import find_account

    with ledger() as opened:
        own = find_account(opened, account).currency
    if own != currency:
        inputs.wrong("--currency", f"the currency of {account} is {own}, not {currency}")
