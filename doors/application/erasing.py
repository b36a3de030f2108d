"""Erases what is still to be erased of accounts, in the database and in Temporal.

The rows go first, page by page (`core.ledger.erasures`). Then the runs of the account's workflows
are deleted, because their histories hold what commands said. A workflow of an erased account has
ended: its subscriptions are TERMINATED, and it has no next step.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from core.ledger import erasures
from core.ledger.erasures import Erasing
from core.ledger.ledger import Ledger
from core.protocol.workflow_messages import account_workflow, subscription_workflow
from doors.application.patience import Patience

_AT_ONCE = 10


async def finish(
    ledger: Ledger,
    temporal: Client,
    patience: Patience,
    erasing: Erasing,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Erase all that is left of an account. It can be repeated, and concurrent calls agree.

    `progress`: is told how many rows each page has looked at.

    Raises `NotAvailable` while a server is away. What was erased until then stays erased.
    """

    for part in erasures.PARTS:
        after: str | None = None
        while True:
            page = await patience.in_thread(erasures.erase_page, ledger, erasing, part, after)
            if progress:
                progress(page.looked_at)
            if page.last is None:
                break
            after = page.last
    if erasing.first:
        await _delete_runs(ledger, temporal, patience, erasing.account)
    await patience.in_thread(erasures.end, ledger, erasing)


async def _delete_runs(ledger: Ledger, temporal: Client, patience: Patience, account: str) -> None:
    """Delete the runs of the account's workflow and of those of its subscriptions."""
    await _delete(temporal, patience, [account_workflow(account)])
    after = ""
    while page := await patience.in_thread(erasures.subscriptions_of, ledger, account, after):
        await _delete(temporal, patience, [subscription_workflow(one) for one in page])
        after = page[-1]


async def _delete(temporal: Client, patience: Patience, workflows: Sequence[str]) -> None:
    queue = asyncio.Semaphore(_AT_ONCE)

    async def one(workflow: str) -> None:
        async with queue:
            await patience.call(lambda: _delete_all_runs(temporal, workflow))

    await asyncio.gather(*map(one, workflows))


async def _delete_all_runs(temporal: Client, workflow: str) -> None:
    """Delete each run of a workflow. One that is gone is no error.

    The list of the server is some moments late, so the newest run is asked for by itself.
    """
    quoted = workflow.replace("\\", "\\\\").replace("'", "\\'")
    runs = {run.run_id async for run in temporal.list_workflows(f"WorkflowId = '{quoted}'")}
    with _gone_is_fine():
        runs.add((await temporal.get_workflow_handle(workflow).describe()).run_id)
    for run in sorted(runs):
        request = DeleteWorkflowExecutionRequest(
            namespace=temporal.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow, run_id=run),
        )
        with _gone_is_fine():
            await temporal.workflow_service.delete_workflow_execution(request)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Go on where a workflow is gone. Any other error is raised."""
    try:
        yield
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
