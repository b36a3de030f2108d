"""Gives commands to the system and prints what became of them."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from core.domain.commands import AnyCommand
from core.domain.refusal import Refusal
from core.protocol.activity_messages import CommandResult
from doors.application.previews import preview
from doors.commandline import connection, outcome
from doors.commandline.async_run import run
from doors.commandline.exit_codes import Code, Ended
from doors.commandline.options import Request
from doors.commandline.output import console, print_json, print_parts, say

Done = Callable[[AnyCommand, CommandResult], None]


def issue_all(
    commands: Sequence[AnyCommand], request: str, done: Done | None = None
) -> list[CommandResult]:
    """Run commands, one after the other, and return their results.

    `request`: the request id that stands for all of them.
    `done`: is called for each as soon as it is done, even if a later one fails. Default None.
    """

    async def work() -> list[CommandResult]:
        config, results = connection.configured(), []
        async with connection.perennial(config) as perennial:
            for command in commands:
                result = await connection.carry_out(perennial, config, command, request)
                results.append(result)
                if done:
                    done(command, result)
        return results

    return run(work())


def issue(command: AnyCommand, request: Request, *, yes: bool | None = None) -> None:
    """Run one command and print its outcome. With --preview, print only what it would do.

    `yes`: whether the person has confirmed it. Default None: the command needs no confirmation.

    Raises `Ended` when it is refused or not confirmed.
    """
    if request.preview:
        preview_all([command], request)
        return
    if yes is not None:
        _show_and_confirm(command, yes=yes, json=request.json)
    (result,) = issue_all([command], command.request_id or "")
    if request.json:
        print_json(outcome_data(command, result))
    elif not result.refusal:
        say(outcome.sentence(result))
    end_if_refused(result.refusal)


def outcome_data(command: AnyCommand, result: CommandResult, subscription: str = "") -> Any:
    """Return what became of a command as data. `subscription` is named if its facts do not."""
    refusal = result.refusal
    found = {
        "do": command.do,
        "request_id": command.request_id,
        "replayed": result.replayed,
        "refused": {"rule": refusal.rule, "reason": refusal.reason} if refusal else None,
        **outcome.data(result),
    }
    if subscription and "subscription" not in found:
        return {"subscription": subscription} | found
    return found


def end_if_refused(refusal: Refusal | None) -> None:
    """End the program with the code for a refusal, if there is one."""
    if refusal:
        raise Ended(f"Refused: {refusal}", Code.REFUSED)


def preview_all(commands: Sequence[AnyCommand], request: Request) -> None:
    """Print what each command would do by itself. Raises `Ended` when one would be refused."""
    from doors.commandline import previews

    with connection.ledger() as opened:
        shown = [preview(opened, command) for command in commands]
    if request.json:
        found = [previews.as_data(one) for one in shown]
        print_json(found if len(found) != 1 else found[0])
    else:
        on = console()
        for one in shown:
            print_parts(previews.parts(one), on)
    for one in shown:
        end_if_refused(one.refusal)


def _show_and_confirm(command: AnyCommand, *, yes: bool, json: bool) -> None:
    """Show what a command would do, and ask unless it is confirmed.

    A request that was carried out before is not asked for again.
    """
    from doors.commandline import previews

    if yes and json:
        return
    with connection.ledger() as opened:
        shown = preview(opened, command)
    if shown.replayed:
        return
    end_if_refused(shown.refusal)
    if not json:
        print_parts(previews.parts(shown), console())
    if not yes:
        confirm(json=json)


def confirm(*, json: bool) -> None:
    """Ask whether to do it. Without a terminal, only --yes confirms. Raises `Ended` if not."""
    if json or not sys.stdin.isatty():
        raise Ended("Nothing was done. Confirm with --yes.", Code.BAD_INPUT)
    try:
        confirmed = typer.confirm("Do it?")
    except typer.Abort:
        raise Ended("Interrupted. Nothing was done.", Code.INTERRUPTED) from None
    if not confirmed:
        raise Ended("Nothing was done.", Code.REFUSED)
