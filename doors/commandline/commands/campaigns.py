"""`campaign`: one command on many subscriptions, once it is started."""

from pathlib import Path
from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import Json, Listing

group("campaign", "One command on many subscriptions: progress, control, receipt.")

CampaignId = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="Its id, such as c-9f86d081884c7d65.")
]


@command("campaign list", "campaign list", "campaign list --state running")
def campaign_list(
    listing: Listing,
    state: Annotated[
        str | None,
        typer.Option(metavar="STATE", help="Only running, paused, stopped or finished."),
    ] = None,
) -> None:
    """Show campaigns, the newest first."""
    from dataclasses import fields

    from core.domain.campaigns import CampaignState
    from doors.commandline import campaign_tables, inputs
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list
    from doors.queries.campaigns import CampaignLine, campaign_rows

    with ledger() as opened:
        rows = campaign_rows(
            opened,
            state=None if state is None else inputs.choice("--state", state, CampaignState),
            after=inputs.optional_name("--after", listing.after),
        )
        show_list(
            List(
                rows=rows,
                table=campaign_tables.campaigns,
                key=lambda row: row.campaign,
                columns=[field.name for field in fields(CampaignLine)],
            ),
            listing,
        )


@command("campaign show", "campaign show c-9f86d081884c7d65 --watch")
def campaign_show(
    campaign: CampaignId,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show the progress until it ends or is paused.")
    ] = False,
    json: Json = False,
) -> None:
    """Show a campaign: how far it is, what it has paid, and which rules have refused rows."""
    from doors.commandline import campaign_run, inputs

    campaign_run.watch(inputs.name("CAMPAIGN", campaign), json=json, until_end=watch)


@command("campaign pause", "campaign pause c-9f86d081884c7d65")
def campaign_pause(campaign: CampaignId, json: Json = False) -> None:
    """Pause a campaign. Rows under way are finished, within seconds."""
    from core.domain.campaigns import Control

    _control(campaign, Control.PAUSE, json=json)


@command("campaign resume", "campaign resume c-9f86d081884c7d65")
def campaign_resume(campaign: CampaignId, json: Json = False) -> None:
    """Go on after a pause. A finished campaign tries its unknown rows once more."""
    from core.domain.campaigns import Control

    _control(campaign, Control.RESUME, json=json)


@command("campaign stop", "campaign stop c-9f86d081884c7d65")
def campaign_stop(campaign: CampaignId, json: Json = False) -> None:
    """Stop a campaign for good. Rows under way are finished, what is done stays done."""
    from core.domain.campaigns import Control

    _control(campaign, Control.STOP, json=json)


@command("campaign rate", "campaign rate c-9f86d081884c7d65 5")
def campaign_rate(
    campaign: CampaignId,
    rate: Annotated[int, typer.Argument(metavar="N", help="Rows per second, 1 to 500.")],
    json: Json = False,
) -> None:
    """Change how many rows a second a campaign carries out at most."""
    from core.domain.counted import counted
    from doors.commandline import inputs
    from doors.commandline.async_run import run
    from doors.commandline.connection import perennial
    from doors.commandline.output import show

    id_ = inputs.name("CAMPAIGN", campaign)

    async def change() -> None:
        async with perennial() as opened:
            await opened.campaigns.set_rate(id_, rate)

    run(change())
    told = f"Campaign {id_} carries out at most {counted(rate, 'row')} a second."
    show({"campaign": id_, "rate": rate}, told, json=json)


@command("campaign receipt", "campaign receipt c-9f86d081884c7d65 --out receipt.csv")
def campaign_receipt(
    campaign: CampaignId,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The CSV file. Default: print it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    json: Json = False,
) -> None:
    """Write a CSV with what became of each row: outcome, amount, rule, sentence."""
    from doors.commandline import inputs
    from doors.commandline.campaign_receipt import write_receipt

    write_receipt(inputs.name("CAMPAIGN", campaign), out, force=force, json=json)


def _control(campaign: str, what: str, *, json: bool) -> None:
    from core.domain.campaigns import CampaignState
    from doors.commandline import inputs
    from doors.commandline.async_run import run
    from doors.commandline.connection import perennial
    from doors.commandline.output import show

    id_ = inputs.name("CAMPAIGN", campaign)

    async def tell() -> CampaignState:
        async with perennial() as opened:
            do = {
                "pause": opened.campaigns.pause,
                "resume": opened.campaigns.resume,
                "stop": opened.campaigns.stop,
            }[what]
            return await do(id_)

    state = run(tell())
    show({"campaign": id_, "state": state}, f"Campaign {id_} is {state}.", json=json)
