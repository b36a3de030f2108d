"""The work lists: failed to renew, expiring and expired, with commands on many of them.

A list is shown by account. Rows that are picked, or all of the list, become a campaign: first its
preview, then its start. A list may change in between. Then the preview is made again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from itertools import islice
from typing import Annotated, Any, cast
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import Depends
from pydantic import BeforeValidator
from starlette.responses import Response

from core.domain import inputs
from core.domain.campaigns import EACH, MOST_ROWS, Row
from core.domain.commands import SUBSCRIPTION_COMMANDS
from core.domain.commands.base import SubscriptionCommand
from core.domain.faults import Fault, Faults
from core.domain.money import plain
from core.domain.subscription import Failure
from core.ledger.ledger import Ledger
from doors.access.campaigns import require_command
from doors.access.staff import StaffCaller
from doors.console.clock_choice import first_clocks
from doors.console.forms import Sent
from doors.console.pages import Page, Pages, see
from doors.console.parameters import BLANK, ROWS, After, SomeDay, SomeId
from doors.console.visitors import Visiting
from doors.http.command_bodies import read_command
from doors.http.csv_files import csv_file
from doors.http.pages import Listed, page_of
from doors.queries.campaign_selections import Selection
from doors.queries.list_names import WorkList
from doors.queries.work_lists import ListRow

pages = Pages()

COMMANDS: Mapping[WorkList, tuple[str, ...]] = {
    WorkList.FAILED: ("recover", "extend"),
    WorkList.EXPIRING: ("extend", "resubscribe"),
    WorkList.EXPIRED: ("reactivate",),
}
"""The lists of the console, with what can be done to many of each."""
TITLES: Mapping[WorkList, str] = {
    WorkList.FAILED: "Failed to renew",
    WorkList.EXPIRING: "Expiring soon",
    WorkList.EXPIRED: "Expired",
}
MOST_PREVIEWED = 1_000
"""So many rows can be previewed and started here. The command line takes more."""
_SHOWN = 20
"""So many rows are shown whose outcome cannot be told."""
_PICK = "pick."
_REQUEST = "console/"
_COLUMNS = (
    *("account", "owner", "billing_email", "subscription", "sku", "quantity", "status"),
    *("expiry", "failed_on", "reason", "balance", "currency"),
)


def _listed(value: object) -> object:
    if value not in {str(it) for it in COMMANDS}:
        inputs.wrong(f"must be {inputs.either([str(it) for it in COMMANDS])}")
    return value


OneList = Annotated[WorkList, BeforeValidator(_listed)]


def _fields(of: Selection) -> dict[str, str]:
    """What a selection narrows, as fields of a form and parameters of a page."""
    return {
        name: str(value)
        for name, value in asdict(of).items()
        if name != "which" and value is not None
    }


def _asked(
    which: OneList,
    account: SomeId = None,
    clock: SomeId = None,
    failure: Annotated[Failure | None, BLANK] = None,
    expiry_from: SomeDay = None,
    expiry_to: SomeDay = None,
) -> Selection:
    return Selection(
        which=which,
        account=account,
        clock=clock,
        failure=failure,
        expiry_from=expiry_from,
        expiry_to=expiry_to,
    )


Asked = Annotated[Selection, Depends(_asked)]
"""The parameters of a page that hold the filter of a list."""


@pages.get("/lists/{which}", "list_work")
async def work(visitor: Visiting, of: Asked, after: After = None) -> Page:
    """A work list, by account."""

    def read(ledger: Ledger) -> Listed[ListRow]:
        return page_of(of.rows(ledger, after), ROWS, lambda row: row.subscription)

    return Page(
        template="work_list.html",
        shows={
            "of": of,
            "fields": _fields(of),
            "query": urlencode(_fields(of)),
            "page": await visitor.read(read),
            "titles": TITLES,
            "commands": COMMANDS[of.which],
            "failures": list(Failure),
            "clocks": await visitor.read(first_clocks),
            "pick": _PICK,
            "most": MOST_PREVIEWED,
        },
    )


@pages.get("/list-csv/{which}", "list_work")
async def work_csv(visitor: Visiting, of: Asked) -> Response:
    """A whole work list as CSV, with owner and billing e-mail (Rule 6.3)."""
    rows = visitor.perennial.rows(of.rows)
    return csv_file(of.which, _COLUMNS, rows, _cells)


@pages.post("/list-preview", "preview_campaign")
async def preview(visitor: Visiting, sent: Sent) -> Page:
    """What a command on many would do. Nothing is done."""
    return await _preview(visitor, sent, changed=False)


@pages.post("/list-start", "start_campaign")
async def start(visitor: Visiting, sent: Sent) -> Page | Response:
    """Start what was previewed, if the list has the same rows as then."""
    of = _filter(sent)
    do = _command(sent, of)
    request_id = sent.get("request_id", "")
    if not request_id.startswith(_REQUEST):
        raise Faults([Fault("request", "is missing; preview it again")])
    await require_command(visitor, do)
    rows, picked = await visitor.read(_rows, of, sent)
    campaigns = visitor.perennial.campaigns
    if await campaigns.started_by(request_id) is None and _digest(rows) != sent.get("digest"):
        return await _preview(visitor, sent, changed=True)
    words = f"{len(rows)} picked of {of.words}" if picked else of.words
    pattern = _pattern(sent, do, request_id, visitor.actor)
    started = await campaigns.start(pattern, rows, selection=words)
    return see(f"/campaigns/{started.campaign}")


async def _preview(visitor: StaffCaller, sent: Mapping[str, str], *, changed: bool) -> Page:
    of = _filter(sent)
    do = _command(sent, of)
    request_id = f"{_REQUEST}{uuid4()}"
    rows, picked = await visitor.read(_rows, of, sent)
    pattern = _pattern(sent, do, request_id, visitor.actor)
    found = await visitor.perennial.campaigns.preview(pattern, rows)
    kept = ("list", "do", "cycles", "scope")
    fields = {name: text for name, text in sent.items() if name in kept or name.startswith(_PICK)}
    return Page(
        template="work_preview.html",
        shows={
            "of": of,
            "query": urlencode(_fields(of)),
            "do": do,
            "found": found,
            "shown": _SHOWN,
            "picked": picked,
            "changed": changed,
            "fields": fields | _fields(of) | {"digest": _digest(rows), "request_id": request_id},
        },
    )


def _filter(sent: Mapping[str, str]) -> Selection:
    """The filter of a form. Raises `Faults`."""

    def day(name: str) -> date | None:
        return inputs.required(name, sent[name], inputs.read_day) if sent.get(name) else None

    which = inputs.required("list", sent.get("list"), lambda it: WorkList(str(_listed(it))))
    account, clock = (
        inputs.required(name, sent[name], inputs.read_id) if sent.get(name) else None
        for name in ("account", "clock")
    )
    failure = sent.get("failure")
    if failure and failure not in {str(it) for it in Failure}:
        raise Faults([Fault("failure", "is none of the reasons of the list")])
    return Selection(
        which=which,
        account=account,
        clock=clock,
        failure=Failure(failure) if failure else None,
        expiry_from=day("expiry_from"),
        expiry_to=day("expiry_to"),
    )


def _command(sent: Mapping[str, str], of: Selection) -> str:
    do, allowed = sent.get("do", ""), COMMANDS[of.which]
    if do not in allowed:
        raise Faults([Fault("do", f"must be {inputs.either(allowed)}")])
    return do


def _pattern(sent: Mapping[str, str], do: str, request_id: str, actor: str) -> SubscriptionCommand:
    document: dict[str, Any] = {"subscription": EACH}
    if do == "extend":
        document["cycles"] = inputs.required(
            "cycles", sent.get("cycles", "1"), lambda it: inputs.read_whole_text(it, 1, 120)
        )
    command = SUBSCRIPTION_COMMANDS[do]
    return cast(
        SubscriptionCommand, read_command(command, document, request_id=request_id, actor=actor)
    )


def _rows(ledger: Ledger, of: Selection, sent: Mapping[str, str]) -> tuple[list[Row], bool]:
    """The rows that a form means, and whether they were picked. Raises `Faults`."""
    picked = sent.get("scope") != "all"
    if picked:
        ids = sorted(name.removeprefix(_PICK) for name in sent if name.startswith(_PICK))
        if not ids:
            raise Faults([Fault("rows", "none is picked; pick some, or choose all of the list")])
    else:
        ids = [row.subscription for row in islice(of.rows(ledger), MOST_ROWS)]
        if not ids:
            raise Faults([Fault("rows", f"there are none any longer: {of.words}")])
    if len(ids) > MOST_PREVIEWED:
        reason = (
            f"there are {len(ids):,}; at most {MOST_PREVIEWED:,} are allowed here. Narrow the "
            "list, or use the command line"
        )
        raise Faults([Fault("rows", reason)])
    return [Row(number, id_) for number, id_ in enumerate(ids, start=1)], picked


def _digest(rows: Sequence[Row]) -> str:
    return hashlib.sha256("\n".join(row.subscription for row in rows).encode()).hexdigest()


def _cells(row: ListRow) -> list[object]:
    days = ("" if it is None else it.isoformat() for it in (row.expiry, row.failed_on))
    return [
        row.account,
        row.owner,
        row.billing_email,
        row.subscription,
        row.sku,
        str(row.quantity),
        str(row.status),
        *days,
        row.reason or "",
        plain(row.balance, row.currency),
        row.currency,
    ]
