"""What workflows, activities and clients say to one another: plain data, in and out.

Workflows know activities only by name and by these messages. Everything here is serialised.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core.domain.commands import AnyCommand, AnyResult
from core.domain.refusal import Refusal
from core.domain.steps import Step, StepKind, Subject, of_account, of_subscription
from core.domain.subscription import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A subscription as committed, with what its workflow needs to know besides.

    `timezone`: that of its account.
    `suspended`: whether its account is suspended.
    `policy`: the policy of its running steps; only what differs from the defaults.
    `next_step`: what it does next by itself. None when it is TERMINATED.
    """

    subscription: Subscription
    timezone: str
    suspended: bool
    policy: dict[str, Any] = field(default_factory=dict)
    next_step: Step | None = None

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return of_subscription(self.subscription.id)

    @property
    def version(self) -> int:
        """The version of the subscription."""
        return self.subscription.version

    @property
    def account(self) -> str:
        """The id of its account."""
        return self.subscription.account


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """An account as committed, as far as its workflow needs to know it.

    `account`, `version`: its id, and the version of its steps.
    `suspended`, `closed`: Rule 11.8.
    `next_step`: what it does next by itself. None when it does nothing.
    """

    account: str
    version: int
    suspended: bool
    closed: bool
    next_step: Step | None = None

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return of_account(self.account)


class Outcome(StrEnum):
    """How an activity of a step ended."""

    DONE = "done"
    STALE = "stale"  # Another worker has run the step. The snapshot says what is next.
    NEEDS_CARD = "needs_card"
    UNFUNDED = "unfunded"
    FUNDED = "funded"  # It was to be marked failed, but by now it can be funded.
    NOT_YET = "not_yet"  # Another step of the account comes first (Rule 1.7).


@dataclass(frozen=True, slots=True, kw_only=True)
class DueStep:
    """A step that is due: its subject, the version of the subject, its kind, and since when."""

    subject: Subject
    version: int
    kind: StepKind
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRequest:
    """Run the next step of a subject at a business instant, if its version is unchanged.

    `subject`, `version`: whose step it is, and the version that the caller has seen.
    `now`: the business instant (UTC).
    `charge`: the key of the card charge that was made for the step, default None.
    `past`: subjects of the account whose due steps are skipped. None skips all of them.
    `briefly`: the step runs for another one, which waits for it. Default False.
    """

    subject: Subject
    version: int
    now: datetime
    charge: str | None = None
    past: tuple[Subject, ...] | None = None
    briefly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """The outcome, the subject as it is now, and the subscriptions that changed with it.

    `charge`: the key of the card charge that is needed for `members`.
    `first`: the step that comes before this one (Rule 1.7).
    """

    outcome: Outcome
    snapshot: Snapshot | AccountSnapshot
    others: tuple[Snapshot, ...] = ()
    charge: str | None = None
    members: tuple[str, ...] = ()
    first: DueStep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRequest:
    """A command at a business instant. `charge` and `past` as in `StepRequest`."""

    command: AnyCommand
    now: datetime
    charge: str | None = None
    past: tuple[Subject, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What became of a command: refused by a rule, or done.

    `result`: what the command did. It is the same for every repetition of the request id.
    `replayed`: True for a repetition (Rule 4.2).
    `snapshots`: the subscriptions that changed.
    `account`: the account as it is now, for a command on an account.
    `needs_charge`: the key of a card charge that is made before the command is repeated.
    `first`: a due step that runs before the command is repeated (Rule 1.6).
    """

    refusal: Refusal | None = None
    result: AnyResult | None = None
    replayed: bool = False
    snapshots: tuple[Snapshot, ...] = ()
    account: AccountSnapshot | None = None
    needs_charge: str | None = None
    first: DueStep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRequest:
    """Make the card charge of this key, or find out what became of it."""

    key: str


class ChargeOutcome(StrEnum):
    """What became of a card charge."""

    PENDING = "pending"
    CHARGED = "charged"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeResult:
    """A settled charge: its outcome and, when declined, the gateway's reason."""

    key: str
    outcome: ChargeOutcome
    amount: Decimal
    reason: str | None = None
