"""A signal never stops a workflow: one that its handler cannot read is dropped with a log line.

The SDK drops what cannot be decoded, but calls the handler with any number of values. That error
would block the workflow until the code is mended. Handlers of signals only enqueue, so the log line
hides no error of this code.
"""

from temporalio import workflow
from temporalio.worker import (
    HandleSignalInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)


class Tolerant(Interceptor):
    """For the workers of workflows, and for the replay of histories."""

    def workflow_interceptor_class(
        self, _: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        """The class that wraps the handlers."""
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002  (the SDK's name)
        try:
            await super().handle_signal(input)
        except Exception as error:
            workflow.logger.warning("a signal %s was dropped: %s", input.signal, error)
