"""What starts a workflow and what is sent to it. `schema` tells inputs of newer code apart."""

from dataclasses import dataclass, field
from datetime import datetime

from core.domain.commands import AnyAccountCommand, AnySubscriptionCommand
from core.domain.steps import Subject, of_account, of_subscription
from core.protocol.activity_messages import AccountSnapshot, Snapshot

SCHEMA = 1
"""The newest schema of inputs that this code reads."""


def readable(schema: int) -> None:
    """Refuse an input of newer code. Raises RuntimeError.

    Temporal retries the task until a worker of the newer code runs it.
    """
    if schema > SCHEMA:
        raise RuntimeError(f"an input of schema {schema}; this code reads up to {SCHEMA}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How workflows run, as configured when they were started.

    `cycles_per_run`: renewals until a workflow continues as new.
    `jitter_seconds`: over how many seconds renewals of one instant are spread.
    `renew_locally`: whether a renewal from the wallet runs as a local activity first.
    `charge_queue`: the task queue of card charges.
    `activity_seconds`: the timeout of one attempt of an activity.
    """

    cycles_per_run: int = 6
    jitter_seconds: int = 0
    renew_locally: bool = True
    charge_queue: str = "perennial-charge"
    activity_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionInput:
    """The input of a subscription's workflow.

    `snapshot`: the subscription as committed.
    `on_clock`: whether it lives by a test clock.
    `queued`: the commands that wait in the queue.
    """

    snapshot: Snapshot
    on_clock: bool = False
    options: Options = field(default_factory=Options)
    queued: tuple["SubscriptionMessage", ...] = ()
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionMessage:
    """A command on a subscription.

    `now`: the virtual now of a test clock.
    `seen_version`: what the sender has seen committed. A workflow that knows as much may refuse by
    the table of states at once. None: it may not, for example because the account is suspended.
    `herd`: it is one of many. Commands that a person waits for go first.
    """

    command: AnySubscriptionCommand
    now: datetime | None = None
    seen_version: int | None = None
    herd: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInput:
    """The input of an account's workflow.

    `snapshot`: the account as committed.
    `on_clock`: whether it lives by a test clock.
    `queued`: the commands that wait in the queue.
    """

    snapshot: AccountSnapshot
    on_clock: bool = False
    options: Options = field(default_factory=Options)
    queued: tuple["AccountMessage", ...] = ()
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMessage:
    """A command on an account. `now` is the virtual now of a test clock."""

    command: AnyAccountCommand
    now: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A test clock has reached the next step of this version of the subject.

    The step runs at the virtual `now`.
    """

    now: datetime
    version: int


def workflow_id(subject: Subject) -> str:
    """The id of a subject's workflow, such as ``subscription/s1``."""
    return f"{subject.kind}/{subject.id}"


def memo_of(seller: str) -> dict[str, str]:
    """What Temporal shows beside a workflow: whose it is. A new run of the workflow keeps it."""
    return {"seller": seller}


def subscription_workflow(subscription: str) -> str:
    """The id of a subscription's workflow."""
    return workflow_id(of_subscription(subscription))


def account_workflow(account: str) -> str:
    """The id of an account's workflow."""
    return workflow_id(of_account(account))
