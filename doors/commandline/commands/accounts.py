"""`account`, `suspend`, `resume`: open accounts, show, change and erase them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.domain.kept_years import MOST_YEARS, USUAL_YEARS
from core.domain.languages import Language
from doors.commandline.app import command, group
from doors.commandline.options import (
    AccountId,
    ByCard,
    City,
    Country,
    Json,
    Listing,
    NameOnDocuments,
    PostalCode,
    ProfileHistory,
    Request,
    Street,
    TaxNumber,
    TestClocks,
    Yes,
)

group("account", "Open accounts, show them, change their settings.")


class PaymentMode(StrEnum):
    """How an account pays."""

    PREPAID = "prepaid"
    POSTPAID = "postpaid"


@command(
    "account new",
    "account new acme --currency USD --timezone Asia/Singapore --credits 100.00 "
    "--owner 'Ada Lim' --billing-email ada@acme.example",
)
def account_new(
    account: AccountId,
    currency: Annotated[str, typer.Option(metavar="CODE", help="ISO 4217 code, such as USD.")],
    timezone: Annotated[
        str, typer.Option(metavar="ZONE", help="IANA name, such as Asia/Singapore.")
    ],
    credits_: Annotated[
        str, typer.Option("--credits", metavar="AMOUNT", help="Credits to start with.")
    ] = "0",
    credit_limit: Annotated[
        str, typer.Option(metavar="AMOUNT", help="How far below zero the balance may go.")
    ] = "0",
    owner: Annotated[
        str | None, typer.Option(metavar="NAME", help="The person who owns the account.")
    ] = None,
    billing_email: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The address for bills.")
    ] = None,
    card: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="The gateway's token for a card.")
    ] = None,
    renew_by_card: Annotated[
        bool,
        typer.Option("--renew-by-card/--no-renew-by-card", help="Whether renewals may use it."),
    ] = False,
    clock: Annotated[
        str | None,
        typer.Option(metavar="CLOCK", help="Attach the account to a test clock, for good."),
    ] = None,
    json: Json = False,
) -> None:
    """Open an account."""
    from activities.open_account import NewAccount
    from doors.commandline import inputs, setup
    from doors.commandline.connection import configured, ledger

    config = configured()
    new = NewAccount(
        id=inputs.name("ACCOUNT", account),
        seller=config.seller,
        currency=inputs.currency("--currency", currency),
        timezone=inputs.zone("--timezone", timezone),
        credits=inputs.amount("--credits", credits_),
        credit_limit=inputs.amount("--credit-limit", credit_limit),
        owner=inputs.optional_name("--owner", owner),
        billing_email=inputs.optional_name("--billing-email", billing_email),
        card=inputs.optional_name("--card", card),
        renew_by_card=renew_by_card,
        clock=inputs.optional_name("--clock", clock),
    )
    with ledger(config) as opened:
        setup.open_new_account(opened, new)
    account_show(new.id, json=json)


@command("account show", "account show acme", "account show acme --invoices --history")
def account_show(
    account: AccountId,
    invoices: Annotated[
        bool, typer.Option("--invoices", help="Show its newest invoices and credit notes too.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Show the newest lines of its history too.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="The most invoices, and the most lines.")
    ] = 200,
    json: Json = False,
) -> None:
    """Show an account: its wallet, card and settings."""
    from doors.commandline import inputs, plain_data, tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import left_out
    from doors.commandline.output import show
    from doors.queries.accounts import find_account
    from doors.queries.histories import account_history
    from doors.queries.invoices import invoices_of
    from doors.queries.pages import MOST_COUNTED

    name = inputs.name("ACCOUNT", account)
    with ledger() as opened:
        view = find_account(opened, name)
        most = limit + MOST_COUNTED
        bills = invoices_of(opened, name, most) if invoices else []
        lines = account_history(opened, name, most) if history else []
    values = plain_data.data(view)
    parts = tables.account(view)
    if invoices:
        values["invoices"] = plain_data.data(bills[-limit:])
        parts.append(tables.invoices(bills[-limit:]))
        parts += left_out(len(bills) - limit, "older ones: --limit")
    if history:
        values["history"] = plain_data.data(lines[-limit:])
        parts.append(tables.history(f"History of {name}", lines[-limit:], whose=True))
        parts += left_out(len(lines) - limit, f"older ones: history {name} --account")
    show(values, parts, json=json)


@command("account list", "account list", "account list --test-clocks --csv accounts.csv")
def account_list(listing: Listing, test_clocks: TestClocks = False) -> None:
    """Show the accounts of the seller."""
    from dataclasses import fields

    from doors.commandline import inputs, tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list, without_test_clocks
    from doors.queries.account_list import AccountLine, account_rows

    after = inputs.optional_name("--after", listing.after)
    with ledger() as opened:
        show_list(
            List(
                rows=account_rows(opened, test_clocks=test_clocks, after=after),
                table=tables.accounts,
                key=lambda row: row.account,
                columns=[field.name for field in fields(AccountLine)],
                when_empty=without_test_clocks(test_clocks),
            ),
            listing,
        )


@command(
    "account set",
    "account set acme --credit-limit 100.00 --until 2021-06-30",
    "account set acme --no-renew-by-card",
    "account set acme --mode postpaid --credit-limit 500.00",
)
def account_set(
    account: AccountId,
    request: Request,
    credit_limit: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="How far below zero the balance may go (rule 11.1)."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="The last day of the limit. Default: no end."),
    ] = None,
    renew_by_card: ByCard = None,
    auto_top_up: Annotated[
        bool | None,
        typer.Option("--auto-top-up/--no-auto-top-up", help="Top up by card (rule 11.2)."),
    ] = None,
    mode: Annotated[
        PaymentMode | None, typer.Option(help="Whether it pays in advance (rule 11.6).")
    ] = None,
) -> None:
    """Change settings. Settings that are not named stay. No renewal is retried (rule 5.4)."""
    from core.domain.commands.set_account import SetAccount
    from core.domain.subscription import Mode
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    if all(setting is None for setting in (credit_limit, renew_by_card, auto_top_up, mode)):
        inputs.wrong(
            "account set",
            "nothing to change; name --credit-limit, --renew-by-card, --auto-top-up or --mode",
        )
    if until is not None and credit_limit is None:
        inputs.wrong("--until", "is the last day of a limit; name --credit-limit too")
    limit = None if credit_limit is None else inputs.amount("--credit-limit", credit_limit)
    changed = SetAccount(
        account=inputs.name("ACCOUNT", account),
        credit_limit=limit,
        credit_limit_until=inputs.optional_day("--until", until),
        renew_by_card=renew_by_card,
        auto_top_up=auto_top_up,
        mode=None if mode is None else Mode(mode.value),
        request_id=request.id,
        actor=request.actor,
    )
    issue(changed, request)


@command(
    "account billing",
    "account billing acme --name 'Acme GmbH' --street 'Ring 1' --city Berlin --country DE "
    "--language de",
    "account billing acme --history",
)
def billing(
    account: AccountId,
    request: Request,
    name: NameOnDocuments = None,
    street: Street = None,
    postal_code: PostalCode = None,
    city: City = None,
    country: Country = None,
    tax_number: TaxNumber = None,
    language: Annotated[Language | None, typer.Option(help="The language of documents.")] = None,
    history: ProfileHistory = False,
) -> None:
    """Show or change what documents show of a customer. Empty text removes a value.

    A change holds for invoices that get their number after it.
    """
    from core.domain.commands.set_billing import SetBilling
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    id_ = inputs.name("ACCOUNT", account)
    changed = SetBilling(
        account=id_,
        name=inputs.line("--name", name),
        street=inputs.line("--street", street),
        postal_code=inputs.line("--postal-code", postal_code),
        city=inputs.line("--city", city),
        country=inputs.country("--country", country) if country else country,
        tax_number=inputs.line("--tax-number", tax_number),
        language=language,
        request_id=request.id,
        actor=request.actor,
    )
    if any(getattr(changed, field) is not None for field in changed.at_least_one):
        if history:
            inputs.wrong("--history", "shows what was before; change the profile without it")
        issue(changed, request)
        return
    _show_billing(id_, history=history, json=request.json)


def _show_billing(account: str, *, history: bool, json: bool) -> None:
    from doors.commandline import document_tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import show
    from doors.queries.profiles import customer_on_documents

    with ledger() as opened:
        now, versions = customer_on_documents(opened, account)
    versions = versions if history else []
    parts = document_tables.profile(account, now, versions)
    show(document_tables.profile_data(now, versions), parts, json=json)


@command("suspend", "suspend acme")
def suspend(account: AccountId, request: Request) -> None:
    """Suspend an account: no service and no renewals. Most commands are refused (rule 11.8)."""
    from core.domain.commands.suspend import Suspend
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    name = inputs.name("ACCOUNT", account)
    issue(Suspend(account=name, request_id=request.id, actor=request.actor), request)


@command("resume", "resume acme")
def resume(account: AccountId, request: Request) -> None:
    """Resume a suspended account. This does not retry failed renewals (rules 5.6, 11.8)."""
    from core.domain.commands.resume import Resume
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    name = inputs.name("ACCOUNT", account)
    issue(Resume(account=name, request_id=request.id, actor=request.actor), request)


@command("account close", "account close acme")
def close(account: AccountId, request: Request) -> None:
    """Close an account. Nothing may be ACTIVE, and the balance must be zero (rule 11.8)."""
    from core.domain.commands.close_account import CloseAccount
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    name = inputs.name("ACCOUNT", account)
    issue(CloseAccount(account=name, request_id=request.id, actor=request.actor), request)


@command("account reopen", "account reopen acme")
def reopen(account: AccountId, request: Request) -> None:
    """Open a closed account again, until it is closed for good (rule 11.8)."""
    from core.domain.commands.reopen_account import ReopenAccount
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    name = inputs.name("ACCOUNT", account)
    issue(ReopenAccount(account=name, request_id=request.id, actor=request.actor), request)


@command("account export", "account export acme --to acme.json")
def export(
    account: AccountId,
    to: Annotated[Path, typer.Option(metavar="FILE", help="The file, as JSON.")],
    json: Json = False,
) -> None:
    """Write everything that is stored about an account and its people to a file.

    The export is in the audit. Only its owner can read the file.
    """
    from doors.commandline import inputs
    from doors.commandline.connection import ledger
    from doors.commandline.files import write_private
    from doors.queries.personal_data import exported

    name = inputs.name("ACCOUNT", account)
    with ledger() as opened:
        pieces = exported(opened, name)
        write_private(to, pieces, f"What is stored about {name}", json=json)


@command(
    "account erase",
    "account erase acme --preview",
    "account erase acme --invoice-years 8 --yes",
)
def erase(
    account: AccountId,
    request: Request,
    invoice_years: Annotated[
        int,
        typer.Option(
            metavar="YEARS",
            min=0,
            max=MOST_YEARS,
            help="How long the law keeps invoices, after the year of their date.",
        ),
    ] = USUAL_YEARS,
    yes: Yes = False,
) -> None:
    """Erase the personal data of a closed account, for good. Its books and invoices stay."""
    from core.domain.commands.erase_account import EraseAccount
    from doors.commandline import inputs
    from doors.commandline.erasure_run import finish_erasing
    from doors.commandline.issue_commands import issue

    name = inputs.name("ACCOUNT", account)
    wanted = EraseAccount(
        account=name, invoice_years=invoice_years, request_id=request.id, actor=request.actor
    )
    issue(wanted, request, yes=yes)
    if not request.preview:
        finish_erasing(name, json=request.json)
