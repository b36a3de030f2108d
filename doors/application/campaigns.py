"""Campaigns: one command on many subscriptions, started, previewed and controlled.

    from core.domain.campaigns import EACH
    pattern = Extend(subscription=EACH, cycles=1, request_id="july", actor="ann")
    preview = await perennial.campaigns.preview(pattern, ["s1", "s2"])
    started = await perennial.campaigns.start(pattern, ["s1", "s2"], rate=10)
    await perennial.campaigns.pause(started.campaign)

The rows are written first, then the workflow is started. A crash in between loses nothing: the
relay starts it. `doors/queries/campaigns.py` reads what became of the rows.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from core.domain import inputs
from core.domain.acts import Act
from core.domain.campaigns import (
    USUAL,
    CampaignState,
    Control,
    NewCampaign,
    Row,
    at_most,
    check_rate,
)
from core.domain.commands.base import SubscriptionCommand
from core.domain.faults import Fault, Faults
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.ledger import audit, campaigns
from core.ledger.acting import acting, as_one
from core.ledger.bulk_write import one_of
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, CampaignRow, SubscriptionRow
from core.protocol.campaign_messages import CampaignInput, campaign_queue, campaign_workflow
from core.protocol.workflow_messages import memo_of
from doors.application.campaign_previews import CampaignPreview, GrowingPreview, Progress
from doors.application.patience import NotAvailable, Patience, without_patience
from settings import Settings

_CHUNK = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A campaign that runs. `repeated`: the same request had started it before."""

    campaign: str
    repeated: bool


class Campaigns:
    """The campaigns of a seller.

    All calls wait for servers that are away, up to `patience`, and raise `NotAvailable` after it.
    """

    def __init__(
        self, ledger: Ledger, temporal: Client, patience: Patience, config: Settings
    ) -> None:
        self._ledger = ledger
        self._temporal = temporal
        self._patience = patience
        self._config = config

    async def preview(
        self,
        pattern: SubscriptionCommand,
        subscriptions: Iterable[str | Row],
        progress: Progress | None = None,
    ) -> CampaignPreview:
        """What a campaign would do now, without doing it: the use case of each row, rehearsed.

        `progress`: is called with the rows that are done and the rows that there are.

        Raises `Faults` as `start`.
        """
        new = NewCampaign(pattern=pattern, rows=_rows(subscriptions))
        await self._patience.in_thread(require_known, self._ledger, new.rows)
        found = GrowingPreview(self._ledger, new, progress)
        # Each part is as patient as one call.
        for part in await self._patience.in_thread(found.parts):
            found.add(part, await self._patience.in_thread(found.rehearse, part))
        return found.result

    async def start(
        self,
        pattern: SubscriptionCommand,
        subscriptions: Iterable[str | Row],
        *,
        rate: int = USUAL,
        selection: str | None = None,
    ) -> Started:
        """Start a campaign.

        `pattern`: the command, on the subscription `EACH`. It needs a request id. The same request
        id again is the same campaign.
        `subscriptions`: ids, or rows with their lines in a file.
        `rate`: rows per second, at most.
        `selection`: the filter that has selected them, in words. Default: they are a list.

        Raises `Faults` for rows that are wrong, twice there, or of no subscription of the seller.
        Then nothing is started. Raises `Refused` 4.2 if the request id was another campaign.
        """
        new = NewCampaign(
            pattern=pattern, rows=_rows(subscriptions), rate=rate, selection=selection
        )
        campaign, anew = await self._patience.in_thread(self._create, new)
        with suppress(NotAvailable), without_patience():
            await self.tell(campaign)
        return Started(campaign=campaign, repeated=not anew)

    def _create(self, new: NewCampaign) -> tuple[str, bool]:
        with self._ledger.read() as connection:
            found = campaigns.of_request(connection, self._ledger.seller, new.request_id)
            if found is not None:
                return campaigns.same(found, new), False
        require_known(self._ledger, new.rows)
        with self._ledger.transaction("campaign") as connection:
            campaign, anew = campaigns.create(connection, self._ledger.seller, new, machine_now())
            if anew:
                after = {"do": new.pattern.do, "rows": len(new.rows), "rate": new.rate}
                self._record(connection, "start_campaign", campaign, after, new.pattern.actor)
            return campaign, anew

    async def started_by(self, request_id: str) -> str | None:
        """The id of the campaign that a request id has started, or None."""
        inputs.required("request_id", request_id, inputs.read_id)

        def read() -> str | None:
            with self._ledger.read() as connection:
                found = campaigns.of_request(connection, self._ledger.seller, request_id)
            return None if found is None else str(found.id)

        return await self._patience.in_thread(read)

    # controls

    async def pause(self, campaign: str) -> CampaignState:
        """Take no further row until `resume`. Rows under way are finished.

        Raises `Faults` for a campaign that is over, and `Refused` 4.1 for one that does not exist.
        So do the other controls.
        """
        return await self._control(campaign, Control.PAUSE)

    async def resume(self, campaign: str) -> CampaignState:
        """Go on after a pause. One that is finished tries its unknown rows once more."""
        return await self._control(campaign, Control.RESUME)

    async def stop(self, campaign: str) -> CampaignState:
        """Take no further row, for good. Rows under way are finished."""
        return await self._control(campaign, Control.STOP)

    async def _control(self, campaign: str, what: Control) -> CampaignState:
        def write() -> CampaignState:
            self._require(campaign)
            with self._ledger.transaction("campaign_state") as connection:
                state = campaigns.control(connection, campaign, what, machine_now())
                self._record(connection, "control_campaign", campaign, {"do": str(what)})
                return state

        state = await self._patience.in_thread(write)
        with suppress(NotAvailable), without_patience():
            await self.tell(campaign)
        return state

    async def set_rate(self, campaign: str, rate: int) -> None:
        """Change the rate, in rows per second. Raises `Faults`."""
        checked = check_rate(rate)

        def write() -> None:
            self._require(campaign)
            with self._ledger.transaction("campaign_state") as connection:
                campaigns.set_rate(connection, campaign, checked)
                self._record(connection, "set_campaign_rate", campaign, {"rate": checked})

        await self._patience.in_thread(write)

    def _record(
        self,
        connection: Connection,
        act: Act,
        campaign: str,
        after: dict[str, Any],
        actor: str | None = None,
    ) -> None:
        """Record an act in the audit. `actor`: who acts. Default: as the door has said."""
        who = acting()
        with as_one(who if actor is None else replace(who, actor=actor)):
            audit.add(connection, self._ledger.seller, act, subject=campaign, after=after)

    def _require(self, campaign: str) -> None:
        """Raise `Refused` 4.1 unless it is a campaign of the seller."""
        inputs.required("campaign", campaign, inputs.read_id)
        query = select(CampaignRow.id).where(
            CampaignRow.id == campaign, CampaignRow.seller == self._ledger.seller
        )
        with self._ledger.read() as connection:
            if connection.execute(query).first() is None:
                raise Refused(Rule.PURCHASE, f"there is no campaign {campaign}")

    # workflows

    async def tell(self, campaign: str) -> None:
        """Start the workflow of a campaign, or tell it that the state has changed. Note it."""

        def read() -> tuple[CampaignState, str]:
            with self._ledger.read() as connection:
                row = campaigns.find(connection, campaign)
                return CampaignState(row.state), row.seller

        def note(state: CampaignState) -> None:
            with self._ledger.transaction("campaign_told") as connection:
                campaigns.told(connection, campaign, state)

        (state, seller), config = await self._patience.in_thread(read), self._config
        await self._patience.call(
            lambda: self._temporal.start_workflow(
                "Campaign",
                CampaignInput(
                    campaign=campaign,
                    queue=campaign_queue(config.task_queue),
                    activity_seconds=config.activity_seconds,
                ),
                id=campaign_workflow(campaign),
                task_queue=config.task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                task_timeout=timedelta(seconds=config.workflow_task_seconds),
                start_signal="changed",
                memo=memo_of(seller),
            )
        )
        await self._patience.in_thread(note, state)

    async def tell_missing(
        self, limit: int, past: Sequence[str], failed: Callable[[str, Exception], None]
    ) -> int:
        """Tell the workflows that a crash has left behind. Returns how many were tried.

        `past`: campaigns that are skipped. `failed`: is called for each that cannot be told.
        """

        def read() -> list[str]:
            with self._ledger.read() as connection:
                return campaigns.untold(connection, limit, past)

        found = await self._patience.in_thread(read)
        for campaign in found:
            try:
                await self.tell(campaign)
            except NotAvailable:
                raise
            except Exception as error:
                failed(campaign, error)
        return len(found)


def require_known(ledger: Ledger, rows: Sequence[Row]) -> None:
    """Raise `Faults` with each row whose subscription was never created, or is not the seller's."""
    known: set[str] = set()
    with ledger.read() as connection:
        for first in range(0, len(rows), _CHUNK):
            ids = [row.subscription for row in rows[first : first + _CHUNK]]
            query = (
                select(SubscriptionRow.id)
                .join(AccountRow, AccountRow.id == SubscriptionRow.account)
                .where(one_of(SubscriptionRow.id, ids), AccountRow.seller == ledger.seller)
            )
            known.update(connection.execute(query).scalars())
    faults = [
        Fault(f"line {row.line}", f"subscription {row.subscription} was never created")
        for row in rows
        if row.subscription not in known
    ]
    if faults:
        raise Faults(at_most(faults))


def _rows(subscriptions: Iterable[str | Row]) -> tuple[Row, ...]:
    return tuple(
        one if isinstance(one, Row) else Row(number, one)
        for number, one in enumerate(subscriptions, start=1)
    )
