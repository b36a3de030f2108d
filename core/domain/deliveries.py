"""When a message that could not be delivered is tried again, and when that ends (Rule 12).

A message is tried for three days, at growing gaps. Then it has failed, and a person can send it
again. An endpoint that has refused everything for five days is switched off.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

TRIED_FOR = timedelta(days=3)
"""How long a message is tried, counted from the instant at which it was to go out."""
OFF_AFTER = timedelta(days=5)
"""How long an endpoint may fail without one success before it is switched off."""
OLD_SECRET_HOURS = 24
"""How long an endpoint's old secret signs beside the new one, unless a person says otherwise."""

_GAPS = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800)
_LAST_GAP = 43_200
_LONGEST_PAUSE = 300
_GONE = 410


class DeliveryState(StrEnum):
    """What has become of the delivery of a message to an endpoint.

    A dropped one was not sent, because it was no longer true or had no address to go to.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt.

    `status`: the HTTP status, None if there was no answer.
    `error`: what went wrong, in words. None when the endpoint has taken the message.
    `final`: the message is refused for good, and it alone. The endpoint works. Default: False.
    `dropped`: why it was not sent and will not be, in words. None if it was sent.
    """

    status: int | None = None
    error: str | None = None
    final: bool = False
    dropped: str | None = None

    @property
    def taken(self) -> bool:
        """Whether the endpoint has taken the message."""
        return self.error is None and self.dropped is None

    @property
    def gone(self) -> bool:
        """Whether the endpoint says that it wants no more messages, by the status 410."""
        return self.status == _GONE


def state_after(answer: Answer, again: datetime | None) -> DeliveryState:
    """What becomes of a message after an attempt. `again`: when it is tried next, if it is."""
    if answer.dropped is not None:
        return DeliveryState.DROPPED
    if answer.taken:
        return DeliveryState.DELIVERED
    return DeliveryState.FAILED if again is None or answer.final else DeliveryState.PENDING


def next_attempt(attempts: int, first: datetime, now: datetime) -> datetime | None:
    """When a message is tried again. Returns None when three days are over.

    `attempts`: how often it was tried, at least 1.
    `first`: when it was to go out. `now`: when the last attempt ended. Both in UTC.

    The last attempt is three days after `first`.
    """
    if now >= first + TRIED_FOR:
        return None
    gap = _GAPS[attempts - 1] if attempts <= len(_GAPS) else _LAST_GAP
    return min(now + timedelta(seconds=gap), max(now, first + TRIED_FOR))


def pause_of_endpoint(failures: int) -> timedelta:
    """How long an endpoint is left alone that failed this often in a row, at least once.

    Other messages to it wait for so long. One message that is refused costs the others 2 s, and an
    endpoint that is down is tried once in five minutes.
    """
    return timedelta(seconds=min(2 ** min(failures, 10), _LONGEST_PAUSE))
