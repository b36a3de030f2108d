"""Commands: a form made from the description, its preview, and its receipt.

A form has a request id from the moment it is shown. So a double click, the back button and a reload
carry a command out once at most (Rule 4.2). A preview does nothing. If the command would do
something else when it is sent, because another person was quicker, the new preview comes first.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from core.domain.commands import COMMANDS, SUBSCRIPTION_COMMANDS
from core.domain.commands.base import Command
from core.domain.faults import Fault, Faults
from core.domain.refusal import Refusal
from doors.access.second_person import SecondPersonNeeded
from doors.access.staff import StaffCaller
from doors.application.patience import OutcomeUnknown
from doors.application.previews import Preview
from doors.console.accounts import Part
from doors.console.command_fields import controls, document_of, subject_of
from doors.console.forms import Sent
from doors.console.offers import CAREFUL
from doors.console.pages import Page, Pages, see
from doors.console.parameters import PathId
from doors.console.rendering import path_of
from doors.console.visitors import Visiting
from doors.http.command_bodies import read_command
from doors.queries.accounts import find_account
from doors.queries.command_receipts import command_receipt
from doors.queries.possible_commands import possible_on_account, possible_on_subscription
from doors.queries.subscriptions import find_subscription
from doors.queries.terms_in_force import catalog_in_force

REQUEST = "request_id"
"""The field of a form that holds its request id."""
SHOWN = "shown"
"""The field of a form that holds the digest of the preview that was shown."""
pages = Pages()


def _place(do: str, subject: str) -> str:
    """The page of what a command is about."""
    if do in SUBSCRIPTION_COMMANDS:
        return path_of("subscriptions", subject)
    return path_of("accounts", Part.WALLET, subject)


async def _form(
    visitor: StaffCaller,
    do: str,
    subject: str,
    typed: Mapping[str, str],
    *,
    faults: tuple[Fault, ...] = (),
    refusal: Refusal | None = None,
    preview: Preview | None = None,
    changed: bool = False,
    status: int = 200,
) -> Page:
    command = COMMANDS[do]
    offered = do in SUBSCRIPTION_COMMANDS
    possible = possible_on_subscription if offered else possible_on_account
    catalog = await visitor.read(catalog_in_force)
    name = subject_of(command, offered)
    fields = controls(command, name, typed, faults, catalog)
    named = {field.name for field in fields} | {name}
    return Page(
        template="command.html",
        status=status,
        kept=True,
        shows={
            "do": do,
            "about": (command.__doc__ or "").strip().partition("\n")[0].replace("`", ""),
            "one_of": command.exactly_one,
            "some_of": command.at_least_one,
            "rule": command.rule,
            "warns": do in CAREFUL,
            "subject": subject,
            "of_subscription": offered,
            "place": _place(do, subject),
            "fields": fields,
            "others": [fault for fault in faults if fault.place.partition(".")[0] not in named],
            "impossible": (await visitor.read(possible, subject))[do],
            "refusal": refusal,
            "preview": preview,
            "changed": changed,
            "shown": None if preview is None else digest(preview),
            "request_id": typed.get(REQUEST) or f"console/{uuid4()}",
        },
    )


def _read(visitor: StaffCaller, do: str, subject: str, typed: Mapping[str, str]) -> Any:
    """The command of a form. Raises `Faults`."""
    command: type[Command] = COMMANDS[do]
    named = {subject_of(command, do in SUBSCRIPTION_COMMANDS): subject}
    document = document_of(command, {**typed, **named})
    request_id = typed.get(REQUEST, "")
    if not request_id.startswith("console/"):
        raise Faults([Fault("request", "is missing; load the page again")])
    return read_command(command, document, request_id=request_id, actor=visitor.actor)


def digest(preview: Preview) -> str:
    """What a preview shows of the command's own work: lines, documents, the subscription after it.

    What else happens to the account changes what is usable, and not the digest.
    """
    after = preview.after and replace(preview.after, usable=Decimal(0))
    seen = (preview.events, preview.invoices, preview.left_out, preview.card, after)
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def _add(do: str) -> None:
    @pages.get(f"/do/{do}/{{subject:path}}", do)
    async def form(visitor: Visiting, subject: PathId) -> Page:
        return await _form(visitor, do, subject, {})

    @pages.post(f"/preview/{do}/{{subject:path}}", do)
    async def preview(visitor: Visiting, sent: Sent, subject: PathId) -> Page:
        try:
            command = _read(visitor, do, subject, sent)
        except Faults as error:
            return await _form(visitor, do, subject, sent, faults=tuple(error.faults), status=400)
        made = await visitor.perennial.preview(command)
        if made.refusal is not None:
            return await _form(visitor, do, subject, sent, refusal=made.refusal, status=422)
        return await _form(visitor, do, subject, sent, preview=made)

    @pages.post(f"/do/{do}/{{subject:path}}", do)
    async def carry_out(visitor: Visiting, sent: Sent, subject: PathId) -> Any:
        try:
            command = _read(visitor, do, subject, sent)
        except Faults as error:
            return await _form(visitor, do, subject, sent, faults=tuple(error.faults), status=400)
        receipt = path_of("receipts", command.request_id) + f"?do={do}"
        if SHOWN in sent:
            made = await visitor.perennial.preview(command)
            alike = made.replayed or made.refusal is not None or digest(made) == sent[SHOWN]
            if not alike:
                return await _form(
                    visitor, do, subject, sent, preview=made, changed=True, status=409
                )
        try:
            result = await visitor.do(command)
        except SecondPersonNeeded as needed:
            return see(path_of("approvals", needed.approval.id))
        except (OutcomeUnknown, RPCError, WorkflowUpdateFailedError):
            return see(receipt)
        if result.refusal is not None:
            return await _form(visitor, do, subject, sent, refusal=result.refusal, status=422)
        return see(receipt)


for _do in COMMANDS:
    _add(_do)


@pages.get("/receipts/{request_id:path}", "show_request")
async def receipt(visitor: Visiting, request_id: PathId, do: str = "") -> Page:
    """What a command did, or that no outcome is known yet."""
    found = await visitor.read(command_receipt, request_id)
    shows: dict[str, Any] = {"it": found, "request_id": request_id, "do": do[:50]}
    if found is None:
        return Page(template="receipt.html", shows=shows, status=202)
    view = await visitor.read(find_account, found.account)
    subscription, about = None, found.request.subscription
    if about is not None:
        subscription = await visitor.read(partial(find_subscription, with_periods=False), about)
    return Page(template="receipt.html", shows=shows | {"view": view, "subscription": subscription})
