"""What the workflow of a campaign and its activity say to each other.

They carry the id of the campaign and a place, never its rows (docs/decisions/0023).
"""

from dataclasses import dataclass

from core.domain.campaigns import CampaignState
from core.protocol.workflow_messages import SCHEMA

BATCH = "campaign_batch"
"""The name of the activity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a campaign is.

    `again`: all rows were tried, and those whose outcome is unknown are tried once more.
    `after`: the last row of these that was tried. Rows that were not tried need no place.
    """

    again: bool = False
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignInput:
    """The input of a campaign's workflow.

    `queue`: the task queue of the activity.
    `activity_seconds`: the timeout of one attempt of a usual activity. A batch whose process does
    not tell for half of it that it lives is tried again.
    """

    campaign: str
    queue: str
    activity_seconds: float = 60.0
    place: Place = Place()
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """Carry out the next rows of a campaign, for some seconds."""

    campaign: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What a campaign does after a batch, and where it is."""

    state: CampaignState
    place: Place


def campaign_workflow(campaign: str) -> str:
    """The id of a campaign's workflow."""
    return f"campaign/{campaign}"


def campaign_queue(task_queue: str) -> str:
    """The task queue of batches. They wait for commands, so commands need slots of their own."""
    return f"{task_queue}-campaigns"
