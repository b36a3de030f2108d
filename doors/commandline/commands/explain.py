"""`explain`: why a renewal happened or not, why a fee, an invoice or a balance is what it is."""

from enum import Enum, auto
from typing import TYPE_CHECKING, Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Json

if TYPE_CHECKING:
    from core.ledger.ledger import Ledger
    from doors.queries.reasons import Reasons
    from settings import Settings


class _Asked(Enum):
    """What an id or a number is about."""

    SUBSCRIPTION = auto()
    SINCE_PURCHASE = auto()
    NUMBER = auto()
    INVOICE = auto()
    BALANCE = auto()
    REFUSALS = auto()


@command(
    "explain",
    "explain s1",
    "explain s1 --since-purchase",
    "explain +442071234567",
    "explain 000123",
    "explain acme --balance",
    "explain acme --refusals",
)
def explain(
    asked: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="A subscription, a phone number, an invoice number or an account."
        ),
    ],
    since_purchase: Annotated[
        bool,
        typer.Option(
            "--since-purchase", help="Every renewal that failed, was late or did not happen."
        ),
    ] = False,
    balance: Annotated[
        bool, typer.Option("--balance", help="Why the balance of the account is what it is.")
    ] = False,
    refusals: Annotated[
        bool,
        typer.Option(
            "--refusals", help="Every command that was refused. ID may also be a request id."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Explain why something is as it is, with the rules and the rows behind it.

    Of a subscription: why it renewed or not, what comes next, and which commands were refused. Of a
    number: its activation fee. Of an invoice: its lines. Of an account: its balance, and which
    commands were refused.
    """
    from doors.commandline import inputs, reason_tables
    from doors.commandline.connection import configured, ledger
    from doors.commandline.output import show

    id_, config = inputs.name("ID", asked), configured()
    if since_purchase and balance:
        inputs.wrong("--balance", "is of an account, and --since-purchase of a subscription")
    if refusals and (since_purchase or balance):
        inputs.wrong("--refusals", "stands alone; leave out --since-purchase and --balance")
    with ledger(config) as opened:
        what = _Asked.REFUSALS if refusals else _what(opened, id_, since_purchase, balance)
        if what is not _Asked.SUBSCRIPTION:
            found = _reasons(opened, id_, what)
            show(found, reason_tables.reasons(found), json=json)
            return
    _explain_subscription(config, id_, json)


def _what(ledger: "Ledger", id_: str, since_purchase: bool, balance: bool) -> _Asked:
    """What is asked for. A phone number begins with +, an invoice number has digits only."""
    from doors.queries.refusals import is_refused
    from doors.queries.snapshot import open_snapshot

    if since_purchase:
        return _Asked.SINCE_PURCHASE
    if balance:
        return _Asked.BALANCE
    if id_.startswith("+"):
        return _Asked.NUMBER
    with open_snapshot(ledger) as snapshot:
        kind = snapshot.kind_of(id_)
        if kind is None and id_.isascii() and id_.isdigit() and len(id_) <= _LONGEST_NUMBER:
            return _Asked.INVOICE
        if kind is None and is_refused(snapshot, id_):
            return _Asked.REFUSALS
    return _Asked.BALANCE if kind == "account" else _Asked.SUBSCRIPTION


_LONGEST_NUMBER = 18
"""Digits of an invoice number."""


def _reasons(ledger: "Ledger", id_: str, what: _Asked) -> "Reasons":
    from doors.commandline import inputs
    from doors.queries.balance_reasons import balance_of
    from doors.queries.cycle_reasons import renewals_since_purchase
    from doors.queries.invoice_reasons import lines_of_invoice
    from doors.queries.number_reasons import fees_of_number
    from doors.queries.refusals import refusals_about

    match what:
        case _Asked.SINCE_PURCHASE:
            return renewals_since_purchase(ledger, id_)
        case _Asked.NUMBER:
            return fees_of_number(ledger, inputs.number("ID", id_))
        case _Asked.INVOICE:
            return lines_of_invoice(ledger, id_)
        case _Asked.REFUSALS:
            return refusals_about(ledger, id_)
        case _Asked.BALANCE | _Asked.SUBSCRIPTION:
            return balance_of(ledger, id_)


def _explain_subscription(config: "Settings", id_: str, json: bool) -> None:
    from doors.commandline import plain_data, reason_tables, tables
    from doors.commandline.async_run import run
    from doors.commandline.connection import ledger
    from doors.commandline.output import show
    from doors.queries import sentences
    from doors.queries.explanations import explain_subscription

    with ledger(config) as opened:
        found = explain_subscription(opened, id_)
    said = run(_workflow_answer(config, id_))
    source = "its workflow and the database" if said else "the database; its workflow is away"
    answer = sentences.last_payment(found.because) + (said or found.answer)
    values = plain_data.data(found) | {"answer": answer, "asked": source}
    parts = [
        *tables.explanation(found, answer, source),
        *reason_tables.refused(found.refused, found.timezone, found.refused_left_out),
    ]
    show(values, parts, json=json)


async def _workflow_answer(config: "Settings", subscription: str) -> str | None:
    """Return what the workflow says, or None if it does not respond for any reason.

    The database has given an answer already.
    """
    from doors.commandline import connection, embedded_stack
    from doors.commandline.exit_codes import Unavailable

    try:
        async with connection.perennial(config) as perennial:
            return await connection.query(perennial.why_not_renewed(subscription))
    except Exception as error:
        if isinstance(error, Unavailable) or embedded_stack.message_of(error):
            return None
        raise
