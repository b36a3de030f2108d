"""What a seller is told of its own business: alarms, and a digest of each day (Rule 12).

An alarm says what to look at. Whether it is still true is found out when it goes out
(`activities.alarm_mails`). The same alarm is raised once: its key says what makes it the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from core.domain.worded_enum import Worded

DIGEST_AT = time(6, tzinfo=UTC)
"""The time of day at which the digest of the work lists goes out."""
LISTED = 20
"""The most lines that one e-mail lists."""
COUNTED = 1000
"""The most that one e-mail counts. Beyond, it says that there are more."""


class Alarm(Worded):
    """The kinds of alarms: the value, and what it says."""

    RENEWALS_FAILED = "alarm_renewals_failed", "told the seller: renewals failed"
    WORK_LISTS = "alarm_work_lists", "told the seller: the work lists of the day"
    CHARGES_UNKNOWN = "alarm_charges_unknown", "told the seller: card charges are unconfirmed"
    FINDINGS = "alarm_findings", "told the seller: reconciliation found something"
    ENDPOINT_OFF = "alarm_endpoint_off", "told the seller: an endpoint was switched off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An alarm that was raised.

    `seq`: its number. It is out of the numbers of the history, so both are in one order.
    `at`: when it was raised (UTC). `account`: whom it is about, None for the whole business.
    `facts`: what it is about, as its kind needs it.
    """

    seq: int
    kind: Alarm
    seller: str
    account: str | None
    at: datetime
    facts: Mapping[str, Any]


def digest_due(now: datetime) -> tuple[date, datetime] | None:
    """The day whose digest is due, and the instant since when. None before that time of day.

    `now` is in UTC. After an outage only the digest of the present day is due.
    """
    due = datetime.combine(now.date(), DIGEST_AT)
    return (now.date(), due) if now >= due else None
