"""A signal is never a reason to stop: one that its handler cannot take (no payload, null, too many) is dropped with a log line.

The SDK drops what cannot be decoded, but calls the handler with whatever number of values came; the error would block the workflow
until the code is mended. Handlers of signals only enqueue, so nothing of ours is hidden here.
"""

from temporalio import workflow
from temporalio.worker import (
    HandleSignalInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)


class Tolerant(Interceptor):
    """For the workers of workflows, and for whoever replays them."""

    def workflow_interceptor_class(
        self, _: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        """What stands before the handlers."""
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:
        try:
            await super().handle_signal(input)
        except Exception as error:
            workflow.logger.warning("a signal %s was dropped: %s", input.signal, error)
