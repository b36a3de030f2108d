"""The door for people and the platform: one function a command, as thin as it gets.

Everything a command needs is imported when it runs, so that `--help` is there at once. What is read from people is checked in
`doors.commandline.inputs`, read from the database in `doors.queries.reading`, done by `doors.application.perennial`, and said by `doors.commandline.wording`; errors and exit codes
(0 done, 1 refused by a rule, 2 bad input or usage, 3 the system is not available) are `doors.commandline.errors`'s.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec

import typer

from doors.commandline.process_exit import leaving

if TYPE_CHECKING:
    from rich.console import Console

    from core.domain.commands import AnyCommand
    from core.protocol.activity_messages import CommandResult
    from doors.queries.reading import Reading

P = ParamSpec("P")

app = typer.Typer(
    name="starter.py",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Perennial: subscriptions that renew by themselves. Exit codes: 0 done, 1 refused by a rule, 2 bad input, 3 the system is not available.",
)


def group(name: str, text: str) -> typer.Typer:
    """A group of commands."""
    made = typer.Typer(no_args_is_help=True, help=text, rich_markup_mode=None)
    app.add_typer(made, name=name)
    return made


account_app = group("account", "Open accounts, look at them, change their settings.")
card_app = group("card", "Store or remove an account's card.")
catalog_app = group("catalog", "What is sold: load it from a file, look at it.")
policy_app = group("policy", "The terms: load them from a file, look at them.")
clock_app = group("clock", "Test clocks: time that passes when you say so.")
stack_app = group("stack", "The embedded PostgreSQL and Temporal server of this machine.")
worker_app = group("worker", "The workers that carry things out.")


class Engine(StrEnum):
    """What plays a scenario."""

    DIRECT = "direct"
    TEMPORAL = "temporal"


class Listed(StrEnum):
    """The work lists."""

    ACTIVE = "active"
    FAILED = "failed"
    EXPIRING = "expiring"
    EXPIRED = "expired"


class Paying(StrEnum):
    """How a purchase is paid."""

    CREDITS = "credits"
    EXTERNAL_INVOICE = "external_invoice"


Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON, and nothing else on stdout.")
]
RequestId = Annotated[
    str | None,
    typer.Option(
        "--request-id",
        metavar="ID",
        help="Yours; the same one again is not carried out twice. Default: a new one.",
    ),
]
Actor = Annotated[str, typer.Option("--by", metavar="NAME", help="Who asks, for the history.")]
InvoiceNumber = Annotated[
    str | None,
    typer.Option(
        "--invoice-number",
        metavar="NUMBER",
        help="Paid by this external invoice: no credits, no card (rule 11.4).",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
SubscriptionId = Annotated[str, typer.Argument(metavar="ID", help="The subscription.")]
ByCard = Annotated[
    bool | None,
    typer.Option("--renew-by-card/--no-renew-by-card", help="Whether renewals may use the card."),
]
AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account.")]


# how every command runs -----------------------------------------------------------------------------------------------


def command(
    to: typer.Typer, *examples: str, name: str | None = None
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Register a command with its examples; its errors end the program with one clear message and a code."""

    def register(function: Callable[P, None]) -> Callable[P, None]:
        @wraps(function)
        def door(*args: P.args, **kwargs: P.kwargs) -> None:
            from doors.commandline.errors import Ended, explained

            try:
                with explained():
                    function(*args, **kwargs)
            except Ended as ended:
                typer.echo(str(ended), err=True)
                raise typer.Exit(int(ended.code)) from None

        epilog = "\n\n".join(f"Example: starter.py {example}" for example in examples)
        to.command(name, epilog=epilog)(door)
        return function

    return register


def _end(message: str, code: int) -> NoReturn:
    from doors.commandline.errors import Code, Ended

    raise Ended(message, Code(code))


def _console() -> "Console":
    from rich.console import Console

    console = Console(highlight=False)
    return (
        console if console.is_terminal else Console(highlight=False, width=max(console.width, 200))
    )


def _show(value: Any, parts: Any, json: bool, currency: str | None = None) -> None:
    """Print a value as JSON, or the parts that say it to a person."""
    from doors.commandline import wording

    if json:
        typer.echo(wording.as_json(value, currency))
        return
    console = _console()
    for part in parts if isinstance(parts, list) else [parts]:
        console.print(part, markup=False)


@contextmanager
def _reading() -> "Iterator[Reading]":
    from doors.commandline.errors import ledger
    from doors.queries.reading import Reading

    with ledger() as opened:
        yield Reading(opened)


def _request_id(given: str | None) -> str:
    from uuid import uuid4

    from doors.commandline import inputs

    return f"cli-{uuid4()}" if given is None else inputs.name("--request-id", given)


def _do(
    *commands: "AnyCommand", told: "Callable[[AnyCommand, CommandResult], None] | None" = None
) -> "list[CommandResult]":
    """Carry out commands, one after the other; `told` hears of each as soon as it is done, whatever becomes of the next."""
    from doors.commandline import errors

    async def work() -> "list[CommandResult]":
        config, results = errors.configured(), []
        async with errors.perennial(config) as perennial:
            for command in commands:
                results.append(await errors.carry_out(perennial, config, command))
                if told:
                    told(command, results[-1])
        return results

    return errors.run(work())


def _outcome(command: "AnyCommand", result: "CommandResult", prefix: str = "") -> dict[str, Any]:
    """Say what became of a command; for programs the same as data."""
    from doors.commandline import wording

    refused = (
        {"rule": result.refusal.rule, "reason": result.refusal.reason} if result.refusal else None
    )
    said = {
        "do": command.do,
        "request_id": command.request_id,
        "replayed": result.replayed,
        "refused": refused,
        **wording.facts(result),
    }
    return ({"subscription": prefix} if prefix and "subscription" not in said else {}) | said


def _carry_out(command: "AnyCommand", json: bool) -> None:
    """One command: its outcome in a sentence or as JSON, and the exit code."""
    from doors.commandline import wording

    (result,) = _do(command)
    if json:
        typer.echo(wording.as_json(_outcome(command, result)))
    elif not result.refusal:
        typer.echo(wording.result(result))
    if result.refusal:
        _end(f"Refused: {result.refusal}", 1)


def _confirm(question: str, yes: bool, json: bool) -> None:
    """Show what it means, and ask; without a terminal only --yes confirms."""
    import sys

    from doors.commandline.errors import Code, Ended

    if not json:
        typer.echo(question)
    if yes:
        return
    if json or not sys.stdin.isatty():
        raise Ended("Nothing was done: confirm with --yes.", Code.BAD_INPUT)
    if not typer.confirm("Do it?"):
        raise Ended("Nothing was done.", Code.REFUSED)


# buying and paying ----------------------------------------------------------------------------------------------------


@command(
    app,
    "purchase acme PRO-M --id s1",
    "purchase acme PRO-M --id s2 --quantity 5 --multiplier 12 --addon SEAT=3 --request-id order-7731",
)
def purchase(
    account: AccountId,
    sku: Annotated[str, typer.Argument(metavar="SKU", help="What is bought, as in the catalogue.")],
    subscription: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="The id of the subscription. Default: a new one."),
    ] = None,
    quantity: Annotated[int, typer.Option(help="Licences, up to 500 (rule 3.3).")] = 1,
    multiplier: Annotated[
        int,
        typer.Option(help="Base cycles in one cycle: 12 of a monthly SKU is a year (rule 3.1)."),
    ] = 1,
    addon: Annotated[
        list[str] | None, typer.Option(metavar="SKU=N", help="An add-on; may be repeated.")
    ] = None,
    pay: Annotated[Paying, typer.Option(help="How it is paid (rule 4.1).")] = Paying.CREDITS,
    invoice_number: InvoiceNumber = None,
    legacy: Annotated[
        bool, typer.Option("--legacy", help="Renews a day earlier (rule 1.5).")
    ] = False,
    request_id: RequestId = None,
    by: Actor = "command line",
    json: Json = False,
) -> None:
    """Buy a subscription: the whole first cycle is charged at once (rules 3.3, 4.1)."""
    from core.domain.commands.purchase import Pay, Purchase
    from doors.commandline import inputs

    request = _request_id(request_id)
    _carry_out(
        Purchase(
            subscription=inputs.name("--id", subscription) if subscription is not None else request,
            account=inputs.name("ACCOUNT", account),
            sku=inputs.name("SKU", sku),
            quantity=quantity,
            multiplier=multiplier,
            addons=inputs.addons(addon or []),
            pay=Pay(pay.value),
            invoice_number=inputs.optional_name("--invoice-number", invoice_number),
            legacy=legacy,
            request_id=request,
            actor=inputs.name("--by", by),
        ),
        json,
    )


@command(app, "top-up acme 50.00", "top-up acme 1200 --currency JPY --request-id bank-2021-0042")
def top_up(
    account: AccountId,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="How much, such as 50.00.")],
    currency: Annotated[
        str | None, typer.Option(metavar="CODE", help="Refuse unless it is the account's currency.")
    ] = None,
    request_id: RequestId = None,
    by: Actor = "command line",
    json: Json = False,
) -> None:
    """Add credits; failed renewals that they cover are renewed at once, oldest first (rule 5.4)."""
    from core.domain.commands.top_up import TopUp
    from doors.commandline import inputs

    name, positive = inputs.name("ACCOUNT", account), inputs.positive_amount("AMOUNT", amount)
    if currency is not None:
        inputs.currency("--currency", currency)
        with _reading() as reading:
            own = reading.account(name).currency
        if own != currency:
            inputs.wrong("--currency", f"{name} is an account in {own}, not in {currency}")
    _carry_out(
        TopUp(
            account=name,
            amount=positive,
            request_id=_request_id(request_id),
            actor=inputs.name("--by", by),
        ),
        json,
    )


@command(card_app, "card set acme sim_ok --renew-by-card", name="set")
def card_set(
    account: AccountId,
    token: Annotated[
        str,
        typer.Argument(
            metavar="TOKEN", help="The gateway's token of the card; never a card number."
        ),
    ],
    renew_by_card: ByCard = None,
    request_id: RequestId = None,
    by: Actor = "command line",
    json: Json = False,
) -> None:
    """Store a card; it sets off no retry (rule 5.4)."""
    from core.domain.commands.set_card import SetCard
    from doors.commandline import inputs

    digits = token.replace(" ", "").replace("-", "")
    if digits.isdigit() and 12 <= len(digits) <= 19:
        inputs.wrong(
            "TOKEN",
            "looks like a card number, which does not belong here; give the token that the card gateway made of it",
        )
    account, request, who = (
        inputs.name("ACCOUNT", account),
        _request_id(request_id),
        inputs.name("--by", by),
    )
    _with_switch(
        SetCard(account=account, card=inputs.name("TOKEN", token), request_id=request, actor=who),
        renew_by_card,
        json,
    )


@command(card_app, "card remove acme --no-renew-by-card", name="remove")
def card_remove(
    account: AccountId,
    renew_by_card: ByCard = None,
    request_id: RequestId = None,
    by: Actor = "command line",
    json: Json = False,
) -> None:
    """Remove the stored card."""
    from core.domain.commands.set_card import SetCard
    from doors.commandline import inputs

    account, request, who = (
        inputs.name("ACCOUNT", account),
        _request_id(request_id),
        inputs.name("--by", by),
    )
    _with_switch(
        SetCard(account=account, card=None, request_id=request, actor=who), renew_by_card, json
    )


def _with_switch(card: Any, renew_by_card: bool | None, json: bool) -> None:
    """Set the card and, where it is named, the switch *renew by card* (rule 5.3)."""
    from core.domain.commands.set_account import SetAccount
    from doors.commandline import wording

    switch = SetAccount(
        account=card.account,
        renew_by_card=renew_by_card,
        request_id=f"{card.request_id}/switch",
        actor=card.actor,
    )
    commands = [card] if renew_by_card is None else [card, switch]
    results = _do(*commands)
    if json:
        facts = {key: value for result in results for key, value in wording.facts(result).items()}
        typer.echo(wording.as_json(_outcome(card, results[0]) | facts))
    elif not any(result.refusal for result in results):
        typer.echo(wording.result(results[0]))
    for result in results:
        if result.refusal:
            _end(f"Refused: {result.refusal}", 1)


# accounts -------------------------------------------------------------------------------------------------------------


@command(
    account_app,
    "account new acme --currency USD --timezone Asia/Singapore --credits 100.00 --owner 'Ada Lim' --billing-email ada@acme.example",
    name="new",
)
def account_new(
    account: AccountId,
    currency: Annotated[str, typer.Option(metavar="CODE", help="ISO 4217, such as USD.")],
    timezone: Annotated[
        str, typer.Option(metavar="ZONE", help="IANA name, such as Asia/Singapore.")
    ],
    credits_: Annotated[
        str, typer.Option("--credits", metavar="AMOUNT", help="Credits it brings along.")
    ] = "0",
    credit_limit: Annotated[
        str, typer.Option(metavar="AMOUNT", help="How far below zero it may go.")
    ] = "0",
    owner: Annotated[str | None, typer.Option(metavar="NAME", help="Who it belongs to.")] = None,
    billing_email: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where bills go.")
    ] = None,
    card: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="The gateway's token of a card.")
    ] = None,
    renew_by_card: Annotated[
        bool,
        typer.Option("--renew-by-card/--no-renew-by-card", help="Whether renewals may use it."),
    ] = False,
    clock: Annotated[
        str | None, typer.Option(metavar="CLOCK", help="Attach it to a test clock, for good.")
    ] = None,
    json: Json = False,
) -> None:
    """Open an account."""
    from doors.commandline import inputs, setup
    from doors.commandline.errors import configured, ledger

    config = configured()
    new = setup.new_account(
        inputs.name("ACCOUNT", account),
        config.seller,
        inputs.currency("--currency", currency),
        inputs.zone("--timezone", timezone),
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
    account_show(new.id, invoices=False, history=False, json=json)


@command(account_app, "account show acme", "account show acme --invoices --history", name="show")
def account_show(
    account: AccountId,
    invoices: Annotated[
        bool, typer.Option("--invoices", help="With its invoices and credit notes.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="With all that happened, newest last.")
    ] = False,
    json: Json = False,
) -> None:
    """Show an account: its wallet, card and settings."""
    from doors.commandline import inputs, wording

    account = inputs.name("ACCOUNT", account)
    with _reading() as reading:
        view = reading.account(account)
        found = reading.invoices(account) if invoices else []
        lines = reading.account_history(account) if history else []
    more = ({"invoices": found} if invoices else {}) | ({"history": lines} if history else {})
    parts = wording.account(view)
    parts += ["", wording.invoices(found)] if invoices else []
    parts += ["", wording.history(f"History of {account}", lines, whose=True)] if history else []
    _show(wording.data(view) | wording.data(more), parts, json)


@command(
    account_app,
    "account set acme --credit-limit 100.00 --until 2021-06-30",
    "account set acme --no-renew-by-card",
    name="set",
)
def account_set(
    account: AccountId,
    credit_limit: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="How far below zero it may go (rule 11.1).")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The limit's last day. Default: for good.")
    ] = None,
    renew_by_card: ByCard = None,
    request_id: RequestId = None,
    by: Actor = "command line",
    json: Json = False,
) -> None:
    """Change settings; what is not named stays. It sets off no retry (rule 5.4)."""
    from core.domain.commands.set_account import SetAccount
    from doors.commandline import inputs

    if credit_limit is None and renew_by_card is None:
        inputs.wrong(
            "account set",
            "nothing to change; name --credit-limit, --renew-by-card or --no-renew-by-card",
        )
    if until is not None and credit_limit is None:
        inputs.wrong("--until", "is the last day of a limit; name --credit-limit too")
    _carry_out(
        SetAccount(
            account=inputs.name("ACCOUNT", account),
            credit_limit=None
            if credit_limit is None
            else inputs.amount("--credit-limit", credit_limit),
            credit_limit_until=inputs.optional_day("--until", until),
            renew_by_card=renew_by_card,
            request_id=_request_id(request_id),
            actor=inputs.name("--by", by),
        ),
        json,
    )


@command(app, "suspend acme")
def suspend(
    account: AccountId, request_id: RequestId = None, by: Actor = "command line", json: Json = False
) -> None:
    """Suspend an account: no service, no renewals, no commands but resume, terminate and payments (rule 11.8)."""
    from core.domain.commands.suspend import Suspend
    from doors.commandline import inputs

    who = inputs.name("--by", by)
    _carry_out(
        Suspend(
            account=inputs.name("ACCOUNT", account), request_id=_request_id(request_id), actor=who
        ),
        json,
    )


@command(app, "resume acme")
def resume(
    account: AccountId, request_id: RequestId = None, by: Actor = "command line", json: Json = False
) -> None:
    """Resume a suspended account; it starts no retry (rules 5.6, 11.8)."""
    from core.domain.commands.resume import Resume
    from doors.commandline import inputs

    who = inputs.name("--by", by)
    _carry_out(
        Resume(
            account=inputs.name("ACCOUNT", account), request_id=_request_id(request_id), actor=who
        ),
        json,
    )


# what is sold ---------------------------------------------------------------------------------------------------------


@command(catalog_app, "catalog load catalog.yaml", name="load")
def catalog_load(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="YAML or JSON: a list of SKUs, or a mapping with `catalog`."
        ),
    ],
    json: Json = False,
) -> None:
    """Add SKUs, or later versions of them with new prices; what is there already is passed over (rule 3.5)."""
    from doors.commandline import setup
    from doors.commandline.errors import ledger

    values = _document(file, "catalog")
    with ledger() as opened:
        new = setup.load_catalog(opened, values)
    _show({"new": new}, f"{new} new entries are in the catalogue.", json)


@command(catalog_app, "catalog show", name="show")
def catalog_show(json: Json = False) -> None:
    """Show what is sold, with every version of the prices."""
    from core.domain import catalog
    from doors.commandline import wording

    with _reading() as reading:
        found = reading.catalog()
    _show(catalog.entries(found), wording.catalog(found), json)


@command(policy_app, "policy load policy.yaml", name="load")
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
    """Put a new version of the terms in force; running steps keep theirs (rule 14)."""
    from doors.commandline import setup
    from doors.commandline.errors import ledger

    values = _document(file, "policy")
    with ledger() as opened:
        version = setup.load_policy(opened, values)
    _show({"version": version}, f"Version {version} is in force.", json)


@command(policy_app, "policy show", name="show")
def policy_show(json: Json = False) -> None:
    """Show the terms in force."""
    from core.domain import policy
    from doors.commandline import wording

    with _reading() as reading:
        version, found = reading.policy()
    settings = policy.document(found)
    made = wording.table(
        f"Policy, version {version}" if version else "Policy: the defaults", "Setting", "Value"
    )
    for key, value in settings.items():
        made.add_row(key, str(value))
    _show({"version": version, "policy": settings}, made, json)


def _document(file: Path, key: str) -> Any:
    """The values of a YAML or JSON file, or of one key of it (a scenario file has both)."""
    from core.domain.faults import Faults
    from doors.commandline import inputs
    from doors.simulation import document

    values, faults = document.read(inputs.content("FILE", file))
    if faults:
        raise Faults(faults)
    return values[key] if isinstance(values, dict) and key in values else values


# looking --------------------------------------------------------------------------------------------------------------


@command(app, "show s1")
def show(subscription: SubscriptionId, json: Json = False) -> None:
    """Show a subscription: status, dates, what the next cycle costs, what comes next, its periods."""
    from doors.commandline import inputs, wording

    with _reading() as reading:
        view = reading.subscription(inputs.name("ID", subscription))
    _show(view, wording.subscription(view), json)


@command(app, "explain s1")
def explain(subscription: SubscriptionId, json: Json = False) -> None:
    """Why it renewed or not, with the rules: what happened, what its workflow says, what comes next."""
    from doors.commandline import errors, inputs, wording

    id_ = inputs.name("ID", subscription)
    config = errors.configured()
    with _reading() as reading:
        found = reading.explain(id_)
    said = errors.run(_workflow_says(config, id_))
    asked = (
        "its workflow and the database"
        if said
        else "the database (its workflow does not answer now)"
    )
    answer = wording.last_paid(found.because) + (said or found.answer)
    _show(
        wording.data(found) | {"answer": answer, "asked": asked},
        wording.explanation(found, answer, asked),
        json,
    )


async def _workflow_says(config: Any, subscription: str) -> str | None:
    """What the workflow answers; none when it does not, whatever the reason: the database has answered already."""
    from doors.commandline import errors
    from local.errors import StackError

    try:
        async with errors.perennial(config) as perennial:
            return await errors.asked(perennial, perennial.why_not_renewed(subscription))
    except (errors.Away, StackError):
        return None


@command(app, "history s1", "history acme --account")
def history(
    subscription: Annotated[
        str, typer.Argument(metavar="ID", help="The subscription; with --account, the account.")
    ],
    of_account: Annotated[bool, typer.Option("--account", help="Of a whole account.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many of the newest lines.")
    ] = None,
    json: Json = False,
) -> None:
    """The life story: who did what, when, by which rule, and what it did to the balance."""
    from doors.commandline import inputs, wording

    id_ = inputs.name("ID", subscription)
    with _reading() as reading:
        lines = reading.account_history(id_, limit) if of_account else reading.history(id_, limit)
    _show(lines, wording.history(f"History of {id_}", lines, whose=of_account), json)


@command(
    app,
    "list failed",
    "list expiring --account acme",
    "list failed --expiry-from 2021-01-01 --expiry-to 2021-01-31 --csv",
    name="list",
)
def list_(
    which: Annotated[
        Listed,
        typer.Argument(
            help="active; failed: renewal failed; expiring: auto-renewal off, within 3 days; expired."
        ),
    ],
    account: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="Of this account only.")
    ] = None,
    expiry_from: Annotated[
        str | None, typer.Option(metavar="DATE", help="Paid up to this day or later.")
    ] = None,
    expiry_to: Annotated[
        str | None, typer.Option(metavar="DATE", help="Paid up to this day or earlier.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many lines in the table.")] = 200,
    csv: Annotated[
        bool, typer.Option("--csv", help="All of it as CSV, with owner and billing e-mail.")
    ] = False,
    json: Json = False,
) -> None:
    """The work lists of support, grouped by account (rule 6.3)."""
    from doors.commandline import inputs, wording

    first, last = (
        inputs.optional_day("--expiry-from", expiry_from),
        inputs.optional_day("--expiry-to", expiry_to),
    )
    if first and last and first > last:
        inputs.wrong("--expiry-from", f"{first} is after --expiry-to, {last}")
    with _reading() as reading:
        rows = reading.work_list(
            which.value,
            account=inputs.optional_name("--account", account),
            expiry_from=first,
            expiry_to=last,
        )
    if csv and not json:
        typer.echo(wording.as_csv(rows), nl=False)
    else:
        _show(rows, wording.work_list(which.value, rows, limit), json)


@command(app, "forecast s1 --months 24")
def forecast(
    subscription: SubscriptionId,
    months: Annotated[int, typer.Option(min=1, max=240, help="How far to look.")] = 12,
    card_declines: Annotated[
        bool, typer.Option("--card-declines", help="Suppose that the stored card is declined.")
    ] = False,
    json: Json = False,
) -> None:
    """What comes by itself if nobody does anything: dates, amounts, balance; with the account's other subscriptions, which share its wallet."""
    from doors.commandline import inputs, wording

    id_ = inputs.name("ID", subscription)
    with _reading() as reading:
        view, entries = reading.forecast(id_, months, card_charges=not card_declines)
    _show(entries, wording.forecast(id_, view, entries, months), json, view.currency)


# changing subscriptions -----------------------------------------------------------------------------------------------


@command(app, "recover s1", "recover s1 s2 s3 --invoice-number X-2021-17", "recover --account acme")
def recover(
    subscriptions: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="Failed subscriptions of one account."),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="ACCOUNT", help="All failed subscriptions of this account."),
    ] = None,
    invoice_number: InvoiceNumber = None,
    request_id: RequestId = None,
    by: Actor = "command line",
    json: Json = False,
) -> None:
    """Renew failed subscriptions now: one cycle's fee each, from credits or by card; each has its own outcome (rule 6.1)."""
    from core.domain.commands.recover import Recover
    from doors.commandline import inputs, wording

    ids = _selection(subscriptions or [], account)
    number, request, who = (
        inputs.optional_name("--invoice-number", invoice_number),
        _request_id(request_id),
        inputs.name("--by", by),
    )
    requests = {id_: request if len(ids) == 1 else f"{request}/{id_}" for id_ in ids}
    commands = [
        Recover(subscription=id_, invoice_number=number, request_id=requests[id_], actor=who)
        for id_ in ids
    ]
    outcomes: list[dict[str, Any]] = []

    def told(command: "AnyCommand", result: "CommandResult") -> None:
        assert isinstance(command, Recover)
        outcomes.append(_outcome(command, result, command.subscription))
        if not json:
            typer.echo(
                f"{command.subscription}: refused: {result.refusal}"
                if result.refusal
                else wording.result(result)
            )

    try:
        results = _do(*commands, told=told) if commands else []
    finally:
        if json and (outcomes or not commands):
            typer.echo(wording.as_json(outcomes))
    if not commands and not json:
        typer.echo("No renewal has failed: nothing to recover.")
    if refused := sum(result.refusal is not None for result in results):
        _end(f"{refused} of {len(results)} refused.", 1)


def _selection(subscriptions: list[str], account: str | None) -> list[str]:
    """The subscriptions that were named, each once, of one account; or all failed ones of an account."""
    from doors.commandline import inputs

    if bool(subscriptions) == (account is not None):
        inputs.wrong("recover", "name subscriptions, or an account with --account")
    ids = list(dict.fromkeys(inputs.name("ID", id_) for id_ in subscriptions))
    with _reading() as reading:
        if account is not None:
            return [
                row.subscription
                for row in reading.work_list("failed", account=inputs.name("--account", account))
            ]
        owners = reading.accounts_of(ids)
    if len(set(owners.values())) > 1:
        whose = ", ".join(f"{id_} to {owner}" for id_, owner in owners.items())
        inputs.wrong("ID", f"these belong to several accounts ({whose}); select those of one")
    return ids


@command(app, "extend s1 --cycles 2", "extend s1 --to 2021-01-31 --yes")
def extend(
    subscription: SubscriptionId,
    cycles: Annotated[int | None, typer.Option(help="So many whole cycles.")] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Up to this day, which becomes the last paid one."),
    ] = None,
    invoice_number: InvoiceNumber = None,
    yes: Yes = False,
    request_id: RequestId = None,
    by: Actor = "command line",
    json: Json = False,
) -> None:
    """Pay in advance. The cost is shown before it is asked for (rule 6.2)."""
    from core.domain.commands.extend import Extend
    from doors.application import quotes
    from doors.commandline import inputs, wording
    from doors.commandline.errors import ledger

    command = Extend(
        subscription=inputs.name("ID", subscription),
        cycles=cycles,
        to=inputs.optional_day("--to", to),
        invoice_number=inputs.optional_name("--invoice-number", invoice_number),
        request_id=_request_id(request_id),
        actor=inputs.name("--by", by),
    )
    with ledger() as opened:
        quote = quotes.cost_of(opened, command)
    if quote:
        _confirm(wording.cost_question(quote, command.invoice_number), yes, json)
    _carry_out(command, json)


@command(app, "reactivate s1")
def reactivate(
    subscription: SubscriptionId,
    invoice_number: InvoiceNumber = None,
    request_id: RequestId = None,
    by: Actor = "command line",
    json: Json = False,
) -> None:
    """Bring an expired subscription back on its old schedule, for one full fee (rule 7)."""
    from core.domain.commands.reactivate import Reactivate
    from doors.commandline import inputs

    number, who = inputs.optional_name("--invoice-number", invoice_number), inputs.name("--by", by)
    id_ = inputs.name("ID", subscription)
    _carry_out(
        Reactivate(
            subscription=id_, invoice_number=number, request_id=_request_id(request_id), actor=who
        ),
        json,
    )


@command(app, "unsubscribe s1")
def unsubscribe(
    subscription: SubscriptionId,
    request_id: RequestId = None,
    by: Actor = "command line",
    json: Json = False,
) -> None:
    """Switch auto-renewal off: it runs to its expiry date, without a refund (rule 8.1)."""
    from core.domain.commands.unsubscribe import Unsubscribe
    from doors.commandline import inputs

    who = inputs.name("--by", by)
    _carry_out(
        Unsubscribe(
            subscription=inputs.name("ID", subscription),
            request_id=_request_id(request_id),
            actor=who,
        ),
        json,
    )


@command(app, "resubscribe s1")
def resubscribe(
    subscription: SubscriptionId,
    request_id: RequestId = None,
    by: Actor = "command line",
    json: Json = False,
) -> None:
    """Switch auto-renewal on again (rules 5.7, 8.1)."""
    from core.domain.commands.resubscribe import Resubscribe
    from doors.commandline import inputs

    who = inputs.name("--by", by)
    _carry_out(
        Resubscribe(
            subscription=inputs.name("ID", subscription),
            request_id=_request_id(request_id),
            actor=who,
        ),
        json,
    )


@command(app, "terminate s1 --reason 'moved to another plan'", "terminate s1 --reason fraud --yes")
def terminate(
    subscription: SubscriptionId,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it goes into the history.")],
    yes: Yes = False,
    request_id: RequestId = None,
    by: Actor = "command line",
    json: Json = False,
) -> None:
    """End a subscription at once, for good. The refund is shown before it is asked for (rule 8.2)."""
    from core.domain.commands.terminate import Terminate
    from doors.application import quotes
    from doors.commandline import inputs, wording
    from doors.commandline.errors import ledger

    command = Terminate(
        subscription=inputs.name("ID", subscription),
        reason=inputs.text("--reason", reason),
        request_id=_request_id(request_id),
        actor=inputs.name("--by", by),
    )
    with ledger() as opened:
        quote = quotes.refund_of(opened, command)
    if quote:
        _confirm(wording.refund_question(quote), yes, json)
    _carry_out(command, json)


# many at once ---------------------------------------------------------------------------------------------------------


@command(
    app,
    "import customers.csv --dry-run --faults faults.csv",
    "import examples/telco-customers.csv --mapping examples/telco-mapping.yaml --clock spring",
    name="import",
)
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV with a header (docs/import.md).")
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML: what its columns mean. Default: by their names."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, write nothing.")
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
    prefix: Annotated[str, typer.Option(metavar="TEXT", help="Before every id of the file.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="The first rows only.")] = None,
    json: Json = False,
) -> None:
    """Take over customers of another system, in the middle of their cycles. Run it again after an interruption: nothing comes in twice."""
    from doors.commandline import import_progress, inputs, wording
    from doors.commandline.errors import run

    report = run(
        import_progress.from_files(
            file,
            mapping,
            dry_run=dry_run,
            clock=inputs.optional_name("--clock", clock),
            faults=faults,
            prefix=inputs.name("--prefix", prefix) if prefix else "",
            limit=limit,
        )
    )
    _show(report, wording.import_report(report), json)
    if report.faulty:
        _end(
            f"{report.faulty} rows are faulty; they are listed in {faults or import_progress.faults_of(file)}. The others are not held up by them.",
            2,
        )


@command(app, "simulate story.yaml", "simulate story.yaml --engine temporal --json")
def simulate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A scenario (docs/scenario.md).")],
    engine: Annotated[
        Engine,
        typer.Option(help="direct: plain calls. temporal: real workflows on a server of its own."),
    ] = Engine.DIRECT,
    json: Json = False,
) -> None:
    """Play a story in a database of its own, and tell how it ends. Needs no running stack and touches no real data."""
    from doors.commandline import inputs, wording
    from doors.commandline.errors import configured, run
    from doors.simulation import throwaway_run
    from doors.simulation.scenario import parse

    scenario = parse(inputs.content("FILE", file))
    config = configured()
    report = (
        run(throwaway_run.by_temporal(scenario, config))
        if engine is Engine.TEMPORAL
        else run(throwaway_run.directly(scenario, config))
    )
    _show(report, None if json else wording.simulation(report), json)


@command(app, "demo", "demo --customers 50 --keep")
def demo(
    customers: Annotated[int, typer.Option(min=1, max=7043, help="How many customers.")] = 200,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the stack running that was started for it.")
    ] = False,
    json: Json = False,
) -> None:
    """Real customers, three months, real workflows: failures, retries, a recovery, a refund. About two minutes; can be run again."""
    from rich.console import Console

    from doors.commandline.demo import demo as play
    from doors.commandline.errors import configured, run

    played = run(
        play(
            configured(),
            Console(stderr=True) if json else _console(),
            customers=customers,
            keep=keep,
        )
    )
    _show(played, [], json)


# clocks ---------------------------------------------------------------------------------------------------------------


@command(clock_app, "clock new spring --at 2021-03-01", name="new")
def clock_new(
    clock: Annotated[str, typer.Argument(metavar="CLOCK", help="Its id.")],
    at: Annotated[
        str,
        typer.Option(
            metavar="INSTANT",
            help="Where it stands: an instant with an offset, or a date, read as UTC.",
        ),
    ],
    json: Json = False,
) -> None:
    """Make a test clock; accounts are attached to it when they are opened."""
    from doors.commandline import inputs, setup
    from doors.commandline.errors import ledger

    name, now = inputs.name("CLOCK", clock), inputs.instant("--at", at)
    with ledger() as opened:
        setup.new_clock(opened, name, now)
    clock_show(name, json=json)


@command(
    clock_app,
    "clock advance spring --to 2021-04-01",
    "clock advance spring --to 2021-04-01T08:00:00+08:00",
    name="advance",
)
def clock_advance(
    clock: Annotated[str, typer.Argument(metavar="CLOCK", help="Its id.")],
    to: Annotated[
        str,
        typer.Option(
            metavar="INSTANT", help="Up to here: an instant with an offset, or a date, read as UTC."
        ),
    ],
    json: Json = False,
) -> None:
    """Let time pass on a test clock: everything due is done, each at its instant, in order. May be interrupted and repeated."""
    from doors.commandline import clock_advance, inputs
    from doors.commandline.errors import run

    name, until = inputs.name("CLOCK", clock), inputs.instant("--to", to)
    with _reading() as reading:
        ((_, now, _),) = reading.clocks(name)
    if until < now:
        inputs.wrong(
            "--to",
            f"{until.isoformat()} is before the clock's now, {now.isoformat()}; a clock never goes back",
        )
    run(clock_advance.advance(name, now, until))
    clock_show(name, json=json)


@command(clock_app, "clock show", "clock show spring", name="show")
def clock_show(
    clock: Annotated[
        str | None, typer.Argument(metavar="CLOCK", help="Its id. Default: all.")
    ] = None,
    json: Json = False,
) -> None:
    """Show test clocks and where they stand."""
    from doors.commandline import inputs, wording

    with _reading() as reading:
        found = reading.clocks(inputs.optional_name("CLOCK", clock))
    made = wording.table("Test clocks", "Clock", "Now (UTC)", "Accounts")
    for id_, now, accounts in found:
        made.add_row(id_, wording.moment(now, "UTC"), str(accounts))
    _show(
        [{"clock": id_, "now": now, "accounts": accounts} for id_, now, accounts in found],
        made,
        json,
    )


# the system -----------------------------------------------------------------------------------------------------------


@command(stack_app, "stack up", name="up")
def stack_up(json: Json = False) -> None:
    """Start what is embedded and not running, and bring the database up to date. Data is kept over restarts."""
    from doors.commandline import setup
    from doors.commandline.errors import configured
    from local import stack

    config = configured()
    addresses = stack.up(config, lambda said: typer.echo(said, err=True))
    setup.prepare(addresses.database_url, config.seller)
    stack_status(json=json)


@command(stack_app, "stack status", name="status")
def stack_status(json: Json = False) -> None:
    """Show where PostgreSQL and Temporal are, and whether they run. Exit code 3 when one does not."""
    from doors.commandline import wording
    from doors.commandline.errors import configured
    from local import stack

    parts = stack.status(configured())
    made = wording.table("Stack", "Part", "From", "State", "Address", "Process", "Details")
    for part in parts:
        details = "\n".join(
            filter(
                None,
                [
                    part.detail,
                    f"data {part.data}" if part.data else "",
                    f"log {part.log}" if part.log else "",
                ],
            )
        )
        made.add_row(
            part.name,
            str(part.source),
            str(part.state),
            part.address or "–",
            str(part.pid or "–"),
            details,
        )
    _show(parts, made, json)
    if away := [part.name for part in parts if part.state is not stack.State.RUNNING]:
        _end(
            f"Not running: {', '.join(away)}. What is embedded is started with `starter.py stack up`.",
            3,
        )


@command(stack_app, "stack down", name="down")
def stack_down(json: Json = False) -> None:
    """Stop what is embedded; its data stays."""
    from doors.commandline.errors import configured
    from local import stack

    stopped = stack.down(configured())
    _show(
        {"stopped": stopped},
        f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.",
        json,
    )


@command(worker_app, "worker status", name="status")
def worker_status(json: Json = False) -> None:
    """Show which workers ask for work. Exit code 3 when a role has none."""
    from doors.commandline import errors, wording

    async def look() -> "list[errors.Role]":
        config = errors.configured()
        async with errors.perennial(config) as perennial:
            return await errors.workers(perennial, config)

    roles = errors.run(look())
    made = wording.table("Workers", "Role", "Task queue", "Worker", "Last asked (UTC)")
    for role in roles:
        for poller in role.pollers:
            made.add_row(role.role, role.queue, poller.identity, f"{poller.last_seen:%H:%M:%S}")
        if not role.pollers:
            made.add_row(role.role, role.queue, "none", "", style="red")
    _show(roles, made, json)
    if missing := [role.role for role in roles if not role.pollers]:
        _end(f"No worker for: {', '.join(missing)}. Start one with `python worker.py all`.", 3)


@command(app, "reconcile")
def reconcile(json: Json = False) -> None:
    """Find what is not as it should be, put right what is safe, report the rest. Exit code 1 when something is left to look at."""
    from doors.commandline import errors, wording
    from doors.service.reconciliation import reconcile as look

    async def work() -> Any:
        async with errors.perennial() as perennial:
            return await look(perennial)

    report = errors.run(work())
    _show(report, wording.reconciliation(report), json)
    if left := sum(not finding.repaired for finding in report.findings):
        _end(f"{left} findings are left for a person to look at.", 1)


@command(app, "migrate")
def migrate(json: Json = False) -> None:
    """Bring the database to the newest version of its tables; does nothing where it is there."""
    from doors.commandline import setup
    from doors.commandline.errors import configured
    from local import stack

    config = configured()
    setup.prepare(config.database_url or stack.addresses(config).database_url, config.seller)
    _show({"migrated": True}, "The database is up to date.", json)


if __name__ == "__main__":
    leaving(app)
