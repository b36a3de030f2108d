"""The commands, and the result of each.

Written by `make client`. Changes by hand are lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Literal

from perennial_client.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A number that a purchase or a change names: the number, its SKU, and how it came (10.2)."""

    number: str
    sku: str
    hold: Literal["normal", "ported_in", "byoi"] = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNumberResult:
    """The number. `activation_fee`: what its activation cost now, beside `amount`."""

    subscription: str
    amount: Decimal
    currency: str
    at_renewal: bool
    external_invoice: str | None = None
    number: str
    sku: str
    activation_fee: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNumber(Command[AddNumberResult]):
    """Add a number. It is in use at once.

    From today on it costs the prorated fee and its activation fee. At renewal it is priced
    from the next paid cycle on, and its activation fee is charged with that cycle.

    Rule 10.1.

    `subscription`: The id of the subscription.
    `number`: The number that is added.
    `sku`: The SKU that it is sold as.
    `hold`: How the customer comes by it (rule 10.2).
    `when`: From when it is priced.
    `invoice_number`: The number of an external invoice that pays it (rule 11.4).
    """

    subscription: str
    number: str
    sku: str
    hold: Literal["normal", "ported_in", "byoi"] = "normal"
    when: Literal["now", "renewal"] = "now"
    invoice_number: str | None = None

    do: ClassVar[str] = "add_number"
    returns: ClassVar[type[Any]] = AddNumberResult


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustResult:
    """The credits that were given, or taken when the amount is negative."""

    account: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust(Command[AdjustResult]):
    """Give credits, or take credits with a negative amount. It sets off no retry (Rule 5.4).

    Rule 11.9.

    `account`: The id of the account.
    `amount`: How much, negative to take.
    `reason`: Why, for the history.
    """

    account: str
    amount: Decimal
    reason: str

    do: ClassVar[str] = "adjust"
    returns: ClassVar[type[Any]] = AdjustResult


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignResult:
    """The subscription and its assignee. None is the account's owner."""

    subscription: str
    assignee: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign(Command[AssignResult]):
    """Assign a subscription to a person, or back to the account's owner.

    Rule 9.

    `subscription`: The id of the subscription.
    `assignee`: The e-mail address of the assignee. None: the account's owner.
    """

    subscription: str
    assignee: str | None

    do: ClassVar[str] = "assign"
    returns: ClassVar[type[Any]] = AssignResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCycleResult:
    """The months of the next paid cycle."""

    subscription: str
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCycle(Command[ChangeCycleResult]):
    """Change the cycle to so many base cycles of the plan, or so many months.

    Exactly one of the two is given. The plan is the one that the next paid cycle has.

    Rule 9.

    `subscription`: The id of the subscription.
    `multiplier`: Base cycles of the plan in one cycle (rule 3.1).
    `months`: The months of a cycle.
    """

    subscription: str
    multiplier: int | None = None
    months: int | None = None

    do: ClassVar[str] = "change_cycle"
    returns: ClassVar[type[Any]] = ChangeCycleResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOwnerResult:
    """The subscription, its new account and the one that it had before."""

    subscription: str
    account: str
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOwner(Command[ChangeOwnerResult]):
    """Give a subscription to another account of the same currency. It pays from then on.

    Rule 9.

    `subscription`: The id of the subscription.
    `account`: The id of the new account.
    """

    subscription: str
    account: str

    do: ClassVar[str] = "change_owner"
    returns: ClassVar[type[Any]] = ChangeOwnerResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlanResult:
    """The new plan."""

    subscription: str
    amount: Decimal
    currency: str
    at_renewal: bool
    external_invoice: str | None = None
    sku: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan(Command[ChangePlanResult]):
    """Change the plan. A dearer one costs the prorated difference. A cheaper one costs nothing.

    Rule 9.

    `subscription`: The id of the subscription.
    `sku`: The new plan.
    `when`: From when it holds.
    `invoice_number`: The number of an external invoice that pays it (rule 11.4).
    """

    subscription: str
    sku: str
    when: Literal["now", "renewal"] = "now"
    invoice_number: str | None = None

    do: ClassVar[str] = "change_plan"
    returns: ClassVar[type[Any]] = ChangePlanResult


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAccountResult:
    """The account that is closed, and the last day on which it can be opened again."""

    account: str
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAccount(Command[CloseAccountResult]):
    """Close an account. Nothing may be ACTIVE, and the balance must be zero.

    Rule 11.8.

    `account`: The id of the account.
    """

    account: str

    do: ClassVar[str] = "close_account"
    returns: ClassVar[type[Any]] = CloseAccountResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertResult:
    """The first paid cycle."""

    subscription: str
    expiry: date
    amount: Decimal
    currency: str
    external_invoice: str | None = None
    activation_fees: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Convert(Command[ConvertResult]):
    """Pay the first cycle of a trial in full. From then on it is no trial.

    Rule 4.3.

    `subscription`: The id of the subscription.
    `invoice_number`: The number of an external invoice that pays it (rule 11.4).
    """

    subscription: str
    invoice_number: str | None = None

    do: ClassVar[str] = "convert"
    returns: ClassVar[type[Any]] = ConvertResult


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseAccountResult:
    """The account, and what the law keeps of it.

    `kept_invoices`: invoices and credit notes that stay as they were issued.
    `kept_until`: the last day on which one of them is kept. None: none is kept.
    """

    account: str
    kept_invoices: int
    kept_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseAccount(Command[EraseAccountResult]):
    """Erase the personal data of a closed account, for good. Its books and invoices stay.

    It does not go through a workflow, so that it needs no worker.

    Rule 11.8.

    `account`: The id of the account.
    `invoice_years`: The years that the law keeps invoices, after the year of their date.
    """

    account: str
    invoice_years: int = 10

    do: ClassVar[str] = "erase_account"
    returns: ClassVar[type[Any]] = EraseAccountResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendResult:
    """The cycles that were paid."""

    subscription: str
    expiry: date
    amount: Decimal
    currency: str
    external_invoice: str | None = None
    activation_fees: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend(Command[ExtendResult]):
    """Pay whole `cycles` in advance, or up `to` a day. Exactly one of the two is given.

    Rule 6.2.

    `subscription`: The id of the subscription.
    `cycles`: How many cycles are paid.
    `to`: The new last paid day.
    `invoice_number`: The number of an external invoice that pays it (rule 11.4).
    """

    subscription: str
    cycles: int | None = None
    to: date | None = None
    invoice_number: str | None = None

    do: ClassVar[str] = "extend"
    returns: ClassVar[type[Any]] = ExtendResult


@dataclass(frozen=True, slots=True, kw_only=True)
class PayInvoiceResult:
    """The payment, and what is still receivable after it."""

    account: str
    amount: Decimal
    receivable: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayInvoice(Command[PayInvoiceResult]):
    """Reduce what is receivable. What is paid beyond that is overpayment.

    Rule 11.6.

    `account`: The id of the account.
    `amount`: How much, such as 50.00.
    """

    account: str
    amount: Decimal

    do: ClassVar[str] = "pay_invoice"
    returns: ClassVar[type[Any]] = PayInvoiceResult


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseResult:
    """The new subscription and what it cost.

    `numbers`: its numbers, when some were picked from the inventory. Else None.
    """

    subscription: str
    expiry: date
    amount: Decimal
    currency: str
    external_invoice: str | None = None
    activation_fees: Decimal | None = None
    numbers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase(Command[PurchaseResult]):
    """Buy a subscription: the whole first cycle is charged at once.

    Rule 4.1.

    `account`: The id of the account.
    `subscription`: The id of the new subscription.
    `sku`: What is bought.
    `quantity`: How many licences (rule 3.3).
    `multiplier`: Base cycles in one cycle (rule 3.1).
    `addons`: Quantities by add-on SKU.
    `numbers`: Numbers that are named, each with its SKU (rule 10).
    `pick`: How many free numbers of a SKU are taken from the inventory, by SKU.
    `pay`: How it is paid.
    `invoice_number`: The number of an external invoice that pays it (rule 11.4).
    `contract`: The kind of contract (rule 8.3).
    `align`: Whether its first automatic renewal ends with a month (rule 5.5).
    `legacy`: Whether it renews a day earlier (rule 1.5).
    `discount`: Percent off the fee of its first cycles (rule 3.6).
    `discount_cycles`: How many cycles it holds.
    """

    account: str
    subscription: str
    sku: str
    quantity: int = 1
    multiplier: int = 1
    addons: Mapping[str, int] = field(default_factory=dict)
    numbers: Sequence[Wanted] = ()
    pick: Mapping[str, int] = field(default_factory=dict)
    pay: Literal["credits", "external_invoice", "contract"] = "credits"
    invoice_number: str | None = None
    contract: Literal["as_incurred", "milestone"] | None = None
    align: bool = False
    legacy: bool = False
    discount: Decimal = Decimal("0")
    discount_cycles: int = 1

    do: ClassVar[str] = "purchase"
    returns: ClassVar[type[Any]] = PurchaseResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactivateResult:
    """The cycle that was paid."""

    subscription: str
    expiry: date
    amount: Decimal
    currency: str
    external_invoice: str | None = None
    activation_fees: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactivate(Command[ReactivateResult]):
    """Bring an expired subscription back on its old schedule, for one full fee.

    Rule 7.

    `subscription`: The id of the subscription.
    `invoice_number`: The number of an external invoice that pays it (rule 11.4).
    """

    subscription: str
    invoice_number: str | None = None

    do: ClassVar[str] = "reactivate"
    returns: ClassVar[type[Any]] = ReactivateResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverResult:
    """The cycle that was paid."""

    subscription: str
    expiry: date
    amount: Decimal
    currency: str
    external_invoice: str | None = None
    activation_fees: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover(Command[RecoverResult]):
    """Renew a failed subscription now.

    Rule 6.1.

    `subscription`: The id of the subscription.
    `invoice_number`: The number of an external invoice that pays it (rule 11.4).
    """

    subscription: str
    invoice_number: str | None = None

    do: ClassVar[str] = "recover"
    returns: ClassVar[type[Any]] = RecoverResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveNumberResult:
    """The number."""

    subscription: str
    amount: Decimal
    currency: str
    at_renewal: bool
    external_invoice: str | None = None
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveNumber(Command[RemoveNumberResult]):
    """Remove a number. Nothing is refunded, and the number is held (Rule 10.2).

    Rule 9.

    `subscription`: The id of the subscription.
    `number`: The number that is removed.
    `when`: When it leaves.
    """

    subscription: str
    number: str
    when: Literal["now", "renewal"] = "now"

    do: ClassVar[str] = "remove_number"
    returns: ClassVar[type[Any]] = RemoveNumberResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenAccountResult:
    """The account that is open again."""

    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenAccount(Command[ReopenAccountResult]):
    """Open a closed account again, as long as it is not closed for good.

    Rule 11.8.

    `account`: The id of the account.
    """

    account: str

    do: ClassVar[str] = "reopen_account"
    returns: ClassVar[type[Any]] = ReopenAccountResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveNumberResult:
    """The number that is reserved, and the last day of the reservation."""

    account: str
    number: str
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveNumber(Command[ReserveNumberResult]):
    """Reserve a free number of the inventory for an account.

    It moves no money and no step of the account, so it does not go through a workflow.

    Rule 10.3.

    `account`: The id of the account.
    `number`: The number, such as +6561234567.
    `remark`: What it is reserved for.
    """

    account: str
    number: str
    remark: str | None = None

    do: ClassVar[str] = "reserve_number"
    returns: ClassVar[type[Any]] = ReserveNumberResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ResubscribeResult:
    """The subscription and its last paid day."""

    subscription: str
    expiry: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Resubscribe(Command[ResubscribeResult]):
    """Switch auto-renewal on again.

    Rule 8.1.

    `subscription`: The id of the subscription.
    """

    subscription: str

    do: ClassVar[str] = "resubscribe"
    returns: ClassVar[type[Any]] = ResubscribeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeResult:
    """The account that is no longer suspended."""

    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Command[ResumeResult]):
    """Resume a suspended account. This does not retry failed renewals (Rule 5.6).

    Rule 11.8.

    `account`: The id of the account.
    """

    account: str

    do: ClassVar[str] = "resume"
    returns: ClassVar[type[Any]] = ResumeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAccountResult:
    """The settings that were changed. None: it was not changed, or has no last day."""

    account: str
    currency: str
    credit_limit: Decimal | None = None
    credit_limit_until: date | None = None
    renew_by_card: bool | None = None
    auto_top_up: bool | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAccount(Command[SetAccountResult]):
    """Change settings of an account. A setting that is left out stays as it is.

    A credit limit without `credit_limit_until` never ends (Rule 11.1).

    Rule 11.1.

    `account`: The id of the account.
    `credit_limit`: The credit limit (rule 11.1).
    `credit_limit_until`: The last day of the credit limit.
    `renew_by_card`: Whether renewals may use the card (rule 5.3).
    `auto_top_up`: Whether the card tops it up by itself (rule 11.2).
    `mode`: Whether it pays in advance (rule 11.6).
    """

    account: str
    credit_limit: Decimal | None = None
    credit_limit_until: date | None = None
    renew_by_card: bool | None = None
    auto_top_up: bool | None = None
    mode: Literal["prepaid", "postpaid"] | None = None

    do: ClassVar[str] = "set_account"
    returns: ClassVar[type[Any]] = SetAccountResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAddonResult:
    """The add-on and its new quantity."""

    subscription: str
    amount: Decimal
    currency: str
    at_renewal: bool
    external_invoice: str | None = None
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAddon(Command[SetAddonResult]):
    """Set how many of an add-on there are. More cost the prorated difference, fewer nothing.

    Rule 9.

    `subscription`: The id of the subscription.
    `sku`: The add-on.
    `quantity`: How many there are. 0 removes the add-on.
    `when`: From when it holds.
    `invoice_number`: The number of an external invoice that pays it (rule 11.4).
    """

    subscription: str
    sku: str
    quantity: int
    when: Literal["now", "renewal"] = "now"
    invoice_number: str | None = None

    do: ClassVar[str] = "set_addon"
    returns: ClassVar[type[Any]] = SetAddonResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBillingResult:
    """The account whose documents show something else from now on."""

    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBilling(Command[SetBillingResult]):
    """Change what documents show of a customer. What is left out stays.

    An empty text removes a value. Invoices that have their number keep what they show.

    Rule 11.4.

    `account`: The id of the account.
    `name`: The name of the customer.
    `street`: Street and house.
    `postal_code`: The postal code.
    `city`: The city.
    `country`: The country, by its ISO 3166 code such as DE.
    `tax_number`: The customer's tax number.
    `language`: The language of documents.
    """

    account: str
    name: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None
    tax_number: str | None = None
    language: Literal["en", "de", "ar"] | None = None

    do: ClassVar[str] = "set_billing"
    returns: ClassVar[type[Any]] = SetBillingResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCardResult:
    """The account whose card was changed."""

    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCard(Command[SetCardResult]):
    """Store a `card`, or remove the one that is stored. This does not retry renewals (Rule 5.4).

    It does not go through a workflow, so that no card token is in a history.

    Rule 5.3.

    `account`: The id of the account.
    `card`: The gateway's token of the card. None removes the card.
    """

    account: str
    card: str | None

    do: ClassVar[str] = "set_card"
    returns: ClassVar[type[Any]] = SetCardResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareResult:
    """The subscription and its new member."""

    subscription: str
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Command[ShareResult]):
    """Share a subscription with a member.

    Rule 9.

    `subscription`: The id of the subscription.
    `member`: The e-mail address of the member.
    """

    subscription: str
    member: str

    do: ClassVar[str] = "share"
    returns: ClassVar[type[Any]] = ShareResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendResult:
    """The account that is suspended."""

    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend(Command[SuspendResult]):
    """Suspend an account. Its service, its renewals and most commands stop.

    Rule 11.8.

    `account`: The id of the account.
    """

    account: str

    do: ClassVar[str] = "suspend"
    returns: ClassVar[type[Any]] = SuspendResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapNumberResult:
    """The number that was given back, and the new one."""

    subscription: str
    number: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapNumber(Command[SwapNumberResult]):
    """Swap a number for another one of the same SKU. It costs nothing.

    Rule 9.

    `subscription`: The id of the subscription.
    `number`: The number that is given back.
    `to`: The new number.
    `sku`: The SKU of the new number. Default: the same.
    """

    subscription: str
    number: str
    to: str
    sku: str | None = None

    do: ClassVar[str] = "swap_number"
    returns: ClassVar[type[Any]] = SwapNumberResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateResult:
    """`expiry`: the last day that had been paid. `refund`: what went back to the wallet."""

    subscription: str
    expiry: date
    refund: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate(Command[TerminateResult]):
    """End a subscription for good, with its refund.

    Rule 8.2.

    `subscription`: The id of the subscription.
    `reason`: Why it ends, for the history.
    """

    subscription: str
    reason: str

    do: ClassVar[str] = "terminate"
    returns: ClassVar[type[Any]] = TerminateResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpResult:
    """The credits that were added."""

    account: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp(Command[TopUpResult]):
    """Add credits. Failed renewals that they cover are renewed at once, oldest first.

    Rule 5.4.

    `account`: The id of the account.
    `amount`: How much, such as 50.00.
    """

    account: str
    amount: Decimal

    do: ClassVar[str] = "top_up"
    returns: ClassVar[type[Any]] = TopUpResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResult:
    """The credits that were moved."""

    account: str
    to: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Command[TransferResult]):
    """Move credits to another account. There they count as a top-up for failed renewals.

    Rule 11.9.

    `account`: The id of the account.
    `to`: The account that gets the credits.
    `amount`: How much, such as 50.00.
    """

    account: str
    to: str
    amount: Decimal

    do: ClassVar[str] = "transfer"
    returns: ClassVar[type[Any]] = TransferResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """The new subscription. `expiry`: the last day of the trial."""

    subscription: str
    expiry: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Command[TrialResult]):
    """Start a trial: nothing is charged before it ends. One per account and application, ever.

    Rule 4.3.

    `account`: The id of the account.
    `subscription`: The id of the new subscription.
    `sku`: What is tried.
    """

    account: str
    subscription: str
    sku: str

    do: ClassVar[str] = "trial"
    returns: ClassVar[type[Any]] = TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreserveNumberResult:
    """The number that is free again."""

    account: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreserveNumber(Command[UnreserveNumberResult]):
    """End the reservation of a number before its last day. It is free then.

    Rule 10.3.

    `account`: The id of the account.
    `number`: The number, such as +6561234567.
    """

    account: str
    number: str

    do: ClassVar[str] = "unreserve_number"
    returns: ClassVar[type[Any]] = UnreserveNumberResult


@dataclass(frozen=True, slots=True, kw_only=True)
class UnshareResult:
    """The subscription and who was its member."""

    subscription: str
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshare(Command[UnshareResult]):
    """Share a subscription with a member no longer.

    Rule 9.

    `subscription`: The id of the subscription.
    `member`: The e-mail address of the member.
    """

    subscription: str
    member: str

    do: ClassVar[str] = "unshare"
    returns: ClassVar[type[Any]] = UnshareResult


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubscribeResult:
    """The subscription and its last paid day."""

    subscription: str
    expiry: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(Command[UnsubscribeResult]):
    """Switch auto-renewal off.

    Rule 8.1.

    `subscription`: The id of the subscription.
    """

    subscription: str

    do: ClassVar[str] = "unsubscribe"
    returns: ClassVar[type[Any]] = UnsubscribeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageResult:
    """The usage that was charged."""

    account: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(Command[UsageResult]):
    """Charge the wallet for usage. It stands on the invoice of the month.

    Rule 11.1.

    `account`: The id of the account.
    `amount`: How much, with up to 5 decimals.
    `text`: What was used, for the invoice.
    """

    account: str
    amount: Decimal
    text: str

    do: ClassVar[str] = "usage"
    returns: ClassVar[type[Any]] = UsageResult


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawChangesResult:
    """How many changes were withdrawn."""

    subscription: str
    withdrawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawChanges(Command[WithdrawChangesResult]):
    """Withdraw every change that is pending. One whose cycle is paid already stays.

    Rule 9.

    `subscription`: The id of the subscription.
    """

    subscription: str

    do: ClassVar[str] = "withdraw_changes"
    returns: ClassVar[type[Any]] = WithdrawChangesResult
