"""The workflow of one campaign. It runs batch after batch, and waits while the campaign is paused.

The rows and their outcomes are in the database. The workflow carries the id and a place, so its
history stays small: a batch is one activity of some seconds, and after `_BATCHES` of them the
workflow continues as new. A person's control changes the row of the campaign. The batch that runs
sees it. The signal `changed` wakes up a workflow that waits.
"""

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from core.domain.campaigns import CampaignState
    from core.protocol.campaign_messages import BATCH, BatchRequest, BatchResult, CampaignInput
    from core.protocol.workflow_messages import readable
    from workflows.activity_driver import HERD

_AGAIN = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
#: A batch takes rows for some seconds, and waits for the last of them.
_LONGEST_BATCH = timedelta(minutes=5)
_BATCHES = 100


@workflow.defn(name="Campaign")
class CampaignWorkflow:
    """One campaign."""

    @workflow.init
    def __init__(self, start: CampaignInput) -> None:
        self._place = start.place
        self._changed = False

    @workflow.run
    async def run(self, start: CampaignInput) -> None:
        """Run until the campaign is finished or stopped."""
        readable(start.schema)
        for _ in range(_BATCHES):
            self._changed = False
            result = await self._batch(start)
            self._place = result.place
            if result.state in (CampaignState.FINISHED, CampaignState.STOPPED):
                if not self._changed:
                    return
            elif result.state is CampaignState.PAUSED:
                await workflow.wait_condition(lambda: self._changed)
        workflow.continue_as_new(replace(start, place=self._place))

    async def _batch(self, start: CampaignInput) -> BatchResult:
        result: BatchResult = await workflow.execute_activity(
            BATCH,
            BatchRequest(campaign=start.campaign, place=self._place),
            result_type=BatchResult,
            task_queue=start.queue,
            start_to_close_timeout=_LONGEST_BATCH,
            heartbeat_timeout=timedelta(seconds=start.activity_seconds / 2),
            retry_policy=_AGAIN,
            priority=HERD,
        )
        return result

    @workflow.signal
    def changed(self) -> None:
        """The state of the campaign has changed."""
        self._changed = True
