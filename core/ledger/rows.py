"""Rows to values and back: subscriptions, accounts, numbers and steps.

Both directions follow the fields of the dataclasses. A field that can never change is refused with
`CannotChange`. No change is dropped without an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter
from sqlalchemy import Row, and_, literal_column, select

from core.domain.calendar import first_instant
from core.domain.numbers import Number
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind, SubjectKind
from core.domain.subscription import Account, Subscription
from core.ledger.tables import AccountRow, Base, NumberRow, StepRow, SubscriptionRow

#: The columns of a subscription's next step, beside those of the subscription itself.
NEXT_STEP = (
    StepRow.kind.label("next_kind"),
    StepRow.due.label("next_due"),
    StepRow.rule.label("next_rule"),
    StepRow.why.label("next_why"),
)
#: The condition that joins a subscription with its next step. The kind is a constant for the index.
IS_NEXT_STEP = and_(
    StepRow.subject_kind == literal_column(f"'{SubjectKind.SUBSCRIPTION}'"),
    StepRow.subject == SubscriptionRow.id,
)
#: Subscriptions, each with its next step.
SUBSCRIPTIONS = select(SubscriptionRow.__table__, *NEXT_STEP).outerjoin(StepRow, IS_NEXT_STEP)
#: Numbers, each with its next step.
NUMBERS = select(NumberRow.__table__, *NEXT_STEP).outerjoin(
    StepRow,
    and_(
        StepRow.subject_kind == literal_column(f"'{SubjectKind.NUMBER}'"),
        StepRow.subject == NumberRow.seller + "/" + NumberRow.number,
    ),
)

#: The columns of an account that `account_from` reads.
ACCOUNT = tuple(getattr(AccountRow, field.name) for field in fields(Account))

#: What of a subscription never changes.
_FIXED_IN_SUBSCRIPTION = frozenset(
    {"id", "account", "legacy", "align", "discount", "discount_cycles", "contract"}
)
#: What of an account never changes, and what only guards change: the balance by postings, what is
#: unbilled by monthly amounts. No rule sets `reserved` and `liability` (docs/decisions/0005).
_FIXED_IN_ACCOUNT = frozenset(
    {"id", "seller", "currency", "timezone", "balance", "unbilled", "reserved", "liability"}
)
_DAY = timedelta(days=1)


class CannotChange(Exception):
    """A use case has changed a field that can never change. Nothing is written."""


def subscription_from(row: Row[Any]) -> Subscription:
    """The subscription in a row of `subscriptions`."""
    return Subscription(**_SUBSCRIPTION.read(row))


def subscription_values(subscription: Subscription) -> dict[str, Any]:
    """The columns of a new subscription."""
    return _SUBSCRIPTION.columns(subscription)


def subscription_changes(before: Subscription, after: Subscription) -> dict[str, Any]:
    """The id of a subscription and the columns that may change. Raises `CannotChange`."""
    _refuse(before, after, _FIXED_IN_SUBSCRIPTION)
    values = subscription_values(after)
    return {
        name: value
        for name, value in values.items()
        if name == "id" or name not in _FIXED_IN_SUBSCRIPTION
    }


def account_from(row: Row[Any]) -> Account:
    """The account in a row of `accounts`."""
    return Account(**_ACCOUNT.read(row))


def account_changes(before: Account, after: Account) -> dict[str, Any]:
    """The columns of an account that differ. Raises `CannotChange`."""
    _refuse(before, after, _FIXED_IN_ACCOUNT)
    old = _ACCOUNT.columns(before)
    changes = {name: value for name, value in _ACCOUNT.columns(after).items() if value != old[name]}
    if "credit_limit_until" in changes:
        changes["credit_limit_ends"] = _end_of(after.credit_limit_until, after.timezone)
    return changes


def _end_of(day: date | None, zone: str) -> datetime | None:
    """The first instant after a day. None for no day and for the last day of the calendar."""
    return None if day is None or day == date.max else first_instant(day + _DAY, zone)


def number_from(row: Row[Any]) -> Number:
    """The number in a row of `numbers`."""
    return Number(**_NUMBER.read(row))


def number_values(number: Number) -> dict[str, Any]:
    """The columns of a number."""
    return _NUMBER.columns(number)


def step_from(row: Row[Any]) -> Step | None:
    """The next step in a row of `SUBSCRIPTIONS`, or None."""
    if row.next_kind is None:
        return None
    return Step(StepKind(row.next_kind), row.next_due, Rule(row.next_rule), row.next_why)


def _refuse(before: Any, after: Any, fixed: frozenset[str]) -> None:
    changed = [name for name in sorted(fixed) if getattr(before, name) != getattr(after, name)]
    if changed:
        kind = type(before).__name__.lower()
        raise CannotChange(f"{', '.join(changed)} of {kind} {before.id} can never change")


class _Fields:
    """The fields of a dataclass, as the columns of the same names hold them.

    A nullable column is NULL for the default of its field, such as an empty mapping.
    """

    def __init__(self, of: type, table: type[Base]) -> None:
        hints = get_type_hints(of)
        self._names = tuple(field.name for field in fields(of))
        self._values: Callable[[Any], tuple[Any, ...]] = attrgetter(*self._names)
        self._enums = {name: enum for name in self._names if (enum := _enum(hints[name]))}
        self._mappings = [name for name in self._names if get_origin(hints[name]) is Mapping]
        self._documents = {
            name: TypeAdapter(hints[name])
            for name in self._names
            if get_origin(hints[name]) is tuple
        }
        columns = table.__table__.columns
        self._absent = {
            field.name: default
            for field in fields(of)
            if columns[field.name].nullable and (default := _default(field)) is not None
        }

    def read(self, row: Row[Any]) -> dict[str, Any]:
        """The values of the fields from a row."""
        values = dict(zip(self._names, self._values(row), strict=True))
        for name, enum in self._enums.items():
            if values[name] is not None:
                values[name] = enum(values[name])
        for name, default in self._absent.items():
            if values[name] is None:
                values[name] = default
        for name, document in self._documents.items():
            if values[name]:
                values[name] = document.validate_python(values[name])
        return values

    def columns(self, value: Any) -> dict[str, Any]:
        """The columns from the fields of a dataclass."""
        values = dict(zip(self._names, self._values(value), strict=True))
        for name in self._enums:
            if values[name] is not None:
                values[name] = str(values[name])
        for name in self._mappings:
            values[name] = dict(values[name])
        for name, document in self._documents.items():
            if values[name]:
                values[name] = document.dump_python(
                    values[name], mode="json", exclude_defaults=True
                )
        for name in self._absent:
            values[name] = values[name] or None
        return values


def _default(field: "Field[Any]") -> Any:
    """The default of a field. None when it has none."""
    if field.default_factory is not MISSING:
        return field.default_factory()
    return None if field.default is MISSING else field.default


def _enum(hint: Any) -> type[StrEnum] | None:
    """The enumeration in a type hint, also beside None. Returns None when there is none."""
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    found = (o for o in options if isinstance(o, type) and issubclass(o, StrEnum))
    return next(found, None)


_SUBSCRIPTION = _Fields(Subscription, SubscriptionRow)
_ACCOUNT = _Fields(Account, AccountRow)
_NUMBER = _Fields(Number, NumberRow)
