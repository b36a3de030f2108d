"""Campaigns: which there are, how far one is, its controls and its receipt."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from core.domain.campaigns import CampaignState, Control
from core.ledger.ledger import Ledger
from doors.console.forms import Sent
from doors.console.pages import Page, Pages, see
from doors.console.parameters import ROWS, After, PathId
from doors.console.rendering import path_of
from doors.console.visitors import Visiting
from doors.http.csv_files import csv_file
from doors.http.pages import Listed, page_of
from doors.queries.campaigns import (
    CampaignLine,
    find_campaign,
    list_campaigns,
    progress_of,
    receipt,
)
from doors.queries.receipt_csv import COLUMNS, cells

pages = Pages()

CONTROLS = {
    CampaignState.RUNNING: (Control.PAUSE, Control.STOP),
    CampaignState.PAUSED: (Control.RESUME, Control.STOP),
    CampaignState.FINISHED: (Control.RESUME,),
    CampaignState.STOPPED: (),
}
"""What can be told to a campaign in each state. A finished one tries its unknown rows again."""
OneControl = Annotated[Control, Path()]


@pages.get("/campaigns", "list_campaigns")
async def campaigns(visitor: Visiting, after: After = None) -> Page:
    """The campaigns, the newest first."""

    def read(ledger: Ledger) -> Listed[CampaignLine]:
        rows = list_campaigns(ledger, after=after, most=ROWS + 1)
        return page_of(iter(rows), ROWS, lambda row: row.campaign)

    return Page(template="campaigns.html", shows={"page": await visitor.read(read)})


@pages.get("/campaigns/{campaign:path}", "show_campaign")
async def one(visitor: Visiting, campaign: PathId) -> Page:
    """How far a campaign is, and what became of its rows."""
    found = await visitor.read(find_campaign, campaign)
    controls = CONTROLS[found.line.state]
    if found.line.state is CampaignState.FINISHED and not found.unknown:
        controls = ()
    return Page(template="campaign.html", shows={"it": found, "controls": controls})


@pages.post("/campaign-controls/{control}/{campaign:path}", "control_campaign")
async def control_one(
    visitor: Visiting, sent: Sent, control: OneControl, campaign: PathId
) -> Response:
    """Pause a campaign, resume it, or stop it for good. It may be repeated."""
    visitor.require((await visitor.read(progress_of, campaign)).do)
    controls = visitor.perennial.campaigns
    do = {
        Control.PAUSE: controls.pause,
        Control.RESUME: controls.resume,
        Control.STOP: controls.stop,
    }[control]
    await do(campaign)
    return see(path_of("campaigns", campaign))


@pages.get("/campaign-receipts/{campaign:path}", "show_campaign_receipt")
async def receipt_csv(visitor: Visiting, campaign: PathId) -> Response:
    """What became of each row, as CSV."""
    await visitor.read(progress_of, campaign)
    rows = visitor.perennial.rows(receipt, campaign)
    return csv_file("receipt", COLUMNS, rows, cells)
