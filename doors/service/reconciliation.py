"""Reconciliation, on request (`reconcile`) and on a Temporal Schedule (`ensure_schedule`).

The schedule runs an incremental pass every hour. `activities.reconciliation` does the work.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, assert_never

import structlog
from temporalio import activity
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import (
    RPCTimeoutOrCancelledError,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from activities.reconciliation.alarms import raise_alarms
from activities.reconciliation.reconcile import Reconciliation
from activities.reconciliation.workflow_port import Limits, Standing
from core.domain.findings import Part, ReconcileRequest, ReconcileResult, ReconciliationReport
from core.domain.steps import Subject, SubjectKind
from core.ledger.clocks import machine_now
from core.protocol.activity_messages import AccountSnapshot, Snapshot
from core.protocol.campaign_messages import campaign_workflow
from core.protocol.workflow_messages import workflow_id
from doors.application.perennial import Perennial
from doors.service.every_seller import every_seller
from workflows.reconciliation import ReconciliationInput

log = structlog.get_logger()

#: An activity or a workflow task is in trouble after this number of attempts.
_TROUBLE = 5
_QUERY = timedelta(seconds=5)
#: So many incremental passes look at every account and ask every workflow once.
_PASSES = 24


async def reconcile(
    perennial: Perennial,
    progress: Callable[[Part, int], None] | None = None,
    *,
    full: bool = False,
) -> ReconciliationReport:
    """Reconcile now in this process. No worker needs to run.

    `full`: look at everything. Default: at what is new and late, and at a slice of the rest.
    `progress` is called with the part and the number of its subjects that were checked. Raises
    `sqlalchemy.exc.OperationalError` if PostgreSQL is away, and `temporalio.service.RPCError` if
    Temporal is away.
    """
    reconciliation, report = _reconciliation(perennial), ReconciliationReport()
    for part in Part:
        after: str | None = ""
        while after is not None:
            result = await reconciliation.reconcile(
                ReconcileRequest(part=part, now=machine_now(), after=after, full=full)
            )
            _tell(part, result)
            report = report.plus(part, result.findings, result.checked, result.left_out)
            after = result.after
            if progress:
                progress(part, report.checked[part.value])
    return report


def reconciling(perennial: Perennial) -> Callable[..., Any]:
    """The activity that the scheduled reconciliation runs."""
    reconciliation = _reconciliation(perennial)

    @activity.defn(name="reconcile")
    async def run(request: ReconcileRequest) -> ReconcileResult:
        result = await reconciliation.reconcile(request)
        _tell(request.part, result)
        await asyncio.to_thread(raise_alarms, perennial.ledger, request.now, request.part, result)
        return result

    return run


def schedule_id(task_queue: str) -> str:
    """The id of an installation's schedule."""
    return f"reconciliation/{task_queue}"


async def ensure_schedule(perennial: Perennial) -> None:
    """Create the schedule of the reconciliation, or update it to the interval of the settings."""
    config = perennial.config
    id_ = schedule_id(config.task_queue)
    wanted = Schedule(
        action=ScheduleActionStartWorkflow(
            "Reconciliation", ReconciliationInput(), id=id_, task_queue=config.task_queue
        ),
        spec=ScheduleSpec(
            intervals=[ScheduleIntervalSpec(every=timedelta(seconds=config.reconcile_seconds))]
        ),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)
        ),
    )
    try:
        await perennial.temporal.create_schedule(id_, wanted)
    except ScheduleAlreadyRunningError:
        handle = perennial.temporal.get_schedule_handle(id_)
        found = (await handle.describe()).schedule
        if found.spec.intervals != wanted.spec.intervals:
            found.spec = wanted.spec
            await handle.update(lambda _: ScheduleUpdate(found))


def _reconciliation(opened: Perennial) -> Reconciliation:
    perennial = every_seller(opened)
    config = perennial.config
    limits = Limits(
        grace=timedelta(seconds=config.reconcile_grace_seconds),
        jitter_seconds=config.jitter_seconds,
        passes=_PASSES,
    )
    return Reconciliation(
        perennial.ledger, perennial.activities.gateway, OnTemporal(perennial), limits
    )


def _tell(part: Part, result: ReconcileResult) -> None:
    """Log each finding and each batch, and count the findings in the metrics."""
    meter = Runtime.default().metric_meter
    for finding in result.findings:
        level = log.warning if finding.repaired else log.error
        level(
            "finding",
            kind=finding.kind.value,
            subject=finding.subject,
            what=finding.what,
            repaired=finding.repaired,
        )
        counter = meter.create_counter("perennial_findings", "What reconciliations have found")
        counter.add(1, {"kind": finding.kind.value, "repaired": str(finding.repaired).lower()})
    repaired = sum(finding.repaired for finding in result.findings)
    log.info(
        "reconciled",
        part=part.value,
        checked=result.checked,
        repaired=repaired,
        left=len(result.findings) - repaired,
    )


class OnTemporal:
    """The workflows on the Temporal server (`activities.reconciliation.workflow_port`)."""

    def __init__(self, perennial: Perennial) -> None:
        self._perennial = perennial

    def _handle(self, subject: Subject) -> Any:
        return self._perennial.temporal.get_workflow_handle(workflow_id(subject))

    async def standing(self, subject: Subject) -> Standing:
        """As `Workflows` describes."""
        return await self._standing(workflow_id(subject))

    async def _standing(self, workflow: str) -> Standing:
        try:
            handle = self._perennial.temporal.get_workflow_handle(workflow)
            description = await handle.describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return Standing(runs=False, idle=True)
        raw: DescribeWorkflowExecutionResponse = description.raw_description
        runs = description.status is WorkflowExecutionStatus.RUNNING
        busy = bool(raw.pending_activities) or raw.HasField("pending_workflow_task")
        return Standing(
            runs=runs,
            idle=not busy,
            trouble=trouble(raw, timedelta(seconds=self._perennial.config.reconcile_grace_seconds)),
        )

    async def known(self, subject: Subject) -> Snapshot | None:
        """As `Workflows` describes."""
        try:
            async with asyncio.timeout(_QUERY.total_seconds()):
                handle = self._handle(subject)
                state: Snapshot = await handle.query("state", result_type=Snapshot)
                return state
        except (
            TimeoutError,
            RPCError,
            RPCTimeoutOrCancelledError,
            WorkflowQueryFailedError,
            WorkflowQueryRejectedError,
        ):
            return None

    async def start(self, subject: Subject) -> None:
        """As `Workflows` describes."""
        match subject.kind:
            case SubjectKind.SUBSCRIPTION:
                await self._perennial.start(subject.id)
            case SubjectKind.ACCOUNT:
                await self._perennial.start_account(subject.id)
            case SubjectKind.NUMBER:
                pass  # A number has no workflow.
            case unreachable:
                assert_never(unreachable)

    async def campaign_standing(self, campaign: str) -> Standing:
        """As `Workflows` describes."""
        return await self._standing(campaign_workflow(campaign))

    async def start_campaign(self, campaign: str) -> None:
        """As `Workflows` describes."""
        await self._perennial.campaigns.tell(campaign)

    async def tell(self, snapshot: Snapshot | AccountSnapshot) -> None:
        """As `Workflows` describes."""
        await self._handle(snapshot.subject).signal("moved", snapshot)


def trouble(raw: DescribeWorkflowExecutionResponse, patience: timedelta) -> str | None:
    """The reason why a workflow does not go on, or None.

    An activity fails again and again, the workflow code fails, or no worker runs. `patience` is how
    long a task may wait for a worker.
    """
    long_ago = machine_now() - patience
    for pending in raw.pending_activities:
        name = pending.activity_type.name
        if pending.attempt >= _TROUBLE and pending.HasField("last_failure"):
            return f"{name} fails: {pending.last_failure.message} (attempt {pending.attempt})"
        waits = (
            pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
            and pending.attempt == 1
        )
        if waits and pending.scheduled_time.ToDatetime(long_ago.tzinfo) < long_ago:
            return f"{name} waits for a worker"
    if raw.HasField("pending_workflow_task"):
        task = raw.pending_workflow_task
        if task.attempt >= _TROUBLE:
            return (
                f"its workflow task fails (attempt {task.attempt}): "
                "its code and its history do not agree, or the code has a fault"
            )
        if task.original_scheduled_time.ToDatetime(long_ago.tzinfo) < long_ago:
            return "it waits for a worker with the role workflows"
    return None
