"""The workers, by role, for the process that hosts them: `worker.py`, or one that plays on a stack of its own.

workflows   decides what happens when; renewals from the wallet run here as local activities
activities  renews, marks failed, expires, carries out commands
charge      calls the card gateway, at a limited rate
"""

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import structlog
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from doors.application.perennial import Perennial
from doors.service.reconciliation import reconciling
from settings import Settings
from workflows.account import AccountWorkflow
from workflows.lenient_signals import Tolerant
from workflows.reconciliation import ReconciliationWorkflow
from workflows.subscription import SubscriptionWorkflow

log = structlog.get_logger()

#: Pure packages that the workflow sandbox takes as they are.
PASSED_THROUGH = (
    "core.domain",
    "core.protocol",
    "workflows",
    "pydantic",
    "pydantic_core",
    "zoneinfo",
    "tzdata",
    "babel",
    "dateutil",
    "structlog",
)
WORKFLOWS = (SubscriptionWorkflow, AccountWorkflow, ReconciliationWorkflow)
ROLES = ("workflows", "activities", "charge")


def sandbox() -> SandboxedWorkflowRunner:
    """What workflows run in."""
    return SandboxedWorkflowRunner(
        SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    )


def worker_of(
    role: str, perennial: Perennial, config: Settings, threads: ThreadPoolExecutor
) -> Worker:
    """A Temporal worker of a role that has one."""
    activities = perennial.activities
    graceful = timedelta(seconds=config.shutdown_seconds)
    match role:
        case "workflows":
            return Worker(
                perennial.temporal,
                task_queue=config.task_queue,
                workflows=WORKFLOWS,
                interceptors=[Tolerant()],
                activities=activities.registered(),
                activity_executor=threads,
                no_remote_activities=True,
                workflow_runner=sandbox(),
                disable_eager_activity_execution=True,
                max_cached_workflows=config.workflow_cache,
                max_concurrent_workflow_tasks=8,
                max_concurrent_local_activities=config.activity_threads,
                graceful_shutdown_timeout=graceful,
            )
        case "activities":
            return Worker(
                perennial.temporal,
                task_queue=config.task_queue,
                activities=[*activities.registered(), reconciling(perennial)],
                activity_executor=threads,
                max_concurrent_activities=config.activity_threads,
                graceful_shutdown_timeout=graceful,
            )
        case "charge":
            return Worker(
                perennial.temporal,
                task_queue=config.charge_task_queue,
                activities=activities.charging(),
                activity_executor=threads,
                max_concurrent_activities=config.activity_threads,
                max_task_queue_activities_per_second=config.charges_per_second,
                disable_eager_activity_execution=True,
                graceful_shutdown_timeout=graceful,
            )
    raise ValueError(f"there is no worker {role}")


@asynccontextmanager
async def running(
    roles: Sequence[str], perennial: Perennial, config: Settings
) -> AsyncIterator[None]:
    """Run the workers of some roles in this process, as long as the context is open; leaving it drains them."""
    async with AsyncExitStack() as stack:
        for role in roles:
            threads = stack.enter_context(
                ThreadPoolExecutor(config.activity_threads, thread_name_prefix=role)
            )
            await stack.enter_async_context(worker_of(role, perennial, config, threads))
        yield
