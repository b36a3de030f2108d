"""What a subscription holds: plan, add-ons, numbers, cycle, and the withdrawal of changes."""

from enum import StrEnum
from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import InvoiceNumber, Many, OneOrMany, Request, SubscriptionId


class From(StrEnum):
    """From when a change holds."""

    NOW = "now"
    RENEWAL = "renewal"


class Hold(StrEnum):
    """How the customer comes by a number."""

    NORMAL = "normal"
    PORTED_IN = "ported_in"
    BYOI = "byoi"


PhoneNumber = Annotated[str, typer.Argument(metavar="NUMBER", help="Such as +6561234567.")]
When = Annotated[
    From, typer.Option("--when", help="From when it holds: now, or with the next paid cycle.")
]


@command(
    "change-plan",
    "change-plan s1 BIZ-M",
    "change-plan s1 PRO-Y --when renewal",
    "change-plan s1 BIZ-M --invoice-number X-17",
    "change-plan --file ids.csv BIZ-M --when renewal",
)
def change_plan(
    request: Request,
    many: Many,
    subscription: OneOrMany = None,
    sku: Annotated[str | None, typer.Argument(metavar="SKU", help="The new plan.")] = None,
    when: When = From.NOW,
    invoice_number: InvoiceNumber = None,
) -> None:
    """Change the plan. A dearer one costs the prorated difference (rules 3.4, 9)."""
    from core.domain.commands.change_plan import ChangePlan
    from core.domain.commands.changes import When as Since
    from doors.commandline import inputs
    from doors.commandline.campaign_run import issue_one_or_many

    if many.wanted and sku is None:  # The plan is the only argument of a campaign.
        subscription, sku = None, subscription
    if sku is None:
        inputs.wrong("SKU", "name the new plan")
    plan = inputs.name("SKU", sku)

    def make(id_: str) -> ChangePlan:
        return ChangePlan(
            subscription=id_,
            sku=plan,
            when=Since(when.value),
            invoice_number=inputs.optional_name("--invoice-number", invoice_number),
            request_id=request.id,
            actor=request.actor,
        )

    issue_one_or_many(make, subscription, request, many)


@command("set-addon", "set-addon s1 SEAT 5", "set-addon s1 SEAT 0 --when renewal")
def set_addon(
    subscription: SubscriptionId,
    sku: Annotated[str, typer.Argument(metavar="SKU", help="The add-on.")],
    quantity: Annotated[
        int, typer.Argument(metavar="N", help="How many there are, 0 to 500 (rule 3.3).")
    ],
    request: Request,
    when: When = From.NOW,
    invoice_number: InvoiceNumber = None,
) -> None:
    """Set how many of an add-on there are. More cost the prorated difference (rules 3.4, 9)."""
    from core.domain.commands.changes import When as Since
    from core.domain.commands.set_addon import SetAddon
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    change = SetAddon(
        subscription=inputs.name("ID", subscription),
        sku=inputs.name("SKU", sku),
        quantity=quantity,
        when=Since(when.value),
        invoice_number=inputs.optional_name("--invoice-number", invoice_number),
        request_id=request.id,
        actor=request.actor,
    )
    issue(change, request)


@command(
    "add-number",
    "add-number s1 +6561234567 DID-SG",
    "add-number s1 +6561234567 DID-SG --hold ported_in --when renewal",
)
def add_number(
    subscription: SubscriptionId,
    number: PhoneNumber,
    sku: Annotated[str, typer.Argument(metavar="SKU", help="The SKU that it is sold as.")],
    request: Request,
    hold: Annotated[
        Hold, typer.Option(help="How the customer comes by it (rule 10.2).")
    ] = Hold.NORMAL,
    when: When = From.NOW,
    invoice_number: InvoiceNumber = None,
) -> None:
    """Add a number, for the prorated fee and its activation fee (rules 3.4, 10.1)."""
    from core.domain.commands.add_number import AddNumber
    from core.domain.commands.changes import When as Since
    from core.domain.numbers import HoldKind
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    change = AddNumber(
        subscription=inputs.name("ID", subscription),
        number=inputs.number("NUMBER", number),
        sku=inputs.name("SKU", sku),
        hold=HoldKind(hold.value),
        when=Since(when.value),
        invoice_number=inputs.optional_name("--invoice-number", invoice_number),
        request_id=request.id,
        actor=request.actor,
    )
    issue(change, request)


@command(
    "remove-number",
    "remove-number s1 +6561234567",
    "remove-number s1 +6561234567 --when renewal",
)
def remove_number(
    subscription: SubscriptionId, number: PhoneNumber, request: Request, when: When = From.NOW
) -> None:
    """Remove a number. It is held, and nothing is refunded (rules 9, 10.2)."""
    from core.domain.commands.changes import When as Since
    from core.domain.commands.remove_number import RemoveNumber
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    change = RemoveNumber(
        subscription=inputs.name("ID", subscription),
        number=inputs.number("NUMBER", number),
        when=Since(when.value),
        request_id=request.id,
        actor=request.actor,
    )
    issue(change, request)


@command("swap-number", "swap-number s1 +6561234567 +6567654321")
def swap_number(
    subscription: SubscriptionId,
    number: PhoneNumber,
    to: Annotated[str, typer.Argument(metavar="TO", help="The new number, of the same SKU.")],
    request: Request,
) -> None:
    """Swap a number for another one of the same SKU. It costs nothing (rules 9, 10.1)."""
    from core.domain.commands.swap_number import SwapNumber
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    change = SwapNumber(
        subscription=inputs.name("ID", subscription),
        number=inputs.number("NUMBER", number),
        to=inputs.number("TO", to),
        request_id=request.id,
        actor=request.actor,
    )
    issue(change, request)


@command("change-cycle", "change-cycle s1 --multiplier 3", "change-cycle s1 --months 24")
def change_cycle(
    subscription: SubscriptionId,
    request: Request,
    multiplier: Annotated[
        int | None, typer.Option(metavar="N", help="Base cycles of the plan in one cycle.")
    ] = None,
    months: Annotated[
        int | None,
        typer.Option(metavar="N", help="The months of a cycle, a multiple of the plan's."),
    ] = None,
) -> None:
    """Change the length of the cycle, from the next paid cycle on (rule 9)."""
    from core.domain.commands.change_cycle import ChangeCycle
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    change = ChangeCycle(
        subscription=inputs.name("ID", subscription),
        multiplier=multiplier,
        months=months,
        request_id=request.id,
        actor=request.actor,
    )
    issue(change, request)


@command("withdraw-changes", "withdraw-changes s1")
def withdraw_changes(subscription: SubscriptionId, request: Request) -> None:
    """Withdraw the changes that are pending. What is paid for stays (rule 9)."""
    from core.domain.commands.withdraw_changes import WithdrawChanges
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    id_ = inputs.name("ID", subscription)
    issue(
        WithdrawChanges(subscription=id_, request_id=request.id, actor=request.actor),
        request,
    )
