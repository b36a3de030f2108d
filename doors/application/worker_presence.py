"""Whether workers take the work of each task queue, as Temporal knows it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from settings import Settings

_LONGEST = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePresence:
    """The workers of a task queue.

    `what`: whose work it is, in words.
    `workers`: how many have asked for work in the last minutes. None: Temporal does not respond.
    """

    what: str
    workers: int | None


async def worker_presence(temporal: Client, config: Settings) -> Sequence[QueuePresence]:
    """The workers of workflows, of their activities, and of card charges."""
    workflow = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
    activity = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    return await asyncio.gather(
        _of(temporal, "workflows", config.task_queue, workflow),
        _of(temporal, "activities", config.task_queue, activity),
        _of(temporal, "card charges", config.charge_task_queue, activity),
    )


async def _of(
    temporal: Client, what: str, queue: str, kind: "TaskQueueType.ValueType"
) -> QueuePresence:
    try:
        found = await pollers(temporal, queue, kind, _LONGEST)
    except RPCError:
        return QueuePresence(what=what, workers=None)
    return QueuePresence(what=what, workers=len(found))


async def pollers(
    temporal: Client,
    queue: str,
    kind: "TaskQueueType.ValueType",
    longest: timedelta | None = None,
) -> Sequence[PollerInfo]:
    """The workers that have asked for work of a queue in the last five minutes.

    `longest`: how long Temporal may take. Default: any time. Raises `RPCError`.
    """
    request = DescribeTaskQueueRequest(
        namespace=temporal.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    found = await temporal.workflow_service.describe_task_queue(request, timeout=longest)
    return found.pollers
