"""Steps: what happens by itself, to what, when, by which rule, and in which order.

A subject has at most one next step. `StepKind` is the one table of kinds. The rank of Rule 1.7 is
stored with each step, so the database can order the steps of all subjects without knowing kinds.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.rules import Rule
from core.domain.worded_enum import member_of


class SubjectKind(StrEnum):
    """What can have a next step."""

    SUBSCRIPTION = "subscription"
    ACCOUNT = "account"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that can have a next step: its kind and its id."""

    kind: SubjectKind
    id: str


def of_account(id_: str) -> Subject:
    """The account of this id as the subject of a step."""
    return Subject(SubjectKind.ACCOUNT, id_)


def of_subscription(id_: str) -> Subject:
    """The subscription of this id as the subject of a step."""
    return Subject(SubjectKind.SUBSCRIPTION, id_)


def of_number(seller: str, number: str) -> Subject:
    """A number of a seller's inventory as the subject of a step.

    It has no workflow (docs/decisions/0016). Its id is ``seller/+6561234567``.
    """
    return Subject(SubjectKind.NUMBER, f"{seller}/{number}")


def number_of(subject: Subject) -> str:
    """The number that is the subject of a step."""
    return subject.id.rpartition("/")[2]


class StepKind(StrEnum):
    """What a step does: its value, its rank at one instant (Rule 1.7), its subject, its words.

    The ranks follow the order of Rule 1.7: 0 month-end invoices and automatic top-ups, 1 renewals,
    2 trial conversions, 3 expiries, 4 terminations, 5 number releases and closings of accounts, 6
    notices (`NOTICES_RANK`).

    `RENEW` is the attempt on the renewal date. `ATTEMPT` is the attempt that a command sets off at
    once (Rule 5.7). `CONVERT_TRIAL` charges the first cycle of a trial (Rule 4.3). `END` is day 29
    after the expiry, when the subscription is TERMINATED. `LEAVE` is the first day of the cycle
    that a number is no longer part of (Rule 10.1).
    """

    rank: int
    subject: SubjectKind
    words: str

    def __new__(
        cls,
        value: str,
        rank: int = 0,
        subject: SubjectKind = SubjectKind.SUBSCRIPTION,
        words: str = "",
    ) -> "StepKind":
        """A kind from a row of the table below."""
        return member_of(cls, value, rank=rank, subject=subject, words=words)

    MONTHLY_INVOICE = "monthly_invoice", 0, SubjectKind.ACCOUNT, "make the monthly invoice"
    AUTO_TOP_UP = "auto_top_up", 0, SubjectKind.ACCOUNT, "top up by card"
    RENEW = "renew", 1, SubjectKind.SUBSCRIPTION, "renew"
    ATTEMPT = "attempt", 1, SubjectKind.SUBSCRIPTION, "renew at once"
    RETRY = "retry", 1, SubjectKind.SUBSCRIPTION, "try again to renew"
    CONVERT_TRIAL = "convert_trial", 2, SubjectKind.SUBSCRIPTION, "convert the trial"
    EXPIRE = "expire", 3, SubjectKind.SUBSCRIPTION, "expire"
    END = "end", 4, SubjectKind.SUBSCRIPTION, "terminate"
    CLOSE_FOR_GOOD = "close_for_good", 5, SubjectKind.ACCOUNT, "close the account for good"
    LEAVE = "leave", 5, SubjectKind.NUMBER, "take the number out of its subscription"
    RELEASE = "release", 5, SubjectKind.NUMBER, "release the number"
    REMIND = "remind", 6, SubjectKind.NUMBER, "tell the customer that the hold ends soon"


#: Notices come after all steps of the same instant and account (Rule 1.7).
NOTICES_RANK = 6

#: The kinds of steps that are an attempt to renew.
RENEWALS = (StepKind.RENEW, StepKind.ATTEMPT, StepKind.RETRY)


@dataclass(frozen=True, slots=True)
class Step:
    """The next step of a subject: its kind, the instant it is due (UTC), its rule, and why."""

    kind: StepKind
    due: datetime
    rule: Rule
    why: str
