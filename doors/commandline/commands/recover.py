"""`recover`: renew failed subscriptions now."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from doors.commandline.app import command
from doors.commandline.options import InvoiceNumber, Request

if TYPE_CHECKING:
    from core.domain.commands import AnyCommand
    from core.protocol.activity_messages import CommandResult


@command(
    "recover",
    "recover s1",
    "recover s1 s2 s3 --invoice-number X-2021-17",
    "recover --account acme",
)
def recover(
    request: Request,
    subscriptions: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="Failed subscriptions of one account."),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="ACCOUNT", help="All failed subscriptions of this account."),
    ] = None,
    invoice_number: InvoiceNumber = None,
) -> None:
    """Renew failed subscriptions now.

    Each costs one fee, from credits or by card, and has an outcome of its own (rule 6.1).
    """
    from core.domain.commands.recover import Recover
    from doors.commandline import inputs
    from doors.commandline.output import say

    ids = _selection(subscriptions or [], account)
    number = inputs.optional_name("--invoice-number", invoice_number)
    if not ids and not request.json:
        say("No renewal has failed: nothing to recover.")
    commands = [
        Recover(
            subscription=id_,
            invoice_number=number,
            request_id=request.id if len(ids) == 1 else f"{request.id}/{id_}",
            actor=request.actor,
        )
        for id_ in ids
    ]
    _recover_each(commands, json=request.json)


def _recover_each(commands: "list[Any]", *, json: bool) -> None:
    """Carry out the commands and print each outcome, also when a later one has none."""
    from doors.commandline import outcome
    from doors.commandline.exit_codes import Code, Ended
    from doors.commandline.issue_commands import issue_all, outcome_data
    from doors.commandline.output import print_json, say

    outcomes: list[Any] = []

    def done(command: "AnyCommand", result: "CommandResult") -> None:
        id_ = getattr(command, "subscription", "")
        outcomes.append(outcome_data(command, result, id_))
        if not json:
            refused = f"{id_}: refused: {result.refusal}"
            say(refused if result.refusal else outcome.sentence(result))

    try:
        results = issue_all(*commands, done=done) if commands else []
    finally:
        if json and (outcomes or not commands):
            print_json(outcomes)
    if refused := sum(result.refusal is not None for result in results):
        raise Ended(f"{refused} of {len(results)} refused.", Code.REFUSED)


def _selection(subscriptions: list[str], account: str | None) -> list[str]:
    """Return the named subscriptions, each once, or all failed ones of an account.

    Raises `Faults` when the named ones belong to several accounts.
    """
    from doors.commandline import inputs
    from doors.commandline.connection import reading

    if bool(subscriptions) == (account is not None):
        inputs.wrong("recover", "name subscriptions, or an account with --account")
    ids = list(dict.fromkeys(inputs.name("ID", id_) for id_ in subscriptions))
    with reading() as found:
        if account is not None:
            rows = found.work_list("failed", account=inputs.name("--account", account))
            return [row.subscription for row in rows]
        owners = found.accounts_of(ids)
    if len(set(owners.values())) > 1:
        whose = ", ".join(f"{id_} to {owner}" for id_, owner in owners.items())
        inputs.wrong("ID", f"these belong to several accounts ({whose}); name those of one")
    return ids
