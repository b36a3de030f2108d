"""Rows to values and back: subscriptions, accounts and steps.

Both directions follow the fields of the dataclasses. A field that can never change is refused with
`CannotChange`. No change is dropped without an error.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import timedelta
from enum import StrEnum
from types import UnionType
from typing import Any, get_args, get_type_hints

from sqlalchemy import Row, and_, literal_column, select

from core.domain.calendar import first_instant
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind, SubjectKind
from core.domain.subscription import Account, Subscription
from core.ledger.tables import StepRow, SubscriptionRow

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

#: What of a subscription never changes.
_FIXED_IN_SUBSCRIPTION = frozenset({"id", "account", "legacy"})
#: What of an account never changes, and the balance, which only postings change.
_FIXED_IN_ACCOUNT = frozenset({"id", "seller", "currency", "timezone", "balance"})
_DAY = timedelta(days=1)


class CannotChange(Exception):
    """A use case has changed a field that can never change. Nothing is written."""


def subscription_from(row: Row[Any]) -> Subscription:
    """The subscription in a row of `subscriptions`."""
    return Subscription(**{name: read(getattr(row, name)) for name, read in _SUBSCRIPTION})


def subscription_values(subscription: Subscription) -> dict[str, Any]:
    """The columns of a new subscription."""
    return {name: _plain(getattr(subscription, name)) for name, _ in _SUBSCRIPTION}


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
    return Account(**{name: read(getattr(row, name)) for name, read in _ACCOUNT})


def account_changes(before: Account, after: Account) -> dict[str, Any]:
    """The columns of an account that differ. Raises `CannotChange`."""
    _refuse(before, after, _FIXED_IN_ACCOUNT)
    changes = {
        name: _plain(getattr(after, name))
        for name, _ in _ACCOUNT
        if getattr(after, name) != getattr(before, name)
    }
    if "credit_limit_until" in changes:
        until = after.credit_limit_until
        changes["credit_limit_ends"] = until and first_instant(until + _DAY, after.timezone)
    return changes


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


def _plain(value: Any) -> Any:
    """A value as its column holds it."""
    if isinstance(value, StrEnum):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else value


def _readers(of: type) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """The fields of a dataclass, each with the function that reads its column."""
    hints = get_type_hints(of)
    return tuple((field.name, _reader(hints[field.name])) for field in fields(of))


def _reader(hint: Any) -> Callable[[Any], Any]:
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    for option in options:
        if isinstance(option, type) and issubclass(option, StrEnum):
            return lambda value: None if value is None else option(value)
    return lambda value: value


_SUBSCRIPTION = _readers(Subscription)
_ACCOUNT = _readers(Account)
