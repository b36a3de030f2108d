"""What starts a workflow and what is sent to it. A field that is added gets a default; `schema` tells the inputs of older code apart."""

from dataclasses import dataclass, field
from datetime import datetime

from core.domain.commands import AnyAccountCommand, AnySubscriptionCommand, Purchase
from core.protocol.activity_messages import Snapshot

#: The newest schema of inputs that this code reads.
SCHEMA = 1


def readable(schema: int) -> None:
    """Refuse an input of newer code: its task is tried again, until a worker of that code takes it. Raises RuntimeError."""
    if schema > SCHEMA:
        raise RuntimeError(f"an input of schema {schema}; this code reads up to {SCHEMA}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How workflows run, as configured when they were started: renewals until continue-as-new, the spread of the herd over real time (seconds), whether a
    renewal from the wallet is tried as a local activity first, the task queue of card charges, and after how many seconds an activity that has not
    answered is taken for lost with its worker and tried again."""

    cycles_per_run: int = 6
    jitter_seconds: int = 0
    renew_locally: bool = True
    charge_queue: str = "perennial-charge"
    activity_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionInput:
    """A subscription's workflow: what is committed, whether it lives by a test clock, and the commands that were accepted but not yet
    carried out."""

    snapshot: Snapshot
    on_clock: bool = False
    options: Options = field(default_factory=Options)
    accepted: tuple["SubscriptionMessage", ...] = ()
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionMessage:
    """A command on a subscription. `now` is the virtual now of a test clock. `seen_version` and `seen_suspended` are what its sender saw committed:
    a workflow that knows as much may refuse by the table at once."""

    command: AnySubscriptionCommand
    now: datetime | None = None
    seen_version: int | None = None
    seen_suspended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInput:
    """The workflow that carries out the commands on an account, as long as there are any. `suspended` is as committed."""

    account: str
    suspended: bool
    options: Options = field(default_factory=Options)
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMessage:
    """A command on an account. `now` is the virtual now of a test clock."""

    command: AnyAccountCommand | Purchase
    now: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A test clock has come to the next step that this version of the subscription has: it is taken at the virtual `now`."""

    now: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A coming step or notice, for queries."""

    kind: str
    due: datetime
    rule: str
    why: str


def subscription_workflow(subscription: str) -> str:
    """The id of a subscription's workflow."""
    return f"subscription/{subscription}"


def account_workflow(account: str) -> str:
    """The id of an account's workflow."""
    return f"account/{account}"
