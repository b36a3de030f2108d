"""What workflows, activities and clients say to one another: plain data, in and out.

Workflows know activities only by name and by these messages. Everything here is serialised.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.commands import AnyCommand, AnyResult
from core.domain.refusal import Refusal
from core.domain.steps import Step, StepKind, Subject, of_account, of_subscription
from core.domain.subscription import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A subscription as committed, with the time zone of its account.

    `next_step`: what it does next by itself. None when it is TERMINATED.
    """

    subscription: Subscription
    timezone: str
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
    STALE = "stale"  # The step has run already. The snapshot says what is next.
    NEEDS_CARD = "needs_card"
    NOT_YET = "not_yet"  # Something else of the account comes before it (Rule 1.7).


@dataclass(frozen=True, slots=True, kw_only=True)
class DueStep:
    """A step that is due: its subject, the version of the subject, its kind, and since when.

    `by_date`: the renewal date of an attempt. Default None.
    `account`: the account in whose order it stands. Default None in older messages.
    """

    subject: Subject
    version: int
    kind: StepKind
    due: datetime
    by_date: date | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What of the account comes before a step or a command (Rules 1.6, 1.7).

    `taken`: how many steps the transaction has taken and committed. There are more.
    `first`: a step that cannot be taken along: it needs a card charge, or it raises. Default None.
    """

    taken: int = 0
    first: DueStep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A step that is not waited for: its subject, and the attempts of the same renewal date.

    `by_date`: they wait for the same card charge. None: the subject alone.
    `account`: the account of these attempts. None: that of the transaction.
    """

    subject: Subject
    by_date: date | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRequest:
    """Run the next step of a subject at a business instant, if its version is unchanged.

    `subject`, `version`: whose step it is, and the version that the caller has seen.
    `now`: the business instant (UTC).
    `charge`: the key of the card charge that was made for the step, default None.
    `past`: the due steps of the account that are not taken first. None: no step is.
    `briefly`: the step runs for another one, which waits for it. Default False.
    """

    subject: Subject
    version: int
    now: datetime
    charge: str | None = None
    past: tuple[Passed, ...] | None = None
    briefly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """The outcome, and the subject as it is now.

    It says nothing of other subjects. Those that changed are told (`core.ledger.tables.Telling`).

    `snapshot`: None when the step has not run yet.
    `charge`: the key of the card charge that the step needs.
    `before`: what comes before the step.
    """

    outcome: Outcome
    snapshot: Snapshot | AccountSnapshot | None = None
    charge: str | None = None
    before: Before | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRequest:
    """A command at a business instant. `charge` and `past` as in `StepRequest`.

    `by_workflow`: the workflow of the subject has asked, and gets the result. Otherwise it is told
    later (`core.ledger.tables.Telling`). Default True.
    """

    command: AnyCommand
    now: datetime
    charge: str | None = None
    past: tuple[Passed, ...] | None = None
    by_workflow: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What became of a command: refused by a rule, or done.

    `result`: what the command did. It is the same for every repetition of the request id.
    `replayed`: True for a repetition (Rule 4.2).
    `snapshot`: the subscription or account of the command, as it is now.
    `needs_charge`: the key of a card charge that is made before the command is repeated.
    `before`: what comes before the command.
    """

    refusal: Refusal | None = None
    result: AnyResult | None = None
    replayed: bool = False
    snapshot: Snapshot | AccountSnapshot | None = None
    needs_charge: str | None = None
    before: Before | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRequest:
    """Make the card charge of this key, or find out what became of it.

    `asked_by`: the step or the command that needs it. Before the first call it is asked again.
    """

    key: str
    asked_by: StepRequest | CommandRequest


class ChargeOutcome(StrEnum):
    """What became of a card charge."""

    PENDING = "pending"
    CHARGED = "charged"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"  # It was no longer needed before the gateway was called.


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeResult:
    """A card charge: its outcome and, when declined, the gateway's reason."""

    key: str
    outcome: ChargeOutcome
    amount: Decimal
    reason: str | None = None
