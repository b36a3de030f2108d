"""The reconciliation, part by part. A Temporal Schedule starts it (`doors.service.reconciliation`).

It has no retry limit: while the database is away it waits, and the schedule skips the next ones.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy

with workflow.unsafe.imports_passed_through():
    from core.domain.findings import Part, ReconcileRequest, ReconcileResult, ReconciliationReport

_AGAIN = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
_LAST = Priority(priority_key=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationInput:
    """Where a reconciliation stands.

    `parts`: the parts still to do.
    `after`: the place in the first of them.
    `report`: what was found so far.
    `full`: whether it looks at everything. Default: at what is new and late, and at a slice.
    """

    parts: tuple[Part, ...] = tuple(Part)
    after: str = ""
    report: ReconciliationReport = field(default_factory=ReconciliationReport)
    full: bool = False
    schema: int = 1


@workflow.defn(name="Reconciliation")
class ReconciliationWorkflow:
    """A reconciliation."""

    @workflow.run
    async def run(self, start: ReconciliationInput) -> ReconciliationReport:
        """Run all parts. The report is the result of the workflow."""
        place = start
        while place.parts:
            place = await _batch(place)
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(place)
        return place.report


async def _batch(place: ReconciliationInput) -> ReconciliationInput:
    part = place.parts[0]
    result: ReconcileResult = await workflow.execute_activity(
        "reconcile",
        ReconcileRequest(part=part, now=workflow.now(), after=place.after, full=place.full),
        result_type=ReconcileResult,
        start_to_close_timeout=timedelta(minutes=10),
        retry_policy=_AGAIN,
        priority=_LAST,
    )
    report = place.report.plus(part, result.findings, result.checked, result.left_out)
    if result.after is not None:
        return replace(place, after=result.after, report=report)
    return replace(place, parts=place.parts[1:], after="", report=report)
