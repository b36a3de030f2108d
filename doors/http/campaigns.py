"""Campaigns: one command on many subscriptions, previewed, started, followed and controlled."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Path, Request

from core.domain import inputs
from core.domain.campaigns import (
    EACH,
    FASTEST,
    MOST_ROWS,
    SLOWEST,
    USUAL,
    CampaignState,
    Control,
    Row,
)
from core.domain.commands import SUBSCRIPTION_COMMANDS
from core.domain.commands import fields as kinds
from core.domain.commands.base import SubscriptionCommand
from core.domain.faults import Fault, Faults
from core.domain.inputs import LONGEST_ID
from core.domain.subscription import Failure
from core.ledger.ledger import Ledger
from doors.access.campaigns import require_command
from doors.application.campaign_previews import CampaignPreview
from doors.http.callers import Caller, Calling
from doors.http.command_bodies import read_command
from doors.http.forms import Field, Form, field, id_, listed, mapping, whole
from doors.http.pages import Listed, page_of
from doors.http.parameters import (
    USUAL_ROWS,
    After,
    AfterPosition,
    IdempotencyKey,
    Limit,
    PathId,
)
from doors.http.routes import Answer, Routes, place_of
from doors.queries.campaign_selections import Selection, selected_rows
from doors.queries.campaigns import (
    CampaignLine,
    CampaignView,
    ReceiptRow,
    find_campaign,
    list_campaigns,
    progress_of,
    receipt,
)
from doors.queries.list_names import WorkList

MOST_PREVIEWED = 1000
"""So many rows are previewed in one request at most. A row takes some 5 ms of CPU."""

_ALLOWED = {do: it for do, it in SUBSCRIPTION_COMMANDS.items() if it.in_campaign}
_SELECT = Form(
    "Selection",
    {
        "list": field(
            kinds.Choice(help="All subscriptions of this work list.", choices=WorkList),
            required=True,
        ),
        "account": id_("Only those of this account."),
        "clock": id_("Only those on this test clock. Default: those on none."),
        "failure": field(
            kinds.Choice(help="Only those that have failed for this reason.", choices=Failure)
        ),
    },
    example={"list": "failed", "account": "acme"},
)


def _do(value: object) -> str:
    if not isinstance(value, str) or value not in _ALLOWED:
        inputs.wrong(f"must be a command of campaigns: {inputs.either(_ALLOWED)}")
    return value


def _form(name: str, *, rate: bool) -> Form:
    fields: dict[str, Field] = {
        "do": Field(
            _do,
            {"type": "string", "enum": list(_ALLOWED), "description": "The command."},
            required=True,
        ),
        "options": Field(
            mapping,
            {"type": "object", "description": "The fields of the command, but its subscription."},
        ),
        "subscriptions": listed(
            "Ids of subscriptions, each once.",
            inputs.read_id,
            {"type": "string", "minLength": 1, "maxLength": LONGEST_ID},
            MOST_ROWS,
        ),
        "selection": Field(mapping, _SELECT.json_schema()),
    }
    if rate:
        fields["rate"] = whole(f"Rows per second, at most. Default {USUAL}.", SLOWEST, FASTEST)
    return Form(
        name,
        fields,
        example={"do": "extend", "options": {"cycles": 1}, "subscriptions": ["s1"]},
        at_least_one=("subscriptions", "selection"),
    )


START, PREVIEW = _form("NewCampaign", rate=True), _form("CampaignToPreview", rate=False)
RATE = Form(
    "CampaignRate",
    {"rate": whole("Rows per second, at most.", SLOWEST, FASTEST, required=True)},
    example={"rate": 10},
)

CampaignId = PathId
PathControl = Annotated[
    Control, Path(description="pause, resume (also a finished one with unknown rows) or stop.")
]

routes = Routes("campaigns")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedCampaign:
    """A campaign that was started. `campaign`: its id, by which its progress is asked for."""

    campaign: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignNow:
    """A campaign after a control."""

    campaign: str
    state: CampaignState
    rate: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    pattern: SubscriptionCommand
    rows: list[Row]
    selection: str | None


@routes.get("/campaigns", "list_campaigns", Listed[CampaignLine])
async def campaigns(
    caller: Calling,
    state: CampaignState | None = None,
    after: After = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[CampaignLine]:
    """Campaigns, the newest first (docs/campaigns.md)."""

    def read(ledger: Ledger) -> Listed[CampaignLine]:
        rows = list_campaigns(ledger, state=state, after=after, most=limit + 1)
        return page_of(iter(rows), limit, lambda row: row.campaign)

    return await caller.read(read)


@routes.write("POST", "/campaigns", "start_campaign", StartedCampaign, START, 201)
async def start_campaign(caller: Calling, request: Request, key: IdempotencyKey) -> Answer:
    """Start a campaign: one command on the subscriptions that are named, or on those of a list.

    The same key and body again is the same campaign. A selection counts as its words: asked again,
    it may select others. A caller who may do the command may start it on many. A role
    with a limit of money starts no campaign that moves money.
    """
    values = await START.of(request)
    with caller.in_flight.only(caller.seller, key):
        known = await caller.perennial.campaigns.started_by(key)
        await require_command(caller, values["do"])
        wanted = await _wanted(caller, values, key, again=known is not None)
        with _of_the_body():
            started = await caller.perennial.campaigns.start(
                wanted.pattern,
                wanted.rows,
                rate=values.get("rate", USUAL),
                selection=wanted.selection,
            )
    line = await caller.read(progress_of, started.campaign)
    headers = {"Location": place_of("campaigns", str(started.campaign))}
    if started.repeated:
        headers["Idempotent-Replayed"] = "true"
    return Answer(StartedCampaign(campaign=started.campaign, rows=line.rows), 201, headers)


@routes.write("POST", "/campaign-previews", "preview_campaign", CampaignPreview, PREVIEW)
async def preview_campaign(
    caller: Calling, request: Request, key: IdempotencyKey
) -> CampaignPreview:
    """What a campaign would do now: how many rows, how many are refused, how much money.

    Nothing is done. A preview has at most 1,000 rows. `starter.py` previews larger ones.
    """
    values = await PREVIEW.of(request)
    wanted = await _wanted(caller, values, key, again=False)
    if len(wanted.rows) > MOST_PREVIEWED:
        reason = f"selects {len(wanted.rows)} rows; at most {MOST_PREVIEWED} are previewed by HTTP"
        raise Faults([Fault("subscriptions" if wanted.selection is None else "selection", reason)])
    with _of_the_body():
        return await caller.perennial.campaigns.preview(wanted.pattern, wanted.rows)


@routes.get("/campaigns/{campaign}", "show_campaign", CampaignView)
async def show_campaign(caller: Calling, campaign: CampaignId) -> CampaignView:
    """One campaign with its counts and sums."""
    return await caller.read(find_campaign, campaign)


@routes.get("/campaigns/{campaign}/receipt", "show_campaign_receipt", Listed[ReceiptRow])
async def show_receipt(
    caller: Calling,
    campaign: CampaignId,
    after: AfterPosition = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[ReceiptRow]:
    """What became of each row, in the order of the rows. `after` counts rows."""

    def read(ledger: Ledger) -> Listed[ReceiptRow]:
        rows = receipt(ledger, campaign, after=min(after or 0, MOST_ROWS))
        return page_of(rows, limit, lambda row: row.row)

    return await caller.read(read)


@routes.write("PUT", "/campaigns/{campaign}/rate", "set_campaign_rate", CampaignNow, RATE)
async def set_rate(caller: Calling, request: Request, campaign: CampaignId) -> CampaignNow:
    """Change how many rows a second a campaign carries out at most."""
    values = await RATE.of(request)
    await _require_control(caller, campaign)
    await caller.perennial.campaigns.set_rate(campaign, values["rate"])
    return await _now(caller, campaign)


@routes.write("PUT", "/campaigns/{campaign}/{control}", "control_campaign", CampaignNow)
async def control_campaign(
    caller: Calling, campaign: CampaignId, control: PathControl
) -> CampaignNow:
    """Pause a campaign, resume it, or stop it for good. It may be repeated.

    Rows under way are finished, and what is done stays done.
    """
    await _require_control(caller, campaign)
    controls = caller.perennial.campaigns
    do = {
        Control.PAUSE: controls.pause,
        Control.RESUME: controls.resume,
        Control.STOP: controls.stop,
    }[control]
    await do(campaign)
    return await _now(caller, campaign)


async def _require_control(caller: Caller, campaign: str) -> None:
    caller.require((await caller.read(progress_of, campaign)).do)


async def _now(caller: Caller, campaign: str) -> CampaignNow:
    line = await caller.read(progress_of, campaign)
    return CampaignNow(campaign=campaign, state=line.state, rate=line.rate)


@contextmanager
def _of_the_body() -> Iterator[None]:
    """The faults of rows with their places in the body. In a file they have lines."""
    try:
        yield
    except Faults as error:
        raise Faults(
            Fault(re.sub(r"^line (?=\d+$)", "subscriptions.", fault.place), fault.reason)
            for fault in error.faults
        ) from None


async def _wanted(caller: Caller, values: Mapping[str, Any], key: str, *, again: bool) -> _Wanted:
    """The command and the rows that a body asks for.

    `again`: the rows were written before. A selection then counts as its words only.
    """
    if values.keys() >= {"subscriptions", "selection"}:
        raise Faults([Fault("selection", "name subscriptions or a selection, not both")])
    pattern = _pattern(values, key, caller.actor)
    if "subscriptions" in values:
        ids = values["subscriptions"]
        rows = [Row(number, subscription) for number, subscription in enumerate(ids, start=1)]
        return _Wanted(pattern, rows, None)
    selection = _selection(values["selection"])
    if again:
        return _Wanted(pattern, [Row(1, EACH)], selection.words)
    rows = await caller.read(selected_rows, selection, "selection")
    return _Wanted(pattern, rows, selection.words)


def _pattern(values: Mapping[str, Any], key: str, actor: str) -> SubscriptionCommand:
    command, options = _ALLOWED[values["do"]], values.get("options", {})
    if "subscription" in options:
        raise Faults([Fault("options.subscription", "stands for each of the rows; leave it out")])
    try:
        made = read_command(command, {**options, "subscription": EACH}, request_id=key, actor=actor)
    except Faults as error:
        faults = [Fault(f"options.{fault.place}", fault.reason) for fault in error.faults]
        raise Faults(faults) from None
    return cast(SubscriptionCommand, made)


def _selection(document: Mapping[str, object]) -> Selection:
    values = _SELECT.read(document, "selection.")
    selection = Selection(which=values.pop("list"), **values)
    if selection.failure is not None and selection.which is not WorkList.FAILED:
        raise Faults([Fault("selection.failure", "goes with the list failed only")])
    return selection
