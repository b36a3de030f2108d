"""What happens, as Perennial tells it: in webhooks and in the stream of events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What happened.

    `id`: the same at each attempt of a webhook. Keep the ids that you have seen for a week.
    `type`: the event, such as "renewed". `version`: of its schema.
    `at`: when it happened.
    `data`: what it tells. Amounts are text.
    """

    id: str
    type: str
    version: int
    at: datetime
    data: Mapping[str, Any]


def message_of(document: Any) -> Message:
    """The message of a JSON document. Raises KeyError, TypeError or ValueError for another one."""
    return Message(
        id=document["id"],
        type=document["type"],
        version=document["version"],
        at=datetime.fromisoformat(document["timestamp"]),
        data=document["data"],
    )
