"""A campaign from the command line: its rows, its preview, its start, and watching it."""

import asyncio
from collections.abc import Callable

from core.domain.campaigns import EACH, CampaignState, NewCampaign, Row, check_rate
from core.domain.commands.base import SubscriptionCommand
from core.domain.counted import counted
from core.domain.subscription import Failure
from doors.application.campaign_previews import preview_of
from doors.application.campaigns import Started, require_known
from doors.commandline import campaign_tables, connection, inputs
from doors.commandline.async_run import run
from doors.commandline.exit_codes import Code, Ended
from doors.commandline.issue_commands import confirm, issue
from doors.commandline.options import Many, Request
from doors.commandline.output import console, print_json, print_parts, say
from doors.commandline.progress_bars import counting
from doors.intake.campaign_rows import read_rows
from doors.queries.campaign_selections import Selection, selected_rows
from doors.queries.campaigns import CampaignLine, find_campaign, progress_of
from doors.queries.list_names import WorkList

_LOOK_SECONDS = 0.5


def issue_one_or_many(
    make: Callable[[str], SubscriptionCommand],
    subscription: str | None,
    request: Request,
    many: Many,
    *,
    asks: bool = False,
) -> None:
    """Run a command on one subscription, or as a campaign on those of a file or a list.

    `make`: makes the command on a subscription.
    `asks`: whether the command on one subscription asks before it is done, unless with --yes.
    """
    if many.wanted:
        if subscription is not None:
            inputs.wrong("ID", "name a subscription, or a file or a list, not both")
        issue_many(make(EACH), request, many)
        return
    refuse_filters(many)
    if subscription is None:
        inputs.wrong(
            "ID", "name a subscription, or several with --file or a list such as --all-failed"
        )
    issue(make(inputs.name("ID", subscription)), request, yes=many.yes if asks else None)


def issue_many(pattern: SubscriptionCommand, request: Request, many: Many) -> None:
    """Preview a campaign, ask, start it, and watch it.

    `pattern`: its command on the subscription `EACH`.

    Raises `Ended` when its preview finds no row that would be done, when it is not confirmed, and
    when rows are refused or unknown.
    """
    check_rate(many.rate)
    found = run(_started_before(pattern))
    if found is None:
        rows, selection = _rows(many)
        new = NewCampaign(pattern=pattern, rows=tuple(rows), rate=many.rate, selection=selection)
        if request.preview or not many.yes:
            _preview(new, request)
        if request.preview:
            return
        if not many.yes:
            confirm(json=request.json)
    else:
        # The rows were written then. What is asked now is compared with it (Rule 4.2).
        rows, selection = _rows_again(many)
        new = NewCampaign(pattern=pattern, rows=tuple(rows), rate=many.rate, selection=selection)
        if request.preview:
            say(f"It was started before, as campaign {found}: nothing would be started.")
            return
    started = run(_start(new))
    if not request.json:
        again = "was started before" if started.repeated else f"is started: {new.about}"
        say(f"Campaign {started.campaign} {again}.")
    watch(started.campaign, json=request.json, until_end=many.watch)


def watch(campaign: str, *, json: bool, until_end: bool = True) -> None:
    """Show the progress of a campaign until it ends or is paused, and then what became of it.

    Ctrl-C ends the watching only. The message says so.
    """
    try:
        if until_end:
            run(_watch(campaign))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Ended(
            f"You no longer watch campaign {campaign}. It goes on.\n"
            f"Watch it again with `starter.py campaign show {campaign} --watch`, "
            f"stop it with `starter.py campaign stop {campaign}`.",
            Code.INTERRUPTED,
        ) from None
    show(campaign, json=json)


def show(campaign: str, *, json: bool) -> None:
    """Print a campaign. Raises `Ended` if it is over and rows were refused or are unknown."""
    with connection.ledger() as opened:
        view = find_campaign(opened, campaign)
    if json:
        print_json(campaign_tables.as_data(view))
    else:
        print_parts(campaign_tables.campaign(view), console())
    if view.line.state is not CampaignState.FINISHED:
        return
    if view.unknown:
        raise Ended(
            f"{counted(view.unknown, 'row has', 'rows have')} no known outcome.\n"
            f"Try again with `starter.py campaign resume {campaign}`: no row is done twice.",
            Code.UNAVAILABLE,
        )
    if view.refused:
        raise Ended(
            f"{counted(view.refused, 'row')} of {view.line.rows:,} "
            f"{'was' if view.refused == 1 else 'were'} refused.\n"
            f"`starter.py campaign receipt {campaign}` lists each with its rule.",
            Code.REFUSED,
        )


async def _started_before(pattern: SubscriptionCommand) -> str | None:
    assert pattern.request_id is not None
    async with connection.perennial() as perennial:
        return await perennial.campaigns.started_by(pattern.request_id)


async def _start(new: NewCampaign) -> Started:
    config = connection.configured()
    async with connection.perennial(config) as perennial:
        await connection.require_workers(perennial, config)
        return await perennial.campaigns.start(
            new.pattern, new.rows, rate=new.rate, selection=new.selection
        )


async def _watch(campaign: str) -> None:
    """Look at the campaign twice a second until it ends or is paused."""
    with connection.ledger() as opened, counting(campaign) as progress:
        while True:
            line: CampaignLine = await asyncio.to_thread(progress_of, opened, campaign)
            progress(line.settled, line.rows)
            if line.state is not CampaignState.RUNNING:
                return
            await asyncio.sleep(_LOOK_SECONDS)


def _preview(new: NewCampaign, request: Request) -> None:
    """Print what a campaign would do. Raises `Ended` when no row would be done."""
    with connection.ledger() as opened, counting("preview") as progress:
        require_known(opened, new.rows)
        found = preview_of(opened, new, progress)
    if request.json:
        print_json(campaign_tables.preview_as_data(found))
    else:
        print_parts(campaign_tables.preview(found, new), console())
    if not found.done:
        raise Ended("No row would be done. Nothing was started.", Code.REFUSED)


# which rows


def _rows(many: Many) -> tuple[list[Row], str | None]:
    """The rows, and the filter in words. None for a file. Raises `Faults`."""
    _refuse_both(many)
    if many.file is not None:
        try:
            return read_rows(many.file), None
        except OSError as error:
            inputs.wrong("--file", f"{many.file} cannot be read: {error.strerror or error}")
    selection = _selection(many)
    with connection.ledger() as opened:
        return selected_rows(opened, selection, f"--all-{many.all_of}"), selection.words


def _rows_again(many: Many) -> tuple[list[Row], str | None]:
    """What a campaign that was started before is compared by. A filter counts as its words."""
    if many.file is not None:
        return _rows(many)
    _refuse_both(many)
    return [Row(1, EACH)], _selection(many).words


def _selection(many: Many) -> Selection:
    assert many.all_of is not None
    if many.failure is not None and many.all_of is not WorkList.FAILED:
        inputs.wrong("--failure", "goes with --all-failed only")
    failure = many.failure and inputs.choice("--failure", many.failure, Failure)
    return Selection(
        which=many.all_of,
        account=inputs.optional_name("--account", many.account),
        clock=inputs.optional_name("--clock", many.clock),
        failure=failure or None,
    )


def _refuse_both(many: Many) -> None:
    if many.file is not None:
        if many.all_of is not None:
            inputs.wrong("--file", "name a file or a list, not both")
        refuse_filters(many)


def refuse_filters(many: Many) -> None:
    """Raise `Faults` for a filter of a list where no list is named."""
    for name in ("failure", "account", "clock"):
        if getattr(many, name) is not None:
            inputs.wrong(f"--{name}", "goes with a list only, such as --all-failed")
