"""What all commands and their results share.

Owns the fields of every command, their check when a command is made, and the fingerprint (Rule
4.2). Owns also a command's row of the table of states (Rule 2) and the base of results. The
description of each command has its own file in this package, named by its `do`.
"""

import dataclasses
import hashlib
import json
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, NamedTuple

from core.domain import money
from core.domain.calendar import day_in_words
from core.domain.commands.fields import (
    AccountId,
    AnyKind,
    FieldKind,
    InvoiceNumber,
    Name,
    RequestId,
    SubscriptionId,
)
from core.domain.faults import Fault, Faults
from core.domain.inputs import Wrong
from core.domain.refusal import Refusal
from core.domain.rules import Rule
from core.domain.subscription import Subscription

NOT_VALUES = ("request_id", "actor", "account_hint")
"""Fields that are no values of the command: they are no part of its fingerprint."""

ALLOWED: Rule | None = None
"""The cell of an allowed command in the table of states."""

ExternalInvoice = Annotated[str | None, InvoiceNumber()]
"""The field of commands that an external invoice may pay."""


class States(NamedTuple):
    """A command's row of Rule 2: for each state `ALLOWED`, or the rule that refuses.

    `failed`: ACTIVE with a failed renewal. `trial`: ACTIVE in a trial.
    `trial_expired`: EXPIRED after a trial.
    """

    active: Rule | None
    failed: Rule | None
    trial: Rule | None
    expired: Rule | None
    trial_expired: Rule | None
    terminated: Rule | None = Rule.STATES


class CommandField(NamedTuple):
    """One field of a command. `required`: it has no default. `optional`: it may be None."""

    name: str
    kind: AnyKind
    required: bool
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command. Making one raises `Faults` for what can never be a value of a field.

    `do`: the command's name.
    `request_id`: the caller's idempotency key (Rule 4.2).
    `actor`: who asked, for the history.
    """

    do: str
    request_id: Annotated[str | None, RequestId()] = None
    actor: Annotated[str, Name(help="Who asks, for the history.", in_scenario=False)] = "platform"

    rule: ClassVar[Rule]
    """The rule that the command carries out."""
    while_suspended: ClassVar[bool] = False
    """Whether a suspended account may still do it (Rule 11.8)."""
    moves_money: ClassVar[bool] = False
    """Whether it moves credits by hand, or gives money back (docs/staff.md)."""
    while_closed: ClassVar[bool] = False
    """Whether it may be done to a closed account (Rule 11.8)."""
    in_scenario: ClassVar[bool] = True
    """Whether it is a step of scenario files (docs/scenario.md has no closing of accounts)."""
    through_workflow: ClassVar[bool] = True
    """Whether the workflow carries it out. Other commands are one transaction of the client."""
    may_charge_card: ClassVar[bool] = False
    """Whether a card may pay it. Its activity is told whether it may ask for a card charge."""
    scenario_step: ClassVar[str | None] = None
    """How a scenario file spells the step. None: like the command."""
    exactly_one: ClassVar[tuple[str, ...]] = ()
    """Fields of which a scenario step has exactly one."""
    at_least_one: ClassVar[tuple[str, ...]] = ()
    """Fields of which a scenario step has at least one."""

    def other_accounts(self) -> tuple[str, ...]:
        """The accounts that it is about beside its own, or beside that of its subscription."""
        return ()

    def __post_init__(self) -> None:
        """Check every field. Raises `Faults` with each field that is wrong as its place."""
        found = list(self._faults())
        if found:
            raise Faults(found)

    def _faults(self) -> Iterator[Fault]:
        for field in fields_of(type(self)):
            value = getattr(self, field.name)
            if value is None and field.optional:
                continue
            try:
                field.kind.check(value)
            except Wrong as wrong:
                yield Fault(field.name, str(wrong))

    def fingerprint(self) -> str:
        """A hash of every value but the request id and the actor, with the defaults filled in.

        Equal commands have equal fingerprints (Rule 4.2).
        """
        values = {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if f.name not in NOT_VALUES
        }
        text = json.dumps(values, sort_keys=True, default=_canonical)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionCommand(Command):
    """A command on one subscription.

    `account_hint` names the account that the caller means. If the subscription was never created,
    that account's suspension is checked first (Rule 2, the order of checks).
    """

    subscription: Annotated[str, SubscriptionId()]
    account_hint: Annotated[
        str | None, Name(help="The account that the caller means.", in_scenario=False)
    ] = None

    states: ClassVar[States]
    """Its row of the table of states (Rule 2)."""
    pays_back: ClassVar[bool] = False
    """Whether it gives money back to those who have paid (Rule 8.3)."""
    in_campaign: ClassVar[bool] = False
    """Whether one campaign may carry it out on many subscriptions (docs/campaigns.md)."""

    @classmethod
    def changes_nothing(cls, subscription: Subscription) -> Refusal | None:
        """The refusal of a command that would change nothing on this subscription."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCommand(Command):
    """A command on one account."""

    account: Annotated[str, AccountId()]

    @classmethod
    def changes_nothing(cls, account: str, *, suspended: bool, closed: bool) -> Refusal | None:
        """The refusal of a command that would change nothing on this account."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscriptionCommand(AccountCommand):
    """A command that creates a subscription of an account.

    It is one transaction of the client. The workflow of the subscription is started after it.
    """

    subscription: Annotated[str, SubscriptionId(help="The id of the new subscription.", new=True)]

    through_workflow: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command did. The operation keeps it, and a repetition of the request returns it."""

    do: str

    def sentence(self) -> str:
        """What the command did, for a person."""
        raise NotImplementedError

    def paid(self) -> Decimal | None:
        """What is paid for it, in its currency. What is given back is negative.

        Returns None where it is not about money.
        """
        return None

    def moved(self) -> Decimal:
        """What it moved by hand, or gave back (docs/staff.md). Default: the refund."""
        return max(-(self.paid() or Decimal(0)), Decimal(0))

    def data(self) -> dict[str, Any]:
        """What the command did, for a program.

        Amounts have the decimals of their currency, days are written as 2021-01-31. Fields that
        are None are left out, and so is `do`.
        """
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        currency = values.get("currency")
        return {
            name: _plain(value, currency)
            for name, value in values.items()
            if value is not None and name != "do"
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidResult(Result):
    """What a command did that pays periods of a subscription.

    `expiry`: the last day that is paid now.
    `amount`: the fee.
    `external_invoice`: the number of the external invoice that pays the fee (Rule 11.4).
    `activation_fees`: what the activation of numbers cost beside the fee (Rule 10.1).
    """

    subscription: str
    expiry: date
    amount: Decimal
    currency: str
    external_invoice: str | None = None
    activation_fees: Decimal | None = None

    done: ClassVar[str]
    """What the command did, as a participle."""

    def paid(self) -> Decimal | None:
        """The fee and the activation fees."""
        return self.amount + (self.activation_fees or Decimal(0))

    def sentence(self) -> str:
        """``s1 is extended: $50.00 paid, paid up to 14 March 2021.``"""
        amount = money.in_words(self.amount, self.currency)
        payer = f"on external invoice {self.external_invoice}" if self.external_invoice else "paid"
        until = day_in_words(self.expiry)
        beside = ""
        if self.activation_fees:
            fees = money.in_words(self.activation_fees, self.currency)
            beside = f", {fees} for the activation of numbers"
        return f"{self.subscription} is {self.done}: {amount} {payer}{beside}, paid up to {until}."


_FIELDS: dict[type[Any], tuple[CommandField, ...]] = {}


def fields_of(command: type[Command]) -> tuple[CommandField, ...]:
    """The fields of a command but `do`, in their order, each with its kind."""
    if command not in _FIELDS:
        hints = typing.get_type_hints(command, include_extras=True)
        fields = [field for field in dataclasses.fields(command) if field.name != "do"]
        _FIELDS[command] = tuple(_field(command, field, hints[field.name]) for field in fields)
    return _FIELDS[command]


def _field(command: type, field: "dataclasses.Field[Any]", hint: Any) -> CommandField:
    kinds = [item for item in getattr(hint, "__metadata__", ()) if isinstance(item, FieldKind)]
    if len(kinds) != 1:
        raise TypeError(f"{command.__name__}.{field.name} needs exactly one kind of field")
    required = field.default is field.default_factory is dataclasses.MISSING
    optional = type(None) in typing.get_args(typing.get_args(hint)[0])
    return CommandField(field.name, typing.cast(AnyKind, kinds[0]), required, optional)


def _canonical(value: Any) -> Any:
    if isinstance(value, Decimal):
        return money.without_currency(value)
    if isinstance(value, date):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _plain(value: Any, currency: str | None) -> Any:
    if isinstance(value, Decimal) and currency is not None:
        return money.plain(value, currency)
    return value.isoformat() if isinstance(value, date) else value
