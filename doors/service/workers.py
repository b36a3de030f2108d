"""The workers, by role. `worker.py` hosts them, and so does a process with a stack of its own.

workflows   decides what happens when, and runs renewals from the wallet as local activities
activities  renews, marks failed, expires, runs commands. Beside it, the rows of campaigns
charge      calls the card gateway at a limited rate
"""

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import structlog
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from core.protocol.campaign_messages import campaign_queue
from doors.application.perennial import Perennial
from doors.service import payload_passes
from doors.service.campaigns import campaigning
from doors.service.reconciliation import reconciling
from doors.service.unsandboxed import Unsandboxed
from settings import Settings
from workflows.account import AccountWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.lenient_signals import Tolerant
from workflows.reconciliation import ReconciliationWorkflow
from workflows.subscription import SubscriptionWorkflow

log = structlog.get_logger()

#: Packages that the workflow sandbox does not load anew. They are pure, or safe to share.
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
WORKFLOWS = (SubscriptionWorkflow, AccountWorkflow, ReconciliationWorkflow, CampaignWorkflow)
ROLES = ("workflows", "activities", "charge")
#: Batches of campaigns that a process carries out at once.
_BATCHES_AT_ONCE = 4


def sandbox(workflows: Sequence[type] = WORKFLOWS) -> SandboxedWorkflowRunner:
    """The sandbox that workflows run in. It does not load the modules of `workflows` anew."""
    modules = (workflow.__module__ for workflow in workflows)
    return SandboxedWorkflowRunner(
        SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH, *modules)
    )


def runner_of(config: Settings, workflows: Sequence[type] = WORKFLOWS) -> WorkflowRunner:
    """What runs the workflows of a worker: the sandbox, if the settings ask for it."""
    return sandbox(workflows) if config.workflow_sandbox else Unsandboxed()


def worker_of(
    role: str,
    perennial: Perennial,
    config: Settings,
    threads: ThreadPoolExecutor,
    *,
    workflows: Sequence[type] = WORKFLOWS,
) -> Worker:
    """The Temporal worker of a role.

    `role`: one of `ROLES`. Another one raises ValueError.
    `perennial`: the connection whose activities it runs.
    `config`: the task queues and the limits.
    `threads`: run the activities.
    `workflows`: the workflows that the role `workflows` runs. Default: those of an installation.
    """
    activities = perennial.activities
    graceful = timedelta(seconds=config.shutdown_seconds)
    match role:
        case "workflows":
            payload_passes.use(always=config.payload_passes)
            return Worker(
                perennial.temporal,
                task_queue=config.task_queue,
                workflows=workflows,
                interceptors=[Tolerant()],
                activities=activities.registered(),
                activity_executor=threads,
                no_remote_activities=True,
                workflow_runner=runner_of(config, workflows),
                disable_eager_activity_execution=True,
                max_cached_workflows=config.workflow_cache,
                sticky_queue_schedule_to_start_timeout=timedelta(seconds=config.sticky_seconds),
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


def campaign_worker(perennial: Perennial, config: Settings) -> Worker:
    """The worker of campaigns, beside that of the role `activities`.

    A batch of rows waits for commands, which need slots of that role. So it has slots of its own.
    """
    return Worker(
        perennial.temporal,
        task_queue=campaign_queue(config.task_queue),
        activities=[campaigning(perennial)],
        max_concurrent_activities=_BATCHES_AT_ONCE,
        graceful_shutdown_timeout=timedelta(seconds=config.shutdown_seconds),
    )


@asynccontextmanager
async def running(
    roles: Sequence[str],
    perennial: Perennial,
    config: Settings,
    *,
    workflows: Sequence[type] = WORKFLOWS,
) -> AsyncIterator[None]:
    """Run the workers of some roles in this process while the context is open.

    When the context closes, the workers finish what they are doing. `workflows`: see `worker_of`.
    """
    async with AsyncExitStack() as stack:
        for role in roles:
            threads = stack.enter_context(
                ThreadPoolExecutor(config.activity_threads, thread_name_prefix=role)
            )
            await stack.enter_async_context(
                worker_of(role, perennial, config, threads, workflows=workflows)
            )
            if role == "activities":
                await stack.enter_async_context(campaign_worker(perennial, config))
        yield
