"""Gives commands to the system and prints what became of them."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from core.domain.commands import AnyCommand
from core.domain.refusal import Refusal
from core.protocol.activity_messages import CommandResult
from doors.commandline import connection, outcome
from doors.commandline.async_run import run
from doors.commandline.exit_codes import Code, Ended
from doors.commandline.output import print_json, say

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


def issue(command: AnyCommand, *, json: bool) -> None:
    """Run one command and print its outcome. Raises `Ended` when it is refused."""
    (result,) = issue_all([command], command.request_id or "")
    if json:
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


def confirm(question: str, *, yes: bool, json: bool) -> None:
    """Show what a command means, and ask. Without a terminal, only --yes confirms."""
    if not json:
        say(question)
    if yes:
        return
    if json or not sys.stdin.isatty():
        raise Ended("Nothing was done. Confirm with --yes.", Code.BAD_INPUT)
    try:
        confirmed = typer.confirm("Do it?")
    except typer.Abort:
        raise Ended("Interrupted. Nothing was done.", Code.INTERRUPTED) from None
    if not confirmed:
        raise Ended("Nothing was done.", Code.REFUSED)
