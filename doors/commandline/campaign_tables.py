"""Campaigns and their previews, for people and for programs."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from core.domain.campaigns import CampaignState, NewCampaign
from core.domain.counted import counted
from doors.application.campaign_previews import PART, CampaignPreview
from doors.application.dates_and_money import duration, moment, money
from doors.commandline import tables
from doors.commandline.plain_data import data
from doors.commandline.tables import Printed
from doors.queries.campaigns import CampaignLine, CampaignView

_SHOWN = 20


def preview(found: CampaignPreview, new: NewCampaign) -> list[Printed]:
    """Return what a campaign would do."""
    do = found.do.replace("_", " ")
    shown: list[Printed] = [f"This is a preview of {do} on {new.about}: nothing is done."]
    counts = [("Rows", f"{found.rows}"), ("Would be done", f"{found.done}")]
    counts += [("Would be refused", f"{found.refused_rows}")]
    if found.failing:
        counts.append(("Cannot be told", f"{len(found.failing)}"))
    for one in found.money:
        counts += _money(one.currency, paid=one.paid, given_back=one.given_back, card=one.card)
    counts.append(("Lasts at least", duration(found.rows / new.rate)))
    shown.append(tables.pairs("Preview", counts))
    if found.refused:
        made = tables.table("Refused", "Rule", "Rows", "Such as", "Because", right=("Rows",))
        for it in found.refused:
            tables.add_row(made, it.rule, f"{it.count}", it.subscription, it.reason)
        shown.append(made)
    shown += [f"{id_} cannot be told: {why}" for id_, why in found.failing[:_SHOWN]]
    if len(found.failing) > _SHOWN:
        shown.append(f"… and {len(found.failing) - _SHOWN} more.")
    if found.large:
        shown.append(
            f"{counted(found.large, 'account has', 'accounts have')} more than {PART} rows. "
            f"Each {PART} of them begin with what is usable now, so fewer may be done."
        )
    return shown


def preview_as_data(found: CampaignPreview) -> Any:
    """Return a preview as data."""
    return {"preview": True, **data(found)}


def campaign(view: CampaignView) -> list[Printed]:
    """Return a campaign with its rows counted by outcome."""
    line = view.line
    options = ", ".join(f"{name} {value}" for name, value in view.options.items())
    found = [
        ("Does", line.do.replace("_", " ") + (f" ({options})" if options else "")),
        ("On", line.selection),
        ("State", _state(line)),
        ("Started", f"{moment(line.started_at, 'UTC')} UTC by {line.actor}"),
        *([("Ended", f"{moment(line.ended_at, 'UTC')} UTC")] if line.ended_at else []),
        ("Rate", f"{counted(line.rate, 'row')} a second at most"),
        ("Rows", f"{line.rows}, of which {line.settled} are through"),
        ("Done", f"{view.done + view.repeated}" + _repeated(view)),
        ("Refused", f"{view.refused}"),
        *([("Unknown", f"{view.unknown}")] if view.unknown else []),
        *([(_left(line), f"{view.waiting}")] if view.waiting else []),
    ]
    for one in view.sums:
        found += _money(one.currency, paid=one.paid, given_back=one.given_back)
    shown: list[Printed] = [tables.pairs(f"Campaign {line.campaign}", found)]
    if view.refused_by:
        made = tables.table("Refused", "Rule", "Rows", "Such as", right=("Rows",))
        for it in view.refused_by:
            tables.add_row(made, it.rule, f"{it.rows}", it.reason)
        shown.append(made)
    return shown


def as_data(view: CampaignView) -> Any:
    """Return a campaign as data. Amounts have the decimals of their currency."""
    found: dict[str, Any] = data(view)
    return {**found.pop("line"), **found}


def campaigns(lines: Sequence[CampaignLine]) -> list[Printed]:
    """Return a page of the list of campaigns."""
    if not lines:
        return ["There are no campaigns."]
    columns = ("Id", "Does", "On", "State", "Rows", "Through", "Started", "By")
    made = tables.table("Campaigns", *columns, right=("Rows", "Through"))
    for line in lines:
        tables.add_row(
            made,
            line.campaign,
            line.do.replace("_", " "),
            line.selection,
            line.state,
            f"{line.rows}",
            f"{line.settled}",
            f"{line.started_at:%Y-%m-%d %H:%M}",
            line.actor,
        )
    return [made]


def _money(
    currency: str, *, paid: Decimal, given_back: Decimal, card: Decimal = Decimal(0)
) -> list[tuple[str, str]]:
    named = (("Paid", paid), ("Given back", given_back), ("Charged to cards", card))
    return [(name, money(amount, currency)) for name, amount in named if amount]


def _state(line: CampaignLine) -> str:
    if line.state is CampaignState.PAUSED:
        return f"paused; go on with `starter.py campaign resume {line.campaign}`"
    return line.state


def _repeated(view: CampaignView) -> str:
    if not view.repeated:
        return ""
    return f", of which {view.repeated} were found done after an interruption"


def _left(line: CampaignLine) -> str:
    return "Not tried" if line.state is CampaignState.STOPPED else "Waiting"
