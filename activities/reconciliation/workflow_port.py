"""What reconciliation needs of the workflows, and its limits."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from core.domain.steps import Subject
from core.protocol.activity_messages import AccountSnapshot, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a workflow is.

    `runs`: whether it runs.
    `idle`: whether it only waits.
    `trouble`: what keeps it from going on, default None.
    """

    runs: bool
    idle: bool
    trouble: str | None = None


class Workflows(Protocol):
    """What reconciliation needs of the workflows of subscriptions, accounts and campaigns."""

    async def standing(self, subject: Subject) -> Standing:
        """How a workflow is."""
        ...

    async def known(self, subject: Subject) -> Snapshot | None:
        """What it knows. Returns None when it does not answer."""
        ...

    async def start(self, subject: Subject) -> None:
        """Start it from what is committed."""
        ...

    async def campaign_standing(self, campaign: str) -> Standing:
        """How the workflow of a campaign is. It is idle when it waits for a person."""
        ...

    async def start_campaign(self, campaign: str) -> None:
        """Start the workflow of a campaign from what is committed, or wake it up."""
        ...

    async def tell(self, snapshot: Snapshot | AccountSnapshot) -> None:
        """Tell it what is committed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a reconciliation.

    `grace`: how late a step may be, on top of the jitter. Default 15 minutes.
    `jitter_seconds`: the spread of the steps of one instant. Default 0.
    `batch`: how many rows are looked at in one go. Default 500.
    `passes`: an incremental pass looks at one in so many accounts and subscriptions that are
    neither new nor late. So many passes look at all of them. Default 1.
    """

    grace: timedelta = timedelta(minutes=15)
    jitter_seconds: int = 0
    batch: int = 500
    passes: int = 1
