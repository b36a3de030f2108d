"""`recover`: renew failed subscriptions now."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from doors.commandline.app import command
from doors.commandline.options import InvoiceNumber, Many, Request

if TYPE_CHECKING:
    from core.domain.commands import AnyCommand
    from core.protocol.activity_messages import CommandResult


@command(
    "recover",
    "recover s1",
    "recover s1 s2 s3 --invoice-number X-2021-17",
    "recover --account acme",
    "recover --all-failed --failure no_credits --rate 10",
)
def recover(
    request: Request,
    many: Many,
    subscriptions: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="Failed subscriptions of one account."),
    ] = None,
    invoice_number: InvoiceNumber = None,
) -> None:
    """Renew failed subscriptions now.

    Each costs one fee, from credits or by card, and has an outcome of its own (rule 6.1). With
    --account alone, the failed ones of that account are recovered one after the other.
    """
    from core.domain.campaigns import EACH
    from core.domain.commands.recover import Recover
    from doors.commandline import inputs
    from doors.commandline.campaign_run import issue_many, refuse_filters
    from doors.commandline.issue_commands import preview_all
    from doors.commandline.output import say

    number = inputs.optional_name("--invoice-number", invoice_number)
    if many.wanted:
        if subscriptions:
            inputs.wrong("ID", "name subscriptions, or a file or a list, not both")
        pattern = Recover(
            subscription=EACH, invoice_number=number, request_id=request.id, actor=request.actor
        )
        issue_many(pattern, request, many)
        return
    refuse_filters(replace(many, account=None))
    ids = _selection(subscriptions or [], many.account)
    if not ids and not request.json:
        say("No renewal has failed: nothing to recover.")
    commands: list[AnyCommand] = [
        Recover(
            subscription=id_,
            invoice_number=number,
            request_id=request.id if len(ids) == 1 else request.key_of(id_),
            actor=request.actor,
        )
        for id_ in ids
    ]
    if request.preview:
        preview_all(commands, request)
    else:
        _recover_each(commands, request)


def _recover_each(commands: "list[AnyCommand]", request: Request) -> None:
    """Run the commands and print each outcome, even if a later command has none."""
    from doors.commandline import outcome
    from doors.commandline.exit_codes import Code, Ended
    from doors.commandline.issue_commands import issue_all, outcome_data
    from doors.commandline.output import print_json, say

    outcomes: list[Any] = []

    def done(command: "AnyCommand", result: "CommandResult") -> None:
        id_ = getattr(command, "subscription", "")
        outcomes.append(outcome_data(command, result, id_))
        if not request.json:
            refused = f"{id_}: refused: {result.refusal}"
            say(refused if result.refusal else outcome.sentence(result))

    try:
        results = issue_all(commands, request.id, done) if commands else []
    finally:
        if request.json and (outcomes or not commands):
            print_json(outcomes)
    if refused := sum(result.refusal is not None for result in results):
        raise Ended(f"{refused} of {len(results)} refused.", Code.REFUSED)


def _selection(subscriptions: list[str], account: str | None) -> list[str]:
    """Return the named subscriptions, each once, or all failed ones of an account.

    Raises `Faults` when the named ones belong to several accounts.
    """
    from doors.commandline import inputs
    from doors.commandline.connection import ledger
    from doors.queries.accounts import accounts_of
    from doors.queries.list_names import WorkList
    from doors.queries.work_lists import work_list

    if bool(subscriptions) == (account is not None):
        inputs.wrong("recover", "name subscriptions, or an account with --account")
    ids = list(dict.fromkeys(inputs.name("ID", id_) for id_ in subscriptions))
    with ledger() as opened:
        if account is not None:
            name = inputs.name("--account", account)
            rows = work_list(opened, WorkList.FAILED, account=name)
            return [row.subscription for row in rows]
        owners = accounts_of(opened, ids)
    if len(set(owners.values())) > 1:
        whose = ", ".join(f"{id_} to {owner}" for id_, owner in owners.items())
        inputs.wrong("ID", f"these belong to several accounts ({whose}); name those of one")
    return ids
